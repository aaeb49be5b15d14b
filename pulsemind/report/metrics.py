"""The shapes of `metrics/*.json`: what stages write, and what the report reads.

`evaluation.json` is `pulsemind.evaluation.results.Evaluation`. Files may hold more than stands
here (a stage's own details); the report needs no more than this.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pulsemind.evaluation.results import Evaluation
from pulsemind.records import Dimension


class Metrics(BaseModel):
    """Base of all shapes: immutable; keys the report does not need are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DatasetCounts(Metrics):
    """`dataset.json`: records read = kept + quarantined + dropped, always; dropped by rule."""

    read: int = Field(ge=0)
    kept: int = Field(ge=0)
    quarantined: int = Field(ge=0)
    dropped: dict[str, int]

    def add_up(self) -> bool:
        """Whether nothing disappeared silently."""
        return self.read == self.kept + self.quarantined + sum(self.dropped.values())


class HeldOutLoss(Metrics):
    """Loss on a stage's held-out dialogues with its 95 % interval."""

    loss: float
    low: float
    high: float
    dialogues: int = Field(ge=1)


class SftLoss(Metrics):
    """`sft1.json`, `sft2.json`: mean loss a token (nats) on physician turns."""

    train_loss_first: float
    train_loss_last: float
    validation_loss: float | None
    steps: int = Field(ge=1)
    base: HeldOutLoss | None = None
    """The base model on the stage's held-out dialogues; null in files of older releases."""
    before: HeldOutLoss | None = None
    """The adapter that the stage started from."""
    after: HeldOutLoss | None = None


class OutcomeShares(Metrics):
    """Shares of the judged comparisons in one dimension."""

    win: float
    tie: float
    loss: float


class CrpoIteration(Metrics):
    """One CRPO iteration: rewards of its candidates, and how they were judged."""

    reward: float
    """Mean R_g, 0 to 1."""
    reward_std: float
    zero_variance: float
    """Share of groups whose candidates all have one reward (and teach nothing)."""
    outcomes: dict[Dimension, OutcomeShares]
    swap_disagreement: float | None
    unjudged: int = Field(ge=0)
    length: float
    """Mean tokens a candidate."""
    guarded: int = Field(ge=0)
    """Candidates that a guard denied their reward."""
    alarms: list[Dimension]
    """Dimensions that have fallen while the reward rose."""


class CrpoMetrics(Metrics):
    """`crpo.json`."""

    judge: str
    iterations: list[CrpoIteration]


class SummarySft(Metrics):
    """Validation losses of the two stages (training loss of the last step where there is none)."""

    stage1_loss: float | None
    stage2_loss: float | None


class SummaryCrpo(Metrics):
    """Mean reward, one value an iteration."""

    reward: list[float]


class SummaryEvaluation(Metrics):
    """Win rate among decided pairs, overall, with its interval; n judged pairs."""

    win_rate: float | None
    low: float | None
    high: float | None
    n: int = Field(ge=0)
    judge: str


class SummaryRegistry(Metrics):
    """The registered model version and the alias it got."""

    name: str
    version: int
    alias: str


class Summary(Metrics):
    """`summary.json`: the whole chain on one page, for machines. Null: not run here."""

    profile: str
    dataset: DatasetCounts | None
    sft: SummarySft
    crpo: SummaryCrpo
    evaluation: SummaryEvaluation | None
    qa: dict[str, float]
    registry: SummaryRegistry | None
    seconds: dict[str, float | None]
    """Wall-clock time by stage; null when it was restored from the cache."""


M = TypeVar("M", bound=BaseModel)


def read(folder: Path, name: str, shape: type[M]) -> M | None:
    """One metrics file, or None when the stage has not run. Raises ValueError naming the file."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    try:
        return shape.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no {shape.__name__}: {error}") from None


def read_evaluation(folder: Path) -> Evaluation | None:
    """`evaluation.json`, or None."""
    return read(folder, "evaluation", Evaluation)
