"""Verdicts counted into win, tie and loss, with intervals by case and a paired test a row.

The two orders of a pair are one item (`item_outcome`); intervals and tests draw or flip whole
cases. The tests of one evaluation are corrected for their number (Holm). All choices are ours.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from pulsemind.evaluation.bootstrap import Floats, interval, intervals, wilson
from pulsemind.evaluation.paired import finding, holm, sign_flip
from pulsemind.evaluation.results import Aspect, PairwiseResult
from pulsemind.judge import note
from pulsemind.records import DIMENSIONS, Outcome, Verdict
from pulsemind.settings import EvaluateSettings

__all__ = [
    "ASPECTS", "POOLED", "Tally", "aspect_outcome", "case_of", "interval", "item_outcome",
    "pairwise_results", "rows_of", "wilson",
]  # fmt: skip

POOLED = "all"
"""Benchmark name of the results over all benchmarks together."""
ASPECTS: tuple[Aspect, ...] = (*DIMENSIONS, "overall")
_SCORE: Mapping[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}
_CODE: Mapping[Outcome | None, int] = {"win": 1, "tie": 0, "loss": -1, None: 9}
_UNJUDGED = 9
Codes = NDArray[np.int8]


def case_of(query_id: str) -> str:
    """The case a query belongs to: its id up to the last `#`."""
    return query_id.rpartition("#")[0] or query_id


def aspect_outcome(verdict: Verdict, aspect: Aspect) -> Outcome | None:
    """A verdict's outcome in one dimension or overall; None when unjudged or not asked for."""
    if aspect == "overall":
        return verdict.overall
    return None if verdict.outcomes is None else verdict.outcomes.get(aspect)


def item_outcome(outcomes: Sequence[Outcome | None]) -> Outcome | None:
    """One item's outcome from those of its orders, or None when any of them is unjudged.

    Scores (win 1, tie 0.5, loss 0) are averaged: above 0.5 a win, below it a loss. So win and tie
    is a win, and orders that contradict each other are a tie. A half-judged item is unjudged,
    because the order that remains would carry the judge's position bias.
    """
    judged = [_SCORE[outcome] for outcome in outcomes if outcome is not None]
    if not outcomes or len(judged) < len(outcomes):
        return None
    mean = sum(judged) / len(judged)
    return "win" if mean > 0.5 else "loss" if mean < 0.5 else "tie"


class Tally:
    """The items of one pair of models on one benchmark, a few bytes each."""

    def __init__(self) -> None:
        self._outcomes, self._swaps, self._where = array("b"), array("b"), array("q")
        self._cases: dict[str, int] = {}
        self._seen: set[int] = set()

    def add(self, benchmark: str, verdicts: Sequence[Verdict]) -> None:
        """Count the verdicts of one item. Raises ValueError when it has been counted before."""
        first = verdicts[0]
        item = hash((benchmark, first.query_id, first.candidate))
        if item in self._seen:
            raise ValueError(f"verdicts on {first.query_id} stand apart or twice")
        self._seen.add(item)
        case = f"{benchmark}/{case_of(first.query_id)}"
        self._where.append(self._cases.setdefault(case, len(self._cases)))
        both = len({verdict.order for verdict in verdicts}) > 1
        for aspect in ASPECTS:
            each = [aspect_outcome(verdict, aspect) for verdict in verdicts]
            outcome = item_outcome(each)
            self._outcomes.append(_CODE[outcome])
            known = both and outcome is not None
            self._swaps.append(int(len(set(each)) > 1) if known else -1)

    def codes(self) -> tuple[Codes, Codes, NDArray[np.int64]]:
        """Outcomes and swap disagreements, shape (items, aspects), and each item's case."""
        shape = (-1, len(ASPECTS))
        outcomes = np.frombuffer(self._outcomes, dtype=np.int8).reshape(shape)
        swaps = np.frombuffer(self._swaps, dtype=np.int8).reshape(shape)
        return outcomes, swaps, np.frombuffer(self._where, dtype=np.int64)


def pairwise_results(
    verdicts: Mapping[str, Iterable[Verdict]],
    model: str,
    settings: EvaluateSettings,
    broken: Mapping[tuple[str, str], int] | None = None,
    apart: Iterable[str] = (),
) -> list[PairwiseResult]:
    """Results of `model` on each benchmark, against each counterpart, per dimension and overall.

    Args:
        verdicts: a benchmark's verdicts; those of one item stand next to each other. They are
            read once and not kept.
        broken: items without a reply, by benchmark and counterpart.
        apart: benchmarks that are left out of the results over all of them.

    With more than one benchmark, results over all of them together follow under the name `POOLED`.
    Raises ValueError when the verdicts of an item do not stand together.
    """
    tallies: dict[tuple[str, str, str], Tally] = {}
    pooled: dict[tuple[str, str, str], Tally] = {}
    together = [name for name in verdicts if name not in set(apart)]
    for name, group in verdicts.items():
        for (against, judge, _, _), item in groupby(group, key=_item):
            rows = list(item)
            tallies.setdefault((name, against, judge), Tally()).add(name, rows)
            if len(together) > 1 and name in together:
                pooled.setdefault((POOLED, against, judge), Tally()).add(name, rows)
    lost = dict(broken or {})
    for (name, against), count in list(lost.items()):
        if name in together:
            lost[(POOLED, against)] = lost.get((POOLED, against), 0) + count
    order = {name: number for number, name in enumerate([*verdicts, POOLED])}
    found = sorted((tallies | pooled).items(), key=lambda i: (order[i[0][0]], *i[0][1:]))
    return corrected(
        [
            row
            for (name, against, judge), tally in found
            for row in rows_of(
                tally, name, model, against, judge, settings, lost.get((name, against), 0)
            )
        ],
        settings.confidence,
    )


def _item(verdict: Verdict) -> tuple[str, str, str, int]:
    return verdict.counterpart, verdict.judge, verdict.query_id, verdict.candidate


def corrected(rows: Sequence[PairwiseResult], confidence: float) -> list[PairwiseResult]:
    """The rows with their p corrected for all of them, and the finding that it comes to."""
    tested = [row for row in rows if row.p is not None]
    adjusted = dict(zip(map(id, tested), holm([row.p or 0.0 for row in tested]), strict=True))
    result = []
    for row in rows:
        if (p := adjusted.get(id(row))) is not None:
            ahead = (row.win.value if row.win else 0.0) - (row.loss.value if row.loss else 0.0)
            words = finding(p, ahead, confidence)
            row = row.model_copy(update={"p_holm": p, "finding": words})
        result.append(row)
    return result


def rows_of(
    tally: Tally,
    benchmark: str,
    model: str,
    against: str,
    judge: str,
    settings: EvaluateSettings,
    broken: int,
) -> list[PairwiseResult]:
    """A tally's results, an aspect a row, not yet corrected for their number."""
    outcomes, swaps, where = tally.codes()
    shares = intervals(
        *_shares(outcomes, where), settings.bootstrap, settings.confidence, settings.seed
    )
    rows = []
    for column, aspect in enumerate(ASPECTS):
        known = outcomes[:, column] != _UNJUDGED
        n = int(known.sum())
        swapped = swaps[swaps[:, column] >= 0, column]
        won, tied, lost, rate = shares[column :: len(ASPECTS)]
        rows.append(
            PairwiseResult(
                benchmark=benchmark,
                model=model,
                against=against,
                judge=judge,
                aspect=aspect,
                n=n,
                win=won,
                tie=tied,
                loss=lost,
                win_rate=rate.value if rate else None,
                low=rate.low if rate else None,
                high=rate.high if rate else None,
                swap_disagreement=float(swapped.mean()) if swapped.size else None,
                unjudged=len(outcomes) - n,
                broken=broken,
                cases=len(np.unique(where[known])),
                p=sign_flip(outcomes[known, column], where[known]) if n else None,
                note=note(judge),
            )
        )
    return rows


def _shares(outcomes: Codes, where: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Sums and sizes by case for `intervals`: of win, tie, loss and win rate, each by aspect.

    A function of its own, so that while resamples are drawn nothing is held but the two.
    """
    win, tie, loss = (_by_case(outcomes == code, where) for code in (1, 0, -1))
    judged, decided = win + tie + loss, win + loss
    sums = np.concatenate([win, tie, loss, win], axis=1)
    return sums, np.concatenate([judged, judged, judged, decided], axis=1)


def _by_case(hits: NDArray[np.bool_], where: NDArray[np.int64]) -> NDArray[np.float64]:
    """Hits counted by case, shape (cases, aspects)."""
    columns = [np.bincount(where, weights=hits[:, k]) for k in range(hits.shape[1])]
    return np.stack(columns, axis=1).astype(np.float64)
