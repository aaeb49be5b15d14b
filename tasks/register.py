"""The adapter becomes a version of the registered model; the run's summary is written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from prefect import task

from pulsemind import artifacts, settings
from pulsemind.settings import Settings
from tasks.stage import Produced, produced, seconds
from tasks.tracking import commit, connect, tracked

if TYPE_CHECKING:
    from pulsemind.report.metrics import Summary

BASE, CRPO = Path("models/base"), Path("models/crpo")
METRICS, SUMMARY = Path("metrics"), Path("metrics/summary.json")
CANDIDATE, CHAMPION = "candidate", "champion"


@task
def register_adapter(key: str) -> Produced:
    """Register models/crpo with alias `candidate`, and `champion` when there is none yet.

    The base stays a reference with its digest: an adapter is a few megabytes, the base is not.
    """
    from pulsemind.report.metrics import SummaryRegistry
    from pulsemind.report.summary import summarise

    began = time.perf_counter()
    wanted = settings.load()
    name = wanted.stages.registry.name
    with tracked("register", key, wanted) as run:
        version = _version(run.client, name, wanted, run.run_id)
        run.client.set_registered_model_alias(name, CANDIDATE, version)
        if CHAMPION not in run.client.get_registered_model(name).aliases:
            run.client.set_registered_model_alias(name, CHAMPION, version)
        registry = SummaryRegistry(name=name, version=int(version), alias=CANDIDATE)
        # Of its own time the summary can only hold what has passed.
        took = {**seconds(), "register": round(time.perf_counter() - began, 1)}
        summary = summarise(METRICS, wanted.profile, wanted.stages.registry.against, registry, took)
        artifacts.write_json(SUMMARY, summary.model_dump())
        run.tags(_tags(wanted))
        run.metrics(_figures(summary))
        run.artifact(SUMMARY)
    return produced(SUMMARY)


def _version(client: MlflowClient, name: str, wanted: Settings, run_id: str) -> str:
    """The version that holds this adapter: an earlier one with the same digest, or a new one."""
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = _tags(wanted)
    same = f"name='{name}' and tags.`pulsemind.adapter`='{tags['pulsemind.adapter']}'"
    for found in client.search_model_versions(same):
        return str(found.version)
    _, experiment = connect(wanted)
    model = client.create_logged_model(
        experiment, name=name, source_run_id=run_id, tags=tags, model_type="adapter"
    )
    client.log_model_artifacts(model.model_id, str(CRPO))
    client.finalize_logged_model(model.model_id, "READY")
    version = client.create_model_version(
        name, source=f"models:/{model.model_id}", run_id=run_id, tags=tags, model_id=model.model_id
    )
    return str(version.version)


def _tags(wanted: Settings) -> dict[str, str]:
    dataset: dict[str, Any] = json.loads(Path("data/dataset/manifest.json").read_text())
    return {
        "pulsemind.adapter": artifacts.digest(CRPO),
        "pulsemind.base": artifacts.digest(BASE),
        "pulsemind.dataset": str(dataset["digest"]),
        "pulsemind.commit": commit(),
        "pulsemind.profile": wanted.profile,
    }


def _figures(summary: Summary) -> dict[str, float]:
    figures = {f"qa.{name}": accuracy for name, accuracy in summary.qa.items()}
    if summary.evaluation and summary.evaluation.win_rate is not None:
        figures["win_rate"] = summary.evaluation.win_rate
    return figures
