"""Raw files and sources for the tests of the readers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pulsemind.data.collect import collect
from pulsemind.data.sources import Item, Raw, Skipped
from pulsemind.records import Consultation, QAItem
from pulsemind.settings import Source

SAMPLES = Path(__file__).parents[2].parent / "shared" / "data"

SUFFIX = {"meddiagnose": ".csv", "pmc_vqa": ".csv", "toyhom": ".csv"}
LINES = {"consultations", "medqa", "medmcqa", "medxpertqa", "mmlu", "mmmu"}


def source(adapter: str, path: str, use: str = "benchmark", **changes: Any) -> Source:
    keys: dict[str, Any] = {
        "name": adapter,
        "adapter": adapter,
        "path": path,
        "use": use,
        "licence": "test",
        "records": None,
        "split": None,
        "images": None,
        "encoding": "utf-8",
        "refine": False,
        "captions": False,
        "overlap": [],
    }
    return Source.model_validate(keys | changes)


def read(
    folder: Path, adapter: str, content: bytes, name: str = "file.json", **changes: Any
) -> list[Item]:
    """Write one file and collect it."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return list(collect(folder, source(adapter, name, **changes)))


def rows(folder: Path, adapter: str, *entries: object, **changes: Any) -> list[Item]:
    """Collect rows written as a JSON list."""
    return read(folder, adapter, json.dumps(entries).encode(), **changes)


def texts(item: Item) -> list[str]:
    assert isinstance(item, Raw)
    assert isinstance(item.record, Consultation)
    return [turn.text for turn in item.record.turns]


def question(item: Item) -> QAItem:
    assert isinstance(item, Raw), item
    assert isinstance(item.record, QAItem)
    return item.record


def outcome(item: Item) -> str:
    """`raw`, or the rule or reason."""
    if isinstance(item, Raw):
        return "raw"
    return item.rule if isinstance(item, Skipped) else item.reason


def outcomes(items: list[Item]) -> Counter[str]:
    return Counter(outcome(item) for item in items)
