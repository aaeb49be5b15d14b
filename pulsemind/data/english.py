"""People's names in English text, without a model: lists, shapes and cues.

A cue (Mr., my name is, my wife, signed by, ..., MD) makes a name of any capitalised words beside
it. Without one, a name needs a given or family name of the lists; names that are words, months,
drugs or eponyms as well need both; and a word before "sign", "disease", "score" is an eponym.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

from pulsemind.data.detectors import Span
from pulsemind.data.english_chats import detect_chats
from pulsemind.data.english_cues import CAPS, CUES, LINK, PARTICLES, SLIGHT_CUES, SURE_CUES, WORD
from pulsemind.data.english_words import (
    follows_given_name,
    is_double_given,
    is_eponym,
    is_eponym_of_two,
    is_eponym_pair,
    is_family,
    is_family_anywhere,
    is_given,
    is_name,
    is_no_word,
    is_pinyin_name,
    is_unclear,
    may_be_family,
    may_be_given,
    may_be_name,
    no_names,
    opens_sentence,
    title,
)
from pulsemind.data.finder import Finder, finder
from pulsemind.data.kinds import Kind
from pulsemind.data.known_names import family_names, folded, is_ordinary
from pulsemind.data.wordlists import words

_RUN = finder(rf"\b(?:{WORD}|{CAPS}|[A-Z]\.?)(?:{LINK}(?:{WORD}|{CAPS}|[A-Z]\b\.?))*")
_PART = re.compile(rf"{WORD}|{CAPS}|[A-Z]\b\.?")
_INSIDE = ("Te", "Ua", "Bin", "Binti", "Al", "El")
"""Capitalised particles: they are no end of a name."""
_DISEASE = re.compile(r"['’]s?[ \t]*(?=[,.;:)\n]|$)")
"""After an eponym: "father Huntington's, aunt same"."""
_SCORED = re.compile(r"[ \t]*[:=]?[ \t]*\d")
"""After the name of a score: Hamilton 18."""
_BETWEEN = re.compile(rf"[ \t\u00a0]+(?:[A-Z]\.?[ \t]+)?{PARTICLES}?|,[ \t]*")
_PARTICLES_BEFORE = re.compile(rf"(?<![A-Za-z]){PARTICLES}{{1,2}}$")
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


@cache
def _cues() -> tuple[tuple[Callable[[str], bool], Kind, Finder], ...]:
    tiers = ((_anything, SURE_CUES), (is_no_word, CUES), (may_be_name, SLIGHT_CUES))
    return tuple(
        (accept, kind, finder(pattern)) for accept, cues in tiers for kind, pattern in cues
    )


def detect_english(text: str) -> Iterator[Span]:
    """People's names in the English parts of a masked text; spans may overlap."""
    for accept, kind, pattern in _cues():
        for found in pattern.finditer(text):
            family = {_anything: is_family_anywhere, is_no_word: _is_clear_family}.get(
                accept, _is_given_of_eponym
            )
            span = _trimmed(text, *found.span("v"), kind, family)
            if span and any(
                accept(part.group()) or (accept is is_no_word and _is_clear_family(part.group()))
                for part in _PART.finditer(text, span.start, span.stop)
            ):
                yield span
    for run in _RUN.finditer(text):
        yield from _listed(text, [(p.start(), p.end()) for p in _PART.finditer(text, *run.span())])
    yield from detect_chats(text)


def _trimmed(
    text: str, start: int, stop: int, kind: Kind, is_family_here: Callable[[str], bool]
) -> Span | None:
    """Cut a cue's words before the first, and after the last, that can belong to a name.

    `is_family_here` says which eponyms the cue makes family names: more after Mr. than after "by".
    """
    kept: list[tuple[int, int]] = []
    for part in _PART.finditer(text, start, stop):
        word = part.group()
        if kept and word in _INSIDE:
            continue
        if title(word) in no_names() and not (
            (kept and follows_given_name(word)) or is_family_here(word)
        ):
            if kept:
                break
            continue
        if title(word) in words("clinical_nouns_en.txt") or (
            len(word) > 1 and word.lower() in words("overlay.txt") and not is_family(word)
        ):
            break
        kept.append(part.span())
    long = [n for n, (a, b) in enumerate(kept) if b - a > 2 or text[a:b] in _SHORT]
    if not long:
        return None
    # After Mr the word before a noun of medicine is a person, Mr Fairweather's hip, unless it is an
    # eponym: Mr Parkinson's disease.
    cued = is_family_here is is_family_anywhere and not (
        title(text[slice(*kept[-1])]) in no_names()
        or any(is_eponym_of_two(text[slice(*a)], text[slice(*b)]) for a, b in pairwise(kept))
    )
    if is_eponym(text, kept[-1][1]) and not cued:
        return None
    if all(is_eponym_pair(text[a:b]) for a, b in kept):
        return None
    if (
        len(kept) == 1
        and title(text[slice(*kept[0])]) in no_names()
        and (
            _DISEASE.match(text, kept[0][1])
            or (is_family_here is not is_family_anywhere and _SCORED.match(text, kept[0][1]))
        )
    ):
        return None
    particles = _PARTICLES_BEFORE.search(text, max(0, kept[0][0] - 12), kept[0][0])
    start = max(start, particles.start()) if particles else kept[0][0]
    return Span(start, kept[-1][1], kind)


def _anything(_: str) -> bool:
    return True


def _is_clear_family(word: str) -> bool:
    """Whether an eponym is a family name, and no word that opens a sentence (Good, Long)."""
    opening = title(word) in words("not_english_names.txt")
    return is_family(word) and not (opening and is_ordinary(word))


def _is_given_of_eponym(word: str) -> bool:
    """Whether an eponym is a common given name: "saw Thomas"."""
    return is_given(word) and title(word) not in words("not_english_names.txt")


def _is_verb(text: str, stop: int) -> bool:
    """Whether an unclear word stands where a verb does: "Mark the area", "Will it"."""
    return bool(
        re.match(r"[ \t]+(?:the|an?|your|my|this|that|it|be|not|you|I|we|they)\b", text[stop:])
    )


def _listed(text: str, parts: list[tuple[int, int]]) -> Iterator[Span]:
    """Names that the lists know, in a run of capitalised words."""
    whole = [(a, b) for a, b in parts if b - a > 2 or (text[a:b].isalpha() and b - a > 1)]
    for (a, b), (c, d) in pairwise(whole):
        first, second, between = text[a:b], text[c:d], text[b:c]
        if is_eponym(text, d) or not _BETWEEN.fullmatch(between):
            continue
        if "," in between:
            listed = is_family(first) and is_given(second) and not _is_heading(first, first)
            if listed or (
                may_be_family(first)
                and may_be_given(second)
                and not (is_unclear(first) and is_unclear(second))
            ):
                yield Span(a, _with_initial(text, d), "name")
        elif _is_pair(text, a, first, second) or _is_closed(text, (a, d), first, second):
            yield Span(a, d, "name")
    for a, b in whole:
        word = text[a:b]
        if word.isupper() or is_eponym(text, b):
            continue
        initial = re.search(r"\b[A-Z]\.[ \t]?(?:[A-Z]\.[ \t]?)?$", text[max(0, a - 8) : a])
        if not is_name(word):
            if (initial and may_be_family(word)) or (len(word) > 3 and may_be_given(word)):
                yield Span(
                    a - len(initial.group()) if initial else a, _with_letter(text, b), "name"
                )
            continue
        if is_eponym_pair(word) or ("-" in word and not is_double_given(word)):
            continue
        if is_unclear(word) and (_is_verb(text, b) or not _is_given_inside(text, a, word)):
            continue
        yield Span(a - len(initial.group()) if initial else a, _with_letter(text, b), "name")


def _is_pair(text: str, start: int, first: str, second: str) -> bool:
    """Whether two words are a given and a family name, one of them perhaps on no list."""
    stop = title(second) in no_names()
    if is_pinyin_name(first, second) or _is_unlisted_pair(first, second):
        return True
    given = is_given(first) or may_be_given(first)
    person = title(first) not in words("eponyms_en.txt") or is_no_word(second)
    pair = given and person and is_family_anywhere(second)
    if pair and not is_eponym_of_two(first, second):
        return not _is_heading(first, second)
    if _blocked(text, start, first):
        return False
    if is_given(first) and is_family(second):
        return True
    if first.isupper() or second.isupper():
        return (
            is_family(first) and is_given(second) and not (is_unclear(first) or is_unclear(second))
        )
    if is_given(first) and (not is_unclear(first) or _is_given_inside(text, start, first)):
        return not stop and title(second) not in words("clinical_nouns_en.txt")
    known = title(first) in no_names()
    return (
        is_family(second)
        and not is_unclear(second)
        and not known
        and not opens_sentence(text, start)
    )


def _is_unlisted_pair(first: str, second: str) -> bool:
    """Two words that are none of ordinary language, one of them a name somewhere in the world."""
    if not (is_no_word(first) and is_no_word(second)):
        return False
    if first.isupper() or second.isupper():
        return (may_be_given(first) and may_be_family(second)) or (
            may_be_family(first) and may_be_given(second)
        )
    return may_be_name(first) or may_be_name(second)


def _is_closed(text: str, place: tuple[int, int], first: str, second: str) -> bool:
    """A given and a family name, words as well, before a sign: "custody of Jordan Pike, fit"."""
    return (
        is_given(first)
        and folded(second) in family_names()
        and title(second) not in no_names()
        and title(second) not in words("clinical_nouns_en.txt")
        and not (first.isupper() or second.isupper() or opens_sentence(text, place[0]))
        and re.match(r"[ \t]*[,;)(]", text[place[1] : place[1] + 3]) is not None
    )


def _is_heading(first: str, second: str) -> bool:
    """Whether two words are both words of a heading or of the calendar: May Day, Will Need."""
    both = words("not_english_names.txt")
    return title(first) in both and title(second) in both


def _is_given_inside(text: str, start: int, word: str) -> bool:
    """A given name that is as well a word, but capital in the middle of plain words."""
    known = title(word) in no_names()
    before = text[max(0, start - 30) : start]
    place = re.search(r"\b(?:in|from|to|near|at|of)[ \t]+$|[A-Z][a-z]+,[ \t]+$", before)
    return is_given(word) and not known and not place and bool(re.search(r"[a-z],?[ \t]$", before))


def _blocked(text: str, start: int, word: str) -> bool:
    """A word that is no name here: an opening of a sentence, a title, an eponym."""
    return title(word) in no_names() and not (is_given(word) and not opens_sentence(text, start))


def _with_letter(text: str, stop: int) -> int:
    """The end of a name with the letter of a family name behind it: Aiden M., Priya K."""
    found = re.match(r"[ \t][A-Z]\.(?=[ \t]*(?:[,;:)(\n]|$|[a-z]))", text[stop : stop + 8])
    return stop + found.end() if found else stop


def _with_initial(text: str, stop: int) -> int:
    found = re.match(r"[ \t]+[A-Z]\b\.?", text[stop:])
    return stop + found.end() if found else stop
