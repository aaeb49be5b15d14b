"""One policy update in processes of its own: what the tests kill, and launch by torchrun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pulsemind.records import DIMENSIONS, Query, Rollout
from pulsemind.settings import Correction, CrpoSettings, EngineSettings, Guards, Judge, Weights
from tests.conftest import consultation

ROOT = Path(__file__).parents[2]
G = 4
SETTINGS = CrpoSettings(
    iterations=1,
    staleness=0,
    queries=4,
    candidates=G,
    temperature=1.0,
    max_new_tokens=12,
    max_prompt_length=200,
    generation_batch=8,
    engine=EngineSettings(kind="transformers"),
    reward="comparison",
    judge=Judge(
        kind="offline",
        model="rubric",
        endpoint="none",
        orders="both",
        dimensions=list(DIMENSIONS),
        retries=0,
        seed=1,
    ),
    tie_value=0.0,
    weights=Weights(proactiveness=1.0, accuracy=1.0, usefulness=1.0, language_quality=1.0),
    guards=Guards(truncated=False, repetition=1.0),
    oversample=1.0,
    alarm=0.1,
    learning_rate=0.01,
    kl=0.04,
    clip=0.2,
    loss="grpo",
    correction=Correction(kind="none", cap=2.0),
    advantage="group",
    batch=8,
    global_batch=16,
    epochs=1,
    bf16=False,
    gradient_checkpointing=False,
    zero=0,
    save_every=None,
    seed=1,
)
REWARDS = [[0.1, 0.4, 0.4, 0.9], [0.0, 1.0, 0.5, 0.25], [0.2, 0.2, 0.2, 0.2], [1.0, 0.0, 0.0, 0.0]]


def some_queries() -> list[Query]:
    """Four queries; every second one shows an image."""
    records = [consultation(i) for i in range(4)]
    return [
        Query(id=f"q{i}", language=r.language, turns=r.turns[: 1 + 2 * (i % 2)], reference="ref")
        for i, r in enumerate(records)
    ]


def rewards(queries: Sequence[Query]) -> dict[str, list[float | None]]:
    """Rewards of their candidates."""
    return {q.id: list(r) for q, r in zip(queries, REWARDS, strict=True)}


def sampled(base: Path, adapter: Path, data: Path, queries: Sequence[Query]) -> list[Rollout]:
    """Candidates of the adapter."""
    from pulsemind.model.engine import sample
    from pulsemind.model.load import load_adapter, load_base, load_processor

    return list(
        sample(
            load_adapter(load_base(base), adapter), load_processor(base), data, queries,
            candidates=G, temperature=1.0, max_new_tokens=12, max_prompt_length=200, batch=8,
            seed=1, policy="p",
        )
    )  # fmt: skip


def write_batch(
    folder: Path,
    queries: Sequence[Query],
    rollouts: Sequence[Rollout],
    rewards: dict[str, list[float | None]],
) -> Path:
    """A rollout batch as a file."""
    path = folder / "batch.json"
    content = {
        "queries": [q.model_dump(mode="json") for q in queries],
        "rollouts": [r.model_dump(mode="json") for r in rollouts],
        "rewards": rewards,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def start(
    settings: CrpoSettings,
    places: Sequence[Path],
    work: Path,
    out: Path,
    processes: int | None = None,
    kill_at: int = 0,
) -> subprocess.Popen[str]:
    """Update in the background; by torchrun in so many processes, or without it.

    Args:
        places: base, policy, reference, data, batch.
        kill_at: step behind which the process kills itself, before it saves.
    """
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [sys.executable, *(launcher if processes else []), "-m", "tests.unit.crpo_job"]
    return subprocess.Popen(
        [*command, settings.model_dump_json(), *map(str, (*places, work, out, kill_at))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def main(settings: str, *places: str) -> None:
    """What a process does."""
    from pulsemind.crpo.update import update

    base, policy, reference, data, batch, work, out = map(Path, places[:-1])
    kill_at = int(places[-1])

    def log(step: int, figures: dict[str, float]) -> None:
        if step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    content = json.loads(batch.read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    result = update(
        CrpoSettings.model_validate_json(settings),
        *(base, policy, reference, data),
        [Query.model_validate(q) for q in content["queries"]],
        [Rollout.model_validate(r) for r in content["rollouts"]],
        *(content["rewards"], work, out, log),
    )
    if os.environ.get("RANK", "0") == "0":
        (work / "result.json").write_text(result.model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
