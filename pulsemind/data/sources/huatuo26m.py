"""Huatuo-26M as exported by Zhongjing: a JSON list of `{id, instruction, input, output}`.

`instruction` and `output` are strings or lists of strings; the parts of a list are joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
from pulsemind.records import Consultation
from pulsemind.settings import Source


class _Pair(Row):
    id: str | None = None
    instruction: str | list[str]
    input: str | None = None
    output: str | list[str]


def read(path: Path, source: Source) -> Iterator[Item]:
    """Stream question-answer pairs as dialogues of two turns."""

    def convert(row: _Pair, index: int) -> Raw:
        question = "\n".join(part for part in (_joined(row.instruction), row.input or "") if part)
        answer = _joined(row.output)
        if not question:
            raise BrokenRecord("instruction: empty")
        if not answer:
            raise BrokenRecord("output: empty")
        return Raw(
            Consultation(
                id=record_id(source, index),
                language=language(question + answer),
                turns=exchange(question, answer),
                provenance=provenance(source, index, row.id or ""),
            )
        )

    return records(json_list(path, source), source, _Pair, convert)


def _joined(value: str | list[str]) -> str:
    parts = [value] if isinstance(value, str) else value
    return "\n".join(part.strip() for part in parts if part.strip())
