"""CRPO's rewards and advantages: plain functions on verdicts (SPEC section 5, P "CRPO").

r[g,c,d] = 1 where candidate g beats counterpart c on dimension d, tie_value at a tie, else 0
R_g      = mean over c and d of r[g,c,d]
A_g      = (R_g - mean(R)) / (std(R) + EPSILON)     over the group of one query
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pulsemind.records import DIMENSIONS, Outcome, Record, Scores, Verdict

EPSILON = 1e-4
"""Added to the standard deviation, as TRL 1.16 does."""


class OutcomeShares(Record):
    """Shares of wins, ties and losses; they add up to 1."""

    win: float
    tie: float
    loss: float


class RewardStatistics(Record):
    """What one iteration's verdicts amount to; printed, plotted and logged."""

    reward: float
    reward_std: float
    zero_variance: float
    """Share of groups whose candidates all have the same reward: nothing to learn from."""
    outcomes: dict[str, OutcomeShares]
    """By dimension; empty under absolute scores."""
    swap_disagreement: float | None
    """Share of pairs whose outcomes differ between the two orders; None when not both judged."""
    unjudged: int
    """Verdicts without an answer; they are left out of R, never counted as losses."""
    judged: int


def comparison_rewards(
    verdicts: Iterable[Verdict], candidates: int, tie_value: float
) -> dict[str, list[float | None]]:
    """R_g of every candidate, by query: the mean of r over counterparts, dimensions and orders.

    Args:
        verdicts: any number a candidate; unjudged ones are left out.
        candidates: G.
        tie_value: r of a tie, in [0, 1]; the paper's is 0.

    Returns:
        For each query G rewards in [0, 1]; None for a candidate with no usable verdict.
    """
    worth: dict[Outcome, float] = {"win": 1.0, "tie": tie_value, "loss": 0.0}
    gathered: dict[str, list[list[float]]] = {}
    for verdict in verdicts:
        group = gathered.setdefault(verdict.query_id, [[] for _ in range(candidates)])
        if verdict.outcomes is not None:
            group[verdict.candidate] += [worth[outcome] for outcome in verdict.outcomes.values()]
    return {query: [_mean(values) for values in group] for query, group in gathered.items()}


def absolute_rewards(scores: Iterable[Scores], candidates: int) -> dict[str, list[float | None]]:
    """The GRPO baseline's rewards (P Table 4c): the mean of the four scores, in [1, 5]."""
    rewards: dict[str, list[float | None]] = {}
    for score in scores:
        group = rewards.setdefault(score.query_id, [None] * candidates)
        if score.scores is not None:
            group[score.candidate] = _mean(list(score.scores.values()))
    return rewards


def advantages(rewards: Sequence[float | None]) -> list[float]:
    """A_g of one group. Uses the sample standard deviation, as TRL does.

    A candidate without a reward gets 0 and does not count in mean and deviation; so does everyone
    in a group with fewer than two rewards.
    """
    known = np.array([r for r in rewards if r is not None], dtype=np.float64)
    if len(known) < 2:
        return [0.0] * len(rewards)
    mean, deviation = known.mean(), known.std(ddof=1)
    return [0.0 if r is None else float((r - mean) / (deviation + EPSILON)) for r in rewards]


def outcome_shares(verdicts: Iterable[Verdict]) -> dict[str, OutcomeShares]:
    """Win, tie and loss shares of all judged verdicts, by dimension."""
    counts = {d: {"win": 0, "tie": 0, "loss": 0} for d in DIMENSIONS}
    for verdict in verdicts:
        for dimension, outcome in (verdict.outcomes or {}).items():
            counts[dimension][outcome] += 1
    return {
        d: OutcomeShares(**{o: n / sum(c.values()) for o, n in c.items()})
        for d, c in counts.items()
        if sum(c.values())
    }


def swap_disagreement(verdicts: Iterable[Verdict]) -> float | None:
    """Share of pairs judged in both orders whose outcomes differ in any dimension."""
    pairs: dict[tuple[str, int, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.outcomes is not None:
            key = (verdict.query_id, verdict.candidate, verdict.counterpart)
            pairs.setdefault(key, []).append(verdict)
    both = [pair for pair in pairs.values() if len({v.order for v in pair}) == 2]
    if not both:
        return None
    return sum(pair[0].outcomes != pair[1].outcomes for pair in both) / len(both)


def statistics(
    rewards: dict[str, list[float | None]], judged: Sequence[Verdict | Scores]
) -> RewardStatistics:
    """Describe the rewards of one iteration and the verdicts or scores they come from."""
    verdicts = [v for v in judged if isinstance(v, Verdict)]
    known = np.array([r for group in rewards.values() for r in group if r is not None])
    flat = [len({r for r in group if r is not None}) < 2 for group in rewards.values()]
    unjudged = sum((v.outcomes if isinstance(v, Verdict) else v.scores) is None for v in judged)
    return RewardStatistics(
        reward=float(known.mean()) if len(known) else 0.0,
        reward_std=float(known.std()) if len(known) else 0.0,
        zero_variance=sum(flat) / len(flat),
        outcomes=outcome_shares(verdicts),
        swap_disagreement=swap_disagreement(verdicts),
        unjudged=unjudged,
        judged=len(judged) - unjudged,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
