"""Raw data -> the dataset artifact."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from pulsemind import artifacts, settings
from tasks.stage import Produced, produced
from tasks.tracking import tracked

RAW, DATASET, METRICS = Path("data/raw"), Path("data/dataset"), Path("metrics/dataset.json")


@task
def build_dataset(key: str) -> Produced:
    """Collect, anonymise, deduplicate, decontaminate, split; the card goes to MLflow."""
    from pulsemind.data.build import build

    wanted = settings.load()
    with tracked("dataset", key, wanted) as run:
        with artifacts.writing(DATASET, "dataset") as folder:
            counts = build(RAW, folder, wanted.stages.dataset, wanted.services.workers)
        artifacts.write_json(METRICS, counts.model_dump())
        run.tags({"pulsemind.dataset": artifacts.digest(DATASET)})
        run.metrics({"read": counts.read, "kept": counts.kept, "quarantined": counts.quarantined})
        run.metrics({f"dropped.{rule}": n for rule, n in counts.dropped.items()})
        for name in ("card.md", "card.html", "counts.json", "audit.json"):
            run.artifact(DATASET / name)
    return produced(DATASET, METRICS)
