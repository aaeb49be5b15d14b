"""The trainer of a policy update: transformers' own, with the loss of recorded candidates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Trainer

from pulsemind.crpo import loss as losses
from pulsemind.crpo.loss import Share, Tokens
from pulsemind.settings import CrpoSettings
from pulsemind.sft.trainer import TrainingError, memory_explained

POLICY, REFERENCE, OLD = "default", "reference", "old"
"""Adapters on the base: the one that learns, the SFT adapter, the one that sampled."""


@dataclass
class _Sums:
    """Sums over the scored tokens of a step; they add up over micro-batches and processes."""

    tokens: float = 0.0
    kl: float = 0.0
    clipped: float = 0.0
    compared: float = 0.0
    """Tokens whose log-probability under the unchanged policy is known."""
    apart: float = 0.0
    """Sum of |trainer's - engine's log-probability| over these."""
    most: float = 0.0
    """Largest of these distances; a maximum, no sum."""


@contextmanager
def adapter(model: Any, name: str) -> Iterator[None]:
    """Compute with a frozen adapter, without gradients; the policy's is active again after."""
    model.base_model.set_adapter(name, inference_mode=True)
    try:
        with torch.no_grad():
            yield
    finally:
        model.base_model.set_adapter(POLICY)


class PolicyTrainer(Trainer):
    """Trains on micro-batches of `pulsemind.crpo.batch.Collator`, in the order of the data."""

    settings: CrpoSettings
    share: Share

    def __init__(self, settings: CrpoSettings, share: Share, **options: Any) -> None:
        # A loss function of its own tells transformers not to divide the loss once more.
        super().__init__(compute_loss_func=_unused, **options)
        self.settings, self.share = settings, share
        self.sums = _Sums()
        self.kept: dict[str, dict[int, torch.Tensor]] = {REFERENCE: {}, OLD: {}}

    def training_step(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Forward and backward pass of a batch. Raises TrainingError when memory runs out."""
        with memory_explained(inputs, self.state.global_step + 1):
            result: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        return result

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> torch.Tensor:
        """The micro-batch's part of the step's loss. Raises TrainingError when it is no number."""
        settings, tokens = self.settings, Tokens(inputs["owners"], inputs["lengths"])
        reference = self._frozen(REFERENCE, model, inputs) if settings.kl else None
        trusted = settings.correction.kind == "none"
        first = self.state.global_step == 0
        old = None if first or trusted else self._frozen(OLD, model, inputs)
        new: torch.Tensor = model(**inputs["inputs"])
        recorded = inputs["recorded"]
        if first or old is not None:
            self._compare(new.detach() if old is None else old, recorded)
        if old is None:
            old = recorded if trusted else new.detach()
        ratio = (new - old).exp()
        each = losses.token_losses(settings, new, ratio, inputs["advantages"][tokens.owners])
        each = each * losses.correction_ratio(settings.correction, old, recorded, tokens)
        self.sums.tokens += len(each)
        self.sums.clipped += float(((ratio.detach() - 1).abs() > settings.clip).sum())
        if reference is not None:
            apart = losses.kl_estimate(new, reference)
            self.sums.kl += float(apart.detach().sum())
            each = each + settings.kl * apart * ratio
        result = losses.averaged(settings, each, tokens, self.share)
        if not math.isfinite(result.item()):
            raise TrainingError(
                f"the loss of step {self.state.global_step + 1} is {result.item()}, candidates "
                f"{', '.join(inputs['records'])}. Nothing of this step is kept: lower "
                "crpo.learning_rate or look at these candidates, then run again"
            )
        return result

    def _frozen(self, name: str, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """Log-probabilities (K) under a frozen adapter; computed once for each candidate."""
        kept, numbers = self.kept[name], inputs["numbers"]
        if any(number not in kept for number in numbers):
            with adapter(self.accelerator.unwrap_model(model), name):
                found = model(**inputs["inputs"])
            kept.update(zip(numbers, found.split(inputs["lengths"].tolist()), strict=True))
        return torch.cat([kept[number] for number in numbers])

    def _compare(self, own: torch.Tensor, recorded: torch.Tensor) -> None:
        apart = (own - recorded).abs()
        self.sums.compared += len(apart)
        self.sums.apart += float(apart.sum())
        self.sums.most = max(self.sums.most, float(apart.max()))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds what all processes saw in the step to what is logged of it."""
        if "loss" in logs:
            logs = {**logs, **self._figures()}
        super().log(logs, start_time)

    def _figures(self) -> dict[str, float]:
        own, self.sums = self.sums, _Sums()
        device = self.args.device
        values = [own.tokens, own.kl, own.clipped, own.compared, own.apart]
        added = self.accelerator.reduce(
            torch.tensor(values, dtype=torch.float64, device=device), reduction="sum"
        ).tolist()
        most = self.accelerator.gather(torch.tensor([own.most], device=device)).max().item()
        tokens, kl, clipped, compared, apart = added
        figures = {"kl": kl / tokens, "clipped": clipped / tokens}
        if compared:
            figures |= {"compared": compared, "engine_gap": apart / compared}
            figures["engine_gap_max"] = most
        return figures

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The policy's adapter alone, in safetensors; the hub is not asked for the base."""
        if self.args.should_save:
            self.model.save_pretrained(
                output_dir or self.args.output_dir,
                state_dict=state_dict,
                selected_adapters=[POLICY],
                save_embedding_layers=False,
            )


def _unused(*_: Any) -> None:
    raise AssertionError("PolicyTrainer.compute_loss computes the loss")


def without_dropout(model: Any) -> None:
    """Switch dropout off: old and new log-probabilities must be of one function."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def in_order(lengths: Sequence[int], groups: Sequence[int], step: int) -> list[int]:
    """The order to train candidates in: within each step, whole groups by length.

    Args:
        lengths: tokens of each candidate with its prompt, in the rollout batch's order.
        groups: the query of each candidate.
        step: candidates an optimiser step; which step a candidate is in does not change.
    """
    order: list[int] = []
    for start in range(0, len(lengths), step):
        chosen = range(start, min(start + step, len(lengths)))
        longest: dict[int, int] = {}
        for i in chosen:
            longest[groups[i]] = max(longest.get(groups[i], 0), lengths[i])
        order += sorted(chosen, key=lambda i: (longest[groups[i]], groups[i], lengths[i], i))
    return order
