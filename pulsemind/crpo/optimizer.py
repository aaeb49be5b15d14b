"""The optimiser of the policy, which goes on from one iteration's update to the next.

AdamW starts with steps of full size in the sign of each gradient, until its moments mean something.
Started anew at every update it would take such steps at every iteration, and a policy of a few
steps an iteration would walk at random along all directions that carry no reward (ours).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn import Module, Parameter
from torch.optim import AdamW
from transformers import TrainerCallback

from pulsemind.sft import zero

STATE = "optimizer.safetensors"
"""Beside an adapter that an update made."""
MOMENTS = ("exp_avg", "exp_avg_sq")
Saved = dict[str, dict[str, torch.Tensor]]
"""`step`, a scalar, and the moments of each parameter, by its name."""


def adamw(model: Module, learning_rate: float) -> AdamW:
    """AdamW without weight decay for the trainable parameters of `model`."""
    return AdamW([p for _, p in _trainable(model)], lr=learning_rate, weight_decay=0.0)


def read(policy: Path, model: Module) -> Saved | None:
    """The state beside the adapter that is trained on; None when it has none, as the SFT adapter.

    Raises ValueError when the state is not that of the model's trainable parameters.
    """
    if not (policy / STATE).is_file():
        return None
    saved = load_file(policy / STATE)
    found: Saved = {}
    for name, parameter in _trainable(model):
        try:
            state = {key: saved.pop(f"{name}.{key}") for key in ("step", *MOMENTS)}
        except KeyError:
            raise ValueError(f"{policy / STATE} has no moments of {name}") from None
        if state["exp_avg"].numel() != zero.size(parameter):
            raise ValueError(f"{policy / STATE}: moments of {name} have another shape")
        found[name] = state
    if saved:
        raise ValueError(f"{policy / STATE} has moments of other parameters than the adapter's")
    return found


class GoesOn(TrainerCallback):
    """Takes the saved state up when training begins; a resumed run has its checkpoint's."""

    def __init__(self, saved: Saved | None) -> None:
        self.saved = saved

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.saved and state.global_step == 0:
            _take_up(self.saved, kwargs["optimizer"].optimizer, kwargs["model"])
        self.saved = None


def _take_up(saved: Saved, optimizer: Any, model: Module) -> None:
    """Set the state of an optimiser that has taken no step yet, wrapped by ZeRO or not."""
    step = next(iter(saved.values()))["step"]
    flat = zero.partitions(optimizer)
    if flat is None:
        for name, parameter in _trainable(model):
            moments = {key: saved[name][key].to(parameter.device) for key in MOMENTS}
            optimizer.state[parameter] = {"step": step.clone(), **moments}
        return
    for part in flat:
        zeros = {key: torch.zeros_like(part) for key in MOMENTS}
        optimizer.optimizer.state[part] = {"step": step.clone(), **zeros}
    for name, parameter in _trainable(model):
        for key in MOMENTS:
            zero.set_state(optimizer, parameter, key, saved[name][key])


def save(optimizer: Any, model: Module, folder: Path) -> None:
    """Write the state beside the adapter in `folder`, named by parameter; by the first process.

    All processes call this together.
    """
    optimizer = optimizer.optimizer
    flat = zero.partitions(optimizer)
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in _trainable(model):
        for key in MOMENTS:
            value = (
                optimizer.state[parameter][key]
                if flat is None
                else zero.whole_state(parameter, key)
            )
            tensors[f"{name}.{key}"] = value.detach().cpu().contiguous()
        step = (
            optimizer.state[parameter]["step"]
            if flat is None
            else optimizer.optimizer.state[flat[0]]["step"]
        )
        tensors[f"{name}.step"] = step.detach().cpu().clone()
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        save_file(tensors, folder / STATE)


def _trainable(model: Module) -> Iterator[tuple[str, Parameter]]:
    return ((name, p) for name, p in model.named_parameters() if p.requires_grad)
