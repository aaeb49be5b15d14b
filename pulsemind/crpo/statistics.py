"""What an iteration's verdicts and rewards amount to, and the alarm over iterations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pulsemind.crpo.reward import Rewards, flat
from pulsemind.records import DIMENSIONS, Dimension, Record, Rollout, Scores, Verdict

WINDOW = 3
"""Iterations that are averaged at both ends of the history, when there are that many."""
ERRORS = 2.0
"""Standard errors that a fall must exceed: less may be chance."""


class OutcomeShares(Record):
    """Shares of wins, ties and losses; they add up to 1."""

    win: float
    tie: float
    loss: float


class Level(Record):
    """How good the replies are in one dimension, 0 to 1, and its standard error over queries.

    The mean worth of a comparison (win 1, tie 0.5, loss 0, whatever R pays), or of a score from 1
    (0) to 5 (1).
    """

    value: float
    error: float


class Spread(Record):
    """The 10th, 50th and 90th percentile."""

    p10: float
    p50: float
    p90: float


class RewardStatistics(Record):
    """What one iteration's verdicts amount to; printed, plotted and logged."""

    reward: float
    reward_std: float
    group_std: float
    """Mean of the groups' sample standard deviations: the signal that advantages are made of."""
    reward_spread: Spread
    length: float
    """Mean tokens a candidate."""
    length_spread: Spread
    guarded: int
    """Candidates that a guard denied their reward."""
    zero_variance: float
    """Share of groups whose candidates all have the same reward: nothing to learn from."""
    outcomes: dict[str, OutcomeShares]
    """By dimension; empty under absolute scores."""
    levels: dict[Dimension, Level]
    """By dimension, under both rewards."""
    swap_disagreement: float | None
    """Share of pairs whose outcomes differ between the two orders; None when not both judged."""
    unjudged: int
    """Verdicts without an answer; they are left out of R, never counted as losses."""
    judged: int


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


def levels(judged: Sequence[Verdict | Scores]) -> dict[Dimension, Level]:
    """The level of every dimension; queries count the same, however many comparisons they have."""
    worth = {"win": 1.0, "tie": 0.5, "loss": 0.0}
    found: dict[Dimension, dict[str, list[float]]] = {d: {} for d in DIMENSIONS}
    for item in judged:
        if isinstance(item, Verdict):
            values = {d: worth[outcome] for d, outcome in (item.outcomes or {}).items()}
        else:
            values = {d: (score - 1) / 4 for d, score in (item.scores or {}).items()}
        for dimension, value in values.items():
            found[dimension].setdefault(item.query_id, []).append(value)
    result = {}
    for dimension, by_query in found.items():
        means = [float(np.mean(values)) for values in by_query.values()]
        if means:
            error = np.std(means, ddof=1) / len(means) ** 0.5 if len(means) > 1 else 0.0
            result[dimension] = Level(value=float(np.mean(means)), error=float(error))
    return result


def statistics(
    rewards: Rewards,
    judged: Sequence[Verdict | Scores],
    rollouts: Sequence[Rollout],
    guarded: int,
) -> RewardStatistics:
    """Describe the rewards of one iteration and the verdicts or scores they come from.

    Args:
        rewards: R as it is trained on.
        guarded: candidates that a guard caught.
    """
    verdicts = [v for v in judged if isinstance(v, Verdict)]
    known = [r for group in rewards.values() for r in group if r is not None]
    groups = [[r for r in group if r is not None] for group in rewards.values()]
    deviations = [float(np.std(group, ddof=1)) for group in groups if len(group) > 1]
    lengths = [float(len(r.token_ids)) for r in rollouts]
    unjudged = sum((v.outcomes if isinstance(v, Verdict) else v.scores) is None for v in judged)
    return RewardStatistics(
        reward=float(np.mean(known)) if known else 0.0,
        reward_std=float(np.std(known)) if known else 0.0,
        group_std=float(np.mean(deviations)) if deviations else 0.0,
        reward_spread=_spread(known),
        length=float(np.mean(lengths)) if lengths else 0.0,
        length_spread=_spread(lengths),
        guarded=guarded,
        zero_variance=sum(map(flat, rewards.values())) / len(rewards),
        outcomes=outcome_shares(verdicts),
        levels=levels(judged),
        swap_disagreement=swap_disagreement(verdicts),
        unjudged=unjudged,
        judged=len(judged) - unjudged,
    )


def alarms(history: Sequence[RewardStatistics], fall: float) -> list[Dimension]:
    """Dimensions that fell while the reward rose, over the iterations so far (ours).

    With ties worth nothing, a dimension that all counterparts are good at pays nothing, and a
    policy may give it up for another one: the reward rises and the model gets worse.

    Args:
        fall: in levels (0 to 1); the fall must also exceed `ERRORS` standard errors.
    """
    width = min(WINDOW, len(history) // 2)
    if width == 0:
        return []
    first, last = history[:width], history[-width:]
    if np.mean([s.reward for s in last]) <= np.mean([s.reward for s in first]):
        return []
    fallen = []
    for dimension in DIMENSIONS:
        ends = [
            [s.levels[dimension] for s in part if dimension in s.levels] for part in (first, last)
        ]
        if not all(ends):
            continue
        before, after = (float(np.mean([level.value for level in part])) for part in ends)
        error = sum(sum(level.error**2 for level in part) / len(part) ** 2 for part in ends) ** 0.5
        if before - after > max(fall, ERRORS * error):
            fallen.append(dimension)
    return fallen


def _spread(values: Sequence[float]) -> Spread:
    p10, p50, p90 = np.percentile(values, [10, 50, 90]) if values else (0.0, 0.0, 0.0)
    return Spread(p10=float(p10), p50=float(p50), p90=float(p90))
