"""Position, length and self-preference of a judge, tested on its overall verdicts.

Each test is over cases and exact (`paired.sign_flip`): without the bias, a case's balance is as
likely with either sign. For the position that holds whatever the answers are worth, since each
pair is shown in both orders, or in one drawn at random. For the length and for the judge's own
answers it holds only where the answers are as good as each other; experts' verdicts on the same
pairs take that out. All tests share one Holm correction, and an accusation wants a p below
`LEVEL` times (1 - confidence): of a hundred audits of unbiased judges about one accuses (at a
confidence of 0.95). The tests are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pulsemind.evaluation.audit.results import (
    GPT4,
    Bias,
    BiasKind,
    ExpertCheck,
    Figure,
    Status,
)
from pulsemind.evaluation.bootstrap import interval
from pulsemind.evaluation.paired import holm, sign_flip
from pulsemind.evaluation.statistics import item_outcome
from pulsemind.records import Order, Outcome
from pulsemind.settings import EvaluateSettings

PUBLISHED: Mapping[BiasKind, float] = {"position": 0.526, "length": 0.680, "self-preference": 0.872}
"""GPT-4's shares (see `GPT4`)."""
FLIPS = 0.129
"""Share of GPT-4's pairs whose verdict changes with the order (see `GPT4`)."""
LEVEL = 0.2
"""Accusing a judge takes more than an interval that misses 0.5: this share of 1 - confidence."""
PREFERS: Mapping[BiasKind, tuple[str, str]] = {
    "position": ("the answer shown first", "the answer shown second"),
    "length": ("the longer answer", "the shorter answer"),
    "self-preference": ("its own answer", "the other's answer"),
}
_SIGN: Mapping[Outcome, int] = {"win": 1, "tie": 0, "loss": -1}


@dataclass(frozen=True)
class Vote:
    """The judge's overall verdicts on one pair, and what could have swayed it.

    Outcomes are the candidate's. `longer` and `own` are 1 when the candidate's answer is the longer
    one, or the judge's own, -1 when the counterpart's is, 0 when neither or both. `expert` is the
    experts' verdict in the same sense, None where none was asked.
    """

    case: str
    outcomes: Mapping[Order, Outcome | None]
    longer: int = 0
    own: int = 0
    expert: int | None = None


class _Measured(NamedTuple):
    """Signs of the preferred side, by case; `decided` those of single verdicts for the position."""

    signs: list[int]
    cases: list[str]
    decided: list[tuple[int, str]]
    against_experts: list[int]
    expert_cases: list[str]


def figure(
    values: Sequence[float],
    cases: Sequence[str],
    settings: EvaluateSettings,
    published: float | None = None,
    source: str = "",
    reach: float = 0.0,
) -> Figure:
    """A mean with its bootstrap interval over cases.

    Args:
        values: in [0, 1], or in [-reach, reach] when `reach` is given.
    """
    if not values:
        return Figure(n=0, value=None, low=None, high=None, published=published, source=source)
    span, start = (2 * reach, -reach) if reach else (1.0, 0.0)
    inside = [(value - start) / span for value in values]
    found = interval(inside, cases, settings.bootstrap, settings.confidence, settings.seed)
    value, low, high = (start + span * v for v in (found.value, found.low, found.high))
    return Figure(
        n=len(values), value=value, low=low, high=high, published=published, source=source
    )


def swap_disagreement(votes: Sequence[Vote], settings: EvaluateSettings) -> Figure:
    """Share of the pairs judged in both orders whose overall outcome is not the same in both."""
    both = [v for v in votes if len(v.outcomes) > 1 and None not in v.outcomes.values()]
    changed = [float(len(set(vote.outcomes.values())) > 1) for vote in both]
    return figure(changed, [vote.case for vote in both], settings, FLIPS, GPT4)


def biases(votes: Sequence[Vote], settings: EvaluateSettings) -> list[Bias]:
    """All three biases of one judge; of `settings`, bootstrap, confidence and seed are used."""
    measured: dict[BiasKind, _Measured] = {
        "position": _position(votes),
        "length": _side(votes, [vote.longer for vote in votes]),
        "self-preference": _side(votes, [vote.own for vote in votes]),
    }
    tests: dict[tuple[BiasKind, str], float] = {}
    for kind, found in measured.items():
        if found.signs:
            tests[(kind, "raw")] = sign_flip(found.signs, found.cases)
        if found.against_experts:
            tests[(kind, "experts")] = sign_flip(found.against_experts, found.expert_cases)
    corrected = dict(zip(tests, holm(list(tests.values())), strict=True))
    return [_bias(kind, found, tests, corrected, settings) for kind, found in measured.items()]


def _position(votes: Sequence[Vote]) -> _Measured:
    """Signs of the answer shown first; none when all pairs were shown in one and the same order."""
    if len({order for vote in votes for order in vote.outcomes}) < 2:
        return _Measured([], [], [], [], [])
    signs, cases, decided = [], [], []
    for vote in votes:
        if None in vote.outcomes.values():
            continue  # the order that remains would be no fair half
        firsts = [
            _SIGN[outcome] * (1 if order == "candidate_first" else -1)
            for order, outcome in vote.outcomes.items()
            if outcome is not None
        ]
        signs.append(sum(firsts))
        cases.append(vote.case)
        decided += [(sign, vote.case) for sign in firsts if sign]
    return _Measured(signs, cases, decided, [], [])


def _side(votes: Sequence[Vote], sides: Sequence[int]) -> _Measured:
    signs, cases, decided, against, expert_cases = [], [], [], [], []
    for vote, side in zip(votes, sides, strict=True):
        outcome = item_outcome(list(vote.outcomes.values()))
        if not side or outcome is None:
            continue
        sign = _SIGN[outcome] * side
        signs.append(sign)
        cases.append(vote.case)
        if sign:
            decided.append((sign, vote.case))
        if vote.expert is not None:
            against.append(sign - vote.expert * side)
            expert_cases.append(vote.case)
    return _Measured(signs, cases, decided, against, expert_cases)


def _bias(
    kind: BiasKind,
    found: _Measured,
    tests: Mapping[tuple[BiasKind, str], float],
    corrected: Mapping[tuple[BiasKind, str], float],
    settings: EvaluateSettings,
) -> Bias:
    wins = [float(sign > 0) for sign, _ in found.decided]
    where = [case for _, case in found.decided]
    share = figure(wins, where, settings, PUBLISHED[kind], GPT4)
    check = None
    if found.against_experts:
        apart = [difference / 2 for difference in found.against_experts]
        check = ExpertCheck(
            excess=figure(apart, found.expert_cases, settings, reach=1.0),
            p=tests[(kind, "experts")],
            p_corrected=corrected[(kind, "experts")],
        )
    p = corrected.get((kind, "raw"))
    status, text = _verdict(kind, share, p, check, LEVEL * (1 - settings.confidence))
    return Bias(
        kind=kind,
        status=status,
        share=share,
        p=tests.get((kind, "raw")),
        p_corrected=p,
        experts=check,
        text=text,
    )


def _verdict(
    kind: BiasKind, share: Figure, p: float | None, check: ExpertCheck | None, alpha: float
) -> tuple[Status, str]:
    if p is None or share.value is None or share.low is None:
        return "not measured", _why_not(kind, p)
    liked = PREFERS[kind][0 if share.value > 0.5 else 1]
    if kind == "position":
        if p < alpha:
            return "found", f"the judge prefers {liked}"
        return "not found", "the order makes no difference that can be told from chance"
    if check and check.p_corrected < alpha and check.excess.value:
        liked = PREFERS[kind][0 if check.excess.value > 0 else 1]
        return "found", f"the judge prefers {liked} more often than experts do on the same pairs"
    if p >= alpha:
        return "not found", "no preference that can be told from chance"
    if check is None or check.excess.high is None:
        return "suspected", (
            f"the judge prefers {liked}; it may be the better one, which only experts can say"
        )
    if share.value > 0.5 and check.excess.high < share.low - 0.5:
        return "not found", f"the judge prefers {liked}, and so do experts on the same pairs"
    return "suspected", f"the judge prefers {liked}; too few pairs were seen by experts to say why"


def _why_not(kind: BiasKind, p: float | None) -> str:
    if p is not None:
        return "every pair is a tie"
    return {
        "position": "all pairs were shown in one and the same order, or none was judged",
        "length": "no judged pair has answers of different length",
        "self-preference": "none of the compared models is the judge itself",
    }[kind]
