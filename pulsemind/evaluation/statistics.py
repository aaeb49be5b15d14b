"""Intervals, and verdicts counted into win, tie and loss.

Queries of one case are no independent observations, so the bootstrap draws whole cases. All
choices here are ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pulsemind.evaluation.results import Aspect, Estimate, PairwiseResult
from pulsemind.judge import note
from pulsemind.records import DIMENSIONS, Outcome, Verdict
from pulsemind.settings import EvaluateSettings

POOLED = "all"
"""Benchmark name of the results over all benchmarks together."""
ASPECTS: tuple[Aspect, ...] = (*DIMENSIONS, "overall")
_SCORE: Mapping[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}
_CELLS = 2_000_000
Floats = NDArray[np.float64]


def wilson(successes: float, n: int, confidence: float) -> Estimate:
    """Share and Wilson score interval (Wilson 1927). Raises ValueError when n is 0."""
    if n < 1:
        raise ValueError("a share of nothing has no interval")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # At 0 and 1 a bound equals the share, but for rounding: the share must not lie outside.
    low, high = min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
    return Estimate(value=share, low=low, high=high)


def interval(
    values: Sequence[float],
    clusters: Sequence[str],
    resamples: int,
    confidence: float,
    seed: int,
) -> Estimate:
    """Mean and percentile bootstrap interval, whole clusters drawn with replacement.

    When all clusters have one mean (all win, or there is one cluster only), no resample can differ
    and the bootstrap would claim certainty; then Wilson's interval over the number of clusters is
    given instead (for values in [0, 1]).
    Raises ValueError when there are no values.
    """
    if not values or len(values) != len(clusters):
        raise ValueError("needs values, and one cluster name for each")
    names = {name: index for index, name in enumerate(sorted(set(clusters)))}
    where = [names[name] for name in clusters]
    sums = np.bincount(where, weights=values, minlength=len(names)).astype(np.float64)
    sizes = np.bincount(where, minlength=len(names)).astype(np.float64)
    if np.ptp(sums / sizes) == 0:
        return wilson(float(np.mean(values)) * len(names), len(names), confidence)
    means = _resampled_means(sums, sizes, resamples, seed)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value=float(np.mean(values)), low=float(low), high=float(high))


def _resampled_means(sums: Floats, sizes: Floats, resamples: int, seed: int) -> Floats:
    random = np.random.default_rng(seed)
    rows = max(1, _CELLS // len(sums))  # bounds the memory of one block of draws
    blocks = []
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), len(sums))
        drawn = random.integers(len(sums), size=shape)
        blocks.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return np.concatenate(blocks)


def case_of(query_id: str) -> str:
    """The case a query belongs to: its id up to the last `#`."""
    return query_id.rpartition("#")[0] or query_id


def aspect_outcome(verdict: Verdict, aspect: Aspect) -> Outcome | None:
    """A verdict's outcome in one dimension or overall; None when unjudged or not asked for."""
    if aspect == "overall":
        return verdict.overall
    return None if verdict.outcomes is None else verdict.outcomes.get(aspect)


def item_outcome(outcomes: Sequence[Outcome | None]) -> Outcome | None:
    """One item's outcome from those of its orders, or None when any of them is unjudged.

    Scores (win 1, tie 0.5, loss 0) are averaged: above 0.5 a win, below it a loss. So win and tie
    is a win, and orders that contradict each other are a tie. A half-judged item is unjudged,
    because the order that remains would carry the judge's position bias.
    """
    judged = [_SCORE[outcome] for outcome in outcomes if outcome is not None]
    if not outcomes or len(judged) < len(outcomes):
        return None
    mean = sum(judged) / len(judged)
    return "win" if mean > 0.5 else "loss" if mean < 0.5 else "tie"


def pairwise_results(
    verdicts: Mapping[str, Iterable[Verdict]], model: str, settings: EvaluateSettings
) -> list[PairwiseResult]:
    """Results of `model` on each benchmark, against each counterpart, per dimension and overall.

    `verdicts` maps a benchmark's name to its verdicts. With more than one benchmark, results over
    all of them together follow under the name `POOLED`.
    """
    named = [(name, verdict) for name, group in verdicts.items() for verdict in group]
    parts = [[pair for pair in named if pair[0] == name] for name in verdicts]
    titles = list(verdicts)
    if len(parts) > 1:
        parts, titles = [*parts, named], [*titles, POOLED]
    results = []
    for title, part in zip(titles, parts, strict=True):
        ordered = sorted(part, key=lambda pair: (pair[1].counterpart, pair[1].judge))
        for (against, judge), group in groupby(
            ordered, key=lambda pair: (pair[1].counterpart, pair[1].judge)
        ):
            items: dict[tuple[str, str, int], list[Verdict]] = defaultdict(list)
            for name, verdict in group:
                items[(name, verdict.query_id, verdict.candidate)].append(verdict)
            results += [
                _result(title, model, against, judge, aspect, items, settings) for aspect in ASPECTS
            ]
    return results


def _result(
    benchmark: str,
    model: str,
    against: str,
    judge: str,
    aspect: Aspect,
    items: Mapping[tuple[str, str, int], Sequence[Verdict]],
    settings: EvaluateSettings,
) -> PairwiseResult:
    outcomes: list[Outcome] = []
    clusters: list[str] = []
    swapped: list[bool] = []
    for (name, query_id, _), verdicts in items.items():
        each = [aspect_outcome(verdict, aspect) for verdict in verdicts]
        outcome = item_outcome(each)
        if outcome is None:
            continue
        outcomes.append(outcome)
        clusters.append(f"{name}/{case_of(query_id)}")
        if len({verdict.order for verdict in verdicts}) > 1:
            swapped.append(len(set(each)) > 1)

    def share(wanted: Outcome, among: Sequence[Outcome]) -> Estimate | None:
        kept = [(o, c) for o, c in zip(outcomes, clusters, strict=True) if o in among]
        if not kept:
            return None
        values = [float(o == wanted) for o, _ in kept]
        names = [c for _, c in kept]
        return interval(values, names, settings.bootstrap, settings.confidence, settings.seed)

    decided = share("win", ("win", "loss"))
    return PairwiseResult(
        benchmark=benchmark,
        model=model,
        against=against,
        judge=judge,
        aspect=aspect,
        n=len(outcomes),
        win=share("win", ("win", "tie", "loss")),
        tie=share("tie", ("win", "tie", "loss")),
        loss=share("loss", ("win", "tie", "loss")),
        win_rate=decided.value if decided else None,
        low=decided.low if decided else None,
        high=decided.high if decided else None,
        swap_disagreement=sum(swapped) / len(swapped) if swapped else None,
        unjudged=len(items) - len(outcomes),
        note=note(judge),
    )
