"""Collection: raw files in, checked records out; each raw record is accounted for.

The `records` slice of a source is cut here, once, for all adapters: it counts raw records, the
broken ones among them. Nothing outside the raw folder is read, whatever a record or a symbolic
link says. From here on an image's path is relative to the raw folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pulsemind.data.sources import ADAPTERS, Item, Raw
from pulsemind.data.sources.files import check_path, is_inside, shards
from pulsemind.data.sources.parquet import open_image, without_fragment
from pulsemind.data.sources.questions import as_consultation
from pulsemind.records import Consultation, ImageRef, QAItem, Quarantined
from pulsemind.settings import DatasetSettings, Source

__all__ = ["check_sources", "collect", "image_path", "open_image"]


def check_sources(raw: Path, settings: DatasetSettings) -> None:
    """Refuse sources that cannot work, before any work.

    Raises ValueError for an unknown adapter, a bad slice, a repeated name or a path that leads
    outside; FileNotFoundError for a missing file or images folder.
    """
    names = [source.name for source in settings.sources]
    for source in settings.sources:
        if source.adapter not in ADAPTERS:
            known = ", ".join(ADAPTERS)
            raise ValueError(f"source {source.name}: no adapter {source.adapter!r}; known: {known}")
        if source.records is not None and not _is_slice(source.records):
            raise ValueError(f"source {source.name}: records must be [start, stop)")
        if names.count(source.name) > 1:
            raise ValueError(f"source {source.name}: the name is used twice")
        check_path(raw, source)
        if source.images is not None and not (raw / source.images).is_dir():
            raise FileNotFoundError(f"source {source.name}: no folder {raw / source.images}")


def collect(raw: Path, source: Source) -> Iterator[Item]:
    """Stream one source: every raw record of its slice as exactly one item.

    A question of a source that is no benchmark becomes a dialogue. Repeated ids are found later,
    when all shards are together (`choose`).
    """
    start, stop = source.records or (0, None)
    for item in islice(_read(raw, source), start, stop):
        if not isinstance(item, Raw):
            yield item
        elif reason := _problem(raw, item.record):
            where = item.record.provenance
            yield Quarantined(file=where.file, index=where.index, reason=reason)
        elif isinstance(item.record, QAItem) and source.use != "benchmark":
            yield Raw(as_consultation(item.record), item.visit)
        else:
            yield item


def image_path(raw: Path, relative: str) -> Path | None:
    """Where a collected record's image lies, for `open_image`; None when that is outside `raw`.

    An image inside a Parquet file keeps the fragment that says where (`x.parquet#row=3&...`).
    """
    file, fragment = without_fragment(relative)
    if not is_inside(raw / file, raw):
        return None
    path = (raw / file).resolve()
    return path.with_name(path.name + fragment)


def _read(raw: Path, source: Source) -> Iterator[Item]:
    read = ADAPTERS[source.adapter].read
    for shard in shards(raw, source):
        if isinstance(shard, Quarantined):
            yield shard
        else:
            yield from read(shard)


def _is_slice(records: list[int]) -> bool:
    return len(records) == 2 and 0 <= records[0] < records[1]


def _problem(raw: Path, record: Consultation | QAItem) -> str | None:
    """Why a well-typed record is of no use, or None."""
    for number, image in enumerate(_images(record)):
        if image_path(raw, image.path) is None:
            return f"image {number}: outside the raw data"
    return _gap(record) if isinstance(record, Consultation) else None


def _gap(record: Consultation) -> str | None:
    """What a dialogue lacks, or None."""
    if not record.turns:
        return "turns: empty"
    for role in ("patient", "physician"):
        if all(turn.role != role for turn in record.turns):
            return f"turns: no {role} turn"
    for number, turn in enumerate(record.turns):
        if not turn.text.strip() and not turn.images:
            return f"turns.{number}: neither text nor image"
    return None


def _images(record: Consultation | QAItem) -> tuple[ImageRef, ...]:
    return record.images() if isinstance(record, Consultation) else record.images
