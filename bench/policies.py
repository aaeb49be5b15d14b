"""What the CRPO benches share: training a policy from the demo's artifacts, and looking at it."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

from pulsemind import artifacts, settings
from pulsemind.crpo.statistics import RewardStatistics
from pulsemind.evaluation.consultation import Reply, answer_all, last_turn_queries, pair_up
from pulsemind.evaluation.results import Estimate, PairwiseResult
from pulsemind.evaluation.statistics import case_of, interval, pairwise_results
from pulsemind.judge import compare, rubric
from pulsemind.model.engine import answer
from pulsemind.model.load import load_adapter, load_base, load_processor
from pulsemind.records import DIMENSIONS, Answer, Consultation, Dimension, Query
from pulsemind.settings import CrpoSettings, EvaluateSettings
from tasks.ablation_arms import train_policy
from tasks.stage import declared

BASE, SFT, DATA = Path("models/base"), Path("models/sft2"), Path("data/dataset")
COUNTERPARTS = Path("data/counterparts")
BENCHMARKS = ("cmtmedqa", "meddiagnose")


def counterparts() -> dict[str, list[Answer]]:
    """The frozen models' answers to the queries, by model."""
    folders = sorted(path for path in COUNTERPARTS.iterdir() if path.is_dir())
    return {path.name: list(artifacts.read_shards(path, Answer)) for path in folders}


def train(section: CrpoSettings, answers: list[Answer]) -> tuple[Path, list[RewardStatistics]]:
    """The whole loop beside the chain; returns the last adapter and every iteration's figures.

    Policies are those of the ablations: one that is there is not trained again.
    """
    code = declared("crpo").code
    return train_policy(section, answers, settings.load().services, code)


def held_out() -> list[Query]:
    """The last answered turn of every benchmark dialogue."""
    cases = [
        case
        for name in BENCHMARKS
        for case in artifacts.read_shards(DATA / "benchmarks" / name, Consultation)
    ]
    return last_turn_queries(cases)


def replies(adapter: Path, queries: list[Query], wanted: EvaluateSettings) -> list[Reply]:
    """One model's replies."""
    model, processor = load_adapter(load_base(BASE), adapter), load_processor(BASE)
    return answer_all(
        queries,
        lambda q: answer(model, processor, DATA, q, wanted.decoding, wanted.max_prompt_length),
    )


def against(
    queries: list[Query],
    ours: list[Reply],
    theirs: list[Reply],
    wanted: settings.EvaluateSettings,
    cache: Path,
) -> PairwiseResult:
    """The overall result of one model's replies against another's, both orders."""
    pairs = pair_up(queries, ours, theirs, "other")
    verdicts = compare(pairs, wanted.judge, {}, 1, cache)
    results = pairwise_results({"held-out": verdicts}, "ours", wanted)
    (overall,) = [result for result in results if result.aspect == "overall"]
    return overall


def levels(found: list[Reply], wanted: EvaluateSettings) -> dict[Dimension, Estimate]:
    """Mean of the offline rubric by dimension (0 to 1) with its interval over dialogues."""
    rated = [rubric(reply.query, reply.text) for reply in found]
    cases = [case_of(reply.query.id) for reply in found]
    draw = wanted.bootstrap, wanted.confidence, wanted.seed
    return {d: interval([values[d] for values in rated], cases, *draw) for d in DIMENSIONS}


def shown(level: Estimate) -> str:
    """A level in points with its interval."""
    return f"{100 * level.value:.1f} ({100 * level.low:.1f}-{100 * level.high:.1f})"


def points(found: list[Reply]) -> dict[Dimension, float]:
    """Mean of the offline rubric by dimension, in points (0 to 100)."""
    rated = [rubric(reply.query, reply.text) for reply in found]
    return {d: 100 * mean(r[d] for r in rated) for d in DIMENSIONS}
