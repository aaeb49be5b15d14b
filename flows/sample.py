"""The raw data: generated sample data, or a copy of the folder the settings name."""

from __future__ import annotations

from prefect import flow

from tasks import sample as work
from tasks.stage import once, stage


@flow(name="sample")
def sample() -> None:
    """Fill data/raw."""
    with stage("sample") as this:
        once(work.fill_raw, this.signature)


if __name__ == "__main__":
    sample()
