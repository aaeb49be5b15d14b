"""Chinese medical dialogue data of Toyhom: CSV with `department, title, ask, answer`, in GB18030.

The set that docs/sources.md adds step by step. A title that the question repeats is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.reading import (
    BrokenRecord,
    Item,
    Raw,
    Row,
    Text,
    dialogue,
    exchange,
    records,
    rows,
)


class _Question(Row):
    department: Text = ""
    title: Text = ""
    ask: Text = ""
    answer: Text


def read(shard: Shard) -> Iterator[Item]:
    """Stream questions and answers as dialogues of two turns."""

    def convert(row: _Question, index: int) -> Raw:
        title, ask = row.title.strip(), row.ask.strip()
        question = ask if title in ask else f"{title}\n{ask}".strip()
        if not question:
            raise BrokenRecord("ask: empty")
        if not row.answer.strip():
            raise BrokenRecord("answer: empty")
        return dialogue(shard, index, exchange(question, row.answer), department=row.department)

    return records(rows(shard), shard, _Question, convert)
