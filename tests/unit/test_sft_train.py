"""A training stage: resumes to the same adapter, says what stopped it, stops early, measures."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pulsemind import artifacts
from pulsemind.model.load import load_base, new_adapter
from pulsemind.settings import SftSettings
from pulsemind.sft import checkpoints, trainer
from pulsemind.sft import train as module
from pulsemind.sft.callbacks import Log, out_of_patience
from pulsemind.sft.train import SftResult, train
from pulsemind.sft.trainer import TrainingError, token_loss
from tests.conftest import LORA
from tests.unit.sft_job import SETTINGS, finish, start, write_dataset

ADAPTER = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def dataset(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("sft") / "dataset", data / "images")


def run(
    base: Path, dataset: Path, folder: Path, log: Log = lambda step, figures: None, **changes: Any
) -> SftResult:
    """Train here, with settings changed, below `folder`."""
    (folder / "out").mkdir(parents=True, exist_ok=True)
    wanted = SftSettings.model_validate({**SETTINGS.model_dump(), **changes})
    return train(wanted, base, None, dataset, "stage2", folder / "work", folder / "out", log)


@pytest.fixture(scope="module")
def whole(base: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run in a process of its own."""
    folder = tmp_path_factory.mktemp("whole")
    finish(start(SETTINGS, base, dataset, folder / "work", folder / "out"))
    return folder


def kill_when(ready: Callable[[], bool], *arguments: Any) -> None:
    """Start a run and kill -9 it once `ready`; it may have ended before."""
    process = start(SETTINGS, *arguments)
    deadline = time.monotonic() + 120
    while process.poll() is None and not ready():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def same(whole: Path, folder: Path) -> None:
    """Adapter, snapshots and figures are, byte for byte, those of the undisturbed run."""
    assert artifacts.folder_digest(folder / "out") == artifacts.folder_digest(whole / "out")
    results = [(place / "work" / "result.json").read_text() for place in (whole, folder)]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "ready",
    [
        "checkpoint-4/adapter_model.safetensors",  # while a checkpoint is written
        "checkpoint-8/finished",  # behind one
    ],
)
def test_a_killed_stage_goes_on_to_the_same_adapter(
    base: Path, dataset: Path, tmp_path: Path, whole: Path, ready: str
) -> None:
    places = (base, dataset, tmp_path / "work", tmp_path / "out")
    kill_when((tmp_path / "work" / ready).exists, *places)
    assert not (tmp_path / "out" / ADAPTER).exists(), "ended before it could be killed"
    finish(start(SETTINGS, *places))
    same(whole, tmp_path)
    assert len(checkpoints.finished(tmp_path / "work")) == SETTINGS.keep


def test_a_run_killed_behind_its_last_step_trains_no_step_more(
    base: Path, dataset: Path, tmp_path: Path, whole: Path
) -> None:
    places = (base, dataset, tmp_path / "work", tmp_path / "out")
    finish(start(SETTINGS, *places))
    shutil.rmtree(tmp_path / "out")  # as a task does with what a killed one left
    finish(start(SETTINGS, *places))
    same(whole, tmp_path)


@pytest.mark.slow
def test_ten_kills_at_random_moments_end_with_the_same_adapter(
    base: Path, dataset: Path, tmp_path: Path, whole: Path
) -> None:
    """Moments are spread over the life of a run, start and end included."""
    begin = time.monotonic()
    warm = (base, dataset, tmp_path / "warm" / "work", tmp_path / "warm" / "out")
    finish(start(SETTINGS, *warm))
    life = time.monotonic() - begin
    drawn = random.Random(7)
    for number in range(10):
        folder = tmp_path / str(number)
        places = (base, dataset, folder / "work", folder / "out")
        moment = time.monotonic() + drawn.uniform(0.3, 1.0) * life

        def due(moment: float = moment) -> bool:
            return time.monotonic() >= moment

        kill_when(due, *places)
        # What a killed task leaves of its artifact, the next one throws away.
        shutil.rmtree(folder / "out", ignore_errors=True)
        finish(start(SETTINGS, *places))
        same(whole, folder)


def test_a_half_written_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    for step in (4, 8, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
    checkpoints.finish(tmp_path, 4, keep=1)
    checkpoints.finish(tmp_path, 8, keep=1)
    assert [p.name for p in checkpoints.finished(tmp_path)] == ["checkpoint-8"]
    assert checkpoints.last_finished(tmp_path) == tmp_path / "checkpoint-8"
    assert not (tmp_path / "checkpoint-12").exists()


def test_checkpoints_by_the_clock(base: Path, dataset: Path, tmp_path: Path) -> None:
    run(base, dataset, tmp_path, save_every=100, save_minutes=1e-6, keep=3, snapshots=[])
    names = [path.name for path in checkpoints.finished(tmp_path / "work")]
    assert names == ["checkpoint-9", "checkpoint-10", "checkpoint-11"]


def test_a_loss_that_is_no_number_stops_with_step_and_records(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"loss of step \d+ is nan, records c\d, c\d\. Nothing"):
        run(base, dataset, tmp_path, learning_rate=1e30, warmup_steps=0, lora=LORA.model_dump())


@pytest.mark.parametrize("training", [False, True])
def test_out_of_memory_names_the_batch(
    base: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training: bool
) -> None:
    """While it trains, and while it measures the held-out loss before."""

    def greedy(*args: Any, **kwargs: Any) -> Any:
        if torch.is_grad_enabled() is training:
            torch.empty(2**50)  # what no allocator grants
        return token_loss(*args, **kwargs)

    monkeypatch.setattr(trainer, "token_loss", greedy)
    with pytest.raises(
        TrainingError, match=r"out of memory at step 1 with a batch of 2 x \d+ tokens.*records c\d"
    ):
        run(base, dataset, tmp_path)


def test_a_checkpoint_that_cannot_be_written_stops_with_advice(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(step: int, figures: dict[str, float]) -> None:
        if step == 7:  # from here on the system refuses to write large files
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))

    try:
        with pytest.raises(TrainingError, match=r"step 8 leaves could not be written.*GiB free"):
            run(base, dataset, tmp_path, full, snapshots=[])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert checkpoints.last_finished(tmp_path / "work") == tmp_path / "work" / "checkpoint-4"
    result = run(base, dataset, tmp_path, snapshots=[])
    assert result.steps == 12


def test_other_processes_than_those_that_began_are_refused(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    artifacts.write_json(tmp_path / "work" / "processes.json", 8)
    with pytest.raises(TrainingError, match="begun by 8 processes, these are 1"):
        run(base, dataset, tmp_path)


def test_sizes_that_do_not_fit_together_are_refused(
    base: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"zero: 3 needs training processes.*services\.launch"):
        run(base, dataset, tmp_path, zero=3)
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ValueError, match=r"global_batch 4 must be a multiple.*\(2 x 4\)"):
        run(base, dataset, tmp_path, global_batch=4)


def test_an_attention_that_is_not_installed_is_named(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="attention: flash_attention_2 cannot be used here"):
        run(base, dataset, tmp_path, attention="flash_attention_2")


def test_packing_falls_back_where_attention_cannot_keep_dialogues_apart() -> None:
    def packs(**changes: Any) -> bool:
        return module._packing(SETTINGS.model_copy(update={"packing": True, **changes}))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert packs(attention="sdpa", batch=2)
        assert packs(attention="flash_attention_2", batch=1)
    with pytest.warns(UserWarning, match="packing is off: flash_attention_2.*batch is 2"):
        assert not packs(attention="flash_attention_2", batch=2)


def test_accumulation_changes_nothing(base: Path, dataset: Path, tmp_path: Path) -> None:
    """A step of four rows is the same step in one batch and in two (no dropout)."""
    plain = {"lora": LORA.model_dump(), "global_batch": 4, "steps": 3, "snapshots": []}
    runs = [
        run(base, dataset, tmp_path / str(batch), batch=batch, **plain).model_dump()
        for batch in (4, 2)
    ]
    for one, other in zip(*(r["history"] for r in runs), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-5)


def test_packed_training_counts_every_dialogue(base: Path, dataset: Path, tmp_path: Path) -> None:
    packed = run(base, dataset, tmp_path, packing=True, max_length=500, snapshots=[])
    assert packed.packed
    assert packed.rows < packed.train.records == 10
    assert 0.5 < packed.fill <= 1


def test_figures_of_every_window_reach_the_log(base: Path, dataset: Path, tmp_path: Path) -> None:
    seen: dict[int, dict[str, float]] = {}
    result = run(
        base, dataset, tmp_path, lambda step, figures: seen.setdefault(step, {}).update(figures),
        evaluate_every=6, gradient_checkpointing=True,
    )  # fmt: skip
    assert sorted(seen) == list(range(1, 13))
    assert seen[12].keys() == {
        "loss", "grad_norm", "learning_rate", "tokens_per_second", "samples_per_second",
        "peak_memory_gib", "held_out_loss",
    }  # fmt: skip
    assert seen[12]["held_out_loss"] == pytest.approx(result.after.loss)
    assert [entry.loss for entry in result.history] == [seen[s]["loss"] for s in sorted(seen)]


def test_held_out_losses_come_with_intervals(whole: Path) -> None:
    result = SftResult.model_validate_json((whole / "work" / "result.json").read_text())
    assert result.base == result.before  # a new adapter changes nothing
    assert result.after.loss < result.base.loss
    assert result.after.low < result.after.loss < result.after.high
    assert result.after.dialogues == 3
    assert result.validation_loss == result.after.loss


def test_training_stops_early_and_keeps_the_best_adapter(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    changes = {
        "steps": 60,
        "learning_rate": 0.3,
        "evaluate_every": 2,
        "patience": 2,
        "snapshots": [],
    }
    result = run(base, dataset, tmp_path, **changes)
    assert result.steps < 60
    best = result.steps - 2 * 2
    kept = tmp_path / "work" / "best" / f"step-{best:06d}" / ADAPTER
    assert kept.read_bytes() == (tmp_path / "out" / ADAPTER).read_bytes()
    last = checkpoints.finished(tmp_path / "work")[-1]
    state = json.loads((last / "trainer_state.json").read_text())
    measured = [e["eval_nll"] for e in state["log_history"] if "eval_nll" in e]
    assert result.after.loss == min(measured)
    # Killed behind its last step: the next run has nothing to train, and ends the same.
    (tmp_path / "out" / ADAPTER).unlink()
    assert run(base, dataset, tmp_path, **changes) == result
    assert kept.read_bytes() == (tmp_path / "out" / ADAPTER).read_bytes()


def test_patience_counts_measurements_without_a_lower_loss() -> None:
    def after(*losses: float) -> bool:
        return out_of_patience([{"loss": 0.0}, *({"eval_nll": loss} for loss in losses)], 2)

    assert not after()
    assert not after(3.0)
    assert not after(3.0, 3.5)
    assert after(3.0, 3.5, 3.0)  # equal is not lower
    assert not after(3.0, 3.5, 2.9, 3.0)
    assert after(3.0, 3.5, 2.9, 3.0, 3.1)


def test_batches_prepared_by_other_processes_are_the_same(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    changes = {"steps": 3, "snapshots": []}
    runs = [run(base, dataset, tmp_path / str(n), loaders=n, **changes) for n in (0, 2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("vision", "projector"), [(False, False), (True, False), (True, True)])
def test_the_adapter_lies_on_the_parts_asked_for(base: Path, vision: bool, projector: bool) -> None:
    lora = LORA.model_copy(update={"vision": vision, "projector": projector})
    names = [n for n, p in new_adapter(load_base(base), lora).named_parameters() if p.requires_grad]
    assert any(".language_model." in name for name in names)
    assert any(".visual.blocks." in name for name in names) is vision
    assert any(".merger." in name for name in names) is projector
    assert not any("lm_head" in name for name in names)
