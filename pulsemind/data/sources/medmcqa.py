"""MedMCQA, JSON lines: the native file (`opa`..`opd`, `cop` from 1) or the evaluation kit's.

The copy on the Hugging Face hub counts `cop` from 0; it carries no mark of that, so only the
native count is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pulsemind.data.sources.choices import choice, split_options
from pulsemind.data.sources.reading import BrokenRecord, Item, Raw, Row, json_lines, records
from pulsemind.settings import Source


class _Question(Row):
    id: str = ""
    question: str
    opa: str | None = None
    opb: str | None = None
    opc: str | None = None
    opd: str | None = None
    cop: int | None = None
    label: list[str] | None = None


def read(path: Path, source: Source) -> Iterator[Item]:
    """Stream a MedMCQA file in either shape."""

    def convert(row: _Question, index: int) -> Raw:
        if row.label is not None:
            question, options = split_options(row.question)
            return choice(source, index, row.id, question, options, "".join(row.label))
        texts = (row.opa, row.opb, row.opc, row.opd)
        if any(text is None for text in texts) or row.cop not in {1, 2, 3, 4}:
            raise BrokenRecord("opa..opd or cop (1 to 4) missing")
        options = dict(zip("ABCD", (text or "" for text in texts), strict=True))
        key = "ABCD"[int(row.cop or 0) - 1]
        return choice(source, index, row.id, row.question, options, key)

    return records(json_lines(path, source), source, _Question, convert)
