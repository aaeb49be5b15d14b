"""The optimiser of the policy, which goes on from one iteration's update to the next.

AdamW starts with steps of full size in the sign of each gradient, until its moments mean something.
Started anew at every update it would take such steps at every iteration, and a policy of a few
steps an iteration would walk at random along all directions that carry no reward (ours).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn import Module, Parameter
from torch.optim import AdamW, Optimizer

STATE = "optimizer.safetensors"
"""Beside an adapter that an update made."""
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def adamw(model: Module, learning_rate: float, policy: Path) -> AdamW:
    """AdamW (no weight decay) for the trainable parameters of `model`.

    Args:
        policy: folder of the adapter that is trained on; the state beside it is taken up. The SFT
            adapter has none: moments start at zero.

    Raises ValueError when the state is not that of these parameters.
    """
    optimizer = AdamW([p for _, p in _trainable(model)], lr=learning_rate, weight_decay=0.0)
    if not (policy / STATE).is_file():
        return optimizer
    saved = load_file(policy / STATE)
    for name, parameter in _trainable(model):
        try:
            state = {moment: saved.pop(f"{name}.{moment}") for moment in MOMENTS}
        except KeyError:
            raise ValueError(f"{policy / STATE} has no moments of {name}") from None
        if state["exp_avg"].shape != parameter.shape:
            raise ValueError(f"{policy / STATE}: moments of {name} have another shape")
        optimizer.state[parameter] = {
            m: t.to(parameter.device if m != "step" else "cpu") for m, t in state.items()
        }
    if saved:
        raise ValueError(f"{policy / STATE} has moments of other parameters than the adapter's")
    return optimizer


def save(optimizer: Optimizer, model: Module, folder: Path) -> None:
    """Write the state beside the adapter in `folder`, named by parameter."""
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in _trainable(model):
        for moment, value in optimizer.state[parameter].items():
            tensors[f"{name}.{moment}"] = value.detach().cpu().contiguous()
    save_file(tensors, folder / STATE)


def _trainable(model: Module) -> Iterator[tuple[str, Parameter]]:
    return ((name, p) for name, p in model.named_parameters() if p.requires_grad)
