"""Checkpoints of a training stage: only finished ones count, the last few are kept.

The trainer writes a checkpoint folder file by file. A mark that is written last tells a finished
one from what a killed process left.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pulsemind import artifacts
from pulsemind.sft.trainer import TrainingError

MARK = "finished"


def same_processes(work: Path, processes: int) -> None:
    """Checkpoints are of as many processes as began; raises TrainingError for others."""
    path = work / "processes.json"
    if not path.is_file():
        artifacts.write_json(path, processes)
    began = json.loads(path.read_text(encoding="utf-8"))
    if began != processes:
        raise TrainingError(
            f"{work} was begun by {began} processes, these are {processes}: launch as many "
            "(services.launch), or remove the folder to begin anew"
        )


def finished(work: Path) -> list[Path]:
    """The finished checkpoints in `work`, oldest first."""
    found = [path for path in work.glob("checkpoint-*") if (path / MARK).is_file()]
    return sorted(found, key=_step)


def last_finished(work: Path) -> Path | None:
    """The checkpoint to go on from. Removes those that a killed process left half-written."""
    whole = finished(work)
    for path in work.glob("checkpoint-*"):
        if path not in whole:
            shutil.rmtree(path)
    return whole[-1] if whole else None


def finish(work: Path, step: int, keep: int) -> None:
    """Mark the checkpoint of a step as finished and remove all but the last `keep`."""
    (work / f"checkpoint-{step}" / MARK).touch()
    for path in finished(work)[:-keep]:
        # Without its mark first: a kill in between must not leave half a checkpoint that counts.
        (path / MARK).unlink()
        shutil.rmtree(path)


def _step(path: Path) -> int:
    return int(path.name.rpartition("-")[2])
