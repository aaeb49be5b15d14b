"""The dataset build on a Dask cluster: two real workers, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulsemind.artifacts import digest
from tests.integration.conftest import Environment, checkout, run, stop

Process = subprocess.Popen[bytes]


@pytest.fixture
def cluster(environment: Environment, tmp_path: Path) -> Iterator[tuple[str, list[Process]]]:
    """Address of a scheduler, and its two workers."""
    folder = tmp_path / "project"
    folder.mkdir()
    checkout(environment, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    host, port = address.split(":")
    started: list[Process] = []

    def start(name: str, *arguments: str) -> None:
        with (tmp_path / f"{name}.log").open("w") as log:
            command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
            started.append(
                subprocess.Popen(
                    command,
                    cwd=folder,
                    env={**environment, "PYTHONPATH": str(folder)},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    start("scheduler", "--host", host, "--port", port, "--no-dashboard")
    for _ in range(2):
        start("worker", f"tcp://{address}", "--nthreads", "1", "--no-nanny", "--no-dashboard")
    try:
        yield f"tcp://{address}", started[1:]
    finally:
        for process in started:
            if process.poll() is None:
                stop(process)


@pytest.mark.slow  # three builds with images to read
def test_a_cluster_makes_the_same_dataset_though_a_worker_is_killed(
    cluster: tuple[str, list[Process]], served: Environment, tmp_path: Path
) -> None:
    address, workers = cluster
    folder = tmp_path / "project"
    params = folder / "params.yaml"
    text = params.read_text(encoding="utf-8")
    text = text.replace("consultations: 400", "consultations: 30")
    text = text.replace("shard_records: 10000", "shard_records: 20")
    few = "use: benchmark, records: [0, 10], licence: CC0-1.0"
    text = text.replace("use: benchmark, licence: CC0-1.0", few)
    params.write_text(text, encoding="utf-8")
    run(served, folder, sys.executable, "-m", "flows.sample")
    run(served, folder, sys.executable, "-m", "flows.dataset")
    expected = digest(folder / "data" / "dataset")

    text = text.replace("dask: null", f'dask: "{address}"')
    params.write_text(text, encoding="utf-8")
    prepared = folder / "work" / "dataset" / "prepared"
    run(served, folder, "rm", "-r", "work/dataset", "data/dataset")
    build = subprocess.Popen(
        [sys.executable, "-m", "flows.dataset"], cwd=folder, env=served, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 200
        while len(list(prepared.glob("*/*.key"))) < 3:
            assert build.poll() is None, "the build ended before a worker was killed"
            assert time.monotonic() < deadline, "no shard was finished"
            time.sleep(0.05)
        os.killpg(workers[0].pid, signal.SIGKILL)
        assert build.wait(timeout=280) == 0
    finally:
        if build.poll() is None:
            stop(build)
    assert workers[1].poll() is None
    assert digest(folder / "data" / "dataset") == expected
