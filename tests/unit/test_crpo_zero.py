"""The policy update in two processes against one, and after a kill."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pulsemind import artifacts
from pulsemind.crpo.optimizer import STATE
from pulsemind.crpo.update import UpdateResult, update
from pulsemind.sft import checkpoints
from tests.processes import outputs
from tests.unit.crpo_job import SETTINGS, rewards, sampled, some_queries, start, write_batch

FOUR = SETTINGS.model_copy(
    update={
        "epochs": 2,
        "batch": 2,
        "global_batch": 8,
        "save_every": 1,
        "correction": SETTINGS.correction.model_copy(update={"kind": "token"}),
    }
)
"""Four steps of two mini-batches; some micro-batches have images, others not."""


@pytest.fixture(scope="module")
def places(
    base: Path, adapter: Path, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, ...]:
    """Base, a policy that an update made, with its optimiser's state, reference, data, batch."""
    folder = tmp_path_factory.mktemp("places")
    queries = some_queries()
    before = sampled(base, adapter, data, queries)
    one = SETTINGS.model_copy(update={"learning_rate": 0.001})
    policy = folder / "policy"
    policy.mkdir()
    update(
        one, base, adapter, adapter, data, queries, before, rewards(queries), folder / "work",
        policy, lambda step, figures: None,
    )  # fmt: skip
    rollouts = sampled(base, policy, data, queries)
    return base, policy, adapter, data, write_batch(folder, queries, rollouts, rewards(queries))


@pytest.fixture(scope="module")
def alone(places: Sequence[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The undisturbed run of one process."""
    folder = tmp_path_factory.mktemp("alone")
    finish(start(FOUR, places, folder / "work", folder / "out"))
    return folder


def finish(process: subprocess.Popen[str], code: int = 0) -> None:
    output, _ = outputs(process)
    assert process.returncode == code, output


@pytest.mark.parametrize("zero", [*(pytest.param(z, marks=pytest.mark.slow) for z in (0, 2)), 3])
def test_two_processes_end_with_the_adapter_of_one(
    places: Sequence[Path], alone: Path, tmp_path: Path, zero: int
) -> None:
    wanted = FOUR.model_copy(update={"zero": zero})
    finish(start(wanted, places, tmp_path / "work", tmp_path / "out", processes=2))
    near(alone, tmp_path)


def near(alone: Path, folder: Path) -> None:
    for name in ("adapter_model.safetensors", STATE):
        one, many = (load_file(place / "out" / name) for place in (alone, folder))
        assert one.keys() == many.keys()
        for key, value in one.items():
            found = many[key].reshape(value.shape)
            torch.testing.assert_close(found, value, atol=1e-4, rtol=0, msg=f"{name}: {key}")
    one, many = (
        UpdateResult.model_validate_json((place / "work" / "result.json").read_text())
        for place in (alone, folder)
    )
    for name, value in one.model_dump().items():
        assert getattr(many, name) == pytest.approx(value, abs=1e-4), name


def test_a_killed_update_goes_on_to_the_same_adapter(
    places: Sequence[Path], alone: Path, tmp_path: Path
) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    finish(start(FOUR, places, work, out, kill_at=3), code=-signal.SIGKILL)
    assert [path.name for path in checkpoints.finished(work)] == ["checkpoint-2"]
    shutil.rmtree(out)
    finish(start(FOUR, places, work, out))
    assert artifacts.folder_digest(out) == artifacts.folder_digest(alone / "out")
    results = [(place / "work" / "result.json").read_text() for place in (alone, tmp_path)]
    assert results[0] == results[1]


@pytest.mark.slow
def test_zero_3_goes_on_from_its_checkpoint(
    places: Sequence[Path], alone: Path, tmp_path: Path
) -> None:
    wanted = FOUR.model_copy(update={"zero": 3, "save_every": 3})
    work, out = tmp_path / "work", tmp_path / "out"
    finish(start(wanted, places, work, out, processes=2))
    (work / "checkpoint-4" / "finished").unlink(missing_ok=True)
    shutil.rmtree(out)
    finish(start(wanted, places, work, out, processes=2))
    near(alone, tmp_path)
