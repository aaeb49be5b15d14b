"""CMtMedQA: a JSON list of `{id, instruction, output, cate1, cate2, history: [[q, a], ...]}`.

The safety rows of the official test file call the question `instruct` and have no history.
As a benchmark the model answers the last patient turn, given the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import AliasChoices, Field

from pulsemind.data.sources.reading import (
    BrokenRecord,
    Item,
    Raw,
    Row,
    exchange,
    json_list,
    language,
    provenance,
    record_id,
    records,
)
from pulsemind.records import Consultation, Turn
from pulsemind.settings import Source


class _Dialogue(Row):
    id: str | None = None
    instruction: str = Field(validation_alias=AliasChoices("instruction", "instruct"))
    output: str
    cate1: str | None = None
    history: list[tuple[str, str]] | None = None


def read(path: Path, source: Source) -> Iterator[Item]:
    """Stream dialogues: history, then instruction and output."""

    def convert(row: _Dialogue, index: int) -> Raw:
        if not row.instruction.strip():
            raise BrokenRecord("instruction: empty")
        if not row.output.strip():
            raise BrokenRecord("output: empty")
        pairs = [*(row.history or []), (row.instruction, row.output)]
        turns: tuple[Turn, ...] = sum((exchange(*pair) for pair in pairs), ())
        return Raw(
            Consultation(
                id=record_id(source, index),
                language=language(" ".join(turn.text for turn in turns)),
                turns=turns,
                department=row.cate1 or None,
                provenance=provenance(source, index, row.id or ""),
            )
        )

    return records(json_list(path, source), source, _Dialogue, convert)
