"""Is a consultation benchmark a fair question? What the replay hides, and what a rule sees.

- `replays`: a replayed patient answers the real physician. How often does the patient answer what
  this model did not ask, or pass over what it asked?
- `proactiveness`, `rule_agreement`: questions counted by rule, beside the judge.
- `is_courtesy`: last turns that are a bare "thanks", to which every reply is as good as another.

All of it is by rule (`evaluation.slots`, `data.asking`), ours, and streams in the order in which
queries and replies are stored: by case and turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from pulsemind.evaluation.bootstrap import interval
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.results import (
    Estimate,
    ProactivenessResult,
    ReplayResult,
    RuleAgreement,
)
from pulsemind.evaluation.slots import questions, same_matter, slots
from pulsemind.evaluation.statistics import aspect_outcome, case_of, item_outcome
from pulsemind.judge.units import is_question, sentences
from pulsemind.records import Query, Turn, Verdict
from pulsemind.settings import EvaluateSettings

PHYSICIAN = "physician"
"""Name of the real record's physician in the tables."""

_CLAUSE = re.compile(r"[^。！？!?，,；;.~～\n]+[。！？!?，,；;.~～\n]*")
_COURTESY = re.compile(
    r"^(?:好|嗯|哦|噢|行|对|是|恩|没事)的?[吧呢啊了]?(?:好|嗯|的)*$|^(?:医生|大夫|再见|祝[^?？]{0,12})$"
    r"|^(?:我)?(?:现在)?(?:已经)?(?:大概|基本)?(?:都)?(?:知道|明白|清楚|了解|懂|记住|理解)(?:你|您)?"
    r"(?:的意思)?(?:了|啦)?$"
    r"|^(?:我)?(?:现在)?(?:暂时|已经)?没有?(?:什么|其他|其它|别的)*(?:的)?(?:问题|疑问)了?$"
    r"|^(?:那|那么)?我?(?:一定|也|就|都|马上|尽快|现在就)*(?:会|将|去|先去)[^?？]{0,30}$"
    r"|^[^?？]{0,8}(?:谢|感激)[^?？]{0,25}$|^(?:再次)?(?:辛苦|麻烦)[^?？]{0,8}$"
    r"|^(?:ok|okay|alright|all right|great|good|fine|yes|sure|i see|understood|got it|doctor|doc"
    r"|(?:good)?bye)$|^[^?]{0,20}\bthank(?:s| you)\b[^?]{0,60}$"
    r"|^(?:okay,? |ok,? )?(?:i(?:'ll| will)) [^?]{0,60}$",
    re.IGNORECASE,
)
"""One clause that only thanks, assents or promises to do as told."""


def is_courtesy(query: Query) -> bool:
    """Whether the patient's last run of turns is courtesy alone: no image, nothing but thanks."""
    last: list[Turn] = []
    for turn in reversed(query.turns):
        if turn.role != "patient":
            break
        last.append(turn)
    return not any(turn.images for turn in last) and _courteous(
        "\n".join(turn.text for turn in reversed(last))
    )


def _courteous(text: str) -> bool:
    clauses = [clause.strip(" 。！!，,；;.~～\n\t") for clause in _CLAUSE.findall(text)]
    clauses = [clause for clause in clauses if clause]
    return bool(clauses) and all(_COURTESY.match(clause) for clause in clauses)


@dataclass
class _Observed:
    """Observations by case: yes or no, or counts."""

    values: list[float] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)

    def add(self, case: str, value: int) -> None:
        self.values.append(float(value))
        self.cases.append(case)

    def estimate(self, settings: EvaluateSettings) -> Estimate | None:
        if not self.values:
            return None
        # Counts as shares of the largest: where all cases are alike, `interval` needs shares.
        top = max(1.0, *self.values)
        found = interval(
            [value / top for value in self.values],
            self.cases,
            settings.bootstrap,
            settings.confidence,
            settings.seed,
        )
        return Estimate(value=found.value * top, low=found.low * top, high=found.high * top)


def _cases(
    asked: Iterable[Query], replies: Iterable[Reply]
) -> Iterator[tuple[str, list[tuple[Query, Reply]]]]:
    """Queries of the real record with the model's replies, case by case.

    Raises ValueError when the two are not in one order.
    """
    rows = zip(asked, replies, strict=True)
    for case, group in groupby(rows, key=lambda row: case_of(row[0].id)):
        found = list(group)
        for query, reply in found:
            if query.id != reply.query.id:
                raise ValueError(f"{query.id}: replies are not in the order of the queries")
        yield case, found


def replays(
    benchmark: str,
    model: str,
    asked: Iterable[Query],
    replies: Iterable[Reply],
    settings: EvaluateSettings,
) -> ReplayResult:
    """How far the patient's replayed words fit what this model asked (see ReplayResult).

    Args:
        asked: the benchmark's queries in the real record's context, in their order.
        replies: the model's, in the same order.

    Raises ValueError when they are not.
    """
    unasked, ignored = _Observed(), _Observed()
    for case, rows in _cases(asked, replies):
        for (query, reply), (following, _) in pairwise(rows):
            if reply.broken:
                continue
            said = [t.text for t in following.turns[len(query.turns) :] if t.role == "patient"]
            real, own = questions(query.reference), questions(reply.text)
            answered = bool(real) and _tells("\n".join(said))
            matched = answered and same_matter(own, real)
            unasked.add(case, answered and not matched)
            ignored.add(case, bool(own) and not matched)
    return ReplayResult(
        benchmark=benchmark,
        model=model,
        n=len(unasked.values),
        cases=len(set(unasked.cases)),
        answers_unasked=unasked.estimate(settings),
        ignored=ignored.estimate(settings),
    )


def _tells(text: str) -> bool:
    """Whether a patient's turn says something, beyond thanks and questions of their own."""
    return any(not is_question(s) and not _courteous(s) for s in sentences(text))


def physician(asked: Iterable[Query]) -> Iterator[Reply]:
    """The real physician's replies, as a model's."""
    return (Reply(query=query, text=query.reference) for query in asked)


def proactiveness(
    benchmark: str,
    model: str,
    asked: Iterable[Query],
    replies: Iterable[Reply],
    settings: EvaluateSettings,
) -> ProactivenessResult:
    """Questions and slots of a model's replies (see ProactivenessResult); arguments as `replays`.

    Raises ValueError when queries and replies are not in one order.
    """
    asking, counts, covered = _Observed(), _Observed(), _Observed()
    cases = named = 0
    for case, rows in _cases(asked, replies):
        kept = [(query, reply) for query, reply in rows if not reply.broken]
        theirs = [questions(reply.text) for _, reply in kept]
        for found in theirs:
            asking.add(case, bool(found))
            counts.add(case, len(found))
        mine = slots(question for found in theirs for question in found)
        wanted = slots(q for query, _ in kept for q in questions(query.reference))
        for slot in wanted:
            covered.add(case, slot in mine)
        cases, named = cases + bool(kept), named + len(mine)
    count = counts.estimate(settings)
    return ProactivenessResult(
        benchmark=benchmark,
        model=model,
        n=len(asking.values),
        cases=cases,
        asking=asking.estimate(settings),
        questions=sum(counts.values) / len(counts.values) if counts.values else None,
        questions_low=count.low if count else None,
        questions_high=count.high if count else None,
        slots=named / cases if cases else None,
        covered=covered.estimate(settings),
    )


def questions_by_query(replies: Iterable[Reply]) -> dict[str, int]:
    """How many questions each reply asks; broken replies are left out."""
    return {r.query.id: len(questions(r.text)) for r in replies if not r.broken}


def rule_agreement(
    benchmark: str,
    model: str,
    verdicts: Iterable[Verdict],
    asked: Mapping[str, Mapping[str, int]],
    settings: EvaluateSettings,
) -> list[RuleAgreement]:
    """How often the judge's proactiveness prefers the reply that asks more (see RuleAgreement).

    Args:
        verdicts: those of one item next to each other.
        asked: by model, the questions in its reply to each query (`questions_by_query`).
    """
    found: dict[tuple[str, str], tuple[_Observed, _Observed]] = {}
    for (against, judge, query_id, _), group in groupby(verdicts, key=_item):
        outcome = item_outcome([aspect_outcome(v, "proactiveness") for v in group])
        more = asked[model].get(query_id, 0) - asked[against].get(query_id, 0)
        if outcome is None or more == 0:
            continue
        agrees, ties = found.setdefault((against, judge), (_Observed(), _Observed()))
        agrees.add(case_of(query_id), outcome == ("win" if more > 0 else "loss"))
        ties.add(case_of(query_id), outcome == "tie")
    return [
        RuleAgreement(
            benchmark=benchmark,
            model=model,
            against=against,
            judge=judge,
            n=len(agrees.values),
            agrees=agrees.estimate(settings),
            ties=ties.estimate(settings),
        )
        for (against, judge), (agrees, ties) in sorted(found.items())
    ]


def _item(verdict: Verdict) -> tuple[str, str, str, int]:
    return verdict.counterpart, verdict.judge, verdict.query_id, verdict.candidate
