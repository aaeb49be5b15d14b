"""Agreement of two reviewers: Cohen's kappa with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True)
class Agreement:
    """Cohen's kappa over `n` tasks with two reviews; the figures are None where undefined.

    `observed` is the share of tasks decided alike, `low` and `high` bound kappa's interval.
    """

    n: int
    observed: float | None
    kappa: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.kappa is None:
            return f"n/a (n = {self.n})"
        return f"{self.kappa:.2f} [{self.low:.2f}, {self.high:.2f}] (n = {self.n})"


def cohen(pairs: Iterable[tuple[str, str]], confidence: float = 0.95) -> Agreement:
    """Kappa of pairs (first reviewer's category, second reviewer's category).

    kappa = (p_o - p_e) / (1 - p_e) (Cohen 1960), its interval from the large-sample standard error
    (Fleiss, Cohen and Everitt 1969), cut to [-1, 1]. Undefined without tasks, and when both always
    choose one and the same category, as chance then agrees fully. With few tasks (tens) the
    interval is a rough guide.
    """
    table = Counter(pairs)
    n = table.total()
    if n == 0:
        return Agreement(0, None, None, None, None)
    share = {cell: count / n for cell, count in table.items()}
    categories = {category for cell in table for category in cell}
    rows = {c: sum(p for (a, _), p in share.items() if a == c) for c in categories}
    columns = {c: sum(p for (_, b), p in share.items() if b == c) for c in categories}
    observed = sum(p for (a, b), p in share.items() if a == b)
    chance = sum(rows[c] * columns[c] for c in categories)
    if 1 - chance < 1e-12:
        return Agreement(n, observed, None, None, None)
    kappa = (observed - chance) / (1 - chance)
    agreeing = sum(
        p * ((1 - chance) - (rows[a] + columns[a]) * (1 - observed)) ** 2
        for (a, b), p in share.items()
        if a == b
    )
    differing = (1 - observed) ** 2 * sum(
        p * (columns[a] + rows[b]) ** 2 for (a, b), p in share.items() if a != b
    )
    rest = (observed * chance - 2 * chance + observed) ** 2
    variance = max(0.0, agreeing + differing - rest) / (n * (1 - chance) ** 4)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * sqrt(variance)
    return Agreement(n, observed, kappa, max(-1.0, kappa - reach), min(1.0, kappa + reach))
