"""How far experts agree with the judge, and with each other (P Table 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from pulsemind.evaluation.agreement import cohen_kappa, fleiss_kappa
from pulsemind.evaluation.audit.biases import figure
from pulsemind.evaluation.audit.experts import Agreement
from pulsemind.evaluation.audit.results import (
    PAPER,
    Advantage,
    Consistency,
    ExpertKappa,
    Figure,
    Strategy,
)
from pulsemind.evaluation.audit.sample import ExpertTask
from pulsemind.evaluation.results import Aspect, Estimate
from pulsemind.evaluation.statistics import ASPECTS, POOLED
from pulsemind.settings import EvaluateSettings

STRATEGIES: tuple[Strategy, ...] = ("absolute", "relative")
PUBLISHED: Mapping[Strategy, float] = {"absolute": 0.515, "relative": 0.861}
"""Consistency over all of the PulseMind Benchmark, overall (P Table 3)."""
SHARED = 2
"""Tasks that two experts must both have seen for a kappa of theirs."""


def consistency(
    tasks: Mapping[str, ExpertTask], agreements: Sequence[Agreement], settings: EvaluateSettings
) -> list[Consistency]:
    """Share of agreement by strategy, benchmark (and all of them) and aspect."""
    seen = [(tasks[a.task], a) for a in agreements if a.task in tasks]
    names = sorted({task.benchmark for task, _ in seen})
    rows = []
    for strategy in STRATEGIES:
        for benchmark in [*names, POOLED] if names else []:
            chosen = [
                (task, answer)
                for task, answer in seen
                if task.strategy == strategy and benchmark in (task.benchmark, POOLED)
            ]
            for aspect in ASPECTS:
                known = [(t, a) for t, a in chosen if aspect in a.agrees]
                values = [float(answer.agrees[aspect]) for _, answer in known]
                whole = benchmark == POOLED and aspect == "overall"
                published = PUBLISHED[strategy] if whole else None
                source = PAPER if whole else ""
                cases = [task.case for task, _ in known]
                rows.append(
                    Consistency(
                        strategy=strategy,
                        benchmark=benchmark,
                        aspect=aspect,
                        figure=figure(values, cases, settings, published, source),
                        tasks=len({task.id for task, _ in known}),
                        experts=len({answer.expert for _, answer in known}),
                    )
                )
    return rows


def advantage(
    tasks: Mapping[str, ExpertTask], agreements: Sequence[Agreement], settings: EvaluateSettings
) -> list[Advantage]:
    """Consistency of relative verdicts minus that of absolute scores, over the same cases."""
    rows = []
    for aspect in ASPECTS if agreements else ():
        by_case: dict[str, dict[Strategy, list[bool]]] = {}
        for answer in agreements:
            task = tasks.get(answer.task)
            if task and aspect in answer.agrees:
                case = by_case.setdefault(task.case, {})
                case.setdefault(task.strategy, []).append(answer.agrees[aspect])
        both = {case: found for case, found in by_case.items() if len(found) == 2}
        apart = [_mean(found["relative"]) - _mean(found["absolute"]) for found in both.values()]
        published = PUBLISHED["relative"] - PUBLISHED["absolute"] if aspect == "overall" else None
        source = PAPER if aspect == "overall" else ""
        found = figure(apart, list(both), settings, published, source, reach=1.0)
        rows.append(Advantage(benchmark=POOLED, aspect=aspect, figure=found, text=_words(found)))
    return rows


def kappas(
    tasks: Mapping[str, ExpertTask], agreements: Sequence[Agreement], confidence: float
) -> list[ExpertKappa]:
    """Cohen's kappa of every two experts who share tasks, and Fleiss' over all of them.

    Fleiss' needs one number of experts a task: the commonest number of at least two is taken, and
    tasks with another are left out (their count shows in `figure.n`).
    """
    rows = []
    for strategy in STRATEGIES:
        for aspect in ASPECTS:
            by_task: dict[str, dict[str, bool]] = {}
            for answer in agreements:
                task = tasks.get(answer.task)
                if task and task.strategy == strategy and aspect in answer.agrees:
                    by_task.setdefault(task.id, {})[answer.expert] = answer.agrees[aspect]
            sizes = Counter(len(found) for found in by_task.values() if len(found) > 1)
            if not sizes:
                continue
            size = max(sizes, key=lambda k: (sizes[k], k))
            counts = [
                [sum(found.values()), size - sum(found.values())]
                for found in by_task.values()
                if len(found) == size
            ]
            whole = _figure(fleiss_kappa(counts, confidence), len(counts))
            rows.append(_row("fleiss", strategy, aspect, (), whole))
            names = sorted({name for found in by_task.values() for name in found})
            for first, second in combinations(names, 2):
                both = [
                    (f[first], f[second]) for f in by_task.values() if {first, second} <= set(f)
                ]
                if len(both) >= SHARED:
                    kappa = cohen_kappa([a for a, _ in both], [b for _, b in both], confidence)
                    found = _figure(kappa, len(both))
                    rows.append(_row("cohen", strategy, aspect, (first, second), found))
    return rows


def _row(
    statistic: str, strategy: Strategy, aspect: Aspect, experts: tuple[str, ...], found: Figure
) -> ExpertKappa:
    return ExpertKappa.model_validate(
        {
            "statistic": statistic,
            "strategy": strategy,
            "aspect": aspect,
            "experts": experts,
            "figure": found,
        }
    )


def _figure(kappa: Estimate | None, n: int) -> Figure:
    if kappa is None:
        return Figure(n=n, value=None, low=None, high=None)
    return Figure(n=n, value=kappa.value, low=kappa.low, high=kappa.high)


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


def _words(found: Figure) -> str:
    if found.low is None or found.high is None:
        return "no case has both"
    if found.low <= 0 <= found.high:
        return "not distinguishable"
    better = "relative verdicts" if found.low > 0 else "absolute scores"
    return f"experts agree more with {better}"
