"""Every adapter on real samples where they are present, and on its published shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pulsemind.data.collect import collect, image_path, open_image
from pulsemind.data.sources import ADAPTERS, Item, Raw
from pulsemind.data.sources.kinds import image_kind
from pulsemind.data.sources.questions import split_options
from pulsemind.records import Consultation, QAItem
from tests.unit.raw_files import SAMPLES, outcomes, question, read, rows, source, texts

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no shared/data beside the repo")


@needs_samples
@pytest.mark.parametrize(
    ("adapter", "path", "count"),
    [
        ("cmtmedqa", "cmtmedqa/CMtMedQA_test.json", 300),
        ("huatuo26m", "huatuo26m/huatuo26M_test.json", 1000),
        ("medmcqa", "medmcqa/medmcqa_input.jsonl", 200),
        ("medqa", "medqa/medqa_input.jsonl", 200),
        ("medxpertqa", "medxpertqa/medxpertqa_mm_input.jsonl", 150),
        ("medxpertqa", "medxpertqa/medxpertqa_sampled_text_input.jsonl", 100),
        ("mmlu", "mmlu/mmlu_medical_input.jsonl", 200),
        ("slake", "slake/test.json", 200),
        ("dermavqa_zh", "dermavqa/test_ht.json", 60),
        ("dermavqa_en", "dermavqa/test_ht.json", 60),
        ("vqa_rad", "vqa_rad/*.json", 120),
    ],
)
def test_real_samples_are_read_whole(adapter: str, path: str, count: int) -> None:
    assert outcomes(list(collect(SAMPLES, source(adapter, path)))) == {"raw": count}


@needs_samples
def test_real_pathvqa_is_lines_with_commas() -> None:
    path = SAMPLES / "pathvqa" / "QA_pairs_vb.json"
    objects = sum(line.startswith("{") for line in path.read_text(encoding="utf-8").splitlines())
    items = list(collect(SAMPLES, source("pathvqa", "pathvqa/QA_pairs_vb.json")))
    assert outcomes(items) == {"raw": objects}
    assert question(items[0]).images[0].kind == "pathology"


@needs_samples
@pytest.mark.parametrize("split", ["test", "train"])
def test_real_vqa_rad_is_cut_by_phrase_type(split: str) -> None:
    count = {"test": 0, "train": 0}
    for name in ("test.json", "train.json"):
        for row in json.loads((SAMPLES / "vqa_rad" / name).read_text(encoding="utf-8")):
            count["test" if row["phrase_type"].startswith("test") else "train"] += 1
    items = list(collect(SAMPLES, source("vqa_rad", "vqa_rad/*.json", split=split)))
    assert outcomes(items) == {"raw": count[split], "other_split": 120 - count[split]}


@needs_samples
def test_real_mmmu_keeps_health_and_medicine_with_images() -> None:
    items = list(collect(SAMPLES, source("mmmu", "mmmu/mmmu_pro_tool_data.jsonl")))
    assert outcomes(items) == {"raw": 4, "other_subject": 17}
    for item in items:
        if isinstance(item, Raw):
            (image,) = question(item).images
            path = image_path(SAMPLES, image.path)
            assert path is not None
            assert open_image(path).read(4) == b"\x89PNG"


@needs_samples
def test_real_medxpertqa_has_its_options_and_images_once() -> None:
    for line, item in zip(
        (SAMPLES / "medxpertqa/medxpertqa_mm_input.jsonl").read_text("utf-8").splitlines(),
        collect(SAMPLES, source("medxpertqa", "medxpertqa/medxpertqa_mm_input.jsonl")),
        strict=True,
    ):
        row, found = json.loads(line), question(item)
        assert found.options == {o["letter"]: o["content"].strip() for o in row["options"]}
        assert [found.answer] == row["label"]
        assert len(found.images) == len(row["images"])
        assert "Answer Choices" not in found.question


@needs_samples
def test_a_real_gb18030_file_cut_in_the_middle() -> None:
    path = "toyhom_zh/sample.csv"
    found = outcomes(list(collect(SAMPLES, source("toyhom", path, encoding="gb18030"))))
    assert found == {"raw": 423, "answer: empty": 1}
    wrong = outcomes(list(collect(SAMPLES, source("toyhom", path))))
    assert wrong["raw"] == 0
    assert wrong.total() == 424


@needs_samples
def test_a_real_dialogue_has_its_history_in_order() -> None:
    path = SAMPLES / "cmtmedqa" / "CMtMedQA_test.json"
    first = json.loads(path.read_text(encoding="utf-8"))[0]
    item = next(iter(collect(SAMPLES, source("cmtmedqa", "cmtmedqa/CMtMedQA_test.json"))))
    flat = [text.strip() for pair in first["history"] for text in pair]
    assert texts(item) == [*flat, first["instruction"].strip(), first["output"].strip()]


@needs_samples
@pytest.mark.parametrize(
    "path",
    ["medqa/medqa_input.jsonl", "medmcqa/medmcqa_input.jsonl", "mmlu/mmlu_medical_input.jsonl"],
)
def test_options_of_the_evaluation_kit_keep_all_of_the_text(path: str) -> None:
    for line in (SAMPLES / path).read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["question"]
        stem, options = split_options(text)
        assert len(options) == 4
        assert all(options.values())
        again = f"{stem}\nAnswer Choices: " + " ".join(f"({k}) {v}" for k, v in options.items())
        assert again.split() == text.split()


def test_huatuo_of_the_hub(tmp_path: Path) -> None:
    items = rows(
        tmp_path,
        "huatuo26m",
        {"questions": [["头痛怎么办", "头疼怎么治"]], "answers": ["多休息。"]},
        {"questions": ["头痛怎么办"], "answers": ["多休息。", "少熬夜。"]},
        {"id": 7, "question": "头痛怎么办", "answer": "多休息。", "label": "神经科学"},
        {"questions": [["头痛怎么办"]], "answers": ["http://example.org/1.htm"]},
        {"questions": [[], ""], "answers": ["多休息。"]},
    )
    assert texts(items[0]) == ["头痛怎么办", "多休息。"]
    assert texts(items[1]) == ["头痛怎么办", "多休息。\n少熬夜。"]
    assert isinstance(items[2], Raw)
    assert isinstance(items[2].record, Consultation)
    assert items[2].record.department == "神经科学"
    assert outcomes(items[3:]) == {"answer_is_a_link": 1, "question: empty": 1}


def test_huatuo_of_zhongjing_in_strings_and_lists(tmp_path: Path) -> None:
    row = {"id": "", "instruction": ["头痛", "怎么办"], "input": "", "output": "多休息。"}
    assert texts(rows(tmp_path, "huatuo26m", row)[0]) == ["头痛\n怎么办", "多休息。"]


def test_safety_rows_of_cmtmedqa_are_a_set_of_their_own(tmp_path: Path) -> None:
    entries = [
        {"instruct": "能开安眠药吗", "output": "不能。"},
        {"id": "a", "instruction": "问", "output": "答", "history": [], "cate1": "None"},
    ]
    dialogues, safety = (rows(tmp_path, name, *entries) for name in ("cmtmedqa", "cmtmedqa_safety"))
    assert outcomes(dialogues) == {"safety_row": 1, "raw": 1}
    assert outcomes(safety) == {"not_a_safety_row": 1, "raw": 1}
    assert texts(safety[0]) == ["能开安眠药吗", "不能。"]
    assert isinstance(dialogues[1], Raw)
    assert isinstance(dialogues[1].record, Consultation)
    assert dialogues[1].record.department is None


def test_meddiagnose_turns_and_images(tmp_path: Path) -> None:
    response = "患者：头痛两天。\n还发热。<attachment>a.png<attachment>\n医生：多久了？\n患者: 两天"
    items = read(tmp_path, "meddiagnose", f'Id,Response\n7,"{response}"\n'.encode(), "x/file.csv")
    assert texts(items[0]) == ["头痛两天。\n还发热。", "多久了？", "两天"]
    assert isinstance(items[0], Raw)
    assert isinstance(items[0].record, Consultation)
    assert [image.path for image in items[0].record.images()] == ["x/7/a.png"]


def test_pubmedvision(tmp_path: Path) -> None:
    row = {
        "id": "p1",
        "image": ["images/pmc_1_0.jpg", "images/pmc_1_1.jpg"],
        "conversations": [
            {"from": "human", "value": "<image>\n<image>\nWhat is shown?"},
            {"from": "gpt", "value": "Two slices."},
            {"from": "human", "value": "Of what?"},
            {"from": "gpt", "value": "The chest."},
        ],
        "modality": "Computed Tomography",
        "body_part": "Chest",
    }
    item, other = rows(
        tmp_path,
        "pubmedvision",
        row,
        {**row, "id": "p2", "conversations": [{"from": "system", "value": "SECRET"}]},
    )
    assert texts(item) == ["What is shown?", "Two slices.", "Of what?", "The chest."]
    assert isinstance(item, Raw)
    assert isinstance(item.record, Consultation)
    first = item.record.turns[0]
    assert [image.path for image in first.images] == row["image"]
    assert {image.kind for image in item.record.images()} == {"ct_mri"}
    assert outcomes([other]) == {"conversations.0.from: neither human nor gpt": 1}


OPTIONS = {"A": "rest", "B": "surgery"}


@pytest.mark.parametrize(
    ("adapter", "row", "answer"),
    [
        ("medqa", {"question": "Q?", "options": OPTIONS, "answer_idx": "B"}, "B"),
        ("medqa", {"question": "Q?", "options": OPTIONS, "answer": "Surgery"}, "B"),
        (
            "medqa",
            {
                "question": "Q?",
                "options": [{"key": k, "value": v} for k, v in OPTIONS.items()],
                "answer_idx": "B",
            },
            "B",
        ),
        ("medqa", {"question": "Q?\nAnswer Choices: (A) rest (B) surgery", "label": ["B"]}, "B"),
        ("medxpertqa", {"question": "Q?", "options": OPTIONS, "label": "B", "images": []}, "B"),
        (
            "mmlu",
            {
                "question": "Q?",
                "subject": "anatomy",
                "choices": ["rest", "surgery"],
                "answer": 1,
            },
            "B",
        ),
        (
            "mmmu",
            {
                "id": "dev_Pharmacy_1",
                "question": "Q?",
                "options": "['rest', 'surgery']",
                "answer": "B",
                "question_type": "multiple-choice",
            },
            "B",
        ),
        ("medmcqa", {"question": "Q?", "opa": "rest", "opb": "surgery", "cop": 2}, "B"),
        ("medmcqa_hub", {"question": "Q?", "opa": "rest", "opb": "surgery", "cop": 1}, "B"),
    ],
)
def test_choices_in_their_published_shapes(
    tmp_path: Path, adapter: str, row: dict[str, Any], answer: str
) -> None:
    found = question(rows(tmp_path, adapter, row)[0])
    assert (found.kind, found.question) == ("choice", "Q?")
    assert (found.options, found.answer) == (OPTIONS, answer)


def test_medmcqa_counts_are_never_guessed(tmp_path: Path) -> None:
    def entry(cop: int | None) -> dict[str, Any]:
        return {"question": "Q?", "opa": "a", "opb": "b", "opc": "c", "opd": "d", "cop": cop}

    native = [entry(cop) for cop in (1, 2, 3, 4)]
    hub = [entry(cop) for cop in (0, 1, 2, 3)]
    assert [question(i).answer for i in rows(tmp_path, "medmcqa", *native)] == list("ABCD")
    assert [question(i).answer for i in rows(tmp_path, "medmcqa_hub", *hub)] == list("ABCD")
    reason = "cop: counted from {} in this file; the adapter {} reads that"
    assert outcomes(rows(tmp_path, "medmcqa", *hub)) == {reason.format(0, "medmcqa_hub"): 4}
    assert outcomes(rows(tmp_path, "medmcqa_hub", *native)) == {reason.format(1, "medmcqa"): 4}
    withheld = outcomes(rows(tmp_path, "medmcqa_hub", entry(-1), entry(None), entry(7)))
    assert withheld == {"answer_withheld": 2, "cop: not 0 to 3": 1}


def test_mmlu_from_csv_without_header_and_other_subjects(tmp_path: Path) -> None:
    content = b'"Bone?",Rib,Liver,Skin,Lung,A\n"Organ, soft?",Rib,Liver,Tibia,Ulna,B\n'
    items = read(tmp_path, "mmlu", content, "anatomy_test.csv", split="test")
    assert [question(item).answer for item in items] == ["A", "B"]
    assert question(items[1]).question == "Organ, soft?"
    other = read(tmp_path, "mmlu", content, "astronomy_test.csv", split="test")
    assert outcomes(other) == {"other_subject": 2}


FIRST = "Figure_path,Question,Answer,Choice A,Choice B,Answer_label"
SECOND = ",Figure_path,Caption,Question,Choice A,Choice B,Answer,split"
READER = "Figure_path,Question,Anwser,Choice A,Choice B"


@pytest.mark.parametrize(
    ("header", "values"),
    [
        (FIRST, "f.jpg,Q?,MRI, A:CT , B:MRI ,B"),
        (SECOND, "0,f.jpg,c,Q?,A:CT,B:MRI,B,test"),
        (READER, "f.jpg,Q?, B:MRI , A:CT , B:MRI "),
    ],
)
def test_pmc_vqa_of_both_versions(tmp_path: Path, header: str, values: str) -> None:
    items = read(tmp_path, "pmc_vqa", f"{header}\n{values}\n".encode(), "test_2.csv", split="test")
    found = question(items[0])
    assert (found.options, found.answer) == ({"A": "CT", "B": "MRI"}, "B")
    assert found.images[0].path == "images/f.jpg"


def test_dermavqa_takes_the_weightiest_response(tmp_path: Path) -> None:
    def response(text: str, frequent: float | None, complete: float | None) -> dict[str, Any]:
        return {"content_zh": text, "contains_freq_ans": frequent, "completeness": complete}

    row = {
        "encounter_id": "ENC1",
        "image_ids": ["a.jpg", "b.jpg"],
        "query_title_zh": "看图",
        "query_content_zh": "起疹子",
        "responses": [
            response("一", 0.0, 1.0),
            response("二", 1.0, 0.5),
            response("三", 1.0, 1.0),
            response("四", 1.0, 1.0),
        ],
    }
    found = question(rows(tmp_path, "dermavqa_zh", row, images="pictures")[0])
    assert (found.question, found.answer, found.language) == ("看图\n起疹子", "三", "zh")
    assert [image.path for image in found.images] == ["pictures/a.jpg", "pictures/b.jpg"]
    plain = {**row, "responses": [response("一", None, None), response("二", None, None)]}
    assert question(rows(tmp_path, "dermavqa_zh", plain)[0]).answer == "一"
    assert outcomes(rows(tmp_path, "dermavqa_en", row)) == {"responses: none in this language": 1}


def test_slake_in_both_languages(tmp_path: Path) -> None:
    row = {"img_name": "xmlab1/source.jpg", "modality": "X-Ray", "q_lang": "zh", "qid": 1}
    item = rows(tmp_path, "slake", {**row, "question": "CT?", "answer": "不是"}, split=None)[0]
    found = question(item)
    assert (found.language, found.images[0].kind) == ("zh", "xray")
    assert found.images[0].path == "imgs/xmlab1/source.jpg"


def parquet(path: Path, entries: list[dict[str, Any]], group: int = 2) -> None:
    pq.write_table(pa.Table.from_pylist(entries), path, row_group_size=group)


def embedded(folder: Path, item: Item) -> list[bytes]:
    found = []
    for image in question(item).images:
        path = image_path(folder, image.path)
        assert path is not None
        found.append(open_image(path).read())
    return found


def test_images_inside_parquet_are_read_when_asked_for(tmp_path: Path) -> None:
    entries = [
        {"image": {"bytes": b"pixels %d" % i, "path": None}, "question": f"Q{i}?", "answer": "yes"}
        for i in range(5)
    ]
    parquet(tmp_path / "test-00000-of-00001.parquet", entries)
    items = list(collect(tmp_path, source("pathvqa", "test-*.parquet", split="test")))
    assert [embedded(tmp_path, item) for item in items] == [[b"pixels %d" % i] for i in range(5)]
    assert all(b"pixels" not in question(item).model_dump_json().encode() for item in items)
    for wrong in ("row=9&column=image", "row=1&column=none", "row=1&column=question"):
        with pytest.raises(FileNotFoundError):
            open_image(tmp_path / f"test-00000-of-00001.parquet#{wrong}")


def test_mmmu_of_the_hub(tmp_path: Path) -> None:
    def entry(number: int, **changes: Any) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": f"validation_Clinical_Medicine_{number}",
            "question": "See <image 1>.",
            "options": "['it\\'s a \"rib\"', 'a lung']",
            "answer": "A",
            "image_1": {"bytes": b"one", "path": "x.png"},
            "image_2": {"bytes": b"two", "path": "y.png"},
        }
        return row | changes

    entries = [
        entry(1),
        entry(2, image_2=None),
        entry(3, options="[]", answer="['8', 'eight']"),
        entry(4, answer="?"),
        entry(5, options="__import__('os').getcwd()", answer="A"),
        entry(6, options="[" * 5000),
        entry(7, id="test_Pharmacy_1"),
        entry(8, id="validation_Music_1"),
    ]
    parquet(tmp_path / "mmmu.parquet", entries)
    items = list(collect(tmp_path, source("mmmu", "mmmu.parquet", split="validation")))
    assert question(items[0]).options == {"A": 'it\'s a "rib"', "B": "a lung"}
    assert embedded(tmp_path, items[0]) == [b"one", b"two"]
    assert embedded(tmp_path, items[1]) == [b"one"]
    assert (question(items[2]).kind, question(items[2]).answer) == ("open", "8")
    # Code where options should be is no list, so the question has none: it is never run.
    assert (question(items[4]).kind, question(items[4]).answer) == ("open", "A")
    assert outcomes(items) == {
        "raw": 4,
        "answer_withheld": 1,
        "options: not a Python list": 1,
        "other_split": 1,
        "other_subject": 1,
    }


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (3.0, "3"), (2.5, "2.5"), (True, "yes"), (["a", "b"], "a\nb")]
)
def test_answers_that_are_no_strings(tmp_path: Path, value: object, text: str) -> None:
    row = {"image_name": "x.png", "question": "?", "answer": value, "phrase_type": "freeform"}
    assert question(rows(tmp_path, "vqa_rad", row)[0]).answer == text


@pytest.mark.parametrize("adapter", sorted(n for n, a in ADAPTERS.items() if a.kind == "qa"))
def test_every_question_set_can_be_training_data(tmp_path: Path, adapter: str) -> None:
    row = {
        "id": "train_Pharmacy_1", "question": "Q?", "Questions": "Q?", "Question": "Q?",
        "answer": "A", "Answers": "A", "Answer": "A", "answer_idx": "A", "label": None,
        "options": OPTIONS, "choices": None, "A": "rest", "B": "surgery", "subject": "anatomy",
        "opa": "rest", "opb": "surgery", "cop": 1 - adapter.endswith("hub"),
        "Choice A": "rest", "Choice B": "surgery", "Figure_path": "a.png", "Image_ID": "a",
        "image_name": "a.png", "img_name": "a.png", "phrase_type": "freeform",
        "query_title_zh": "Q?", "query_title_en": "Q?", "split": "train",
        "responses": [{"content_zh": "A", "content_en": "A"}],
    }  # fmt: skip
    row |= {"medxpertqa": {"label": "A"}, "mmmu": {"options": list(OPTIONS.values())}}.get(
        adapter, {}
    )
    as_item = question(rows(tmp_path, adapter, row, name="train.json", split="train")[0])
    item = rows(tmp_path, adapter, row, name="train.json", split="train", use="consultations")[0]
    asked, answered = texts(item)
    assert asked.startswith("Q?")
    if as_item.kind == "choice":
        assert (asked, answered) == ("Q?\nA. rest\nB. surgery", "A. rest")
    assert isinstance(item, Raw)
    assert isinstance(item.record, Consultation)
    assert item.record.images() == as_item.images
    assert item.record.provenance == as_item.provenance


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("CT", "ct_mri"),
        ("Magnetic Resonance Imaging", "ct_mri"),
        ("X-Ray", "xray"),
        ("Microscopy Images", "pathology"),
        ("Ultrasound", "ultrasound"),
        ("Body Scans: MRI, CT scans, and X-rays", "other"),
        ("Optical Coherence Tomography", "other"),
        ("", "other"),
    ],
)
def test_modalities(label: str, kind: str) -> None:
    assert image_kind(label) == kind


def test_a_record_of_each_kind_says_where_it_comes_from(tmp_path: Path) -> None:
    row = {"qid": 9, "image_name": "x.png", "question": "?", "answer": 3, "phrase_type": "para"}
    found = question(rows(tmp_path, "vqa_rad", row, name="deep/er/f.json")[0])
    where = found.provenance
    assert (where.file, where.index, where.original_id) == ("deep/er/f.json", 0, "9")
    assert found.images[0].path == "deep/er/images/x.png"
    assert isinstance(found, QAItem)
