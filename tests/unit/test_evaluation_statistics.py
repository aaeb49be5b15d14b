"""Intervals against scipy, tallies against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pulsemind.evaluation.bootstrap import intervals
from pulsemind.evaluation.statistics import (
    POOLED,
    case_of,
    interval,
    item_outcome,
    pairwise_results,
    wilson,
)
from pulsemind.records import DIMENSIONS, Outcome, Verdict
from pulsemind.settings import EvaluateSettings

# Only what the statistics read; a whole section is tested with the settings.
SETTINGS = EvaluateSettings.model_construct(bootstrap=500, confidence=0.95, seed=1)


def verdicts(
    query_id: str, *overall: Outcome | None, against: str = "sft", judge: str = "offline"
) -> list[Verdict]:
    return [
        Verdict(
            query_id=query_id,
            candidate=0,
            counterpart=against,
            order=order,
            judge=judge,
            outcomes=None if outcome is None else dict.fromkeys(DIMENSIONS, outcome),
            overall=outcome,
        )
        for outcome, order in zip(overall, ("candidate_first", "counterpart_first"), strict=False)
    ]


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 17), (60, 120), (9, 9)])
def test_wilson_is_scipys(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    found = wilson(k, n, 0.95)
    assert (found.value, found.low, found.high) == pytest.approx((k / n, *expected), abs=1e-12)


def test_wilson_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        wilson(0, 0, 0.95)


def test_bootstrap_is_scipys_when_every_value_is_a_case() -> None:
    values = np.random.default_rng(3).random(80) ** 3
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=5
    ).confidence_interval
    found = interval(list(values), [str(i) for i in range(80)], 20_000, 0.95, 7)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.004)
    assert found.value == pytest.approx(values.mean())


def test_bootstrap_of_cases_is_scipys_of_their_ratio() -> None:
    random = np.random.default_rng(4)
    sizes = random.integers(1, 6, size=60)
    cases = np.repeat(np.arange(60), sizes)
    values = (random.random(len(cases)) < random.random(60)[cases]).astype(float)
    sums = np.bincount(cases, weights=values)

    def ratio(s: np.ndarray, n: np.ndarray, axis: int) -> np.ndarray:
        return s.sum(axis=axis) / n.sum(axis=axis)

    expected = stats.bootstrap(
        (sums, sizes.astype(float)), ratio, paired=True, n_resamples=20_000, method="BCa", rng=5
    ).confidence_interval
    found = interval(values, cases, 20_000, 0.95, 7)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.006)


@pytest.mark.parametrize(("share", "cases"), [(0.5, 60), (0.75, 80), (0.9, 150)])
def test_the_95_percent_interval_covers_93_to_97_percent(share: float, cases: int) -> None:
    """1,000 data sets of cases of 1 to 5 items; a case's own share varies around the true one."""
    random = np.random.default_rng(5)
    runs, hits = 1000, 0
    for run in range(runs):
        sizes = random.integers(1, 6, size=cases)
        own = random.beta(4 * share, 4 * (1 - share), size=cases)
        won = random.binomial(sizes, own).astype(float)
        (found,) = intervals(won[:, None], sizes[:, None].astype(float), 800, 0.95, run)
        assert found is not None
        hits += found.low <= share <= found.high
    assert 0.93 <= hits / runs <= 0.97


def test_repeating_a_case_adds_no_certainty() -> None:
    values = [float(i % 3 == 0) for i in range(30)]
    cases = [str(i) for i in range(30)]
    once = interval(values, cases, 2000, 0.95, 1)
    four_times = interval(values * 4, cases * 4, 2000, 0.95, 1)
    assert (four_times.low, four_times.high) == pytest.approx((once.low, once.high), abs=1e-12)


def test_certainty_is_not_claimed_from_few_wins() -> None:
    found = interval([1.0] * 8, list("aabbccdd"), 500, 0.95, 1)
    assert found == wilson(4, 4, 0.95)
    assert found.low < 0.6


def test_one_case_gives_no_certainty() -> None:
    found = interval([1.0, 0.0], ["a", "a"], 500, 0.95, 1)
    assert found.value == 0.5
    assert found.high - found.low > 0.8


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from("abcd")), min_size=1))
def test_interval_is_ordered_bounded_and_repeatable(items: list[tuple[float, str]]) -> None:
    values, cases = [v for v, _ in items], [c for _, c in items]
    found = interval(values, cases, 200, 0.9, 1)
    assert 0 <= found.low <= found.high <= 1
    assert found == interval(values, cases, 200, 0.9, 1)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["win", "win"], "win"),
        (["win", "tie"], "win"),
        (["tie", "loss"], "loss"),
        (["win", "loss"], "tie"),
        (["tie", "tie"], "tie"),
        (["loss"], "loss"),
        (["win", None], None),
        ([], None),
    ],
)
def test_item_outcome(outcomes: list[Outcome | None], expected: Outcome | None) -> None:
    assert item_outcome(outcomes) == expected


def test_case_of() -> None:
    assert (case_of("a#1"), case_of("a#b#2"), case_of("a")) == ("a", "a#b", "a")


def test_pairwise_counts_by_hand() -> None:
    given = [
        *verdicts("a#0", "win", "win"),
        *verdicts("a#1", "win", "tie"),
        *verdicts("b#0", "loss", "loss"),
        *verdicts("c#0", "win", "loss"),
        *verdicts("d#0", None, "win"),
    ]
    rows = pairwise_results({"set": given}, "policy", SETTINGS)
    assert [row.aspect for row in rows] == [*DIMENSIONS, "overall"]
    row = rows[-1]
    assert (row.benchmark, row.model, row.against, row.judge) == ("set", "policy", "sft", "offline")
    assert (row.n, row.unjudged, row.swap_disagreement) == (4, 1, 0.5)
    assert row.win
    assert row.tie
    assert row.loss
    assert (row.win.value, row.tie.value, row.loss.value) == (0.5, 0.25, 0.25)
    assert row.win_rate == pytest.approx(2 / 3)  # ties are not in the denominator
    assert row.note == "offline judge, not for reporting"
    assert row.low is not None
    assert row.high is not None
    assert row.low <= row.win_rate <= row.high


def test_groups_by_benchmark_counterpart_and_pooled() -> None:
    one = verdicts("a#0", "win", "win", against="x") + verdicts("a#0", "loss", "loss", against="y")
    two = verdicts("a#0", "loss", "loss", against="x", judge="offline")
    rows = pairwise_results({"p": one, "q": two}, "policy", SETTINGS)
    overall = {(r.benchmark, r.against): r for r in rows if r.aspect == "overall"}
    assert set(overall) == {("p", "x"), ("p", "y"), ("q", "x"), (POOLED, "x"), (POOLED, "y")}
    assert overall[(POOLED, "x")].n == 2
    assert overall[(POOLED, "x")].win_rate == 0.5


def test_nothing_judged_has_no_figures_and_no_note_for_a_real_judge() -> None:
    row = pairwise_results({"s": verdicts("a#0", None, None, judge="m")}, "p", SETTINGS)[-1]
    assert (row.n, row.unjudged, row.win, row.win_rate, row.low) == (0, 1, None, None, None)
    assert row.note == ""


def test_one_order_has_no_swap_figure() -> None:
    row = pairwise_results({"s": verdicts("a#0", "tie")}, "p", SETTINGS)[-1]
    assert row.swap_disagreement is None
    assert row.win_rate is None
    assert row.tie is not None
    assert row.tie.value == 1


@given(st.integers(1, 500), st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_interval_holds_its_share_at_both_ends(n: int, confidence: float) -> None:
    for successes in (0, n):
        found = wilson(successes, n, confidence)
        assert found.low <= found.value <= found.high


def test_rows_say_in_words_what_the_corrected_test_comes_to() -> None:
    given = [v for i in range(40) for v in verdicts(f"{i}#0", "win", "win")]
    given += [
        v for i in range(40) for v in verdicts(f"{i}#0", "win" if i % 2 else "loss", against="x")
    ]
    rows = {(r.against, r.aspect): r for r in pairwise_results({"s": given}, "p", SETTINGS)}
    ahead, level = rows[("sft", "overall")], rows[("x", "overall")]
    assert (ahead.finding, level.finding) == ("better", "not distinguishable")
    assert ahead.p == pytest.approx(2**-39, rel=1e-2)
    assert ahead.p_holm is not None
    assert ahead.p_holm == pytest.approx(10 * ahead.p)  # ten rows
    assert (ahead.cases, level.p) == (40, 1.0)


def test_verdicts_of_an_item_that_stand_apart_are_refused() -> None:
    first, second = verdicts("a#0", "win", "loss")
    with pytest.raises(ValueError, match="stand apart"):
        pairwise_results({"s": [first, *verdicts("b#0", "win", "win"), second]}, "p", SETTINGS)


def test_broken_items_and_a_benchmark_kept_apart() -> None:
    given = {name: verdicts(f"{name}#0", "win", "win") for name in ("p", "q", "safety")}
    lost = {("p", "sft"): 2, ("safety", "sft"): 1}
    rows = pairwise_results(given, "policy", SETTINGS, lost, apart=["safety"])
    counted = {r.benchmark: (r.n, r.broken) for r in rows}
    assert counted == {"p": (1, 2), "q": (1, 0), "safety": (1, 1), POOLED: (2, 2)}
