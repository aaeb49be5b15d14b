"""SFT, stages 1 and 2: dataset + base (+ adapter) -> adapter."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from prefect import task

from pulsemind import artifacts, settings
from tasks.stage import Produced, produced
from tasks.tracking import tracked

DATASET, BASE = Path("data/dataset"), Path("models/base")
SPLIT = {"sft1": "stage1", "sft2": "stage2"}
START: dict[str, Path | None] = {"sft1": None, "sft2": Path("models/sft1")}


@task
def train_sft(name: Literal["sft1", "sft2"], key: str) -> Produced:
    """Train one stage; a killed one goes on from its last checkpoint in `work/`."""
    from pulsemind.sft.train import train

    wanted = settings.load()
    section = wanted.stages.sft1 if name == "sft1" else wanted.stages.sft2
    out, metrics, plot = (
        Path("models") / name,
        Path(f"metrics/{name}.json"),
        Path(f"plots/{name}.csv"),
    )
    work = Path("work") / name / key[:16]
    with tracked(name, key, wanted) as run:
        with artifacts.writing(out, "adapter", stage=name, base=artifacts.digest(BASE)) as folder:
            result = train(section, BASE, START[name], DATASET, SPLIT[name], work, folder, run.log)
        artifacts.write_json(metrics, result.model_dump(exclude={"history"}))
        artifacts.write_text(plot, _csv([(entry.step, entry.loss) for entry in result.history]))
        run.metrics({"validation_loss": result.validation_loss}, result.steps)
        run.artifact(metrics)
    return produced(out, metrics, plot)


def _csv(history: Sequence[tuple[int, float]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "loss"])
    writer.writerows(history)
    return text.getvalue()
