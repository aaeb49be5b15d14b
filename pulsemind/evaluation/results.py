"""The shape of `metrics/evaluation.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pulsemind.records import Dimension

Aspect = Dimension | Literal["overall"]


class Result(BaseModel):
    """Base of all results: immutable, unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(Result):
    """A share in [0, 1] and its confidence interval."""

    value: float
    low: float
    high: float


class PairwiseResult(Result):
    """One model against another on one benchmark, in one dimension or overall.

    An item is a pair of replies to one query; judged in both orders it still is one item (see
    `statistics.item_outcome`). `win`, `tie` and `loss` are shares of the `n` judged items;
    `win_rate` is the share of wins among the decided ones (wins and losses), null when none is
    decided. `unjudged` items are in none of these. `swap_disagreement` is the share of items
    judged in both orders whose two outcomes differ, null when none was.
    """

    benchmark: str
    model: str
    against: str
    judge: str
    aspect: Aspect
    n: int = Field(ge=0)
    win: Estimate | None
    tie: Estimate | None
    loss: Estimate | None
    win_rate: float | None
    low: float | None
    high: float | None
    swap_disagreement: float | None
    unjudged: int = Field(ge=0)
    note: str = ""


class QAResult(Result):
    """Accuracy on one QA set; an abstention (nothing readable) counts as wrong and is counted.

    `chance` is the accuracy of guessing blindly among the options, null for open questions.
    `rules` says how many replies were read by which rule, `disagreement` how many of the choices a
    second, independent extractor reads otherwise (null where none ran). `unjudged` open answers
    got no verdict from the judge and were read by the lexical measure. `official_n` is the size of
    the published test split, null where the set is not one of the eleven.
    """

    benchmark: str
    n: int = Field(ge=1)
    accuracy: float
    low: float
    high: float
    abstained: int = Field(ge=0)
    chance: float | None
    disagreement: Estimate | None = None
    unjudged: int = Field(default=0, ge=0)
    official_n: int | None = None
    scorer: str
    rules: dict[str, int]
    note: str = ""


class Evaluation(Result):
    """All results of one evaluation."""

    pairwise: list[PairwiseResult]
    qa: list[QAResult]
