"""Stages as dvc.yaml declares them: signature, cached tasks, record. One truth for the chain.

DVC reads dvc.yaml to decide what `dvc repro` runs; this module reads the same declaration to give
Prefect its cache keys. A task returns the digests of what it wrote (`produced`); a cache hit is
believed only while those digests still describe what is on the disk.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.task_runners import TaskRunner
from prefect.utilities.callables import get_call_parameters

from pulsemind.artifacts import file_digest, folder_digest, json_digest, write_json

SECONDS = Path("work/seconds")
"""A file a stage: how long it took under which signature; not part of any result."""
DATA = ("data/", "models/", "metrics/")
"""Dependencies below these are data; the others are code."""

Produced = dict[str, str]
"""Digest by path of what a task wrote; the return value of every cached task."""


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml with its dependencies and parameters as they are now."""

    name: str
    dependencies: dict[str, str]
    """Content hash by path, data and code."""
    params: dict[str, Any]

    @property
    def signature(self) -> str:
        """Digest of everything the stage's result depends on: the key of its task."""
        return json_digest([self.name, self.dependencies, self.params])

    @property
    def code(self) -> str:
        """Digest of the code that makes the stage's result."""
        return json_digest({p: h for p, h in self.dependencies.items() if not p.startswith(DATA)})

    def inputs(self, prefix: str) -> list[str]:
        """Content hashes of the dependencies below a path."""
        return [h for p, h in sorted(self.dependencies.items()) if p.startswith(prefix)]

    def key(self, *inputs: str | int, ignore: tuple[str, ...] = ()) -> str:
        """Key of a finer task inside the stage: code, parameters and the inputs it names.

        Args:
            inputs: what the task reads beyond code and parameters: digests, counts, its own name.
            ignore: parameters of the stage that the task does not depend on.
        """
        params = {
            section: {k: v for k, v in values.items() if k not in ignore}
            for section, values in self.params.items()
        }
        return json_digest([self.name, self.code, params, inputs])


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """Open a stage for a flow: its state goes in, its seconds and DVC's record come out.

    DVC's lock file is written only when the flow runs outside `dvc repro`, which records the stage
    itself and holds the lock.
    """
    start = time.perf_counter()
    with Repo(".") as repo:
        this = _read(repo, name)
    yield this
    stamp = SECONDS / f"{name}.json"
    if not stamp.is_file() or json.loads(stamp.read_text())["signature"] != this.signature:
        took = round(time.perf_counter() - start, 1)  # a later look that finds nothing to do is not
        write_json(stamp, {"signature": this.signature, "seconds": took})
    if "DVC_STAGE" not in os.environ:
        with Repo(".") as repo:
            repo.commit(target=name, force=True)


def declared(name: str) -> Stage:
    """A stage as it stands now, for work beside the chain; nothing is recorded."""
    with Repo(".") as repo:
        return _read(repo, name)


def once(task: Task[Any, Produced], key: str, *args: Any) -> Produced:
    """Run a task, unless it finished under the same key and its outputs are still what it left."""
    return _believed(_cached(task, key)(*args), task, key, args)


def soon(
    runner: TaskRunner[Any], task: Task[Any, Produced], key: str, *args: Any
) -> Callable[[], Produced]:
    """`once` in a task runner while the flow goes on; the function given waits for the result, and
    raises what the task raised."""
    parameters = get_call_parameters(task.fn, args, {})
    future = runner.submit(_cached(task, key), parameters)
    return lambda: _believed(future.result(), task, key, args)


def end_with_parent() -> None:
    """In a process of a task runner: end when the flow's process has ended, killed or not. Its
    successor does this process's work again."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_outlive, args=(parent,), daemon=True).start()


def _outlive(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _cached(task: Task[Any, Produced], key: str) -> Task[Any, Produced]:
    def cache_key(*_: Any) -> str:
        return key

    return task.with_options(
        cache_policy=CacheKeyFnPolicy(cache_key_fn=cache_key), persist_result=True
    )


def _believed(
    result: Produced, task: Task[Any, Produced], key: str, args: tuple[Any, ...]
) -> Produced:
    if result != produced(*map(Path, result)):
        result = _cached(task, key).with_options(refresh_cache=True)(*args)
    return result


def produced(*outputs: Path) -> Produced:
    """Digests of files and folders as they are on the disk; a missing one has the digest ''."""
    return {str(path): _digest(path) for path in outputs}


def seconds() -> dict[str, float]:
    """Seconds that each stage took when it last had work, as far as that was on this machine."""
    names = sorted(SECONDS.glob("*.json"))
    return {path.stem: json.loads(path.read_text())["seconds"] for path in names}


def _digest(path: Path) -> str:
    if path.is_dir():
        return folder_digest(path)
    return file_digest(path) if path.is_file() else ""


def _read(repo: Repo, name: str) -> Stage:
    (declared,) = repo.stage.collect(name)
    dependencies: dict[str, str] = {}
    params: dict[str, Any] = {}
    for dependency in declared.deps:
        dependency.save()
        value = dependency.hash_info.value
        if isinstance(value, dict):
            params.update(value)
        else:
            dependencies[dependency.def_path] = str(value)
    return Stage(name, dependencies, params)
