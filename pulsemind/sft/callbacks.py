"""What happens along the way: figures, checkpoints, snapshots, the best adapter."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from pulsemind.model.load import save_adapter
from pulsemind.sft import checkpoints
from pulsemind.sft.collate import Work
from pulsemind.sft.held_out import SCORE
from pulsemind.sft.speed import model_flops, peak_flops, peak_memory
from pulsemind.sft.trainer import SftTrainer, to_disk
from pulsemind.sft.zero import gathered

LOGGER = logging.getLogger(__name__)
Log = Callable[[int, dict[str, float]], None]
"""Called with the step and its figures, by the first process only."""


class Report(TrainerCallback):
    """Passes figures on: of every window of steps, and of every measurement.

    `loss` (nats a physician token) and `grad_norm` are means over the window; `tokens_per_second`
    and `samples_per_second` count tokens and dialogues of all processes, no padding;
    `model_flops_utilisation` is the operations of `speed.ModelFlops` a second over the peak of all
    devices, on known GPUs in bf16; `peak_memory_gib` is the first process's; `held_out_loss`.
    Seconds are of the clock on the wall: checkpoints and measurements count.
    """

    def __init__(self, trainer: SftTrainer, log: Log, every: int) -> None:
        self.trainer, self.log, self.every = trainer, log, every
        self.flops = model_flops(trainer.model)
        self.window: list[dict[str, float]] = []
        self.before, self.since = Work(), time.perf_counter()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.since = time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        logs = kwargs["logs"]
        if SCORE in logs and state.is_world_process_zero:
            self.log(state.global_step, {"held_out_loss": logs[SCORE]})
        if "loss" not in logs:
            return
        self.window.append(logs)
        if state.global_step % self.every == 0:
            figures = self._figures(args.world_size)
            if state.is_world_process_zero:
                self.log(state.global_step, figures)
                LOGGER.info("step %d: %s", state.global_step, figures)

    def _figures(self, processes: int) -> dict[str, float]:
        now, done = time.perf_counter(), self.trainer.done_by_all()
        seconds = now - self.since
        part = {
            "loss": _mean(self.window, "loss"),
            "grad_norm": _mean(self.window, "grad_norm"),
            "learning_rate": self.window[-1]["learning_rate"],
            "tokens_per_second": (done.tokens - self.before.tokens) / seconds,
            "samples_per_second": (done.dialogues - self.before.dialogues) / seconds,
            "peak_memory_gib": peak_memory(),
        }
        peak = peak_flops() if self.trainer.args.bf16 else None
        if peak:
            computed = self.flops(done) - self.flops(self.before)
            part["model_flops_utilisation"] = computed / seconds / (peak * processes)
        self.window, self.before, self.since = [], done, now
        return part


def _mean(entries: Sequence[dict[str, float]], key: str) -> float:
    values = [float(entry[key]) for entry in entries if key in entry]
    return math.fsum(values) / len(values) if values else math.nan


class Checkpoints(TrainerCallback):
    """Saves by minutes as well as by steps, marks what is whole, and removes what is old."""

    def __init__(self, minutes: float | None, keep: int) -> None:
        self.minutes, self.keep, self.last = minutes, keep, time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.minutes is not None:
            due = time.monotonic() - self.last >= 60 * self.minutes
            control.should_save |= _first_decides(due)
        if state.global_step >= state.max_steps:
            # From a checkpoint of the last step transformers would train one step more.
            control.should_save = False

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # every process has written its part
        if state.is_world_process_zero:
            checkpoints.finish(Path(args.output_dir), state.global_step, self.keep)
        self.last = time.monotonic()


def _first_decides(answer: bool) -> bool:
    """The first process's clock counts for all: saving is done together."""
    if not torch.distributed.is_initialized():
        return answer
    said = [answer]
    torch.distributed.broadcast_object_list(said, src=0)
    return said[0]


class Snapshots(TrainerCallback):
    """Keeps the adapters of the asked-for steps."""

    def __init__(self, steps: list[int], folder: Path) -> None:
        self.steps, self.folder = steps, folder

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step in self.steps:
            target = self.folder / f"step-{state.global_step:06d}"
            keep_adapter(kwargs["model"], target, state)


class EarlyStop(TrainerCallback):
    """Keeps the adapter with the lowest held-out loss as `folder/step-N`, and stops in the end.

    It looks at the trainer's history only, which checkpoints hold: a resumed run stops where an
    undisturbed one does.
    """

    def __init__(self, patience: int, folder: Path) -> None:
        self.patience, self.folder = patience, folder

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if best_measurement(state.log_history)["step"] == state.global_step:
            keep_adapter(kwargs["model"], self.folder / f"step-{state.global_step:06d}", state)
        control.should_training_stop |= out_of_patience(state.log_history, self.patience)


def best_measurement(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first entry with the lowest held-out loss."""
    return min((entry for entry in history if SCORE in entry), key=lambda entry: entry[SCORE])


def out_of_patience(history: Sequence[dict[str, Any]], patience: int) -> bool:
    """Whether the last `patience` measurements brought no lower loss."""
    measured = [entry for entry in history if SCORE in entry]
    return bool(measured) and measured.index(best_measurement(history)) < len(measured) - patience


def keep_adapter(model: Any, target: Path, state: Any) -> None:
    """Write the adapter as it is now, whole or not at all; all processes call this together."""
    with gathered(model):
        if state.is_world_process_zero:
            temporary = target.with_name(f".{target.name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            with to_disk(target.parent, state.global_step):
                save_adapter(model, temporary)
                shutil.rmtree(target, ignore_errors=True)
                temporary.rename(target)
