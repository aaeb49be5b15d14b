"""MedQA (USMLE and its Chinese parts).

Native and hub: `{question, options: {"A": ...}, answer, answer_idx: "A"}`, where some copies write
options as a list of `{key, value}`; or the evaluation kit's shape (`questions.py`), whose ids name
the split (`test-00000`). Native schema from the repository jind11/MedQA and the hub's
GBaker/MedQA-USMLE-4-options.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.questions import choice, options_of, split_options
from pulsemind.data.sources.reading import BrokenRecord, Item, Raw, Row, Text, records, rows


class _Question(Row):
    id: Text = ""
    question: Text
    options: Any = None
    answer_idx: Any = None
    answer: Any = None
    label: Any = None


def read(shard: Shard) -> Iterator[Item]:
    """Stream a MedQA file in either shape."""

    def convert(row: _Question, index: int) -> Raw:
        if row.options is not None:
            right = row.answer if row.answer_idx is None else row.answer_idx
            return choice(shard, index, row.question, options_of(row.options), right, row.id)
        if row.label is None:
            raise BrokenRecord("neither options nor label")
        question, options = split_options(row.question)
        return choice(shard, index, question, options, row.label, row.id)

    return records(rows(shard), shard, _Question, convert, split=lambda row: row.id)
