"""The base model and its adapter."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pulsemind.settings.section import Section


class Pretraining(Section):
    """Next-token training of a freshly built model on the training dialogues."""

    steps: int = Field(ge=10)
    batch: int = Field(ge=1)
    length: int = Field(ge=16)
    """Tokens a row; dialogues are packed one after another."""
    learning_rate: float = Field(gt=0)
    seed: int


class TinyModel(Section):
    """Shape of a small Qwen2.5-VL, built on the spot."""

    vocabulary: int = Field(ge=300)
    hidden: int = Field(ge=16)
    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    key_value_heads: int = Field(ge=1)
    intermediate: int = Field(ge=16)
    vision_hidden: int = Field(ge=16)
    vision_layers: int = Field(ge=1)
    seed: int
    """Seed of the random weights."""
    pretraining: Pretraining


class BaseSettings(Section):
    """The frozen base model."""

    checkpoint: str | None
    """Name or path of a Qwen2.5-VL checkpoint, or null to build one."""
    revision: str | None
    """Revision of a named checkpoint."""
    build: TinyModel | None
    """The shape to build when there is no checkpoint."""
    max_pixels: int = Field(ge=3136)
    """Images are scaled down to at most this many pixels, in training and in evaluation."""
    quantization: Literal["nf4"] | None
    """`nf4` holds the language model in 4 bits wherever it is loaded (package `bitsandbytes`,
    docs/memory.md), null as it is. A 4-bit base is not sharded by ZeRO-3 and not merged into."""

    @model_validator(mode="after")
    def _one_of_both(self) -> BaseSettings:
        if (self.checkpoint is None) == (self.build is None):
            raise ValueError("give either checkpoint or build, the other one null")
        return self


class Lora(Section):
    """The adapter (P "Implementation Details": rank 64, dropout 0.1)."""

    rank: int = Field(ge=1)
    alpha: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    targets: list[str]
    """Names of the language model's linear layers that get an adapter."""
    vision: bool
    """Whether the vision tower's linear layers get one too."""
    projector: bool
    """Whether the projector's (the merger behind the vision tower) get one too."""
