"""A step on one shard, as something a worker can be given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """Run `step(*args)`, which writes the artifact `writes`.

    `inputs` are digests of all that the step reads beside its code and its arguments: equal jobs
    write equal artifacts, so that a finished one need not run again.
    """

    step: Callable[..., None]
    args: tuple[Any, ...]
    inputs: tuple[str, ...]
    writes: Path


Run = Callable[[Sequence[Job]], None]
"""Runs jobs, in any order and anywhere that sees the same files; returns when all are done."""


def in_order(jobs: Sequence[Job]) -> None:
    """Run the jobs one after another in this process."""
    for job in jobs:
        job.step(*job.args)
