"""The last policy becomes a registered model version, and champion when it beats the champion."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from pulsemind.artifacts import digest
from tasks import register as work
from tasks.stage import once, stage


@flow(name="register")
def register() -> None:
    """Register models/crpo; make metrics/promotion.json and metrics/summary.json."""
    with stage("register") as this:
        # What the champion is asked; who judges its replies, and how, does not change them.
        counted = ("name", "against", "promote", "judge", "bootstrap", "confidence", "seed")
        asked = this.inputs("data/dataset/")
        answers = this.key("champion", digest(Path("models/base")), *asked, ignore=counted)
        once(work.register_adapter, this.signature, this.signature, answers)


if __name__ == "__main__":
    register()
