"""Training in the processes that `services.launch` starts, each of which runs a task's file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pulsemind import artifacts

FAILURE = "failure.txt"


def launch(command: Sequence[str], module: str, arguments: Sequence[str], work: Path) -> None:
    """Run `command -m module arguments`. Raises what stopped the processes, as they said it."""
    from pulsemind.sft.trainer import TrainingError

    failure = work / FAILURE
    failure.unlink(missing_ok=True)
    # Children of the environment that this process runs in, whatever the launcher's path is.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [*command, "-m", module, *arguments], env={**os.environ, "PATH": path}, check=False
    )
    if failure.is_file():
        raise TrainingError(failure.read_text(encoding="utf-8"))
    if done.returncode:
        raise TrainingError(f"{' '.join(command)} ended with {done.returncode}; see its output")


def launched(work: Path, train: Callable[[], None]) -> None:
    """What each launched process does: train, and leave word of what stopped it."""
    from torch import distributed

    from pulsemind.sft.trainer import TrainingError

    try:
        train()
    except (TrainingError, artifacts.ArtifactError, ValueError) as error:
        artifacts.write_text(work / FAILURE, str(error))
        raise
    # Left to the interpreter's end, its threads may abort the process, and torchrun the others.
    if distributed.is_initialized():
        distributed.destroy_process_group()


def is_first() -> bool:
    """Whether this is the first of the processes, or the only one."""
    return os.environ.get("RANK", "0") == "0"
