"""How many counterparts, how strong? `python -m bench.counterparts [--quick]`, after `make demo`.

An open question of the field: CRPO's reward depends on whom the candidates are compared with. Here
their number (1, 3, 5) and strength vary: weak (samples of the earliest SFT snapshot), strong
(samples of the last one), mixed (that many snapshots from the earliest to the last). Everything
else is the profile's, on a reduced budget: two seeds and fewer iterations. Every policy then meets
the same yardstick, the SFT model and the chain's counterparts, on the benchmarks' dialogues.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from bench.policies import against, counterparts, held_out, replies, train
from bench.table import check, report
from pulsemind import artifacts, settings
from pulsemind.artifacts import digest, json_digest, writing
from pulsemind.crpo.statistics import RewardStatistics
from pulsemind.evaluation.arms import items_of, rate
from pulsemind.evaluation.consultation import Reply, pair_up
from pulsemind.evaluation.results import Estimate
from pulsemind.judge import OFFLINE_NOTE, compare
from pulsemind.records import Answer, Query
from pulsemind.settings import Counterpart, CounterpartSettings, EvaluateSettings
from tasks.ablation_arms import BASE, DATASET, RESPONSES, SFT, WORK
from tasks.answers import generator

NUMBERS, STRENGTHS = (1, 3, 5), ("weak", "mixed", "strong")
ITERATIONS = 6


def main() -> int:
    """Train against each set of counterparts, print the table and the checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of two")
    seeds = (1,) if parser.parse_args().quick else (1, 2)
    stages = settings.load().stages
    wanted, queries = stages.evaluate, held_out()
    models = stages.counterparts.models
    yardstick = {model.name: replies(Path(str(model.adapter)), queries, wanted) for model in models}
    sft = replies(SFT, queries, wanted)
    rows = []
    for strength in STRENGTHS:
        for number in NUMBERS:
            chosen = _chosen(models, number, strength)
            answers = _answers(chosen, stages.counterparts)
            for seed in seeds:
                changes = {"seed": seed, "iterations": min(ITERATIONS, stages.crpo.iterations)}
                policy, history = train(stages.crpo.model_copy(update=changes), answers)
                found = replies(policy, queries, wanted)
                result = against(queries, found, sft, wanted, RESPONSES)
                row = {"strength": strength, "counterparts": number, "seed": seed}
                row |= {**_signal(history), "n": result.n}
                row["against SFT"] = _shown(result.win_rate, result.low, result.high)
                row |= _yardstick(queries, found, yardstick, wanted)
                rows.append(row)
    checks = [check("held-out consultations", len(queries), 100, least=True)]
    note = (
        f"{OFFLINE_NOTE}; profile {settings.load().profile}, {changes['iterations']} of "
        f"{stages.crpo.iterations} iterations, {len(seeds)} seeds; win rates among decided pairs "
        "with intervals over dialogues"
    )
    return report("counterparts", rows, checks, note)


def _chosen(
    models: Sequence[Counterpart], number: int, strength: str
) -> list[tuple[Counterpart, int]]:
    """Counterparts, each with the seed it answers by.

    One mixed counterpart is the snapshot in the middle.
    """
    if strength == "mixed":
        ends = (0, len(models) - 1) if number > 1 else ((len(models) - 1) // 2,) * 2
        places = np.linspace(*ends, number).round().astype(int)
        return [(models[place], 0) for place in places]
    model = models[0] if strength == "weak" else models[-1]
    return [(model, seed) for seed in range(number)]


def _answers(
    chosen: Sequence[tuple[Counterpart, int]], section: CounterpartSettings
) -> list[Answer]:
    """The answers to the queries: those of the chain for seed 0, others sampled and kept."""
    chain = counterparts()
    queries = list(artifacts.read_shards(DATASET / "queries", Query))
    found: list[Answer] = []
    for model, seed in chosen:
        if seed == 0:
            found += chain[model.name]
            continue
        name = f"{model.name}-{seed}"
        decoding = section.decoding.model_copy(update={"seed": section.decoding.seed + seed})
        weights = digest(BASE), digest(SFT), digest(DATASET)
        made_from = [*weights, model.model_dump(), decoding.model_dump()]
        out = WORK / "answers" / json_digest(made_from)[:16]
        if not artifacts.intact(out):
            services = settings.load().services
            generate = generator(model, decoding, section.max_prompt_length, services)
            texts = zip(queries, generate(queries), strict=True)
            with writing(out, "answers") as folder:
                artifacts.write_shards(
                    folder, (Answer(query_id=q.id, model=name, text=text) for q, text in texts)
                )
        found += artifacts.read_shards(out, Answer)
    return found


def _signal(history: Sequence[RewardStatistics]) -> dict[str, Any]:
    return {
        "reward": f"{history[0].reward:.2f} -> {history[-1].reward:.2f}",
        "std": mean(step.reward_std for step in history),
        "std in a group": mean(step.group_std for step in history),
        "flat groups %": 100 * mean(step.zero_variance for step in history),
    }


def _yardstick(
    queries: list[Query],
    found: list[Reply],
    others: dict[str, list[Reply]],
    wanted: EvaluateSettings,
) -> dict[str, Any]:
    pairs = [p for name, theirs in others.items() for p in pair_up(queries, found, theirs, name)]
    verdicts = compare(pairs, wanted.judge, settings.load().services.endpoints, 1, RESPONSES)
    result = rate(items_of("held-out", "policy", None, verdicts), None, "counterparts", wanted)
    won = result.win_rate or Estimate(value=0.0, low=0.0, high=1.0)
    return {"n all": result.n, "against all": _shown(won.value, won.low, won.high)}


def _shown(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "-"
    return f"{100 * value:.1f} ({100 * low:.1f}-{100 * high:.1f})"


if __name__ == "__main__":
    sys.exit(main())
