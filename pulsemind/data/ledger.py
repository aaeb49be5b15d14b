"""The books of a build: a raw record is read once and kept, quarantined or dropped by a rule."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import BaseModel

from pulsemind.records import Consultation, QAItem, Quarantined, Record
from pulsemind.settings import Source


class AccountError(RuntimeError):
    """The numbers of a build do not add up."""


class Dropped(Record):
    """A record (or one image of a record that stays) removed by a rule; never its content.

    `counterpart` is the id of the record it duplicates, or the benchmark it overlaps.
    """

    what: Literal["record", "image"] = "record"
    id: str
    file: str
    index: int
    rule: str
    counterpart: str | None = None


class SourceCounts(BaseModel):
    """What became of a source's raw records."""

    use: str
    licence: str
    read: int = 0
    kept: int = 0
    quarantined: int = 0
    dropped: dict[str, int] = {}


class Counts(BaseModel):
    """`counts.json`: numbers of a build. `dropped` and `images_dropped` go by rule."""

    read: int
    kept: int
    quarantined: int
    dropped: dict[str, int]
    sources: dict[str, SourceCounts]
    splits: dict[str, int]
    contamination: dict[str, dict[str, int]]
    images: int
    images_dropped: dict[str, int]
    queries_returned: int


class Shards:
    """Records pushed one by one into `folder/shard-00000.jsonl`, ...

    The same files as `artifacts.write_shards` makes, for a stream that feeds several folders.
    """

    def __init__(self, folder: Path, per_shard: int = 10_000) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._per_shard = folder, per_shard
        self._lines: list[str] = []
        self._shard = 0
        self.count = 0

    def write(self, record: BaseModel) -> None:
        """Add a record; it reaches the disk with its shard."""
        self._lines.append(record.model_dump_json() + "\n")
        self.count += 1
        if len(self._lines) == self._per_shard:
            self.flush()

    def flush(self) -> None:
        """Write the shard begun, if any."""
        if self._lines:
            path = self._folder / f"shard-{self._shard:05d}.jsonl"
            path.write_text("".join(self._lines), encoding="utf-8")
            self._lines, self._shard = [], self._shard + 1


class Ledger:
    """Writes `quarantine.jsonl` and `dropped.jsonl` as it goes, and counts. A context manager."""

    def __init__(self, out: Path, sources: list[Source]) -> None:
        self._quarantine = (out / "quarantine.jsonl").open("w", encoding="utf-8")
        self._dropped = (out / "dropped.jsonl").open("w", encoding="utf-8")
        self.sources = {s.name: SourceCounts(use=s.use, licence=s.licence) for s in sources}
        self.images_dropped: Counter[str] = Counter()
        self.contamination: dict[str, Counter[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._quarantine.close()
        self._dropped.close()

    def read(self, source: Source) -> None:
        """One more raw record of a source."""
        self.sources[source.name].read += 1

    def keep(self, source: str) -> None:
        """One record of a source has reached the artifact."""
        self.sources[source].kept += 1

    def quarantine(self, source: Source, entry: Quarantined) -> None:
        """A record that cannot be used."""
        self.sources[source.name].quarantined += 1
        self._quarantine.write(entry.model_dump_json() + "\n")

    def skip(self, source: Source, file: str, index: int, rule: str) -> None:
        """A raw record that the source marks as not for this use."""
        self._drop(source.name, Dropped(id="", file=file, index=index, rule=rule))

    def drop(
        self, record: Consultation | QAItem, rule: str, counterpart: str | None = None
    ) -> None:
        """A record removed by a rule."""
        where = record.provenance
        entry = Dropped(
            id=record.id, file=where.file, index=where.index, rule=rule, counterpart=counterpart
        )
        self._drop(where.source, entry)
        if rule.startswith("contamination_"):
            kind = rule.removeprefix("contamination_")
            self.contamination.setdefault(str(counterpart), Counter())[kind] += 1

    def drop_image(self, record: Consultation | QAItem, rule: str) -> None:
        """An image removed from a record that stays."""
        where = record.provenance
        entry = Dropped(what="image", id=record.id, file=where.file, index=where.index, rule=rule)
        self._dropped.write(entry.model_dump_json() + "\n")
        self.images_dropped[rule] += 1

    def counts(self, splits: dict[str, int], images: int, queries_returned: int) -> Counts:
        """All numbers. Raises AccountError when read is not kept + quarantined + dropped."""
        dropped: Counter[str] = Counter()
        for name, source in self.sources.items():
            accounted = source.kept + source.quarantined + sum(source.dropped.values())
            if source.read != accounted:
                raise AccountError(f"{name}: {source.read} read, {accounted} accounted for")
            dropped.update(source.dropped)
        kept = sum(source.kept for source in self.sources.values())
        if kept != sum(splits.values()):
            raise AccountError(f"{kept} records kept, {sum(splits.values())} written")
        return Counts(
            read=sum(source.read for source in self.sources.values()),
            kept=kept,
            quarantined=sum(source.quarantined for source in self.sources.values()),
            dropped=dict(dropped),
            sources=self.sources,
            splits=splits,
            contamination={name: dict(kinds) for name, kinds in self.contamination.items()},
            images=images,
            images_dropped=dict(self.images_dropped),
            queries_returned=queries_returned,
        )

    def _drop(self, source: str, entry: Dropped) -> None:
        rules = self.sources[source].dropped
        rules[entry.rule] = rules.get(entry.rule, 0) + 1
        self._dropped.write(entry.model_dump_json() + "\n")
