"""Evaluation: every model answers the benchmarks, the judge compares, the results are metrics."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, groupby
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
    from pulsemind.evaluation.results import Evaluation, QAResult
    from pulsemind.evaluation.tables import Benchmark
    from pulsemind.llm import Usage

DATASET, EVALUATION, RECORDED = Path("data/dataset"), Path("data/evaluation"), Path("data/recorded")
METRICS, PLOT = Path("metrics/evaluation.json"), Path("plots/win_rates.png")
OVERLAP, TRAINED = Path("metrics/dataset.json"), Path("metrics/crpo.json")
WORK, RESPONSES = Path("work/evaluate"), Path("work/responses")
POLICY = "crpo"


def models(wanted: Settings) -> list[Counterpart]:
    """Every model that is asked: the policy first, the SFT model, the counterparts, baselines."""
    own = [
        Counterpart(name=name, adapter=f"models/{folder}", endpoint=None, model=None)
        for name, folder in ((POLICY, "crpo"), ("sft", "sft2"))
    ]
    return own + wanted.stages.counterparts.models + wanted.stages.evaluate.baselines


def contenders(wanted: Settings) -> list[str]:
    """Names of all models that are compared, recorded ones last; the policy first.

    Raises SettingsError when two have one name.
    """
    recorded = [model.name for model in wanted.stages.evaluate.recorded]
    names = [model.name for model in models(wanted)] + recorded
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise settings.SettingsError(f"evaluate: two models are called {', '.join(twice)}")
    return names


def answers(name: str) -> Path:
    """The artifact of one model's replies to all benchmarks."""
    return WORK / name


@task
def answer_benchmarks(name: str, key: str) -> Produced:
    """One model answers the consultation benchmarks; the policy also the QA sets.

    Args:
        key: digest of all that its replies depend on: what it has said under it is kept.
    """
    wanted = settings.load()
    asked = {model.name: model for model in models(wanted)}
    if name in asked:
        answer_with(asked[name], answers(name), qa=name == POLICY, key=key)
    else:
        _answer_from_files(name, answers(name), wanted)
    return produced(answers(name))


def answer_with(model: Counterpart, out: Path, qa: bool, key: str) -> None:
    """Write the artifact of a model's replies to all consultation benchmarks, and QA sets too."""
    from pulsemind.evaluation.answering import remembering
    from pulsemind.evaluation.consultation import answer_stream, consult
    from pulsemind.evaluation.qa import query

    wanted = settings.load()
    section = wanted.stages.evaluate
    generate = generator(model, section.decoding, section.max_prompt_length, wanted.services)
    said = out.with_name(f".{out.name}.said")
    if model.endpoint is None:
        generate = remembering(generate, said, key, section.decoding.batch)
    with artifacts.writing(out, "replies", model=model.name) as folder:
        for benchmark, about in _benchmarks().items():
            if about["kind"] == "qa":
                if not qa:
                    continue
                items = artifacts.read_shards(_shards(benchmark), QAItem)
                replies = answer_stream((query(item) for item in items), generate)
            else:
                replies = consult(_cases(benchmark), about["protocol"], generate)
            artifacts.write_shards(folder / benchmark, _some(replies, model.name, benchmark))
    shutil.rmtree(said, ignore_errors=True)


def _answer_from_files(name: str, out: Path, wanted: Settings) -> None:
    from pulsemind.evaluation.consultation import consult
    from pulsemind.evaluation.recorded import recorded

    (model,) = [m for m in wanted.stages.evaluate.recorded if m.name == name]
    unknown = sorted(set(model.files) - set(_of_kind("consultation")))
    if unknown:
        raise settings.SettingsError(f"evaluate.recorded.{name}: no benchmark {unknown[0]}")
    with artifacts.writing(out, "replies", model=name) as folder:
        for benchmark, file in model.files.items():
            protocol = _benchmarks()[benchmark]["protocol"]
            generate = recorded(RECORDED / file, _cases(benchmark), protocol)
            replies = consult(_cases(benchmark), protocol, generate)
            artifacts.write_shards(folder / benchmark, replies)


def _some(replies: Iterator[Reply], model: str, benchmark: str) -> Iterator[Reply]:
    """The replies as they are. Raises RuntimeError at the end when there was not one."""
    reasons: dict[str, int] = {}
    whole = 0
    for reply in replies:
        whole += not reply.broken
        if reply.broken:
            reasons[reply.broken] = reasons.get(reply.broken, 0) + 1
        yield reply
    if reasons and not whole:
        raise RuntimeError(f"{model} gave no reply at all to {benchmark}: {reasons}")


def judged(
    model: Path, others: Mapping[str, Path], wanted: Settings, usage: Usage
) -> dict[str, list[Verdict]]:
    """Verdicts by consultation benchmark on one model's replies against those of others.

    Args:
        model, others: folders of replies (`answer_with`); the others' by the name they get in the
            verdicts.
    """
    found: dict[str, list[Verdict]] = {name: [] for name in _of_kind("consultation")}
    for benchmark, verdict in _verdicts(model, others, wanted, usage):
        found[benchmark].append(verdict)
    return found


def _verdicts(
    model: Path, others: Mapping[str, Path], wanted: Settings, usage: Usage
) -> Generator[tuple[str, Verdict]]:
    """All benchmarks and all other models as one stream, a query's pairs together."""
    from pulsemind.evaluation.comparing import compare_stream
    from pulsemind.evaluation.consultation import pairs

    services = wanted.services
    shown = (
        (benchmark, pair)
        for benchmark in _of_kind("consultation")
        for pair in pairs(
            _questions(benchmark),
            _replies(model, benchmark),
            {n: _replies(f, benchmark) for n, f in others.items() if (f / benchmark).is_dir()},
        )
    )
    return compare_stream(
        shown, wanted.stages.evaluate.judge, services.endpoints, services.concurrency, RESPONSES,
        DATASET, usage,
    )  # fmt: skip


def qa_of(model: Path, wanted: Settings, usage: Usage, other: Path | None = None) -> list[QAResult]:
    """Results on all QA sets of a model's replies; only on what `other` answered too, if given."""
    from pulsemind.evaluation.qa import answered_by_both, paired, reader, score

    def replies(benchmark: str) -> Iterator[Reply]:
        own = _replies(model, benchmark)
        return answered_by_both(own, _replies(other, benchmark)) if other else own

    section, services = wanted.stages.evaluate, wanted.services
    pairs = chain.from_iterable(
        paired(artifacts.read_shards(_shards(b), QAItem), replies(b)) for b in _of_kind("qa")
    )
    reading = reader(section, services.endpoints, services.concurrency, RESPONSES, usage)
    return score(pairs, section.confidence, reading)


@task
def judge_and_count(key: str) -> Produced:
    """Compare the policy with every other model, count, and read the QA answers."""
    from pulsemind.evaluation.official import show
    from pulsemind.llm import Usage
    from pulsemind.report.plots import win_rates

    wanted = settings.load()
    section = wanted.stages.evaluate
    others = {name: answers(name) for name in contenders(wanted) if name != POLICY}
    usage = Usage()
    with tracked("evaluate", key, wanted) as run:
        with artifacts.writing(EVALUATION, "evaluation", judge=section.judge.kind) as folder:
            with closing(_verdicts(answers(POLICY), others, wanted, usage)) as verdicts:
                for benchmark, group in groupby(verdicts, key=lambda found: found[0]):
                    found = (verdict for _, verdict in group)
                    artifacts.write_shards(folder / "verdicts" / benchmark, found)
            for benchmark in _of_kind("consultation"):  # one without any pair has no verdicts
                (folder / "verdicts" / benchmark).mkdir(parents=True, exist_ok=True)
            for name in contenders(wanted):
                for benchmark in _benchmarks():
                    if (answers(name) / benchmark).is_dir():
                        replies = _replies(answers(name), benchmark)
                        artifacts.write_shards(folder / "replies" / name / benchmark, replies)
            results = _count(folder, wanted, usage)
            artifacts.write_text(folder / "official.txt", show(results.official) + "\n")
        artifacts.write_json(METRICS, results.model_dump())
        win_rates(results.pairwise, PLOT)
        for path in (METRICS, PLOT, EVALUATION / "official.txt"):
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


def _count(folder: Path, wanted: Settings, usage: Usage) -> Evaluation:
    """All results, from the replies and verdicts in a folder."""
    from pulsemind.evaluation.official import recorded_result
    from pulsemind.evaluation.outputs import contamination, same_weights, warnings
    from pulsemind.evaluation.tables import tables

    section = wanted.stages.evaluate
    names = contenders(wanted)
    benchmarks = [_streams(folder, b, names) for b in _of_kind("consultation")]
    results = tables(benchmarks, POLICY, section)
    about = json.loads(OVERLAP.read_text(encoding="utf-8"))
    overlap = contamination(about["contamination"], about["blocking"])
    trained = json.loads(TRAINED.read_text(encoding="utf-8"))["judge"]
    theirs = [
        recorded_result(RECORDED / o.file, o.benchmark, o.model, o.against, section)
        for o in section.official
    ]
    return results.model_copy(
        update={
            "qa": qa_of(answers(POLICY), wanted, usage),
            "official": [*results.official, *theirs],
            "contamination": overlap,
            "warnings": warnings(trained, section, overlap),
            "same_weights": same_weights(models(wanted)[1:]),  # the policy always stays
        }
    )


def _streams(folder: Path, benchmark: str, names: Sequence[str]) -> Benchmark:
    """Where the streams of a benchmark are."""
    from pulsemind.evaluation.consultation import Reply
    from pulsemind.evaluation.tables import Benchmark

    about = _benchmarks()[benchmark]
    said, verdicts = folder / "replies", folder / "verdicts" / benchmark
    return Benchmark(
        name=benchmark,
        protocol=about["protocol"],
        adapter=about["adapter"],
        others=[n for n in names if n != POLICY and (said / n / benchmark).is_dir()],
        queries=lambda: _questions(benchmark),
        replies=lambda name: artifacts.read_shards(said / name / benchmark, Reply),
        verdicts=lambda: artifacts.read_shards(verdicts, Verdict),
    )


def _benchmarks() -> dict[str, dict[str, str]]:
    about = json.loads((DATASET / "benchmarks.json").read_text(encoding="utf-8"))
    return dict(sorted(about.items()))


def _of_kind(kind: str) -> list[str]:
    return [name for name, about in _benchmarks().items() if about["kind"] == kind]


def _shards(benchmark: str) -> Path:
    return DATASET / "benchmarks" / benchmark


def _cases(benchmark: str) -> Iterator[Consultation]:
    return artifacts.read_shards(_shards(benchmark), Consultation)


def _questions(benchmark: str) -> Iterator[Query]:
    from pulsemind.evaluation.consultation import questions

    return questions(_cases(benchmark), _benchmarks()[benchmark]["protocol"])


def _replies(model: Path, benchmark: str) -> Iterator[Reply]:
    from pulsemind.evaluation.consultation import Reply

    return artifacts.read_shards(model / benchmark, Reply)
