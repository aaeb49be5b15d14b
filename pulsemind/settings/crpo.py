"""The CRPO loop (SPEC section 5)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pulsemind.settings.answers import Judge
from pulsemind.settings.section import Section


class Weights(Section):
    """What the dimensions count for in R, whose mean they weight; the paper's are equal."""

    proactiveness: float = Field(ge=0)
    accuracy: float = Field(ge=0)
    usefulness: float = Field(ge=0)
    language_quality: float = Field(ge=0)

    @model_validator(mode="after")
    def _one_counts(self) -> Weights:
        if not any(self.model_dump().values()):
            raise ValueError("at least one dimension must count")
        return self


class Guards(Section):
    """Replies that are paid the lowest reward whatever the judge says (ours)."""

    truncated: bool
    """Those that did not end within `max_new_tokens`."""
    repetition: float = Field(ge=0, le=1)
    """Those in which more than this share of the runs of four tokens stood before; 1 is off."""


class Correction(Section):
    """What makes up for an engine whose probabilities are not the trainer's."""

    kind: Literal["none", "token", "sequence"]
    """`none` trusts the engine: its recorded log-probabilities are the old policy's. Else the
    trainer computes its own, and a token, or a whole candidate, counts p_trainer / p_engine times
    (truncated importance sampling)."""
    cap: float = Field(ge=1)
    """Most that it counts."""


class EngineSettings(Section):
    """What samples CRPO's candidates."""

    kind: Literal["transformers", "vllm"]
    """`transformers`: in the task's own process; `vllm`: a server (`services.engine`)."""


class CrpoSettings(Section):
    """CRPO (SPEC section 5)."""

    iterations: int = Field(ge=1)
    staleness: Literal[0, 1]
    """Updates that the policy which samples an iteration lacks: 1 samples while the update before
    it still runs, with the policy that this update started from."""
    queries: int = Field(ge=1)
    """Queries an iteration (rollout batch = queries x candidates)."""
    candidates: int = Field(ge=2)
    """G, candidates sampled a query."""
    temperature: float = Field(gt=0)
    max_new_tokens: int = Field(ge=1)
    max_prompt_length: int = Field(ge=16)
    """Tokens; a longer dialogue loses its earliest turns."""
    generation_batch: int = Field(ge=1)
    """Sequences sampled together."""
    engine: EngineSettings
    reward: Literal["comparison", "absolute"]
    """CRPO's comparison reward, or GRPO's mean of absolute scores (P Table 4c)."""
    judge: Judge
    tie_value: float = Field(ge=0, le=1)
    """Reward of a tie; the paper's is 0."""
    weights: Weights
    guards: Guards
    oversample: float = Field(ge=1)
    """Queries sampled and judged for each one trained on: groups without variance, which teach
    nothing, give way to those with (DAPO's dynamic sampling); 1 is off."""
    alarm: float = Field(gt=0, le=1)
    """Fall of a dimension, in shares of won comparisons, that raises an alarm while R rises."""
    learning_rate: float = Field(gt=0)
    kl: float = Field(ge=0)
    """Weight of the KL term to the SFT adapter."""
    clip: float = Field(gt=0)
    """epsilon of the clipped loss."""
    loss: Literal["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo"]
    """TRL's name of how token losses are made and averaged; `grpo`: clipped, averaged in a reply,
    then over replies. For `cispo`, `clip` is the largest ratio."""
    correction: Correction
    advantage: Literal["group", "batch", "none"]
    """Standard deviation that R's distance from its group's mean is divided by; the paper's is
    the group's."""
    batch: int = Field(ge=1)
    """Sequences a device and micro-batch."""
    global_batch: int = Field(ge=1)
    """Sequences an optimiser step (all devices and accumulation together)."""
    epochs: int = Field(ge=1)
    """Passes over a rollout batch."""
    bf16: bool
    gradient_checkpointing: bool
    zero: Literal[0, 2, 3]
    """DeepSpeed ZeRO stage (3 shares the weights, 2 gradients and optimiser only), or 0; needs
    `services.launch`."""
    save_every: int | None = Field(ge=1)
    """Optimiser steps between checkpoints inside an update, or null for none."""
    seed: int

    @model_validator(mode="after")
    def _one_judged_dimension_counts(self) -> CrpoSettings:
        counts = self.weights.model_dump()
        if not any(counts[dimension] for dimension in self.judge.dimensions):
            raise ValueError("crpo.weights must count at least one of judge.dimensions")
        return self
