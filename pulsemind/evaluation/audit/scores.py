"""Absolute scores of the same replies, and what the two strategies can tell apart (P Table 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulsemind.evaluation.audit.biases import figure
from pulsemind.evaluation.audit.pairs import JudgedPair
from pulsemind.evaluation.audit.results import Discrimination, ModelScore
from pulsemind.evaluation.results import Aspect
from pulsemind.evaluation.statistics import ASPECTS, case_of
from pulsemind.records import Dimension
from pulsemind.settings import EvaluateSettings

Grades = Mapping[tuple[str, str, str], Mapping[Dimension, float]]
"""A reply's scores, 1 to 5, by benchmark, query id and model; unscored replies are left out."""
LOWEST, HIGHEST = 1.0, 5.0


def grade(scores: Mapping[Dimension, float], aspect: Aspect) -> float | None:
    """A reply's score in one aspect; overall it is the mean of the dimensions."""
    if aspect == "overall":
        return sum(scores.values()) / len(scores) if scores else None
    return scores.get(aspect)


def model_scores(grades: Grades, settings: EvaluateSettings) -> list[ModelScore]:
    """Each model's mean score in each aspect, over all benchmarks, with its interval."""
    rows = []
    for model in dict.fromkeys(model for _, _, model in grades):
        for aspect in ASPECTS:
            known = [
                (value, f"{benchmark}/{case_of(query)}")
                for (benchmark, query, name), scores in grades.items()
                if name == model and (value := grade(scores, aspect)) is not None
            ]
            inside = [(value - LOWEST) / (HIGHEST - LOWEST) for value, _ in known]
            shares = figure(inside, [case for _, case in known], settings)
            scaled = {
                key: None if value is None else LOWEST + (HIGHEST - LOWEST) * value
                for key in ("value", "low", "high")
                for value in [getattr(shares, key)]
            }
            rows.append(
                ModelScore(model=model, aspect=aspect, figure=shares.model_copy(update=scaled))
            )
    return rows


def discrimination(
    pairs: Sequence[JudgedPair],
    grades: Grades,
    scores: Sequence[ModelScore],
    settings: EvaluateSettings,
) -> list[Discrimination]:
    """What scores and verdicts tell apart on the same pairs, an aspect a row."""
    by_model: dict[str, list[JudgedPair]] = {}
    for pair in pairs:
        by_model.setdefault(pair.against, []).append(pair)
    rows = []
    for aspect in ASPECTS:
        means = [s.figure for s in scores if s.aspect == aspect and s.figure.value is not None]
        values = [m.value for m in means if m.value is not None]
        widths = [m.high - m.low for m in means if m.high is not None and m.low is not None]
        rows.append(
            Discrimination(
                aspect=aspect,
                models=len(values),
                lowest=min(values, default=None),
                highest=max(values, default=None),
                spread=max(values) - min(values) if values else None,
                width=sum(widths) / len(widths) if widths else None,
                pairs=len(by_model),
                absolute=sum(
                    _scores_differ(group, grades, aspect, settings) for group in by_model.values()
                ),
                relative=sum(
                    _verdicts_differ(group, aspect, settings) for group in by_model.values()
                ),
            )
        )
    return rows


def _scores_differ(
    pairs: Sequence[JudgedPair], grades: Grades, aspect: Aspect, settings: EvaluateSettings
) -> bool:
    differences, cases = [], []
    for pair in pairs:
        both = [
            grade(grades.get((pair.benchmark, pair.query.id, name), {}), aspect)
            for name in (pair.model, pair.against)
        ]
        if both[0] is not None and both[1] is not None:
            differences.append(both[0] - both[1])
            cases.append(pair.case)
    found = figure(differences, cases, settings, reach=HIGHEST - LOWEST)
    return found.low is not None and found.high is not None and not found.low <= 0 <= found.high


def _verdicts_differ(
    pairs: Sequence[JudgedPair], aspect: Aspect, settings: EvaluateSettings
) -> bool:
    decided = [(o, p.case) for p in pairs if (o := p.outcome(aspect)) in ("win", "loss")]
    wins = [float(outcome == "win") for outcome, _ in decided]
    found = figure(wins, [case for _, case in decided], settings)
    return found.low is not None and found.high is not None and not found.low <= 0.5 <= found.high
