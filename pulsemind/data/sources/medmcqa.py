"""MedMCQA: `{id, question, opa, opb, opc, opd, cop}`, or the evaluation kit's shape.

The native file (JSON lines) counts `cop`, the right option, from 1; the copy on the Hugging Face
hub (openlifescienceai/medmcqa, Parquet) from 0. Nothing in a record tells which, so the adapter's
name does: `medmcqa` is native, `medmcqa_hub` the copy. The first `PEEK` rows are looked through
for a count that the stated one does not have; one such count and the whole file is quarantined,
because its other answers would be wrong without a sign of it. Rows whose answer is withheld (the
official test set: no `cop`, or -1 on the hub) are skipped as `answer_withheld`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.json_text import Broken, Rows
from pulsemind.data.sources.questions import choice, split_options
from pulsemind.data.sources.reading import (
    BrokenRecord,
    Item,
    Raw,
    Row,
    Text,
    Unwanted,
    records,
    rows,
)

PEEK = 1000
"""Rows looked at first; of 1,000 official rows about 200 carry the telling count."""


class _Question(Row):
    id: Text = ""
    question: Text
    opa: Text = ""
    opb: Text = ""
    opc: Text = ""
    opd: Text = ""
    cop: int | None = None
    label: Any = None


def read(shard: Shard) -> Iterator[Item]:
    """Stream a native or evaluation-kit file."""
    return _read(shard, first=1)


def read_hub(shard: Shard) -> Iterator[Item]:
    """Stream the hub's copy."""
    return _read(shard, first=0)


def _read(shard: Shard, first: int) -> Iterator[Item]:
    def convert(row: _Question, index: int) -> Raw:
        if row.label is not None:
            question, options = split_options(row.question)
            return choice(shard, index, question, options, row.label, row.id)
        if row.cop is None or row.cop == -1:
            raise Unwanted("answer_withheld")
        if not 0 <= row.cop - first < 4:
            raise BrokenRecord(f"cop: not {first} to {first + 3}")
        options = dict(zip("ABCD", (row.opa, row.opb, row.opc, row.opd), strict=True))
        return choice(shard, index, row.question, options, "ABCD"[row.cop - first], row.id)

    return records(_checked(rows(shard), first), shard, _Question, convert)


def _checked(found: Rows, first: int) -> Rows:
    """The rows, or a `Broken` for each when the first ones count from elsewhere."""
    peeked = list(islice(found, PEEK))
    telling = 0 if first == 1 else 4
    if not any(_cop(row) == telling for _, row in peeked):
        return chain(peeked, found)
    right = "medmcqa_hub" if first == 1 else "medmcqa"
    reason = f"cop: counted from {1 - first} in this file; the adapter {right} reads that"
    return ((index, Broken(reason)) for index, _ in chain(peeked, found))


def _cop(row: Any) -> Any:
    value = row.get("cop") if isinstance(row, dict) else None
    return int(value) if isinstance(value, str) and value in {"0", "4"} else value
