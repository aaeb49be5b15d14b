"""CRPO's rewards: plain functions on verdicts (SPEC section 5, P "CRPO").

r[g,c,d] = 1 where candidate g beats counterpart c on dimension d, tie_value at a tie, else 0
R_g      = mean over c and d of r[g,c,d], weighted by dimension (the paper's weights are equal)

What an update makes of them, the advantages, is in `loss.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pulsemind.records import Dimension, Outcome, Scores, Verdict
from pulsemind.settings import Weights

Rewards = dict[str, list[float | None]]
"""R of the G candidates by query; None for a candidate that got no usable verdict."""


def comparison_rewards(
    verdicts: Iterable[Verdict], candidates: int, tie_value: float, weights: Weights
) -> Rewards:
    """R_g of every candidate, by query: the mean of r over counterparts, dimensions and orders.

    Args:
        verdicts: any number a candidate; unjudged ones are left out.
        candidates: G.
        tie_value: r of a tie, in [0, 1]; the paper's is 0.
        weights: of the dimensions in a verdict's mean.

    Returns:
        For each query G rewards in [0, 1]; None for a candidate with no usable verdict.
    """
    worth: dict[Outcome, float] = {"win": 1.0, "tie": tie_value, "loss": 0.0}
    gathered: dict[str, list[list[float]]] = {}
    for verdict in verdicts:
        group = gathered.setdefault(verdict.query_id, [[] for _ in range(candidates)])
        if verdict.outcomes is not None:
            r = {d: worth[outcome] for d, outcome in verdict.outcomes.items()}
            group[verdict.candidate].append(_weighted(r, weights))
    return {query: [_mean(values) for values in group] for query, group in gathered.items()}


def absolute_rewards(scores: Iterable[Scores], candidates: int, weights: Weights) -> Rewards:
    """The GRPO baseline's rewards (P Table 4c): the mean of the four scores, in [1, 5]."""
    rewards: Rewards = {}
    for score in scores:
        group = rewards.setdefault(score.query_id, [None] * candidates)
        if score.scores is not None:
            group[score.candidate] = _weighted(score.scores, weights)
    return rewards


def informative(rewards: Rewards, count: int) -> list[str]:
    """The `count` queries to train on: those whose rewards differ first, each kind in its order.

    With more queries judged than trained on, this is DAPO's dynamic sampling in one round: a group
    without variance is used only when there are not enough others.
    """
    return sorted(rewards, key=lambda query: flat(rewards[query]))[:count]


def flat(group: Sequence[float | None]) -> bool:
    """Whether the known rewards of a group are all the same: nothing to learn from."""
    return len({r for r in group if r is not None}) < 2


def _weighted(values: Mapping[Dimension, float], weights: Weights) -> float:
    counts: dict[str, float] = weights.model_dump()
    total = sum(counts[dimension] for dimension in values)
    return sum(counts[dimension] * value for dimension, value in values.items()) / total


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
