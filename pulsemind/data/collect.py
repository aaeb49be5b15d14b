"""Collection: raw files in, checked records out; each raw record is accounted for.

The `records` slice of a source is cut here, once, for all adapters: it counts raw records, the
broken ones among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pulsemind.data.sources import ADAPTERS, Item, Raw
from pulsemind.records import Consultation, Quarantined
from pulsemind.settings import DatasetSettings, Source


def check_sources(raw: Path, settings: DatasetSettings) -> None:
    """Refuse sources that cannot work, before any work.

    Raises ValueError for an unknown adapter, a question set that is no benchmark, a bad slice or a
    repeated name; FileNotFoundError for a missing file.
    """
    names = [source.name for source in settings.sources]
    for source in settings.sources:
        adapter = ADAPTERS.get(source.adapter)
        if adapter is None:
            known = ", ".join(ADAPTERS)
            raise ValueError(f"source {source.name}: no adapter {source.adapter!r}; known: {known}")
        if adapter.kind == "qa" and source.use != "benchmark":
            raise ValueError(f"source {source.name}: {source.adapter} can only be a benchmark")
        if source.records is not None and not _is_slice(source.records):
            raise ValueError(f"source {source.name}: records must be [start, stop)")
        if names.count(source.name) > 1:
            raise ValueError(f"source {source.name}: the name is used twice")
        if not (raw / source.path).is_file():
            raise FileNotFoundError(f"source {source.name}: there is no {raw / source.path}")


def collect(raw: Path, source: Source) -> Iterator[Item]:
    """Stream one source: every raw record of its slice as exactly one item."""
    start, stop = source.records or (0, None)
    seen: set[bytes] = set()
    for item in islice(ADAPTERS[source.adapter].read(raw / source.path, source), start, stop):
        if isinstance(item, Raw) and (reason := _problem(item, seen)):
            where = item.record.provenance
            yield Quarantined(file=where.file, index=where.index, reason=reason)
        else:
            yield item


def image_path(raw: Path, source: Source, relative: str) -> Path | None:
    """Where an image lies; None when its path leads out of the raw folder."""
    path = ((raw / source.path).parent / relative).resolve()
    return path if path.is_relative_to(raw.resolve()) else None


def _is_slice(records: list[int]) -> bool:
    return len(records) == 2 and 0 <= records[0] < records[1]


def _problem(item: Raw, seen: set[bytes]) -> str | None:
    """Why a well-typed record is of no use, or None."""
    record = item.record
    if original := record.provenance.original_id:
        key = hashlib.blake2b(original.encode(), digest_size=8).digest()
        if key in seen:
            return "id: seen before in this source"
        seen.add(key)
    if isinstance(record, Consultation):
        if not record.turns:
            return "turns: empty"
        for role in ("patient", "physician"):
            if all(turn.role != role for turn in record.turns):
                return f"turns: no {role} turn"
        for number, turn in enumerate(record.turns):
            if not turn.text.strip() and not turn.images:
                return f"turns.{number}: neither text nor image"
    return None
