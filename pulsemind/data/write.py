"""Chosen records into the splits' shards, and all parts together into the artifact."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from pulsemind.artifacts import write_text, writing
from pulsemind.data.card import Statistics
from pulsemind.data.choose import REMOVED
from pulsemind.data.cut import images_of
from pulsemind.data.keys import read_records
from pulsemind.data.ledger import write_lines
from pulsemind.data.signals import signals
from pulsemind.data.split import QUERY, SPLITS, query
from pulsemind.records import Consultation, QAItem, Query
from pulsemind.settings import DatasetSettings, Source

ABOUT = "about.json"


@dataclass(frozen=True)
class Chosen:
    """A shard after the choice: its records, the folder with its images, its choice."""

    records: Path
    images: Path
    choice: Path


class About(BaseModel):
    """What a part holds: records by split and by source, and the sums for the card."""

    splits: dict[str, int] = {}
    sources: dict[str, int] = {}
    statistics: Statistics = Statistics()


def write(shards: Sequence[Chosen], source: Source, settings: DatasetSettings, out: Path) -> None:
    """Write the kept records of some shards of one source as the artifact `out`.

    It holds one file a split, the images (links where the file system has them), `about.json`.
    """
    about = About()
    written: dict[str, list[str]] = {}
    with writing(out, "part", source=source.name) as folder:
        for shard in shards:
            records, _ = read_records(shard.records, source)
            for record, number in zip(records, np.load(shard.choice).tolist(), strict=True):
                if number == REMOVED:
                    continue
                is_benchmark = source.use == "benchmark"
                split = f"benchmarks/{source.name}" if is_benchmark else SPLITS[number]
                kept = _with_signals(record)
                stored = _query(kept, settings.seed) if number == QUERY else kept
                written.setdefault(split, []).append(stored.model_dump_json() + "\n")
                about.statistics.add(split, kept)
                for image in images_of(kept):
                    link(shard.images / image.path, folder / image.path)
        for split, lines in written.items():
            (folder / split).mkdir(parents=True)
            write_lines(folder / split / "shard.jsonl", lines)
        about.splits = {split: len(lines) for split, lines in written.items()}
        about.sources = {source.name: sum(about.splits.values())}
        write_text(folder / ABOUT, about.model_dump_json() + "\n")


def _with_signals(record: Consultation | QAItem) -> Consultation | QAItem:
    if isinstance(record, QAItem):
        return record
    return record.model_copy(update={"signals": signals(record)})


def _query(record: Consultation | QAItem, seed: int) -> Query:
    found = query(record, seed) if isinstance(record, Consultation) else None
    assert found is not None, "only records with a query are proposed as queries"
    return found


def join(parts: Iterable[Path], splits: Iterable[str], out: Path) -> tuple[About, int]:
    """Fill the folder `out` from the parts, in order; returns the sums and the number of images."""
    total = About(splits=dict.fromkeys(splits, 0))
    for split in total.splits:
        (out / split).mkdir(parents=True)
    (out / "images").mkdir()
    (out / "images" / ".keep").touch()  # DVC keeps no empty folders, and later stages read this one
    shards = dict.fromkeys(total.splits, 0)
    images = 0
    for part in parts:
        about = About.model_validate_json((part / ABOUT).read_text(encoding="utf-8"))
        total.statistics.merge(about.statistics)
        for name, number in about.sources.items():
            total.sources[name] = total.sources.get(name, 0) + number
        for split, number in about.splits.items():
            total.splits[split] += number
            link(part / split / "shard.jsonl", out / split / f"shard-{shards[split]:05d}.jsonl")
            shards[split] += 1
        for image in sorted((part / "images").rglob("*")) if (part / "images").is_dir() else ():
            if image.is_file():
                images += link(image, out / image.relative_to(part))
    return total, images


def link(source: Path, target: Path) -> bool:
    """Make `target` the same file as `source`, or a copy; False when it is there already."""
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
    return True
