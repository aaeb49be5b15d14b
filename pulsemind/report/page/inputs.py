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

from pulsemind.report.metrics import CrpoMetrics, SftLoss, Summary, read
from pulsemind.report.page.shapes import Ablation, Audit, DatasetBooks, Evaluation, Promotion

Curve = list[tuple[float, float]]
ABLATIONS = ("data", "rl", "reward")
"""The paper's Table 4 (a) to (c)."""
OPTIONAL = ("audit.json", *(f"ablation_{name}.json" for name in ABLATIONS))
"""Metrics that no stage before the report makes: shown when somebody has made them."""


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
    def test(self) -> bool:
        """Whether the run shows that the chain works and no more: no verdict to publish."""
        return self.tiny or self.offline

    @property
    def twins(self) -> dict[str, str]:
        """Models left out because they are another one under a second name: name -> that one."""
        return self.evaluation.same_weights if self.evaluation else {}

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
        evaluation=_each_once(read(metrics, "evaluation", Evaluation), about.against),
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


def _each_once(made: Evaluation | None, against: str) -> Evaluation | None:
    """Without the rows of models that are another one under a second name.

    The model that the answer is about stays, whatever else it is called; `same_weights` keeps those
    left out.
    """
    if made is None:
        return None
    twins = {name: first for name, first in made.same_weights.items() if name != against}
    names = ("replays", "proactiveness", "personal_data", "safety", "broken", "official",
             "rule_agreement")  # fmt: skip
    kept: dict[str, Any] = {
        name: [r for r in getattr(made, name) if twins.keys().isdisjoint({r.get("model"),
               r.get("against")})]
        for name in names
    }  # fmt: skip
    for name in ("pairwise", "discriminating"):
        kept[name] = [row for row in getattr(made, name) if row.against not in twins]
    return made.model_copy(update=kept | {"same_weights": twins})


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
