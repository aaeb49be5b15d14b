"""Judges with and without planted biases, for the tests of the audit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pulsemind.evaluation.audit.biases import Vote
from pulsemind.records import Outcome

OUTCOMES: tuple[Outcome, ...] = ("loss", "tie", "win")


@dataclass(frozen=True)
class Planted:
    """What is added to the candidate's lead, in standard deviations of the judge's noise.

    `length_quality` and `own_quality` make the longer and the own answer truly better, which
    experts see too.
    """

    first: float = 0.0
    longer: float = 0.0
    own: float = 0.0
    length_quality: float = 0.0
    own_quality: float = 0.0


def judge(
    planted: Planted, seed: int, cases: int = 120, turns: int = 2, asked: float = 0.0
) -> list[Vote]:
    """Verdicts in both orders on the pairs of some cases; `asked` is the experts' share."""
    random = np.random.default_rng(seed)
    n = cases * turns
    longer, own = random.choice([-1, 1], n), random.choice([-1, 0, 1], n)
    of_case = np.repeat(random.normal(size=cases), turns)
    quality = of_case + planted.length_quality * longer + planted.own_quality * own
    lead = quality + planted.longer * longer + planted.own * own
    shown = [lead + sign * planted.first + random.normal(size=n) for sign in (1, -1)]
    experts = np.sign(np.round(quality + 0.5 * random.normal(size=n))).astype(int)
    seen = random.random(n) < asked
    return [
        Vote(
            case=f"s/{i // turns}",
            outcomes={
                "candidate_first": _outcome(shown[0][i]),
                "counterpart_first": _outcome(shown[1][i]),
            },
            longer=int(longer[i]),
            own=int(own[i]),
            expert=int(experts[i]) if seen[i] else None,
        )
        for i in range(n)
    ]


def _outcome(lead: float) -> Outcome:
    return OUTCOMES[int(lead > 0.4) - int(lead < -0.4) + 1]
