"""Ablations (P Table 4): `python -m flows.ablation data|rl|reward [--seeds 1 2 3]`.

data: public sets alone, or with our own consultations. rl: SFT, or SFT and reinforcement learning.
reward: GRPO on absolute scores, or CRPO. The chain is brought up to date first, which costs nothing
when it is; arms are trained beside it in `work/ablation`. A killed run goes on where it was.
Leaves `metrics/ablation_KIND.json` and `plots/ablation_KIND.png`, and prints the table.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from prefect import flow

from flows.base import base
from flows.counterparts import counterparts
from flows.crpo import crpo
from flows.dataset import dataset
from flows.evaluate import evaluate
from flows.sample import sample
from flows.sft import sft
from pulsemind import settings
from tasks import ablation as work
from tasks.stage import once
from tasks.tracking import commit

if TYPE_CHECKING:
    from pulsemind.evaluation.ablation import Kind

SEEDS = (1, 2, 3)


@flow(name="ablation", flow_run_name="ablation-{kind}", validate_parameters=False)
def ablation(kind: Kind, seeds: Sequence[int] = SEEDS) -> None:
    """Make metrics/ablation_KIND.json."""
    os.environ.setdefault("PULSEMIND_RUN", f"ablation-{kind}@{commit()[:12]}")
    chain()
    wanted = settings.load()
    for run in work.runs(kind, seeds):
        key = work.train_key(run, wanted)
        once(work.train_arm, key, kind, run, key)
        once(work.answer, work.answer_key(kind, run, wanted), kind, run)
    key = work.compare_key(kind, seeds, wanted)
    once(work.compare, key, kind, seeds, key)


def chain() -> None:
    """What every ablation shares; what is up to date is not run again."""
    sample()
    dataset()
    base()
    sft("sft1")
    sft("sft2")
    counterparts()
    crpo()
    evaluate()


def main() -> None:
    """Run one ablation and print it."""
    from pulsemind.evaluation.ablation import Ablation
    from pulsemind.report.ablation import show

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=list(work.ARMS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    arguments = parser.parse_args()
    ablation(arguments.kind, list(dict.fromkeys(arguments.seeds)))
    show(Ablation.model_validate_json(work.metrics(arguments.kind).read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
