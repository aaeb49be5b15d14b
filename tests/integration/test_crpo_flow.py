"""The CRPO flow alone, on a small model: one update behind, killed and repeated."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pulsemind.artifacts import digest, read_shards, write_shards, writing
from pulsemind.records import Answer, Query, Rollout
from tests.conftest import consultation
from tests.integration.conftest import Environment, checkout, run

CRPO = (sys.executable, "-m", "flows.crpo")
ITERATIONS = 3


def lay_out(
    folder: Path,
    base: Path,
    adapter: Path,
    data: Path,
    section: dict[str, Any],
    services: dict[str, Any],
) -> None:
    """What the flow reads: model, SFT adapter, queries, counterparts' answers, small settings.

    Args:
        section: changes to the tiny profile's `crpo`.
        services: changes to `services`.
    """
    for kind, source in (("base", base), ("sft2", adapter)):
        with writing(folder / "models" / kind, kind) as out:
            shutil.copytree(source, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("work"))
    queries = [
        Query(id=f"q{i}", language="en", turns=consultation(i).turns[:1], reference="Rest.")
        for i in range(8)
    ]
    with writing(folder / "data" / "dataset", "dataset") as out:
        shutil.copytree(data / "images", out / "images")
        write_shards(out / "queries", queries)
    for name in ("one", "two"):
        with writing(folder / "data" / "counterparts" / name, "answers") as out:
            write_shards(out, [Answer(query_id=q.id, model=name, text="Rest.") for q in queries])
    yaml = YAML(typ="safe")
    content = yaml.load(folder / "params.yaml")
    content["profiles"]["tiny"]["crpo"] |= section
    content["services"] |= services
    content["profile"] = "tiny"
    with (folder / "params.yaml").open("w", encoding="utf-8") as handle:
        YAML().dump(content, handle)


@pytest.mark.slow
def test_one_update_behind_rollouts_run_beside_updates_and_can_be_repeated(
    served: Environment, base: Path, adapter: Path, data: Path, tmp_path: Path
) -> None:
    """`staleness: 1`: who sampled what, and the same adapter from a run that begins half-way."""
    checkout(served, tmp_path)
    sizes = {"queries": 2, "candidates": 2, "max_new_tokens": 8, "batch": 2, "global_batch": 4}
    section = {"iterations": ITERATIONS, "staleness": 1, **sizes}
    lay_out(tmp_path, base, adapter, data, section, {})
    run(served, tmp_path, *CRPO)
    phases = [tmp_path / "work" / "crpo" / f"iteration-000{i}" for i in range(ITERATIONS)]
    policies = [digest(tmp_path / "models" / "sft2"), *(digest(p / "adapter") for p in phases)]
    assert len(set(policies)) == ITERATIONS + 1
    sampled = [{r.policy for r in read_shards(p / "rollouts", Rollout)} for p in phases]
    # From the second iteration on the policy that samples is one update older.
    assert sampled == [{policies[0]}, {policies[0]}, {policies[1]}]
    wanted = digest(tmp_path / "models" / "crpo")
    for path in phases[1:]:
        shutil.rmtree(path)
    run(served, tmp_path, *CRPO)
    assert digest(tmp_path / "models" / "crpo") == wanted
