"""The frozen base model: built on the spot, or a published checkpoint by name."""

from __future__ import annotations

from prefect import flow

from tasks import base as work
from tasks.stage import once, stage


@flow(name="base")
def base() -> None:
    """Make models/base."""
    with stage("base") as this:
        once(work.make_base, this.signature, this.signature)


if __name__ == "__main__":
    base()
