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
WORK = Path("work/dataset")


@task
def build_dataset(key: str, raw: str, code: str) -> Produced:
    """Collect, anonymise, deduplicate, decontaminate, split; the card goes to MLflow.

    Args:
        raw, code: digests of the raw data and of the code: shards made from both are reused.
    """
    from pulsemind.data.build import Digests, build

    wanted = settings.load()
    with tracked("dataset", key, wanted) as run:
        with artifacts.writing(DATASET, "dataset") as folder:
            section = wanted.stages.dataset
            workers = _workers(wanted.services)
            counts = build(RAW, folder, WORK, section, Digests(raw, code), workers)
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
