"""SFT, stages 1 and 2: dataset + base (+ adapter) -> adapter.

The task trains in its own process, or starts the processes of `services.launch`, each of which runs
this file: `torchrun ... -m tasks.sft sft1 KEY RUN FOLDER`. They need params.yaml, the data and
`work/` at the same paths as the task.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from prefect import task

from pulsemind import artifacts, settings
from tasks.launch import is_first, launch, launched
from tasks.stage import Produced, produced
from tasks.tracking import Tracked, reopened, system_metrics, tracked

DATASET, BASE = Path("data/dataset"), Path("models/base")
SPLIT = {"sft1": "stage1", "sft2": "stage2"}
START: dict[str, Path | None] = {"sft1": None, "sft2": Path("models/sft1")}
RESULT = "result.json"


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
                launch(
                    wanted.services.launch, "tasks.sft", [name, key, run.run_id, str(folder)], work
                )
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


def _train(name: str, key: str, run: Tracked, folder: Path) -> None:
    """Train as one process, alone or among many; leaves the result in the work folder."""
    from pulsemind.sft.train import train

    wanted = settings.load()
    section = wanted.stages.sft1 if name == "sft1" else wanted.stages.sft2
    work, workers = _work(name, key), wanted.services.workers
    result = train(section, BASE, START[name], DATASET, SPLIT[name], work, folder, run.log, workers)
    if is_first():
        artifacts.write_text(work / RESULT, result.model_dump_json())


def _csv(history: Sequence[tuple[int, float]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "loss"])
    writer.writerows(history)
    return text.getvalue()


if __name__ == "__main__":
    name, key, run_id, folder = sys.argv[1:]
    launched(
        _work(name, key),
        lambda: _train(name, key, reopened(run_id, settings.load()), Path(folder)),
    )
