"""What every engine takes and gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import Field

from pulsemind.records import Query, Record, Rollout


class EngineError(RuntimeError):
    """An engine cannot sample, or not what was asked for; the text says why and what to do, and
    holds nothing of a dialogue."""


class Policy(Record):
    """The adapter that samples."""

    folder: Path
    digest: str = Field(min_length=1)
    """Of its content: equal digests are equal weights."""


class Sampling(Record):
    """How candidates are drawn, from the whole distribution."""

    candidates: int = Field(ge=1)
    """A query; SPEC 5's G."""
    temperature: float = Field(gt=0)
    max_new_tokens: int = Field(ge=1)
    max_prompt_length: int = Field(ge=1)
    """Tokens; longer dialogues lose their earliest turns."""
    batch: int = Field(ge=1)
    """Sequences sampled together; whole groups, at least one."""
    seed: int
    """Of every draw; engines need not draw the same from the same seed."""


class Engine(Protocol):
    """Samples from a policy on the base it was opened with."""

    def sample(
        self, policy: Policy, data: Path, queries: Sequence[Query], sampling: Sampling
    ) -> Iterator[Rollout]:
        """`sampling.candidates` rollouts a query, each as soon as its group is there.

        A group comes whole, its candidates in order; groups come in any order. One iteration's
        rollouts at a time: the next policy takes the place of this one.

        Args:
            data: artifact the queries' images lie in.

        Raises EngineError when the engine fails, or samples from another prompt than the
        processor's own or anything that a trainer could not replay.
        """
        ...
