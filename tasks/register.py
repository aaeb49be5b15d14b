"""The adapter becomes a version of the registered model, and champion when it beats that one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import task

from pulsemind import artifacts, settings
from pulsemind.settings import Counterpart, Settings
from tasks import registry
from tasks.evaluate import DATASET, EVALUATION, POLICY, answer_with, judged, qa_of
from tasks.registry import CANDIDATE, Registered
from tasks.stage import Produced, once, produced, seconds
from tasks.tracking import Tracked, commit, connect, tracked

if TYPE_CHECKING:
    from pulsemind.evaluation.promotion import Decision
    from pulsemind.report.metrics import Summary

BASE, CRPO = Path("models/base"), Path("models/crpo")
METRICS, SUMMARY = Path("metrics"), Path("metrics/summary.json")
PROMOTION = Path("metrics/promotion.json")
WORK, REPLIES = Path("work/register"), Path("work/register/replies")
CHAMPION = "champion"
"""What the champion is called in the verdicts."""


@task
def register_adapter(key: str, answers: str) -> Produced:
    """Register models/crpo with alias `candidate`; move `champion` when that is decided.

    The base stays a reference with its digest: an adapter is a few megabytes, the base is not.

    Args:
        key: the stage's signature.
        answers: what the champion's replies depend on besides its adapter.
    """
    from pulsemind.report.metrics import SummaryRegistry
    from pulsemind.report.summary import summarise

    began = time.perf_counter()
    wanted = settings.load()
    with tracked("register", key, wanted) as run:
        model = Registered(run.client, wanted.stages.registry.name)
        _, experiment = connect(wanted)
        version = registry.add(model, experiment, run.run_id, CRPO, _tags(wanted))
        model.alias(CANDIDATE, version)
        decision = _decision(model, version, key, answers, wanted, run)
        registry.record(model, decision, run.run_id)
        artifacts.write_json(PROMOTION, decision.model_dump())
        known = SummaryRegistry(name=model.name, version=version, alias=CANDIDATE)
        # Of its own time the summary can only hold what has passed.
        took = {**seconds(), "register": round(time.perf_counter() - began, 1)}
        summary = summarise(METRICS, wanted.profile, wanted.stages.registry.against, known, took)
        artifacts.write_json(SUMMARY, summary.model_dump())
        run.tags({**_tags(wanted), "pulsemind.decision": decision.outcome})
        run.metrics(_figures(summary, decision))
        for path in (SUMMARY, PROMOTION):
            run.artifact(path)
    return produced(SUMMARY, PROMOTION)


@task
def answer_as_champion(version: int, key: str) -> Produced:
    """The registered champion answers the benchmarks that the candidate has answered.

    Args:
        key: digest of all that its replies depend on.
    """
    wanted = settings.load()
    client, _ = connect(wanted)
    shutil.rmtree(WORK / "adapter", ignore_errors=True)  # of an earlier champion
    model = Registered(client, wanted.stages.registry.name)
    adapter = registry.download(model, version, WORK / "adapter")
    own = Counterpart(name=CHAMPION, adapter=str(adapter), endpoint=None, model=None)
    answer_with(own, REPLIES, qa=True, key=key)
    return produced(REPLIES)


def _decision(
    model: Registered, version: int, key: str, answers: str, wanted: Settings, run: Tracked
) -> Decision:
    from pulsemind.evaluation.promotion import undecided

    rule = wanted.stages.registry.promote
    champion = registry.opponent(model, version, key)
    if champion is None:
        return undecided("first", "first version: no champion to compare with", version, None, rule)
    if champion == version:
        return undecided("same", "this adapter is the champion", version, version, rule)
    rolled_back = model.tags(version).get(registry.ROLLED_BACK)
    if rolled_back:
        reason = (
            f"version {version} was rolled back at {rolled_back}; delete its tag "
            f"{registry.ROLLED_BACK} to let it stand again"
        )
        return undecided("rolled back", reason, version, champion, rule)
    tags, base = model.tags(champion), artifacts.digest(BASE)
    if tags.get(registry.BASE) != base:
        reason = (
            f"the champion, version {champion}, was trained on another base "
            f"({tags.get(registry.BASE, 'unknown')[:12]}) than {BASE} ({base[:12]}), so it cannot "
            f"answer here; compare them elsewhere and move the alias by hand"
        )
        return undecided("other base", reason, version, champion, rule)
    answered = artifacts.json_digest([answers, tags[registry.ADAPTER], base])
    once(answer_as_champion, answered, champion, answered)
    return _head_to_head(version, champion, wanted, run)


def _head_to_head(version: int, champion: int, wanted: Settings, run: Tracked) -> Decision:
    from pulsemind.evaluation.promotion import NO_DIFFERENCE, decide, undecided
    from pulsemind.evaluation.statistics import pairwise_results
    from pulsemind.evaluation.tables import SAFETY_ADAPTERS
    from pulsemind.llm import Usage

    usage, own = Usage(), EVALUATION / "replies" / POLICY
    verdicts = judged(own, {CHAMPION: REPLIES}, wanted, usage)
    about = json.loads((DATASET / "benchmarks.json").read_text(encoding="utf-8"))
    # On improper requests the longer, more helpful answer is not the better one.
    kept = {b: found for b, found in verdicts.items() if about[b]["adapter"] not in SAFETY_ADAPTERS}
    rows = pairwise_results(kept, POLICY, wanted.stages.evaluate)
    old = {result.benchmark: result for result in qa_of(REPLIES, wanted, usage, own)}
    qa = [(new, old[new.benchmark]) for new in qa_of(own, wanted, usage, REPLIES)]
    run.metrics({f"judge.{name}": value for name, value in usage.metrics().items()})
    rule = wanted.stages.registry.promote
    overall = [row for row in rows if row.aspect == "overall"]
    if not overall:
        reason = f"{NO_DIFFERENCE}: there is no pair of replies to a consultation to compare"
        return undecided(NO_DIFFERENCE, reason, version, champion, rule)
    broken = _broken(own, about), _broken(REPLIES, about)
    return decide(version, champion, overall[-1], qa, rule, broken)  # all benchmarks come last


def _broken(replies: Path, benchmarks: Iterable[str]) -> int:
    """How many of a model's replies to the benchmarks are broken."""
    from pulsemind.evaluation.consultation import Reply

    shards = [replies / name for name in benchmarks if (replies / name).is_dir()]
    return sum(bool(r.broken) for path in shards for r in artifacts.read_shards(path, Reply))


def _tags(wanted: Settings) -> dict[str, str]:
    dataset: dict[str, Any] = json.loads(Path("data/dataset/manifest.json").read_text())
    return {
        registry.ADAPTER: artifacts.digest(CRPO),
        registry.BASE: artifacts.digest(BASE),
        "pulsemind.dataset": str(dataset["digest"]),
        "pulsemind.commit": commit(),
        "pulsemind.profile": wanted.profile,
    }


def _figures(summary: Summary, decision: Decision) -> dict[str, float]:
    figures = {f"qa.{name}": accuracy for name, accuracy in summary.qa.items()}
    if summary.evaluation and summary.evaluation.win_rate is not None:
        figures["win_rate"] = summary.evaluation.win_rate
    if decision.win_rate is not None:
        figures["champion.win_rate"] = decision.win_rate
    return figures
