"""The held-out loss: of the base, of the adapter before a stage and of the one after it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import EvalPrediction, TrainerCallback, set_seed

from pulsemind.artifacts import write_json
from pulsemind.model.chat import IGNORED
from pulsemind.records import Record
from pulsemind.sft.trainer import SftTrainer

SCORE = "eval_nll"
"""The trainer's name of the held-out loss."""


class HeldOut(Record):
    """Loss on the held-out dialogues in nats a physician token, with its 95 % interval."""

    loss: float
    low: float
    high: float
    dialogues: int
    tokens: int


class MeasureBefore(TrainerCallback):
    """Measures base and starting adapter once, before the first step, into a file."""

    def __init__(self, trainer: SftTrainer, path: Path) -> None:
        self.trainer, self.path = trainer, path

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step:
            return  # a resumed run: measured before its first checkpoint
        with kwargs["model"].disable_adapter():
            figures = {"base": measure(self.trainer)}
        figures["before"] = measure(self.trainer)
        set_seed(args.seed)  # so that measuring changes nothing of what follows
        if state.is_world_process_zero:
            write_json(self.path, {k: v.model_dump() for k, v in figures.items()})


def read_before(path: Path) -> tuple[HeldOut, HeldOut]:
    """What `MeasureBefore` wrote: base, and starting adapter."""
    figures = json.loads(path.read_text(encoding="utf-8"))
    return HeldOut.model_validate(figures["base"]), HeldOut.model_validate(figures["before"])


def measure(made: SftTrainer) -> HeldOut:
    """The held-out loss of the model as it is now; all processes call this together."""
    return held_out(made.predict(made.eval_dataset).metrics, "test")


def held_out(metrics: dict[str, Any], prefix: str) -> HeldOut:
    """Out of the trainer's figures, whose names start with `prefix`."""
    return HeldOut(
        loss=metrics[f"{prefix}_nll"],
        low=metrics[f"{prefix}_low"],
        high=metrics[f"{prefix}_high"],
        dialogues=int(metrics[f"{prefix}_dialogues"]),
        tokens=int(metrics[f"{prefix}_tokens"]),
    )


def token_sums(logits: Any, labels: torch.Tensor) -> torch.Tensor:
    """Sum of the negative log-likelihoods and number of tokens of each row: (B, 2)."""
    logits = logits[0] if isinstance(logits, tuple) else logits
    wanted = labels[:, 1:]
    losses = cross_entropy(logits.transpose(1, 2).float(), wanted, reduction="none")
    return torch.stack([losses.sum(1), (wanted != IGNORED).sum(1).float()], dim=1)


def held_out_figures(prediction: EvalPrediction) -> dict[str, float]:
    """Loss over a whole set in nats a token, whatever its batches, with a 95 % interval.

    The mean is a ratio of two sums over n dialogues, losses l_i over tokens t_i; its standard error
    is that of the linearised ratio, sqrt(n / (n - 1) sum((l_i - mean t_i)^2)) / sum(t_i).
    """
    sums = prediction.predictions.astype("float64")
    n, (total, tokens) = len(sums), sums.sum(0)
    mean = total / tokens
    squares = ((sums[:, 0] - mean * sums[:, 1]) ** 2).sum()
    error = math.sqrt(n / max(1, n - 1) * squares) / tokens
    return {
        "nll": float(mean),
        "low": float(mean - 1.96 * error),
        "high": float(mean + 1.96 * error),
        "dialogues": n,
        "tokens": int(tokens),
    }
