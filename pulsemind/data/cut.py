"""The first step of a build: a source's records, checked, in shards that one worker can handle.

A shard is bounded in records and in images, since reading the text in an image costs a thousand
times what a short text costs. Shards still hold what the raw data holds, names and all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import Field

from pulsemind.artifacts import manifest, write_text, writing
from pulsemind.data.collect import collect, image_path
from pulsemind.data.sources import Item, Raw, Skipped
from pulsemind.data.sources.parquet import without_fragment
from pulsemind.records import Consultation, ImageRef, QAItem, Quarantined, Record
from pulsemind.settings import DatasetSettings, Source


class Line(Record):
    """One raw record as the adapter saw it: exactly one of the four is there."""

    consultation: Consultation | None = None
    question: QAItem | None = None
    quarantined: Quarantined | None = None
    skipped: tuple[str, int, str] | None = None
    """File, index and rule."""
    visit: date | None = Field(default=None)
    """Day of the consultation."""

    def record(self) -> Consultation | QAItem | None:
        """The record, if it is one."""
        return self.consultation or self.question


@dataclass
class _Shard:
    lines: list[str] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)


def cut(raw: Path, source: Source, settings: DatasetSettings, out: Path) -> None:
    """Write a source as the artifact `out`: `00000.jsonl` (Line) and `00000.images`, and so on.

    The second file lists the shard's images with size and time of change: with the first it is all
    that the shard's result depends on.
    """
    with writing(out, "cut", source=source.name) as folder:
        for number, shard in enumerate(_shards(raw, source, settings)):
            write_text(folder / f"{number:05d}.jsonl", "".join(shard.lines))
            stamps = (f"{path}\t{stamp}\n" for path, stamp in sorted(shard.images.items()))
            write_text(folder / f"{number:05d}.images", "".join(stamps))


def shards_of(folder: Path) -> dict[str, str]:
    """The shards of a cut source: number -> digest of what it depends on."""
    files = manifest(folder)["files"]
    numbers = sorted(name.removesuffix(".jsonl") for name in files if name.endswith(".jsonl"))
    return {n: f"{files[f'{n}.jsonl']} {files[f'{n}.images']}" for n in numbers}


def lines(path: Path) -> Iterator[Line]:
    """Stream a shard."""
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            yield Line.model_validate_json(line)


def images_of(record: Consultation | QAItem) -> tuple[ImageRef, ...]:
    """All images of a record, in their order."""
    return record.images() if isinstance(record, Consultation) else record.images


def _shards(raw: Path, source: Source, settings: DatasetSettings) -> Iterator[_Shard]:
    shard = _Shard()
    for item in collect(raw, source):
        images = images_of(item.record) if isinstance(item, Raw) else ()
        full = len(shard.images) + len(images) > settings.shard_images
        if shard.lines and (full or len(shard.lines) == settings.shard_records):
            yield shard
            shard = _Shard()
        shard.lines.append(_line(item).model_dump_json(exclude_none=True) + "\n")
        shard.images.update({image.path: _stamp(raw, image.path) for image in images})
    if shard.lines:
        yield shard


def _line(item: Item) -> Line:
    if isinstance(item, Quarantined):
        return Line(quarantined=item)
    if isinstance(item, Skipped):
        return Line(skipped=(item.file, item.index, item.rule))
    if isinstance(item.record, Consultation):
        return Line(consultation=item.record, visit=item.visit)
    return Line(question=item.record, visit=item.visit)


def _stamp(raw: Path, image: str) -> str:
    """Size and time of change of the file that holds an image, empty when there is none."""
    path = image_path(raw, image)
    if path is None:
        return ""
    try:
        about = path.with_name(without_fragment(path.name)[0]).stat()
    except OSError:
        return ""
    return f"{about.st_size} {about.st_mtime_ns}"
