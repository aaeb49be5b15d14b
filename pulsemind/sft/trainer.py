"""The trainer of both stages: transformers' own, with a token-exact loss and clear errors."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch.nn.functional import cross_entropy
from transformers import Trainer

from pulsemind.model.chat import IGNORED
from pulsemind.sft.collate import Work


class TrainingError(RuntimeError):
    """Training cannot go on; the message names step and records and says what to do."""


class SftTrainer(Trainer):
    """Takes the collator's extra keys out of a batch and turns failures into clear errors."""

    done = Work()
    """What this process has trained on since it started."""

    def training_step(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Forward and backward pass of a batch. Raises TrainingError when memory runs out."""
        with memory_explained(inputs, self.state.global_step + 1):
            loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        return loss

    def prediction_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Forward pass of a held-out batch. Raises TrainingError when memory runs out."""
        with memory_explained(inputs, self.state.global_step + 1):
            return super().prediction_step(model, inputs, *args, **kwargs)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The loss of a batch. Raises TrainingError when it is no number."""
        batch = {k: v for k, v in inputs.items() if k not in ("records", "work")}
        result = super().compute_loss(model, batch, return_outputs, num_items_in_batch)
        if not model.training:
            return result
        self.done += inputs["work"]
        loss = (result[0] if return_outputs else result).item()
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss of step {self.state.global_step + 1} is {loss}, records "
                f"{_named(inputs)}. Nothing of this step is kept: lower learning_rate or look at "
                "these records, then run again; under the same settings training goes on from "
                "the last checkpoint"
            )
        return result

    def done_by_all(self) -> Work:
        """What all processes together have trained on; they call this together."""
        own = self.done
        mine = [own.dialogues, own.tokens, own.squares, own.learned, own.patches]
        counts = torch.tensor(mine, dtype=torch.int64, device=self.args.device)
        return Work(*self.accelerator.reduce(counts, reduction="sum").tolist())

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The adapter alone, in safetensors; the hub is not asked for the base."""
        if self.args.should_save:
            folder = output_dir or self.args.output_dir
            self.model.save_pretrained(folder, state_dict=state_dict, save_embedding_layers=False)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with to_disk(Path(self.args.output_dir), self.state.global_step):
            super()._save_checkpoint(model, trial)


@contextmanager
def to_disk(folder: Path, step: int) -> Iterator[None]:
    """Say what to do when writing below `folder` fails: raises TrainingError."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:  # torch.save raises RuntimeError
        free = shutil.disk_usage(folder).free / 2**30
        raise TrainingError(
            f"what step {step} leaves could not be written below {folder} ({free:.1f} GiB free): "
            f"{error}. If the disk is full, free some (keep: 1 needs the least) and run again; "
            "training goes on from the last finished checkpoint"
        ) from error


@contextmanager
def memory_explained(inputs: dict[str, Any], step: int) -> Iterator[None]:
    """Say which batch asked for too much memory, and what helps: raises TrainingError."""
    try:
        yield
    except RuntimeError as error:
        if not (isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)):
            raise
        batch = inputs.get("inputs", inputs)  # CRPO's batches hold the model's part by itself
        shape, images = batch["input_ids"].shape, batch.get("pixel_values", ())
        raise TrainingError(
            f"out of memory at step {step} with a batch of "
            f"{' x '.join(map(str, shape))} tokens and "
            f"{len(images)} image patches, records {_named(inputs)}. Lower batch, "
            "max_length or base.max_pixels, turn on gradient_checkpointing, or share the "
            "weights among more processes with zero: 3 (docs/memory.md says what each costs)"
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
    count = (wanted != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
    return cross_entropy(logits, wanted, reduction="sum") / count
