"""SFT, stages 1 and 2: dataset + base (+ adapter) -> adapter.

The task trains in its own process, or starts the processes of `services.launch`, each of which runs
this file: `torchrun ... -m tasks.sft sft1 KEY RUN FOLDER`. They need params.yaml, the data and
`work/` at the same paths as the task.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from prefect import task

from pulsemind import artifacts, settings
from tasks.stage import Produced, produced
from tasks.tracking import Tracked, reopened, system_metrics, tracked

DATASET, BASE = Path("data/dataset"), Path("models/base")
SPLIT = {"sft1": "stage1", "sft2": "stage2"}
START: dict[str, Path | None] = {"sft1": None, "sft2": Path("models/sft1")}
RESULT, FAILURE = "result.json", "failure.txt"


@task
def train_sft(name: Literal["sft1", "sft2"], key: str) -> Produced:
    """Train one stage; a killed one goes on from its last checkpoint in `work/`."""
    from pulsemind.sft.train import SftResult

    wanted = settings.load()
    out, metrics, plot = (
        Path("models") / name,
        Path(f"metrics/{name}.json"),
        Path(f"plots/{name}.csv"),
    )
    work = _work(name, key)
    with tracked(name, key, wanted) as run, system_metrics(run):
        run.dataset(f"{SPLIT[name]} of the dataset", artifacts.digest(DATASET))
        with artifacts.writing(out, "adapter", stage=name, base=artifacts.digest(BASE)) as folder:
            if wanted.services.launch:
                _launch(wanted.services.launch, [name, key, run.run_id, str(folder)], work)
            else:
                _train(name, key, run, folder)
        result = SftResult.model_validate_json((work / RESULT).read_text(encoding="utf-8"))
        artifacts.write_json(metrics, result.model_dump(exclude={"history"}))
        artifacts.write_text(plot, _csv([(entry.step, entry.loss) for entry in result.history]))
        losses = {f"held_out_loss_{at}": getattr(result, at).loss for at in ("base", "before")}
        run.metrics({**losses, "validation_loss": result.validation_loss}, result.steps)
        run.artifact(metrics)
    return produced(out, metrics, plot)


def _work(name: str, key: str) -> Path:
    return Path("work") / name / key[:16]


def _launch(command: Sequence[str], arguments: Sequence[str], work: Path) -> None:
    """Train in the processes that a launcher starts. Raises what stopped them, as they said it."""
    from pulsemind.sft.trainer import TrainingError

    failure = work / FAILURE
    failure.unlink(missing_ok=True)
    # Children of the environment that this process runs in, whatever the launcher's path is.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [*command, "-m", "tasks.sft", *arguments], env={**os.environ, "PATH": path}, check=False
    )
    if failure.is_file():
        raise TrainingError(failure.read_text(encoding="utf-8"))
    if done.returncode:
        raise TrainingError(f"{' '.join(command)} ended with {done.returncode}; see its output")


def _train(name: str, key: str, run: Tracked, folder: Path) -> None:
    """Train as one process, alone or among many; leaves the result in the work folder."""
    from pulsemind.sft.train import train

    wanted = settings.load()
    section = wanted.stages.sft1 if name == "sft1" else wanted.stages.sft2
    work, workers = _work(name, key), wanted.services.workers
    result = train(section, BASE, START[name], DATASET, SPLIT[name], work, folder, run.log, workers)
    if os.environ.get("RANK", "0") == "0":
        artifacts.write_text(work / RESULT, result.model_dump_json())


def _launched(name: str, key: str, run_id: str, folder: str) -> None:
    """What each launched process does."""
    from pulsemind.sft.trainer import TrainingError

    try:
        _train(name, key, reopened(run_id, settings.load()), Path(folder))
    except (TrainingError, artifacts.ArtifactError, ValueError) as error:
        artifacts.write_text(_work(name, key) / FAILURE, str(error))
        raise


def _csv(history: Sequence[tuple[int, float]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "loss"])
    writer.writerows(history)
    return text.getvalue()


if __name__ == "__main__":
    _launched(*sys.argv[1:])
