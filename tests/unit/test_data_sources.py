"""Every adapter on real samples where they are present, and on hostile input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.data.collect import check_sources, collect, image_path
from pulsemind.data.sources import ADAPTERS, Item, Raw, Skipped
from pulsemind.data.sources.choices import split_options
from pulsemind.records import Consultation, QAItem, Quarantined
from pulsemind.settings import DatasetSettings, Source

SAMPLES = Path(__file__).parents[2].parent / "shared" / "data"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no shared/data beside the repo")


GOOD = (
    '{"id": "g", "turns": [{"role": "patient", "text": "a"}, {"role": "physician", "text": "b"}]}'
)


def source(
    adapter: str, path: str, use: str = "benchmark", records: list[int] | None = None
) -> Source:
    return Source.model_validate(
        {
            "name": adapter,
            "adapter": adapter,
            "path": path,
            "use": use,
            "licence": "test",
            "records": records,
        }
    )


def read(folder: Path, adapter: str, content: bytes, suffix: str = ".json") -> list[Item]:
    path = folder / f"file{suffix}"
    path.write_bytes(content)
    return list(collect(folder, source(adapter, path.name)))


def texts(item: Item) -> list[str]:
    assert isinstance(item, Raw)
    assert isinstance(item.record, Consultation)
    return [turn.text for turn in item.record.turns]


def question(item: Item) -> QAItem:
    assert isinstance(item, Raw)
    assert isinstance(item.record, QAItem)
    return item.record


@needs_samples
@pytest.mark.parametrize(
    ("adapter", "path", "count"),
    [
        ("cmtmedqa", "cmtmedqa/CMtMedQA_test.json", 300),
        ("huatuo26m", "huatuo26m/huatuo26M_test.json", 1000),
        ("medmcqa", "medmcqa/medmcqa_input.jsonl", 200),
        ("medqa", "medqa/medqa_input.jsonl", 200),
    ],
)
def test_real_samples_are_read_whole(adapter: str, path: str, count: int) -> None:
    items = list(collect(SAMPLES, source(adapter, path)))
    assert len(items) == count
    assert all(isinstance(item, Raw) for item in items)


@needs_samples
def test_real_vqa_rad_keeps_the_official_split() -> None:
    path = SAMPLES / "vqa_rad" / "test.json"
    official = sum(r["phrase_type"].startswith("test") for r in json.loads(path.read_text()))
    items = list(collect(SAMPLES, source("vqa_rad", "vqa_rad/test.json")))
    assert sum(isinstance(item, Raw) for item in items) == official
    assert sum(isinstance(item, Skipped) for item in items) == 60 - official


@needs_samples
def test_a_real_dialogue_has_its_history_in_order() -> None:
    path = SAMPLES / "cmtmedqa" / "CMtMedQA_test.json"
    first = json.loads(path.read_text(encoding="utf-8"))[0]
    item = next(iter(collect(SAMPLES, source("cmtmedqa", "cmtmedqa/CMtMedQA_test.json"))))
    flat = [text.strip() for pair in first["history"] for text in pair]
    assert texts(item) == [*flat, first["instruction"].strip(), first["output"].strip()]


@needs_samples
@pytest.mark.parametrize("path", ["medqa/medqa_input.jsonl", "medmcqa/medmcqa_input.jsonl"])
def test_options_of_the_evaluation_kit_keep_all_of_the_text(path: str) -> None:
    for line in (SAMPLES / path).read_text(encoding="utf-8").splitlines():
        stem, options = split_options(json.loads(line)["question"])
        assert len(options) == 4
        assert all(options.values())
        assert "Answer Choices" not in stem


@pytest.mark.parametrize("adapter", ["consultations", "medmcqa", "medqa"])
@given(lines=st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")), max_size=8))
def test_arbitrary_lines_never_crash(
    tmp_path_factory: pytest.TempPathFactory, adapter: str, lines: list[bytes]
) -> None:
    items = read(tmp_path_factory.mktemp("raw"), adapter, b"\n".join(lines), ".jsonl")
    bom = b"\xef\xbb\xbf"
    content = [x.removeprefix(bom) if i == 0 else x for i, x in enumerate(lines)]
    assert len(items) == sum(bool(line.strip()) for line in content)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["instruction", "output", "history", "question", "answer", "turns", "role", "text"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("adapter", ["huatuo26m", "cmtmedqa", "vqa_rad"])
@given(rows=st.lists(JSON, max_size=5))
def test_every_item_of_a_list_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, adapter: str, rows: list[object]
) -> None:
    content = json.dumps(rows).encode().replace(b"NaN", b"0").replace(b"Infinity", b"1")
    items = read(tmp_path_factory.mktemp("raw"), adapter, content)
    assert len(items) == len(rows)


@pytest.mark.parametrize("adapter", sorted(ADAPTERS))
@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_never_crash(
    tmp_path_factory: pytest.TempPathFactory, adapter: str, content: bytes
) -> None:
    read(tmp_path_factory.mktemp("raw"), adapter, content)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ('{"id": "a"}', "turns: Field required"),
        ('{"id": "a", "turns": []}', "turns: empty"),
        ('{"turns": [{"role": "nurse", "text": "SECRET"}]}', "turns.0.role"),
        ('{"turns": [{"role": "patient", "text": 12}]}', "turns.0.text"),
        ('{"turns": [{"role": "patient", "text": "SECRET"}]}', "no physician turn"),
        ('{"turns": [{"role": "patient", "text": "\\ud800"}]}', "not Unicode"),
    ],
)
def test_a_broken_consultation_is_named_without_its_content(
    tmp_path: Path, line: str, reason: str
) -> None:
    items = read(tmp_path, "consultations", f"{GOOD}\n{line}\n".encode(), ".jsonl")
    broken = items[1]
    assert isinstance(broken, Quarantined)
    assert (broken.file, broken.index) == ("file.jsonl", 1)
    assert reason in broken.reason
    assert "SECRET" not in broken.reason


def test_a_repeated_id_is_quarantined(tmp_path: Path) -> None:
    items = read(tmp_path, "consultations", f"{GOOD}\n{GOOD}\n".encode(), ".jsonl")
    assert [type(item) for item in items] == [Raw, Quarantined]


def test_a_byte_order_mark_and_a_torn_end_of_a_list(tmp_path: Path) -> None:
    row = {"id": "", "instruction": ["头痛", "怎么办"], "input": "", "output": "多休息。"}
    content = b"\xef\xbb\xbf[" + json.dumps(row).encode() + b', {"instruction": ["to'
    items = read(tmp_path, "huatuo26m", content)
    assert texts(items[0]) == ["头痛\n怎么办", "多休息。"]
    assert isinstance(items[1], Quarantined)
    assert items[1].index == 1


def test_safety_rows_use_another_key(tmp_path: Path) -> None:
    items = read(tmp_path, "cmtmedqa", '[{"instruct": "问", "output": "答"}]'.encode())
    assert texts(items[0]) == ["问", "答"]


def test_meddiagnose_turns_and_images(tmp_path: Path) -> None:
    response = "患者：头痛两天。\n还发热。<attachment>a.png<attachment>\n医生：多久了？\n患者: 两天"
    items = read(tmp_path, "meddiagnose", f'Id,Response\n7,"{response}"\n'.encode(), ".csv")
    assert texts(items[0]) == ["头痛两天。\n还发热。", "多久了？", "两天"]
    assert isinstance(items[0], Raw)
    assert isinstance(items[0].record, Consultation)
    assert [image.path for image in items[0].record.images()] == ["7/a.png"]


def test_native_choice_formats(tmp_path: Path) -> None:
    row = {"id": "1", "question": "Q?", "opa": "a", "opb": "b", "opc": "c", "opd": "d", "cop": 4}
    item = question(read(tmp_path, "medmcqa", json.dumps(row).encode(), ".jsonl")[0])
    assert (item.answer, item.options) == ("D", {"A": "a", "B": "b", "C": "c", "D": "d"})
    native = {"question": "Q?", "options": {"A": "x", "B": "y"}, "answer_idx": "B"}
    assert question(read(tmp_path, "medqa", json.dumps(native).encode(), ".jsonl")[0]).answer == "B"


def test_numbers_as_answers_stay(tmp_path: Path) -> None:
    row = {
        "qid": 3,
        "phrase_type": "test_freeform",
        "image_name": "x.png",
        "question": "How many?",
        "answer": 3,
    }
    assert question(read(tmp_path, "vqa_rad", json.dumps([row]).encode())[0]).answer == "3"


@given(start=st.integers(0, 12), length=st.integers(1, 12))
def test_slices_cut_raw_records_and_miss_none(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    rows = [{"instruction": f"q{i}", "output": "" if i % 3 == 0 else "a"} for i in range(10)]
    (folder / "f.json").write_text(json.dumps(rows))
    items = list(collect(folder, source("huatuo26m", "f.json", "stage1", [start, start + length])))
    indices = [i.index if not isinstance(i, Raw) else i.record.provenance.index for i in items]
    assert indices == list(range(10))[start : start + length]


def test_sources_that_cannot_work_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")

    def settings(*sources: Source) -> DatasetSettings:
        return DatasetSettings(
            sources=list(sources),
            seed=1,
            image_min_side=64,
            near_duplicate_similarity=0.9,
            contamination_ngram=13,
            contamination_image_distance=2,
            validation_share=0.1,
            query_share=0.1,
            queries=1,
        )

    for wrong in (
        source("no_such", "f"),
        source("medqa", "f", "stage1"),
        source("medqa", "f", records=[3, 1]),
    ):
        with pytest.raises(ValueError, match=wrong.name):
            check_sources(tmp_path, settings(wrong))
    with pytest.raises(FileNotFoundError):
        check_sources(tmp_path, settings(source("medqa", "absent")))
    with pytest.raises(ValueError, match="twice"):
        check_sources(tmp_path, settings(source("medqa", "f"), source("medqa", "f")))


def test_images_stay_inside_the_raw_data(tmp_path: Path) -> None:
    here = source("consultations", "sub/f.jsonl")
    assert image_path(tmp_path, here, "images/a.png") == tmp_path / "sub" / "images" / "a.png"
    assert image_path(tmp_path, here, "../../secret.png") is None
    assert image_path(tmp_path, here, "/etc/passwd") is None
