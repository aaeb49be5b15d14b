"""How far raters agree beyond chance: Cohen's kappa of two, Fleiss' kappa of several.

Both are 1 at full agreement, 0 at what chance alone would give, and below 0 under it. They are
undefined when all raters use one and the same category throughout: then `None` is returned,
never a number. Intervals are clipped to [-1, 1].
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from pulsemind.evaluation.bootstrap import Floats, wilson
from pulsemind.evaluation.results import Estimate

CERTAIN = 1e-12
"""Chance agreement this close to 1 leaves kappa undefined."""


def cohen_kappa(
    a: Sequence[Hashable], b: Sequence[Hashable], confidence: float = 0.95
) -> Estimate | None:
    """Cohen's kappa of two raters over the same items, in the same order, unweighted.

    Args:
        a, b: each rater's category of each item.

    The interval is the large-sample one (Fleiss, Cohen and Everitt 1969, as statsmodels has it).
    Raises ValueError when the raters rated different numbers of items, or none.
    """
    if len(a) != len(b) or not a:
        raise ValueError("needs two ratings of every item, and at least one item")
    index = {name: number for number, name in enumerate(dict.fromkeys([*a, *b]))}
    table = np.zeros((len(index), len(index)))
    for first, second in zip(a, b, strict=True):
        table[index[first], index[second]] += 1
    n = len(a)
    share = table / n
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    seen, chance = float(np.trace(share)), float(rows @ columns)
    if chance > 1 - CERTAIN:
        return None
    kappa = (seen - chance) / (1 - chance)
    diagonal = np.diag(share)
    own = diagonal @ (1 - (rows + columns) * (1 - kappa)) ** 2
    pairs = np.add.outer(columns, rows) ** 2 * share
    other = (1 - kappa) ** 2 * (pairs.sum() - np.trace(pairs))
    rest = (kappa - chance * (1 - kappa)) ** 2
    variance = max(0.0, float(own + other - rest)) / (n * (1 - chance) ** 2)
    return _estimate(kappa, variance, seen, chance, n, confidence)


def fleiss_kappa(counts: ArrayLike, confidence: float = 0.95) -> Estimate | None:
    """Fleiss' kappa of raters who need not be the same persons for every item.

    Args:
        counts: shape (items, categories), how many raters put the item into the category; every
            item has the same number of raters, at least two.

    The interval is the large-sample one over items (Gwet 2021, eq. for Fleiss' kappa by
    linearisation), which takes items as drawn and raters as given.
    Raises ValueError when the table is not of that shape.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or not table.size or (table < 0).any():
        raise ValueError("needs a table of counts, an item a row, a category a column")
    raters = table[0].sum()
    if raters < 2 or (table.sum(axis=1) != raters).any():
        raise ValueError("every item needs the same number of raters, at least two")
    n = len(table)
    agreed = ((table**2).sum(axis=1) - raters) / (raters * (raters - 1))
    shares = table.sum(axis=0) / (n * raters)
    seen, chance = float(agreed.mean()), float((shares**2).sum())
    if chance > 1 - CERTAIN:
        return None
    kappa = (seen - chance) / (1 - chance)
    by_item = (agreed - chance) / (1 - chance)
    drawn = (table / raters) @ shares
    linear: Floats = by_item - 2 * (1 - kappa) * (drawn - chance) / (1 - chance)
    variance = float(((linear - kappa) ** 2).sum()) / (n * (n - 1)) if n > 1 else 0.0
    return _estimate(kappa, variance, seen, chance, n, confidence)


def _estimate(
    kappa: float, variance: float, seen: float, chance: float, n: int, confidence: float
) -> Estimate:
    """The normal interval; without any variance the one of the agreement's share.

    Raters who agree on every item leave no variance, and the normal interval would be certain of
    it after five items: then Wilson's interval of the observed agreement is put into kappa's
    formula.
    """
    if variance > CERTAIN:
        half = NormalDist().inv_cdf((1 + confidence) / 2) * variance**0.5
        low, high = kappa - half, kappa + half
    else:
        share = wilson(seen * n, n, confidence)
        low, high = ((bound - chance) / (1 - chance) for bound in (share.low, share.high))
    return Estimate(value=kappa, low=max(-1.0, low), high=min(1.0, high))
