"""Raw data -> the dataset artifact, on this machine's cores or on a Dask cluster's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from pulsemind import artifacts, settings
from tasks.stage import Produced, produced
from tasks.tracking import tracked

RAW, DATASET, METRICS = Path("data/raw"), Path("data/dataset"), Path("metrics/dataset.json")
WORK, RESPONSES = Path("work/dataset"), Path("work/responses")
QUEUE = Path("data/review")
"""The review queue; the decisions in it are an input of the stage."""


@task
def build_dataset(key: str, raw: str, code: str) -> Produced:
    """Collect, anonymise, deduplicate, decontaminate, split; the card goes to MLflow.

    Args:
        raw, code: digests of the raw data and of the code: shards made from both are reused.
    """
    from pulsemind.data.build import Digests, Refining, build
    from pulsemind.data.expand import Service

    wanted = settings.load()
    with tracked("dataset", key, wanted) as run:
        with artifacts.writing(DATASET, "dataset") as folder:
            services = wanted.services
            chat = Service(services.endpoints, services.concurrency, RESPONSES)
            counts = build(
                RAW, folder, WORK, wanted.stages.dataset, Digests(raw, code),
                Refining(chat, QUEUE), _workers(services),
            )  # fmt: skip
        artifacts.write_json(METRICS, counts.model_dump())
        run.tags({"pulsemind.dataset": artifacts.digest(DATASET)})
        run.metrics({"read": counts.read, "kept": counts.kept, "quarantined": counts.quarantined})
        run.metrics({f"dropped.{rule}": n for rule, n in counts.dropped.items()})
        for name in ("card.md", "card.html", "counts.json", "audit.json"):
            run.artifact(DATASET / name)
    return produced(DATASET, METRICS)


@task(name="dataset-shard", cache_policy=NO_CACHE, persist_result=False, retries=2)
def do_shard(job: Any) -> None:
    """One step on one shard, on a worker of the cluster; a retry of a finished one does nothing."""
    from pulsemind.data.jobs import do

    do(job)


def _workers(services: settings.Services) -> Any:
    """What runs the jobs of a step: worker processes here, or the cluster the settings name."""
    from pulsemind.data.jobs import Job, in_processes, progress

    if services.dask is None:
        return in_processes(services.workers)

    def run(jobs: Sequence[Job]) -> None:
        from prefect_dask import DaskTaskRunner

        with DaskTaskRunner(address=services.dask) as cluster:
            running = [cluster.submit(do_shard, parameters={"job": job}) for job in jobs]
            for future in progress(running, jobs):
                future.result()

    return run
