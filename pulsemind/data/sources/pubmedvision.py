"""PubMedVision (HuatuoGPT-Vision): dialogues about figures of papers, English.

A JSON list of `{id, image: ["images/pmc_1_0.jpg", ...], conversations: [{from: human | gpt,
value}], modality, body_part}`; image paths are relative to the file's folder. Schema from the
dataset page of FreedomIntelligence/PubMedVision; modality and body part were added there by a
model. The alignment and the instruction file are two sources: their ids overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import Field

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.kinds import image_kind
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

_ROLES: dict[str, Role] = {
    "human": "patient",
    "user": "patient",
    "gpt": "physician",
    "assistant": "physician",
}
_MARK = re.compile(r"<image>\s*")


class _Message(Row):
    speaker: str = Field(alias="from")
    value: Text


class _Dialogue(Row):
    id: Text = ""
    image: str | tuple[str, ...] = ()
    conversations: list[_Message]
    modality: Text = ""


def read(shard: Shard) -> Iterator[Item]:
    """Stream dialogues; the images belong to the first question."""

    def convert(row: _Dialogue, index: int) -> Raw:
        names = (row.image,) if isinstance(row.image, str) else row.image
        images = tuple(image(shard, name, "", image_kind(row.modality)) for name in names)
        turns: list[Turn] = []
        for number, message in enumerate(row.conversations):
            if message.speaker not in _ROLES:
                raise BrokenRecord(f"conversations.{number}.from: neither human nor gpt")
            role, text = _ROLES[message.speaker], _MARK.sub("", message.value).strip()
            shown = images if role == "patient" and all(t.role != role for t in turns) else ()
            turns.append(Turn(role=role, text=text, images=shown))
        return dialogue(shard, index, turns, row.id)

    return records(rows(shard), shard, _Dialogue, convert)
