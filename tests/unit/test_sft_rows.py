"""Rows: lengths before encoding, cuts at turn boundaries, best fit, what is left over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsemind import artifacts
from pulsemind.artifacts import ArtifactError
from pulsemind.model.chat import encode
from pulsemind.model.load import load_processor
from pulsemind.records import Consultation
from pulsemind.sft import rows
from tests.conftest import consultation
from tests.unit.sft_job import write_dataset


def length(processor: Any, record: Consultation, turns: int, folder: Path) -> int:
    return int(encode(processor, [record.turns[:turns]], folder, False)["input_ids"].shape[1])


@pytest.mark.parametrize("number", [0, 1])
def test_lengths_equal_those_of_encoded_dialogues(base: Path, data: Path, number: int) -> None:
    processor, record = load_processor(base), consultation(number)
    expected = [length(processor, record, turns, data) for turns in (2, 4)]
    assert rows.exchange_lengths(processor, record.turns, data) == expected


def test_a_long_dialogue_loses_whole_turns_and_is_counted(
    base: Path, data: Path, tmp_path: Path
) -> None:
    processor = load_processor(base)
    asked, *others = consultation(1).turns
    wordy = asked.model_copy(update={"text": asked.text * 50})
    long = consultation(1).model_copy(update={"turns": (wordy, *others)})
    lone = consultation(4).model_copy(update={"turns": consultation(4).turns[:1]})
    records = [consultation(0), long, lone]
    whole, first = (length(processor, records[0], turns, data) for turns in (4, 2))
    texts = Dataset.from_dict({"text": [r.model_dump_json() for r in records]})
    found = rows.measured(texts, processor, data, whole - 1, tmp_path / "a.arrow", 1)
    assert found["turns"] == [2, 0, 0]
    assert found["length"] == [first, 0, 0]
    assert rows.left_over(found) == rows.LeftOver(
        records=3, cut=1, turns_cut=1, too_long=1, silent=1
    )
    chosen = rows.single(found)
    assert len(chosen) == 1
    assert chosen.tokens == first
    exact = rows.measured(texts, processor, data, whole, tmp_path / "b.arrow", 1)
    assert exact["turns"][0] == 4


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(50, 120), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_packed_rows_hold_every_record_once_and_never_too_much(
    lengths: list[int], capacity: int, seed: int
) -> None:
    silent = [0, *lengths]  # a record of length 0 does not fit
    made = rows.packed(Dataset.from_dict({"length": silent}), capacity, seed)
    found = [made.order[a:b].tolist() for a, b in zip(made.starts, made.starts[1:], strict=False)]
    assert sorted(n for row in found for n in row) == list(range(1, len(silent)))
    assert all(row and sum(silent[n] for n in row) <= capacity for row in found)
    again = rows.packed(Dataset.from_dict({"length": silent}), capacity, seed)
    assert np.array_equal(made.order, again.order)


def test_best_fit_takes_the_fullest_row_with_room() -> None:
    # 6 | 5 | 3 goes beside 6 (1 left) | 2 beside 5 (3 left), not beside 6 | 2 likewise.
    assert rows.best_fit([5, 2, 6, 3, 2], 10) == [[2, 3], [0, 1, 4]]
    with pytest.raises(ValueError, match="11 does not fit into 10"):
        rows.best_fit([11], 10)


def test_windows_are_packed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "WINDOW", 4)
    made = rows.packed(Dataset.from_dict({"length": [5] * 10}), 10, seed=0)
    assert len(made) == 5
    assert made.tokens == 50


def test_a_missing_shard_is_named(data: Path, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "dataset", data / "images")
    (dataset / "stage2" / "train" / "shard-00001.jsonl").unlink()
    with pytest.raises(ArtifactError, match=r"lacks stage2/train/shard-00001\.jsonl"):
        rows.read_text(dataset, "stage2/train", tmp_path / "cache")
    with pytest.raises(ArtifactError, match="holds no records"):
        rows.read_text(dataset, "stage1/train", tmp_path / "cache")


def test_a_record_whose_image_is_gone_is_named(base: Path, tmp_path: Path) -> None:
    texts = Dataset.from_dict({"text": [consultation(1).model_dump_json()]})
    with pytest.raises(ArtifactError, match="record c1: an image cannot be read"):
        rows.measured(texts, load_processor(base), tmp_path, 300, tmp_path / "a.arrow", 1)


def test_records_stay_on_the_disk(base: Path, data: Path, tmp_path: Path) -> None:
    """Rows are a memory-mapped file and a few integers a record, never the records."""
    dataset = write_dataset(tmp_path / "dataset", data / "images")
    texts = rows.read_text(dataset, "stage2/train", tmp_path / "cache")
    assert [Consultation.model_validate_json(t).id for t in texts["text"]] == [
        record.id for record in artifacts.read_shards(dataset / "stage2" / "train", Consultation)
    ]
    found = rows.measured(texts, load_processor(base), data, 300, tmp_path / "a.arrow", 1)
    made = rows.packed(found, 300, seed=1)
    assert {Path(f["filename"]).name for f in made.records.cache_files} == {"a.arrow"}
    assert made.order.nbytes + made.starts.nbytes <= 16 * (len(found) + 1)
