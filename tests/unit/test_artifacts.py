"""Artifacts are whole or not there, and say when they are no longer what was written."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsemind import artifacts
from pulsemind.records import Answer, Verdict

ROOT = Path(__file__).parents[2]
DYING = """
import os, signal, sys
from collections.abc import Iterator
from pathlib import Path
from pulsemind import artifacts

with artifacts.writing(Path(sys.argv[1]), "text") as folder:
    (folder / "a").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def write(folder: Path, **files: str) -> Path:
    """An artifact of text files."""
    with artifacts.writing(folder, "text", by="test") as inside:
        for name, text in files.items():
            (inside / name).write_text(text)
    return folder


def test_an_artifact_has_a_manifest_with_the_digest_of_its_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "out", a="alpha", b="beta")
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {
        "a": hashlib.sha256(b"alpha").hexdigest(),
        "b": hashlib.sha256(b"beta").hexdigest(),
    }
    assert manifest["files"] == files
    assert manifest["kind"] == "text"
    assert manifest["made_by"] == {"by": "test"}
    canonical = json.dumps(files, sort_keys=True).encode()
    assert manifest["digest"] == hashlib.sha256(canonical).hexdigest()
    assert artifacts.digest(folder) == artifacts.folder_digest(folder) == manifest["digest"]


def test_equal_files_have_equal_digests_and_different_ones_do_not(tmp_path: Path) -> None:
    digests = [
        artifacts.digest(write(tmp_path / str(number), **files))
        for number, files in enumerate([{"a": "1"}, {"a": "1"}, {"a": "2"}, {"b": "1"}])
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_a_body_that_raises_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with artifacts.writing(tmp_path / "out", "text") as inside:
            (inside / "a").write_text("half")
            raise KeyError("body")

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_body_that_raises_leaves_the_older_artifact(tmp_path: Path) -> None:
    folder = write(tmp_path / "out", a="old")

    def fail() -> None:
        with artifacts.writing(folder, "text") as inside:
            (inside / "a").write_text("new")
            raise KeyError("body")

    with pytest.raises(KeyError):
        fail()
    assert artifacts.intact(folder)
    assert (folder / "a").read_text() == "old"


def test_a_newer_artifact_replaces_the_older_whole(tmp_path: Path) -> None:
    write(tmp_path / "out", a="old", gone="x")
    folder = write(tmp_path / "out", a="new")
    assert artifacts.intact(folder)
    assert sorted(p.name for p in folder.iterdir()) == ["a", "manifest.json"]


def test_a_killed_writer_leaves_no_artifact(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(out)], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL
    assert not out.exists()
    assert not artifacts.intact(out)
    with pytest.raises(artifacts.ArtifactError, match="not a finished artifact"):
        artifacts.digest(out)
    assert artifacts.intact(write(out, a="whole"))


def test_intact_sees_every_kind_of_damage(tmp_path: Path) -> None:
    assert artifacts.intact(write(tmp_path / "sound", a="1", b="2"))
    altered = write(tmp_path / "altered", a="1", b="2")
    (altered / "a").write_text("3")
    deleted = write(tmp_path / "deleted", a="1", b="2")
    (deleted / "b").unlink()
    added = write(tmp_path / "added", a="1", b="2")
    (added / "c").write_text("")
    unlisted = write(tmp_path / "unlisted", a="1", b="2")
    (unlisted / "manifest.json").unlink()
    for folder in (altered, deleted, added, unlisted, tmp_path / "missing"):
        assert not artifacts.intact(folder), folder.name


texts = st.text(max_size=40)
answers = st.lists(st.builds(Answer, query_id=texts, model=texts, text=texts), max_size=25)


@settings(max_examples=50, deadline=None)
@given(records=answers, per_shard=st.integers(1, 7))
def test_shards_come_back_as_they_were_written(records: list[Answer], per_shard: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "shards"
        assert artifacts.write_shards(folder, iter(records), per_shard) == len(records)
        assert list(artifacts.read_shards(folder, Answer)) == records
        assert len(list(folder.iterdir())) == -(-len(records) // per_shard)


def test_shards_are_written_while_the_records_come(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    written_before = []

    def records() -> Iterator[Answer]:
        for number in range(10):
            written_before.append(len(list(folder.glob("shard-*"))))
            yield Answer(query_id=str(number), model="m", text="t")

    artifacts.write_shards(folder, records(), per_shard=2)
    assert written_before == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_a_wrong_line_is_named_by_file_and_line_without_its_content(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    artifacts.write_shards(folder, [Answer(query_id="q", model="m", text="t")])
    shard = folder / "shard-00000.jsonl"
    secret = "张三 13800000000"
    for line in (json.dumps({"query_id": secret}), secret, "{"):
        shard.write_text(shard.read_text().splitlines()[0] + "\n" + line + "\n", encoding="utf-8")
        with pytest.raises(artifacts.ArtifactError) as error:
            list(artifacts.read_shards(folder, Answer))
        told = "".join(map(str, (error.value, error.value.__cause__)))
        assert "shard-00000.jsonl, line 2" in told
        assert "Answer" in told
        assert "张三" not in told
        assert error.value.__suppress_context__


def test_the_records_of_another_kind_are_refused(tmp_path: Path) -> None:
    artifacts.write_shards(tmp_path / "shards", [Answer(query_id="q", model="m", text="t")])
    with pytest.raises(artifacts.ArtifactError, match="not a Verdict"):
        list(artifacts.read_shards(tmp_path / "shards", Verdict))


def test_missing_shards_are_an_error_and_empty_ones_are_not(tmp_path: Path) -> None:
    with pytest.raises(artifacts.ArtifactError, match="no shards"):
        list(artifacts.read_shards(tmp_path / "shards", Answer))
    artifacts.write_shards(tmp_path / "shards", [])
    assert list(artifacts.read_shards(tmp_path / "shards", Answer)) == []


def test_an_image_is_stored_once_under_its_content(tmp_path: Path) -> None:
    sha = hashlib.sha256(b"pixels").hexdigest()
    expected = (f"images/{sha[:2]}/{sha}.png", sha)
    assert artifacts.add_image(tmp_path, b"pixels") == expected
    assert artifacts.add_image(tmp_path, b"pixels") == expected
    assert (tmp_path / expected[0]).read_bytes() == b"pixels"
    assert len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


def test_json_is_written_readably_and_in_order(tmp_path: Path) -> None:
    artifacts.write_json(tmp_path / "x.json", {"b": 1, "a": "发热"})
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == '{\n  "a": "发热",\n  "b": 1\n}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_artifacts_whose_names_begin_alike_are_written_side_by_side(tmp_path: Path) -> None:
    with artifacts.writing(tmp_path / "sample-open", "x") as first:
        with artifacts.writing(tmp_path / "sample", "x") as second:
            (second / "a").write_text("a")
        (first / "b").write_text("b")
    assert artifacts.intact(tmp_path / "sample")
    assert artifacts.intact(tmp_path / "sample-open")
