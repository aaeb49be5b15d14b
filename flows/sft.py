"""SFT stage 1 (medical text) or stage 2 (consultations with images): `python -m flows.sft sft2`."""

from __future__ import annotations

import argparse
from typing import Literal

from prefect import flow

from tasks import sft as work
from tasks.stage import once, stage


@flow(name="sft", flow_run_name="{name}")
def sft(name: Literal["sft1", "sft2"]) -> None:
    """Make models/sft1 or models/sft2."""
    with stage(name) as this:
        once(work.train_sft, this.signature, name, this.signature)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["sft1", "sft2"], help="which stage to train")
    sft(parser.parse_args().name)
