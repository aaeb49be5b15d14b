"""What the card counts while records stream by: sums of bounded size that merge in any order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

from pydantic import BaseModel, Field, PrivateAttr

from pulsemind.data.signals import languages, signals
from pulsemind.data.text import tokens
from pulsemind.records import Consultation, QAItem, Signals

MOST_TURNS, MOST_IMAGES = 101, 31
"""Everything longer is counted under this number."""
TOKEN_BINS = (0, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
"""Lower bounds of the token histogram."""
MIXED = 0.2
"""Share of the other language from which a record counts as mixed."""
LABELS = 1000
"""Different free labels counted one by one."""
LABEL_LENGTH = 60

K = TypeVar("K", str, int)


class LabelCounts(BaseModel):
    """Counts of free labels in bounded memory; the result does not depend on the order.

    All are in `total`. Counted one by one are the `LABELS` labels with the lowest hashes: a label
    among them at the end was among them all the way, so its count is exact, also after a merge.
    """

    total: int = 0
    counts: dict[str, int] = {}
    _highest: int | None = PrivateAttr(default=None)

    def add(self, label: str, n: int = 1) -> None:
        """Count a label `n` times."""
        self.total += n
        self._count(label[:LABEL_LENGTH], n)

    def merge(self, other: LabelCounts) -> None:
        """Add what another worker counted."""
        self.total += other.total
        for label, n in other.counts.items():
            self._count(label, n)

    def _count(self, label: str, n: int) -> None:
        if label in self.counts:
            self.counts[label] += n
            return
        if len(self.counts) < LABELS:
            self.counts[label] = n
            self._highest = None
            return
        if self._highest is None:
            self._highest = max(map(_hash, self.counts))
        if _hash(label) < self._highest:
            del self.counts[max(self.counts, key=_hash)]
            self.counts[label] = n
            self._highest = None


class SplitStatistics(BaseModel):
    """Sums over the records of one split. Histograms are value -> records.

    `modalities` counts images, `guessed` those of them whose kind is a heuristic. Questions of a QA
    benchmark have neither turns, departments nor uses.
    """

    records: int = 0
    token_sum: int = 0
    mixed: int = 0
    physician_turns: int = 0
    asking_turns: int = 0
    asking_records: int = 0
    department_absent: int = 0
    languages: dict[str, int] = {}
    turns: dict[int, int] = {}
    tokens: dict[int, int] = {}
    images: dict[int, int] = {}
    modalities: dict[str, int] = {}
    guessed: dict[str, int] = {}
    departments: dict[str, int] = {}
    uses: dict[str, int] = {}
    licence_flags: dict[str, int] = {}
    sources: dict[str, int] = {}
    subspecialties: LabelCounts = Field(default_factory=LabelCounts)
    unknown_departments: LabelCounts = Field(default_factory=LabelCounts)

    def add(self, record: Consultation | QAItem) -> None:
        """Count a record; its signals are computed where it carries none."""
        self.records += 1
        _count(self.sources, record.provenance.source)
        if isinstance(record, QAItem):
            self._add_question(record)
        else:
            self._add_signals(record.signals or signals(record))
            _count(self.images, min(len(record.images()), MOST_IMAGES))

    def merge(self, other: SplitStatistics) -> None:
        """Add what another worker counted."""
        for name in type(self).model_fields:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, LabelCounts):
                mine.merge(theirs)
            elif isinstance(mine, int):
                setattr(self, name, mine + theirs)
            else:
                for key, n in theirs.items():
                    _count(mine, key, n)

    def _add_question(self, record: QAItem) -> None:
        text = " ".join((record.question, *record.options.values()))
        language, other = languages(text, record.language)
        self._add_text(language, other, len(tokens(text)))
        _count(self.images, min(len(record.images), MOST_IMAGES))
        for image in record.images:
            _count(self.modalities, image.kind)

    def _add_signals(self, found: Signals) -> None:
        self._add_text(found.language, found.other_language, found.tokens)
        _count(self.turns, min(found.turns, MOST_TURNS))
        self.physician_turns += found.physician_turns
        self.asking_turns += found.asking_turns
        self.asking_records += found.asking_turns > 0
        for image in found.modalities:
            _count(self.modalities, image.kind)
            if image.source == "heuristic":
                _count(self.guessed, image.kind)
        for use in found.uses:
            _count(self.uses, use)
        for flag in found.licence_flags:
            _count(self.licence_flags, flag)
        if found.department is None:
            self.department_absent += 1
        elif not found.department_known:
            self.unknown_departments.add(found.department)
        else:
            _count(self.departments, found.department)
            if found.subspecialty:
                self.subspecialties.add(f"{found.department} / {found.subspecialty}")

    def _add_text(self, language: str, other: float, length: int) -> None:
        _count(self.languages, language)
        self.mixed += other >= MIXED
        self.token_sum += length
        _count(self.tokens, max(bound for bound in TOKEN_BINS if bound <= length))


class Statistics(BaseModel):
    """The card's statistics by split. One worker counts a shard, `merge` brings them together."""

    splits: dict[str, SplitStatistics] = {}

    def add(self, split: str, record: Consultation | QAItem) -> None:
        """Count a record that goes into `split`."""
        self.splits.setdefault(split, SplitStatistics()).add(record)

    def merge(self, other: Statistics) -> None:
        """Add what another worker counted."""
        for split, theirs in other.splits.items():
            self.splits.setdefault(split, SplitStatistics()).merge(theirs)

    def total(self, splits: Iterable[str]) -> SplitStatistics:
        """The sum over some splits; those that hold nothing count as empty."""
        together = SplitStatistics()
        for split in splits:
            if split in self.splits:
                together.merge(self.splits[split])
        return together


def _count(counts: dict[K, int], key: K, n: int = 1) -> None:
    counts[key] = counts.get(key, 0) + n


@lru_cache(maxsize=4 * LABELS)
def _hash(label: str) -> int:
    return int.from_bytes(blake2b(label.encode(), digest_size=8).digest())
