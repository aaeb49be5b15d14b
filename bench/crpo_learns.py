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
from statistics import mean

from bench.table import check, report
from pulsemind import artifacts, settings
from pulsemind.crpo import loop
from pulsemind.crpo.update import update
from pulsemind.evaluation.consultation import Reply, answer_all, last_turn_queries, pair_up
from pulsemind.evaluation.statistics import pairwise_results
from pulsemind.judge import OFFLINE_NOTE, compare, rubric
from pulsemind.model.engine import answer
from pulsemind.model.load import load_adapter, load_base, load_processor
from pulsemind.records import DIMENSIONS, Answer, Consultation, Query
from pulsemind.settings import CrpoSettings

BASE, SFT, DATA = Path("models/base"), Path("models/sft2"), Path("data/dataset")
BENCHMARKS = ("cmtmedqa", "meddiagnose")


def train(section: CrpoSettings, folder: Path) -> Path:
    """The whole loop without the flow; returns the last adapter."""
    queries = list(artifacts.read_shards(DATA / "queries", Query))
    answers = [
        answer
        for part in sorted(p for p in Path("data/counterparts").iterdir() if p.is_dir())
        for answer in artifacts.read_shards(part, Answer)
    ]
    policy = SFT
    for i in range(section.iterations):
        chosen = loop.pick_queries(queries, section.queries, i, section.seed)
        rollouts = list(loop.rollout(section, BASE, policy, "bench", DATA, chosen, i))
        judged = loop.judge(section, chosen, rollouts, answers, {}, 1, folder / "cache", DATA)
        rewards = loop.rewards_of(section, judged)
        out = folder / f"{section.seed}-{i}"
        update(
            section, BASE, policy, SFT, DATA, chosen, rollouts, rewards, folder / "work", out,
            lambda step, values: None,
        )  # fmt: skip
        policy = out
    return policy


def held_out() -> list[Query]:
    """The last answered turn of every benchmark dialogue."""
    cases = [
        case
        for name in BENCHMARKS
        for case in artifacts.read_shards(DATA / "benchmarks" / name, Consultation)
    ]
    return last_turn_queries(cases)


def replies(adapter: Path, queries: list[Query], wanted: settings.EvaluateSettings) -> list[Reply]:
    """One model's replies."""
    model, processor = load_adapter(load_base(BASE), adapter), load_processor(BASE)
    return answer_all(
        queries,
        lambda q: answer(model, processor, DATA, q, wanted.decoding, wanted.max_prompt_length),
    )


def main() -> int:
    """Run the seeds, print the table and the checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of three")
    seeds = (1,) if parser.parse_args().quick else (1, 2, 3)
    stages = settings.load().stages
    wanted, queries = stages.evaluate, held_out()
    before = replies(SFT, queries, wanted)
    rows, checks = [], [check("held-out consultations", len(queries), 100, least=True)]
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            section = stages.crpo.model_copy(update={"seed": seed})
            after = replies(train(section, Path(folder)), queries, wanted)
            verdicts = compare(
                pair_up(queries, after, before, "sft"), wanted.judge, {}, 1, Path(folder) / "cache"
            )
            results = pairwise_results({"held-out": verdicts}, "crpo", wanted)
            (overall,) = [r for r in results if r.aspect == "overall"]
            row = {"seed": seed, "n": overall.n, "win rate": overall.win_rate or 0.0,
                   "low": overall.low or 0.0, "high": overall.high or 0.0,
                   "tie share": overall.tie.value if overall.tie else 0.0}  # fmt: skip
            checks.append(check(f"seed {seed}: win rate", row["win rate"], 0.7, least=True))
            for dimension in DIMENSIONS:
                points = [
                    100 * mean(rubric(r.query, r.text)[dimension] for r in side)
                    for side in (before, after)
                ]
                row[f"{dimension} sft"], row[dimension] = points
                limit = 20.0 if dimension == "proactiveness" else -3.0
                change = points[1] - points[0]
                checks.append(check(f"seed {seed}: {dimension}", change, limit, least=True))
            rows.append(row)
    return report("crpo_learns", rows, checks, f"{OFFLINE_NOTE}; profile {settings.load().profile}")


if __name__ == "__main__":
    sys.exit(main())
