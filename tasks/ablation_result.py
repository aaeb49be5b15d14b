"""What an ablation's arms come to: judged, counted, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pulsemind import artifacts
from pulsemind.evaluation.ablation import (
    COUNTERPARTS,
    Ablation,
    About,
    Agreement,
    ArmAccuracy,
    Comparison,
    Item,
    Kind,
    Rate,
    Signal,
    published,
)
from pulsemind.evaluation.arms import (
    agreement,
    compare_arms,
    head_to_head,
    items_of,
    rate,
    sentence,
    signal,
    signal_point,
)
from pulsemind.evaluation.consultation import Reply, last_turn_queries, pair_up, turn_queries
from pulsemind.evaluation.qa import qa_results
from pulsemind.judge import compare, judge_name, note
from pulsemind.records import QAItem, Query
from pulsemind.report.summary import TINY_NOTE
from pulsemind.settings import Settings
from tasks import ablation as work
from tasks import ablation_arms as arms
from tasks.ablation import ARMS, EVALUATION, Trained
from tasks.ablation_arms import DATASET, RESPONSES
from tasks.stage import declared

RANGE = {"comparison": (0.0, 1.0), "absolute": (1.0, 5.0)}
"""Lowest and highest R under each reward."""
SFT = "sft"
"""The chain's SFT model, as its evaluation calls it."""


def result_of(kind: Kind, seeds: Sequence[int], wanted: Settings) -> Ablation:
    """The ablation, once all arms have answered."""
    every = work.runs(kind, seeds)
    models = [model.name for model in wanted.stages.counterparts.models]
    met = [item for run in every for item in _against(kind, run, _chain(models), wanted)]
    direct = [item for run in every for item in _against_other(kind, run, seeds, wanted)]
    reference = (
        [item for run in every for item in _against(kind, run, _chain([SFT]), wanted)]
        if kind == "reward"
        else []
    )
    comparisons = _comparisons(kind, seeds, met, direct, wanted)
    return Ablation(
        kind=kind,
        profile=wanted.profile,
        judge=judge_name(wanted.stages.evaluate.judge),
        seeds=list(seeds),
        arms=[About(name=arm.name, what=arm.what) for arm in ARMS[kind]],
        rates=[
            *_rates(kind, met, COUNTERPARTS, wanted),
            *_rates(kind, reference, "SFT", wanted),
            *_rates(kind, direct, ARMS[kind][0].name, wanted),
        ],
        comparisons=comparisons,
        signals=[_signal(run, wanted) for run in every] if kind == "reward" else [],
        agreement=_agreement(kind, seeds, wanted) if kind == "reward" else None,
        qa=[figure for run in every for figure in _accuracies(kind, run, wanted)],
        published=published(kind),
        conclusion=sentence(comparisons[0]),
        notes=_notes(kind, wanted),
    )


def _chain(models: Sequence[str]) -> dict[str, Path]:
    """Where the replies lie that the chain's evaluation left."""
    return {name: EVALUATION / "replies" / name for name in models}


def _against(
    kind: Kind, run: Trained, opponents: Mapping[str, Path], wanted: Settings
) -> list[Item]:
    """An arm's replies against the opponents', on all consultation benchmarks."""
    services, items = wanted.services, []
    for name, about in work.benchmarks().items():
        if about["kind"] != "consultation":
            continue
        questions = _questions(name, about["protocol"])
        ours = _replies(work.replies(kind, run) / name)
        pairs = [
            pair
            for opponent, folder in opponents.items()
            for pair in pair_up(questions, ours, _replies(folder / name), opponent)
        ]
        verdicts = compare(
            pairs, wanted.stages.evaluate.judge, services.endpoints, services.concurrency,
            RESPONSES, DATASET,
        )  # fmt: skip
        items += items_of(name, run.arm.name, run.seed, verdicts)
    return items


def _against_other(kind: Kind, run: Trained, seeds: Sequence[int], wanted: Settings) -> list[Item]:
    """The second arm's replies against the first one's of the same seed; of the first arm none."""
    first, second = ARMS[kind]
    if run.arm is not second:
        return []
    (other,) = (o for o in work.runs(kind, seeds) if o.arm is first and o.seed in (run.seed, None))
    return _against(kind, run, {first.name: work.replies(kind, other)}, wanted)


def _rates(kind: Kind, items: Sequence[Item], against: str, wanted: Settings) -> list[Rate]:
    """Each arm with all its seeds together, then seed by seed."""
    found = []
    for arm in ARMS[kind]:
        ours = [item for item in items if item.arm == arm.name]
        seeds = sorted({item.seed for item in ours if item.seed is not None})
        for seed in [None, *seeds] if ours else []:
            part = [item for item in ours if seed in (None, item.seed)]
            found.append(rate(part, seed, against, wanted.stages.evaluate))
    return found


def _comparisons(
    kind: Kind,
    seeds: Sequence[int],
    met: Sequence[Item],
    direct: Sequence[Item],
    wanted: Settings,
) -> list[Comparison]:
    """The second arm less the first one, by way of the counterparts and directly."""
    section = wanted.stages.evaluate
    first, second = ([i for i in met if i.arm == arm.name] for arm in ARMS[kind])

    def of(items: Sequence[Item], seed: int | None) -> list[Item]:
        return [item for item in items if seed is None or item.seed in (seed, None)]

    found = [
        compare_arms(of(second, seed), of(first, seed), seed, COUNTERPARTS, section)
        for seed in [None, *seeds]
    ]
    name = ARMS[kind][0].name
    return found + [head_to_head(of(direct, s), s, name, section) for s in [None, *seeds]]


def _signal(run: Trained, wanted: Settings) -> Signal:
    section = work.section_of(run, wanted)
    folder = arms.policy_folder(section, arms.counterparts(), declared("crpo").code)
    points = [
        signal_point(list(arms.rewards(section, folder, i).values()), *RANGE[section.reward])
        for i in range(section.iterations)
    ]
    return signal(run.arm.name, section.seed, points)


def _agreement(kind: Kind, seeds: Sequence[int], wanted: Settings) -> Agreement | None:
    pairs = []
    for seed in seeds:
        groups = []
        for arm in ARMS[kind]:
            section = work.section_of(Trained(arm, seed), wanted)
            folder = arms.policy_folder(section, arms.counterparts(), declared("crpo").code)
            groups.append(arms.rewards(section, folder, 0))
        pairs += [(groups[0][query], groups[1][query]) for query in groups[0]]
    names = ARMS[kind][0].name, ARMS[kind][1].name
    return agreement(pairs, names, wanted.stages.evaluate)


def _accuracies(kind: Kind, run: Trained, wanted: Settings) -> list[ArmAccuracy]:
    names = [name for name, about in work.benchmarks().items() if about["kind"] == "qa"]
    items = [i for n in names for i in artifacts.read_shards(DATASET / "benchmarks" / n, QAItem)]
    found = [reply for name in names for reply in _replies(work.replies(kind, run) / name)]
    return [
        ArmAccuracy(
            arm=run.arm.name,
            seed=run.seed,
            benchmark=result.benchmark,
            n=result.n,
            accuracy=result.accuracy,
            low=result.low,
            high=result.high,
        )
        for result in qa_results(items, found, wanted.stages.evaluate.confidence)
    ]


def _notes(kind: Kind, wanted: Settings) -> list[str]:
    """What a reader must know before quoting a figure."""
    notes = [note(judge_name(wanted.stages.evaluate.judge))]
    if wanted.profile.startswith("tiny"):
        notes.append(TINY_NOTE)
    if kind == "data":
        notes.append(_data_note(wanted))
    return [text for text in notes if text]


def _data_note(wanted: Settings) -> str:
    public, everything = (arms.records(arms.mixture(name, wanted)) for name in ("public", "all"))
    start = (
        "the chain's base" if wanted.stages.base.build is None else "a base built without our own"
    )
    return (
        f"both arms: {start}, the same stage 1 and as many steps of stage 2, on {public} dialogues "
        f"(Public) or {everything} (Public + own); our own: sources marked `refine`; "
        "where no public set is meant for stage 2, stage 1's public text stands in"
    )


def _questions(benchmark: str, protocol: str) -> list[Query]:
    found = work.cases(benchmark)
    if protocol == "replay":
        return [question for case in found for question in turn_queries(case)]
    return last_turn_queries(found)


def _replies(folder: Path) -> list[Reply]:
    return list(artifacts.read_shards(folder, Reply))
