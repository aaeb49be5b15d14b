"""Does the loop notice a collapse? `python -m bench.reward_hacking [--quick]`, after `make demo`.

With the paper's ties (worth nothing) and no KL term, a dimension that all counterparts are good at
pays nothing, and the policy gives it up for one that pays. This runs the profile's CRPO that way,
with larger and more steps, and as the profile has it for three seeds: the alarm must fire in the
first case and stay silent in the others.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.policies import SFT, counterparts, held_out, points, replies, train
from bench.table import check, report
from pulsemind import settings
from pulsemind.crpo.statistics import alarms
from pulsemind.judge import OFFLINE_NOTE
from pulsemind.records import DIMENSIONS

RECKLESS = {"kl": 0.0, "tie_value": 0.0, "learning_rate": 0.002, "iterations": 16}


def main() -> int:
    """Run both kinds, print the table and the checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed of the defaults, not three")
    seeds = (1,) if parser.parse_args().quick else (1, 2, 3)
    stages = settings.load().stages
    wanted, queries = stages.evaluate, held_out()
    answers = [answer for part in counterparts().values() for answer in part]
    runs = [("reckless", 1, RECKLESS), *(("profile", seed, {}) for seed in seeds)]
    rows = [
        {
            "run": "SFT",
            "seed": 0,
            "reward": "",
            "alarm": "",
            **points(replies(SFT, queries, wanted)),
        }
    ]
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        for name, seed, changes in runs:
            section = stages.crpo.model_copy(update={"seed": seed, **changes})
            policy, history = train(section, answers, Path(folder) / name)
            fired = [alarms(history[: i + 1], section.alarm) for i in range(len(history))]
            ever = [d for d in DIMENSIONS if any(d in found for found in fired)]
            rows.append(
                {
                    "run": name,
                    "seed": seed,
                    "reward": f"{history[0].reward:.2f} -> {history[-1].reward:.2f}",
                    "alarm": ", ".join(ever) or "-",
                    **points(replies(policy, queries, wanted)),
                }
            )
            least = name == "reckless"
            what = f"{name}, seed {seed}: dimensions with an alarm"
            checks.append(check(what, len(ever), 1 if least else 0, least=least))
    return report(
        "reward_hacking", rows, checks, f"{OFFLINE_NOTE}; profile {settings.load().profile}"
    )


if __name__ == "__main__":
    sys.exit(main())
