"""MedQA, JSON lines: native (`options` by letter, `answer_idx`) or the evaluation kit's shape."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pulsemind.data.sources.choices import choice, split_options
from pulsemind.data.sources.reading import BrokenRecord, Item, Raw, Row, json_lines, records
from pulsemind.settings import Source


class _Question(Row):
    id: str = ""
    question: str
    options: dict[str, str] | None = None
    answer_idx: str | None = None
    label: list[str] | None = None


def read(path: Path, source: Source) -> Iterator[Item]:
    """Stream a MedQA file in either shape."""

    def convert(row: _Question, index: int) -> Raw:
        if row.options is not None:
            if row.answer_idx is None:
                raise BrokenRecord("answer_idx: missing")
            return choice(source, index, row.id, row.question, row.options, row.answer_idx)
        if row.label is None:
            raise BrokenRecord("neither options nor label")
        question, options = split_options(row.question)
        return choice(source, index, row.id, question, options, "".join(row.label))

    return records(json_lines(path, source), source, _Question, convert)
