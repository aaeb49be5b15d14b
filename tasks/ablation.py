"""Ablations (P Table 4): train the arms, let them answer the benchmarks, compare.

Everything that the chain has is used as it is: dataset, base, SFT stages, the counterparts' answers
to the queries and their replies to the benchmarks, and every answer that a judge has given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from prefect import task

from pulsemind import artifacts, settings
from pulsemind.artifacts import digest, file_digest, json_digest
from pulsemind.records import Consultation, QAItem, Query
from pulsemind.settings import CrpoSettings, EvaluateSettings, Settings
from tasks import ablation_arms as arms
from tasks.ablation_arms import BASE, DATASET, SFT, WORK, Model
from tasks.stage import Produced, declared, produced
from tasks.tracking import Tracked, tracked

if TYPE_CHECKING:
    from pulsemind.evaluation.ablation import Kind

EVALUATION = Path("data/evaluation")


@dataclass(frozen=True)
class Arm:
    """One way of training."""

    name: str
    what: str
    reward: Literal["comparison", "absolute"] | None = None
    """Of an arm that is trained by reinforcement learning."""
    mixture: Literal["public", "all"] | None = None
    """Of an arm that is trained by SFT; an arm with neither is the chain's SFT model."""


CRPO_WHAT = "the chain's SFT model, then CRPO's comparison reward"
ARMS: dict[Kind, tuple[Arm, Arm]] = {
    "data": (
        Arm("Public", "SFT on public sets alone", mixture="public"),
        Arm("Public + own", "SFT on public sets and our own consultations", mixture="all"),
    ),
    "rl": (
        Arm("SFT", "the chain's SFT model"),
        Arm("SFT + RL", CRPO_WHAT, reward="comparison"),
    ),
    "reward": (
        Arm("GRPO", "the same with the mean of absolute scores as reward", reward="absolute"),
        Arm("CRPO", CRPO_WHAT, reward="comparison"),
    ),
}


@dataclass(frozen=True)
class Trained:
    """An arm with a seed."""

    arm: Arm
    seed: int | None

    @property
    def name(self) -> str:
        """In file names and MLflow."""
        word = self.arm.name.lower().replace(" + ", "-")
        return word if self.seed is None else f"{word}-{self.seed}"


def runs(kind: Kind, seeds: Sequence[int]) -> list[Trained]:
    """Every arm with every seed; the chain's model has its own seed only."""
    return [
        Trained(arm, seed)
        for arm in ARMS[kind]
        for seed in (seeds if arm.reward or arm.mixture else [None])
    ]


def metrics(kind: Kind) -> Path:
    """Where the result stands."""
    return Path(f"metrics/ablation_{kind}.json")


def plot(kind: Kind) -> Path:
    """Where its picture stands."""
    return Path(f"plots/ablation_{kind}.png")


def model_file(kind: Kind, run: Trained) -> Path:
    """Says which base and adapter an arm came to."""
    return WORK / kind / f"{run.name}.json"


def replies(kind: Kind, run: Trained) -> Path:
    """An arm's replies to the benchmarks."""
    return WORK / kind / run.name


def section_of(run: Trained, wanted: Settings) -> CrpoSettings:
    """The settings of a reinforcement-learning arm: the chain's, but for reward and seed."""
    changes = {"reward": run.arm.reward, "seed": run.seed}
    return wanted.stages.crpo.model_copy(update=changes)


def train_key(run: Trained, wanted: Settings) -> str:
    """Digest of everything that an arm's weights depend on."""
    stages = wanted.stages
    data = [digest(folder) for folder in (DATASET, BASE, SFT)]
    code = [declared(name).code for name in ("base", "sft2", "crpo")]
    sections = [stages.base, stages.sft1, stages.sft2, stages.crpo, stages.dataset]
    made_from = [section.model_dump() for section in sections]
    frozen = [digest(arms.COUNTERPARTS), run.arm.name, run.seed]
    return json_digest([data, code, made_from, frozen])


@task
def train_arm(kind: Kind, run: Trained, key: str) -> Produced:
    """Train an arm, or go on with it; its figures go to MLflow."""
    wanted = settings.load()
    out = model_file(kind, run)
    if run.arm.mixture and run.seed is not None:
        with _tracked("sft2", kind, run, key, wanted, {"seed": run.seed}) as tracking:
            model = arms.train_mixture(run.arm.mixture, run.seed, wanted, tracking.log)
    elif run.arm.reward:
        section = section_of(run, wanted)
        changes = {"reward": section.reward, "seed": section.seed}
        with _tracked("crpo", kind, run, key, wanted, changes) as tracking:
            code = declared("crpo").code
            policy, history = arms.train_policy(section, arms.counterparts(), wanted.services, code)
            for iteration, step in enumerate(history):
                values = {"reward": step.reward, "group_std": step.group_std}
                tracking.metrics({**values, "zero_variance": step.zero_variance}, iteration)
            model = Model(BASE, policy)
    else:
        model = Model(BASE, SFT)
    artifacts.write_json(out, {"base": str(model.base), "adapter": str(model.adapter)})
    return produced(out, model.adapter)


@task
def answer(kind: Kind, run: Trained) -> Produced:
    """An arm answers the consultation benchmarks and the QA sets."""
    from pulsemind.evaluation.consultation import answer_all, last_turn_queries, replay
    from pulsemind.evaluation.qa import query

    section = settings.load().stages.evaluate
    out = replies(kind, run)
    generate = _generator(model_of(kind, run), section)
    with artifacts.writing(out, "replies", arm=run.name) as folder:
        for name, about in benchmarks().items():
            if about["kind"] == "qa":
                items = artifacts.read_shards(DATASET / "benchmarks" / name, QAItem)
                found = answer_all([query(item) for item in items], generate)
            elif about["protocol"] == "replay":
                found = replay(cases(name), generate)
            else:
                found = answer_all(last_turn_queries(cases(name)), generate)
            artifacts.write_shards(folder / name, found)
    return produced(out)


@task
def compare(kind: Kind, seeds: Sequence[int], key: str) -> Produced:
    """Judge the arms against the counterparts and each other, count, draw; all goes to MLflow."""
    from pulsemind.report.ablation import plot as draw
    from tasks.ablation_result import result_of

    wanted = settings.load()
    with tracked("evaluate", key, wanted) as run:
        run.tags({"pulsemind.ablation": kind})
        result = result_of(kind, seeds, wanted)
        artifacts.write_json(metrics(kind), result.model_dump())
        draw(result, plot(kind))
        for path in (metrics(kind), plot(kind)):
            run.artifact(path)
        run.metrics(
            {
                f"{row.arm} against {row.against}.win_rate".replace("+", "and"): row.win_rate.value
                for row in result.rates
                if row.seed is None and row.win_rate
            }
        )
    return produced(metrics(kind), plot(kind))


def answer_key(kind: Kind, run: Trained, wanted: Settings) -> str:
    """Digest of everything that an arm's replies depend on."""
    model, section = model_of(kind, run), wanted.stages.evaluate
    inputs = [digest(folder) for folder in (model.base, model.adapter, DATASET)]
    how = [section.decoding.model_dump(), section.max_prompt_length]
    return json_digest([declared("evaluate").code, kind, run.name, inputs, how])


def compare_key(kind: Kind, seeds: Sequence[int], wanted: Settings) -> str:
    """Digest of everything that the result depends on."""
    every = runs(kind, seeds)
    inputs = [digest(replies(kind, run)) for run in every] + [digest(EVALUATION)]
    inputs += [train_key(run, wanted) for run in every]
    code = [declared("evaluate").code, *map(file_digest, sorted(Path("tasks").glob("abl*.py")))]
    return json_digest([code, wanted.stages.evaluate.model_dump(), kind, list(seeds), inputs])


def model_of(kind: Kind, run: Trained) -> Model:
    """The model that an arm came to, once it is trained."""
    found = json.loads(model_file(kind, run).read_text(encoding="utf-8"))
    return Model(Path(found["base"]), Path(found["adapter"]))


def benchmarks() -> dict[str, dict[str, str]]:
    """The benchmarks of the dataset by name: kind and protocol."""
    about = json.loads((DATASET / "benchmarks.json").read_text(encoding="utf-8"))
    return dict(sorted(about.items()))


def cases(benchmark: str) -> list[Consultation]:
    """The dialogues of a consultation benchmark."""
    return list(artifacts.read_shards(DATASET / "benchmarks" / benchmark, Consultation))


def _generator(model: Model, section: EvaluateSettings) -> Callable[[Sequence[Query]], list[str]]:
    from pulsemind.model.engine import answer as generate
    from pulsemind.model.load import load_adapter, load_base, load_processor

    processor = load_processor(model.base)
    adapted = load_adapter(load_base(model.base), model.adapter)
    return lambda queries: generate(
        adapted, processor, DATASET, queries, section.decoding, section.max_prompt_length
    )


@contextmanager
def _tracked(
    stage: str, kind: Kind, run: Trained, key: str, wanted: Settings, changes: Mapping[str, object]
) -> Iterator[Tracked]:
    """The MLflow run of an arm, with the settings that are its own."""
    section = getattr(wanted.stages, stage).model_copy(update=dict(changes))
    stages = wanted.stages.model_copy(update={stage: section})
    with tracked(stage, key, wanted.model_copy(update={"stages": stages})) as tracking:
        tracking.tags({"pulsemind.ablation": kind, "pulsemind.arm": run.arm.name})
        yield tracking
