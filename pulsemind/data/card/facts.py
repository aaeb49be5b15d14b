"""All that a card is made from: the build's books, statistics and reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from pulsemind.data.card.statistics import SplitStatistics, Statistics
from pulsemind.data.ledger import Counts


class ReviewFacts(BaseModel):
    """State of the proofreading queue, in dialogues.

    `reviewed` is accepted + edited + rejected; `kappa` is Cohen's, over the `kappa_n` dialogues
    that two people reviewed, None where it is not defined.
    """

    model_config = ConfigDict(extra="ignore")

    policy: str = ""
    queued: int = 0
    accepted: int = 0
    edited: int = 0
    rejected: int = 0
    pending: int = 0
    reviewers: int | None = None
    kappa: float | None = None
    kappa_n: int = 0
    kappa_interval: tuple[float, float] | None = None

    @property
    def reviewed(self) -> int:
        """Dialogues with a decision."""
        return self.accepted + self.edited + self.rejected


class ExpansionFacts(BaseModel):
    """What became of the physicians' replies, and what it cost. `cost` is in `currency`."""

    model_config = ConfigDict(extra="ignore")

    model: str = ""
    expanded: int = 0
    original_kept: int = 0
    not_expanded: int = 0
    requests: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    currency: str = ""


@dataclass(frozen=True)
class Facts:
    """The card's input. `quarantine` counts reasons; None where nobody counted them."""

    counts: Counts
    statistics: Statistics
    audit: Mapping[str, Any]
    review: ReviewFacts | None = None
    expansion: ExpansionFacts | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    quarantine: Mapping[str, int] | None = None

    @cached_property
    def consultations(self) -> SplitStatistics:
        """The dialogues for stage 2 and CRPO: the data set proper."""
        return self._sum(s for s in self._splits if s.startswith("stage2/") or s == "queries")

    @cached_property
    def pairs(self) -> SplitStatistics:
        """The question-answer pairs of stage 1."""
        return self._sum(s for s in self._splits if s.startswith("stage1/"))

    @cached_property
    def benchmarks(self) -> SplitStatistics:
        """The evaluation sets."""
        return self._sum(s for s in self._splits if s.startswith("benchmarks/"))

    @property
    def dropped(self) -> int:
        """Records that a rule removed."""
        return sum(self.counts.dropped.values())

    @property
    def found(self) -> int:
        """Pieces of personal data that were replaced, painted over or left out."""
        return sum(sum(kinds.values()) for kinds in self.audit["found"].values())

    @property
    def remaining(self) -> int:
        """Pieces of personal data that the second look found in what is kept."""
        return sum(self.audit["second_pass"].values())

    @property
    def _splits(self) -> list[str]:
        return list(self.statistics.splits)

    def _sum(self, splits: Iterable[str]) -> SplitStatistics:
        return self.statistics.total(splits)
