"""What holds for every reader whatever is in a file: one item a row, and no text in a reason."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsemind.data.collect import collect
from pulsemind.data.sources import ADAPTERS, Item, Raw, json_text
from pulsemind.data.sources.json_text import Broken, json_lines, json_list
from tests.unit.raw_files import outcome, read, source

KEYS = [
    "id", "instruction", "instruct", "input", "output", "history", "cate1", "questions", "answers",
    "question", "answer", "answer_idx", "options", "label", "images", "image_path", "turns", "role",
    "text", "visit", "language", "conversations", "from", "value", "image", "modality", "opa",
    "opb", "cop", "subject", "choices", "A", "B", "Image_ID", "Questions", "Answers", "Figure_path",
    "Question", "Choice A", "Choice B", "Answer", "encounter_id", "image_ids", "query_title_zh",
    "responses", "content_zh", "completeness", "q_lang", "img_name", "qid", "image_name",
    "phrase_type", "image_1", "title", "ask", "department", "Id", "Response", "split",
]  # fmt: skip
SECRET = "Wanda Grabowski"
STRINGS = st.sampled_from(
    [
        *(SECRET, f"患者：{SECRET}", f"[{SECRET}", f"a\x00{SECRET}", f"{SECRET}.png", "../../x"),
        *("", "A", "(B)", "0", "1", "['a', 'b']", "Q\nAnswer Choices: (A) a (B) b"),
        *("patient", "anatomy", "Pharmacy", "human", "en", "test"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-3, 10) | STRINGS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | STRINGS, inner, max_size=3)
    ),
    max_leaves=6,
)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(KEYS) | STRINGS, VALUES, max_size=8) | VALUES, max_size=4
)
FLAT = st.lists(st.dictionaries(st.sampled_from(KEYS), STRINGS, min_size=1), max_size=4)
USES = st.sampled_from(["benchmark", "stage1", "consultations"])
SPLITS = st.sampled_from([None, "test", "train"])
few = settings(max_examples=10, deadline=None)


def check(items: list[Item], count: int) -> None:
    assert len(items) == count
    for item in items:
        assert isinstance(item, Raw) or "Grabowski" not in outcome(item)
        if isinstance(item, Raw):
            item.record.model_dump_json()


@pytest.mark.parametrize("adapter", sorted(ADAPTERS))
@given(entries=ROWS, use=USES, split=SPLITS)
@few
def test_every_row_of_json_is_one_item(
    tmp_path_factory: pytest.TempPathFactory,
    adapter: str,
    entries: list[Any],
    use: str,
    split: str | None,
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    as_list = json.dumps(entries, indent=1, ensure_ascii=False).encode()
    changes = {"use": use, "split": split}
    check(read(folder, adapter, as_list, **changes), len(entries))
    as_lines = "\n".join(json.dumps(entry) for entry in entries).encode() + b"\n"
    check(read(folder, adapter, as_lines, "file.jsonl", **changes), len(entries))


@pytest.mark.parametrize("adapter", sorted(ADAPTERS))
@given(entries=FLAT, split=SPLITS)
@few
def test_every_row_of_a_table_is_one_item(
    tmp_path_factory: pytest.TempPathFactory,
    adapter: str,
    entries: list[dict[str, Any]],
    split: str | None,
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    text = io.StringIO()
    writer = csv.DictWriter(text, KEYS, quoting=csv.QUOTE_ALL)
    if adapter != "mmlu":
        writer.writeheader()
    writer.writerows(entries)
    content = b"\xef\xbb\xbf" + text.getvalue().encode()
    check(read(folder, adapter, content, "test.csv", split=split), len(entries))
    if entries:
        table = pa.Table.from_pylist([dict.fromkeys(KEYS) | entry for entry in entries])
        pq.write_table(table, folder / "test.parquet")
        found = list(collect(folder, source(adapter, "test.parquet", split=split)))
        check(found, len(entries))


@pytest.mark.parametrize("adapter", sorted(ADAPTERS))
@given(content=st.binary(min_size=1, max_size=200))
@few
def test_arbitrary_bytes_never_crash(
    tmp_path_factory: pytest.TempPathFactory, adapter: str, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    for suffix in (".json", ".jsonl", ".csv", ".parquet", ".json.exe"):
        read(folder, adapter, content, f"file{suffix}", encoding="gb18030")
        read(folder, adapter, content, f"file{suffix}")


@given(lines=st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")), max_size=8))
def test_every_line_with_anything_in_it_is_one_item(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    lines = [b"{}", *lines]
    items = read(tmp_path_factory.mktemp("raw"), "medqa", b"\n".join(lines), "f.jsonl")
    assert len(items) == sum(line.strip() not in {b"", b","} for line in lines)


@given(
    values=st.lists(VALUES, max_size=6), chunk=st.integers(1, 9), indent=st.sampled_from([None, 1])
)
@settings(deadline=None)
def test_a_list_is_read_as_the_standard_library_reads_it(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], chunk: int, indent: int | None
) -> None:
    path = tmp_path_factory.mktemp("raw") / "f.json"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_CHUNK", chunk)
        found = list(json_list(path, "utf-8"))
    assert repr(found) == repr(list(enumerate(values)))  # repr, since nan is not nan


@given(
    values=st.lists(VALUES, min_size=1, max_size=4),
    broken=st.sampled_from(['{"a": nope}', '{"a" "b,]"}', '["\\q\\"", {}, 1 2]', "x", "tru"]),
    chunk=st.integers(1, 9),
    data=st.data(),
)
@settings(deadline=None)
def test_a_broken_value_costs_itself_wherever_the_text_is_cut(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[Any],
    broken: str,
    chunk: int,
    data: st.DataObject,
) -> None:
    place = data.draw(st.integers(0, len(values)))
    written = [json.dumps(value) for value in values]
    written.insert(place, broken)
    path = tmp_path_factory.mktemp("raw") / "f.json"
    path.write_text(f"[{', '.join(written)}]", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_CHUNK", chunk)
        found = [value for _, value in json_list(path, "utf-8")]
    assert found.pop(place) == Broken("not JSON")
    assert repr(found) == repr(values)


@given(
    content=st.lists(st.sampled_from([b"[", b"]", b"{", b"}", b'"', b",", b"1", b"\\", b"\n"])),
    limit=st.integers(1, 20),
)
@settings(deadline=None)
def test_nothing_of_json_hangs_or_crashes_at_its_limits(
    tmp_path_factory: pytest.TempPathFactory, content: list[bytes], limit: int
) -> None:
    path = tmp_path_factory.mktemp("raw") / "f.json"
    path.write_bytes(b"[" + b"".join(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_CHUNK", 2)
        patch.setattr(json_text, "LIMIT", limit)
        for read_file in (json_list, json_lines):
            found = [index for index, _ in read_file(path, "utf-8")]
            assert found == sorted(set(found))


@given(start=st.integers(0, 12), length=st.integers(1, 12))
def test_slices_cut_raw_records_and_miss_none(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    rows = [{"instruction": f"q{i}", "output": "" if i % 3 == 0 else "a"} for i in range(10)]
    (folder / "f.json").write_text(json.dumps(rows))
    wanted = source("huatuo26m", "f.json", "stage1", records=[start, start + length])
    items = list(collect(folder, wanted))
    indices = [i.index if not isinstance(i, Raw) else i.record.provenance.index for i in items]
    assert indices == list(range(10))[start : start + length]
