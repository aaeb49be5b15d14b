"""A conditional random field trained on labelled texts: it finds what no rule names.

Rules find what has a shape or a cue that somebody thought of; the tagger weighs the words around a
value. It was trained on the made-up texts of `examples/` (`python -m examples.train_tagger`).
Whatever looks more than `THRESHOLD` like personal data is taken, as a value that is missed costs
more than one too many; quantities, scores, drugs, eponyms and words of everyday language stay.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple, cast

import pycrfsuite

from pulsemind.data.chinese_at import is_drug
from pulsemind.data.chinese_cues import is_nobody
from pulsemind.data.chinese_words import is_plain_word, is_word
from pulsemind.data.detectors import Span
from pulsemind.data.english_words import (
    is_eponym,
    is_eponym_pair,
    is_listed,
    is_no_word,
    no_names,
    title,
)
from pulsemind.data.hospitals import has_name_of_its_own
from pulsemind.data.kinds import Kind
from pulsemind.data.tagger_features import Token, features, is_quantity, tokens
from pulsemind.data.tokens import tokens_of
from pulsemind.data.wordlists import words

MODEL = Path(__file__).with_name("personal.crfsuite.gz")
THRESHOLD = 0.1
"""Probability of being personal data, of whatever kind, from which a token is taken."""
BED = 0.35
"""Probability from which a number is taken for that of a bed: most numbers are none."""
SURE = 0.8
"""Probability from which everyday words, and what cuts one in two, are taken as well."""
OUTSIDE = "O"
"""The label of a token that is no personal data; the others are kinds."""
_ONE_AT_A_TIME = Lock()
"""The library's tagger holds the text it is asked about."""


class _Tagged(NamedTuple):
    token: Token
    kind: Kind
    chance: float


def detect_tagged(masked: str) -> Iterator[Span]:
    """Personal data in a masked text by what stands around it; spans do not overlap.

    A long text is read in pieces, so that the memory does not grow with it.
    """
    for piece in _PIECE.finditer(masked):
        for span in _detect(piece.group()):
            yield Span(piece.start() + span.start, piece.start() + span.stop, span.kind)


def _detect(masked: str) -> Iterator[Span]:
    for span, chance in _joined(masked, _tagged(masked, tokens(masked))):
        value = masked[span.start : span.stop]
        if not _has_shape(span.kind, value) or _is_clinical(masked, span, value):
            continue
        if chance >= SURE or not (_is_plain(span.kind, value) or _cuts_words(masked, span, value)):
            yield span


def _tagged(masked: str, found: list[Token]) -> list[_Tagged]:
    """The tokens that look like personal data; signs around them and quantities are left out."""
    if not found:
        return []
    tagged = []
    seen = features(masked, found)
    with _ONE_AT_A_TIME:
        model = _model()
        model.set(seen)
        kinds = [cast(Kind, label) for label in model.labels() if label != OUTSIDE]
        for place, token in enumerate(found):
            chance = 1 - model.marginal(OUTSIDE, place)
            if chance < THRESHOLD or not _WRITTEN.match(token.text):
                continue
            kind = max(kinds, key=lambda kind: model.marginal(kind, place))
            if kind == "bed_number" and chance < BED:
                continue
            after = masked[token.stop : token.stop + 1]
            if kind == "age_over_89" and after in _OF_A_VALUE:
                continue
            if kind in _WITH_UNITS or not is_quantity(masked, token):
                tagged.append(_Tagged(token, kind, chance))
    return tagged


def _joined(masked: str, tagged: Iterable[_Tagged]) -> list[tuple[Span, float]]:
    """Neighbours of one kind as one span, with the chance of the surest of them."""
    joined: list[tuple[Span, float]] = []
    for token, kind, chance in tagged:
        if joined:
            last, before = joined[-1]
            between = masked[last.stop : token.start]
            mixed = between and _is_han(masked[last.stop - 1]) != _is_han(token.text)
            if (
                last.kind == kind
                and "  " not in between
                and not between.strip(_JOINTS)
                and not (mixed and kind in _PEOPLE)  # 缪杏花 Hb
            ):
                joined[-1] = Span(last.start, token.stop, kind), max(chance, before)
                continue
        joined.append((Span(token.start, token.stop, kind), chance))
    return joined


def _is_han(text: str) -> bool:
    return _HAN.match(text) is not None


def _has_shape(kind: Kind, value: str) -> bool:
    """Whether a value has what every value of its kind has; no score such as 4/10 is a date."""
    shape = _SHAPES.get(kind)
    if kind == "date" and (_SCORE.fullmatch(value) or not _may_be_day(value)):
        return False
    return shape is None or shape.search(value) is not None


def _may_be_day(value: str) -> bool:
    """False of two numbers that are no day and month, nor month and year: 92/50, 20/200.

    6/36 and 6/60 are what an eye sees.
    """
    two = _TWO_NUMBERS.fullmatch(value)
    if two is None:
        return True
    first, second = int(two[1]), int(two[3])
    small, large = sorted((first, second))
    year = two[2] == "/" and len(two[3]) == 2 and first <= 12 and second not in (36, 60)
    return 0 < small <= 12 and (large <= 31 or year)


def _is_clinical(masked: str, span: Span, value: str) -> bool:
    """Whether what looks like a person, plate or address is a drug, an eponym, a test's value."""
    if span.kind in _PEOPLE:
        return _is_medicine(value) or _is_of_eponym(masked, span) or _is_score(masked, span, value)
    if span.kind == "plate":
        before = masked[max(0, span.start - _CUE_REACH) : span.start]
        return _TEST.fullmatch(value) is not None and _PLATE_CUE.search(before) is None
    return span.kind == "address" and any(
        is_drug(word) or word in words("drugs_more.txt") for word in _HAN_WORD.findall(value)
    )


def _is_score(masked: str, span: Span, value: str) -> bool:
    """Whether capitals that are no listed name stand before a number that is no age or bed."""
    return (
        re.fullmatch("[A-Z]{2,6}", value) is not None
        and not is_listed(value)
        and _VALUE_AFTER.match(masked, span.stop) is not None
    )


def _is_medicine(value: str) -> bool:
    """Whether what looks like a person ends in a drug, or is a word of medicine or a common one."""
    if not _HAN.search(value):
        if not re.search(r"[^\W\d_]{3}", value):
            return True  # Oh, Hm: names as short as these need a cue, which rules see
        return is_drug(value.lower()) or value.lower() in words("drugs_more.txt")
    ends = (value[place:] for place in range(len(value) - 1))
    frequent = is_plain_word(value) and is_word(value, _FREQUENT)
    drug = is_drug(value) or any(end in words("drugs_more.txt") for end in ends)
    return frequent or drug or is_nobody(value)


def _is_of_eponym(masked: str, span: Span) -> bool:
    """Whether Latin letters are part of an eponym: Epstein-Barr virus, Kluver-Bucy syndrome."""
    near = max(0, span.start - _CUE_REACH)
    before = re.search(r"[A-Za-zÀ-ɏ'’-]*$", masked[near : span.start])
    begin = span.start - len(before.group() if before else "")
    whole = re.compile(r"[A-Za-zÀ-ɏ'’-]*").match(masked, begin)
    if _EPONYM_ZH.match(masked, span.start):
        return True
    return is_eponym(masked, span.stop) or is_eponym_pair(whole.group() if whole else "")


def _is_plain(kind: Kind, value: str) -> bool:
    """Whether a value is words of everyday language, or a hospital without a name."""
    chinese = _HAN.search(value) is not None
    if kind == "hospital":
        return chinese and not has_name_of_its_own(value)
    if kind not in _PEOPLE:
        return False
    if chinese:
        return len(value) > 1 and is_plain_word(value)
    return all(_is_plain_english(word) for word in re.findall(r"[^\W\d_]{2,}", value))


def _cuts_words(masked: str, span: Span, value: str) -> bool:
    """Whether a Chinese value begins or ends inside a word of everyday language: 选<择很明智>."""
    if span.kind not in (*_PEOPLE, "hospital") or not _HAN.match(value):
        return False
    begin, end = max(0, span.start - _NEAR), span.stop + _NEAR
    for start, stop, word, _ in tokens_of(masked[begin:end], lambda _: _WORDS_ONLY):
        for edge in (span.start - begin, span.stop - begin):
            if start < edge < stop and is_plain_word(word):
                return True
    return False


def _is_plain_english(word: str) -> bool:
    return title(word) in no_names() or not (is_no_word(word) or is_listed(word))


_PIECE = re.compile(r"(?s).{1,20000}(?=[\s。！？；]|\Z)|.{1,20000}")
"""What is read at a time: it ends where a sentence or word does, if one does."""
_PEOPLE = ("name", "physician")
_WORDS_ONLY = [(0, 0)]
"""No place at which jieba shall guess words that its dictionary lacks."""
_NEAR = 6
"""Characters to each side of a value among which words are looked for."""
_WRITTEN = re.compile("[0-9A-Za-zÀ-ÖØ-öø-ɏ\u3400-\u9fff]")
"""What a value is made of; signs and other scripts are no part of it."""
_VALUE_AFTER = re.compile(r"[ :：=]{1,3}\d+(?!\d|[A-Z]\b|\s?(?:y\b|yo|y/o|yr|[MFmf]\b|岁|床))")
"""Behind capitals it is the value of a score or test: GCS 9."""
_TEST = re.compile(r"[A-Z]{2,4} \d{1,3}")
_PLATE_CUE = re.compile(
    r"(?i:\b(?:plates?|reg(?:istration)?|rego|licen[cs]e|cars?|vans?|vehicle)\b)|车|牌"
)
_CUE_REACH = 24
_HAN_WORD = re.compile("[\u4e00-\u9fff]{2,}")
_EPONYM_ZH = re.compile("[A-Za-z]{3,}(?:[征病瘤]|坏疽|综合|反应|试验|评分)")
"""Fournier坏疽: what is joined to a disease is no person."""
_FREQUENT = 2000
"""jieba's count from which a word is no name whatever stands around it: 顺利."""
_SHAPES: dict[Kind, re.Pattern[str]] = {
    "phone": re.compile(r"(?:\d\D*){4}"),
    "id_number": re.compile(r"(?:\d\D*){3}"),
    "record_number": re.compile(r"\d"),
    "plate": re.compile(r"(?:\d\D*){2}"),
    "url": re.compile(r"[./]"),
    "email": re.compile(r"[@.]"),
    "date": re.compile(r"\d\D+\d|\d{4}|\d(?:st|nd|rd|th)|[A-Za-z]{3}|[\u4e00-\u9fff]{2}"),
    "age_over_89": re.compile(r"(?<!\d)(?:9\d|1[0-2]\d)(?!\d)|[A-Za-z]{6}|[九百]"),
    "address": re.compile(r"[A-Za-z]{4}|[\u4e00-\u9fff]{2}"),
}
"""What a value of a kind has at least."""
_HAN = re.compile("[\u4e00-\u9fff]")
_OF_A_VALUE = ("/", "%", "°")
"""What stands behind a number that is no age: a pulse of 93/min."""
_SCORE = re.compile(r"\d{1,2}/(?:5|10|15|20|30)|\d+\s?×\s?\d+")
_TWO_NUMBERS = re.compile(r"(\d{1,3})([/.])(\d{1,3})")
_WITH_UNITS = ("date", "age_over_89", "address")
"""Kinds whose values hold numbers with units: 3 月 5 日, 90 岁."""
_JOINTS = " -./·'’@_:&#+"
"""Signs between the parts of one value."""


@cache
def _model() -> pycrfsuite.Tagger:
    model = pycrfsuite.Tagger()
    model.open_inmemory(_content())
    return model


@cache
def _content() -> bytes:
    """Kept as long as the model, which reads in it and has no copy of its own."""
    return gzip.decompress(MODEL.read_bytes())
