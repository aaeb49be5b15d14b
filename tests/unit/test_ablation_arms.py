"""What the arms of ablations are made of: mixtures, names that say what they depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulsemind import artifacts, settings
from pulsemind.records import Answer, Consultation, Provenance
from tasks import ablation, ablation_arms
from tests.conftest import consultation

ROOT = Path(__file__).parents[2]
WANTED = settings.load(ROOT / "params.yaml", "tiny")


def dialogue(number: int, source: str) -> Consultation:
    """One of our dialogues, or one of a public set's."""
    came = Provenance(source=source, licence="CC0-1.0", file="x.jsonl", index=number)
    return consultation(number).model_copy(update={"id": f"{source}-{number}", "provenance": came})


def dataset(*stage2: str) -> None:
    """A dataset artifact in the working folder whose stage 2 holds dialogues of these sources."""
    with artifacts.writing(ablation_arms.DATASET, "dataset") as folder:
        (folder / "images").mkdir()
        for stage, sources in (("stage1", ["sample-huatuo"]), ("stage2", list(stage2))):
            for split in ("train", "validation"):
                found = [dialogue(n, source) for n in range(3) for source in sources]
                artifacts.write_shards(folder / stage / split, found)


def sources(folder: Path) -> set[str]:
    return {r.provenance.source for r in artifacts.read_shards(folder, Consultation)}


def test_the_public_mixture_has_none_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset("sample", "a-public-set")
    public = ablation_arms.mixture("public", WANTED)
    assert sources(public / "stage2" / "train") == {"a-public-set"}
    assert sources(public / "stage1" / "train") == {"sample-huatuo"}
    assert ablation_arms.records(public) == 3
    assert ablation_arms.records(ablation_arms.mixture("all", WANTED)) == 6
    assert (public / "images").resolve() == (ablation_arms.DATASET / "images").resolve()
    written = (public / artifacts.MANIFEST).stat().st_mtime_ns
    assert ablation_arms.mixture("public", WANTED) == public
    assert (public / artifacts.MANIFEST).stat().st_mtime_ns == written


def test_stage_1_stands_in_where_no_public_set_is_meant_for_stage_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset("sample")
    public = ablation_arms.mixture("public", WANTED)
    for split in ("train", "validation"):
        assert sources(public / "stage2" / split) == {"sample-huatuo"}


def test_without_consultations_of_our_own_there_is_nothing_to_compare() -> None:
    real = settings.load(ROOT / "params.yaml", "tiny-real").stages.dataset
    with pytest.raises(ValueError, match="refine: true"):
        ablation_arms.own_sources(real)


def test_a_policy_is_named_after_what_it_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (ablation_arms.BASE, ablation_arms.SFT, ablation_arms.DATASET):
        with artifacts.writing(folder, "test"):
            pass
    section = WANTED.stages.crpo
    answers = [Answer(query_id="q", model="m", text="a")]

    def name(text: str = "a", code: str = "code", **changes: object) -> Path:
        given = [answers[0].model_copy(update={"text": text})]
        return ablation_arms.policy_folder(section.model_copy(update=changes), given, code)

    assert name() == name(iterations=99) == name(alarm=0.5)
    others = [name(seed=8), name(reward="absolute"), name(text="b"), name(code="other")]
    assert len({name(), *others}) == 5


def test_rl_and_reward_have_the_policy_in_common() -> None:
    rl, reward = (ablation.runs(kind, [1])[-1] for kind in ("rl", "reward"))
    assert ablation.section_of(rl, WANTED) == ablation.section_of(reward, WANTED)
    assert [run.name for run in ablation.runs("rl", [1, 2])] == ["sft", "sft-rl-1", "sft-rl-2"]
    assert [run.name for run in ablation.runs("data", [3])] == ["public-3", "public-own-3"]
