"""GRPO against CRPO (P Table 4c). `python -m bench.ablation_reward [--quick]`, after `make demo`.

The same loop, data, seeds and budget; only the reward differs: comparison with the counterparts
(CRPO), or the mean of the judge's absolute scores (GRPO). Each policy meets the SFT model, and CRPO
meets GRPO, on the held-out dialogues. Draws `bench/out/ablation_reward.png`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.policies import SFT, against, counterparts, held_out, points, replies, train
from bench.table import report
from pulsemind import settings
from pulsemind.crpo.statistics import RewardStatistics
from pulsemind.judge import OFFLINE_NOTE

METHODS = {"GRPO": "absolute", "CRPO": "comparison"}
PLOT = Path("bench/out/ablation_reward.png")


def main() -> int:
    """Train both ways for every seed, print the table, draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of three")
    seeds = (1,) if parser.parse_args().quick else (1, 2, 3)
    stages = settings.load().stages
    wanted, queries = stages.evaluate, held_out()
    answers = [answer for part in counterparts().values() for answer in part]
    sft = replies(SFT, queries, wanted)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        for seed in seeds:
            found = {}
            for method, reward in METHODS.items():
                section = stages.crpo.model_copy(update={"seed": seed, "reward": reward})
                policy, history = train(section, answers, Path(folder) / method)
                found[method] = replies(policy, queries, wanted)
                row = {"method": method, "against": "SFT", "seed": seed, **_signal(history, reward)}
                result = against(queries, found[method], sft, wanted, cache)
                rows.append({**row, **_rates(result), **points(found[method])})
            result = against(queries, found["CRPO"], found["GRPO"], wanted, cache)
            row = {
                "method": "CRPO",
                "against": "GRPO",
                "seed": seed,
                "std in group": "",
                "flat": "",
            }
            rows.append({**row, **_rates(result), **points(found["CRPO"])})
    _draw(rows)
    return report("ablation_reward", rows, [], f"{OFFLINE_NOTE}; profile {settings.load().profile}")


def _rates(result: Any) -> dict[str, Any]:
    return {"n": result.n, "win rate": result.win_rate, "low": result.low, "high": result.high}


def _signal(history: list[RewardStatistics], reward: str) -> dict[str, float]:
    """The reward's deviation (both scaled to 0 to 1) and the share of groups without any."""
    scale = 4.0 if reward == "absolute" else 1.0
    return {
        "std in group": float(np.mean([s.group_std for s in history])) / scale,
        "flat": float(np.mean([s.zero_variance for s in history])),
    }


def _draw(rows: list[dict[str, Any]]) -> None:
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        colour = "#1864ab" if row["method"] == "CRPO" else "#868e96"
        rate, low, high = row["win rate"], row["low"], row["high"]
        axes.errorbar([rate], [place], xerr=[[rate - low], [high - rate]], fmt="o", color=colour)
    labels = [f"{row['method']} against {row['against']}, seed {row['seed']}" for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.axvline(0.5, color="#868e96", lw=0.8, ls="--")
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"win rate among decided pairs ({OFFLINE_NOTE})", fontsize=8)
    axes.invert_yaxis()
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    sys.exit(main())
