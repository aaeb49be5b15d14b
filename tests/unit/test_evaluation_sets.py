"""The eleven QA sets: their sources, and every adapter through a tiny model."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulsemind.data.collect import collect
from pulsemind.data.sources import ADAPTERS, Raw
from pulsemind.evaluation.answers import RULES
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.qa import paired, query, score
from pulsemind.evaluation.sets import SETS, as_sources, official_size
from pulsemind.model.engine import answer
from pulsemind.model.load import load_base, load_processor
from pulsemind.records import QAItem
from pulsemind.settings import Decoding, Source
from tests.unit.raw_files import SAMPLES, source

LIMIT = 50
DOCS = Path(__file__).parents[2] / "docs"
SAMPLED = {
    "mmmu": ("mmmu", "mmmu/mmmu_pro_tool_data.jsonl"),
    "vqa-rad": ("vqa_rad", "vqa_rad/*.json"),
    "slake": ("slake", "slake/test.json"),
    "pathvqa": ("pathvqa", "pathvqa/QA_pairs_vb.json"),
    "dermavqa-zh": ("dermavqa_zh", "dermavqa/test_ht.json"),
    "dermavqa-en": ("dermavqa_en", "dermavqa/test_ht.json"),
    "medxpertqa-mm": ("medxpertqa", "medxpertqa/medxpertqa_mm_input.jsonl"),
    "medxpertqa-text": ("medxpertqa", "medxpertqa/medxpertqa_sampled_text_input.jsonl"),
    "mmlu": ("mmlu", "mmlu/mmlu_medical_input.jsonl"),
    "medmcqa": ("medmcqa", "medmcqa/medmcqa_input.jsonl"),
    "medqa": ("medqa", "medqa/medqa_input.jsonl"),
}
"""The set's name to adapter and file in the samples; PMC-VQA has none there."""
PMC_VQA = """Figure_path,Caption,Question,Choice A,Choice B,Choice C,Choice D,Answer,split
PMC1_f1.jpg,Axial view,What is the modality?, A:CT , B:MRI , C:X-ray , D:Ultrasound ,A,test
PMC1_f2.jpg,"Arrow, liver",Which organ is shown?, A:Liver , B:Spleen , C:Kidney , D:Heart ,A,test
PMC2_f1.jpg,Stain,What stain was used?, A:PAS , B:H&E , C:Congo red , D:Silver ,B,test
PMC3_f1.jpg,Of training,What is shown?, A:Lung , B:Brain , C:Bone , D:Skin ,C,train
"""
DECODING = Decoding(
    temperature=0.0, top_k=1, top_p=1.0, repetition_penalty=1.05, max_new_tokens=4, batch=25, seed=7
)


def test_there_are_the_eleven_sets_of_the_paper() -> None:
    assert len({entry.title for entry in SETS}) == 11
    for entry in SETS:
        assert ADAPTERS[entry.adapter].kind == "qa"
        assert sum(entry.sizes.values()) in (0, entry.size)
    assert {entry.name for entry in SETS} == {*SAMPLED, "pmc-vqa"}
    assert official_size("slake", "closed") == 836
    assert official_size("slake", "choice") is None
    assert official_size("pathvqa", "closed") is None  # known as a whole only
    assert official_size("sample-choice", "choice") is None


def test_the_sets_are_sources() -> None:
    defaults = "source: &source {records: null, split: null, images: null, encoding: utf-8, "
    defaults += "refine: false, captions: false, overlap: []}\n"
    found = yaml.safe_load(defaults + "sources:\n" + as_sources())["sources"]
    assert [Source.model_validate(entry).name for entry in found] == [s.name for s in SETS]
    assert as_sources() in (DOCS / "qa.md").read_text(encoding="utf-8"), (
        "docs/qa.md is not what python -m pulsemind.evaluation.sets prints"
    )


def _items(folder: Path, name: str, adapter: str, path: str, split: str | None) -> list[QAItem]:
    """The first items of a set; images that are not there (the samples have few) are left out."""
    wanted = source(adapter, path, name=name, split=split)
    found = (i.record for i in collect(folder, wanted) if isinstance(i, Raw))
    items = []
    for item in islice(found, LIMIT):
        assert isinstance(item, QAItem)
        images = tuple(i for i in item.images if (folder / i.path).is_file())
        items.append(item.model_copy(update={"images": images}))
    return items


@pytest.fixture(scope="module")
def tiny(base: Path) -> tuple[Any, Any]:
    return load_base(base), load_processor(base)


def _through(tiny: tuple[Any, Any], folder: Path, items: list[QAItem]) -> None:
    """Ask the tiny model, read its replies, print what the rules made of them."""
    replies = answer(*tiny, folder, [query(i) for i in items], DECODING, 8192)
    asked = [Reply(query=query(i), text=t) for i, t in zip(items, replies, strict=True)]
    results = score(paired(items, asked), 0.95)
    assert sum(r.n for r in results) == len(items)
    for found in results:
        print(f"{found.benchmark}: n {found.n} of {found.official_n}, rules {found.rules}")
        assert 0 <= found.low <= found.accuracy <= found.high <= 1
        assert sum(found.rules.values()) == found.n
    right = [Reply(query=query(i), text=i.answer) for i in items]
    for found in score(paired(items, right), 0.95):
        assert found.accuracy == 1.0, f"{found.benchmark}: the right answers are read as right"
        assert found.abstained == 0


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no shared/data beside the repository")
@pytest.mark.parametrize("name", list(SAMPLED))
def test_every_adapter_on_real_samples_through_the_tiny_model(
    name: str, tiny: tuple[Any, Any]
) -> None:
    adapter, path = SAMPLED[name]
    items = _items(SAMPLES, name, adapter, path, "test" if name == "vqa-rad" else None)
    assert len(items) == {"mmmu": 4, "vqa-rad": 25}.get(name, LIMIT)
    assert all(bool(i.images) == (name == "mmmu") for i in items)
    kinds = {i.kind for i in items}
    assert kinds <= {"choice"} if items[0].options else kinds <= {"closed", "open"}
    if name in {"slake", "vqa-rad", "pathvqa"}:
        assert kinds == {"closed", "open"}
    _through(tiny, SAMPLES, items)


def test_pmc_vqa_in_its_published_shape_through_the_tiny_model(
    tiny: tuple[Any, Any], tmp_path: Path
) -> None:
    (tmp_path / "test_2.csv").write_text(PMC_VQA, encoding="utf-8")
    items = _items(tmp_path, "pmc-vqa", "pmc_vqa", "test_2.csv", "test")
    assert [i.answer for i in items] == ["A", "A", "B"]
    _through(tiny, tmp_path, items)


def test_rules_have_names() -> None:
    assert len(set(RULES)) == len(RULES) >= 12
