"""How models answer, and how they are judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pulsemind.records import Dimension
from pulsemind.settings.section import Section


class Judge(Section):
    """A judge of replies."""

    kind: Literal["offline", "openai"]
    """`offline` is a rule-based rubric, not for reporting; `openai` any compatible endpoint."""
    model: str
    """Model name at the endpoint."""
    endpoint: str
    """Name in `services.endpoints`."""
    orders: Literal["both", "random"]
    """Judge a pair in both orders, or in one drawn at random."""
    dimensions: list[Dimension] = Field(min_length=1)
    """What is compared or scored, besides the overall verdict."""
    retries: int = Field(ge=0)
    """Times an unusable answer (refused, malformed, cut) is asked for again."""
    seed: int
    """Seed of the drawn orders and of the requests."""


class Decoding(Section):
    """How replies are generated where the reply itself counts (not CRPO's sampling)."""

    temperature: float = Field(ge=0)
    top_k: int = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    repetition_penalty: float = Field(gt=0)
    max_new_tokens: int = Field(ge=1)
    batch: int = Field(ge=1)
    """Prompts generated together."""
    seed: int


class Counterpart(Section):
    """A frozen model whose answers the policy is compared with."""

    name: str
    adapter: str | None
    """Adapter folder on top of the base, or null."""
    endpoint: str | None
    """Name in `services.endpoints`, or null."""
    model: str | None
    """Model name at the endpoint."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Counterpart:
        if (self.adapter is None) == (self.endpoint is None):
            raise ValueError("give either adapter or endpoint, the other one null")
        return self


class CounterpartSettings(Section):
    """The counterparts (P: C = 5), which never change during training."""

    models: list[Counterpart] = Field(min_length=1)
    decoding: Decoding
    max_prompt_length: int = Field(ge=16)
    """Tokens; a longer dialogue loses its earliest turns."""
