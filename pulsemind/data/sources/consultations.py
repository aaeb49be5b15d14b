"""Our raw format: one consultation a line.

`{"id", "language", "department", "visit", "turns": [{"role", "text", "images": [{"path",
"kind"}]}]}`; image paths are relative to the file's folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pydantic import Field

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.reading import Item, Raw, Row, Text, dialogue, image, records, rows
from pulsemind.records import ImageKind, Language, Role, Turn


class _Image(Row):
    path: str
    kind: ImageKind = "other"


class _Turn(Row):
    role: Role
    text: str = Field(strict=True)
    images: tuple[_Image, ...] = ()


class _Consultation(Row):
    id: Text = ""
    language: Language | None = None
    department: str | None = None
    visit: date | None = None
    turns: tuple[_Turn, ...]


def read(shard: Shard) -> Iterator[Item]:
    """Stream a file of consultations."""

    def convert(row: _Consultation, index: int) -> Raw:
        turns = tuple(
            Turn(
                role=turn.role,
                text=turn.text,
                images=tuple(image(shard, i.path, "", i.kind) for i in turn.images),
            )
            for turn in row.turns
        )
        record = dialogue(shard, index, turns, row.id, row.department).record
        if row.language is not None:
            record = record.model_copy(update={"language": row.language})
        return Raw(record, row.visit)

    return records(rows(shard), shard, _Consultation, convert)
