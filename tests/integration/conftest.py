"""A real Prefect server for the tests of the wiring, and copies of the repository to run in."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import outputs

ROOT = Path(__file__).parents[2]
PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")
OURS = ("PREFECT_", "MLFLOW_", "DVC_", "PULSEMIND_", "GIT_")
Environment = dict[str, str]


def run(environment: Environment, folder: Path, *command: str) -> str:
    """Run a command in a folder; returns its output. Fails the test, with it, when it fails."""
    done = attempt(environment, folder, *command)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
    return done.stdout


def attempt(
    environment: Environment, folder: Path, *command: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with standard output and error as one text."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    out, err = outputs(process)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def checkout(environment: Environment, folder: Path) -> None:
    """Copy what git has or would take of this repository into `folder`, a new repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout: what belongs to the repository is unknown")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    commit_all(environment, folder)


def commit_all(environment: Environment, folder: Path) -> None:
    """Make the folder a git repository whose one commit holds everything in it."""
    run(environment, folder, "git", "init", "--quiet")
    run(environment, folder, "git", "add", "--all")
    run(environment, folder, "git", "commit", "--quiet", "--message", "test")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Variables for child processes: nothing of the caller's set-up, nothing outside tmp."""
    home = tmp_path_factory.mktemp("home")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DVC_SITE_CACHE_DIR": str(home / "dvc"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
    }


@pytest.fixture(scope="session")
def served(
    environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """`environment`, with the address of a running Prefect server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}/api"
        _await(f"{address}/health", server, folder / "log")
        yield {**environment, "PREFECT_API_URL": address}
    finally:
        stop(server)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session of its own, and everything that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300  # a slow machine imports Prefect for a minute
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the Prefect server ended:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise AssertionError(f"no Prefect server after five minutes:\n{log.read_text()}")
