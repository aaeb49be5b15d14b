"""Evaluation: the policy against the SFT model and the counterparts, and the QA sets."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from pulsemind import settings
from pulsemind.artifacts import digest, folder_digest
from tasks import evaluate as work
from tasks.stage import once, stage


@flow(name="evaluate")
def evaluate() -> None:
    """Make data/evaluation and metrics/evaluation.json; each model's replies are cached."""
    with stage("evaluate") as this:
        asked = this.inputs("data/")
        for model in work.models(settings.load()):
            weights = folder_digest(Path(model.adapter)) if model.adapter else str(model.model)
            key = this.key("answers", model.name, weights, digest(Path("models/base")), *asked)
            once(work.answer_benchmarks, key, model.name)
        once(work.judge_and_count, this.signature, this.signature)


if __name__ == "__main__":
    evaluate()
