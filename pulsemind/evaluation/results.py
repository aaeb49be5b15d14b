"""The shape of `metrics/evaluation.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pulsemind.records import Dimension

Aspect = Dimension | Literal["overall"]
Finding = Literal["better", "worse", "not distinguishable"]
"""What a paired test comes to; from the first model's side."""


class Result(BaseModel):
    """Base of all results: immutable, unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(Result):
    """A share in [0, 1] (or a kappa, in [-1, 1]) and its confidence interval."""

    value: float
    low: float
    high: float


class PairwiseResult(Result):
    """One model against another on one benchmark, in one dimension or overall.

    An item is a pair of replies to one query; judged in both orders it still is one item (see
    `statistics.item_outcome`). `win`, `tie` and `loss` are shares of the `n` judged items;
    `win_rate` is the share of wins among the decided ones (wins and losses), null when none is
    decided. `unjudged` items are in none of these. `swap_disagreement` is the share of items
    judged in both orders whose two outcomes differ, null when none was.
    """

    benchmark: str
    model: str
    against: str
    judge: str
    aspect: Aspect
    n: int = Field(ge=0)
    win: Estimate | None
    tie: Estimate | None
    loss: Estimate | None
    win_rate: float | None
    low: float | None
    high: float | None
    swap_disagreement: float | None
    unjudged: int = Field(ge=0)
    broken: int = Field(default=0, ge=0)
    cases: int = Field(default=0, ge=0)
    """Consultations among the `n` items: what the intervals are over."""
    p: float | None = None
    p_holm: float | None = None
    finding: Finding = "not distinguishable"
    note: str = ""


class QAResult(Result):
    """Accuracy on one QA set; an abstention (nothing readable) counts as wrong and is counted.

    `chance` is the accuracy of guessing blindly among the options, null for open questions.
    `rules` says how many replies were read by which rule, `disagreement` how many of the choices a
    second, independent extractor reads otherwise (null where none ran). `unjudged` open answers
    got no verdict from the judge and were read by the lexical measure. `broken` items, to which the
    model gave no reply, are not among the `n`. `official_n` is the size of
    the published test split, null where the set is not one of the eleven.
    """

    benchmark: str
    n: int = Field(ge=1)
    accuracy: float
    low: float
    high: float
    abstained: int = Field(ge=0)
    chance: float | None
    disagreement: Estimate | None = None
    unjudged: int = Field(default=0, ge=0)
    broken: int = Field(default=0, ge=0)
    official_n: int | None = None
    scorer: str
    rules: dict[str, int]
    note: str = ""


class PairedResult(Result):
    """Two models' right and wrong answers to the same `n` items of `cases` cases.

    `difference` is the first model's accuracy less the second's (in [-1, 1]) with its interval;
    `only_first` and `only_second` count the items that one of them alone has right.
    """

    n: int = Field(ge=1)
    cases: int = Field(ge=1)
    difference: float
    low: float
    high: float
    only_first: int = Field(ge=0)
    only_second: int = Field(ge=0)
    test: Literal["mcnemar", "sign_flip"]
    p: float
    finding: Finding


class OfficialResult(Result):
    """The figures of the official PulseMind scripts, beside ours (see `evaluation.official`).

    `win`, `tie` and `loss` are the official fractions, count / all rows, and `printed` the texts
    that the official scripts would print for them; the fractions lack `unparsed` rows' share.
    `ours` is our win share with its interval and `ours_win_rate` that among the decided items.
    `source` is `verdicts` when the rows are those of our judge, first order only, else the name of
    a recorded verdict file. `differences` says where and why the two differ.
    """

    benchmark: str
    model: str
    against: str
    judge: str
    source: str
    rows: int = Field(ge=0)
    unparsed: int = Field(ge=0)
    win: float | None
    tie: float | None
    loss: float | None
    printed: dict[str, str]
    ours: Estimate | None
    ours_win_rate: Estimate | None
    differences: list[str]


class ReplayResult(Result):
    """How far a replayed consultation fits the model's own replies (a rule's view).

    Of `n` replies that the patient goes on after, `answers_unasked` is the share after which the
    replayed patient answers a question of the real physician that the model did not ask, and
    `ignored` the share in which the model asked and the replayed patient does not answer that.
    """

    benchmark: str
    model: str
    n: int = Field(ge=0)
    cases: int = Field(ge=0)
    answers_unasked: Estimate | None
    ignored: Estimate | None


class ProactivenessResult(Result):
    """Proactiveness by rule (see `evaluation.slots`): what the judge is held beside.

    Of `n` replies `asking` is the share that asks the patient for information; `questions` the
    mean number of questions a reply with its interval, `slots` the mean number of different slots
    (onset, site, medication, ...) a consultation; `covered` the share of the slots which the real
    physician asked about that the model asked about too. The row of the model `physician` is the
    record's. The interval is null in files of older releases.
    """

    benchmark: str
    model: str
    n: int = Field(ge=0)
    cases: int = Field(ge=0)
    asking: Estimate | None
    questions: float | None
    questions_low: float | None = None
    questions_high: float | None = None
    slots: float | None
    covered: Estimate | None


class RuleAgreement(Result):
    """How often the judge's proactiveness goes with the rule's.

    Over the `n` judged items in which one reply asks more questions than the other; `agrees` is
    the share in which the judge prefers that one, `ties` the share it calls a tie.
    """

    benchmark: str
    model: str
    against: str
    judge: str
    n: int = Field(ge=0)
    agrees: Estimate | None
    ties: Estimate | None


class SafetyResult(Result):
    """Safety rows (improper requests): of `n` replies the shares by a rule (`evaluation.safety`).

    `declined` refuses or sends to proper help, `warned` names a risk or the law without refusing,
    `complied` does neither. `broken` replies are in none. The row of the model `physician` shows
    how the rule reads the reference replies, all of which turn the request down: its blind spot.
    """

    benchmark: str
    model: str
    n: int = Field(ge=0)
    declined: Estimate | None
    warned: Estimate | None
    complied: Estimate | None
    broken: int = Field(ge=0)


class ContaminationResult(Result):
    """Training records that overlap a benchmark, from the dataset stage.

    `found[rule]` counts them whether or not the rule blocks, `blocking` names the rules by which
    they were taken out; `left` counts by rule those that a rule which does not block left in.
    """

    benchmark: str
    found: dict[str, int]
    blocking: list[str]
    left: dict[str, int]


class PersonalDataResult(Result):
    """Outputs in which the anonymisation's detectors find something: counts by kind, no values.

    Of `n` outputs `outputs` hold a finding that does not stand in what the model was shown.
    """

    benchmark: str
    model: str
    n: int = Field(ge=0)
    outputs: int = Field(ge=0)
    kinds: dict[str, int]


class BrokenItems(Result):
    """Items to which a model has no reply, by reason; `examples` are some of their ids."""

    benchmark: str
    model: str
    reasons: dict[str, int]
    examples: list[str]


class Evaluation(Result):
    """All results of one evaluation.

    `discriminating` repeats `pairwise` without the items whose last patient turn is a bare
    courtesy ("thanks"), which cannot tell models apart; `courtesy` counts those by benchmark.
    `same_weights` names models that are another one under a second name, and which.
    Fields after `qa` are empty in files of older releases.
    """

    pairwise: list[PairwiseResult]
    qa: list[QAResult]
    discriminating: list[PairwiseResult] = []
    courtesy: dict[str, int] = {}
    official: list[OfficialResult] = []
    replays: list[ReplayResult] = []
    proactiveness: list[ProactivenessResult] = []
    rule_agreement: list[RuleAgreement] = []
    safety: list[SafetyResult] = []
    contamination: list[ContaminationResult] = []
    personal_data: list[PersonalDataResult] = []
    broken: list[BrokenItems] = []
    warnings: list[str] = []
    same_weights: dict[str, str] = {}
