"""The dataset artifact from raw data: collect, anonymise, deduplicate, decontaminate, split, card.

One pass over each source, benchmarks first (training records are compared with them), then the
training sources in order of trust. Held in memory: a chunk of records, the signatures of
`dedup`, the hashes of the benchmarks, the queries.

The artifact:
    stage1/train, stage1/validation       Consultation, two turns each
    stage2/train, stage2/validation       Consultation
    queries                               Query, for CRPO; their consultations are in no other split
    benchmarks/NAME, benchmarks.json      Consultation or QAItem; how each is evaluated
    images/ab/SHA256.png|.jpg             anonymous copies
    quarantine.jsonl, dropped.jsonl, audit.json, counts.json, card.md, card.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pulsemind.artifacts import write_json, write_text
from pulsemind.data.card import Audit, Statistics, html, markdown
from pulsemind.data.collect import check_sources
from pulsemind.data.decontaminate import BenchmarkIndex
from pulsemind.data.dedup import TextIndex
from pulsemind.data.images import Images, open_images
from pulsemind.data.ledger import Counts, Ledger, Shards
from pulsemind.data.patterns import Kind
from pulsemind.data.prepare import Prepared, prepare
from pulsemind.data.sources import ADAPTERS
from pulsemind.data.split import Lowest, query, share
from pulsemind.records import Consultation, QAItem, Query
from pulsemind.settings import DatasetSettings, Source

SPLITS = ("stage1/train", "stage1/validation", "stage2/train", "stage2/validation", "queries")


def build(raw: Path, out: Path, settings: DatasetSettings, image_workers: int) -> Counts:
    """Fill the folder `out` with the dataset made from the raw data in `raw`.

    Args:
        image_workers: processes for OCR; the result does not depend on it.

    Raises ValueError or FileNotFoundError when a source cannot work, AccountError when the counts
    do not add up. What is wrong with single records never raises; it is in the quarantine.
    """
    check_sources(raw, settings)
    (out / "images").mkdir(parents=True, exist_ok=True)
    found: Counter[Kind] = Counter()
    benchmarks = [source for source in settings.sources if source.use == "benchmark"]
    with (
        open_images(out, settings.image_min_side, image_workers) as images,
        Ledger(out, settings.sources) as ledger,
        closing(_benchmark_index(settings)) as evaluation,
        closing(TextIndex(settings.near_duplicate_similarity, settings.seed)) as seen,
    ):
        writer = _Writer(out, [*SPLITS, *(f"benchmarks/{s.name}" for s in benchmarks)], ledger)
        for source in benchmarks:
            for prepared in prepare(raw, source, images, ledger, found):
                evaluation.add(prepared.record, prepared.phashes)
                writer.write(f"benchmarks/{source.name}", prepared.record)
        aside = Lowest(settings.queries)
        returned = 0
        for source in settings.sources:
            if source.use == "benchmark":
                continue
            prepared_records = prepare(raw, source, images, ledger, found)
            for record in _unseen(prepared_records, evaluation, seen, ledger):
                split = _split(record, source, settings)
                if split != "queries":
                    writer.write(split, record)
                elif out_again := aside.add(share(settings.seed, split, record.id), record):
                    writer.write("stage2/train", out_again)
                    returned += 1
        for record in aside.records():
            writer.write("queries", record, query(record, settings.seed))
        sizes = writer.finish()
        _remove_orphans(out, writer.statistics.images)
        counts = ledger.counts(sizes, len(writer.statistics.images), returned)
        audit = _audit(found, images, counts)
    write_json(out / "benchmarks.json", _protocols(benchmarks, sizes))
    write_json(out / "counts.json", counts.model_dump())
    write_json(out / "audit.json", audit)
    write_text(out / "card.md", markdown(counts, writer.statistics, audit))
    write_text(out / "card.html", html(counts, writer.statistics, audit))
    return counts


class _Writer:
    """Where kept records go: their split's shards, the card's statistics, the ledger."""

    def __init__(self, out: Path, splits: list[str], ledger: Ledger) -> None:
        self._shards = {name: Shards(out / name) for name in splits}
        self._ledger = ledger
        self.statistics = Statistics()

    def write(self, split: str, record: Consultation | QAItem, stored: Query | None = None) -> None:
        """Keep a record, in the form `stored` if that is given."""
        self._shards[split].write(stored or record)
        self.statistics.add(split, record)
        self._ledger.keep(record.provenance.source)

    def finish(self) -> dict[str, int]:
        """Write what is still held; returns the records in each split."""
        for shards in self._shards.values():
            shards.flush()
        return {name: shards.count for name, shards in self._shards.items()}


def _benchmark_index(settings: DatasetSettings) -> BenchmarkIndex:
    return BenchmarkIndex(
        settings.near_duplicate_similarity,
        settings.contamination_ngram,
        settings.contamination_image_distance,
        settings.seed,
    )


def _unseen(
    records: Iterator[Prepared], evaluation: BenchmarkIndex, seen: TextIndex, ledger: Ledger
) -> Iterator[Consultation]:
    """The training records that overlap neither a benchmark nor a record before them."""
    for prepared in records:
        record = prepared.record
        assert isinstance(record, Consultation), "check_sources lets no questions into training"
        if overlap := evaluation.overlap(record, prepared.phashes):
            ledger.drop(record, f"contamination_{overlap.kind}", overlap.benchmark)
        elif duplicate := seen.find(record.text()):
            ledger.drop(record, f"duplicate_{duplicate[0]}", duplicate[1])
        else:
            seen.add(record.text(), record.id)
            yield record


def _split(record: Consultation, source: Source, settings: DatasetSettings) -> str:
    stage = "stage1" if source.use == "stage1" else "stage2"
    set_aside = share(settings.seed, "queries", record.id) < settings.query_share
    if stage == "stage2" and set_aside and query(record, settings.seed) is not None:
        return "queries"
    held_out = share(settings.seed, "validation", record.id) < settings.validation_share
    return f"{stage}/validation" if held_out else f"{stage}/train"


def _protocols(benchmarks: list[Source], sizes: dict[str, int]) -> dict[str, dict[str, object]]:
    """`benchmarks.json`: how each evaluation set is evaluated."""
    return {
        source.name: {
            "adapter": source.adapter,
            "kind": ADAPTERS[source.adapter].kind,
            "protocol": ADAPTERS[source.adapter].protocol,
            "n": sizes[f"benchmarks/{source.name}"],
        }
        for source in benchmarks
    }


def _audit(text: Counter[Kind], images: Images, counts: Counts) -> Audit:
    """`audit.json`: what was found where, by kind, never a value.

    `second_pass` is what a second look found in what is kept: a record or image with anything left
    is dropped, and re-encoded images carry neither metadata nor a name, hence the zeros.
    """
    by_place: dict[str, Counter[Kind]] = {
        "text": text,
        "pixels": images.found("pixels"),
        "metadata": images.found("metadata"),
        "file_name": images.file_names,
    }
    remaining = "image_personal_data_remains"
    return {
        "found": {place: dict(kinds) for place, kinds in by_place.items()},
        "second_pass": dict.fromkeys(by_place, 0),
        "dropped": {
            "records": counts.dropped.get("personal_data_remains", 0)
            + counts.dropped.get(remaining, 0),
            "images": counts.images_dropped.get(remaining, 0),
        },
    }


def _remove_orphans(out: Path, used: set[str]) -> None:
    """Delete the images of records that were dropped after their images had been cleaned."""
    for path in sorted((out / "images").rglob("*")):
        if path.is_file() and path.relative_to(out).as_posix() not in used:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
    (out / "images").mkdir(exist_ok=True)
    (out / "images" / ".keep").touch()  # DVC keeps no empty folders, and later stages read this one
