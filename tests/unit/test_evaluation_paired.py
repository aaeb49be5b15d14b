"""Paired tests and Holm's correction against scipy, statsmodels and enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pulsemind.evaluation.paired import compare_right, finding, holm, mcnemar, sign_flip

ITEMS = st.lists(
    st.tuples(st.integers(-2, 2), st.sampled_from("abcdefgh")), min_size=1, max_size=20
)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    if first + second == 0:
        assert mcnemar(first, second) == 1
        return
    expected = stats.binomtest(first, first + second, 0.5).pvalue
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-8)


def test_mcnemar_is_statsmodels() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables", reason="no statsmodels")
    for first, second in ((3, 11), (40, 12), (7, 7)):
        expected = tables.mcnemar([[50, first], [second, 20]], exact=True).pvalue
        assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


@settings(deadline=None)
@given(ITEMS)
def test_sign_flip_is_the_enumeration_of_all_sign_patterns(items: list[tuple[int, str]]) -> None:
    names = sorted({name for _, name in items})
    sums = np.array([sum(d for d, n in items if n == name) for name in names])
    patterns = np.array(list(product([1, -1], repeat=len(sums))))
    expected = (np.abs(patterns @ sums) >= abs(sums.sum())).mean()
    found = sign_flip([d for d, _ in items], [n for _, n in items])
    assert found == pytest.approx(expected, abs=1e-12)


def test_sign_flip_is_scipys_permutation_test() -> None:
    random = np.random.default_rng(2)
    apart = random.integers(-1, 2, size=12).astype(float)
    expected = stats.permutation_test(
        (apart, np.zeros(12)), lambda x, y: np.sum(x - y), permutation_type="samples",
        n_resamples=np.inf, vectorized=False,
    ).pvalue  # fmt: skip
    assert sign_flip(apart, list("abcdefghijkl")) == pytest.approx(expected, abs=1e-12)


def test_sign_flip_of_many_cases_goes_over_into_the_normal_law() -> None:
    random = np.random.default_rng(3)
    apart = random.integers(-1, 2, size=150_000)
    z = (abs(apart.sum()) - 0.5) / np.sqrt((apart**2).sum())  # continuity correction
    assert sign_flip(apart, np.arange(150_000)) == pytest.approx(2 * stats.norm.sf(z), abs=2e-3)


def test_a_difference_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        sign_flip([0.5], ["a"])


def test_holm_is_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="needs statsmodels")
    random = np.random.default_rng(6)
    for count in (1, 2, 7, 40):
        p = np.round(random.random(count) ** 3, 3).tolist()  # some are equal
        assert holm(p) == pytest.approx(list(multitest.multipletests(p, method="holm")[1]))


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_words() -> None:
    assert finding(0.01, 0.2, 0.95) == "better"
    assert finding(0.01, -0.2, 0.95) == "worse"
    assert finding(0.06, 0.2, 0.95) == "not distinguishable"


def test_two_models_on_the_same_questions() -> None:
    first, second = [True] * 30 + [False] * 20, [True] * 15 + [False] * 35
    found = compare_right(first, second, [str(i) for i in range(50)], 1000, 0.95, 1)
    assert (found.n, found.cases, found.only_first, found.only_second) == (50, 50, 15, 0)
    assert found.difference == pytest.approx(0.3)
    assert found.low < 0.3 < found.high
    assert (found.test, found.finding) == ("mcnemar", "better")
    assert found.p == pytest.approx(2 * 0.5**15)
    cases = compare_right(first, second, ["a"] * 25 + ["b"] * 25, 1000, 0.95, 1)
    assert (cases.test, cases.cases, cases.finding) == ("sign_flip", 2, "not distinguishable")
    same = compare_right([True], [True], ["a"], 1000, 0.95, 1)
    assert (same.difference, same.p, same.finding) == (0, 1.0, "not distinguishable")
    with pytest.raises(ValueError, match="same items"):
        compare_right([True], [], [], 1000, 0.95, 1)


def test_an_exact_test_of_no_difference_rejects_at_most_at_its_level() -> None:
    random = np.random.default_rng(8)
    cases = np.repeat(np.arange(40), 3)
    p = [
        sign_flip((random.choice([-1, 1], 40)[cases] * random.integers(0, 2, 120)), cases)
        for _ in range(1000)
    ]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.066
