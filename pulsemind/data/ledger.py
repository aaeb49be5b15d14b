"""The books of a build: a raw record is read once and kept, quarantined or dropped by a rule.

Each shard keeps its own books; `Counts` adds them up and refuses to be written when they do not
balance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel

from pulsemind.data.kinds import Kind
from pulsemind.records import Consultation, QAItem, Quarantined, Record

K = TypeVar("K", bound=str)
QUARANTINE, DROPPED, BOOKS = "quarantine.jsonl", "dropped.jsonl", "books.json"


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


class Books(BaseModel):
    """What a step did with the records of one shard, and the personal data it replaced.

    `found` counts by place (text, pixels, metadata, file_name) and kind, `left` what a second look
    still found; the records and images with anything left were dropped.
    """

    read: int = 0
    kept: int = 0
    quarantined: int = 0
    dropped: dict[str, int] = {}
    images_dropped: dict[str, int] = {}
    found: dict[str, dict[Kind, int]] = {}
    left: dict[str, dict[Kind, int]] = {}

    def add(self, other: Books) -> None:
        """Add another shard's figures to these."""
        self.read += other.read
        self.kept += other.kept
        self.quarantined += other.quarantined
        _merge(self.dropped, other.dropped)
        _merge(self.images_dropped, other.images_dropped)
        for mine, theirs in ((self.found, other.found), (self.left, other.left)):
            for place, kinds in theirs.items():
                _merge(mine.setdefault(place, {}), kinds)

    def count(self, place: str, kinds: Mapping[Kind, int], left: bool = False) -> None:
        """Add what was found in one place."""
        _merge((self.left if left else self.found).setdefault(place, {}), kinds)


class Ledger:
    """Writes a shard's `quarantine.jsonl` and `dropped.jsonl`, and counts."""

    def __init__(self) -> None:
        self.books = Books()
        self._quarantined: list[str] = []
        self._dropped: list[str] = []

    def quarantine(self, entry: Quarantined) -> None:
        """A record that cannot be used."""
        self.books.quarantined += 1
        self._quarantined.append(entry.model_dump_json() + "\n")

    def skip(self, file: str, index: int, rule: str) -> None:
        """A raw record that the source marks as not for this use."""
        self._drop(Dropped(id="", file=file, index=index, rule=rule))

    def drop(
        self, record: Consultation | QAItem, rule: str, counterpart: str | None = None
    ) -> None:
        """A record removed by a rule."""
        where = record.provenance
        self._drop(
            Dropped(
                id=record.id, file=where.file, index=where.index, rule=rule, counterpart=counterpart
            )
        )

    def drop_image(self, record: Consultation | QAItem, rule: str) -> None:
        """An image removed from a record that stays."""
        where = record.provenance
        entry = Dropped(what="image", id=record.id, file=where.file, index=where.index, rule=rule)
        self._dropped.append(entry.model_dump_json() + "\n")
        _merge(self.books.images_dropped, {rule: 1})

    def write(self, folder: Path) -> None:
        """Write the three files of the books."""
        write_lines(folder / QUARANTINE, self._quarantined)
        write_lines(folder / DROPPED, self._dropped)
        write_lines(folder / BOOKS, [self.books.model_dump_json() + "\n"])

    def _drop(self, entry: Dropped) -> None:
        _merge(self.books.dropped, {entry.rule: 1})
        self._dropped.append(entry.model_dump_json() + "\n")


class SourceCounts(BaseModel):
    """What became of a source's raw records."""

    use: str
    licence: str
    read: int
    kept: int
    quarantined: int
    dropped: dict[str, int]


class Counts(BaseModel):
    """`counts.json`: numbers of a build. `dropped` and `images_dropped` go by rule.

    `contamination[set][rule]` counts the training records that overlap a set by each rule, whether
    the rule blocks for that set (`blocking`) or not.
    """

    read: int
    kept: int
    quarantined: int
    dropped: dict[str, int]
    sources: dict[str, SourceCounts]
    splits: dict[str, int]
    contamination: dict[str, dict[str, int]]
    blocking: dict[str, list[str]]
    images: int
    images_dropped: dict[str, int]

    def check(self) -> None:
        """Raises AccountError unless read = kept + quarantined + dropped, and kept was written."""
        for name, source in self.sources.items():
            accounted = source.kept + source.quarantined + sum(source.dropped.values())
            if source.read != accounted:
                raise AccountError(f"{name}: {source.read} read, {accounted} accounted for")
        if self.kept != sum(self.splits.values()):
            raise AccountError(f"{self.kept} records kept, {sum(self.splits.values())} written")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines that end themselves."""
    with path.open("w", encoding="utf-8") as handle:
        handle.writelines(lines)


def books(folder: Path) -> Books:
    """A shard's figures."""
    return Books.model_validate_json((folder / BOOKS).read_text(encoding="utf-8"))


def entries(folders: Iterable[Path], name: str) -> Iterator[str]:
    """The lines of all shards' `quarantine.jsonl` or `dropped.jsonl`, in order."""
    for folder in folders:
        with (folder / name).open(encoding="utf-8") as handle:
            yield from handle


def _merge(mine: dict[K, int], more: Mapping[K, int]) -> None:
    for key, number in more.items():
        mine[key] = mine.get(key, 0) + number
