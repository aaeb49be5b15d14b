"""The audit's tests of biases: planted ones are found, and no honest judge is accused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pulsemind.evaluation.audit.biases import Vote, biases, figure, swap_disagreement
from pulsemind.evaluation.audit.results import Bias
from pulsemind.records import Outcome
from pulsemind.settings import EvaluateSettings
from tests.unit.audit_judges import Planted, judge

SETTINGS = EvaluateSettings.model_construct(bootstrap=200, confidence=0.95, seed=1)
REVIEWS = Path(__file__).parents[2].parent / "shared/data/judge_reviews"


def audit(votes: list[Vote]) -> dict[str, Bias]:
    return {bias.kind: bias for bias in biases(votes, SETTINGS)}


@pytest.mark.parametrize(
    ("planted", "kind", "asked", "status"),
    [
        (Planted(first=0.5), "position", 0.0, "found"),
        (Planted(first=-0.5), "position", 0.0, "found"),
        (Planted(longer=0.8), "length", 0.0, "suspected"),
        (Planted(longer=0.8), "length", 0.5, "found"),
        (Planted(own=0.8), "self-preference", 0.0, "suspected"),
        (Planted(own=0.8), "self-preference", 0.5, "found"),
        (Planted(longer=0.8, length_quality=0.5), "length", 0.5, "found"),
    ],
)
def test_a_planted_bias_is_detected(planted: Planted, kind: str, asked: float, status: str) -> None:
    for seed in range(5):
        found = audit(judge(planted, seed, cases=200, asked=asked))
        assert found[kind].status == status
        assert found[kind].share.n > 0


def test_an_unbiased_judge_is_not_accused_in_95_of_100_audits() -> None:
    accused = [
        seed
        for seed in range(100)
        if any(b.status != "not found" for b in audit(judge(Planted(), seed)).values())
    ]
    assert len(accused) <= 5, accused


def test_nor_is_one_who_rightly_prefers_longer_and_own_answers_found_biased() -> None:
    planted = Planted(length_quality=0.6, own_quality=0.6)
    every = [audit(judge(planted, seed, asked=0.6)) for seed in range(100)]
    assert sum(any(b.status == "found" for b in found.values()) for found in every) <= 5
    # Without experts the same judge can only be suspected, and the text says why.
    alone = audit(judge(planted, 1))["length"]
    assert alone.status == "suspected"
    assert "which only experts can say" in alone.text


def test_experts_who_agree_clear_a_suspicion() -> None:
    planted = Planted(length_quality=1.0)
    bias = audit(judge(planted, 3, cases=300, asked=1.0))["length"]
    assert bias.status == "not found"
    assert "so do experts" in bias.text
    assert bias.share.low is not None
    assert bias.share.low > 0.5


def vote(first: Outcome | None, second: Outcome | None, **more: int) -> Vote:
    outcomes = {"candidate_first": first, "counterpart_first": second}
    return Vote(case=str(len(more)), outcomes=outcomes, **more)  # type: ignore[arg-type]


def test_shares_by_hand() -> None:
    votes = [
        vote("win", "loss"),  # twice the first
        vote("win", "win"),  # once each
        vote("tie", "tie"),
        vote("loss", "win"),  # twice the second
        vote(None, "win"),  # not judged in both orders
    ]
    found = audit(votes)["position"]
    assert (found.share.n, found.share.value) == (6, 0.5)
    swaps = swap_disagreement(votes, SETTINGS)
    assert (swaps.n, swaps.value, swaps.published) == (4, 0.5, 0.129)

    votes = [
        vote("win", "win", longer=1),
        vote("win", "tie", longer=-1),
        vote("tie", "tie", longer=1),
    ]
    found = audit(votes)["length"]
    assert (found.share.n, found.share.value, found.share.published) == (2, 0.5, 0.68)
    assert audit(votes)["self-preference"].status == "not measured"
    assert "none of the compared models" in audit(votes)["self-preference"].text


def test_the_p_is_the_sign_tests_when_every_case_has_one_pair() -> None:
    votes = [
        Vote(case=str(i), outcomes={"candidate_first": "win", "counterpart_first": "win"}, longer=s)
        for i, s in enumerate([1] * 14 + [-1] * 5)
    ]
    found = audit(votes)["length"]
    assert found.p == pytest.approx(stats.binomtest(14, 19).pvalue)
    # Holm over two tests: length, and position, whose p is 1.
    assert found.p_corrected == pytest.approx(2 * stats.binomtest(14, 19).pvalue)


def test_one_and_the_same_order_measures_no_position() -> None:
    votes = [Vote(case=str(i), outcomes={"candidate_first": "win"}) for i in range(50)]
    found = audit(votes)["position"]
    assert (found.status, found.p) == ("not measured", None)
    assert "one and the same order" in found.text
    assert swap_disagreement(votes, SETTINGS).value is None


def test_orders_drawn_at_random_measure_the_position() -> None:
    votes = [
        Vote(case=str(i), outcomes={order: outcome})
        for i in range(40)
        for order, outcome in [
            ("candidate_first", "win") if i % 2 else ("counterpart_first", "loss")
        ]
    ]  # type: ignore[misc]
    assert audit(votes)["position"].status == "found"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["win", "tie", "loss", None]),
            st.sampled_from(["win", "tie", "loss", None]),
            st.sampled_from([-1, 0, 1]),
            st.sampled_from([-1, 0, 1, None]),
        )
    )
)
def test_any_verdicts_give_a_result(rows: list[tuple[Outcome, Outcome, int, int]]) -> None:
    votes = [
        Vote(
            case=str(i // 2),
            outcomes={"candidate_first": a, "counterpart_first": b},
            longer=side,
            own=side,
            expert=expert,
        )
        for i, (a, b, side, expert) in enumerate(rows)
    ]
    for bias in biases(votes, SETTINGS):
        assert bias.status in ("found", "suspected", "not found", "not measured")
        if bias.share.value is not None:
            assert bias.share.low is not None
            assert bias.share.high is not None
            assert 0 <= bias.share.low <= bias.share.value <= bias.share.high <= 1


def test_figures_of_differences_keep_their_scale() -> None:
    found = figure([-1.0, 1.0, 0.5, 0.5], list("abcd"), SETTINGS, reach=1.0)
    assert found.value == pytest.approx(0.25)
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= 0.25 <= found.high <= 1


@pytest.mark.skipif(not REVIEWS.is_dir(), reason="the real sample ../shared/data is not here")
def test_real_gpt4_reviews_give_the_shares_that_can_be_counted_in_them() -> None:
    """One order only, and no answers: what the position did cannot be told, and the audit says so.

    Counted in the file: 80 reviews, 44 for the first answer, 14 for the second, 22 even.
    """
    lines = (REVIEWS / "review_gpt35_vicuna-13b.jsonl").read_text(encoding="utf-8").splitlines()
    scores = [json.loads(line)["score"] for line in lines]
    outcomes: list[Outcome] = ["win" if a > b else "loss" if a < b else "tie" for a, b in scores]
    votes = [
        Vote(case=str(i), outcomes={"candidate_first": o}, longer=1) for i, o in enumerate(outcomes)
    ]
    found = audit(votes)
    assert found["position"].status == "not measured"
    assert found["position"].share.published == 0.526
    # All that these reviews hold is who won: here under the name of the longer one.
    assert found["length"].share.n == 58
    assert found["length"].share.value == pytest.approx(44 / 58)
    # Shown a second time, the other way round, with a judge that always answers "tie".
    swapped = [Vote(v.case, {**v.outcomes, "counterpart_first": "tie"}) for v in votes]
    assert audit(swapped)["position"].share.value == pytest.approx(44 / 58)
    assert swap_disagreement(swapped, SETTINGS).value == pytest.approx(58 / 80)
