"""The report that people read: `data/report/report.html` and `report.md`."""

from __future__ import annotations

from prefect import flow

from tasks import report as work
from tasks.stage import once, stage


@flow(name="report")
def report() -> None:
    """Make data/report from what the other stages, audits and ablations left."""
    with stage("report") as this:
        once(work.write_report, this.key(this.signature, *work.extras()), this.signature)


if __name__ == "__main__":
    report()
