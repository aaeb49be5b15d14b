"""Names in English text that is written without capitals, as chats are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pulsemind.data.detectors import Span
from pulsemind.data.english_cues import HUMAN, RELATIVE
from pulsemind.data.english_words import is_family, is_given, is_unclear
from pulsemind.data.finder import finder
from pulsemind.data.wordlists import words

_LOWER_CUE = finder(
    r"(?i:\b(?:my\s+name\s+is|my\s+name's|i\s+am|i'm|this\s+is|name\s*:))\s+(?P<v>[a-z]+(?:\s+[a-z'-]+)?)"
)
_LOWER_PAIR = finder(r"\b([a-z]{3,})\s+([a-z']{3,})\b")
_LOWER_LONE = finder(
    rf"\b(?:(?:{RELATIVE}|hi|hello|hey|dear|thanks|bye|okay|ok|yeah|right|saw|seeing|this\s+is|so|now|well|alright)\s*,?\s+(?P<x>[a-z]{{4,}})\b(?=\s*[,.?!]|\s+is\b))"
    rf"|\b(?:(?:{RELATIVE}|saw|met|told|asked|from|with|for|by|dr\.?|mr\.?|mrs\.?|ms\.?)\s+(?P<v>[a-z]{{4,}})\b)"
    rf"|\b(?P<w>[a-z]{{4,}})(?=\s+(?:{HUMAN}|had|has|is\s+an?\s+\d)\b|\s?['’]s\b)"
)


def detect_chats(text: str) -> Iterator[Span]:
    """Names as chats write them."""
    for found in _LOWER_CUE.finditer(text):
        first, *rest = found.group("v").split()
        if is_given(first) and (not is_unclear(first) or (rest and is_family(rest[0]))):
            whole = bool(rest) and is_family(rest[0])
            yield Span(
                found.start("v"), found.end("v") if whole else found.start("v") + len(first), "name"
            )
    for found in _LOWER_PAIR.finditer(text):
        first, second = found.groups()
        if is_given(first) and is_family(second) and not (is_unclear(first) and is_unclear(second)):
            yield Span(found.start(), found.end(), "name")
    for found in _LOWER_LONE.finditer(text):
        group = found.lastgroup or "v"
        titled = re.match(r"(?:dr|mr|mrs|ms)\b", found.group()) and (
            is_family(found.group(group)) or _is_no_plain_word(found.group(group))
        )
        if titled or (is_given(found.group(group)) and not is_unclear(found.group(group))):
            yield Span(found.start(group), found.end(group), "name")


def _is_no_plain_word(word: str) -> bool:
    """Whether a word after "dr" in small letters can be a name: no verb, no word that goes on."""
    return word not in words("after_dr_en.txt") and not re.search(r"(?:ed|ing|ly|tion|ment)$", word)
