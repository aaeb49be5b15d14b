# ruff: noqa: E501 - patterns stand on one line
"""People whom "and", a stroke or a list in brackets joins to one that was found, in English text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pulsemind.data.detectors import Span
from pulsemind.data.english_cues import PARTICLES, WORD
from pulsemind.data.english_words import is_eponym, is_no_word, may_be_name

_NAME = rf"(?P<v>{WORD}(?:[ \t]+{PARTICLES}?{WORD}){{0,2}})"
_AFTER = re.compile(
    rf"(?:[ \t]*(?P<comma>,)[ \t]+(?:and[ \t]+|&[ \t]+)?|[ \t]+(?:and|&|or|\+|vs|then|not)[ \t]+|[ \t]*[/&+][ \t]*){_NAME}(?=[ \t]*(?:[,.;:)/&\n]|$|and\b|\())"
)
_BEFORE = re.compile(
    rf"(?P<open>[(:][ \t]*|^[ \t]*|[,;][ \t]+)?{_NAME}(?:(?P<comma>,)[ \t]+(?:and[ \t]+)?|[ \t]+(?:and|&|or|\+)[ \t]+|[ \t]*[/&+][ \t]*)$",
    re.MULTILINE,
)


def detect_joined_english(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Such people beside those in `spans`; after a comma alone only those that a list of names has."""
    for span in spans:
        stop = span.stop
        while found := _AFTER.match(text, stop):
            if not _is_one(text, found, bool(found.group("comma"))):
                break
            yield Span(*found.span("v"), span.kind)
            stop = found.end("v")
        line = text.rfind("\n", 0, span.start) + 1
        before = _BEFORE.search(text, max(line, span.start - 40), span.start)
        if before and _is_one(
            text, before, bool(before.group("comma")) and not before.group("open")
        ):
            yield Span(*before.span("v"), span.kind)


def _is_one(text: str, found: re.Match[str], listed: bool) -> bool:
    parts = re.findall(WORD, found.group("v"))
    accept = may_be_name if listed else is_no_word
    return (
        all(map(is_no_word, parts))
        and any(map(accept, parts))
        and not is_eponym(text, found.end("v"))
    )
