"""Spans of personal data, placeholders, and the search by pattern (`patterns.py` has the table)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pulsemind.data.dates import detect_dated_lines
from pulsemind.data.kinds import Kind
from pulsemind.data.patterns import rules

PLACEHOLDER = re.compile(
    r"\[(?:NAME|PHYSICIAN|ID|PHONE|EMAIL|ACCOUNT|ADDRESS|HOSPITAL|RECORD|BED|DATE|URL|PLATE)-\d+\]"
    r"|\[DAY[+-]\d+\]|\[AGE-OVER-89\]"
)
"""A replaced value; nothing inside is ever detected again."""

MASK = "\ufffc"
"""Stands for each character of a placeholder while detecting, so that offsets stay."""


_FULL_WIDTH = (
    {code + 0xFEE0: code for code in range(0x30, 0x7B) if chr(code).isalnum()}
    | {ord(dash): "-" for dash in "‐‑‒–−－"}
    | {0xA0: " ", 0x3000: " "}
)


@dataclass(frozen=True, order=True)
class Span:
    """Personal data at `text[start:stop]`."""

    start: int
    stop: int
    kind: Kind


def mask(text: str) -> str:
    """Blank out placeholders, write full-width letters and digits plainly; the length stays."""
    plain = text.translate(_FULL_WIDTH)
    return PLACEHOLDER.sub(lambda found: MASK * len(found.group()), plain)


def detect_patterns(masked: str) -> Iterator[Span]:
    """All spans that the table finds in a masked text; they may overlap."""
    for rule in rules():
        for found in rule.pattern.finditer(masked):
            group = "v" if "v" in found.re.groupindex else 0
            if found.group(group) and rule.check(found.group(group)):
                yield Span(found.start(group), found.end(group), rule.kind)
    for start, stop in detect_dated_lines(masked):
        yield Span(start, stop, "date")
