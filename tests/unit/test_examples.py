"""The sample data: equal for equal arguments, and its ground truth is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from examples.clinic import conditions
from examples.generate import generate
from examples.people import check_digit
from pulsemind.artifacts import folder_digest
from pulsemind.data.text import run_hashes, token_hashes

COUNT = 120


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, COUNT, 7)
    return folder


def rows(sample: Path) -> list[str]:
    return (sample / "consultations.jsonl").read_text(encoding="utf-8").splitlines()


def readable(sample: Path) -> list[dict[str, Any]]:
    broken = {e["index"] for e in truth(sample)["broken"] if e["file"] == "consultations.jsonl"}
    return [json.loads(row) for i, row in enumerate(rows(sample)) if i not in broken]


def truth(sample: Path) -> dict[str, list[dict[str, Any]]]:
    return dict(json.loads((sample / "truth.json").read_text(encoding="utf-8")))


def test_equal_arguments_give_equal_bytes(sample: Path, tmp_path: Path) -> None:
    generate(tmp_path, COUNT, 7)
    assert folder_digest(tmp_path) == folder_digest(sample)
    manifest = "manifest.json"
    assert (tmp_path / manifest).read_bytes() == (sample / manifest).read_bytes()


def test_there_are_as_many_lines_as_asked_for(sample: Path) -> None:
    assert len(rows(sample)) == COUNT
    with pytest.raises(ValueError, match="at least 30"):
        generate(sample, 29, 7)


def test_planted_text_and_metadata_are_there(sample: Path) -> None:
    by_id = {record["id"]: record for record in readable(sample)}
    found = 0
    for entry in truth(sample)["personal"]:
        if entry["where"] == "text":
            spoken = " ".join(turn["text"] for turn in by_id[entry["record"]]["turns"])
            assert entry["value"] in spoken
        elif entry["where"] == "file_name":
            assert entry["value"] in entry["file"]
        elif entry["where"] == "exif":
            with Image.open(sample / entry["file"]) as image:
                values = [
                    v.decode("utf-16le") if isinstance(v, bytes) else str(v)
                    for v in image.getexif().values()
                ]
            assert any(entry["value"] in value for value in values)
        else:
            assert (sample / entry["file"]).is_file()
        found += 1
    assert found > 30


def test_physicians_ask_back_in_about_two_fifths_of_their_replies(sample: Path) -> None:
    replies = [
        turn["text"]
        for record in readable(sample)
        for turn in record["turns"]
        if turn["role"] == "physician"
    ]
    share = sum(reply.endswith(("?", "？")) for reply in replies) / len(replies)
    assert 0.33 < share < 0.47
    assert all(reply.endswith(("。", "？", ".", "?")) for reply in replies)


def test_dialogues_have_three_to_eight_turns_in_ten_departments(sample: Path) -> None:
    lengths = {len(record["turns"]) for record in readable(sample)}
    assert lengths <= set(range(3, 9))
    assert len({c.department["en"] for c in conditions()}) == 10


def test_every_kind_of_broken_record_is_there_once(sample: Path) -> None:
    broken = truth(sample)["broken"]
    reasons = [e["reason"] for e in broken if e["file"] == "consultations.jsonl"]
    assert len(reasons) == len(set(reasons)) == 10


def runs(text: str, length: int) -> list[int]:
    return [int(run) for run in run_hashes(token_hashes([text]), length).values]


def test_training_and_benchmarks_share_few_runs_of_words(sample: Path) -> None:
    """Only what is planted, and little else, for the decontamination to find."""
    benchmark = json.loads((sample / "benchmarks" / "cmtmedqa.json").read_text())
    asked = [row["instruction"] for row in benchmark]
    asked += [pair[0] for row in benchmark for pair in row["history"]]
    known = {run for text in asked for run in runs(text, 13)}
    planted = {entry["record"] for entry in truth(sample)["contaminated"]}
    clean = [record for record in readable(sample) if record["id"] not in planted]
    shared = [
        record["id"]
        for record in clean
        if any(run in known for t in record["turns"] for run in runs(t["text"], 13))
    ]
    assert len(shared) < 0.05 * len(clean)


@given(st.integers(0, 10**17 - 1))
def test_check_digit_makes_the_weighted_sum_one(number: int) -> None:
    """ISO 7064 MOD 11-2: the weighted sum of all 18 characters is 1 modulo 11."""
    text = f"{number:017d}"
    last = check_digit(text)
    digits = [*map(int, text), 10 if last == "X" else int(last)]
    assert sum(d * pow(2, 17 - i, 11) for i, d in enumerate(digits)) % 11 == 1
