"""One CRPO iteration in three pure steps: rollout -> judge -> update (SPEC section 5).

The judge can begin while the rollout samples: `judging_ahead`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pulsemind.crpo import guards
from pulsemind.crpo.reward import Rewards, absolute_rewards, comparison_rewards, informative
from pulsemind.crpo.statistics import RewardStatistics, statistics
from pulsemind.judge import Pair, Sample, compare, judging, score
from pulsemind.llm import LlmError, Usage
from pulsemind.model.engines import Engine, InProcess, Policy, sampling
from pulsemind.records import Answer, Query, Rollout, Scores, Verdict
from pulsemind.settings import CrpoSettings, Endpoint


def sampled(settings: CrpoSettings) -> int:
    """Queries that an iteration samples and judges."""
    return math.ceil(settings.queries * settings.oversample)


def pick_queries(queries: Sequence[Query], count: int, iteration: int, seed: int) -> list[Query]:
    """The queries of iteration 0, 1, ...: none twice in an iteration, a new order every pass.

    A pass gives `len(queries) // count` iterations; the rest waits for another pass's order.
    Raises ValueError when there are fewer queries than `count`.
    """
    if len(queries) < count:
        raise ValueError(
            f"an iteration of CRPO takes {count} queries (crpo.queries x crpo.oversample), but the "
            f"dataset has only {len(queries)}"
        )
    pass_number, place = divmod(iteration, len(queries) // count)
    order = np.random.default_rng([seed, pass_number]).permutation(len(queries))
    return [queries[int(i)] for i in order[place * count : (place + 1) * count]]


def rollout(
    settings: CrpoSettings,
    base: Path,
    policy: Path,
    digest: str,
    data: Path,
    queries: Sequence[Query],
    iteration: int,
    engine: Engine | None = None,
) -> Iterator[Rollout]:
    """Sample G candidates a query from the policy adapter; seeded by settings and iteration.

    Without an engine, transformers sample in this process.
    """
    chosen = engine or InProcess(base, settings.bf16)
    sampled_by = Policy(folder=policy, digest=digest)
    return chosen.sample(sampled_by, data, queries, sampling(settings, iteration))


@contextmanager
def judging_ahead(
    settings: CrpoSettings,
    queries: Sequence[Query],
    counterparts: Sequence[Answer],
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path,
    usage: Usage,
    failed: Callable[[LlmError], None],
) -> Iterator[Callable[[Iterable[Rollout]], Iterator[Rollout]]]:
    """A function that passes rollouts on as they are sampled, while the judge answers for them.

    Leaving the block waits for the judge: the answers then lie in the cache, where `judge` finds
    them. What goes wrong with the judge never stops the sampling: `failed` hears of it once,
    nothing more is asked ahead, and `judge` tries again. When the block fails, the judge is cut
    off; all its answers are kept.

    Args:
        counterparts, endpoints, concurrency, cache, images: as `judge`.
        usage: where to add up what was asked ahead.

    Raises ValueError as `judge`.
    """
    items = _items(settings, queries, counterparts)
    try:
        with judging(settings.judge, endpoints, concurrency, cache, images, usage) as hand_over:

            def passing(rollouts: Iterable[Rollout]) -> Iterator[Rollout]:
                errors: list[LlmError] = []
                for rollout in rollouts:
                    yield rollout
                    try:
                        for item in [] if errors else items(rollout):
                            hand_over(item)
                    except LlmError as error:
                        errors.append(error)

            yield passing
    except LlmError as error:  # at the end, of whichever request was the first to meet it
        failed(error)


def judge(
    settings: CrpoSettings,
    queries: Sequence[Query],
    rollouts: Sequence[Rollout],
    counterparts: Sequence[Answer],
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path,
    usage: Usage | None = None,
) -> list[Verdict] | list[Scores]:
    """Judge every candidate: against each counterpart's answer, or by absolute scores.

    Args:
        cache: folder of the answer cache; a killed run asks nothing twice.
        images: folder the queries' images lie in; the judge sees them.
        usage: where to add up what the judge cost and how it answered.

    Raises ValueError when a counterpart has no answer to a query.
    """
    made = _items(settings, queries, counterparts)
    items = [item for rollout in rollouts for item in made(rollout)]
    pairs = [item for item in items if isinstance(item, Pair)]
    samples = [item for item in items if isinstance(item, Sample)]
    if settings.reward == "absolute":
        return score(samples, settings.judge, endpoints, concurrency, cache, images, usage)
    return compare(pairs, settings.judge, endpoints, concurrency, cache, images, usage)


def _items(
    settings: CrpoSettings, queries: Sequence[Query], counterparts: Sequence[Answer]
) -> Callable[[Rollout], list[Pair | Sample]]:
    """What there is to judge of a rollout: pairs with every counterpart, or itself alone."""
    by_id = {query.id: query for query in queries}
    names = sorted({answer.model for answer in counterparts})
    texts = {(answer.query_id, answer.model): answer.text for answer in counterparts}

    def alone(rollout: Rollout) -> list[Pair | Sample]:
        query = by_id[rollout.query_id]
        return [Sample(query=query, candidate=rollout.candidate, text=rollout.text)]

    def compared(rollout: Rollout) -> list[Pair | Sample]:
        query = by_id[rollout.query_id]
        return [
            Pair(
                query=query,
                candidate=rollout.candidate,
                text=rollout.text,
                counterpart=name,
                counterpart_text=texts[query.id, name],
            )
            for name in names
        ]

    if settings.reward == "absolute":
        return alone
    missing = [(q, name) for q in by_id for name in names if (q, name) not in texts]
    if missing:
        raise ValueError(f"counterpart {missing[0][1]} has no answer to query {missing[0][0]}")
    return compared


def rewards_of(
    settings: CrpoSettings,
    judged: Sequence[Verdict] | Sequence[Scores],
    rollouts: Sequence[Rollout],
) -> tuple[Rewards, RewardStatistics]:
    """R_g of every candidate by query, from verdicts or from absolute scores, guards applied."""
    scores = [j for j in judged if isinstance(j, Scores)]
    verdicts = [j for j in judged if isinstance(j, Verdict)]
    if settings.reward == "absolute":
        rewards, lowest = absolute_rewards(scores, settings.candidates, settings.weights), 1.0
    else:
        rewards, lowest = (
            comparison_rewards(verdicts, settings.candidates, settings.tie_value, settings.weights),
            0.0,
        )
    caught = guards.guarded(rollouts, settings.guards)
    rewards = guards.apply(rewards, caught, lowest)
    return rewards, statistics(rewards, judged, rollouts, len(caught))


def trained_on(settings: CrpoSettings, queries: Sequence[Query], rewards: Rewards) -> list[Query]:
    """Of the queries judged, the ones an update takes: groups that differ first."""
    chosen = set(informative({q.id: rewards[q.id] for q in queries}, settings.queries))
    return [query for query in queries if query.id in chosen]
