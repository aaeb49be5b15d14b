"""The arms of ablations: policies and SFT models trained like the chain's, but for one thing.

What an arm leaves lies in `work/ablation` under a name made of everything it depends on. So a
killed run goes on where it was, two ablations (and the benches) share the arms they have in
common, and switching a setting back and forth trains nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pulsemind import artifacts, settings
from pulsemind.artifacts import digest, intact, json_digest, writing
from pulsemind.records import Answer, Consultation, Query, Scores, Turn, Verdict
from pulsemind.settings import CrpoSettings, DatasetSettings, Services, TinyModel
from tasks.stage import declared

if TYPE_CHECKING:
    from pulsemind.crpo.reward import Rewards
    from pulsemind.crpo.statistics import RewardStatistics

BASE, SFT1, SFT = Path("models/base"), Path("models/sft1"), Path("models/sft2")
DATASET, COUNTERPARTS = Path("data/dataset"), Path("data/counterparts")
WORK, RESPONSES = Path("work/ablation"), Path("work/responses")
TRAINING = ("stage1/train", "stage1/validation", "stage2/train", "stage2/validation")
Log = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Model:
    """What answers: a base and the adapter on it."""

    base: Path
    adapter: Path


def counterparts() -> list[Answer]:
    """The chain's counterparts' answers to the CRPO queries."""
    folders = sorted(path for path in COUNTERPARTS.iterdir() if path.is_dir())
    return [answer for path in folders for answer in artifacts.read_shards(path, Answer)]


def policy_folder(section: CrpoSettings, answers: Sequence[Answer], code: str) -> Path:
    """Where a policy trained by these settings against these answers lies.

    Args:
        code: digest of the code of the chain's CRPO stage.

    More `iterations` go on from those that are there.
    """
    made_from = [
        code,
        section.model_dump(exclude={"iterations", "alarm"}),
        json_digest([answer.model_dump() for answer in answers]),
        *(digest(folder) for folder in (BASE, SFT, DATASET)),
    ]
    return WORK / "policies" / json_digest(made_from)[:16]


def train_policy(
    section: CrpoSettings, answers: Sequence[Answer], services: Services, code: str
) -> tuple[Path, list[RewardStatistics]]:
    """The chain's loop from its SFT model, beside it; returns the last adapter, and the figures.

    Args:
        answers: the counterparts'.
        code: as in `policy_folder`.
    """
    from pulsemind.crpo import loop

    queries = list(artifacts.read_shards(DATASET / "queries", Query))
    folder, policy = policy_folder(section, answers, code), SFT
    for i in range(section.iterations):
        chosen = loop.pick_queries(queries, loop.sampled(section), i, section.seed)
        at = folder / f"iteration-{i:04d}"
        _iterate(section, chosen, answers, services, policy, at, i)
        policy = at / "adapter"
    return policy, [figures(folder, i) for i in range(section.iterations)]


def figures(folder: Path, iteration: int) -> RewardStatistics:
    """What an iteration's verdicts came to, of a policy in `folder`."""
    from pulsemind.crpo.statistics import RewardStatistics

    path = folder / f"iteration-{iteration:04d}" / "judged" / "statistics.json"
    return RewardStatistics.model_validate_json(path.read_text(encoding="utf-8"))


def rewards(section: CrpoSettings, folder: Path, iteration: int) -> Rewards:
    """The rewards of an iteration's candidates by query, of a policy in `folder`."""
    from pulsemind.crpo import loop
    from pulsemind.records import Rollout

    at = folder / f"iteration-{iteration:04d}"
    rollouts = list(artifacts.read_shards(at / "rollouts", Rollout))
    return loop.rewards_of(section, _judged(section, at), rollouts)[0]


def _judged(section: CrpoSettings, at: Path) -> Sequence[Verdict] | Sequence[Scores]:
    if section.reward == "absolute":
        return list(artifacts.read_shards(at / "judged", Scores))
    return list(artifacts.read_shards(at / "judged", Verdict))


def _iterate(
    section: CrpoSettings,
    queries: Sequence[Query],
    answers: Sequence[Answer],
    services: Services,
    policy: Path,
    at: Path,
    iteration: int,
) -> None:
    """Sample, judge and update, each unless its artifact is there."""
    from pulsemind.crpo import loop
    from pulsemind.crpo.update import update
    from pulsemind.records import Rollout

    if intact(at / "adapter"):
        return
    if not intact(at / "rollouts"):
        with writing(at / "rollouts", "rollouts") as folder:
            found = loop.rollout(section, BASE, policy, digest(policy), DATASET, queries, iteration)
            artifacts.write_shards(folder, found)
    rollouts = list(artifacts.read_shards(at / "rollouts", Rollout))
    if not intact(at / "judged"):
        with writing(at / "judged", "verdicts") as folder:
            judged = loop.judge(
                section, queries, rollouts, answers, services.endpoints, services.concurrency,
                RESPONSES, DATASET,
            )  # fmt: skip
            artifacts.write_shards(folder, judged)
            _, figures = loop.rewards_of(section, judged, rollouts)
            artifacts.write_json(folder / "statistics.json", figures.model_dump())
    paid, _ = loop.rewards_of(section, _judged(section, at), rollouts)
    with writing(at / "adapter", "adapter", iteration=iteration) as folder:
        update(
            section, BASE, policy, SFT, DATASET, loop.trained_on(section, queries, paid),
            rollouts, paid, at / ".trainer", folder, lambda step, values: None,
        )  # fmt: skip


def own_sources(section: DatasetSettings) -> set[str]:
    """The sources that hold our own consultations. Raises ValueError when there is none."""
    own = {source.name for source in section.sources if source.refine}
    if not own:
        raise ValueError(
            "no source of the profile is marked `refine: true`, so there are no consultations of "
            "our own to leave out: the data ablation has nothing to compare"
        )
    return own


def mixture(name: Literal["public", "all"], wanted: settings.Settings) -> Path:
    """The dataset an arm's SFT stages read: all of it, or a copy without our own consultations.

    Where no public set is meant for stage 2, the public text of stage 1 stands in for it.
    """
    if name == "all":
        return DATASET
    own = own_sources(wanted.stages.dataset)
    out = WORK / "mixtures" / json_digest([digest(DATASET), sorted(own)])[:16]
    if intact(out):
        return out
    with writing(out, "mixture", without=sorted(own)) as folder:
        for split in TRAINING:
            count = artifacts.write_shards(folder / split, _public(DATASET / split, own))
            if not count and split.startswith("stage2"):
                stand_in = split.replace("stage2", "stage1")
                artifacts.write_shards(folder / split, _public(DATASET / stand_in, own))
        (folder / "images").symlink_to((DATASET / "images").resolve())
    return out


def _public(shards: Path, own: set[str]) -> Iterator[Consultation]:
    return (
        record
        for record in artifacts.read_shards(shards, Consultation)
        if record.provenance.source not in own
    )


def records(data: Path) -> int:
    """Dialogues that stage 2 learns from in a mixture."""
    return sum(1 for _ in artifacts.read_shards(data / "stage2" / "train", Consultation))


def train_mixture(
    name: Literal["public", "all"], seed: int, wanted: settings.Settings, log: Log
) -> Model:
    """SFT stage 2 on a mixture, from a base and a stage 1 that know none of our consultations."""
    data = mixture(name, wanted)
    base, start = _public_start(wanted)
    section = wanted.stages.sft2.model_copy(update={"seed": seed, "snapshots": []})
    inputs = [digest(base), digest(start), digest(data)]
    adapter = _sft(section, "stage2", base, start, data, inputs, log, wanted.services)
    return Model(base, adapter)


def _public_start(wanted: settings.Settings) -> tuple[Path, Path]:
    """The base and stage-1 adapter that both arms of the data ablation begin with.

    A published checkpoint and a stage 1 of public text are the chain's own. A base that is built
    here was pretrained on all dialogues, ours among them; it is built anew without them.
    """
    public = mixture("public", wanted)
    stage1 = DATASET / "stage1" / "train"
    ours = any(
        record.provenance.source in own_sources(wanted.stages.dataset)
        for record in artifacts.read_shards(stage1, Consultation)
    )
    build = wanted.stages.base.build
    if build is None and not ours:
        return BASE, SFT1
    base = BASE if build is None else _public_base(build, public, wanted)
    section = wanted.stages.sft1.model_copy(update={"snapshots": []})
    inputs = [digest(base), digest(public)]
    return base, _sft(section, "stage1", base, None, public, inputs, _silent, wanted.services)


def _public_base(build: TinyModel, public: Path, wanted: settings.Settings) -> Path:
    from pulsemind.model.build import build_base
    from pulsemind.model.load import write_reference

    section = wanted.stages.base
    made_from = [declared("base").code, section.model_dump(), digest(public)]
    out = WORK / "bases" / json_digest(made_from)[:16]

    def dialogues() -> Iterator[tuple[Turn, ...]]:
        for split in ("stage1", "stage2"):
            for record in artifacts.read_shards(public / split / "train", Consultation):
                yield record.turns

    if not intact(out):
        with writing(out, "base") as folder:
            build_base(build, dialogues, out.with_suffix(".work"), folder)
            write_reference(folder, section)
    return out


def _sft(
    section: settings.SftSettings,
    split: str,
    base: Path,
    start: Path | None,
    data: Path,
    inputs: Sequence[str],
    log: Log,
    services: Services,
) -> Path:
    from pulsemind.sft.train import train

    made_from = [declared("sft2").code, section.model_dump(), split, *inputs]
    out = WORK / "sft" / json_digest(made_from)[:16]
    if not intact(out):
        with writing(out, "adapter", stage=split) as folder:
            checkpoints = out.with_suffix(".work")
            train(section, base, start, data, split, checkpoints, folder, log, services.workers)
    return out


def _silent(step: int, values: Mapping[str, Any]) -> None:
    """Stage 1 is the same for all arms and seeds; its figures tell none apart."""
