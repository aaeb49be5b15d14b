"""Our raw format: one consultation a line.

`{"id", "language", "department", "visit", "turns": [{"role", "text", "images": [{"path",
"kind"}]}]}`; image paths are relative to the file's folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pydantic import Field

from pulsemind.data.sources.reading import (
    Item,
    Raw,
    Row,
    json_lines,
    language,
    provenance,
    record_id,
    records,
)
from pulsemind.records import Consultation, ImageKind, ImageRef, Language, Role, Turn
from pulsemind.settings import Source


class _Image(Row):
    path: str
    kind: ImageKind = "other"


class _Turn(Row):
    role: Role
    text: str = Field(strict=True)
    images: tuple[_Image, ...] = ()


class _Consultation(Row):
    id: str = ""
    language: Language | None = None
    department: str | None = None
    visit: date | None = None
    turns: tuple[_Turn, ...]


def read(path: Path, source: Source) -> Iterator[Item]:
    """Stream a file of consultations."""

    def convert(row: _Consultation, index: int) -> Raw:
        turns = tuple(
            Turn(
                role=turn.role,
                text=turn.text,
                images=tuple(ImageRef(path=i.path, kind=i.kind) for i in turn.images),
            )
            for turn in row.turns
        )
        record = Consultation(
            id=record_id(source, index),
            language=row.language or language(" ".join(turn.text for turn in turns)),
            turns=turns,
            department=row.department or None,
            provenance=provenance(source, index, row.id),
        )
        return Raw(record, row.visit)

    return records(json_lines(path, source), source, _Consultation, convert)
