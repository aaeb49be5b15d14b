# ruff: noqa: E501 - patterns and tables stand on one line
"""People's names in English text, without a model: lists, shapes and cues.

A cue (Mr., my name is, my wife, signed by, ..., MD) makes a name of any capitalised words beside
it. Without one, a name needs a given or family name of the lists; names that are words, months,
drugs or eponyms as well need both; and a word before "sign", "disease", "score" is an eponym.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import pairwise

from pulsemind.data.detectors import Span
from pulsemind.data.drugs import drugs
from pulsemind.data.english_cues import (
    CAPS,
    CUES,
    HUMAN,
    LINK,
    PARTICLES,
    RELATIVE,
    SLIGHT_CUES,
    SURE_CUES,
    UP,
    WORD,
)
from pulsemind.data.finder import Finder, finder
from pulsemind.data.known_names import family_names, folded, given_names, is_ordinary
from pulsemind.data.kinds import Kind
from pulsemind.data.wordlists import words

_RUN = finder(rf"\b(?:{WORD}|{CAPS}|[A-Z]\.?)(?:{LINK}(?:{WORD}|{CAPS}|[A-Z]\b\.?))*")
_PART = re.compile(rf"{WORD}|{CAPS}|[A-Z]\b\.?")
_BETWEEN = re.compile(rf"[ \t\u00a0]+(?:[A-Z]\.?[ \t]+)?{PARTICLES}?|,[ \t]*")
_LOWER_CUE = finder(
    r"(?i:\b(?:my\s+name\s+is|my\s+name's|i\s+am|i'm|this\s+is|name\s*:))\s+(?P<v>[a-z]+(?:\s+[a-z'-]+)?)"
)
_LOWER_PAIR = finder(r"\b([a-z]{3,})\s+([a-z']{3,})\b")
_LOWER_LONE = finder(
    rf"\b(?:(?:{RELATIVE}|hi|hello|hey|dear|thanks|bye|okay|ok|yeah|right|saw|seeing|this\s+is|so|now|well|alright)\s*,?\s+(?P<x>[a-z]{{4,}})\b(?=\s*[,.?!]|\s+is\b))"
    rf"|\b(?:(?:{RELATIVE}|saw|met|told|asked|from|with|for|by|dr\.?|mr\.?|mrs\.?|ms\.?)\s+(?P<v>[a-z]{{4,}})\b)"
    rf"|\b(?P<w>[a-z]{{4,}})(?=\s+(?:{HUMAN}|had|has|is\s+an?\s+\d)\b|\s?['’]s\b)"
)
_EPONYM_ZH = re.compile(
    "(?:['’]s)?[ -]?[(（]?(?:[法征氏病术线管斑]|综合|反射|试验|实验|分[级期型类]|评分|细胞|小体|结节|指数|公式|定律|三[联角]|现象|量表|骨折|韧带|手术|标准|染色|淋巴|瘤|呼吸|脉|杂音|疗法|方案|级)"
)
_PARTICLES_BEFORE = re.compile(rf"(?<![A-Za-z]){PARTICLES}{{1,2}}$")
_GRADE_AFTER = re.compile(
    r"[ -](?:I(?=[,.;:)]|$|[级型期度]|[abc]\b)|II{1,2}|IV|VI{0,3}|IX)(?:[abcABC])?(?![A-Za-z.'’])"
)
_SHORT = frozenset(
    [
        "Li",
        "Wu",
        "Xu",
        "Hu",
        "Ma",
        "Ye",
        "Yu",
        "Lu",
        "Su",
        "Du",
        "Qi",
        "He",
        "Bo",
        "Li",
        "Ng",
        "Ho",
        "Lo",
        "Oh",
        "An",
        "Im",
        "Ko",
        "Vo",
        "Bu",
        "Le",
        "Ly",
        "Ai",
        "Ba",
        "Ha",
        "Ta",
        "Al",
        "Ed",
        "Jo",
        "Mo",
        "Cy",
        "Di",
    ]
)
"""Names of two letters."""
_KOREAN = rf"[{UP}][a-z]{{1,5}}-[a-z]{{2,5}}"
"""Two syllables of a given name, the second in small letters."""
_SYLLABLE = "(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:i?ang|i?ong|u?ang|[iu]?an|[iuü]?e|u?eng|[ui]?en|i?ao|i?ou|u?ai|u?ei|ing|[aeiou]ng|[iu]n|ia|ua|uo|ui|iu|[aeiouü])"
_PINYIN = re.compile(rf"{_SYLLABLE}(?:['-]?{_SYLLABLE})?", re.IGNORECASE)


@cache
def _cues() -> tuple[tuple[Callable[[str], bool], Kind, Finder], ...]:
    tiers = ((_anything, SURE_CUES), (_is_no_word, CUES), (_may_be_name, SLIGHT_CUES))
    return tuple(
        (accept, kind, finder(pattern)) for accept, cues in tiers for kind, pattern in cues
    )


def detect_english(text: str) -> Iterator[Span]:
    """People's names in the English parts of a masked text; spans may overlap."""
    for accept, kind, pattern in _cues():
        for found in pattern.finditer(text):
            span = _trimmed(text, found.start("v"), found.end("v"), kind)
            if span and any(
                accept(part.group()) for part in _PART.finditer(text, span.start, span.stop)
            ):
                yield span
    for run in _RUN.finditer(text):
        yield from _listed(text, [(p.start(), p.end()) for p in _PART.finditer(text, *run.span())])
    yield from _lower_case(text)


def is_eponym(text: str, stop: int) -> bool:
    """Whether the word that ends at `stop` names a sign, disease, score, ... and not a person."""
    after = re.match(
        r"(?:['’]s)?(?:[ \t-]+[A-Z][a-z]+(?:['’]s)?)?[ \t-]+(\(?[A-Za-z]+)", text[stop:]
    )
    if _EPONYM_ZH.match(text, stop) or _GRADE_AFTER.match(text, stop):
        return True
    near = re.match(r"(?:['’]s)?[ \t-]+([A-Za-z]+)", text[stop:])
    nouns = words("clinical_nouns_en.txt")
    return any(found is not None and found.group(1) in nouns for found in (after, near))


def opens_sentence(text: str, start: int) -> bool:
    """Whether the word at `start` is capital by its place."""
    return re.search(r"(?:^|[.!?:;\n\"“(•*-])\s*$", text[max(0, start - 4) : start]) is not None


def _trimmed(text: str, start: int, stop: int, kind: Kind) -> Span | None:
    """Cut a cue's words before the first, and after the last, that can belong to a name."""
    kept: list[tuple[int, int]] = []
    for part in _PART.finditer(text, start, stop):
        word = part.group()
        if _title(word) in words("not_english_names.txt") and not (
            kept and _follows_given_name(word)
        ):
            if kept:
                break
            continue
        if _title(word) in words("clinical_nouns_en.txt") or (
            len(word) > 1 and word.lower() in words("overlay.txt") and not _is_family(word)
        ):
            break
        kept.append(part.span())
    long = [n for n, (a, b) in enumerate(kept) if b - a > 2 or text[a:b] in _SHORT]
    if not long or is_eponym(text, kept[-1][1]):
        return None
    if all(_is_eponym_pair(text[a:b]) for a, b in kept):
        return None
    particles = _PARTICLES_BEFORE.search(text, max(0, kept[0][0] - 12), kept[0][0])
    start = max(start, particles.start()) if particles else kept[0][0]
    return Span(start, kept[-1][1], kind)


def _is_double_given(word: str) -> bool:
    """Two given names joined (Jean-Pierre); two family names alone are more often an eponym."""
    return all(folded(part) in given_names() for part in word.split("-"))


def _follows_given_name(word: str) -> bool:
    """Whether an eponym or a place is the family name of somebody named before it."""
    return _is_name(word) or (folded(word) in family_names() and not is_ordinary(word))


def _anything(_: str) -> bool:
    return True


@lru_cache(maxsize=1 << 14)
def _is_no_word(word: str) -> bool:
    """A listed name, or no word of ordinary language, of medicine or of the lists of no names."""
    if _is_name(word):
        return True
    parts = [part for part in re.split("['’-]", word) if len(part) > 1]
    return (
        len(word) > 1
        and not (word.isupper() and len(word) < 6 and not _is_listed(word))
        and not all(is_ordinary(part) for part in parts)
        and not (len(parts) > 1 and parts[-1].islower() and is_ordinary(parts[-1]))
        and folded(word) not in _folded("not_english_names.txt")
        and not _is_medical(word)
    )


def _is_listed(word: str) -> bool:
    return len(word) > 3 and (folded(word) in given_names() or folded(word) in family_names())


def _is_medical(word: str) -> bool:
    """A drug, a word of image overlays, an abbreviation, an eponym joined to another."""
    return (
        (word.lower() in words("overlay.txt") and folded(word) not in family_names())
        or any(True for _ in drugs(word.lower()))
        or _is_eponym_pair(word)
        or any(_title(part) in words("not_english_names.txt") for part in word.split("-"))
    )


@lru_cache(maxsize=1 << 14)
def _may_be_given(word: str) -> bool:
    """A given name of any country that is no word."""
    return _is_no_word(word) and (
        any(part in given_names() for part in _parts(word))
        or re.fullmatch(_KOREAN, word) is not None
    )


@lru_cache(maxsize=1 << 14)
def _may_be_family(word: str) -> bool:
    """A family name of any country that is no word."""
    return _is_no_word(word) and any(part in family_names() for part in _parts(word))


def _may_be_name(word: str) -> bool:
    return _may_be_given(word) or _may_be_family(word)


def _parts(word: str) -> list[str]:
    whole = folded(word)
    return [whole, *(part for part in whole.split("-") if len(part) > 2)]


def _is_eponym_pair(word: str) -> bool:
    """Two names joined by a hyphen that are both eponyms (Child-Pugh), or one and a particle."""
    parts = [part for part in word.split("-") if len(part) > 2]
    return "-" in word and all(_title(part) in words("not_english_names.txt") for part in parts)


def _is_verb(text: str, stop: int) -> bool:
    """Whether an unclear word stands where a verb does: "Mark the area", "Will it"."""
    return bool(
        re.match(r"[ \t]+(?:the|an?|your|my|this|that|it|be|not|you|I|we|they)\b", text[stop:])
    )


def _title(word: str) -> str:
    return word.capitalize() if word.isupper() else word


def _is_no_plain_word(word: str) -> bool:
    """Whether a word after "dr" in small letters can be a name: no verb, no word that goes on."""
    return word not in words("after_dr_en.txt") and not re.search(r"(?:ed|ing|ly|tion|ment)$", word)


@cache
def _folded(name: str) -> frozenset[str]:
    return frozenset(folded(word) for word in words(name))


def _is_given(word: str) -> bool:
    return word.casefold() in _folded("given_en.txt")


def _is_family(word: str) -> bool:
    parts = re.split("[-]", word.replace("’", "'").casefold())
    return any(part in _folded("family_en.txt") for part in parts)


def _is_name(word: str) -> bool:
    return _is_given(word) or _is_family(word)


def is_unclear(word: str) -> bool:
    """Whether a listed name is as well an ordinary word, a month, a drug or an eponym."""
    folded = word.casefold()
    return folded in _folded("unclear_en.txt") or folded in _folded("not_english_names.txt")


def _is_pinyin_name(first: str, second: str) -> bool:
    """Family name in pinyin beside a word of one or two syllables; words such as "He Can" are not."""
    families = words("pinyin_families.txt")
    pairs = ((first, second), (second, first))
    return not (is_unclear(first) and is_unclear(second)) and any(
        _title(a) in families and len(b) > 1 and _PINYIN.fullmatch(b) for a, b in pairs
    )


def _listed(text: str, parts: list[tuple[int, int]]) -> Iterator[Span]:
    """Names that the lists know, in a run of capitalised words."""
    whole = [(a, b) for a, b in parts if b - a > 2 or (text[a:b].isalpha() and b - a > 1)]
    for (a, b), (c, d) in pairwise(whole):
        first, second, between = text[a:b], text[c:d], text[b:c]
        if is_eponym(text, d) or not _BETWEEN.fullmatch(between):
            continue
        if "," in between:
            listed = _is_family(first) and _is_given(second) and not _blocked(text, a, first)
            if listed or (
                _may_be_family(first)
                and _may_be_given(second)
                and not (is_unclear(first) and is_unclear(second))
            ):
                yield Span(a, _with_initial(text, d), "name")
        elif _is_pair(text, a, first, second):
            yield Span(a, d, "name")
    for a, b in whole:
        word = text[a:b]
        if word.isupper() or is_eponym(text, b):
            continue
        initial = re.search(r"\b[A-Z]\.[ \t]?(?:[A-Z]\.[ \t]?)?$", text[max(0, a - 8) : a])
        if not _is_name(word):
            if (initial and _may_be_family(word)) or (len(word) > 3 and _may_be_given(word)):
                yield Span(a - len(initial.group()) if initial else a, b, "name")
            continue
        if _is_eponym_pair(word) or ("-" in word and not _is_double_given(word)):
            continue
        if is_unclear(word) and (_is_verb(text, b) or not _is_given_inside(text, a, word)):
            continue
        yield Span(a - len(initial.group()) if initial else a, b, "name")


def _is_pair(text: str, start: int, first: str, second: str) -> bool:
    """Whether two words are a given and a family name, one of them perhaps on no list."""
    stop = _title(second) in words("not_english_names.txt")
    if _is_pinyin_name(first, second) or _is_unlisted_pair(first, second):
        return True
    if _blocked(text, start, first):
        return False
    if _is_given(first) and _is_family(second):
        return True
    if first.isupper() or second.isupper():
        return (
            _is_family(first)
            and _is_given(second)
            and not (is_unclear(first) or is_unclear(second))
        )
    if _is_given(first) and (not is_unclear(first) or _is_given_inside(text, start, first)):
        return not stop and _title(second) not in words("clinical_nouns_en.txt")
    known = _title(first) in words("not_english_names.txt")
    return (
        _is_family(second)
        and not is_unclear(second)
        and not known
        and not opens_sentence(text, start)
    )


def _is_unlisted_pair(first: str, second: str) -> bool:
    """Two words that are none of ordinary language, one of them a name somewhere in the world."""
    if not (_is_no_word(first) and _is_no_word(second)):
        return False
    if first.isupper() or second.isupper():
        return (_may_be_given(first) and _may_be_family(second)) or (
            _may_be_family(first) and _may_be_given(second)
        )
    return _may_be_name(first) or _may_be_name(second)


def _is_given_inside(text: str, start: int, word: str) -> bool:
    """A given name that is as well a word, but capital in the middle of plain words."""
    known = _title(word) in words("not_english_names.txt")
    before = text[max(0, start - 30) : start]
    place = re.search(r"\b(?:in|from|to|near|at|of)[ \t]+$|[A-Z][a-z]+,[ \t]+$", before)
    return _is_given(word) and not known and not place and bool(re.search(r"[a-z],?[ \t]$", before))


def _blocked(text: str, start: int, word: str) -> bool:
    """A word that is no name here: an opening of a sentence, a title, an eponym."""
    return _title(word) in words("not_english_names.txt") and not (
        _is_given(word) and not opens_sentence(text, start)
    )


def _with_initial(text: str, stop: int) -> int:
    found = re.match(r"[ \t]+[A-Z]\b\.?", text[stop:])
    return stop + found.end() if found else stop


def _lower_case(text: str) -> Iterator[Span]:
    """Names as chats write them."""
    for found in _LOWER_CUE.finditer(text):
        first, *rest = found.group("v").split()
        if _is_given(first) and (not is_unclear(first) or (rest and _is_family(rest[0]))):
            whole = bool(rest) and _is_family(rest[0])
            yield Span(
                found.start("v"), found.end("v") if whole else found.start("v") + len(first), "name"
            )
    for found in _LOWER_PAIR.finditer(text):
        first, second = found.groups()
        if (
            _is_given(first)
            and _is_family(second)
            and not (is_unclear(first) and is_unclear(second))
        ):
            yield Span(found.start(), found.end(), "name")
    for found in _LOWER_LONE.finditer(text):
        group = found.lastgroup or "v"
        titled = re.match(r"(?:dr|mr|mrs|ms)\b", found.group()) and (
            _is_family(found.group(group)) or _is_no_plain_word(found.group(group))
        )
        if titled or (_is_given(found.group(group)) and not is_unclear(found.group(group))):
            yield Span(found.start(group), found.end(group), "name")
