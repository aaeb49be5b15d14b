"""`tasks.stage` with real Prefect, DVC and git, on a chain of two small stages."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Environment, attempt, commit_all, run

DVC_YAML = """
vars: [params.yaml]
stages:
  first:
    cmd: python -m chain.first
    deps: [data/raw.txt, chain/first.py]
    params: ["profiles.${profile}.first"]
    outs: [data/first]
  second:
    cmd: python -m chain.second
    deps: [data/first, chain/second.py]
    params: ["profiles.${profile}.second"]
    outs: [data/second]
    metrics: [metrics/second.json]
"""
PARAMS = """
profile: small
profiles:
  small: {first: {times: 2}, second: {suffix: "!"}}
"""
FLOW = """
import os
import signal
from pathlib import Path

from prefect import flow, task
from ruamel.yaml import YAML

from pulsemind import artifacts
from tasks.stage import once, produced, stage

SOURCE, OUT, METRICS = {source}, Path("data/{name}"), {metrics}


@task
def make():
    Path("work").mkdir(exist_ok=True)
    with Path("work/ran").open("a") as ran:
        ran.write("{name} ")
    section = YAML(typ="safe").load(Path("params.yaml"))["profiles"]["small"]["{name}"]
    with artifacts.writing(OUT, "text") as folder:
        text = SOURCE.read_text()
        (folder / "part").write_text(text)
        if os.environ.get("DIE") == "{name}":
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / "text").write_text(text * section.get("times", 1) + section.get("suffix", ""))
    for path in METRICS:
        artifacts.write_json(path, {{"length": len(text)}})
    return produced(OUT, *METRICS)


@flow(name="{name}")
def {name}():
    with stage("{name}") as this:
        once(make, this.signature)


if __name__ == "__main__":
    {name}()
"""
PIPELINE = """
from chain.first import first
from chain.second import second

first()
second()
"""


class Chain:
    """A repository with the two stages, and what ran in it."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self.folder = folder
        self.environment = {**environment, "PYTHONPATH": str(ROOT)}

    def flow(self, name: str = "pipeline") -> list[str]:
        """Run a flow; returns the tasks that ran, a cache hit not among them."""
        return self._ran(sys.executable, "-m", f"chain.{name}")

    def repro(self) -> list[str]:
        """Run `dvc repro`; returns the tasks that ran."""
        return self._ran("dvc", "repro")

    def status(self) -> str:
        """What `dvc status` says."""
        return run(self.environment, self.folder, "dvc", "status").strip()

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))

    def _ran(self, *command: str) -> list[str]:
        log = self.folder / "work" / "ran"
        log.unlink(missing_ok=True)
        run(self.environment, self.folder, *command)
        return log.read_text().split() if log.exists() else []


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, served: Environment) -> Path:
    """The chain before anything has run."""
    folder = tmp_path_factory.mktemp("chain")
    for name, source, metrics in (
        ("first", 'Path("data/raw.txt")', "[]"),
        ("second", 'Path("data/first/text")', '[Path("metrics/second.json")]'),
    ):
        _write(
            folder / "chain" / f"{name}.py", FLOW.format(name=name, source=source, metrics=metrics)
        )
    _write(folder / "chain" / "pipeline.py", PIPELINE)
    _write(folder / "dvc.yaml", DVC_YAML)
    _write(folder / "params.yaml", PARAMS)
    _write(folder / "data" / "raw.txt", "cough ")
    for name in ("pyproject.toml", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"):
        _write(folder / name, (ROOT / name).read_text())
    commit_all(served, folder)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, served: Environment, fresh: Path) -> Path:
    """The chain after a run of its pipeline flow."""
    folder = tmp_path_factory.mktemp("built") / "chain"
    shutil.copytree(fresh, folder)
    assert Chain(folder, served).flow() == ["first", "second"]
    return folder


@pytest.fixture
def chain(tmp_path: Path, served: Environment, built: Path) -> Chain:
    """A copy of the chain that has run, cache and all."""
    folder = tmp_path / "chain"
    shutil.copytree(built, folder)
    return Chain(folder, served)


def test_a_second_run_does_nothing_and_dvc_agrees(chain: Chain) -> None:
    assert "up to date" in chain.status()
    assert chain.flow() == []
    assert "up to date" in chain.status()
    assert chain.repro() == []


def test_after_dvc_repro_the_flow_does_nothing(
    tmp_path: Path, served: Environment, fresh: Path
) -> None:
    shutil.copytree(fresh, tmp_path / "chain")
    chain = Chain(tmp_path / "chain", served)
    assert chain.repro() == ["first", "second"]
    assert chain.flow() == []
    assert "up to date" in chain.status()


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("params.yaml", "times: 2", "times: 3", ["first", "second"]),
        ("params.yaml", '"!"', '"?"', ["second"]),
        ("chain/second.py", "import os", "import os  # changed", ["second"]),
        ("data/raw.txt", "cough", "fever", ["first", "second"]),
    ],
    ids=["parameter", "later parameter", "code", "data"],
)
def test_what_a_stage_depends_on_runs_it_again(
    chain: Chain, path: str, old: str, new: str, expected: list[str]
) -> None:
    chain.edit(path, old, new)
    assert chain.flow() == expected
    assert "up to date" in chain.status()


def test_a_change_taken_back_runs_only_what_lost_its_output(chain: Chain) -> None:
    chain.edit("params.yaml", '"!"', '"?"')
    chain.flow("second")
    chain.edit("params.yaml", '"?"', '"!"')
    assert chain.flow() == ["second"]
    assert (chain.folder / "data/second/text").read_text() == "cough cough !"


def _delete_all(folder: Path) -> None:
    shutil.rmtree(folder / "data/second")


def _alter(folder: Path) -> None:
    # DVC links or copies from its cache; a new file in its place leaves the cache alone.
    (folder / "data/second/text").unlink()
    (folder / "data/second/text").write_text("something else")


def _add(folder: Path) -> None:
    (folder / "data/second/extra").write_text("not in the manifest")


def _alter_metrics(folder: Path) -> None:
    (folder / "metrics/second.json").unlink()
    (folder / "metrics/second.json").write_text("{}")


@pytest.mark.parametrize(
    "damage", [_delete_all, _alter, _add, _alter_metrics], ids=lambda d: d.__name__
)
def test_a_damaged_output_is_made_again(chain: Chain, damage: Callable[[Path], None]) -> None:
    damage(chain.folder)
    assert chain.flow() == ["second"]
    assert sorted(p.name for p in (chain.folder / "data/second").iterdir()) == [
        "manifest.json",
        "part",
        "text",
    ]
    assert (chain.folder / "data/second/text").read_text() == "cough cough !"
    assert "length" in (chain.folder / "metrics/second.json").read_text()
    assert "up to date" in chain.status()


def test_a_killed_stage_leaves_no_record_and_runs_next_time(
    tmp_path: Path, served: Environment, fresh: Path
) -> None:
    shutil.copytree(fresh, tmp_path / "chain")
    chain = Chain(tmp_path / "chain", served)
    killed = attempt(
        {**chain.environment, "DIE": "second"},
        chain.folder,
        sys.executable,
        "-m",
        "chain.pipeline",
    )
    assert killed.returncode == -9, killed.stdout
    lock = (chain.folder / "dvc.lock").read_text()
    assert "first:" in lock
    assert "second:" not in lock
    assert not (chain.folder / "data/second").exists()
    assert chain.flow() == ["second"]
    assert "up to date" in chain.status()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
