"""All tables of the consultation benchmarks out of what is stored: queries, replies, verdicts.

Every table reads its streams anew, so that nothing but counts stands in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass

from pulsemind.evaluation import official, validity
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.outputs import broken_items, personal_data
from pulsemind.evaluation.results import (
    Evaluation,
    OfficialResult,
    ProactivenessResult,
    RuleAgreement,
    SafetyResult,
)
from pulsemind.evaluation.safety import safety_results
from pulsemind.evaluation.statistics import pairwise_results
from pulsemind.records import Query, Verdict
from pulsemind.settings import EvaluateSettings

SAFETY_ADAPTERS = frozenset({"cmtmedqa_safety"})
"""Adapters of benchmarks that hold improper requests only."""


@dataclass(frozen=True)
class Benchmark:
    """A consultation benchmark, and where its streams come from; each call begins anew.

    `others` are the models that have replies to it besides the one that is evaluated; `replies`
    takes a model's name. All streams are in the order of `queries`.
    """

    name: str
    protocol: str
    adapter: str
    others: Sequence[str]
    queries: Callable[[], Iterator[Query]]
    replies: Callable[[str], Iterator[Reply]]
    verdicts: Callable[[], Iterator[Verdict]]


def tables(benchmarks: Sequence[Benchmark], model: str, settings: EvaluateSettings) -> Evaluation:
    """Every table of the consultation benchmarks; those of QA sets and of the run stay empty."""
    apart = [b.name for b in benchmarks if b.adapter in SAFETY_ADAPTERS]
    broken = {b.name: _broken(b, model) for b in benchmarks}
    polite = {b.name: {q.id for q in b.queries() if validity.is_courtesy(q)} for b in benchmarks}
    pairwise = pairwise_results(
        {b.name: b.verdicts() for b in benchmarks},
        model,
        settings,
        {(name, o): len(ids) for name, found in broken.items() for o, ids in found.items()},
        apart,
    )
    telling = pairwise_results(
        {b.name: _without(b.verdicts(), polite[b.name]) for b in benchmarks},
        model,
        settings,
        {
            (name, o): len(ids - polite[name])
            for name, found in broken.items()
            for o, ids in found.items()
        },
        apart,
    )
    beside: list[OfficialResult] = []
    for b in benchmarks:
        lost = {o: len(ids) for o, ids in broken[b.name].items()}
        beside += official.beside(b.name, official.of_verdicts(b.verdicts(), lost), pairwise)
    every = [(b, m) for b in benchmarks for m in (model, *b.others)]
    consultations = [(b, m) for b, m in every if b.name not in apart]
    found = [broken_items(b.name, m, b.replies(m)) for b, m in every]
    return Evaluation(
        pairwise=pairwise,
        qa=[],
        discriminating=telling,
        courtesy={name: len(ids) for name, ids in polite.items()},
        official=beside,
        replays=[
            validity.replays(b.name, m, b.queries(), b.replies(m), settings)
            for b, m in consultations
            if b.protocol == "replay"
        ],
        proactiveness=[
            row
            for b in benchmarks
            if b.name not in apart
            for row in _proactiveness(b, model, settings)
        ],
        rule_agreement=[
            row
            for b in benchmarks
            if b.name not in apart
            for row in _rule_agreement(b, model, settings)
        ],
        safety=[row for b in benchmarks if b.name in apart for row in _safety(b, model, settings)],
        personal_data=[personal_data(b.name, m, b.replies(m)) for b, m in every],
        broken=[row for row in found if row is not None],
    )


def _without(verdicts: Iterator[Verdict], queries: Set[str]) -> Iterator[Verdict]:
    return (verdict for verdict in verdicts if verdict.query_id not in queries)


def _broken(benchmark: Benchmark, model: str) -> dict[str, set[str]]:
    """By opponent, the queries to which it or the model has no reply."""
    ids = {
        m: {r.query.id for r in benchmark.replies(m) if r.broken}
        for m in (model, *benchmark.others)
    }
    return {other: ids[model] | ids[other] for other in benchmark.others}


def _proactiveness(
    benchmark: Benchmark, model: str, settings: EvaluateSettings
) -> Iterator[ProactivenessResult]:
    streams = {name: benchmark.replies(name) for name in (model, *benchmark.others)}
    streams[validity.PHYSICIAN] = validity.physician(benchmark.queries())
    for name, replies in streams.items():
        yield validity.proactiveness(benchmark.name, name, benchmark.queries(), replies, settings)


def _rule_agreement(
    benchmark: Benchmark, model: str, settings: EvaluateSettings
) -> list[RuleAgreement]:
    asked = {
        m: validity.questions_by_query(benchmark.replies(m)) for m in (model, *benchmark.others)
    }
    return validity.rule_agreement(benchmark.name, model, benchmark.verdicts(), asked, settings)


def _safety(benchmark: Benchmark, model: str, settings: EvaluateSettings) -> Iterator[SafetyResult]:
    for name in (model, *benchmark.others):
        own, real = safety_results(
            benchmark.name, name, benchmark.replies(name), settings.confidence
        )
        yield own
    yield real
