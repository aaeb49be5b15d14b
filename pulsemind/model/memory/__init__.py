"""Predicts the GPU memory of LoRA training by part, before a GPU is rented.

`predict` is exact for weights, adapter, gradients and optimiser states; activations follow
`pulsemind.model.memory.activations`. `python -m pulsemind.model.memory` prints docs/memory.md's
table. Not counted: the CUDA context and NCCL (1 to 2 GiB), fragmentation of the allocator, the
weights of a judge or engine on the same GPU.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from pulsemind.model.memory import activations
from pulsemind.model.memory.activations import Precision
from pulsemind.model.shapes import Shape
from pulsemind.settings import Lora

NF4_BYTES = 1 / 2 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a 4-bit weight: half a byte, an 8-bit scale for every 64 (double quantisation), and an
fp32 scale for every 256 of those (QLoRA, arXiv 2305.14314, section 3)."""
LIVE_PARAMETERS = 10**9
"""ZeRO-3 gathers ahead up to this many parameters (`stage3_max_live_parameters`)."""
BUCKET = 5 * 10**8
"""Elements of ZeRO's buffer for gradients on their way (`reduce_bucket_size`)."""


@dataclass(frozen=True)
class Workload:
    """What one GPU works on, and how the model is spread."""

    batch: int
    """Sequences a GPU."""
    length: int
    """Tokens of a sequence, image tokens included."""
    loss_tokens: int
    """Tokens of a sequence whose logits are computed: those before a physician token."""
    images: int
    """Images in the batch."""
    pixels: int
    """Pixels of an image, after the processor."""
    bf16: bool
    gradient_checkpointing: bool
    zero: Literal[0, 1, 2, 3]
    """ZeRO stage; 0 is plain data parallelism."""
    gpus: int
    quantization: Literal["nf4"] | None
    """Of the base; not with ZeRO-3."""
    checkpoint_every: int = 1
    """Of how many layers one is checkpointed, if any is."""
    gpu: bool = True
    """False measures as a CPU does, whose dropout masks are whole numbers."""


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU at the highest point of a training step, by part."""

    weights: float
    """The frozen base."""
    adapter: float
    gradients: float
    """Of the adapter."""
    optimiser: float
    """AdamW's two moments in fp32, and with bf16 under ZeRO the fp32 master copy."""
    activations: float
    """What the language model keeps from forward to backward for text tokens."""
    images: float
    """The same for image tokens. The vision tower itself keeps nothing, being frozen."""
    working: float
    """What the widest phase needs on top: the vision tower, one layer, or the loss."""
    buffers: float
    """ZeRO's gathered weights and gradient buckets; weights unpacked from 4 bits."""

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return float(sum(getattr(self, field.name) for field in fields(self)))


def predict(shape: Shape, lora: Lora, work: Workload) -> Memory:
    """Memory of one GPU while an adapter is trained on a frozen base.

    ZeRO shares out the optimiser states (1), also the gradients (2), also all weights (3,
    arXiv 1910.02054), over the GPUs; activations are each GPU's own. Under ZeRO bf16 means a bf16
    adapter with an fp32 master copy; without it autocast and an fp32 adapter.

    Raises ValueError for a 4-bit base under ZeRO-3, and for adapters outside the language model,
    whose activations are not derived here.
    """
    if lora.vision or lora.projector:
        raise ValueError("memory is predicted for adapters of the language model only")
    if work.quantization and work.zero == 3:
        raise ValueError("a 4-bit base is not sharded: use zero 0, 1 or 2")
    b = 2 if work.bf16 else 4
    trained = shape.lora_parameters(lora.rank, lora.targets)
    narrow = work.bf16 and work.zero > 0
    each = 2 if narrow else 4
    states = 8 + (4 if narrow else 0)
    kept, images, working = _activations(shape, lora, work)
    return Memory(
        weights=_share(_weights(shape, work), work, 3),
        adapter=_share(each * trained, work, 3),
        gradients=_share(each * trained, work, 2),
        optimiser=_share(states * trained, work, 1),
        activations=kept,
        images=images,
        working=working,
        buffers=b * _buffered(shape, work),
    )


def _weights(shape: Shape, work: Workload) -> float:
    width = 2 if work.bf16 else 4
    if work.quantization is None:
        return width * shape.parameters()
    small = shape.linear_parameters()
    return NF4_BYTES * small + width * (shape.parameters() - small)


def _share(size: float, work: Workload, stage: int) -> float:
    return size / work.gpus if work.zero >= stage else size


def _activations(shape: Shape, lora: Lora, work: Workload) -> tuple[int, int, int]:
    """Bytes kept for text tokens, kept for image tokens, and needed on top.

    The phases of a step, one after the other: the vision tower (nothing is kept yet), the loss, the
    layers backward.
    """
    autocast = work.bf16 and work.zero == 0
    mask = 1 if work.gpu else 4 if autocast or not work.bf16 else 2
    precision = Precision(work.bf16, autocast, mask)
    tokens = work.batch * work.length
    shown = work.images * shape.image_tokens(work.pixels)
    every = work.checkpoint_every if work.gradient_checkpointing else None
    each = activations.text(shape, lora, precision, every)
    patches = work.images * shape.patches(work.pixels)
    vision = patches * activations.vision_working(shape, precision)
    loss = work.batch * work.loss_tokens * activations.loss(shape)
    layer = tokens * activations.layer_working(shape, lora, precision)
    if work.gradient_checkpointing:
        layer += tokens * activations.layer(shape, lora, precision)
    return (tokens - shown) * each, shown * each, max(vision - tokens * each, loss, layer)


def _buffered(shape: Shape, work: Workload) -> int:
    """Numbers in buffers that belong to no part of the model.

    ZeRO: buckets of gradients, two of them in stages 1 and 2, which reduce one while the other
    fills. Stage 3: weights are gathered ahead up to a limit, and the largest one (the head) comes
    on top. 4-bit base: one layer's largest weight at a time in full precision.
    """
    largest = max(wide * out for wide, out in shape.linears().values())
    unpacked = largest if work.quantization else 0
    buckets = BUCKET * (0, 2, 2, 1)[work.zero]
    gathered = 0
    if work.zero == 3 and work.gpus > 1:
        gathered = min(shape.parameters(), LIVE_PARAMETERS + shape.vocabulary * shape.hidden)
    return buckets + gathered + unpacked
