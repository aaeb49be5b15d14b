"""Intervals of shares and means: Wilson's, and the BCa bootstrap over whole cases.

Queries of one case are no independent observations, so the bootstrap draws whole cases with
replacement and forms the ratio of their sums to their sizes. The interval is bias-corrected and
accelerated (BCa, Efron 1987): for shares near 0 or 1 the percentile interval is off centre. scipy's
`bootstrap` does the same for small data, and is the reference in the tests; it builds every
leave-one-out sample, which 152,000 cases rule out, so the jackknife here is the closed form of a
ratio. Which cases are drawn depends on the seed and the number of cases only.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pulsemind.evaluation.results import Estimate

Floats = NDArray[np.float64]
CELLS = 2_000_000
"""Cells of one block of draws (resamples x cases): what bounds the memory."""
_NORMAL = NormalDist()


def wilson(successes: float, n: int, confidence: float) -> Estimate:
    """Share and Wilson score interval (Wilson 1927). Raises ValueError when n is 0."""
    if n < 1:
        raise ValueError("a share of nothing has no interval")
    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # At 0 and 1 a bound equals the share, but for rounding: the share must not lie outside.
    low, high = min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
    return Estimate(value=share, low=low, high=high)


def interval(
    values: ArrayLike,
    clusters: Sequence[str] | NDArray[np.int64],
    resamples: int,
    confidence: float,
    seed: int,
) -> Estimate:
    """Mean of `values` and its interval; `clusters` names the case of each value.

    Raises ValueError when there are no values, or not one case name for each.
    """
    plain = np.asarray(values, dtype=np.float64)
    if not plain.size or len(plain) != len(clusters):
        raise ValueError("needs values, and one cluster name for each")
    names, where = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(where, weights=plain, minlength=len(names)).astype(np.float64)
    sizes = np.bincount(where, minlength=len(names)).astype(np.float64)
    (found,) = intervals(sums[:, None], sizes[:, None], resamples, confidence, seed)
    if found is None:
        raise ValueError("needs values, and one cluster name for each")
    return found


def intervals(
    sums: Floats, sizes: Floats, resamples: int, confidence: float, seed: int
) -> list[Estimate | None]:
    """Intervals of several means over the same cases, which are drawn once for all of them.

    Args:
        sums, sizes: shape (cases, means): sum and number of a case's values of each mean; a case
            may have none.

    A mean without values gives None. Where all cases have one mean (all win, or there is one case
    only), no resample can differ and the bootstrap would claim certainty; then Wilson's interval
    over the number of cases is given instead (for values in [0, 1]).
    """
    drawn = _resampled(sums, sizes, resamples, seed) if len(sums) > 1 else np.empty((0, 0))
    found: list[Estimate | None] = []
    for column in range(sums.shape[1]):
        kept = sizes[:, column] > 0
        own, size = sums[kept, column], sizes[kept, column]
        if not own.size:
            found.append(None)
            continue
        mean = float(own.sum() / size.sum())
        if np.ptp(own / size) == 0:
            found.append(wilson(mean * len(own), len(own), confidence))
            continue
        means = drawn[:, column]
        low, high = _bca(means[~np.isnan(means)], mean, own, size, confidence)
        found.append(Estimate(value=mean, low=min(low, mean), high=max(high, mean)))
    return found


def _resampled(sums: Floats, sizes: Floats, resamples: int, seed: int) -> Floats:
    """Means of the resamples, shape (resamples, means); NaN where a resample has no value."""
    random = np.random.default_rng(seed)
    cases = len(sums)
    rows = max(1, CELLS // cases)
    blocks = [
        _block(random, min(rows, resamples - start), sums, sizes)
        for start in range(0, resamples, rows)
    ]
    return np.concatenate(blocks)


def _block(random: np.random.Generator, count: int, sums: Floats, sizes: Floats) -> Floats:
    """The means of the next `count` resamples.

    A function of its own, and each array of `CELLS` let go of once the next is made: otherwise a
    block's arrays would stay beside the next block's.
    """
    cases = len(sums)
    drawn = random.integers(cases, size=(count, cases))
    drawn += cases * np.arange(count)[:, None]
    times = np.bincount(drawn.ravel(), minlength=count * cases).reshape(count, cases)
    del drawn
    weights = times.astype(np.float64)
    del times
    with np.errstate(invalid="ignore"):
        means: Floats = (weights @ sums) / (weights @ sizes)
    return means


def _bca(
    means: Floats, mean: float, sums: Floats, sizes: Floats, confidence: float
) -> tuple[float, float]:
    """The BCa quantiles of the resampled means; ties with the mean count half below it."""
    below = float(((means < mean).sum() + 0.5 * (means == mean).sum()) / len(means))
    edge = 0.5 / len(means)
    bias = _NORMAL.inv_cdf(min(max(below, edge), 1 - edge))
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    apart = without.mean() - without
    acceleration = float((apart**3).sum() / (6 * (apart**2).sum() ** 1.5))

    def level(quantile: float) -> float:
        z = bias + _NORMAL.inv_cdf(quantile)
        return _NORMAL.cdf(bias + z / (1 - acceleration * z))

    low, high = np.quantile(means, [level((1 - confidence) / 2), level((1 + confidence) / 2)])
    return float(low), float(high)
