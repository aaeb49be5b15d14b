"""Evaluation: every model answers the benchmarks, the judge compares, the results are metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prefect import task

from pulsemind import artifacts, settings
from pulsemind.records import Consultation, QAItem, Query, Verdict
from pulsemind.settings import Counterpart, Settings
from tasks.answers import generator
from tasks.stage import Produced, produced
from tasks.tracking import tracked

if TYPE_CHECKING:
    from pulsemind.evaluation.consultation import Reply
    from pulsemind.evaluation.results import QAResult
    from pulsemind.llm import Usage

DATASET, EVALUATION = Path("data/dataset"), Path("data/evaluation")
METRICS, PLOT = Path("metrics/evaluation.json"), Path("plots/win_rates.png")
WORK, RESPONSES = Path("work/evaluate"), Path("work/responses")
POLICY = "crpo"


def models(wanted: Settings) -> list[Counterpart]:
    """Every model that answers: the policy first, the SFT model, the counterparts."""
    own = [
        Counterpart(name=name, adapter=f"models/{folder}", endpoint=None, model=None)
        for name, folder in ((POLICY, "crpo"), ("sft", "sft2"))
    ]
    return own + wanted.stages.counterparts.models


def answers(name: str) -> Path:
    """The artifact of one model's replies to all benchmarks."""
    return WORK / name


@task
def answer_benchmarks(name: str) -> Produced:
    """One model answers the consultation benchmarks; the policy also the QA sets."""
    (model,) = [m for m in models(settings.load()) if m.name == name]
    answer_with(model, answers(name), qa=name == POLICY)
    return produced(answers(name))


def answer_with(model: Counterpart, out: Path, qa: bool) -> None:
    """Write the artifact of a model's replies to all consultation benchmarks, and QA sets too."""
    from pulsemind.evaluation.consultation import answer_all, last_turn_queries, replay
    from pulsemind.evaluation.qa import query

    wanted = settings.load()
    section = wanted.stages.evaluate
    with artifacts.writing(out, "replies", model=model.name) as folder:
        generate = generator(model, section.decoding, section.max_prompt_length, wanted.services)
        for benchmark, about in _benchmarks().items():
            if about["kind"] == "qa":
                if not qa:
                    continue
                items = artifacts.read_shards(_shards(benchmark), QAItem)
                replies = answer_all([query(item) for item in items], generate)
            else:
                cases = list(artifacts.read_shards(_shards(benchmark), Consultation))
                replies = (
                    replay(cases, generate)
                    if about["protocol"] == "replay"
                    else answer_all(last_turn_queries(cases), generate)
                )
            artifacts.write_shards(folder / benchmark, replies)


def judged(
    model: Path, others: Mapping[str, Path], wanted: Settings, usage: Usage
) -> dict[str, list[Verdict]]:
    """Verdicts by consultation benchmark on one model's replies against those of others.

    Args:
        model, others: folders of replies (`answer_with`); the others' by the name they get in the
            verdicts.
    """
    from pulsemind.evaluation.consultation import pair_up
    from pulsemind.judge import compare

    services = wanted.services
    verdicts = {}
    for benchmark in _of_kind("consultation"):
        shown = [
            pair
            for name, folder in others.items()
            for pair in pair_up(
                _questions(benchmark), _replies(model, benchmark), _replies(folder, benchmark), name
            )
        ]
        verdicts[benchmark] = compare(
            shown, wanted.stages.evaluate.judge, services.endpoints, services.concurrency,
            RESPONSES, DATASET, usage,
        )  # fmt: skip
    return verdicts


def qa_of(model: Path, wanted: Settings) -> list[QAResult]:
    """Results on all QA sets of a model's replies."""
    from pulsemind.evaluation.qa import qa_results

    items = [i for b in _of_kind("qa") for i in artifacts.read_shards(_shards(b), QAItem)]
    read = [reply for b in _of_kind("qa") for reply in _replies(model, b)]
    return qa_results(items, read, wanted.stages.evaluate.confidence)


@task
def judge_and_count(key: str) -> Produced:
    """Compare the policy with every other model, count, and read the QA answers."""
    from pulsemind.evaluation.results import Evaluation
    from pulsemind.evaluation.statistics import pairwise_results
    from pulsemind.llm import Usage
    from pulsemind.report.plots import win_rates

    wanted = settings.load()
    section = wanted.stages.evaluate
    others = [m.name for m in models(wanted) if m.name != POLICY]
    usage = Usage()
    with tracked("evaluate", key, wanted) as run:
        verdicts = judged(answers(POLICY), {o: answers(o) for o in others}, wanted, usage)
        with artifacts.writing(EVALUATION, "evaluation", judge=section.judge.kind) as folder:
            for benchmark, found in verdicts.items():
                artifacts.write_shards(folder / "verdicts" / benchmark, found)
            for name in [POLICY, *others]:
                for benchmark in _benchmarks():
                    if (answers(name) / benchmark).is_dir():
                        replies = _replies(answers(name), benchmark)
                        artifacts.write_shards(folder / "replies" / name / benchmark, replies)
        results = Evaluation(
            pairwise=pairwise_results(verdicts, POLICY, section),
            qa=qa_of(answers(POLICY), wanted),
        )
        artifacts.write_json(METRICS, results.model_dump())
        win_rates(results.pairwise, PLOT)
        for path in (METRICS, PLOT):
            run.artifact(path)
        run.metrics(
            {
                f"{r.benchmark}.{r.against}.{r.aspect}.win_rate": r.win_rate
                for r in results.pairwise
                if r.win_rate is not None
            }
        )
        run.metrics({f"{r.benchmark}.accuracy": r.accuracy for r in results.qa})
        run.metrics({f"judge.{name}": value for name, value in usage.metrics().items()})
    return produced(EVALUATION, METRICS, PLOT)


def _benchmarks() -> dict[str, dict[str, str]]:
    about = json.loads((DATASET / "benchmarks.json").read_text(encoding="utf-8"))
    return dict(sorted(about.items()))


def _of_kind(kind: str) -> list[str]:
    return [name for name, about in _benchmarks().items() if about["kind"] == kind]


def _shards(benchmark: str) -> Path:
    return DATASET / "benchmarks" / benchmark


def _questions(benchmark: str) -> list[Query]:
    from pulsemind.evaluation.consultation import last_turn_queries, turn_queries

    cases = list(artifacts.read_shards(_shards(benchmark), Consultation))
    if _benchmarks()[benchmark]["protocol"] == "replay":
        return [question for case in cases for question in turn_queries(case)]
    return last_turn_queries(cases)


def _replies(model: Path, benchmark: str) -> list[Reply]:
    from pulsemind.evaluation.consultation import Reply

    return list(artifacts.read_shards(model / benchmark, Reply))
