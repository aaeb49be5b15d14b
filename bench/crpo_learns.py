"""Does CRPO learn? `python -m bench.crpo_learns [--quick]`, after `make demo`.

Starts from the demo's SFT model, counterparts and queries, runs the CRPO of the profile in use for
three seeds, and compares policy and SFT model on the benchmarks' dialogues, which no training
record overlaps. Dimensions are in points: 100 times the mean of the offline rubric.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.policies import SFT, against, counterparts, held_out, points, replies, train
from bench.table import check, report
from pulsemind import settings
from pulsemind.judge import OFFLINE_NOTE
from pulsemind.records import DIMENSIONS


def main() -> int:
    """Run the seeds, print the table and the checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of three")
    seeds = (1,) if parser.parse_args().quick else (1, 2, 3)
    stages = settings.load().stages
    wanted, queries = stages.evaluate, held_out()
    answers = [answer for part in counterparts().values() for answer in part]
    before = replies(SFT, queries, wanted)
    rows, checks = [], [check("held-out consultations", len(queries), 100, least=True)]
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            section = stages.crpo.model_copy(update={"seed": seed})
            policy, _ = train(section, answers)
            after = replies(policy, queries, wanted)
            overall = against(queries, after, before, wanted, Path(folder) / "cache")
            row = {"seed": seed, "n": overall.n, "win rate": overall.win_rate or 0.0,
                   "low": overall.low or 0.0, "high": overall.high or 0.0,
                   "tie share": overall.tie.value if overall.tie else 0.0}  # fmt: skip
            checks.append(check(f"seed {seed}: win rate", row["win rate"], 0.7, least=True))
            sft, crpo = points(before), points(after)
            for dimension in DIMENSIONS:
                row[f"{dimension} sft"], row[dimension] = sft[dimension], crpo[dimension]
                limit = 20.0 if dimension == "proactiveness" else -3.0
                change = crpo[dimension] - sft[dimension]
                checks.append(check(f"seed {seed}: {dimension}", change, limit, least=True))
            rows.append(row)
    return report("crpo_learns", rows, checks, f"{OFFLINE_NOTE}; profile {settings.load().profile}")


if __name__ == "__main__":
    sys.exit(main())
