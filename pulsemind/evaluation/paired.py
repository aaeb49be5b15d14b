"""Two models on the same items: paired tests, and the correction for making many of them.

`mcnemar` is for right / wrong items that are independent, `sign_flip` for differences of items that
come in cases. Both are exact. All hypotheses are two-sided: no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pulsemind.evaluation.bootstrap import intervals
from pulsemind.evaluation.results import Finding, PairedResult

ROUNDING = 1e-14


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact p of McNemar's test, from the items that only one of the models has right."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0
    tail = sum(
        exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2))
        for k in range(fewer + 1)
    )
    return min(1.0, 2 * tail)


def sign_flip(differences: ArrayLike, clusters: Sequence[str] | NDArray[np.int64]) -> float:
    """Exact p of the sign-flip (permutation) test: whole cases change sides.

    Args:
        differences: whole numbers, one an item (win 1, tie 0, loss -1; or right minus right).
        clusters: the case of each item.

    If the two models are alike, a case's sum s is as likely with either sign, so the total over all
    sign patterns has the characteristic function product of cos(s t), and its distribution is that
    function's Fourier transform: exact to `ROUNDING`, below which no p is given, at any size.
    Raises ValueError when a difference is no whole number.
    """
    plain = np.asarray(differences, dtype=np.float64)
    if (plain != np.round(plain)).any():
        raise ValueError("the sign-flip test takes whole numbers")
    if not plain.any():
        return 1.0
    _, where = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.round(np.bincount(where, weights=plain)).astype(np.int64)
    steps, times = np.unique(np.abs(sums[sums != 0]), return_counts=True)
    reach, total = int(steps @ times), int(abs(sums.sum()))
    size = 2 * reach + 1  # totals from -reach to reach
    angle = 2 * np.pi * np.arange(reach + 1) / size
    turned = np.ones(reach + 1)
    for step, count in zip(steps, times, strict=True):
        turned *= np.cos(step * angle) ** count
    chances = np.fft.irfft(turned, size)  # of totals 0 .. reach, then -reach .. -1
    farther = 2 * float(chances[max(total, 1) : reach + 1].sum())
    return min(1.0, max(ROUNDING, farther + (float(chances[0]) if total == 0 else 0.0)))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction: adjusted p values, in the order given."""
    order = sorted(range(len(p)), key=p.__getitem__)
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = highest
    return adjusted


def finding(p: float, difference: float, confidence: float) -> Finding:
    """What a test comes to, in words; `difference` says which side is ahead."""
    if p >= 1 - confidence or difference == 0:
        return "not distinguishable"
    return "better" if difference > 0 else "worse"


def compare_right(
    first: Sequence[bool],
    second: Sequence[bool],
    clusters: Sequence[str],
    resamples: int,
    confidence: float,
    seed: int,
) -> PairedResult:
    """Two models' right and wrong answers to the same items, in the same order.

    The difference of the accuracies has the clustered bootstrap's interval. The p is McNemar's
    when every item is a case of its own, else the sign-flip test's.
    Raises ValueError when the three are not of one length, or empty.
    """
    if not first or not len(first) == len(second) == len(clusters):
        raise ValueError("needs the same items for both models, and at least one")
    apart = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    names, where = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(where).astype(np.float64)
    # Halved and shifted into [0, 1], where Wilson's interval can stand in for a constant.
    shifted = np.bincount(where, weights=(apart + 1) / 2).astype(np.float64)
    (found,) = intervals(shifted[:, None], sizes[:, None], resamples, confidence, seed)
    assert found is not None  # there is at least one item
    ahead, behind = int((apart > 0).sum()), int((apart < 0).sum())
    alone = len(names) == len(apart)
    p = mcnemar(ahead, behind) if alone else sign_flip(apart, where)
    return PairedResult(
        n=len(apart),
        cases=len(names),
        difference=2 * found.value - 1,
        low=2 * found.low - 1,
        high=2 * found.high - 1,
        only_first=ahead,
        only_second=behind,
        test="mcnemar" if alone else "sign_flip",
        p=p,
        finding=finding(p, ahead - behind, confidence),
    )
