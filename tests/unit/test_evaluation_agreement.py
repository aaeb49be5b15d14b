"""Kappa against statsmodels and scikit-learn, and its interval against what it should cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsemind.evaluation.agreement import cohen_kappa, fleiss_kappa

TWO = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=60)


def test_cohen_by_hand() -> None:
    # 20 both yes, 15 both no, 5 and 10 apart: seen 0.7, chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    a = ["y"] * 25 + ["n"] * 25
    b = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    found = cohen_kappa(a, b)
    assert found is not None
    assert found.value == pytest.approx(0.4)
    assert -1 <= found.low < 0.4 < found.high <= 1


@settings(deadline=None)
@given(TWO)
def test_cohen_is_the_references(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn")
    rater = pytest.importorskip("statsmodels.stats.inter_rater", reason="needs statsmodels")
    a, b = [p[0] for p in pairs], [p[1] for p in pairs]
    found = cohen_kappa(a, b)
    if found is None:
        assert len(set(a + b)) == 1
        return
    assert found.value == pytest.approx(metrics.cohen_kappa_score(a, b), abs=1e-12)
    table = np.zeros((3, 3))
    for x, y in pairs:
        table["abc".index(x), "abc".index(y)] += 1
    expected = rater.cohens_kappa(table)
    if 1e-9 < expected.var_kappa < 10:
        low, high = max(-1, expected.kappa_low), min(1, expected.kappa_upp)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=2, max_size=40))
def test_fleiss_is_statsmodels(ratings: list[list[int]]) -> None:
    rater = pytest.importorskip("statsmodels.stats.inter_rater", reason="needs statsmodels")
    counts = np.array([np.bincount(row, minlength=3) for row in ratings])
    found = fleiss_kappa(counts)
    if found is None:
        assert (counts.sum(axis=0) > 0).sum() == 1
        return
    assert found.value == pytest.approx(rater.fleiss_kappa(counts), abs=1e-9)
    assert found.low <= found.value <= found.high


def test_fleiss_by_hand() -> None:
    # Fleiss 1971's method on the textbook table of 10 items, 14 raters, 5 categories: 0.210.
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    found = fleiss_kappa(counts)
    assert found is not None
    assert found.value == pytest.approx(0.20993, abs=1e-5)
    assert found.low < found.value < found.high


def test_one_category_has_no_kappa_and_full_agreement_is_not_certain() -> None:
    assert cohen_kappa(["a"] * 9, ["a"] * 9) is None
    assert fleiss_kappa([[3, 0]] * 5) is None
    few = cohen_kappa(["a", "b"] * 3, ["a", "b"] * 3)
    many = cohen_kappa(["a", "b"] * 300, ["a", "b"] * 300)
    assert few is not None
    assert many is not None
    assert few.value == many.value == many.high == 1
    assert few.low < 0.5 < 0.98 < many.low < 1


def test_what_cannot_be_rated_is_refused() -> None:
    with pytest.raises(ValueError, match="two ratings"):
        cohen_kappa(["a"], [])
    with pytest.raises(ValueError, match="same number of raters"):
        fleiss_kappa([[2, 1], [1, 1]])
    with pytest.raises(ValueError, match="a table"):
        fleiss_kappa([1, 2])


def _raters(random: np.random.Generator, items: int, raters: int) -> np.ndarray:
    """Ratings of items whose truth each rater sees with probability 0.8, else drawing blindly."""
    truth = random.integers(3, size=(items, 1))
    blind = random.integers(3, size=(items, raters))
    return np.where(random.random((items, raters)) < 0.8, truth, blind)


def test_intervals_cover_what_they_should() -> None:
    """Two raters agree beyond chance with 0.8 * 0.8; both intervals cover it in 93 to 97 %."""
    random = np.random.default_rng(11)
    hits = np.zeros(2)
    runs = 1000
    for _ in range(runs):
        rated = _raters(random, 150, 4)
        cohen = cohen_kappa(rated[:, 0].tolist(), rated[:, 1].tolist())
        fleiss = fleiss_kappa(np.stack([(rated == k).sum(axis=1) for k in range(3)], axis=1))
        assert cohen is not None
        assert fleiss is not None
        hits += [e.low <= 0.64 <= e.high for e in (cohen, fleiss)]
    assert (hits / runs >= 0.93).all()
    assert (hits / runs <= 0.97).all()
