"""MLflow: one run a stage under one parent, and the model registry. Client calls, no state."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, Run, RunTag
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID
from mlflow.utils.time import get_current_time_millis

from pulsemind.settings import Settings

PIPELINE = "pulsemind.pipeline"
"""Tag of a parent run: PULSEMIND_RUN from the environment, else profile@commit."""
KEY = "pulsemind.key"
"""Tag of a stage's run: the stage's signature."""


@dataclass(frozen=True)
class Tracked:
    """An open run of one stage."""

    client: MlflowClient
    run_id: str

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log figures at a step."""
        now = get_current_time_millis()
        batch = [Metric(name, value, now, step) for name, value in values.items()]
        self.client.log_batch(self.run_id, metrics=batch)

    def log(self, step: int, values: dict[str, float]) -> None:
        """`metrics` with the arguments the library's training functions call it by."""
        self.metrics(values, step)

    def artifact(self, path: Path) -> None:
        """Upload a file or folder that holds no patient data (cards, figures, plots)."""
        if path.is_dir():
            self.client.log_artifacts(self.run_id, str(path), path.name)
        else:
            self.client.log_artifact(self.run_id, str(path))

    def dataset(self, name: str, digest: str) -> None:
        """Say which data the run reads: MLflow's input, and a tag with the whole digest."""
        short = digest[:36]  # all that MLflow takes
        source = json.dumps({"digest": digest})
        data = Dataset(name=name, digest=short, source_type="artifact", source=source)
        self.client.log_inputs(self.run_id, datasets=[DatasetInput(data)])
        self.tags({"pulsemind.dataset": digest})

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        self.client.log_batch(self.run_id, tags=[RunTag(k, v) for k, v in values.items()])


@contextmanager
def tracked(name: str, key: str, settings: Settings, last: bool = True) -> Iterator[Tracked]:
    """The MLflow run of a stage: the one that an earlier task of it left open, or a new one.

    Args:
        key: the stage's signature; a run that was killed under the same key goes on.
        last: whether to close the run at the end; the tasks of a loop leave it open.
    """
    client, experiment = connect(settings)
    parent = _parent(client, experiment, settings)
    run_id = _open(client, experiment, parent, name, key, settings)
    try:
        yield Tracked(client, run_id)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    if last:
        client.set_terminated(run_id, "FINISHED")


def reopened(run_id: str, settings: Settings) -> Tracked:
    """An open run in another process than the one that opened it."""
    return Tracked(connect(settings)[0], run_id)


@contextmanager
def system_metrics(run: Tracked) -> Iterator[None]:
    """Log this machine's load (processors, memory, disk, network, GPUs) beside a run's figures."""
    monitor = SystemMetricsMonitor(run.run_id, resume_logging=True)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def connect(settings: Settings) -> tuple[MlflowClient, str]:
    """A client for the tracking server of the settings, and the experiment's id.

    The environment's MLFLOW_TRACKING_URI wins. A local sqlite store gets its folder made and its
    artifacts beside it.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or settings.services.tracking_uri
    location = None
    if uri.startswith("sqlite:///"):
        store = Path(uri.removeprefix("sqlite:///")).absolute()
        store.parent.mkdir(parents=True, exist_ok=True)
        uri, location = f"sqlite:///{store}", (store.parent / "mlartifacts").as_uri()
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(settings.services.experiment)
    if found is not None:
        return client, str(found.experiment_id)
    created = client.create_experiment(settings.services.experiment, artifact_location=location)
    return client, str(created)


def commit() -> str:
    """The git commit of the working tree."""
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _parent(client: MlflowClient, experiment: str, settings: Settings) -> str:
    revision = commit()
    name = os.environ.get("PULSEMIND_RUN") or f"{settings.profile}@{revision[:12]}"
    found = _find(client, experiment, {PIPELINE: name})
    if found:
        return str(found[0].info.run_id)
    tags = {PIPELINE: name, MLFLOW_GIT_COMMIT: revision, "pulsemind.profile": settings.profile}
    run = client.create_run(experiment, run_name=name, tags=tags)
    client.log_text(run.info.run_id, settings.model_dump_json(indent=2), "settings.json")
    client.set_terminated(run.info.run_id, "FINISHED")
    return str(run.info.run_id)


def _open(
    client: MlflowClient, experiment: str, parent: str, name: str, key: str, settings: Settings
) -> str:
    wanted = {MLFLOW_PARENT_RUN_ID: parent, KEY: key}
    for run in _find(client, experiment, wanted):
        if run.info.status == "RUNNING":
            return str(run.info.run_id)
    tags = {**wanted, MLFLOW_GIT_COMMIT: commit(), "pulsemind.profile": settings.profile}
    run = client.create_run(experiment, run_name=name, tags=tags)
    section = settings.stages.model_dump(mode="json", by_alias=True)[name]
    client.log_batch(run.info.run_id, params=[Param(k, v) for k, v in _flat(section).items()])
    return str(run.info.run_id)


def _find(client: MlflowClient, experiment: str, tags: Mapping[str, str]) -> list[Run]:
    condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    return list(client.search_runs([experiment], condition))


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            flat[prefix + name] = text[:6000]
    return flat
