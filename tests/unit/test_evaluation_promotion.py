"""Promotion: one outcome for every kind of evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.evaluation.promotion import NO_DIFFERENCE, decide, markdown, qa_change, undecided
from pulsemind.evaluation.results import PairwiseResult, QAResult
from pulsemind.evaluation.statistics import wilson
from pulsemind.settings import Promote

RULE = Promote(threshold=0.5, qa_margin=0.02)


def pairs(
    low: float | None, high: float | None, judge: str = "m", note: str = ""
) -> PairwiseResult:
    return PairwiseResult(
        benchmark="all",
        model="crpo",
        against="champion",
        judge=judge,
        aspect="overall",
        n=80,
        win=None,
        tie=None,
        loss=None,
        win_rate=None if low is None or high is None else (low + high) / 2,
        low=low,
        high=high,
        swap_disagreement=None,
        unjudged=3,
        note=note,
    )


def qa(correct: int, n: int, name: str = "choice") -> QAResult:
    share = wilson(correct, n, 0.95)
    return QAResult(
        benchmark=name,
        n=n,
        accuracy=share.value,
        low=share.low,
        high=share.high,
        abstained=0,
        chance=None,
        scorer="s",
        rules={},
    )


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.51, 0.7, "better"),
        (0.5, 0.7, NO_DIFFERENCE),
        (0.4, 0.6, NO_DIFFERENCE),
        (0.3, 0.5, NO_DIFFERENCE),
        (0.3, 0.49, "worse"),
        (None, None, NO_DIFFERENCE),
    ],
)
def test_the_whole_interval_must_be_above_the_threshold(
    low: float | None, high: float | None, outcome: str
) -> None:
    decision = decide(2, 1, pairs(low, high), [(qa(50, 100), qa(50, 100))], RULE)
    assert decision.outcome == outcome
    assert decision.promoted == (outcome == "better")
    assert decision.reason.startswith(outcome)
    assert (decision.candidate, decision.champion) == (2, 1)
    assert (decision.n, decision.unjudged, decision.judge) == (80, 3, "m")


def test_the_threshold_is_the_settings() -> None:
    rule = Promote(threshold=0.55, qa_margin=0.02)
    assert decide(2, 1, pairs(0.52, 0.7), [], rule).outcome == NO_DIFFERENCE
    assert decide(2, 1, pairs(0.56, 0.7), [], rule).promoted


@pytest.mark.parametrize(("correct", "promoted"), [(52, True), (48, True), (47, False)])
def test_a_qa_set_may_fall_by_the_margin_and_no_more(correct: int, promoted: bool) -> None:
    both = [(qa(90, 100, "a"), qa(80, 100, "a")), (qa(correct, 100, "b"), qa(50, 100, "b"))]
    decision = decide(2, 1, pairs(0.6, 0.8), both, RULE)
    assert decision.promoted == promoted
    if not promoted:
        assert decision.outcome == "QA fell"
        assert "b falls by 3.0 points" in decision.reason
        assert "a falls" not in decision.reason


@pytest.mark.parametrize(("broken", "promoted"), [((2, 1), False), ((1, 1), True), ((0, 1), True)])
def test_more_broken_replies_than_the_champions_are_refused(
    broken: tuple[int, int], promoted: bool
) -> None:
    decision = decide(2, 1, pairs(0.6, 0.8), [], RULE, broken)
    assert decision.promoted == promoted
    assert decision.outcome == ("better" if promoted else "more broken")
    assert (decision.broken, decision.champion_broken) == broken
    assert ("; 2 broken replies, the champion has 1" in decision.reason) != promoted
    assert f"{broken[0]} of the candidate, {broken[1]} of the champion" in markdown(decision)
    worse = decide(2, 1, pairs(0.1, 0.2), [], RULE, broken)
    assert worse.outcome == "worse"


def test_what_is_not_distinguishable_and_falls_says_both() -> None:
    decision = decide(2, 1, pairs(0.4, 0.8), [(qa(1, 100), qa(50, 100))], RULE)
    assert decision.outcome == NO_DIFFERENCE
    assert "choice falls by 49.0 points" in decision.reason


def test_the_fall_has_newcombes_interval() -> None:
    """Newcombe 1998, Table II, method 10: 56/70 against 48/80 is 0.2 [0.0524, 0.3339]."""
    change = qa_change(qa(48, 80), qa(56, 70).model_copy(update={"n": 80}), 0.02)
    assert (change.fall, change.low, change.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_other_items_are_no_comparison() -> None:
    with pytest.raises(ValueError, match="not the same QA items"):
        qa_change(qa(1, 10), qa(1, 11), 0.02)


@given(st.integers(1, 300), st.data())
def test_the_fall_lies_in_its_interval(n: int, data: st.DataObject) -> None:
    new, old = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    change = qa_change(qa(new, n), qa(old, n), 0.0)
    assert change.low <= change.fall <= change.high
    assert change.too_much == (old > new)


def test_markdown_shows_figures_and_label() -> None:
    given = pairs(0.6, 0.8, "offline", "offline judge, not for reporting")
    text = markdown(decide(2, 1, given, [(qa(50, 100), qa(51, 100))], RULE))
    assert "Promoted: better" in text
    assert "70.0 % [60.0, 80.0]" in text
    assert "n = 80" in text
    assert "offline judge, not for reporting" in text
    assert "| choice | 100 | 50.0 % | 51.0 % | 1.0 [" in text


def test_only_the_first_is_promoted_without_evidence() -> None:
    assert undecided("first", "r", 1, None, RULE).promoted
    assert not any(
        undecided(outcome, "r", 2, 1, RULE).promoted
        for outcome in ("same", "other base", "rolled back")
    )
