# ruff: noqa: E501 - patterns and tables stand on one line
"""Personal data in a line that OCR read: labelled values, what the text detectors find, values a
file's header gave away, and on pictures that are no documents whatever no scanner writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pulsemind.data.anonymise import detect
from pulsemind.data.kinds import Kind
from pulsemind.data.labels import LABELS
from pulsemind.data.wordlists import words

_LABEL = re.compile(
    "|".join(f"(?P<k{i}>(?<![A-Za-z])(?:{p}))" for i, (_, p) in enumerate(LABELS)), re.IGNORECASE
)
_COLON = re.compile(r"\s*[.]?\s*[:：;；]\s*")
_HAN_LINE = re.compile(r"[一-龥]{2,4}")
_NUMBER_LINE = re.compile(r"(?<![\d.])\d[\d-]{5,}(?![\d.])")
_CONFUSED = str.maketrans("OoQlIiSsBZz", "00011155822")
Known = Sequence[tuple[Kind, str]]
"""Values to find wherever they stand, with their kinds."""


@dataclass(frozen=True, order=True)
class Value:
    """Personal data at `text[start:stop]` of a line."""

    start: int
    stop: int
    kind: Kind


def detect_line(
    text: str, overlay: bool = False, known: Known = (), ner_model: str | None = None
) -> list[Value]:
    """Personal data in one line.

    Args:
        overlay: the picture is no document; words that scanners do not write count as names.
        known: values to find whatever stands around them.
        ner_model: as for `detect`.
    """
    found = _labelled(text)
    spans = [
        *((span.start, span.stop, span.kind) for span in detect(text, ner_model, tagger=False)),
        *((span.start, span.stop, span.kind) for span in _misread(text, ner_model)),
        *_known(text, known),
        *(_overlay(text) if overlay else ()),
    ]
    for start, stop, kind in spans:
        if all(stop <= value.start or value.stop <= start for value in found):
            found.append(Value(start, stop, kind))
    return sorted(found)


def _labelled(text: str) -> list[Value]:
    """What stands between a label with a colon and the next label or the line's end."""
    found: list[Value] = []
    labels = [m for m in _LABEL.finditer(text) if _COLON.match(text, m.end())]
    for number, label in enumerate(labels):
        colon = _COLON.match(text, label.end())
        start = colon.end() if colon else label.end()
        stop = labels[number + 1].start() if number + 1 < len(labels) else len(text)
        kind = LABELS[int((label.lastgroup or "k0")[1:])][0]
        if kind and re.search(r"\w", text[start:stop]):
            found.append(Value(start, stop, kind))
    return found


def _misread(text: str, ner_model: str | None) -> list[Value]:
    """Numbers in which OCR took digits for letters (138OO138ooo); the length stays."""
    fixed = re.sub(
        r"[\dOoQlIiSsBZz.:/-]{6,}",
        lambda m: (
            m.group().translate(_CONFUSED) if sum(c.isdigit() for c in m.group()) > 3 else m.group()
        ),
        text,
    )
    if fixed == text:
        return []
    return [
        Value(span.start, span.stop, span.kind) for span in detect(fixed, ner_model, tagger=False)
    ]


def _known(text: str, known: Known) -> list[tuple[int, int, Kind]]:
    found = []
    for kind, value in known:
        loose = r"[\s.,^-]*".join(map(re.escape, re.sub(r"[\s^]+", "", value)))
        edge = r"(?<![A-Za-z0-9])" if value[:1].isascii() else ""
        for match in re.finditer(edge + loose + (edge and "(?![A-Za-z0-9])"), text, re.IGNORECASE):
            found.append((match.start(), match.end(), kind))
    return found


def open_label(text: str) -> Kind | None:
    """The kind of a label that ends the line, its value standing in another box."""
    labels = list(_LABEL.finditer(text))
    if not labels or not re.fullmatch(r"[\s.:：;；_-]*", text[labels[-1].end() :]):
        return None
    if not re.search("[:：;；]", text) and labels[-1].start() > 0:
        return None
    return LABELS[int((labels[-1].lastgroup or "k0")[1:])][0]


def is_label(text: str) -> bool:
    """Whether a line begins with a label."""
    return _LABEL.match(text.strip()) is not None


def _overlay(text: str) -> list[tuple[int, int, Kind]]:
    """Latin words none of which belongs to scanners, whole Chinese words that do not, long numbers."""
    known = words("overlay.txt")
    found: list[tuple[int, int, Kind]] = [
        (m.start(), m.end(), "name")
        for m in re.finditer(r"[A-Za-z][A-Za-z'’^-]*[A-Za-z]", text)
        if len(m.group()) > 2 and not _is_overlay_word(m.group().lower(), known)
    ]
    found += [(m.start(), m.end(), "record_number") for m in _NUMBER_LINE.finditer(text)]
    bare = text.strip()
    if _HAN_LINE.fullmatch(bare) and bare[0] in words("surnames_zh.txt"):
        medical = bare in words("not_names.txt") or bare in words("overlay_zh.txt")
        if not medical:
            found.append((0, len(text), "name"))
    return found


def _is_overlay_word(word: str, known: frozenset[str]) -> bool:
    """A word of scanners, or two of them that OCR has joined."""
    return word in known or any(
        word[:cut] in known and word[cut:] in known for cut in range(2, len(word) - 1)
    )
