"""Dirty and hostile raw files: each bad record costs itself, memory stays bounded, and nothing
outside the raw folder is read."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pulsemind.data.collect import check_sources, collect, image_path
from pulsemind.data.sources import Raw, parquet
from pulsemind.records import Consultation, Quarantined
from pulsemind.settings import DatasetSettings, Source
from tests.unit.raw_files import outcomes, question, read, rows, source, texts

GOOD = (
    '{"id": "g", "turns": [{"role": "patient", "text": "a"}, {"role": "physician", "text": "b"}]}'
)
PAIR = '{"instruction": "q", "output": "a"}'
MIB = 2**20


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
        (GOOD.replace('"a"', '"SECRET\\u0000"'), "NUL"),
        (GOOD.replace('"b"', '""').replace('"g"', '"h"'), "turns.1: neither text nor image"),
    ],
)
def test_a_broken_consultation_is_named_without_its_content(
    tmp_path: Path, line: str, reason: str
) -> None:
    items = read(tmp_path, "consultations", f"{GOOD}\n{line}\n".encode(), "file.jsonl")
    broken = items[1]
    assert isinstance(broken, Quarantined)
    assert (broken.file, broken.index) == ("file.jsonl", 1)
    assert reason in broken.reason
    assert "SECRET" not in broken.reason


def test_a_backslash_before_u0000_is_no_nul(tmp_path: Path) -> None:
    row = {"instruction": "what is \\u0000?", "output": "an escape"}
    assert texts(rows(tmp_path, "huatuo26m", row)[0])[0] == "what is \\u0000?"


def test_a_byte_order_mark_and_a_torn_end_of_a_list(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf[" + PAIR.encode() + b', {"instruction": ["to'
    items = read(tmp_path, "huatuo26m", content)
    assert texts(items[0]) == ["q", "a"]
    assert outcomes(items[1:]) == {"the JSON list breaks off here": 1}


@pytest.mark.parametrize(
    "broken",
    [
        b'{"instruction": nope, "output": [1, 2]}',
        b'{"instruction": "a" "output": "]}"}',
        b'{"instruction": "\x01", "output": "a"}',
        b'{"instruction": "\\q", "output": "a, [{"}',
        b"nope",
        b"1" * 5000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"instruction": "\xff\xfe", "output": "a"}',
        b'{"instruction": "\xd6\xd0", "output": "a"}',
        b"null",
        b'{"instruction": "\\u0000", "output": "a"}',
    ],
)
@pytest.mark.parametrize("name", ["list.json", "lines.json", "lines.jsonl"])
def test_a_broken_record_costs_itself_alone(tmp_path: Path, broken: bytes, name: str) -> None:
    between = b"\n" if "lines" in name else b","
    content = between.join([PAIR.encode(), broken, PAIR.encode()])
    if "list" in name:
        content = b"[" + content + b"]"
    items = read(tmp_path, "huatuo26m", content, name)
    assert [isinstance(item, Raw) for item in items] == [True, False, True]
    assert isinstance(items[1], Quarantined)
    assert items[1].index == 1


def test_a_csv_with_broken_text_and_ragged_rows(tmp_path: Path) -> None:
    content = (
        b"\xef\xbb\xbfdepartment,title,ask,answer\n"
        b"None,t,ask,answer\n"
        b"x,t,\xff\xff,answer\n"
        b"x,t\n"
        b"x,t,ask,answer,more,\n"
        b'x,Pain,"two\nlines",answer\n'
        b"x,t,a\x00b,answer\n"
    )
    items = read(tmp_path, "toyhom", content, "file.csv")
    assert outcomes(items) == {
        "raw": 3,
        "text that is not Unicode": 1,
        "answer: empty": 1,
        "text with a NUL character": 1,
    }
    assert isinstance(items[0], Raw)
    assert isinstance(items[0].record, Consultation)
    assert items[0].record.department is None
    assert texts(items[4])[0] == "Pain\ntwo\nlines"


@contextmanager
def peak_below(limit: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("adapter", "name", "before", "after"),
    [
        ("huatuo26m", "f.jsonl", f'{PAIR}\n{{"instruction": "', f'"}}\n{PAIR}\n'),
        ("huatuo26m", "f.json", f'[{PAIR}, {{"instruction": "', f'\\\\"}},\n{PAIR}]'),
        ("toyhom", "f.csv", 'title,ask,answer\nt,q,a\nt,"', '",a\nt,q,a\n'),
        ("toyhom", "g.csv", 'title,ask,answer\nt,q,a\nt,"\n', '\n",a\nt,q,a\n'),
    ],
)
def test_a_record_of_200_mb_is_not_held(
    tmp_path: Path, adapter: str, name: str, before: str, after: str
) -> None:
    with (tmp_path / name).open("wb") as handle:
        handle.write(before.encode())
        for _ in range(200):
            handle.write(b"x" * MIB)
        handle.write(after.encode())
    with peak_below(120 * MIB):
        items = list(collect(tmp_path, source(adapter, name)))
    assert isinstance(items[0], Raw)
    assert outcomes(items)["longer than 16 MiB"] == 1
    if name != "g.csv":  # inside a quoted field nobody knows where the next record begins
        assert isinstance(items[-1], Raw)


def test_100_000_brackets_take_little_memory(tmp_path: Path) -> None:
    with peak_below(20 * MIB):
        items = read(tmp_path, "slake", b"[" + b"[" * 100_000 + b"]" * 100_000 + b"]")
    assert outcomes(items) == {"nested too deeply": 1}


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.png",
        "/etc/passwd",
        "file:///etc/passwd",
        "file:secret.png",
        "http://example.org/a.png",
        "..\\..\\secret.png",
        "C:\\secret.png",
        "a\x00.png",
        "x" * 300 + ".png",
        "",
        ".",
        "link.png",
        "linked/secret.png",
        "loop.png",
        "link.parquet#row=0&column=image",
        "../../secret.parquet#row=0&column=image",
    ],
)
def test_no_image_name_leads_outside(tmp_path: Path, name: str) -> None:
    raw = tmp_path / "raw"
    (raw / "images").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "secret.parquet").write_bytes(b"secret")
    (raw / "images" / "link.png").symlink_to(tmp_path / "secret.png")
    (raw / "images" / "link.parquet").symlink_to(tmp_path / "secret.parquet")
    (raw / "images" / "linked").symlink_to(tmp_path)
    (raw / "images" / "loop.png").symlink_to("loop.png")
    row = {"image_name": name, "question": "?", "answer": "!", "phrase_type": "para"}
    (item,) = rows(raw, "vqa_rad", row)
    assert isinstance(item, Quarantined)
    assert "secret" not in item.reason
    assert "image" in item.reason


def test_links_inside_the_raw_data_are_followed(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "a.png").write_bytes(b"a")
    (tmp_path / "images" / "link.png").symlink_to(tmp_path / "a.png")
    row = {"image_name": "link.png", "question": "?", "answer": "!", "phrase_type": "para"}
    (item,) = rows(tmp_path, "vqa_rad", row)
    assert image_path(tmp_path, question(item).images[0].path) == tmp_path / "a.png"


def test_sources_that_are_no_files_inside_are_not_opened(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (tmp_path / "outside.jsonl").write_text(f"{GOOD}\n")
    (raw / "a.jsonl").symlink_to(tmp_path / "outside.jsonl")
    (raw / "b.jsonl").mkdir()
    (raw / "c.jsonl").touch()
    os.mkfifo(raw / "d.jsonl")  # to open it would wait for ever
    (raw / "e.jsonl").symlink_to("e.jsonl")
    (raw / "f.jsonl").write_text(f"{GOOD}\n")
    items = list(collect(raw, source("consultations", "*.jsonl")))
    assert [(i.file, i.reason) for i in items if isinstance(i, Quarantined)] == [
        ("a.jsonl", "outside the raw data"),
        ("b.jsonl", "not a file"),
        ("c.jsonl", "empty file"),
        ("d.jsonl", "not a file"),
        ("e.jsonl", "outside the raw data"),
    ]
    assert isinstance(items[-1], Raw)
    for path in ("a.jsonl", "../outside.jsonl", "c.jsonl", "b.jsonl"):
        (item,) = collect(raw, source("consultations", path))
        assert isinstance(item, Quarantined)


def test_shards_are_read_in_order_and_named(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        (tmp_path / f"train-{number:05d}.jsonl").write_text(f'{PAIR}\n{{"x": 1}}\n')
    items = list(collect(tmp_path, source("huatuo26m", "train-*.jsonl", split="train")))
    assert [i.record.id for i in items if isinstance(i, Raw)] == [
        f"huatuo26m-{number:05d}-000000" for number in range(3)
    ]
    assert [i.file for i in items if isinstance(i, Quarantined)] == [
        f"train-{number:05d}.jsonl" for number in range(3)
    ]
    sliced = list(collect(tmp_path, source("huatuo26m", "train-*.jsonl", records=[2, 5])))
    where = [i.record.provenance for i in sliced if isinstance(i, Raw)]
    assert [(w.file, w.index) for w in where] == [
        ("train-00001.jsonl", 0),
        ("train-00002.jsonl", 0),
    ]


def test_a_split_that_nothing_tells_is_not_guessed(tmp_path: Path) -> None:
    reason = "split: neither the record nor the file's name tells it"
    pair = json.loads(PAIR)
    assert outcomes(rows(tmp_path, "huatuo26m", pair, name="f.json", split="test")) == {reason: 1}
    both = rows(tmp_path, "huatuo26m", pair, name="train_test.json", split="test")
    assert outcomes(both) == {reason: 1}
    assert outcomes(rows(tmp_path, "huatuo26m", pair, name="test/f.json", split="test")) == {
        "raw": 1
    }
    other = rows(tmp_path, "huatuo26m", pair, name="valid_1.json", split="test")
    assert outcomes(other) == {"other_split": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"options": {"A": "x", "B": "y"}, "answer_idx": "E"}, "not among the options"),
        ({"options": {"A": "x", "B": "x"}, "answer": "x"}, "not among the options"),
        ({"options": {"A": "x", "B": "y"}, "answer": 1}, "neither a letter"),
        ({"options": {"A": "x", "B": "y"}, "answer": True}, "neither a letter"),
        ({"options": {"A": "x", "B": "y"}, "answer": ["A", "B"]}, "not exactly one"),
        ({"options": {"A": "x", "B": " "}, "answer": "A"}, "fewer than two"),
        ({"options": {"SECRET": "x", "B": "y"}, "answer": "B"}, "not texts by letter"),
        ({"options": {"A": "x", "B": ["SECRET"]}, "answer": "B"}, "not texts by letter"),
        ({"options": {"A": "x", "a": "y"}, "answer": "A"}, "not texts by letter"),
        ({"options": "SECRET", "answer": "B"}, "not texts by letter"),
        ({"options": [], "answer": "B"}, "not texts by letter"),
        ({"label": ["B"]}, "no answer choices"),
        ({}, "neither options nor label"),
    ],
)
def test_questions_that_cannot_be_answered(
    tmp_path: Path, row: dict[str, Any], reason: str
) -> None:
    (item,) = rows(tmp_path, "medqa", {"question": "SECRET?", **row})
    assert isinstance(item, Quarantined)
    assert reason in item.reason
    assert "SECRET" not in item.reason


def test_equal_options_stay_when_the_answer_is_a_letter(tmp_path: Path) -> None:
    row = {"question": "?", "options": {"A": "x", "B": "y", "C": "x"}, "answer_idx": " (c). "}
    assert question(rows(tmp_path, "medqa", row)[0]).answer == "C"


def test_parquet_that_is_none_or_breaks_off(tmp_path: Path) -> None:
    table = pa.table({"question": ["q"] * 500, "answer": ["a"] * 500})
    pq.write_table(table, tmp_path / "whole.parquet", row_group_size=100)
    data = (tmp_path / "whole.parquet").read_bytes()
    reason = "not Parquet, or broken off here"
    assert outcomes(read(tmp_path, "huatuo26m", data, "a.parquet")) == {"raw": 500}
    for torn in (data[:-50], b"PAR1" + b"\0" * 50 + b"PAR1", b"nothing"):
        assert outcomes(read(tmp_path, "huatuo26m", torn, "b.parquet")) == {reason: 1}


def test_a_parquet_row_that_is_no_text_costs_itself(tmp_path: Path) -> None:
    good, bad = b"q", b"\xff\xfe"
    asked = pa.array([good, bad, good]).cast(pa.string(), safe=False)
    table = pa.table({"question": asked, "answer": ["a"] * 3})
    pq.write_table(table, tmp_path / "a.parquet")
    found = outcomes(list(collect(tmp_path, source("huatuo26m", "a.parquet"))))
    assert found == {"raw": 2, "not UTF-8": 1}


def test_a_huge_row_group_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_LIMIT", 10)
    pq.write_table(pa.table({"question": ["q"], "answer": ["a"]}), tmp_path / "a.parquet")
    found = outcomes(list(collect(tmp_path, source("huatuo26m", "a.parquet"))))
    assert found == {"in a row group larger than 1 GiB": 1}


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"x", "f.txt", "not a .json, .jsonl, .csv or .parquet file"),
        (b'{"a": 1', "f.json", "neither a JSON list nor JSON lines"),
        (b"   \n ", "f.json", "neither a JSON list nor JSON lines"),
        (b"[", "f.json", "the JSON list breaks off here"),
    ],
)
def test_files_of_no_known_format(tmp_path: Path, content: bytes, name: str, reason: str) -> None:
    assert outcomes(read(tmp_path, "huatuo26m", content, name)) == {reason: 1}


def settings(*sources: Source) -> DatasetSettings:
    from pulsemind import settings as all_settings  # the other keys do not matter here

    section = all_settings.load(Path(__file__).parents[2] / "params.yaml", "tiny").stages.dataset
    return section.model_copy(update={"sources": list(sources)})


def test_sources_that_cannot_work_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "folder").mkdir()
    for wrong in (
        source("no_such", "f"),
        source("medqa", "f", records=[3, 1]),
        source("medqa", "../f"),
        source("medqa", "/etc/passwd"),
    ):
        with pytest.raises(ValueError, match=wrong.name):
            check_sources(tmp_path, settings(wrong))
    for absent in (
        source("medqa", "absent"),
        source("medqa", "*.jsonl"),
        source("medqa", "folder"),
        source("medqa", "f", images="pictures"),
    ):
        with pytest.raises(FileNotFoundError, match="medqa"):
            check_sources(tmp_path, settings(absent))
    with pytest.raises(ValueError, match="twice"):
        check_sources(tmp_path, settings(source("medqa", "f"), source("medqa", "f")))
    check_sources(tmp_path, settings(source("medqa", "f", "stage1", images="folder")))
