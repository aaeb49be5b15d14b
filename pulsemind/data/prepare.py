"""A shard of raw records to anonymous ones: images cleaned, text cleaned, all accounted for."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from pulsemind.artifacts import writing
from pulsemind.data.anonymise import anonymise, detect, remaining
from pulsemind.data.collect import image_path
from pulsemind.data.cut import Line, images_of, lines
from pulsemind.data.ledger import Ledger, write_lines
from pulsemind.data.pixels import ImageResult, clean_image
from pulsemind.records import Consultation, ImageKind, ImageRef, QAItem, Quarantined
from pulsemind.settings import DatasetSettings

RECORDS = "records.jsonl"
SCENES: frozenset[ImageKind] = frozenset(("ultrasound", "ct_mri", "xray", "pathology", "endoscopy"))
"""Kinds that are no documents; text on them is an overlay."""


def prepare(shard: Path, raw: Path, settings: DatasetSettings, out: Path) -> None:
    """Write the artifact `out` from a shard of `cut`: `records.jsonl`, `images/` and the books."""
    ledger = Ledger()
    kept: list[str] = []
    results: dict[str, ImageResult] = {}
    with writing(out, "prepared") as folder:
        for line in lines(shard):
            ledger.books.read += 1
            record = _one(line, raw, settings, folder, results, ledger)
            if record is not None:
                kept.append(record.model_dump_json() + "\n")
        ledger.books.kept = len(kept)
        write_lines(folder / RECORDS, kept)
        ledger.write(folder)


def _one(
    line: Line,
    raw: Path,
    settings: DatasetSettings,
    folder: Path,
    results: dict[str, ImageResult],
    ledger: Ledger,
) -> Consultation | QAItem | None:
    if line.skipped:
        ledger.skip(*line.skipped)
        return None
    record = line.record()
    if record is None:
        assert line.quarantined, "a line is a record or says why it is none"
        ledger.quarantine(line.quarantined)
        return None
    for number, image in enumerate(images_of(record)):
        result = results.get(image.path) or _clean(raw, image, settings, folder, ledger)
        results[image.path] = result
        if result.status == "unreadable":
            where = record.provenance
            reason = f"image {number}: {result.reason}"
            ledger.quarantine(Quarantined(file=where.file, index=where.index, reason=reason))
            return None
    ner_model = settings.anonymise.ner_model
    record, kinds, clean = anonymise(record, line.visit, ner_model)
    ledger.books.count("text", kinds)
    if not clean:
        ledger.books.count("text", remaining(record, ner_model), left=True)
        ledger.drop(record, "personal_data_remains")
        return None
    return _with_images(record, results, ledger)


def _clean(
    raw: Path, image: ImageRef, settings: DatasetSettings, folder: Path, ledger: Ledger
) -> ImageResult:
    """Clean an image into the artifact, and count what was found in it."""
    path = image_path(raw, image.path)
    if path is None:
        return ImageResult("unreadable", reason="outside the raw data")
    result = clean_image(
        path,
        folder,
        settings.image_min_side,
        image.kind in SCENES,
        settings.anonymise.image_max_pixels,
        settings.anonymise.ner_model,
    )
    ledger.books.count("pixels", result.pixels + result.later)
    ledger.books.count("pixels", result.remaining, left=True)
    ledger.books.count("metadata", result.metadata)
    ledger.books.count(
        "file_name", Counter(span.kind for span in detect(_spaced(path), tagger=False))
    )
    return result


def _spaced(path: Path) -> str:
    """A file's name as words; what surrounds an image inside a Parquet file is no name."""
    return "" if "#" in path.name else re.sub("_+", " ", path.stem)


def _with_images(
    record: Consultation | QAItem, results: dict[str, ImageResult], ledger: Ledger
) -> Consultation | QAItem | None:
    """Point the record at the clean copies. A refused image is left out; a question goes with it,
    and so does a dialogue that has a turn with nothing else in it."""
    refused = [s for s in (results[i.path].status for i in images_of(record)) if s != "kept"]
    if isinstance(record, QAItem):
        if refused:
            ledger.drop(record, refused[0])
            return None
        return record.model_copy(update={"images": _kept(record.images, results)})
    turns = tuple(
        turn.model_copy(update={"images": _kept(turn.images, results)}) for turn in record.turns
    )
    if refused and any(not turn.text.strip() and not turn.images for turn in turns):
        ledger.drop(record, refused[0])
        return None
    for rule in refused:
        ledger.drop_image(record, rule)
    return record.model_copy(update={"turns": turns})


def _kept(images: tuple[ImageRef, ...], results: dict[str, ImageResult]) -> tuple[ImageRef, ...]:
    return tuple(
        ImageRef(
            path=results[i.path].path,
            kind=i.kind,
            sha256=results[i.path].sha256,
            phash=f"{results[i.path].phash:016x}",
        )
        for i in images
        if results[i.path].status == "kept"
    )
