"""Rewards and advantages against values worked out by hand and by another route."""

from __future__ import annotations

import statistics as reference

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.crpo import guards
from pulsemind.crpo.loop import pick_queries
from pulsemind.crpo.loss import advantages
from pulsemind.crpo.reward import absolute_rewards, comparison_rewards, informative
from pulsemind.crpo.statistics import RewardStatistics, alarms, statistics, swap_disagreement
from pulsemind.judge.units import repetition
from pulsemind.records import DIMENSIONS, Query, Rollout, Scores, Verdict
from pulsemind.settings import Guards, Weights

EQUAL = Weights(proactiveness=1.0, accuracy=1.0, usefulness=1.0, language_quality=1.0)

BETTER: dict[str, str] = {"w": "win", "t": "tie", "l": "loss"}


def verdict(
    candidate: int, counterpart: str, outcomes: str | None, order: str = "candidate_first"
) -> Verdict:
    """A verdict from four letters, e.g. "wtlw", in the order of DIMENSIONS."""
    found = outcomes and {d: BETTER[o] for d, o in zip(DIMENSIONS, outcomes, strict=True)}
    return Verdict.model_validate(
        {
            "query_id": "q",
            "candidate": candidate,
            "counterpart": counterpart,
            "order": order,
            "judge": "hand",
            "outcomes": found or None,
            "overall": "win" if found else None,
        }
    )


def test_golden_group_of_three_candidates_and_two_counterparts() -> None:
    """R by counting on paper: wins / (2 counterparts x 4 dimensions)."""
    verdicts = [
        verdict(0, "a", "wwww"), verdict(0, "b", "wwll"),  # 6 of 8
        verdict(1, "a", "tttt"), verdict(1, "b", "wttl"),  # 1 of 8, and 6 ties
        verdict(2, "a", "llll"), verdict(2, "b", "llll"),  # 0 of 8
    ]  # fmt: skip
    paper = comparison_rewards(verdicts, 3, 0.0, EQUAL)["q"]
    assert paper == [6 / 8, 1 / 8, 0.0]
    half = comparison_rewards(verdicts, 3, 0.5, EQUAL)["q"]
    assert half == [6 / 8, (1 + 6 * 0.5) / 8, 0.0]
    # mean 7/24; deviations 11/24, -4/24, -7/24; sample variance (121+16+49)/576/2
    deviation = ((121 + 16 + 49) / 576 / 2) ** 0.5
    expected = [x / 24 / (deviation + 1e-4) for x in (11, -4, -7)]
    assert advantages({"q": paper}, "group")["q"] == pytest.approx(expected, abs=1e-12)


def test_both_orders_count_half_each() -> None:
    verdicts = [verdict(0, "a", "wwww"), verdict(0, "a", "llll", "counterpart_first")]
    assert comparison_rewards(verdicts, 1, 0.0, EQUAL)["q"] == [0.5]
    assert swap_disagreement(verdicts) == 1.0


def test_unjudged_verdicts_are_left_out_and_counted() -> None:
    verdicts = [verdict(0, "a", "wwww"), verdict(0, "b", None), verdict(1, "a", None)]
    rewards = comparison_rewards(verdicts, 2, 0.0, EQUAL)
    assert rewards["q"] == [1.0, None]
    figures = statistics(rewards, verdicts, [], 0)
    assert (figures.unjudged, figures.judged) == (2, 1)
    assert advantages({"q": [1.0, None, 0.0]}, "group")["q"][1] == 0.0


def test_absolute_rewards_are_the_mean_score() -> None:
    score = Scores(
        query_id="q",
        candidate=1,
        judge="hand",
        scores=dict(zip(DIMENSIONS, (5.0, 4.0, 2.0, 1.0), strict=True)),
    )
    assert absolute_rewards([score], 2, EQUAL) == {"q": [None, 3.0]}


@given(st.lists(st.sampled_from([o * 4 for o in "wtl"]), min_size=1, max_size=20))
def test_reward_is_between_0_and_1_and_the_share_of_wins(outcomes: list[str]) -> None:
    verdicts = [verdict(0, f"c{i}", o) for i, o in enumerate(outcomes)]
    (reward,) = comparison_rewards(verdicts, 1, 0.0, EQUAL)["q"]
    assert reward == pytest.approx(sum(o == "wwww" for o in outcomes) / len(outcomes))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=16))
def test_advantages_sum_to_zero_and_follow_the_rewards(rewards: list[float]) -> None:
    found = advantages({"q": rewards}, "group")["q"]
    assert sum(found) == pytest.approx(0, abs=1e-6)
    scale = reference.stdev(rewards) + 1e-4
    mean = reference.fmean(rewards)
    assert found == pytest.approx([(r - mean) / scale for r in rewards], abs=1e-6)


def test_flat_groups_teach_nothing_and_are_counted() -> None:
    figures = statistics({"q": [0.5, 0.5], "p": [0.0, 1.0]}, [], [], 0)
    assert figures.zero_variance == 0.5
    assert advantages({"q": [0.5, 0.5]}, "group")["q"] == [0.0, 0.0]


@given(st.integers(1, 9), st.integers(0, 30))
def test_a_pass_takes_every_query_once(count: int, seed: int) -> None:
    queries = [Query(id=str(i), language="en", turns=(), reference="") for i in range(9)]
    per_pass = len(queries) // count
    seen = [q.id for i in range(per_pass) for q in pick_queries(queries, count, i, seed)]
    assert len(seen) == len(set(seen)) == per_pass * count


def test_too_few_queries_is_an_error() -> None:
    with pytest.raises(ValueError, match="has only 0"):
        pick_queries([], 1, 0, 1)


def test_weights_count_dimensions_as_told() -> None:
    """By hand: win, tie, loss, win with weights 3, 1, 1, 0 and ties worth 0.5: (3 + 0.5) / 5."""
    uneven = Weights(proactiveness=3.0, accuracy=1.0, usefulness=1.0, language_quality=0.0)
    assert comparison_rewards([verdict(0, "a", "wtlw")], 1, 0.5, uneven)["q"] == [3.5 / 5]
    with pytest.raises(ValueError, match="at least one"):
        Weights(proactiveness=0.0, accuracy=0.0, usefulness=0.0, language_quality=0.0)


def test_groups_that_differ_are_trained_on_first() -> None:
    rewards = {"a": [0.5, 0.5], "b": [0.1, 0.2], "c": [None, 0.3], "d": [0.0, 1.0]}
    assert informative(rewards, 2) == ["b", "d"]
    assert informative(rewards, 3) == ["b", "d", "a"]


def rollout(candidate: int, ids: tuple[int, ...], finish: str = "stop") -> Rollout:
    return Rollout.model_validate(
        {
            "query_id": "q",
            "candidate": candidate,
            "prompt_ids": (1,),
            "token_ids": ids,
            "logprobs": (0.0,) * len(ids),
            "text": "t",
            "finish_reason": finish,
            "policy": "p",
        }
    )


def test_guarded_replies_get_the_lowest_reward_whatever_the_judge_said() -> None:
    """Nine equal tokens hold six runs of four, five of them repeated: 5 / 6."""
    assert repetition((7,) * 9) == pytest.approx(5 / 6)
    assert repetition((1, 2, 3)) == 0.0
    rollouts = [
        rollout(0, (1, 2, 3, 4, 5, 6)),
        rollout(1, (7,) * 9),
        rollout(2, (1, 2, 3, 4, 5), "length"),
    ]
    caught = guards.guarded(rollouts, Guards(truncated=True, repetition=0.5))
    assert caught == {("q", 1), ("q", 2)}
    assert guards.apply({"q": [0.5, 1.0, None]}, caught, 0.0) == {"q": [0.5, 0.0, 0.0]}
    assert guards.guarded(rollouts, Guards(truncated=False, repetition=1.0)) == set()


def history(*levels: tuple[float, float]) -> list[RewardStatistics]:
    """Iterations of 40 queries: the share of them with a reward, and with accuracy won."""
    made = []
    for reward, accuracy in levels:
        judged = [
            verdict(0, "a", "twtt" if number < 40 * accuracy else "tltt").model_copy(
                update={"query_id": f"q{number}"}
            )
            for number in range(40)
        ]
        rewards = {f"q{i}": [1.0 if i < 40 * reward else 0.0] for i in range(40)}
        made.append(statistics(rewards, judged, [], 0))
    return made


def test_the_alarm_fires_when_a_dimension_falls_while_the_reward_rises() -> None:
    fell = history((0.3, 0.95), (0.4, 0.9), (0.5, 0.6), (0.6, 0.2))
    assert alarms(fell, 0.1) == ["accuracy"]
    assert alarms(fell[:1], 0.1) == []
    assert alarms(history((0.6, 0.95), (0.5, 0.2)), 0.1) == [], "the reward fell too"
    assert alarms(history((0.3, 0.9), (0.6, 0.85)), 0.1) == [], "less than the limit"
    assert alarms(history((0.3, 0.55), (0.6, 0.4)), 0.1) == [], "no more than chance"
    assert alarms(history((0.3, 0.2), (0.6, 0.9)), 0.1) == [], "it rose"


def test_levels_weigh_queries_alike_and_carry_their_error() -> None:
    """Query levels 1 and 0.25 by hand: mean 0.625, error sd / sqrt(2) = 0.375."""
    judged = [
        verdict(0, "a", "wwww"),
        *(
            verdict(0, name, outcome).model_copy(update={"query_id": "p"})
            for name, outcome in (("a", "tttt"), ("b", "llll"))
        ),
    ]
    level = statistics({"q": [1.0], "p": [0.0]}, judged, [], 0).levels["accuracy"]
    assert level.value == pytest.approx(0.625)
    assert level.error == pytest.approx(0.375)
