"""Guards of the reward: what is never paid for, whatever the judge says (ours).

A judge can be taken in by a reply that fills its room or says one thing again and again, and a
policy finds that out. A guarded reply gets the lowest reward there is instead of none, so that its
group learns to avoid it.
"""

from __future__ import annotations

from collections.abc import Iterable

from pulsemind.crpo.reward import Rewards
from pulsemind.judge.units import repetition
from pulsemind.records import Rollout
from pulsemind.settings import Guards


def guarded(rollouts: Iterable[Rollout], guards: Guards) -> set[tuple[str, int]]:
    """(query, candidate) of the replies that are not paid for."""
    return {
        (rollout.query_id, rollout.candidate)
        for rollout in rollouts
        if (guards.truncated and rollout.finish_reason == "length")
        or repetition(rollout.token_ids) > guards.repetition
    }


def apply(rewards: Rewards, caught: Iterable[tuple[str, int]], lowest: float) -> Rewards:
    """The rewards with `lowest` for every guarded reply, judged or not."""
    result = {query: list(group) for query, group in rewards.items()}
    for query, candidate in caught:
        result[query][candidate] = lowest
    return result
