"""The whole chain, small, for real: pipeline and `dvc repro`, kill -9, altered artifacts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import load_file

from pulsemind.artifacts import digest, intact
from pulsemind.records import DIMENSIONS
from tests.integration.conftest import Environment, attempt, checkout, run
from tests.unit.chat_server import Body, ChatServer, serving

PIPELINE = (sys.executable, "-m", "flows.pipeline")
CRPO = (sys.executable, "-m", "flows.crpo")
SFT = (sys.executable, "-m", "flows.sft", "sft1")
ABLATION = (sys.executable, "-m", "flows.ablation")
STAGES = YAML(typ="safe").load(Path(__file__).parents[2] / "dvc.yaml")["stages"]
QUERIES, CANDIDATES, COUNTERPARTS, ITERATIONS = 4, 2, 2, 2
CONCURRENCY = 2


def verdict(body: Body) -> str:
    """A judge that always says the same to the same question, whoever asks."""
    drawn = sha256(json.dumps(body["messages"], sort_keys=True).encode()).digest()
    asked = body["response_format"]["json_schema"]["schema"]["properties"]
    if "overall" not in asked:  # absolute scores
        return json.dumps(
            {"reason": "drawn", **{d: 1 + drawn[i] % 5 for i, d in enumerate(DIMENSIONS)}}
        )
    outcomes = ["A", "tie", "B"]
    answer: dict[str, Any] = {d: outcomes[drawn[i] % 3] for i, d in enumerate(DIMENSIONS)}
    return json.dumps({"reason": "drawn", **answer, "overall": outcomes[drawn[9] % 3]})


def shrink(path: Path, url: str) -> None:
    """Make the tiny profile of a params.yaml as small as it can be; the judge is at `url`."""
    yaml = YAML(typ="safe")
    content = yaml.load(path)
    tiny = json.loads(json.dumps(content["profiles"]["tiny"]))  # resolves the anchors
    tiny["raw"]["consultations"] = 60
    tiny["dataset"]["queries"] = QUERIES + 1
    for source in tiny["dataset"]["sources"]:
        if source["use"] == "benchmark":
            source["records"] = [0, 10]
    tiny["base"]["build"]["pretraining"] |= {"steps": 10, "batch": 2, "length": 64}
    tiny["sft1"] |= {"steps": 2, "batch": 1, "global_batch": 2, "warmup_steps": 0}
    tiny["sft2"] |= {"steps": 4, "batch": 2, "global_batch": 2, "warmup_steps": 0}
    tiny["sft2"]["snapshots"] = [2, 4]
    models = tiny["counterparts"]["models"][:COUNTERPARTS]
    for step, model in zip((2, 4), models, strict=True):
        model |= {"name": f"sft2-{step}", "adapter": f"models/sft2/snapshots/step-{step:06d}"}
    tiny["counterparts"]["models"] = models
    tiny["counterparts"]["decoding"]["max_new_tokens"] = 8
    judge = tiny["crpo"]["judge"] | {"kind": "openai", "model": "drawn", "endpoint": "judge"}
    sizes = {"iterations": ITERATIONS, "queries": QUERIES, "candidates": CANDIDATES}
    tiny["crpo"] |= {**sizes, "max_new_tokens": 8, "batch": 4, "global_batch": 4, "judge": judge}
    tiny["evaluate"]["decoding"]["max_new_tokens"] = 4
    tiny["evaluate"]["bootstrap"] = 100
    content["services"]["endpoints"]["judge"]["base_url"] = url
    content["services"]["concurrency"] = CONCURRENCY
    small = {"profile": "tiny", "services": content["services"], "profiles": {"tiny": tiny}}
    with path.open("w", encoding="utf-8") as handle:
        YAML().dump(small, handle)


@pytest.fixture(scope="module")
def judge() -> Iterator[ChatServer]:
    with serving(verdict) as server:
        yield server


@pytest.fixture(scope="module")
def chain(
    served: Environment, judge: ChatServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Environment, Path]:
    """A copy of the repository in which the pipeline flow has run once."""
    folder = tmp_path_factory.mktemp("chain")
    checkout(served, folder)
    shrink(folder / "params.yaml", judge.url)
    environment = {**served, "JUDGE_API_KEY": "secret-key-of-the-test"}
    run(environment, folder, *PIPELINE)
    return environment, folder


def ran(output: str) -> list[str]:
    """The stages that `dvc repro` ran."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def test_the_pipeline_makes_everything_and_repro_has_nothing_to_do(
    chain: tuple[Environment, Path],
) -> None:
    environment, folder = chain
    summary = json.loads((folder / "metrics" / "summary.json").read_text())
    counts = summary["dataset"]
    assert counts["read"] == (
        counts["kept"] + counts["quarantined"] + sum(counts["dropped"].values())
    )
    assert len(summary["crpo"]["reward"]) == ITERATIONS
    assert summary["evaluation"]["judge"] == "offline"
    assert set(summary["qa"]) == {"sample-choice", "sample-open"}
    assert summary["registry"] == {"name": "pulsemind", "version": 1, "alias": "candidate"}
    stages = {"sample", "dataset", "base", "sft1", "sft2", "counterparts", "crpo", "evaluate"}
    assert stages <= set(summary["seconds"])
    assert "Is the new model better?" in (folder / "data/report/report.html").read_text()
    assert "up to date" in run(environment, folder, "dvc", "status")
    assert ran(run(environment, folder, "dvc", "repro")) == []


def test_a_changed_setting_runs_what_depends_on_it(chain: tuple[Environment, Path]) -> None:
    environment, folder = chain
    path = folder / "params.yaml"
    before = path.read_text()
    path.write_text(before.replace("learning_rate: 0.0005", "learning_rate: 0.0006"))
    assert path.read_text() != before
    status = run(environment, folder, "dvc", "status")
    assert [line for line in status.splitlines() if not line.startswith("\t")] == ["crpo:"]
    assert ran(run(environment, folder, "dvc", "repro")) == [
        "crpo",
        "evaluate",
        "register",
        "report",
    ]
    path.write_text(before)
    run(environment, folder, "dvc", "repro")  # restored from DVC's cache, not run


def test_a_changed_record_is_kept_and_rebuilds_the_dataset(
    chain: tuple[Environment, Path],
) -> None:
    environment, folder = chain
    path = folder / "data" / "raw" / "consultations.jsonl"
    before = path.read_text()
    path.write_text(before.replace("39", "38", 1))
    status = run(environment, folder, "dvc", "status")
    assert [line for line in status.splitlines() if not line.startswith("\t")] == ["dataset:"]
    assert path.read_text() != before
    path.write_text(before)


@pytest.mark.slow
def test_a_changed_record_runs_everything_behind_it(chain: tuple[Environment, Path]) -> None:
    environment, folder = chain
    path = folder / "data" / "raw" / "consultations.jsonl"
    before = path.read_text()
    path.write_text(before.replace("39", "38", 1))
    redone = ran(run(environment, folder, "dvc", "repro"))
    assert redone[0] == "dataset"  # and what reads the part of it that the record went into
    assert redone == [stage for stage in STAGES if stage in redone]
    assert len(redone) > 1
    path.write_text(before)
    run(environment, folder, "dvc", "repro")  # restored from DVC's cache


def test_an_altered_or_deleted_artifact_is_made_again(chain: tuple[Environment, Path]) -> None:
    environment, folder = chain
    config = folder / "models" / "crpo" / "adapter_config.json"
    phase = folder / "work" / "crpo" / "iteration-0001" / "adapter" / "adapter_model.safetensors"
    wanted = digest(folder / "models" / "crpo")
    config.write_text("{}")
    phase.unlink()
    run(environment, folder, *CRPO)
    assert intact(folder / "models" / "crpo")
    assert digest(folder / "models" / "crpo") == wanted
    assert phase.is_file()


def kill_when(environment: Environment, folder: Path, ready: Callable[[], bool]) -> None:
    """Run the CRPO flow and kill -9 it, and all it started, once `ready`."""
    process = subprocess.Popen(CRPO, cwd=folder, env=environment, start_new_session=True)
    deadline = time.monotonic() + 600
    try:
        while not ready():
            assert process.poll() is None, "finished before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def forget(folder: Path) -> None:
    """Remove everything that CRPO left, so that the next run does all of it."""
    for name in ("models/crpo", "work/crpo", "work/responses", "work/prefect"):
        shutil.rmtree(folder / name, ignore_errors=True)


def test_a_run_killed_while_judging_and_updating_ends_with_the_same_adapter(
    chain: tuple[Environment, Path], judge: ChatServer
) -> None:
    environment, folder = chain
    wanted = digest(folder / "models" / "crpo")
    first = folder / "work" / "crpo" / "iteration-0000"
    forget(folder)
    judge.bodies.clear()
    judge.delay = lambda body: 0.5  # the judge takes seconds, what is left of the rollout does not
    sampled = first / "rollouts" / "manifest.json"
    kill_when(environment, folder, lambda: len(judge.bodies) >= 6 and sampled.is_file())
    judge.delay = lambda body: 0.0
    rollouts = (first / "rollouts" / "manifest.json").stat().st_mtime_ns
    assert not (first / "verdicts").exists()
    asked = len(judge.bodies)
    kill_when(environment, folder, lambda: (first / ".trainer").is_dir())
    assert (first / "rollouts" / "manifest.json").stat().st_mtime_ns == rollouts
    verdicts = (first / "verdicts" / "manifest.json").stat().st_mtime_ns
    assert not (first / "adapter").exists()
    run(environment, folder, *CRPO)
    assert (first / "rollouts" / "manifest.json").stat().st_mtime_ns == rollouts
    assert (first / "verdicts" / "manifest.json").stat().st_mtime_ns == verdicts
    assert digest(folder / "models" / "crpo") == wanted
    # Only what was in flight when the judge was cut off is asked a second time, and the answers
    # that had come but were not yet flushed to the store: as many again, on a busy machine.
    questions = [json.dumps(body["messages"], sort_keys=True) for body in judge.bodies]
    assert asked >= 6
    assert len(questions) - len(set(questions)) <= 2 * CONCURRENCY


@pytest.mark.slow
def test_an_ablation_stands_beside_the_chain(
    chain: tuple[Environment, Path],
) -> None:
    environment, folder = chain
    made = [folder / name for name in ("data/dataset", "models/sft2", "models/crpo")]
    before = [digest(path) for path in made]
    shown = run(environment, folder, *ABLATION, "reward", "--seeds", "1")
    found = json.loads((folder / "metrics" / "ablation_reward.json").read_text())
    assert [digest(path) for path in made] == before
    assert [arm["name"] for arm in found["arms"]] == ["GRPO", "CRPO"]
    assert {(row["arm"], row["against"], row["seed"]) for row in found["rates"]} == {
        *((arm, other, s) for arm in ("GRPO", "CRPO") for other in ("counterparts", "SFT")
          for s in (None, 1)),
        *(("CRPO", "GRPO", s) for s in (None, 1)),
    }  # fmt: skip
    assert all(row["n"] and not row["unjudged"] for row in found["rates"])
    assert [len(signal["iterations"]) for signal in found["signals"]] == [ITERATIONS] * 2
    assert "offline judge" in shown
    assert "54.7 %" in shown  # the paper's, beside ours
    assert (folder / "plots" / "ablation_reward.png").is_file()


@pytest.mark.slow
def test_ablations_share_policies_and_go_on_where_they_were(
    chain: tuple[Environment, Path],
) -> None:
    """SFT + RL is CRPO's policy: of what is there only a lost adapter is made again."""
    environment, folder = chain
    run(environment, folder, *ABLATION, "reward", "--seeds", "1")
    policies = folder / "work" / "ablation" / "policies"
    assert len(list(policies.iterdir())) == 2
    crpo = json.loads((folder / "work" / "ablation" / "reward" / "crpo-1.json").read_text())
    last = Path(crpo["adapter"])
    wanted = digest(folder / last)
    shutil.rmtree(folder / last)
    kept = {path: path.stat().st_mtime_ns for path in policies.rglob("manifest.json")}
    run(environment, folder, *ABLATION, "rl", "--seeds", "1")
    assert digest(folder / last) == wanted
    assert len(list(policies.iterdir())) == 2
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (folder / "metrics" / "ablation_rl.json").is_file()


@pytest.mark.slow
def test_the_data_ablation_trains_without_our_own_consultations(
    chain: tuple[Environment, Path],
) -> None:
    environment, folder = chain
    run(environment, folder, *ABLATION, "data", "--seeds", "1")
    found = json.loads((folder / "metrics" / "ablation_data.json").read_text())
    assert [arm["name"] for arm in found["arms"]] == ["Public", "Public + own"]
    (public,) = (folder / "work" / "ablation" / "mixtures").iterdir()
    for split in ("stage1", "stage2"):
        text = (public / split / "train" / "shard-00000.jsonl").read_text()
        assert '"source":"sample-huatuo"' in text
        assert '"source":"sample"' not in text


def test_nothing_secret_is_left_behind(chain: tuple[Environment, Path]) -> None:
    """The key reaches no file; planted personal data reaches neither MLflow nor Prefect."""
    _, folder = chain
    truth = json.loads((folder / "data" / "raw" / "truth.json").read_text())
    kinds = {"phone", "id_number", "email"}
    values = {e["value"] for e in truth["personal"] if e["kind"] in kinds}
    kept = [
        p
        for top in ("work", "metrics", "models", "data/dataset", "data/counterparts")
        for p in (folder / top).rglob("*")
        if p.is_file()
    ]
    for path in kept:
        content = path.read_bytes()
        assert b"secret-key-of-the-test" not in content, path
        assert not any(value.encode() in content for value in values), path


@pytest.mark.slow
def test_sft_by_torchrun_makes_the_adapter_of_one_process(
    chain: tuple[Environment, Path],
) -> None:
    """The same task starts two processes; what stops them is what the flow says."""
    environment, folder = chain
    adapter = folder / "models" / "sft1" / "adapter_model.safetensors"
    alone = load_file(adapter)
    params = folder / "params.yaml"
    launched = YAML(typ="safe").load(params)
    launched["services"]["launch"] = ["torchrun", "--standalone", "--nproc_per_node", "2"]
    with params.open("w", encoding="utf-8") as handle:
        YAML().dump(launched, handle)
    adapter.unlink()
    refused = attempt(environment, folder, *SFT)
    assert refused.returncode != 0
    assert "begun by 1 processes, these are 2: launch as many" in refused.stdout
    shutil.rmtree(folder / "work" / "sft1")
    run(environment, folder, *SFT)
    shared = load_file(adapter)
    assert shared.keys() == alone.keys()
    for name, value in alone.items():
        torch.testing.assert_close(shared[name], value, atol=1e-4, rtol=0)
