"""CRPO's update of an iteration, in the task's process or in those of `services.launch`.

Each of these runs this file: `torchrun ... -m tasks.crpo_update ITERATION FOLDER`. They need
params.yaml, the data and `work/` at the same paths as the task.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from pulsemind import artifacts, settings
from tasks import crpo
from tasks.launch import is_first, launch, launched

RESULT = "result.json"


def update(iteration: int, folder: Path) -> None:
    """Fill `folder` with the iteration's new adapter and its `update.json`.

    One that was killed goes on from its last checkpoint, if rollouts, verdicts, policy and settings
    are still the same.
    """
    work = _work(iteration)
    command = settings.load().services.launch
    if command:
        launch(command, "tasks.crpo_update", [str(iteration), str(folder)], work)
    else:
        _train(iteration, folder)
    result = (work / RESULT).read_text(encoding="utf-8")
    artifacts.write_text(folder / "update.json", result + "\n")


def _work(iteration: int) -> Path:
    parts = [
        artifacts.digest(place)
        for place in (
            crpo.policy(iteration),
            crpo.phase(iteration, "rollouts"),
            crpo.phase(iteration, "verdicts"),
        )
    ]
    parts.append(settings.load().stages.crpo.model_dump_json(exclude={"iterations", "alarm"}))
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return crpo.phase(iteration, ".trainer") / name


def _train(iteration: int, folder: Path) -> None:
    from pulsemind.crpo.update import update

    work = _work(iteration)
    result = update(
        settings.load().stages.crpo,
        *(crpo.BASE, crpo.policy(iteration), crpo.SFT, crpo.DATASET),
        *crpo.recorded(iteration),
        *(work, folder, lambda step, figures: None),
    )
    if is_first():
        artifacts.write_text(work / RESULT, result.model_dump_json())


if __name__ == "__main__":
    number, place = int(sys.argv[1]), Path(sys.argv[2])
    launched(_work(number), lambda: _train(number, place))
