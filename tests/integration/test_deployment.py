"""prefect.yaml against a real server: deployed, scheduled, and one run through a worker."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.integration.conftest import PREFECT, Environment, checkout, commit_all, run, stop


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, served: Environment) -> Path:
    """A copy of this repository with one deployment more, shaped like evaluate's but quick."""
    folder = tmp_path_factory.mktemp("repository")
    checkout(served, folder)
    yaml = YAML()
    content = yaml.load(folder / "prefect.yaml")
    (evaluate,) = [d for d in content["deployments"] if d["name"] == "evaluate"]
    quick = {**evaluate, "name": "sample", "entrypoint": "flows/sample.py:sample"}
    content["deployments"].append(quick)
    yaml.dump(content, folder / "prefect.yaml")
    commit_all(served, folder)
    return folder


@pytest.fixture(scope="module")
def deployed(repository: Path, served: Environment) -> dict[str, Any]:
    """All deployments as the server knows them, by name."""
    run(served, repository, *PREFECT, "work-pool", "create", "gpu", "--type", "process")
    run(served, repository, *PREFECT, "work-pool", "set-concurrency-limit", "gpu", "1")
    run(served, repository, *PREFECT, "deploy", "--all")
    return {d["name"]: d for d in _ask(served, "deployments/filter", {})}


@pytest.fixture
def worker(repository: Path, served: Environment, deployed: dict[str, Any]) -> Iterator[Path]:
    """A running worker of the pool; gives its log."""
    log = repository.with_name("worker.log")
    with log.open("w") as output:
        process = subprocess.Popen(
            [*PREFECT, "worker", "start", "--pool", "gpu", "--limit", "1"],
            cwd=repository,
            env=served,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        stop(process)


def test_every_deployment_waits_its_turn_in_the_gpu_pool(
    served: Environment, deployed: dict[str, Any]
) -> None:
    assert set(deployed) == {"nightly", "evaluate", "sample"}
    for deployment in deployed.values():
        assert deployment["work_pool_name"] == "gpu"
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert deployment["paused"] is False
    assert _ask(served, "work_pools/gpu")["concurrency_limit"] == 1


def test_only_the_nightly_pipeline_has_a_schedule_and_the_server_keeps_it(
    served: Environment, deployed: dict[str, Any]
) -> None:
    assert {n: len(d["schedules"]) for n, d in deployed.items()} == {
        "nightly": 1,
        "evaluate": 0,
        "sample": 0,
    }
    schedule = deployed["nightly"]["schedules"][0]
    assert schedule["active"] is True
    minute, hour, *days = schedule["schedule"]["cron"].split()
    assert minute.isdigit()
    assert int(hour) in (22, 23, 0, 1, 2, 3, 4, 5)
    assert days == ["*", "*", "*"]
    assert schedule["schedule"]["timezone"]
    # A server whose database layer does not fit accepts the schedule and then makes no runs of it.
    planned = _ask(
        served,
        "flow_runs/filter",
        {"deployments": {"id": {"any_": [deployed["nightly"]["id"]]}}},
        wait_for_any=True,
    )
    assert {r["state_type"] for r in planned} == {"SCHEDULED"}


def test_no_deployment_holds_a_path_of_this_machine(
    repository: Path, deployed: dict[str, Any]
) -> None:
    assert str(repository.parent) not in json.dumps(deployed)


def test_a_deployment_runs_through_a_worker(
    served: Environment, repository: Path, worker: Path
) -> None:
    said = run(served, repository, *PREFECT, "deployment", "run", "sample/sample", "--watch")
    assert "Completed" in said, worker.read_text()
    found = _ask(served, "flow_runs/filter", {"flows": {"name": {"any_": ["sample"]}}})
    # Other tests run the same flow on this server, but not through a deployment.
    runs = [run for run in found if run["deployment_id"]]
    assert [r["state_type"] for r in runs] == ["COMPLETED"]
    assert (repository / "data/raw/manifest.json").is_file()
    assert "sample:" in (repository / "dvc.lock").read_text()
    assert "up to date" in run(served, repository, "dvc", "status", "sample")


def _ask(
    served: Environment, path: str, body: dict[str, Any] | None = None, wait_for_any: bool = False
) -> Any:
    request = urllib.request.Request(
        f"{served['PREFECT_API_URL']}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    answer: Any = None
    for _ in range(60 if wait_for_any else 1):
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        if answer or not wait_for_any:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"{path}: nothing there after 30 s")
