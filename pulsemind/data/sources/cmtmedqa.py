"""CMtMedQA: a JSON list of `{id, instruction, output, cate1, cate2, history: [[q, a], ...]}`.

The official test file (Zhongjing) ends in 144 safety rows, which call the question `instruct` and
have no history: improper requests that a physician turns down. They are a benchmark of their own:
`cmtmedqa` reads the dialogues and skips them (`safety_row`), `cmtmedqa_safety` reads them and
skips the dialogues (`not_a_safety_row`). As a benchmark the model answers the last patient turn,
given the history.
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
    Unwanted,
    dialogue,
    exchange,
    records,
    rows,
)


class _Dialogue(Row):
    id: Text = ""
    instruction: Text = ""
    instruct: Text = ""
    input: Text = ""
    output: Text
    cate1: str | None = None
    history: list[tuple[Text, Text]] | None = None


def read(shard: Shard) -> Iterator[Item]:
    """Stream dialogues: history, then instruction and output."""
    return _read(shard, safety=False)


def read_safety(shard: Shard) -> Iterator[Item]:
    """Stream the safety rows."""
    return _read(shard, safety=True)


def _read(shard: Shard, safety: bool) -> Iterator[Item]:
    def convert(row: _Dialogue, index: int) -> Raw:
        if safety and not row.instruct:
            raise Unwanted("not_a_safety_row")
        if row.instruct and not safety:
            raise Unwanted("safety_row")
        asked = row.instruct or row.instruction
        question = "\n".join(part for part in (asked.strip(), row.input.strip()) if part)
        if not question:
            raise BrokenRecord("instruction: empty")
        if not row.output.strip():
            raise BrokenRecord("output: empty")
        pairs = [*(row.history or []), (question, row.output)]
        turns = (turn for pair in pairs for turn in exchange(*pair))
        return dialogue(shard, index, turns, row.id, row.cate1)

    return records(rows(shard), shard, _Dialogue, convert)
