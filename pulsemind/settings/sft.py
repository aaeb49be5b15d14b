"""The SFT stages (SPEC section 4)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pulsemind.settings.model import Lora
from pulsemind.settings.section import Section


class SftSettings(Section):
    """One SFT stage (SPEC section 4)."""

    lora: Lora
    """A new adapter's shape in stage 1; stage 2 goes on with stage 1's adapter."""
    steps: int = Field(ge=1)
    """Optimiser steps."""
    batch: int = Field(ge=1)
    """Rows a device takes at once."""
    global_batch: int = Field(ge=1)
    """Rows an optimiser step, all devices and accumulation together: the result does not depend
    on how many devices share them."""
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    max_length: int = Field(ge=16)
    """Tokens a row; a longer dialogue is cut at a turn boundary."""
    packing: bool
    """Whether a row holds several dialogues, which do not see each other, or one."""
    attention: Literal["sdpa", "eager", "flex_attention", "flash_attention_2", "varlen"]
    """Attention implementation of the model; `varlen` is PyTorch's own variable-length kernel, for
    GPUs in bf16, `flash_attention_2` needs the package flash-attn."""
    bf16: bool
    gradient_checkpointing: bool
    checkpoint_every: int = Field(ge=1)
    """With gradient checkpointing, of how many layers one keeps only its input and is computed
    again: 1, all of them, takes the least memory, more take less time."""
    compile: bool
    """Whether layers are compiled, one by one (`torch.compile`): worth its half minute on a GPU;
    not with ZeRO-3."""
    zero: Literal[0, 2, 3]
    """DeepSpeed ZeRO stage: 2 shards gradients and optimiser, 3 the weights as well; 0: none."""
    loaders: int = Field(ge=0)
    """Processes a device that prepare batches; 0: the training process does."""
    save_every: int = Field(ge=1)
    """Steps between checkpoints to resume from."""
    save_minutes: float | None = Field(gt=0)
    """Minutes after which one is written in any case, or null."""
    keep: int = Field(ge=1)
    """Checkpoints on the disk; one more while a new one is written."""
    validation: int = Field(ge=1)
    """Held-out dialogues whose loss is measured, drawn at random from what is there."""
    evaluate_every: int | None = Field(ge=1)
    """Steps between measurements, or null: only before and after training."""
    patience: int | None = Field(ge=1)
    """Measurements without a lower loss after which training stops, the best adapter being the
    result, or null."""
    snapshots: list[int]
    """Steps whose adapter is kept in the artifact (the counterparts of a tiny profile)."""
    seed: int

    @model_validator(mode="after")
    def _sizes_fit(self) -> SftSettings:
        if self.global_batch % self.batch:
            raise ValueError("global_batch must be a multiple of batch")
        if self.patience and not self.evaluate_every:
            raise ValueError("patience needs evaluate_every")
        if self.compile and self.zero == 3:
            raise ValueError("compile needs whole weights on each GPU: zero 0 or 2")
        if self.attention == "varlen" and not self.bf16:
            raise ValueError("attention varlen needs bf16")
        return self
