"""The update task's work: in its own process, and in those that a launcher starts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import load_file

from pulsemind import artifacts
from pulsemind.records import DIMENSIONS, Verdict
from tests.processes import outputs
from tests.unit.crpo_job import REWARDS, G, sampled, some_queries

ROOT = Path(__file__).parents[2]
CODE = (
    "from pathlib import Path; from tasks.crpo_update import update;"
    "out = Path('out'); out.mkdir(); update(0, out)"
)
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]


@pytest.fixture(scope="module")
def place(base: Path, adapter: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the chain leaves it when an iteration was judged."""
    folder = tmp_path_factory.mktemp("task")
    queries = some_queries()
    for name, source in (("base", base), ("sft2", adapter)):
        with artifacts.writing(folder / "models" / name, name) as made:
            shutil.copytree(source, made, dirs_exist_ok=True)
    with artifacts.writing(folder / "data" / "dataset", "dataset") as made:
        shutil.copytree(data / "images", made / "images")
        artifacts.write_shards(made / "queries", queries)
    first = folder / "work" / "crpo" / "iteration-0000"
    with artifacts.writing(first / "rollouts", "rollouts") as made:
        artifacts.write_shards(made, sampled(base, adapter, data, queries))
    with artifacts.writing(first / "verdicts", "verdicts") as made:
        artifacts.write_shards(made, _verdicts([q.id for q in queries]))
    return folder


def _verdicts(queries: list[str]) -> list[Verdict]:
    """A candidate wins where its reward in REWARDS is above a half."""
    return [
        Verdict(
            query_id=query, candidate=g, counterpart="other", order="candidate_first",
            judge="test", outcomes=dict.fromkeys(DIMENSIONS, "win" if r > 0.3 else "loss"),
            overall=None,
        )
        for query, rewards in zip(queries, REWARDS, strict=True)
        for g, r in enumerate(rewards)
    ]  # fmt: skip


def run(folder: Path, launch: list[str], **changes: Any) -> subprocess.CompletedProcess[str]:
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    params["services"]["launch"] = launch
    params["profiles"]["tiny"]["crpo"] |= {
        "queries": 4, "candidates": G, "max_new_tokens": 12, "max_prompt_length": 200,
        "batch": 4, "global_batch": 8, **changes,
    }  # fmt: skip
    with (folder / "params.yaml").open("w", encoding="utf-8") as handle:
        YAML().dump(params, handle)
    shutil.rmtree(folder / "out", ignore_errors=True)
    process = subprocess.Popen(
        [sys.executable, "-c", CODE],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out, err = outputs(process)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_launched_processes_make_the_adapter_of_one(place: Path) -> None:
    done = run(place, [])
    assert done.returncode == 0, done.stderr
    alone = load_file(place / "out" / "adapter_model.safetensors")
    figures = json.loads((place / "out" / "update.json").read_text(encoding="utf-8"))
    assert figures["steps"] == 2
    assert figures["engine_gap_max"] < 1e-4
    shutil.rmtree(place / "work" / "crpo" / "iteration-0000" / ".trainer")
    done = run(place, TORCHRUN)
    assert done.returncode == 0, done.stderr
    shared = load_file(place / "out" / "adapter_model.safetensors")
    assert shared.keys() == alone.keys()
    for name, value in alone.items():
        torch.testing.assert_close(shared[name], value, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_what_stops_the_processes_is_what_the_task_says(place: Path) -> None:
    done = run(place, TORCHRUN, batch=8)
    assert done.returncode != 0
    assert "TrainingError: crpo.global_batch 8 must divide" in done.stderr
