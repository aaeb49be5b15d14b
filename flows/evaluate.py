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
        wanted = settings.load()
        asked, files = this.inputs("data/dataset"), this.inputs("data/recorded")
        adapters = {model.name: model.adapter for model in work.models(wanted)}
        for name in work.contenders(wanted):
            adapter = adapters.get(name)
            weights = folder_digest(Path(adapter)) if adapter else ""
            own = asked if name in adapters else [*asked, *files]
            key = this.key("answers", name, weights, digest(Path("models/base")), *own)
            once(work.answer_benchmarks, key, name, key)
        once(work.judge_and_count, this.signature, this.signature)


if __name__ == "__main__":
    evaluate()
