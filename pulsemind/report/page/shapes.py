"""The shapes of the metrics files as the report reads them: no more than it shows.

Unknown keys are passed over and what later releases added has a default, so that a report can be
made of files that another release wrote. What the figures mean stands where they are made:
`pulsemind.evaluation` (results, promotion, audit, ablation).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Base of all: immutable, unknown keys passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Estimate(Shape):
    """A share in [0, 1] and its interval."""

    value: float
    low: float
    high: float


class Pairwise(Shape):
    """One model against another on a benchmark, in one aspect; see `evaluation.results`."""

    benchmark: str
    model: str
    against: str
    judge: str
    aspect: str
    n: int
    win: Estimate | None
    tie: Estimate | None
    loss: Estimate | None
    win_rate: float | None
    low: float | None
    high: float | None
    swap_disagreement: float | None
    unjudged: int = 0
    cases: int = 0
    p_holm: float | None = None
    note: str = ""


class QA(Shape):
    """Accuracy on one QA set."""

    benchmark: str
    n: int
    accuracy: float
    low: float
    high: float
    abstained: int
    chance: float | None
    scorer: str = ""
    disagreement: Estimate | None = None
    """Share of the choices that a second, independent extractor reads differently."""
    unjudged: int = 0
    broken: int = 0
    official_n: int | None = None
    """Size of the published test split, where the set is one of the paper's."""
    note: str = ""


class Evaluation(Shape):
    """`evaluation.json`, as much of it as the report shows in tables of its own."""

    pairwise: list[Pairwise] = []
    qa: list[QA] = []
    discriminating: list[Pairwise] = []
    courtesy: dict[str, int] = {}
    official: list[dict[str, Any]] = []
    replays: list[dict[str, Any]] = []
    proactiveness: list[dict[str, Any]] = []
    rule_agreement: list[dict[str, Any]] = []
    safety: list[dict[str, Any]] = []
    personal_data: list[dict[str, Any]] = []
    broken: list[dict[str, Any]] = []
    warnings: list[str] = []
    same_weights: dict[str, str] = {}


class DatasetBooks(Shape):
    """`dataset.json`: overlaps of training records with the evaluation sets, by rule."""

    contamination: dict[str, dict[str, int]] = {}
    blocking: dict[str, list[str]] = {}


class QAChange(Shape):
    """How far a QA set's accuracy fell from the champion to the candidate."""

    benchmark: str
    n: int
    candidate: float
    champion: float
    fall: float
    too_much: bool = False


class Promotion(Shape):
    """`promotion.json`: the decision on the registered version, with what it rests on."""

    outcome: str = ""
    promoted: bool
    reason: str
    candidate: int | None = None
    champion: int | None = None
    qa: list[QAChange] = []


class Figure(Shape):
    """A measured figure with its interval, and the published one to hold it against."""

    n: int
    value: float | None
    low: float | None
    high: float | None
    published: float | None = None
    source: str = ""


class Bias(Shape):
    """One bias of the judge, in a sentence."""

    kind: str
    status: str
    share: Figure
    text: str = ""


class AuditFigure(Shape):
    """A figure of the audit: a model's absolute score, or a consistency with experts."""

    aspect: str
    figure: Figure
    model: str = ""
    strategy: str = ""
    benchmark: str = ""
    statistic: str = ""


class Discrimination(Shape):
    """What absolute scores and relative verdicts tell apart, in one aspect."""

    aspect: str
    models: int
    spread: float | None
    width: float | None
    pairs: int
    absolute: int
    relative: int


class Audit(Shape):
    """`audit.json`: the judge's audit."""

    judge: str
    note: str = ""
    swap_disagreement: Figure | None = None
    biases: list[Bias] = []
    consistency: list[AuditFigure] = []
    kappas: list[AuditFigure] = []
    scores: list[AuditFigure] = []
    discrimination: list[Discrimination] = []


class ArmRate(Shape):
    """How an arm of an ablation does against its opponents; `seed` null: all together."""

    arm: str
    seed: int | None = None
    against: str
    n: int
    cases: int = 0
    ties: int | None = None
    win_rate: Estimate | None
    score: Estimate | None = None


class ArmAccuracy(Shape):
    """Accuracy of an arm on a QA set."""

    arm: str
    seed: int | None = None
    benchmark: str
    n: int
    accuracy: float
    low: float
    high: float


class Arm(Shape):
    """An arm of an ablation."""

    name: str
    what: str = ""


class Ablation(Shape):
    """`ablation_KIND.json`: two arms and what they differ by."""

    judge: str = ""
    profile: str = ""
    seeds: list[int] = []
    arms: list[Arm] = []
    rates: list[ArmRate] = []
    qa: list[ArmAccuracy] = []
    conclusion: str = ""
    notes: list[str] = []
