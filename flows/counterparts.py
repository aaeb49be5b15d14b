"""The frozen counterparts' answers to the CRPO queries."""

from __future__ import annotations

from prefect import flow

from tasks import counterparts as work
from tasks.stage import once, stage


@flow(name="counterparts")
def counterparts() -> None:
    """Make data/counterparts."""
    with stage("counterparts") as this:
        once(work.answer_as_counterparts, this.signature, this.signature)


if __name__ == "__main__":
    counterparts()
