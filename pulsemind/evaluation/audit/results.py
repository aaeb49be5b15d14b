"""The shape of `metrics/audit.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pulsemind.evaluation.results import Aspect, Result

BiasKind = Literal["position", "length", "self-preference"]
Status = Literal["found", "suspected", "not found", "not measured"]
Strategy = Literal["absolute", "relative"]

GPT4 = "GPT-4, 2,999 verdicts, general domain (lm-sys/FastChat #3911)"
PAPER = "PulseMind paper, Table 3"
PAPER_SCORES = "PulseMind paper, Table 2"


class Figure(Result):
    """One measured figure with its interval, and the published one to hold it against.

    `n` counts what the mean is over; `value`, `low` and `high` are null when nothing was. The
    interval is a bootstrap over cases. `published` is null where nobody has published one, and
    `source` says who has.
    """

    n: int = Field(ge=0)
    value: float | None
    low: float | None
    high: float | None
    published: float | None = None
    source: str = ""


class ExpertCheck(Result):
    """The judge against experts on the same pairs, in shares of wins.

    `excess` is the mean of (judge - expert) / 2 with win 1, tie 0, loss -1 for the answer that the
    bias would prefer: by how much more often the judge lets it win than the experts do. `p` is the
    two-sided sign-flip test of 0 over cases, `p_corrected` Holm's over all tests of the audit.
    """

    excess: Figure
    p: float
    p_corrected: float


class Bias(Result):
    """One bias of the judge.

    `share` is how often the preferred side wins among the verdicts (position) or pairs (length,
    self-preference) that are decided; without the bias, and with both sides equally good, it is
    0.5. `p` tests that over cases by flipping signs, `p_corrected` is Holm's over all tests of the
    audit. `status`: position is `found` when `p_corrected` is small (`biases.LEVEL`), because
    both orders hold quality equal; length and self-preference then are only `suspected` (the longer
    or own answer may be the better one) and are `found` when the judge exceeds experts on the same
    pairs. `text` says all that in a sentence.
    """

    kind: BiasKind
    status: Status
    share: Figure
    p: float | None
    p_corrected: float | None
    experts: ExpertCheck | None = None
    text: str


class Consistency(Result):
    """Share of the judge's judgements that experts agree with (P Table 3).

    `benchmark` is a benchmark's name or `all`; `n` judgements of `tasks` different tasks were
    looked at by `experts` people.
    """

    strategy: Strategy
    benchmark: str
    aspect: Aspect
    figure: Figure
    tasks: int = Field(ge=0)
    experts: int = Field(ge=0)


class Advantage(Result):
    """Consistency of relative verdicts minus that of absolute scores, over cases that have both.

    In [-1, 1]; `text` says in words whether the two can be told apart.
    """

    benchmark: str
    aspect: Aspect
    figure: Figure
    text: str


class ExpertKappa(Result):
    """How far experts agree with each other, beyond chance, on whether a judgement is right.

    `cohen` between two named experts, `fleiss` over everybody (`experts` is then empty) on tasks
    with at least two of them. Null figures: undefined, as when all always say the same.
    """

    statistic: Literal["cohen", "fleiss"]
    strategy: Strategy
    aspect: Aspect
    experts: tuple[str, ...]
    figure: Figure


class ModelScore(Result):
    """Mean absolute score (1 to 5) of one model's replies (P Table 2); `overall` is the mean."""

    model: str
    aspect: Aspect
    figure: Figure


class Discrimination(Result):
    """What the two strategies tell apart on the same replies, in one aspect (P Table 2).

    `spread` is the highest minus the lowest of the models' mean scores, `width` the mean width of
    their intervals. Of `pairs` comparisons of the policy with another model, `absolute` and
    `relative` count those whose interval (of the mean difference of scores; of the win rate)
    excludes "no difference".
    """

    aspect: Aspect
    models: int
    lowest: float | None
    highest: float | None
    spread: float | None
    width: float | None
    pairs: int
    absolute: int
    relative: int


class AuditResult(Result):
    """`metrics/audit.json`: the whole audit of one judge.

    Lists about experts are empty until their agreements have been imported. `note` is the remark
    that every figure must carry (offline judge, tiny profile); `swap_disagreement` is the share of
    pairs whose outcome changes when the answers change places.
    """

    judge: str
    note: str
    profile: str
    confidence: float
    pairs: int = Field(ge=0)
    own: tuple[str, ...]
    """The models that count as the judge itself."""
    swap_disagreement: Figure
    biases: list[Bias]
    consistency: list[Consistency]
    advantage: list[Advantage]
    kappas: list[ExpertKappa]
    scores: list[ModelScore]
    discrimination: list[Discrimination]
