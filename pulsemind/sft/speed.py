"""How fast training is: tokens, samples and model FLOPs a second, memory at its peak."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Any

import torch

from pulsemind.sft.collate import Work
from pulsemind.sft.zero import size

# Dense bf16 FLOP/s of one device, from the makers' data sheets.
PEAK = {
    "A100": 312e12,
    "A800": 312e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "H800": 989e12,
    "H200": 989e12,
    "B200": 2250e12,
}


@dataclass(frozen=True)
class ModelFlops:
    """Floating-point operations that a training step of LoRA on a frozen model needs (ours).

    A weight costs 2 operations a token forward, 2 for the gradient of its input, and, if it is
    trained, 2 for its own gradient. With N weights in the language model's layers, a of them
    trained (LoRA), H in the head, L layers of attention width h, and V weights in the vision tower
    and projector, v of them trained, a batch of t tokens, k of them with a loss, p image patches
    and dialogues of n_i tokens needs

        t (4 N + 2 a) + 4 k H + 6 L h sum(n_i^2) + p (2 V + [v > 0] (2 V + 2 v))

    Attention: scores and weighted values are 4 h n^2 operations forward, half of that because it is
    causal, and twice as much backward. The tower's own attention (in windows), what gradient
    checkpointing computes twice, and padding are not counted; the projector, which sees a patch
    in four, counts as if it saw all.
    """

    token: float
    """t's factor."""
    learned: float
    """k's factor."""
    square: float
    """The sum's factor."""
    patch: float
    """p's factor."""

    def __call__(self, work: Work) -> float:
        """Operations for a batch, or for many."""
        return (
            work.tokens * self.token
            + work.learned * self.learned
            + work.squares * self.square
            + work.patches * self.patch
        )


def model_flops(model: Any) -> ModelFlops:
    """The factors for a Qwen2.5-VL with an adapter on it."""
    text = model.config.get_text_config()
    layers = trained = tower = tower_trained = head = 0
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2:
            continue
        count = size(parameter)
        if "lm_head" in name:
            head += count
        elif ".visual." in name:
            tower += count
            tower_trained += count * parameter.requires_grad
        elif ".layers." in name:
            layers += count
            trained += count * parameter.requires_grad
    head = head or text.vocab_size * text.hidden_size  # tied to the embeddings
    width = text.num_attention_heads * getattr(
        text, "head_dim", text.hidden_size // text.num_attention_heads
    )
    return ModelFlops(
        token=4 * layers + 2 * trained,
        learned=4 * head,
        square=6 * text.num_hidden_layers * width,
        patch=2 * tower + (2 * tower + 2 * tower_trained if tower_trained else 0),
    )


def peak_flops() -> float | None:
    """Peak of this process's device in bf16, FLOP/s; None on a CPU or an unknown device."""
    if not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    return next((peak for known, peak in PEAK.items() if known in name), None)


def peak_memory() -> float:
    """Most memory this process has held so far, GiB: the GPU's if there is one, else its own."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
