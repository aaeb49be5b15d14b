"""Raw consultations and public sets -> anonymised, deduplicated, decontaminated, split."""

from __future__ import annotations

from prefect import flow

from tasks import dataset as work
from tasks.stage import once, stage


@flow(name="dataset")
def dataset() -> None:
    """Make data/dataset."""
    with stage("dataset") as this:
        raw = "".join(this.inputs("data/raw"))
        once(work.build_dataset, this.signature, this.signature, raw, this.code)


if __name__ == "__main__":
    dataset()
