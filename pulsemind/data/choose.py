"""The one step that sees all shards at once: which records stay, and in which split.

It sees them as arrays (`keys`): some 500 bytes a record on the disk, a few dozen of them in memory.
Its result for each shard is one number a record: a split, or that something removed it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pulsemind.artifacts import write_json, writing
from pulsemind.data.decontaminate import NO_SET, RULES
from pulsemind.data.dedup import duplicates
from pulsemind.data.keys import Keys, model_of, whole_text
from pulsemind.data.ledger import Ledger
from pulsemind.data.split import QUERY, STAGE2_TRAIN
from pulsemind.data.text import I64
from pulsemind.records import Consultation, QAItem, Quarantined
from pulsemind.settings import DatasetSettings, Source

REMOVED = -1
CAPTION_TOKENS = (10, 1024)
"""Shortest and longest caption kept (L 2.1.4)."""
TEXT = RULES.index("text")
CONTAMINATION = "contamination.json"


@dataclass(frozen=True)
class Shard:
    """A shard before the choice: its source, its records (a file), its keys (a folder)."""

    source: Source
    records: Path
    keys: Path


def choose(shards: Sequence[Shard], settings: DatasetSettings, out: Path) -> None:
    """Write the artifact `out`: `00000.npy` a shard, each source's books, `contamination.json`.

    Args:
        shards: those of the evaluation sets first, then the others in order of trust.
    """
    table = _Table(shards)
    benchmarks = [source for source in settings.sources if source.use == "benchmark"]
    ledgers = {source.name: Ledger() for source in settings.sources}
    _repeated_ids(table, ledgers)
    repeats = []
    texts = lru_cache(1024)(table.record)
    for pair in duplicates(
        table.keys,
        lambda row: whole_text(texts(row)),
        settings.near_duplicate_similarity,
        table.evaluation,
    ):
        if pair.owner < table.evaluation:
            table.overlap[TEXT, pair.row] = table.benchmark(pair.owner, benchmarks)
        else:
            repeats.append(pair)
    overlaps = _contaminated(table, benchmarks, ledgers)
    for pair in repeats:
        if REMOVED not in table.split[[pair.row, pair.owner]]:
            rule = "duplicate_near" if pair.near else "duplicate_exact"
            ledgers[table.source(pair.row)].drop(texts(pair.row), rule, texts(pair.owner).id)
            table.split[pair.row] = REMOVED
    for source in settings.sources:
        if source.captions:
            _clean_captions(table, source, ledgers[source.name])
        if source.refine:
            _separate_patients(table, source, ledgers[source.name])
    _set_queries_aside(table, settings.queries)
    with writing(out, "choice") as folder:
        for number in range(len(shards)):
            np.save(folder / f"{number:05d}.npy", table.split[table.rows(number)])
        for name, ledger in ledgers.items():
            (folder / name).mkdir()
            ledger.write(folder / name)
        write_json(folder / CONTAMINATION, overlaps)


class _Table:
    """All shards' rows under one numbering."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = shards
        self.keys = [Keys.load(shard.keys) for shard in shards]
        self.starts: I64 = np.cumsum([0, *(len(keys.index) for keys in self.keys)])
        self.split = np.concatenate([np.array(keys.split) for keys in self.keys])
        self.overlap = np.concatenate([np.array(keys.overlap) for keys in self.keys], axis=1)

    @cached_property
    def evaluation(self) -> int:
        """Rows of evaluation sets; they come first."""
        number = sum(shard.source.use == "benchmark" for shard in self.shards)
        return int(self.starts[number])

    def rows(self, shard: int) -> slice:
        """The rows of a shard."""
        return slice(int(self.starts[shard]), int(self.starts[shard + 1]))

    def shard(self, row: int) -> int:
        """The shard of a row."""
        return int(np.searchsorted(self.starts, row, side="right")) - 1

    def source(self, row: int) -> str:
        """The name of a row's source."""
        return self.shards[self.shard(row)].source.name

    def benchmark(self, row: int, benchmarks: Sequence[Source]) -> int:
        """The number of the evaluation set that a row belongs to."""
        return benchmarks.index(self.shards[self.shard(row)].source)

    def of(self, source: Source) -> Iterator[tuple[int, Keys, int]]:
        """The rows of a source that are still there, with their keys and their place in them."""
        for number, shard in enumerate(self.shards):
            if shard.source.name == source.name:
                start = int(self.starts[number])
                for place in range(len(self.keys[number].index)):
                    if self.split[start + place] != REMOVED:
                        yield start + place, self.keys[number], place

    def remove(self, row: int, ledger: Ledger, rule: str) -> None:
        """Drop a row by a rule."""
        ledger.drop(self.record(row), rule)
        self.split[row] = REMOVED

    def record(self, row: int) -> Consultation | QAItem:
        """Read a row's record from its shard."""
        number = self.shard(row)
        with self.shards[number].records.open("rb") as handle:
            handle.seek(int(self.keys[number].line[row - self.starts[number]]))
            line = handle.readline()
        return model_of(self.shards[number].source).model_validate_json(line)


def _repeated_ids(table: _Table, ledgers: dict[str, Ledger]) -> None:
    """Quarantine every record whose source gave its original id to a record before it."""
    by_source: dict[str, list[int]] = {}
    for number, shard in enumerate(table.shards):
        by_source.setdefault(shard.source.name, []).append(number)
    for name, numbers in by_source.items():
        ids = np.concatenate([table.keys[number].original for number in numbers])
        rows = np.concatenate([np.arange(table.starts[n], table.starts[n + 1]) for n in numbers])
        order = np.argsort(ids, kind="stable")
        again = (ids[order[1:]] == ids[order[:-1]]) & (ids[order[1:]] != 0)
        for row in np.sort(rows[order[1:][again]]).tolist():
            where = table.record(row).provenance
            reason = "id: seen before in this source"
            ledgers[name].quarantine(Quarantined(file=where.file, index=where.index, reason=reason))
            table.split[row] = REMOVED


def _clean_captions(table: _Table, source: Source, ledger: Ledger) -> None:
    """Drop captions that are too short or too long, and those of an image seen before."""
    seen: set[int] = set()
    for row, keys, place in table.of(source):
        phashes = keys.phashes[keys.images[place] : keys.images[place + 1]].tolist()
        if not CAPTION_TOKENS[0] <= keys.answered[place] <= CAPTION_TOKENS[1]:
            table.remove(row, ledger, "caption_length")
        elif not seen.isdisjoint(phashes):
            table.remove(row, ledger, "duplicate_image")
        else:
            seen.update(phashes)


def _separate_patients(table: _Table, source: Source, ledger: Ledger) -> None:
    """Quarantine a dialogue with an image that another dialogue has shown."""
    seen: set[int] = set()
    for row, keys, place in table.of(source):
        contents = keys.contents[keys.images[place] : keys.images[place + 1]].tolist()
        if seen.isdisjoint(contents):
            seen.update(contents)
            continue
        number = next(n for n, content in enumerate(contents) if content in seen)
        where = table.record(row).provenance
        reason = f"image {number}: shown in another dialogue too"
        ledger.quarantine(Quarantined(file=where.file, index=where.index, reason=reason))
        table.split[row] = REMOVED


def _contaminated(
    table: _Table, benchmarks: Sequence[Source], ledgers: dict[str, Ledger]
) -> dict[str, dict[str, int]]:
    """Drop what overlaps an evaluation set by a rule that blocks there; count by every rule."""
    counts: dict[str, Counter[str]] = {source.name: Counter() for source in benchmarks}
    overlap = table.overlap
    touched = np.flatnonzero((overlap != NO_SET).any(axis=0) & (table.split != REMOVED))
    for row in touched[touched >= table.evaluation].tolist():
        found = {rule: int(overlap[n, row]) for n, rule in enumerate(RULES)}
        hits = {rule: benchmarks[number] for rule, number in found.items() if number != NO_SET}
        for rule, source in hits.items():
            counts[source.name][rule] += 1
        for rule, source in hits.items():
            if rule in source.overlap:
                own = ledgers[table.source(row)]
                own.drop(table.record(row), f"contamination_{rule}", source.name)
                table.split[row] = REMOVED
                break
    return {name: dict(rules) for name, rules in counts.items()}


def _set_queries_aside(table: _Table, wanted: int) -> None:
    """Of the candidates the ones with the lowest shares become queries; the others train."""
    candidates = np.flatnonzero(table.split == QUERY)
    share = np.concatenate([np.array(keys.share) for keys in table.keys])[candidates]
    order: npt.NDArray[np.int64] = np.lexsort((candidates, share))
    table.split[candidates[order[wanted:]]] = STAGE2_TRAIN
