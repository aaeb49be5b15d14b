"""The whole build: on a small raw folder written here, and on the generated sample."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from pulsemind import settings as all_settings
from pulsemind.artifacts import folder_digest, read_shards
from pulsemind.data.build import Digests, Refining, build
from pulsemind.data.expand import Service
from pulsemind.data.jobs import Job, Run, WorkerLost, in_order, in_processes
from pulsemind.data.ledger import Counts, Dropped
from pulsemind.data.pixels import read_lines
from pulsemind.data.split import SPLITS
from pulsemind.records import Consultation, QAItem, Quarantined, Query
from pulsemind.settings import DatasetSettings

ROOT = Path(__file__).parents[2]
Sample = tuple[Path, Path, Counts]


def settings(**changes: Any) -> DatasetSettings:
    """The tiny profile's dataset section with changes."""
    section = all_settings.load(ROOT / "params.yaml", "tiny").stages.dataset
    return DatasetSettings.model_validate({**section.model_dump(), **changes})


def few_benchmarks(few: int) -> DatasetSettings:
    """The tiny profile's dataset section with the first records of each benchmark only."""
    sources = settings().model_dump()["sources"]
    limits = {"records": [0, few]}
    return settings(sources=[s | (limits if s["use"] == "benchmark" else {}) for s in sources])


def one_source(name: str, adapter: str, path: str, use: str) -> dict[str, Any]:
    overlap = ["text", "ngram", "image"] if use == "benchmark" else []
    return {"name": name, "adapter": adapter, "path": path, "use": use, "licence": "CC0-1.0",
            "records": None, "split": None, "images": None, "encoding": "utf-8",
            "refine": use == "consultations", "captions": False, "overlap": overlap}  # fmt: skip


def made(raw: Path, out: Path, section: DatasetSettings, run: Run = in_order) -> Counts:
    """Build into `out`, with the work folder beside it."""
    work = out.with_name(f"{out.name}-work")
    refining = Refining(Service({}, 1, work / "responses"), work / "review")
    return build(raw, out, work, section, Digests("raw", "code"), refining, run)


def line(number: int, *texts: str, images: list[str] | None = None) -> str:
    turns: list[dict[str, Any]] = [
        {"role": ("patient", "physician")[i % 2], "text": text} for i, text in enumerate(texts)
    ]
    turns[0]["images"] = [{"path": path, "kind": "xray"} for path in images or []]
    row = {"id": f"c{number}", "language": "en", "visit": "2025-03-14", "turns": turns}
    return json.dumps(row)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    raw = tmp_path_factory.mktemp("raw")
    (raw / "pictures").mkdir()
    image = Image.new("RGB", (160, 120), "black")
    ImageDraw.Draw(image).ellipse((20, 20, 120, 100), fill="gray")
    image.save(raw / "pictures" / "call_13800138000.png")
    image.resize((40, 30)).save(raw / "pictures" / "low.png")
    (raw / "pictures" / "torn.png").write_bytes(b"\x89PNG nothing")
    shown = "pictures/call_13800138000.png"
    overlapping = "My left knee has been swollen since I climbed that hill in late spring"
    lines = [
        line(0, "My name is John Carter, I cough.", "Rest, Mr. Carter.", "How long?", "Five days."),
        line(1, "I cough at night.", "Drink water and rest.", images=[shown]),
        line(2, "I  cough at NIGHT!", "Drink water and rest.", images=[shown]),
        line(3, overlapping + ", what now?", "See a surgeon."),
        line(4, "See my picture.", "It is broken.", images=["pictures/torn.png"]),
        line(5, "See my picture.", "It is absent.", images=["pictures/none.png"]),
        line(6, "See my picture.", "It is outside.", images=["../../secret.png"]),
        line(7, "See my small picture.", "It is too small.", images=["pictures/low.png"]),
        "{",
        *(line(10 + i, f"Pain number {i} here.", f"Advice number {i}.") for i in range(20)),
    ]
    (raw / "c.jsonl").write_text("\n".join(lines) + "\n")
    bench = [{"instruction": overlapping + " with my dog.", "output": "Rest.", "history": []}]
    (raw / "bench.json").write_text(json.dumps(bench))
    out = tmp_path_factory.mktemp("out") / "dataset"
    sources = [
        one_source("own", "consultations", "c.jsonl", "consultations"),
        one_source("bench", "cmtmedqa", "bench.json", "benchmark"),
    ]
    counts = made(raw, out, settings(sources=sources, queries=2))
    return raw, out, counts


def everything(out: Path) -> list[Consultation]:
    folders = ("stage1/train", "stage1/validation", "stage2/train", "stage2/validation")
    return [record for name in folders for record in read_shards(out / name, Consultation)]


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_every_record_is_accounted_for(small: Sample) -> None:
    _, out, counts = small
    assert counts.read == 30
    assert counts.quarantined == 4
    assert counts.dropped == {"duplicate_exact": 1, "contamination_ngram": 1}
    assert counts.kept == 24
    assert counts.splits["queries"] == 2
    assert counts.images_dropped == {"image_too_small": 1}
    written = json.loads((out / "counts.json").read_text())
    assert written == json.loads(counts.model_dump_json())


def test_quarantine_names_file_index_and_reason(small: Sample) -> None:
    _, out, _ = small
    found = [Quarantined.model_validate_json(x) for x in lines_of(out / "quarantine.jsonl")]
    assert {(q.file, q.index): q.reason for q in found} == {
        ("c.jsonl", 4): "image 0: not an image",
        ("c.jsonl", 5): "image 0: missing",
        ("c.jsonl", 6): "image 0: outside the raw data",
        ("c.jsonl", 8): "not JSON",
    }


def test_dropped_names_rule_and_counterpart(small: Sample) -> None:
    _, out, counts = small
    found = [Dropped.model_validate_json(x) for x in lines_of(out / "dropped.jsonl")]
    assert {(d.index, d.what, d.rule, d.counterpart) for d in found} == {
        (2, "record", "duplicate_exact", "own-000001"),
        (3, "record", "contamination_ngram", "bench"),
        (7, "image", "image_too_small", None),
    }
    assert counts.contamination == {"bench": {"ngram": 1}}


def test_no_query_is_trained_on(small: Sample) -> None:
    _, out, _ = small
    queries = {record.id for record in read_shards(out / "queries", Query)}
    assert len(queries) == 2
    assert not queries & {record.id for record in everything(out)}


def test_images_are_stored_by_content_and_only_those_used(small: Sample) -> None:
    _, out, counts = small
    stored = {p.relative_to(out).as_posix() for p in (out / "images").rglob("?*.?*")}
    records = [*everything(out)]
    turns = [turn for q in read_shards(out / "queries", Query) for turn in q.turns]
    turns += [turn for record in records for turn in record.turns]
    assert stored == {image.path for turn in turns for image in turn.images}
    assert counts.images == len(stored) == 1


def test_the_audit_has_kinds_and_no_values(small: Sample) -> None:
    _, out, _ = small
    audit = json.loads((out / "audit.json").read_text())
    assert audit["found"]["text"]["name"] == 2
    assert audit["found"]["file_name"] == {"phone": 1}
    assert set(audit["second_pass"].values()) == {0}
    files = [path for path in out.rglob("?*.?*") if path.suffix != ".png"]
    everywhere = "".join(path.read_text(encoding="utf-8") for path in files)
    assert "Carter" not in everywhere
    assert "13800138000" not in everywhere


def test_the_card_shows_the_funnel(small: Sample) -> None:
    _, out, _ = small
    assert "contamination_ngram" in (out / "card.md").read_text()
    assert (out / "card.html").read_text().startswith("<!doctype html>")


def test_the_same_raw_data_give_the_same_artifact(small: Sample, tmp_path: Path) -> None:
    raw, out, _ = small
    sources = [
        one_source("own", "consultations", "c.jsonl", "consultations"),
        one_source("bench", "cmtmedqa", "bench.json", "benchmark"),
    ]
    made(raw, tmp_path / "again", settings(sources=sources, queries=2), in_processes(2))
    assert folder_digest(tmp_path / "again") == folder_digest(out)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    generate = pytest.importorskip("examples.generate").generate
    raw = tmp_path_factory.mktemp("sample")
    generate(raw, 40, 7)
    out = tmp_path_factory.mktemp("built") / "dataset"
    return raw, out, made(raw, out, few_benchmarks(10), in_processes(2))


def truth(raw: Path) -> dict[str, Any]:
    return dict(json.loads((raw / "truth.json").read_text(encoding="utf-8")))


def test_sample_every_planted_value_is_gone_from_text(sample: Sample) -> None:
    raw, out, counts = sample
    records: dict[str, str] = {}
    for record in everything(out):
        records[record.provenance.original_id] = record.model_dump_json()
    by_index = {q.id: q.model_dump_json() for q in read_shards(out / "queries", Query)}
    lines = lines_of(raw / "consultations.jsonl")
    for name, text in by_index.items():
        records[json.loads(lines[int(name.rsplit("-", 1)[1])])["id"]] = text
    planted = [p for p in truth(raw)["personal"] if p["where"] != "pixels"]
    assert planted
    leaks = Counter(p["kind"] for p in planted if p["value"] in records.get(p["record"], ""))
    assert not leaks
    assert counts.dropped.get("personal_data_remains", 0) == 0


def test_sample_every_planted_value_is_gone_from_pixels(sample: Sample) -> None:
    raw, out, _ = sample
    told = [p for p in truth(raw)["personal"] if p["where"] == "pixels"]
    shown = {p["record"] for p in told}
    records = [r for r in everything(out) if r.provenance.original_id in shown]
    read = ""
    for name in sorted({image.path for record in records for image in record.images()}):
        with Image.open(out / name) as image:
            assert not image.getexif()
            read += "".join(line.text for line in read_lines(image.convert("RGB")))
    planted = {p["value"] for p in told}
    assert planted
    assert records
    bare = read.replace(" ", "")
    leaks = [number for number, v in enumerate(sorted(planted)) if v.replace(" ", "") in bare]
    assert not leaks


def test_sample_every_broken_record_is_in_quarantine(sample: Sample) -> None:
    raw, out, counts = sample
    found = [Quarantined.model_validate_json(x) for x in lines_of(out / "quarantine.jsonl")]
    assert {(q.file, q.index) for q in found} == {
        (broken["file"], broken["index"]) for broken in truth(raw)["broken"]
    }
    assert all(q.reason for q in found)
    assert counts.quarantined == len(found)


def test_sample_duplicates_and_overlaps_are_dropped(sample: Sample) -> None:
    raw, out, _ = sample
    gone = {
        d.index
        for d in (Dropped.model_validate_json(x) for x in lines_of(out / "dropped.jsonl"))
        if d.file == "consultations.jsonl"
    }
    index = {}
    for number, text in enumerate(lines_of(raw / "consultations.jsonl")):
        try:
            index[json.loads(text)["id"]] = number
        except (ValueError, KeyError, TypeError):
            continue
    told = truth(raw)
    for entry in told["contaminated"]:
        assert index[entry["record"]] in gone, entry["kind"]
    for entry in told["duplicates"]:
        assert {index[entry["record"]], index[entry["of"]]} & gone, entry["kind"]


def test_sample_benchmarks_are_complete(sample: Sample) -> None:
    _, out, _ = sample
    for name, entry in json.loads((out / "benchmarks.json").read_text()).items():
        model = Consultation if entry["kind"] == "consultation" else QAItem
        assert entry["n"] == sum(1 for _ in read_shards(out / "benchmarks" / name, model)) > 0
    for split in SPLITS:
        assert (out / split).is_dir()


def test_a_dataset_without_images_still_has_their_folder(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    rows = [line(n, f"I have had a cough for {n} days.", f"Rest for {n} days.") for n in range(8)]
    (tmp_path / "raw" / "c.jsonl").write_text("\n".join(rows))
    source = one_source("text", "consultations", "c.jsonl", "consultations")
    made(tmp_path / "raw", tmp_path / "out", settings(sources=[source]))
    assert [p.name for p in (tmp_path / "out" / "images").iterdir()] == [".keep"]


def many(folder: Path, number: int) -> DatasetSettings:
    """A raw folder of consultations in which every fifth repeats another, in shards of ten."""
    folder.mkdir()
    rows = [
        line(n, f"Since week {n % 80} I have pain {n % 80} in my knee.", f"Rest {n % 80} days.")
        for n in range(number)
    ]
    rows[7] = "{"
    (folder / "c.jsonl").write_text("\n".join(rows))
    source = one_source("own", "consultations", "c.jsonl", "consultations")
    return settings(sources=[source], queries=3, shard_records=10)


def test_shards_and_workers_change_nothing(tmp_path: Path) -> None:
    section = many(tmp_path / "raw", 100)
    counts = made(tmp_path / "raw", tmp_path / "one", section)
    assert (counts.read, counts.quarantined) == (100, 1)
    assert counts.kept == 80 - 1 + 1  # the broken one's repetition is not broken
    assert made(tmp_path / "raw", tmp_path / "two", section, in_processes(2)) == counts
    assert folder_digest(tmp_path / "one") == folder_digest(tmp_path / "two")
    whole = section.model_copy(update={"shard_records": 1000})
    made(tmp_path / "raw", tmp_path / "whole", whole)
    for split in SPLITS[:4]:
        one, whole_too = (
            [r.id for r in read_shards(tmp_path / name / split, Consultation)]
            for name in ("one", "whole")
        )
        assert one == whole_too


def test_a_build_that_was_stopped_goes_on(tmp_path: Path) -> None:
    section = many(tmp_path / "raw", 60)
    made(tmp_path / "raw", tmp_path / "undisturbed", section)
    started: list[Path] = []

    def stops(jobs: Sequence[Job]) -> None:
        for job in jobs:
            if len(started) == 9:
                raise KeyboardInterrupt
            if not job.writes.exists():
                started.append(job.writes)
            in_order([job])

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "raw", tmp_path / "out", section, stops)
    before = {path: path.stat().st_mtime_ns for path in started}
    assert {"prepared", "keys"} & {path.parts[-3] for path in started}
    made(tmp_path / "raw", tmp_path / "out", section)
    kept = {path: path.stat().st_mtime_ns for path in started if path.exists()}
    assert kept.items() <= before.items()
    assert folder_digest(tmp_path / "out") == folder_digest(tmp_path / "undisturbed")


def test_a_finished_step_that_was_altered_runs_again(tmp_path: Path) -> None:
    section = many(tmp_path / "raw", 20)
    made(tmp_path / "raw", tmp_path / "out", section)
    digest = folder_digest(tmp_path / "out")
    prepared = tmp_path / "out-work" / "prepared" / "own" / "00000" / "records.jsonl"
    prepared.write_text("")
    shutil.rmtree(tmp_path / "out")
    made(tmp_path / "raw", tmp_path / "out", section)
    assert folder_digest(tmp_path / "out") == digest


def die(settings: DatasetSettings, out: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_a_clear_error(tmp_path: Path) -> None:
    jobs = [Job(die, (settings(), tmp_path / name), name, tmp_path / name) for name in "ab"]
    with pytest.raises(WorkerLost, match="step die was killed"):
        in_processes(2)(jobs)


def refuse(settings: DatasetSettings, out: Path) -> None:
    raise ConnectionRefusedError("nobody listens")


def test_what_stops_a_job_is_not_taken_for_a_lost_worker(tmp_path: Path) -> None:
    jobs = [Job(refuse, (settings(), tmp_path / name), name, tmp_path / name) for name in "ab"]
    with pytest.raises(ConnectionRefusedError, match="nobody listens"):
        in_processes(2)(jobs)


def test_nothing_with_names_stays_in_the_work_folder(small: Sample) -> None:
    _, out, _ = small
    work = out.with_name(f"{out.name}-work")
    files = [p for p in work.rglob("*") if p.suffix in {".jsonl", ".json", ".images"}]
    assert files
    assert not any("Carter" in path.read_text(encoding="utf-8") for path in files)


@settings_of_hypothesis(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from(["good", "again", "broken", "empty", "id"]), min_size=1, max_size=25)
)
def test_read_is_kept_quarantined_and_dropped(kinds: list[str]) -> None:
    rows = []
    for n, kind in enumerate(kinds):
        texts = (
            ("Same pain here.", "Same advice.") if kind == "again" else (f"Pain {n}.", f"Do {n}.")
        )
        row = json.loads(line(0 if kind == "id" else n + 1, *texts))
        rows.append(
            {"broken": "{", "empty": json.dumps({**row, "turns": []})}.get(kind, json.dumps(row))
        )
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw"
        raw.mkdir()
        (raw / "c.jsonl").write_text("".join(row + "\n" for row in rows))
        source = one_source("own", "consultations", "c.jsonl", "consultations")
        counts = made(raw, Path(folder) / "out", settings(sources=[source], shard_records=4))
    assert (
        counts.read == len(kinds) == counts.kept + counts.quarantined + sum(counts.dropped.values())
    )
    ids = max(0, kinds.count("id") - 1)
    assert counts.quarantined == kinds.count("broken") + kinds.count("empty") + ids


def quarantined(out: Path) -> dict[tuple[str, int], str]:
    entries = [Quarantined.model_validate_json(x) for x in lines_of(out / "quarantine.jsonl")]
    return {(entry.file, entry.index): entry.reason for entry in entries}


def picture(path: Path, number: int) -> None:
    """A picture that is different from those of other numbers, and shows no text."""
    image = Image.new("RGB", (160, 120), "black")
    draw = ImageDraw.Draw(image)
    draw.ellipse((10 + 9 * number, 20, 60 + 9 * number, 100), fill="gray")
    draw.rectangle((70, 10 + 11 * number, 150, 20 + 11 * number), fill="white")
    image.save(path)


def test_an_id_that_repeats_in_another_file_is_quarantined(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.jsonl").write_text(line(1, "I cough.", "Rest.") + "\n" + line(2, "Fever.", "Drink."))
    (raw / "b.jsonl").write_text(
        line(3, "I sneeze.", "Wait.") + "\n" + line(1, "Pain.", "Stretch.")
    )
    source = one_source("own", "consultations", "*.jsonl", "consultations")
    counts = made(raw, tmp_path / "out", settings(sources=[source]))
    assert quarantined(tmp_path / "out") == {("b.jsonl", 1): "id: seen before in this source"}
    assert (counts.read, counts.kept) == (4, 3)


def test_an_image_of_two_patients_is_quarantined_but_not_a_repeated_dialogue(
    tmp_path: Path,
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for number in (0, 5):
        picture(raw / f"{number}.png", number)
    rows = [
        line(0, "See this.", "It is well.", images=["0.png"]),
        line(1, "See this.", "It is well.", images=["0.png"]),
        line(2, "What is here?", "Nothing is wrong.", images=["5.png", "0.png"]),
        line(3, "And in this one?", "All is fine.", images=["5.png"]),
    ]
    (raw / "c.jsonl").write_text("\n".join(rows))
    source = one_source("own", "consultations", "c.jsonl", "consultations")
    counts = made(raw, tmp_path / "out", settings(sources=[source]))
    assert quarantined(tmp_path / "out") == {
        ("c.jsonl", 2): "image 1: shown in another dialogue too"
    }
    assert counts.dropped == {"duplicate_exact": 1}
    public = {**source, "refine": False}
    assert made(raw, tmp_path / "public", settings(sources=[public])).quarantined == 0


def test_captions_are_cleaned_and_instructions_are_not(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for number in (0, 5, 8):
        picture(raw / f"{number}.png", number)
    long = " ".join(f"word{n}" for n in range(12))
    rows = [
        line(0, "Describe it.", f"first {long}", images=["0.png"]),
        line(1, "Describe this.", f"other text about it, {long}", images=["0.png"]),
        line(2, "Describe that.", "Too short.", images=["5.png"]),
        line(3, "Describe those.", " ".join(["tissue"] * 1025), images=["8.png"]),
    ]
    (raw / "c.jsonl").write_text("\n".join(rows))
    source = {**one_source("own", "consultations", "c.jsonl", "consultations"), "refine": False}
    counts = made(raw, tmp_path / "captions", settings(sources=[{**source, "captions": True}]))
    assert counts.dropped == {"duplicate_image": 1, "caption_length": 2}
    assert made(raw, tmp_path / "plain", settings(sources=[source])).kept == 4
