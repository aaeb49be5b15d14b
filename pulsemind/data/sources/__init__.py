"""Readers of raw data, one small file each, and the table that names them.

A reader is `(path, source) -> Iterator[Raw | Skipped | Quarantined]`: it streams, yields exactly
one item for each raw record, and never raises because of the content. A new source is one new file
here and one line in `ADAPTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pulsemind.data.sources import (
    cmtmedqa,
    consultations,
    huatuo26m,
    meddiagnose,
    medmcqa,
    medqa,
    vqa_rad,
)
from pulsemind.data.sources.reading import Item, Raw, Skipped
from pulsemind.settings import Source

__all__ = ["ADAPTERS", "Adapter", "Item", "Raw", "Skipped"]


@dataclass(frozen=True)
class Adapter:
    """A reader, and how its records are evaluated when they are a benchmark."""

    read: Callable[[Path, Source], Iterator[Item]]
    kind: Literal["consultation", "qa"]
    protocol: Literal["replay", "last_turn"] | None = None


ADAPTERS: dict[str, Adapter] = {
    "consultations": Adapter(consultations.read, "consultation", "replay"),
    "huatuo26m": Adapter(huatuo26m.read, "consultation", "last_turn"),
    "meddiagnose": Adapter(meddiagnose.read, "consultation", "replay"),
    "cmtmedqa": Adapter(cmtmedqa.read, "consultation", "last_turn"),
    "medmcqa": Adapter(medmcqa.read, "qa"),
    "medqa": Adapter(medqa.read, "qa"),
    "vqa_rad": Adapter(vqa_rad.read, "qa"),
}
