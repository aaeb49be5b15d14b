"""One source from raw records to anonymous ones, in chunks: collection, images, text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pulsemind.data.anonymise import anonymise
from pulsemind.data.collect import collect, image_path
from pulsemind.data.images import Images
from pulsemind.data.ledger import Ledger
from pulsemind.data.patterns import Kind
from pulsemind.data.pixels import ImageResult
from pulsemind.data.sources import Item, Raw, Skipped
from pulsemind.records import Consultation, ImageRef, QAItem, Quarantined
from pulsemind.settings import Source

CHUNK = 256
"""Raw records held at once, so that the image workers have something to do."""


@dataclass(frozen=True)
class Prepared:
    """An anonymous record and the pHashes of its images."""

    record: Consultation | QAItem
    phashes: tuple[int, ...]


def prepare(
    raw: Path, source: Source, images: Images, ledger: Ledger, found: Counter[Kind]
) -> Iterator[Prepared]:
    """Stream the usable records of a source; the others go into the ledger.

    `found` collects the kinds of personal data replaced in text.
    """
    items = collect(raw, source)
    while chunk := list(islice(items, CHUNK)):
        wanted = [
            (path, image.kind)
            for item in chunk
            if isinstance(item, Raw)
            for image in _images(item.record)
            if (path := image_path(raw, image.path))
        ]
        results = images.clean(wanted)
        for item in chunk:
            ledger.read(source)
            prepared = _one(raw, source, item, results, ledger, found)
            if prepared is not None:
                yield prepared


def _one(
    raw: Path,
    source: Source,
    item: Item,
    results: dict[Path, ImageResult],
    ledger: Ledger,
    found: Counter[Kind],
) -> Prepared | None:
    if isinstance(item, Skipped):
        ledger.skip(source, item.file, item.index, item.rule)
        return None
    if isinstance(item, Quarantined):
        ledger.quarantine(source, item)
        return None
    by_reference: dict[str, ImageResult] = {}
    for number, image in enumerate(_images(item.record)):
        path = image_path(raw, image.path)
        result = results.get(path) if path else None
        if result is None or result.status == "unreadable":
            problem = "unreadable" if result else "missing" if path else "outside the raw data"
            where = item.record.provenance
            reason = f"image {number}: {problem}"
            ledger.quarantine(
                source, Quarantined(file=where.file, index=where.index, reason=reason)
            )
            return None
        by_reference[image.path] = result
    record, kinds, clean = anonymise(item.record, item.visit)
    found.update(kinds)
    if not clean:
        ledger.drop(record, "personal_data_remains")
        return None
    return _with_images(record, by_reference, ledger)


def _with_images(
    record: Consultation | QAItem, results: dict[str, ImageResult], ledger: Ledger
) -> Prepared | None:
    """Point the record at the clean copies. A refused image is left out; a question goes with it,
    and so does a dialogue that has a turn with nothing else in it."""
    refused = [r.status for r in (results[i.path] for i in _images(record)) if r.status != "kept"]
    phashes = tuple(r.phash for r in results.values() if r.status == "kept")
    if isinstance(record, QAItem):
        if refused:
            ledger.drop(record, refused[0])
            return None
        return Prepared(
            record.model_copy(update={"images": _clean(record.images, results)}), phashes
        )
    turns = tuple(
        turn.model_copy(update={"images": _clean(turn.images, results)}) for turn in record.turns
    )
    if refused and any(not turn.text.strip() and not turn.images for turn in turns):
        ledger.drop(record, refused[0])
        return None
    for rule in refused:
        ledger.drop_image(record, rule)
    return Prepared(record.model_copy(update={"turns": turns}), phashes)


def _clean(images: tuple[ImageRef, ...], results: dict[str, ImageResult]) -> tuple[ImageRef, ...]:
    return tuple(
        ImageRef(path=results[i.path].path, kind=i.kind, sha256=results[i.path].sha256)
        for i in images
        if results[i.path].status == "kept"
    )


def _images(record: Consultation | QAItem) -> tuple[ImageRef, ...]:
    return record.images() if isinstance(record, Consultation) else record.images
