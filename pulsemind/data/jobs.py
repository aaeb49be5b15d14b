"""A step on one shard, as something a worker can be given, and the workers of one machine."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pulsemind import artifacts


class WorkerLost(RuntimeError):
    """A worker process died; what other workers finished is kept."""


@dataclass(frozen=True)
class Job:
    """Run `step(*args)`, which writes the artifact `writes`.

    `key` is a digest of all that the result depends on: a job whose artifact is there, unaltered
    and made under the same key, has nothing to do.
    """

    step: Callable[..., None]
    args: tuple[Any, ...]
    key: str
    writes: Path


Run = Callable[[Sequence[Job]], None]
"""Runs the jobs of one step, in any order and anywhere that sees the same files, to the last."""


def do(job: Job) -> None:
    """Run a job unless it is done."""
    mark = job.writes.with_name(f"{job.writes.name}.key")
    made = mark.read_text(encoding="utf-8") if mark.is_file() else ""
    if artifacts.intact(job.writes) and made == f"{job.key} {artifacts.digest(job.writes)}":
        return
    mark.unlink(missing_ok=True)
    job.step(*job.args)
    artifacts.write_text(mark, f"{job.key} {artifacts.digest(job.writes)}")


def in_order(jobs: Sequence[Job]) -> None:
    """Run the jobs one after another in this process."""
    for job in progress(jobs, jobs):
        do(job)


def in_processes(workers: int) -> Run:
    """Run the jobs in this machine's worker processes.

    They are forked from a server that has loaded what all need (`preload.py`). It starts with the
    first jobs, with the environment of that moment, and ends with this process.

    The returned function raises WorkerLost when the system kills a worker or the server.
    """

    def run(jobs: Sequence[Job]) -> None:
        if workers == 1 or len(jobs) < 2:
            in_order(jobs)
            return
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["pulsemind.data.preload"])
        # Frozen, what is shared is not copied when a worker looks for garbage.
        with ProcessPoolExecutor(min(workers, len(jobs)), context, gc.freeze) as pool:
            lost = WorkerLost(
                f"a worker of the step {jobs[0].step.__name__} was killed, perhaps for memory; "
                "run again to go on (fewer services.workers need less memory)"
            )
            try:
                running = [pool.submit(do, job) for job in jobs]
            except (BrokenProcessPool, EOFError, ConnectionError) as error:  # the server ended
                raise lost from error
            try:
                for done in progress(as_completed(running), jobs):
                    done.result()
            except BrokenProcessPool:
                raise lost from None
            finally:
                pool.shutdown(cancel_futures=True)

    return run


def progress(done: Any, jobs: Sequence[Job]) -> Any:
    """A bar with rate and time left over what is done of the jobs."""
    name = jobs[0].step.__name__ if jobs else ""
    return tqdm(done, total=len(jobs), desc=name, unit="shard", disable=len(jobs) < 2)
