"""The shape of `metrics/ablation_KIND.json`, and the paper's figures (P Table 4).

`evaluation.arms` says how the figures come about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pulsemind.evaluation.results import Estimate, Result
from pulsemind.records import Outcome

Kind = Literal["data", "rl", "reward"]
COUNTERPARTS = "counterparts"
"""What the counterparts are called together, as opponents."""
PULSEMIND = "PulseMind Benchmark"
"""The benchmark whose figure is an average win rate."""
SOURCE = "PulseMind (AAAI 2026), Table 4"
_SETS = (PULSEMIND, "MMMU", "VQA-RAD", "SLAKE", "MedXpertQA-MM")
_TABLE_4: Mapping[Kind, Mapping[str, Sequence[float]]] = {
    "data": {
        "Public": (26.4, 67.3, 86.6, 84.7, 34.9),
        "Public + MediScope": (65.2, 68.1, 86.9, 85.3, 36.5),
    },
    "rl": {"SFT": (65.2, 68.1, 86.9, 85.3, 36.5), "SFT + RL": (76.0, 69.4, 87.1, 85.6, 36.6)},
    "reward": {"GRPO": (54.7, 66.7, 86.9, 85.2, 36.1), "CRPO": (76.0, 69.4, 87.1, 85.6, 36.6)},
}


class About(Result):
    """What an arm is."""

    name: str
    what: str


class Item(Result):
    """One reply of an arm against one opponent's; `outcome` is null when it is unjudged."""

    arm: str
    seed: int | None
    """Null for a model of the chain, which has one seed only."""
    against: str
    case: str
    """The dialogue, with its benchmark's name."""
    query: str
    outcome: Outcome | None


class Rate(Result):
    """How an arm does against an opponent, or against the counterparts together.

    Shares are of the `n` judged items; `win_rate` is the wins' share of the decided ones, null
    when none is; `score` counts a tie as half a win.
    """

    arm: str
    seed: int | None
    """Null: all seeds together."""
    against: str
    n: int
    cases: int
    """Dialogues that the items belong to: what the interval rests on."""
    wins: int
    ties: int
    losses: int
    unjudged: int
    win_rate: Estimate | None
    score: Estimate


class Comparison(Result):
    """Two arms' difference in score (-1 to 1), item by item; positive: `arm` is better."""

    arm: str
    against: str
    opponents: str
    """Whom both arms met, or `each other`."""
    seed: int | None
    n: int
    cases: int
    difference: Estimate
    p_value: float
    """Two-sided sign-flip test over dialogues."""
    words: str


class SignalPoint(Result):
    """One iteration's rewards, on a scale from 0 to 1 under either reward."""

    reward: float
    spread: float
    """Mean of the groups' sample standard deviations."""
    variance: float
    """Mean of the groups' sample variances."""
    zero_variance: float
    """Share of groups that teach nothing."""


class Signal(Result):
    """The reward signal that an arm's policy was trained on; means over the iterations."""

    arm: str
    seed: int
    spread: float
    variance: float
    zero_variance: float
    iterations: list[SignalPoint]


class Agreement(Result):
    """How far two reward signals rank the same candidates alike: correlation within a group.

    From each seed's first iteration, in which both arms sample from one policy with one seed;
    only groups count in which both rewards differ between candidates.
    """

    arms: tuple[str, str]
    groups: int
    correlation: Estimate


class ArmAccuracy(Result):
    """Accuracy of one arm and seed on one QA set."""

    arm: str
    seed: int | None
    benchmark: str
    n: int
    accuracy: float
    low: float
    high: float


class Published(Result):
    """A figure of the paper, in percent."""

    arm: str
    benchmark: str
    value: float
    source: str


class Ablation(Result):
    """`metrics/ablation_KIND.json`."""

    kind: Kind
    profile: str
    judge: str
    seeds: list[int]
    arms: list[About]
    """In the paper's order: the second one is what it proposes."""
    rates: list[Rate]
    comparisons: list[Comparison]
    """The first is the one the ablation asks for; those of single seeds follow."""
    signals: list[Signal]
    agreement: Agreement | None
    qa: list[ArmAccuracy]
    published: list[Published]
    conclusion: str
    """The first comparison in words, with its figures."""
    notes: list[str]


def published(kind: Kind) -> list[Published]:
    """The paper's figures for an ablation, arms in the paper's order."""
    part = {"data": "(a)", "rl": "(b)", "reward": "(c)"}[kind]
    return [
        Published(arm=arm, benchmark=name, value=value, source=f"{SOURCE} {part}")
        for arm, values in _TABLE_4[kind].items()
        for name, value in zip(_SETS, values, strict=True)
    ]
