"""Bytes of activations: what autograd keeps, and what a phase needs on top while it runs.

Derived from the operations of transformers' Qwen2.5-VL with frozen weights. A frozen linear layer
keeps nothing for its backward pass (only its weight), so what counts are norms, attention, the
gated product and the inputs of LoRA's A matrices. Symbols: S tokens of the batch, H hidden width,
I intermediate width, N key-value width, R rank, b bytes of a number (4, or 2 in bf16).
"""

from __future__ import annotations

from dataclasses import dataclass

from pulsemind.model.shapes import Shape
from pulsemind.settings import Lora

_FEEDS = {"attention": ("q_proj", "k_proj", "v_proj"), "mlp": ("gate_proj", "up_proj")}


@dataclass(frozen=True)
class Precision:
    """How numbers are held."""

    bf16: bool
    """bf16 numbers (2 bytes), else fp32 (4)."""
    autocast: bool
    """bf16 by autocast with an fp32 adapter, as the trainer does without DeepSpeed."""
    mask: int
    """Bytes of a number's dropout mask: 1 on a GPU; on a CPU that of the adapter's numbers."""

    @property
    def width(self) -> int:
        """b, bytes of a number."""
        return 2 if self.bf16 else 4


def lora_inputs(shape: Shape, lora: Lora, precision: Precision) -> int:
    """Bytes a token that the adapter of one layer keeps.

    Each target keeps the output of A (R b). Its input is kept too, for A's gradient: without
    dropout the norm's output, once for the targets that share it, and the gated product; with
    dropout, or with autocast, every target has a copy of its own (b a number), and with dropout a
    mask beside it. The input of o_proj without dropout is the output of attention, counted there.
    """
    linears, b = shape.linears(), precision.width
    total = len(lora.targets) * lora.rank * b
    if lora.dropout > 0 or precision.autocast:
        each = b + (precision.mask if lora.dropout > 0 else 0)
        return total + each * sum(linears[name][0] for name in lora.targets)
    for names in _FEEDS.values():
        if set(names) & set(lora.targets):
            total += b * shape.hidden
    if "down_proj" in lora.targets:
        total += b * shape.intermediate
    return total


def layer(shape: Shape, lora: Lora, precision: Precision) -> int:
    """Bytes a token that one decoder layer keeps for its backward pass.

        two norms        2 (4 H + 4)          inputs in fp32 and the inverse root
        attention        b (2 H + 2 N) + 4 h  q, k, v and output; log-sum-exp of h heads in fp32
        gated product    3 b I                gate, SiLU of gate, up
        adapter          see `lora_inputs`

    Attention is a kernel that does not keep the S x S weights (sdpa, flash) and no dense mask.
    """
    b = precision.width
    norms = 2 * (4 * shape.hidden + 4)
    attention = b * (2 * shape.hidden + 2 * shape.key_value_width) + 4 * shape.heads
    return norms + attention + 3 * b * shape.intermediate + lora_inputs(shape, lora, precision)


def layer_working(shape: Shape, lora: Lora, precision: Precision) -> int:
    """Bytes a token that a layer needs on top of what it keeps, at its widest point.

    That is the gated product. Backward, two gradients of its width stand side by side (2 b I).
    Recomputing it under autocast with dropout takes more: the product (2 I), its fp32 copy (4 I)
    and the fp32 result of dropout (4 I) before that is cast back.
    """
    wide = precision.autocast and lora.dropout > 0 and "down_proj" in lora.targets
    return shape.intermediate * (10 if wide else 2 * precision.width)


def text(shape: Shape, lora: Lora, precision: Precision, every: int | None) -> int:
    """Bytes a token that the language model keeps from forward to backward, the loss excepted.

    Of `every` layers the first is checkpointed and keeps its input (b H); the others keep all of
    `layer`, and sine and cosine of the rotary embedding (2 b head size), which they share. Then the
    last norm (4 H + 4). With None nothing is checkpointed; then the input of the first layer needs
    no gradient, so that its norm and its dropout masks of q, k and v are not kept.
    """
    norm = 4 * shape.hidden + 4
    rotary = 2 * precision.width * shape.head_size
    if every is not None:
        again = -(-shape.layers // every)
        whole = shape.layers - again
        kept = whole * layer(shape, lora, precision) + (rotary if whole else 0)
        return again * precision.width * shape.hidden + kept + norm
    masks = len(set(_FEEDS["attention"]) & set(lora.targets)) if lora.dropout > 0 else 0
    first = norm + masks * precision.mask * shape.hidden
    return shape.layers * layer(shape, lora, precision) - first + rotary + norm


def loss(shape: Shape) -> int:
    """Bytes a token with a loss that the cross-entropy needs at its peak: 12 a vocabulary entry.

    In the backward pass log-probabilities, their gradient and that of the logits stand in fp32 side
    by side. (Forward it is 4 + 4 and the logits themselves.)
    """
    return 12 * shape.vocabulary


def vision_working(shape: Shape, precision: Precision) -> int:
    """Bytes a patch that the frozen vision tower needs while one block runs; it keeps nothing.

    The widest point is the rotary embedding, which works in fp32: q, k, v (3 b V, V the vision
    width), q and k in fp32 (8 V), and four fp32 terms of the sum (16 V), beside the block's input
    and norm (2 b V).
    """
    return (5 * precision.width + 24) * shape.vision_hidden
