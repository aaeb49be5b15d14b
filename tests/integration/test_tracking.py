"""`tasks.tracking` on a real MLflow store: one parent, stages below it, runs that go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from pulsemind import settings
from pulsemind.settings import Settings
from tasks.tracking import connect, reopened, system_metrics, tracked
from tests.integration.conftest import ROOT, Environment, commit_all

SECRET = "sk-not-to-be-found-anywhere"
PARENT = "mlflow.parentRunId"
KILLED = """
import os, signal
from pathlib import Path
from pulsemind import settings
from tasks.tracking import tracked

with tracked("crpo", "key-1", settings.load()) as run:
    run.metrics({"reward": 0.25}, step=0)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, environment: Environment) -> Path:
    """A repository with the settings and an empty MLflow store, whose set-up takes seconds."""
    folder = tmp_path_factory.mktemp("tracked")
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / ".gitignore").write_text("/work/\n")
    commit_all(environment, folder)
    (folder / "work").mkdir()
    MlflowClient(f"sqlite:///{folder}/work/mlflow.db").search_experiments()
    return folder


@pytest.fixture
def repository(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh copy of that repository, as the working directory."""
    folder = tmp_path / "repository"
    shutil.copytree(template, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("PULSEMIND_RUN", "night")
    monkeypatch.setenv("JUDGE_API_KEY", SECRET)
    return folder


def runs(wanted: Settings) -> tuple[list[Run], dict[str, list[Run]]]:
    """The parents, and the stages' runs by name, oldest first."""
    client, experiment = connect(wanted)
    found = client.search_runs([experiment], run_view_type=ViewType.ALL)
    children: dict[str, list[Run]] = {}
    for run in sorted(found, key=lambda r: int(r.info.start_time)):
        if PARENT in run.data.tags:
            children.setdefault(str(run.info.run_name), []).append(run)
    return [r for r in found if PARENT not in r.data.tags], children


def test_the_stages_of_one_run_stand_under_one_parent(repository: Path) -> None:
    wanted = settings.load()
    (repository / "figures.json").write_text('{"loss": 1}')
    with tracked("sft1", "key-1", wanted) as run:
        for step in range(3):
            run.log(step, {"loss": 3.0 - step})
        run.tags({"pulsemind.dataset": "abc"})
        run.artifact(repository / "figures.json")
    with tracked("crpo", "key-2", wanted):
        pass

    (parent,), children = runs(wanted)
    assert parent.info.run_name == "night"
    assert set(children) == {"sft1", "crpo"}
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    for (stage,) in children.values():
        assert stage.info.status == "FINISHED"
        assert stage.data.tags[PARENT] == parent.info.run_id
        assert stage.data.tags["mlflow.source.git.commit"] == head.stdout.strip()
        assert stage.data.tags["pulsemind.profile"] == wanted.profile

    (sft,) = children["sft1"]
    assert sft.data.params["steps"] == str(wanted.stages.sft1.steps)
    assert sft.data.params["lora.rank"] == str(wanted.stages.sft1.lora.rank)
    assert sft.data.tags["pulsemind.dataset"] == "abc"
    client, _ = connect(wanted)
    history = client.get_metric_history(sft.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(0, 3.0), (1, 2.0), (2, 1.0)]
    stored = Path(client.download_artifacts(sft.info.run_id, "figures.json", str(repository)))
    assert json.loads(stored.read_text()) == {"loss": 1}
    whole = Path(client.download_artifacts(parent.info.run_id, "settings.json", str(repository)))
    assert json.loads(whole.read_text())["stages"]["crpo"]["kl"] == wanted.stages.crpo.kl


def test_data_and_figures_of_another_process_and_of_the_machine_reach_a_run(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    wanted, digest = settings.load(), "0123456789abcdef" * 4
    with tracked("sft1", "key-1", wanted) as run, system_metrics(run):
        run.dataset("stage1 of the dataset", digest)
        reopened(run.run_id, wanted).log(1, {"loss": 2.0})
        time.sleep(1)
    (sft,) = runs(wanted)[1]["sft1"]
    assert sft.data.metrics["loss"] == 2.0
    assert "system/cpu_utilization_percentage" in sft.data.metrics
    assert sft.data.tags["pulsemind.dataset"] == digest
    (entry,) = sft.inputs.dataset_inputs
    assert entry.dataset.digest == digest[:36]
    assert digest in entry.dataset.source


def test_another_pipeline_run_has_a_parent_of_its_own(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = settings.load()
    with tracked("sft1", "key-1", wanted):
        pass
    monkeypatch.setenv("PULSEMIND_RUN", "morning")
    with tracked("crpo", "key-2", wanted):
        pass
    parents, children = runs(wanted)
    ids = {p.info.run_name: p.info.run_id for p in parents}
    assert set(ids) == {"night", "morning"}
    assert children["sft1"][0].data.tags[PARENT] == ids["night"]
    assert children["crpo"][0].data.tags[PARENT] == ids["morning"]


def test_a_killed_run_goes_on_under_the_same_key(repository: Path) -> None:
    wanted = settings.load()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env=_environment(), capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    _, children = runs(wanted)
    assert [r.info.status for r in children["crpo"]] == ["RUNNING"]

    with tracked("crpo", "key-1", wanted) as run:
        run.metrics({"reward": 0.5}, step=1)
    _, children = runs(wanted)
    (crpo,) = children["crpo"]
    assert crpo.info.status == "FINISHED"
    client, _ = connect(wanted)
    history = client.get_metric_history(crpo.info.run_id, "reward")
    assert [(m.step, m.value) for m in history] == [(0, 0.25), (1, 0.5)]


def test_an_open_run_of_another_key_is_left_alone(repository: Path) -> None:
    wanted = settings.load()
    with tracked("crpo", "key-1", wanted, last=False):
        pass
    with tracked("crpo", "key-2", wanted):
        pass
    _, children = runs(wanted)
    assert [r.info.status for r in children["crpo"]] == ["RUNNING", "FINISHED"]


def test_a_failed_run_is_marked_and_the_next_attempt_is_a_new_one(repository: Path) -> None:
    wanted = settings.load()

    def fail() -> None:
        with tracked("crpo", "key-1", wanted):
            raise RuntimeError("judge is down")

    with pytest.raises(RuntimeError, match="judge is down"):
        fail()
    with tracked("crpo", "key-1", wanted):
        pass
    _, children = runs(wanted)
    assert [r.info.status for r in children["crpo"]] == ["FAILED", "FINISHED"]


def test_tasks_of_a_loop_share_one_run(repository: Path) -> None:
    wanted = settings.load()
    for iteration in range(3):
        with tracked("crpo", "key-1", wanted, last=iteration == 2) as run:
            run.log(iteration, {"reward": float(iteration)})
    _, children = runs(wanted)
    (crpo,) = children["crpo"]
    assert crpo.info.status == "FINISHED"
    assert crpo.data.metrics["reward"] == 2.0


def test_the_environments_address_wins(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    with tracked("crpo", "key-1", settings.load()):
        pass
    assert elsewhere.is_file()
    assert not (repository / "work" / "mlartifacts").exists()


def test_no_secret_of_the_environment_is_stored(repository: Path) -> None:
    wanted = settings.load()
    with tracked("crpo", "key-1", wanted) as run:
        run.metrics({"reward": 0.5})
        assert isinstance(run.client, MlflowClient)
    stored = [p for p in (repository / "work").rglob("*") if p.is_file()]
    assert any(p.name == "mlflow.db" for p in stored)
    assert any(p.name == "settings.json" for p in stored)
    for path in stored:
        assert SECRET.encode() not in path.read_bytes(), path.name


def _environment() -> Environment:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
