"""CRPO: rollout, judge and update of each iteration, each with its own artifact in `work/`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger, task
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from pulsemind import artifacts, settings
from pulsemind.records import Answer, Query, Rollout, Scores, Verdict
from tasks.stage import Produced, end_with_parent, produced
from tasks.tracking import tracked

if TYPE_CHECKING:
    from pulsemind.crpo.reward import Rewards
    from pulsemind.model.engines import Engine

BASE, SFT, CRPO = Path("models/base"), Path("models/sft2"), Path("models/crpo")
DATASET, COUNTERPARTS = Path("data/dataset"), Path("data/counterparts")
METRICS, PLOT = Path("metrics/crpo.json"), Path("plots/crpo.csv")
WORK, RESPONSES = Path("work/crpo"), Path("work/responses")
ASKED = ".asked.json"
"""What the judge was asked while the candidates were sampled; part of no artifact."""


def phase(iteration: int, name: str) -> Path:
    """The artifact of a phase of an iteration, counted from 0."""
    return WORK / f"iteration-{iteration:04d}" / name


def policy(iteration: int) -> Path:
    """The adapter that an iteration updates: the SFT adapter first, then the last update's."""
    return SFT if iteration == 0 else phase(iteration - 1, "adapter")


def sampler(iteration: int, staleness: int) -> Path:
    """The adapter that samples an iteration: its policy, or the one `staleness` updates older."""
    return policy(max(0, iteration - staleness))


@contextmanager
def engine() -> Iterator[Engine]:
    """What samples; a server that it starts ends with the block."""
    from pulsemind.model.engines import opened

    wanted = settings.load()
    with opened(BASE, wanted.stages.crpo, wanted.services, WORK / "engine") as engine:
        yield engine


def beside() -> TaskRunner[Any]:
    """What runs a rollout beside an update: a thread where a server samples; else a process, for
    torch's random numbers belong to the whole process, and both draw them."""
    if settings.load().stages.crpo.engine.kind == "transformers":
        return ProcessPoolTaskRunner(max_workers=1)
    return ThreadPoolTaskRunner(max_workers=1)


@task
def roll_out(iteration: int, key: str, engine: Engine) -> Produced:
    """Sample the iteration's candidates while the judge answers for those already there.

    The artifact stands when sampling ends; a run that is killed between then and the judge's last
    answer does not sample again.
    """
    from pulsemind.crpo import loop
    from pulsemind.llm import Usage

    end_with_parent()
    wanted = settings.load()
    section, services = wanted.stages.crpo, wanted.services
    adapter = sampler(iteration, section.staleness)
    out, usage = phase(iteration, "rollouts"), Usage()
    if artifacts.intact(out) and artifacts.manifest(out)["made_by"].get("key") == key:
        return produced(out)
    queries = _queries(section, iteration)
    phase(iteration, ASKED).unlink(missing_ok=True)
    with loop.judging_ahead(
        section, queries, _answers(), services.endpoints, services.concurrency, RESPONSES, DATASET,
        usage, lambda error: get_run_logger().warning("judging ahead stopped: %s", error),
    ) as passing:  # fmt: skip
        digest = artifacts.digest(adapter)
        with artifacts.writing(out, "rollouts", policy=digest, key=key) as folder:
            found = loop.rollout(
                section, BASE, adapter, digest, DATASET, queries, iteration, engine
            )
            artifacts.write_shards(folder, passing(found))
    artifacts.write_text(phase(iteration, ASKED), usage.model_dump_json())
    return produced(out)


@task
def judge(iteration: int, key: str) -> Produced:
    """Judge the iteration's candidates; what the judge cost and how it answered goes to MLflow.

    What was answered while they were sampled is found, not asked.
    """
    from pulsemind.crpo import loop
    from pulsemind.llm import Usage

    wanted = settings.load()
    section, services = wanted.stages.crpo, wanted.services
    rollouts = list(artifacts.read_shards(phase(iteration, "rollouts"), Rollout))
    out, asked = phase(iteration, "verdicts"), phase(iteration, ASKED)
    usage = Usage()
    with (
        tracked("crpo", key, wanted, last=False) as run,
        artifacts.writing(out, "verdicts", judge=section.judge.kind) as folder,
    ):
        queries = _queries(section, iteration)
        judged = loop.judge(
            section, queries, rollouts, _answers(), services.endpoints, services.concurrency,
            RESPONSES, DATASET, usage,
        )  # fmt: skip
        if asked.is_file():
            usage.asked_before(Usage.model_validate_json(asked.read_text(encoding="utf-8")))
        get_run_logger().info("judge: %d requests, %s", usage.requests, usage.line())
        run.metrics({f"judge.{name}": v for name, v in usage.metrics().items()}, iteration)
        artifacts.write_shards(folder, judged)
        _, figures = loop.rewards_of(section, judged, rollouts)
        artifacts.write_json(folder / "statistics.json", figures.model_dump())
    return produced(out)


@task
def update_policy(iteration: int, key: str) -> Produced:
    """Train the policy on the iteration's rollouts and verdicts; its figures go to MLflow."""
    from tasks.crpo_update import update

    wanted, out = settings.load(), phase(iteration, "adapter")
    with tracked("crpo", key, wanted, last=False) as run:
        with artifacts.writing(out, "adapter", stage="crpo", iteration=iteration) as folder:
            update(iteration, folder)
        figures = _figures(iteration)
        run.metrics({k: v for k, v in figures.items() if isinstance(v, int | float)}, iteration)
        run.metrics(
            {f"{o}.{d}": share for d, s in figures["outcomes"].items() for o, share in s.items()},
            iteration,
        )
        run.metrics({f"level.{d}": s["value"] for d, s in figures["levels"].items()}, iteration)
        if figures["alarms"]:
            run.tags({"pulsemind.alarm": f"iteration {iteration}: {', '.join(figures['alarms'])}"})
            get_run_logger().warning(
                "iteration %d: the reward rises while %s falls; docs/crpo.md says what to do",
                iteration,
                ", ".join(figures["alarms"]),
            )
    shutil.rmtree(phase(iteration, ".trainer"), ignore_errors=True)
    return produced(out)


@task
def finish(iterations: int, key: str) -> Produced:
    """The last policy becomes `models/crpo`; every iteration's figures become metrics."""
    wanted = settings.load()
    with tracked("crpo", key, wanted) as run:
        made_by = {"stage": "crpo", "iterations": iterations, "base": artifacts.digest(BASE)}
        with artifacts.writing(CRPO, "adapter", **made_by) as folder:
            for name in ("adapter_config.json", "adapter_model.safetensors"):
                shutil.copyfile(policy(iterations) / name, folder / name)
        rows = [_figures(i) for i in range(iterations)]
        artifacts.write_json(METRICS, {"judge": wanted.stages.crpo.judge.kind, "iterations": rows})
        lines = ["iteration,reward", *(f"{row['iteration']},{row['reward']}" for row in rows)]
        artifacts.write_text(PLOT, "\n".join(lines) + "\n")
        run.artifact(METRICS)
    return produced(CRPO, METRICS, PLOT)


def _answers() -> list[Answer]:
    return [
        answer
        for folder in sorted(p for p in COUNTERPARTS.iterdir() if p.is_dir())
        for answer in artifacts.read_shards(folder, Answer)
    ]


def recorded(iteration: int) -> tuple[list[Query], list[Rollout], Rewards]:
    """What an iteration's update trains on: its queries, rollouts and rewards."""
    from pulsemind.crpo import loop

    section = settings.load().stages.crpo
    rollouts = list(artifacts.read_shards(phase(iteration, "rollouts"), Rollout))
    record = Scores if section.reward == "absolute" else Verdict
    judged = list(artifacts.read_shards(phase(iteration, "verdicts"), record))
    rewards, _ = loop.rewards_of(section, judged, rollouts)
    return loop.trained_on(section, _queries(section, iteration), rewards), rollouts, rewards


def _queries(section: settings.CrpoSettings, iteration: int) -> list[Query]:
    from pulsemind.crpo import loop

    queries = list(artifacts.read_shards(DATASET / "queries", Query))
    return loop.pick_queries(queries, loop.sampled(section), iteration, section.seed)


def _figures(iteration: int) -> dict[str, Any]:
    from pulsemind.crpo.statistics import RewardStatistics, alarms

    history = [
        RewardStatistics.model_validate_json((phase(i, "verdicts") / "statistics.json").read_text())
        for i in range(iteration + 1)
    ]
    updated = json.loads((phase(iteration, "adapter") / "update.json").read_text(encoding="utf-8"))
    raised = alarms(history, settings.load().stages.crpo.alarm)
    return {"iteration": iteration, **history[-1].model_dump(), **updated, "alarms": raised}
