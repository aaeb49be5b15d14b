"""The table of docs/memory.md: `python -m pulsemind.model.memory` prints it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Literal

from pulsemind import settings
from pulsemind.model.memory import Memory, Workload, predict
from pulsemind.model.shapes import Shape, published_config, shape_of
from pulsemind.settings import BaseSettings, SftSettings

PROFILES = ("7b", "32b", "72b")
GPUS = (8, 16, 64, 128)
GIB = 2**30
_PARTS = [field.name for field in fields(Memory)]


def workload(
    shape: Shape,
    base: BaseSettings,
    sft: SftSettings,
    images: int,
    zero: Literal[0, 1, 2, 3],
    gpus: int,
    quantization: Literal["nf4"] | None,
) -> Workload:
    """The largest batch of a stage: full length, a loss on all text, images of full size.

    Args:
        images: images in each sequence; their tokens are part of the length.

    Raises ValueError when the images alone are longer than a sequence may be.
    """
    text = sft.max_length - images * shape.image_tokens(base.max_pixels)
    if text < 0:
        raise ValueError(f"{images} images do not fit into {sft.max_length} tokens")
    return Workload(
        batch=sft.batch,
        length=sft.max_length,
        loss_tokens=text,
        images=images * sft.batch,
        pixels=base.max_pixels,
        bf16=sft.bf16,
        gradient_checkpointing=sft.gradient_checkpointing,
        checkpoint_every=sft.checkpoint_every,
        zero=zero,
        gpus=gpus,
        quantization=quantization,
    )


def tables(params: Path = Path("params.yaml")) -> str:
    """Both tables in Markdown: ZeRO-3 over GPUs, and a 4-bit base beside bf16 on every GPU."""
    sharded, whole = [], []
    for name in PROFILES:
        stages = settings.load(params, name).stages
        shape = shape_of(published_config(str(stages.base.checkpoint)))
        for stage, sft, images in (("text", stages.sft1, 0), ("one image", stages.sft2, 1)):
            for gpus in GPUS:
                work = workload(shape, stages.base, sft, images, 3, gpus, None)
                sharded.append([name, stage, str(gpus), *_cells(predict(shape, sft.lora, work))])
        formats: tuple[Literal["nf4"] | None, ...] = (None, "nf4")
        for quantization in formats:
            work = workload(shape, stages.base, stages.sft2, 1, 0, 1, quantization)
            memory = predict(shape, stages.sft2.lora, work)
            whole.append([name, "one image", quantization or "bf16", *_cells(memory)])
    return "\n\n".join(
        [
            _markdown(["profile", "sequence", "GPUs", *_PARTS, "total"], sharded),
            _markdown(["profile", "sequence", "base", *_PARTS, "total"], whole),
        ]
    )


def _cells(memory: Memory) -> list[str]:
    values = [*(getattr(memory, part) for part in _PARTS), memory.total]
    return [f"{value / GIB:.1f}" for value in values]


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * 2 + ["---:"] * (len(head) - 2)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])
