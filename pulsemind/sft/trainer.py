"""The trainer of both stages: transformers' own, with a token-exact loss and clear errors."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import EvalPrediction, Trainer, TrainerCallback

from pulsemind.model.load import save_adapter
from pulsemind.sft import checkpoints
from pulsemind.sft.zero import gathered

Log = Callable[[int, dict[str, float]], None]
"""Called with the step and its figures."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message names step and records and says what to do."""


class SftTrainer(Trainer):  # type: ignore[misc]
    """Takes the collator's extra keys out of a batch and turns failures into clear errors."""

    tokens = 0
    """Tokens without padding that this process trained on."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The trainer's loss of a batch. Raises TrainingError when it is no number."""
        batch = {k: v for k, v in inputs.items() if k not in ("records", "tokens")}
        if model.training:
            self.tokens += inputs["tokens"]
        try:
            result = super().compute_loss(model, batch, return_outputs, num_items_in_batch)
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"out of memory at step {self.state.global_step + 1} with a batch of "
                f"{tuple(inputs['input_ids'].shape)} tokens, records {_named(inputs)}. Lower "
                "max_length or batch (docs/memory.md says what each costs), turn on "
                "gradient_checkpointing, or spread over more processes with zero: 3"
            ) from error
        loss = result[0] if return_outputs else result
        if model.training and not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss of step {self.state.global_step + 1} is {loss.item()}, records "
                f"{_named(inputs)}. Nothing of this step is kept: lower learning_rate or look at "
                "these records, then run again; training goes on from the last checkpoint"
            )
        return result

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError) as error:  # torch.save wraps a failed write
            free = shutil.disk_usage(self.args.output_dir).free
            raise TrainingError(
                f"the checkpoint of step {self.state.global_step} could not be written "
                f"({free / 2**30:.1f} GiB free): {error}. Free some disk and run again; training "
                "goes on from the last finished checkpoint"
            ) from error


def _named(inputs: dict[str, Any], most: int = 8) -> str:
    names = inputs["records"]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")


def token_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
    """Mean negative log-likelihood a physician token, in nats, over the whole optimiser step.

    Qwen2.5-VL's own loss is a mean a micro-batch, under which a token of a short micro-batch counts
    more; here every token of a step counts the same, however it is cut into micro-batches.

    Args:
        outputs: logits (B, K, vocabulary).
        labels: (B, 1 + K), as the collator makes them.
        num_items_in_batch: tokens with a loss in the step; None: those of this batch.
    """
    wanted = labels[:, 1:].flatten()
    logits = outputs["logits"].flatten(0, 1).float()
    count = (wanted != -100).sum() if num_items_in_batch is None else num_items_in_batch
    return cross_entropy(logits, wanted, reduction="sum") / count


def token_sums(logits: Any, labels: torch.Tensor) -> torch.Tensor:
    """Sum of the negative log-likelihoods and number of tokens of each row: (B, 2)."""
    logits = logits[0] if isinstance(logits, tuple) else logits
    wanted = labels[:, 1:]
    losses = cross_entropy(logits.transpose(1, 2).float(), wanted, reduction="none")
    return torch.stack([losses.sum(1), (wanted != -100).sum(1).float()], dim=1)


def mean_loss(prediction: EvalPrediction) -> dict[str, float]:
    """Mean negative log-likelihood a token over a whole set, whatever its batches."""
    total, count = prediction.predictions.astype("float64").sum(0)
    return {"nll": float(total / count)}


class Report(TrainerCallback):  # type: ignore[misc]
    """Passes figures on: loss, learning rate, gradient norm, speed, peak memory."""

    def __init__(self, log: Log, trainer: SftTrainer, flops_per_token: float | None) -> None:
        self.log, self.trainer = log, trainer
        self.start, self.tokens = time.perf_counter(), 0

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        figures = {k: float(v) for k, v in kwargs["logs"].items() if isinstance(v, (int, float))}
        self.log(state.global_step, figures)


class Checkpoints(TrainerCallback):  # type: ignore[misc]
    """Saves by minutes as well as by steps, and marks what is whole."""

    def __init__(self, minutes: float | None) -> None:
        self.minutes, self.last = minutes, time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.minutes is None:
            return
        due = time.monotonic() - self.last >= 60 * self.minutes
        control.should_save |= _agreed(due)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            checkpoints.finish(Path(args.output_dir), state.global_step)
        self.last = time.monotonic()


def _agreed(due: bool) -> bool:
    """The first process's clock decides for all: saving is done together."""
    if not torch.distributed.is_initialized():
        return due
    answer = [due]
    torch.distributed.broadcast_object_list(answer, src=0)
    return answer[0]


class Snapshots(TrainerCallback):  # type: ignore[misc]
    """Keeps the adapters of the asked-for steps."""

    def __init__(self, steps: list[int], folder: Path) -> None:
        self.steps, self.folder = steps, folder

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step not in self.steps:
            return
        with gathered(kwargs["model"]):
            if state.is_world_process_zero:
                target = self.folder / f"step-{state.global_step:06d}"
                temporary = target.with_name(f".{target.name}")
                save_adapter(kwargs["model"], temporary)
                shutil.rmtree(target, ignore_errors=True)
                temporary.rename(target)
