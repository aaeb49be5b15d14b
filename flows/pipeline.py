"""The whole chain as one flow: does what `dvc repro` does, and leaves `dvc status` clean."""

from __future__ import annotations

import os

from prefect import flow
from prefect.runtime import flow_run

from flows.base import base
from flows.counterparts import counterparts
from flows.crpo import crpo
from flows.dataset import dataset
from flows.evaluate import evaluate
from flows.register import register
from flows.report import report
from flows.sample import sample
from flows.sft import sft


@flow(name="pipeline")
def pipeline() -> None:
    """From raw data to a registered model; what is up to date is not run again."""
    os.environ.setdefault("PULSEMIND_RUN", f"pipeline-{flow_run.name}")
    sample()
    dataset()
    base()
    sft("sft1")
    sft("sft2")
    counterparts()
    crpo()
    evaluate()
    register()
    report()


if __name__ == "__main__":
    pipeline()
