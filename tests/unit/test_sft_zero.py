"""ZeRO-3 and plain data parallel training in two processes on the CPU, against one process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pulsemind.model.load import load_adapter, load_base
from pulsemind.sft.train import SftResult
from tests.conftest import LORA
from tests.unit.sft_job import SETTINGS, finish, start, write_dataset

FIVE = SETTINGS.model_copy(
    update={"lora": LORA, "steps": 5, "global_batch": 4, "save_every": 3, "snapshots": [2]}
)
ADAPTER = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def dataset(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("zero") / "dataset", data / "images", 24)


@pytest.fixture(scope="module")
def alone(
    base: Path, dataset: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    finish(start(FIVE, base, dataset, folder / "work", folder / "out", adapter))
    return folder


def near(alone: Path, folder: Path) -> None:
    for name in (ADAPTER, f"snapshots/step-000002/{ADAPTER}"):
        one, many = (load_file(place / "out" / name) for place in (alone, folder))
        assert one.keys() == many.keys()
        for key, value in one.items():
            torch.testing.assert_close(many[key], value, atol=1e-4, rtol=0, msg=f"{name}: {key}")
    results = [
        SftResult.model_validate_json((place / "work" / "result.json").read_text())
        for place in (alone, folder)
    ]
    for at in ("base", "before", "after"):
        one, many = (getattr(result, at) for result in results)
        assert (one.dialogues, one.tokens) == (many.dialogues, many.tokens)
        assert many.loss == pytest.approx(one.loss, abs=1e-4)


@pytest.mark.parametrize("zero", [0, 2, 3])
def test_two_processes_end_with_the_adapter_of_one(
    base: Path, dataset: Path, adapter: Path, tmp_path: Path, alone: Path, zero: int
) -> None:
    wanted = FIVE.model_copy(update={"zero": zero})
    work, out = tmp_path / "work", tmp_path / "out"
    finish(start(wanted, base, dataset, work, out, adapter, processes=2))
    near(alone, tmp_path)
    load_adapter(load_base(base), out)  # raises when it does not fit


@pytest.mark.slow
def test_zero_3_resumes_from_its_checkpoint(
    base: Path, dataset: Path, adapter: Path, tmp_path: Path, alone: Path
) -> None:
    """The second run finds the checkpoint of step 3 as the last one and goes on from it."""
    wanted = FIVE.model_copy(update={"zero": 3})
    work, out = tmp_path / "work", tmp_path / "out"
    finish(start(wanted, base, dataset, work, out, adapter, processes=2))
    (work / "checkpoint-5" / "finished").unlink()  # as a kill while it was written leaves it
    shutil.rmtree(out)
    finish(start(wanted, base, dataset, work, out, adapter, processes=2))
    near(alone, tmp_path)
