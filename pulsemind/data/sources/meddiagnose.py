"""MedDiagnose (PulseMind Benchmark): a CSV of dialogues with images.

`Response` holds the dialogue, a turn from `患者：` or `医生：` to the next; an image is
`<attachment>NAME<attachment>`, a file in the folder `Id` next to the CSV. The model answers every
patient turn in turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import Field

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.reading import (
    BrokenRecord,
    Item,
    Raw,
    Row,
    Text,
    dialogue,
    image,
    records,
    rows,
)
from pulsemind.records import Role, Turn

_SPEAKER = re.compile(r"^\s*(患者|医生)\s*[：:]", re.MULTILINE)
_ATTACHMENT = re.compile(r"<attachment>(.*?)</?attachment>", re.DOTALL)
_ROLES: dict[str, Role] = {"患者": "patient", "医生": "physician"}


class _Case(Row):
    id: Text = Field(alias="Id", min_length=1)
    response: Text = Field(alias="Response")
    department: str | None = Field(default=None, alias="Department")


def read(shard: Shard) -> Iterator[Item]:
    """Stream the cases of a MedDiagnose file."""

    def convert(row: _Case, index: int) -> Raw:
        turns = _turns(shard, row.response, row.id)
        return dialogue(shard, index, turns, row.id, row.department)

    return records(rows(shard), shard, _Case, convert)


def _turns(shard: Shard, response: str, folder: str) -> Iterator[Turn]:
    """Cut at the speaker marks; raises BrokenRecord when text stands before the first one."""
    before, *parts = _SPEAKER.split(response)
    if before.strip():
        raise BrokenRecord("Response: text before the first speaker")
    for speaker, text in zip(parts[::2], parts[1::2], strict=True):
        images = tuple(
            image(shard, f"{folder}/{name.strip()}", "") for name in _ATTACHMENT.findall(text)
        )
        yield Turn(role=_ROLES[speaker], text=_ATTACHMENT.sub("", text).strip(), images=images)
