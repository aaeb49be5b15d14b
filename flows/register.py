"""The last policy becomes a registered model version; the summary is written."""

from __future__ import annotations

from prefect import flow

from tasks import register as work
from tasks.stage import once, stage


@flow(name="register")
def register() -> None:
    """Register models/crpo and make metrics/summary.json."""
    with stage("register") as this:
        once(work.register_adapter, this.signature, this.signature)


if __name__ == "__main__":
    register()
