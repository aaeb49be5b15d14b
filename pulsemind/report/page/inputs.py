"""All that a report is made from: metrics, curves, and where the evaluation's records lie.

Every file but none is needed: a stage that has not run leaves its field empty and its section says
"not run". Keys that the report does not know are passed over, and fields that later releases added
have defaults, so that a report can be made of older files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulsemind.report.metrics import CrpoMetrics, Metrics, SftLoss, Summary, read

Curve = list[tuple[float, float]]
ABLATIONS = ("data", "rl", "reward")
"""The paper's Table 4 (a) to (c)."""
OPTIONAL = ("audit.json", *(f"ablation_{name}.json" for name in ABLATIONS))
"""Metrics that no stage before the report makes: shown when somebody has made them."""


class Estimate(Metrics):
    """A share in [0, 1] and its interval."""

    value: float
    low: float
    high: float


class Pairwise(Metrics):
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


class QA(Metrics):
    """Accuracy on one QA set."""

    benchmark: str
    n: int
    accuracy: float
    low: float
    high: float
    abstained: int
    chance: float | None
    scorer: str = ""
    disagreement: float | None = None
    """Share of the answers that the second extractor reads differently."""
    note: str = ""


class Evaluation(Metrics):
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


class DatasetBooks(Metrics):
    """`dataset.json`: overlaps of training records with the evaluation sets, by rule."""

    contamination: dict[str, dict[str, int]] = {}
    blocking: dict[str, list[str]] = {}


class QAChange(Metrics):
    """How far a QA set's accuracy fell from the champion to the candidate."""

    benchmark: str
    n: int
    candidate: float
    champion: float
    fall: float
    too_much: bool = False


class Promotion(Metrics):
    """`promotion.json`: the decision on the registered version, with what it rests on."""

    outcome: str = ""
    promoted: bool
    reason: str
    candidate: int | None = None
    champion: int | None = None
    qa: list[QAChange] = []


class Figure(Metrics):
    """A measured figure with its interval, and the published one to hold it against."""

    n: int
    value: float | None
    low: float | None
    high: float | None
    published: float | None = None
    source: str = ""


class Bias(Metrics):
    """One bias of the judge, in a sentence."""

    kind: str
    status: str
    share: Figure
    text: str = ""


class AuditFigure(Metrics):
    """A figure of the audit: a model's absolute score, or a consistency with experts."""

    aspect: str
    figure: Figure
    model: str = ""
    strategy: str = ""
    benchmark: str = ""
    statistic: str = ""


class Discrimination(Metrics):
    """What absolute scores and relative verdicts tell apart, in one aspect."""

    aspect: str
    models: int
    spread: float | None
    width: float | None
    pairs: int
    absolute: int
    relative: int


class Audit(Metrics):
    """`audit.json`: the judge's audit."""

    judge: str
    note: str = ""
    swap_disagreement: Figure | None = None
    biases: list[Bias] = []
    consistency: list[AuditFigure] = []
    kappas: list[AuditFigure] = []
    scores: list[AuditFigure] = []
    discrimination: list[Discrimination] = []


class ArmRate(Metrics):
    """How an arm of an ablation does against its opponents; `seed` null: all together."""

    arm: str
    seed: int | None = None
    against: str
    n: int
    cases: int = 0
    win_rate: Estimate | None
    score: Estimate | None = None


class ArmAccuracy(Metrics):
    """Accuracy of an arm on a QA set."""

    arm: str
    seed: int | None = None
    benchmark: str
    n: int
    accuracy: float
    low: float
    high: float


class Arm(Metrics):
    """An arm of an ablation."""

    name: str
    what: str = ""


class Ablation(Metrics):
    """`ablation_KIND.json`: two arms and what they differ by."""

    judge: str = ""
    profile: str = ""
    seeds: list[int] = []
    arms: list[Arm] = []
    rates: list[ArmRate] = []
    qa: list[ArmAccuracy] = []
    conclusion: str = ""
    notes: list[str] = []


@dataclass(frozen=True)
class About:
    """What the settings say about the run, and how much the report may show.

    `cases` dialogues stand in the viewer, their images at most `image_side` pixels wide or high.
    """

    profile: str
    against: str
    train_judge: str
    judge: str
    cases: int
    image_side: int
    seed: int
    confidence: float = 0.95


@dataclass(frozen=True)
class Inputs:
    """Everything a report needs, read."""

    about: About
    evaluation: Evaluation | None
    crpo: CrpoMetrics | None
    sft: Mapping[str, SftLoss | None]
    curves: Mapping[str, Curve]
    dataset: DatasetBooks | None
    summary: Summary | None
    promotion: Promotion | None
    audit: Audit | None
    ablations: Mapping[str, Ablation]
    benchmarks: Mapping[str, dict[str, Any]]
    data: Path
    """The dataset artifact."""
    records: Path
    """The evaluation artifact: verdicts and replies."""

    @property
    def offline(self) -> bool:
        """Whether a rule-based rubric judged."""
        return self.about.judge == "offline"

    @property
    def tiny(self) -> bool:
        """Whether the model is the small random one of a tiny profile."""
        return self.about.profile.startswith("tiny")

    @property
    def against(self) -> str:
        """The model that the answer is about: that of the settings, or the first there is."""
        there = [row.against for row in self.evaluation.pairwise] if self.evaluation else []
        return self.about.against if self.about.against in there or not there else there[0]

    @property
    def model(self) -> str:
        """Name of the new model."""
        rows = self.evaluation.pairwise if self.evaluation else []
        return rows[0].model if rows else "the new model"


def gather(about: About, metrics: Path, plots: Path, data: Path, records: Path) -> Inputs:
    """Read what is there. Raises ValueError naming a file that is not what it should be."""
    books = data / "benchmarks.json"
    return Inputs(
        about=about,
        evaluation=read(metrics, "evaluation", Evaluation),
        crpo=read(metrics, "crpo", CrpoMetrics),
        sft={name: read(metrics, name, SftLoss) for name in ("sft1", "sft2")},
        curves={name: _curve(plots / f"{name}.csv") for name in ("sft1", "sft2")},
        dataset=read(metrics, "dataset", DatasetBooks),
        summary=read(metrics, "summary", Summary),
        promotion=read(metrics, "promotion", Promotion),
        audit=read(metrics, "audit", Audit),
        ablations={
            name: found
            for name in ABLATIONS
            if (found := read(metrics, f"ablation_{name}", Ablation)) is not None
        },
        benchmarks=_json(books) or {},
        data=data,
        records=records,
    )


def _json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} is no JSON object")
    return found


def _curve(path: Path) -> Curve:
    """The first two columns of a CSV with a header; empty when there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))[1:]
    try:
        return [(float(row[0]), float(row[1])) for row in rows]
    except (ValueError, IndexError):
        raise ValueError(f"{path} is no table of numbers: columns step, value") from None
