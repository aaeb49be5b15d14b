"""Whether a candidate takes the champion's place: a pure decision on figures, with its evidence.

Both models have answered the same benchmarks. The candidate is promoted when the whole interval of
its win rate over the champion (among decided pairs, clustered by case) lies above the threshold,
no QA set falls by more than the margin, and no more of its replies are broken. What cannot be told
apart stays as it is. The rule is ours (issue 6, item 7); docs/promotion.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import Literal

from pydantic import Field

from pulsemind.evaluation.results import PairwiseResult, QAResult, Result
from pulsemind.settings import Promote

Compared = Literal["better", "worse", "not distinguishable"]
NO_DIFFERENCE: Compared = "not distinguishable"
Outcome = Literal[
    "first",
    "same",
    "better",
    "not distinguishable",
    "worse",
    "QA fell",
    "more broken",
    "other base",
    "rolled back",
]
"""Only `first` and `better` move the alias; `same` is the champion itself."""


class QAChange(Result):
    """A QA set's accuracies in [0, 1] on the same `n` items; `fall` = champion - candidate.

    `low` and `high` bound `fall` by Newcombe's hybrid score method (1998, method 10), which takes
    the two models' answers as unpaired and is therefore rather too wide. `too_much`: the fall
    itself, not its bound, exceeds the margin.
    """

    benchmark: str
    n: int = Field(ge=1)
    candidate: float
    champion: float
    fall: float
    low: float
    high: float
    too_much: bool


class Decision(Result):
    """The decision on one candidate, with everything that it rests on.

    Versions are those of the model registry; `champion` is the one compared with, null for the
    first. `n` judged pairs (ties among them) gave `win_rate` among the decided ones with its
    interval; these are null, and `qa` empty, where nothing was compared. `note` is the remark that
    the figures must carry. `broken` replies of the candidate's and `champion_broken` of the
    champion's, to all benchmarks, are in no other figure.
    """

    outcome: Outcome
    promoted: bool
    reason: str
    candidate: int
    champion: int | None
    n: int = Field(default=0, ge=0)
    unjudged: int = Field(default=0, ge=0)
    broken: int = Field(default=0, ge=0)
    champion_broken: int = Field(default=0, ge=0)
    win_rate: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float
    qa_margin: float
    judge: str = ""
    note: str = ""
    qa: tuple[QAChange, ...] = ()


def decide(
    candidate: int,
    champion: int,
    pairs: PairwiseResult,
    qa: Sequence[tuple[QAResult, QAResult]],
    rule: Promote,
    broken: tuple[int, int] = (0, 0),
) -> Decision:
    """Decide on a candidate that was compared with the champion.

    Args:
        candidate, champion: their versions.
        pairs: the candidate against the champion, overall, on all consultations together.
        qa: each QA set's results of the candidate and of the champion, on what both answered.
        broken: how many replies of the candidate's and of the champion's are broken.
    """
    changes = [qa_change(new, old, rule.qa_margin) for new, old in qa]
    fallen = [change for change in changes if change.too_much]
    compared, what = _compared(pairs, rule.threshold)
    outcome: Outcome = compared
    if compared == "better" and (fallen or broken[0] > broken[1]):
        outcome = "QA fell" if fallen else "more broken"
    against = [
        f"{c.benchmark} falls by {_points(c.fall)} points [{_points(c.low)}, {_points(c.high)}], "
        f"n = {c.n}, more than {_points(rule.qa_margin)}"
        for c in fallen
    ]
    if broken[0] > broken[1]:
        against.append(f"{broken[0]} broken replies, the champion has {broken[1]}")
    return Decision(
        outcome=outcome,
        promoted=outcome == "better",
        reason="; ".join([what, *against]),
        candidate=candidate,
        champion=champion,
        n=pairs.n,
        unjudged=pairs.unjudged,
        broken=broken[0],
        champion_broken=broken[1],
        win_rate=pairs.win_rate,
        low=pairs.low,
        high=pairs.high,
        threshold=rule.threshold,
        qa_margin=rule.qa_margin,
        judge=pairs.judge,
        note=pairs.note,
        qa=tuple(changes),
    )


def undecided(
    outcome: Outcome,
    reason: str,
    candidate: int,
    champion: int | None,
    rule: Promote,
) -> Decision:
    """The decision where there is nothing to compare, or nothing to compare with."""
    return Decision(
        outcome=outcome,
        promoted=outcome == "first",
        reason=reason,
        candidate=candidate,
        champion=champion,
        threshold=rule.threshold,
        qa_margin=rule.qa_margin,
    )


def qa_change(candidate: QAResult, champion: QAResult, margin: float) -> QAChange:
    """How one QA set changes from the champion to the candidate.

    Raises ValueError when the two results are not of the same items.
    """
    if (candidate.benchmark, candidate.n) != (champion.benchmark, champion.n):
        raise ValueError(
            f"{candidate.benchmark} (n = {candidate.n}) and {champion.benchmark} "
            f"(n = {champion.n}) are not the same QA items"
        )
    fall = champion.accuracy - candidate.accuracy
    return QAChange(
        benchmark=candidate.benchmark,
        n=candidate.n,
        candidate=candidate.accuracy,
        champion=champion.accuracy,
        fall=fall,
        low=fall - hypot(champion.accuracy - champion.low, candidate.high - candidate.accuracy),
        high=fall + hypot(champion.high - champion.accuracy, candidate.accuracy - candidate.low),
        too_much=round(fall - margin, 9) > 0,  # a fall of exactly the margin is allowed
    )


def markdown(decision: Decision) -> str:
    """The decision as Markdown: what a model version's description says."""
    lines = [f"**{'Promoted' if decision.promoted else 'Not promoted'}: {decision.outcome}.**"]
    lines += [decision.reason + ".", ""]
    if decision.note:
        lines += [f"*{decision.note}*", ""]
    if decision.broken or decision.champion_broken:
        counts = f"{decision.broken} of the candidate, {decision.champion_broken} of the champion"
        lines += [f"Broken replies, in no other figure: {counts}.", ""]
    if decision.qa:
        lines += ["| QA set | n | candidate | champion | fall, points |", "|---|---|---|---|---|"]
    for c in decision.qa:
        fall = f"{_points(c.fall)} [{_points(c.low)}, {_points(c.high)}]"
        shares = f"{100 * c.candidate:.1f} % | {100 * c.champion:.1f} %"
        lines.append(f"| {c.benchmark} | {c.n} | {shares} | {fall} |")
    return "\n".join(lines).strip() + "\n"


def _compared(pairs: PairwiseResult, threshold: float) -> tuple[Compared, str]:
    if pairs.win_rate is None or pairs.low is None or pairs.high is None:
        return NO_DIFFERENCE, f"{NO_DIFFERENCE}: none of {pairs.n} judged pairs was decided"
    figures = (
        f"win rate {100 * pairs.win_rate:.1f} % [{100 * pairs.low:.1f}, {100 * pairs.high:.1f}] "
        f"over {pairs.against}, n = {pairs.n} pairs, judge {pairs.judge}"
    )
    bar = f"{100 * threshold:.1f} %"
    if pairs.low > threshold:
        return "better", f"better: {figures}; the whole interval is above {bar}"
    if pairs.high < threshold:
        return "worse", f"worse: {figures}; the whole interval is below {bar}"
    return NO_DIFFERENCE, f"{NO_DIFFERENCE}: {figures}; the interval holds {bar}"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"
