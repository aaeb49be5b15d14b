"""Readers of raw data, one small file each, and the table that names them.

A reader is `(shard) -> Iterator[Raw | Skipped | Quarantined]`: it streams, yields exactly one item
for each raw record, and never raises because of the content. A new source is one new file here and
one line in `ADAPTERS` (docs/sources.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pulsemind.data.sources import (
    cmtmedqa,
    consultations,
    dermavqa,
    huatuo26m,
    meddiagnose,
    medmcqa,
    medqa,
    medxpertqa,
    mmlu,
    mmmu,
    pathvqa,
    pmc_vqa,
    pubmedvision,
    slake,
    toyhom,
    vqa_rad,
)
from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.reading import Item, Raw, Skipped

__all__ = ["ADAPTERS", "Adapter", "Item", "Raw", "Shard", "Skipped"]


@dataclass(frozen=True)
class Adapter:
    """A reader, and how its records are evaluated when they are a benchmark."""

    read: Callable[[Shard], Iterator[Item]]
    kind: Literal["consultation", "qa"]
    protocol: Literal["replay", "last_turn"] | None = None


ADAPTERS: dict[str, Adapter] = {
    "consultations": Adapter(consultations.read, "consultation", "replay"),
    "huatuo26m": Adapter(huatuo26m.read, "consultation", "last_turn"),
    "toyhom": Adapter(toyhom.read, "consultation", "last_turn"),
    "meddiagnose": Adapter(meddiagnose.read, "consultation", "replay"),
    "cmtmedqa": Adapter(cmtmedqa.read, "consultation", "last_turn"),
    "cmtmedqa_safety": Adapter(cmtmedqa.read_safety, "consultation", "last_turn"),
    "pubmedvision": Adapter(pubmedvision.read, "consultation", "replay"),
    "medmcqa": Adapter(medmcqa.read, "qa"),
    "medmcqa_hub": Adapter(medmcqa.read_hub, "qa"),
    "medqa": Adapter(medqa.read, "qa"),
    "medxpertqa": Adapter(medxpertqa.read, "qa"),
    "mmlu": Adapter(mmlu.read, "qa"),
    "vqa_rad": Adapter(vqa_rad.read, "qa"),
    "slake": Adapter(slake.read, "qa"),
    "pathvqa": Adapter(pathvqa.read, "qa"),
    "pmc_vqa": Adapter(pmc_vqa.read, "qa"),
    "dermavqa_zh": Adapter(dermavqa.read_zh, "qa"),
    "dermavqa_en": Adapter(dermavqa.read_en, "qa"),
    "mmmu": Adapter(mmmu.read, "qa"),
}
