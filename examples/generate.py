"""Sample raw data: consultations, stage-1 text and benchmarks, equal for equal arguments.

`python -m examples.generate FOLDER` writes what `data/raw` holds in the demo. Everything is made
up. `truth.json` lists what was planted: personal data, broken records, duplicates, overlaps.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from examples.benchmarks import Case, write_benchmarks
from examples.clinic import (
    ASK,
    Condition,
    Line,
    complaint,
    conditions,
    details,
    dialogue,
    reply,
    want,
)
from examples.drawing import draw
from examples.people import TEXT_KINDS, header, mention, person, salutation
from pulsemind.artifacts import file_digest, write_json
from pulsemind.records import ImageKind, Language

BROKEN: dict[str, str] = {
    "not JSON": "{'id': ",
    "not an object": "[1, 2]",
    "no turns": '{"id": "x1", "language": "zh"}',
    "empty turns": '{"id": "x2", "language": "zh", "turns": []}',
    "unknown role": '{"id": "x3", "language": "zh", "turns": [{"role": "nurse", "text": "hi"}]}',
    "text is not a string": '{"id": "x4", "turns": [{"role": "patient", "text": 5}]}',
    "no physician turn": '{"id": "x5", "turns": [{"role": "patient", "text": "咳嗽。"}]}',
}
"""Lines that can be read as no consultation, by reason. Three more kinds need the other files."""
SHARE_PERSONAL, SHARE_IMAGE = 0.25, 0.34


class Sample:
    """Collects what is written into a folder, and the truth about it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng = folder, random.Random(seed)
        self.truth: dict[str, list[dict[str, Any]]] = {
            kind: [] for kind in ("personal", "broken", "duplicates", "contaminated")
        }
        (folder / "images").mkdir(parents=True, exist_ok=True)

    def consultation(self, name: str) -> dict[str, Any]:
        """One raw record, its image drawn, its personal data noted."""
        rng = self.rng
        language: Language = rng.choice(("zh", "en"))
        condition = rng.choice(conditions())
        exchanges = rng.choice((1, 2, 2, 2, 3, 3, 4))
        kind = _kind(condition, rng) if rng.random() < SHARE_IMAGE else None
        thanks = exchanges == 1 or (exchanges < 4 and rng.random() < 0.3)
        lines = dialogue(condition, language, rng, exchanges, kind, thanks)
        who = person(language, rng)
        private = rng.random() < SHARE_PERSONAL
        turns = [_turn(line) for line in lines]
        if private:
            self._plant(name, turns, language, who)
        for turn, line in zip(turns, lines, strict=True):
            if line.image:
                path = self._image(name, line.image, condition, language, who, private)
                turn["images"] = [{"path": path, "kind": line.image}]
        return {
            "id": name,
            "language": language,
            "department": condition.department[language],
            "visit": f"{who.visit:%Y-%m-%d}",
            "turns": turns,
        }

    def _plant(self, name: str, turns: list[dict[str, Any]], language: Language, who: Any) -> None:
        kinds = self.rng.sample(TEXT_KINDS[language], self.rng.choice((1, 2, 2, 3)))
        for kind in kinds:
            sentence, planted = mention(kind, who, self.rng)
            turns[0]["text"] += sentence
            self._note(name, "text", "consultations.jsonl", planted)
        if self.rng.random() < 0.3:
            greeting, planted = salutation(who)
            turns[1]["text"] = greeting + turns[1]["text"]
            self._note(name, "text", "consultations.jsonl", planted)

    def _image(
        self,
        name: str,
        kind: ImageKind,
        condition: Condition,
        language: Language,
        who: Any,
        private: bool,
    ) -> str:
        lines = header(who, self.rng) if private and kind not in ("pathology", "endoscopy") else []
        image = draw(kind, condition, language, self.rng, [text for text, _ in lines])
        stem = f"{who.handle}_{who.phone}" if private and self.rng.random() < 0.5 else name
        suffix = self.rng.choice((".png", ".jpg"))
        path = f"images/{stem}{suffix}"
        if suffix == ".jpg":
            exif = image.getexif()
            if private:
                exif[0x013B] = who.handle  # Artist
                exif[0x9C9D] = who.name.encode("utf-16le")  # XPAuthor
                exif[0x010E] = f"MRN {who.record_number}"  # ImageDescription
                known = [("name", who.handle), ("name", who.name)]
                for value in (*known, ("record_number", who.record_number)):
                    self._note(name, "exif", path, value)
            image.save(self.folder / path, quality=92, exif=exif)
        else:
            image.save(self.folder / path)
        for _, planted in lines:
            self._note(name, "pixels", path, planted)
        if stem != name:
            self._note(name, "file_name", path, ("name", who.handle))
            self._note(name, "file_name", path, ("phone", who.phone))
        return path

    def _note(self, record: str, where: str, file: str, planted: tuple[str, str]) -> None:
        kind, value = planted
        entry = {"record": record, "where": where, "file": file, "kind": kind, "value": value}
        self.truth["personal"].append(entry)


def generate(folder: Path, consultations: int, seed: int) -> dict[str, int]:
    """Write the sample data into an empty folder; the same bytes for the same arguments.

    Args:
        consultations: lines of `consultations.jsonl`, planted ones included; at least 30.

    Returns counts of what was written. Raises ValueError when there is no room for the planted.
    """
    if consultations < 30:
        raise ValueError("the sample needs at least 30 consultations")
    sample = Sample(folder, seed)
    cases = write_benchmarks(folder, seed)
    planted = max(2, consultations // 65)
    plain = consultations - 3 * planted - 2 - len(BROKEN) - 3
    records = [sample.consultation(f"c{i:04d}") for i in range(plain)]
    clean = _clean(records, sample.truth["personal"])
    rows: list[str] = [_line(record) for record in records]
    rows += [_line(r) for r in _duplicates(sample, clean, planted)]
    rows += [_line(r) for r in _contaminated(sample, cases, planted)]
    rows = _broken(sample, rows, clean)
    (folder / "consultations.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    pairs = _stage1(sample, 3 * consultations)
    write_json(folder / "truth.json", sample.truth)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    inventory = {p.relative_to(folder).as_posix(): file_digest(p) for p in files}
    made = {"seed": seed, "consultations": consultations, "files": inventory}
    write_json(folder / "manifest.json", made)
    counts = {name: len(entries) for name, entries in sample.truth.items()}
    return {"consultations": len(rows), "stage1": pairs, **counts}


def _turn(line: Line) -> dict[str, Any]:
    return {"role": line.role, "text": line.text}


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)


def _kind(condition: Condition, rng: random.Random) -> ImageKind:
    return rng.choice((condition.image, condition.image, "laboratory", "prescription"))


def _clean(
    records: Iterable[dict[str, Any]], personal: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    private = {entry["record"] for entry in personal}
    return [r for r in records if r["id"] not in private and len(r["turns"]) > 3]


def _duplicates(sample: Sample, clean: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    made = []
    for number, record in enumerate(sample.rng.sample(clean, 2 * count)):
        kind = "exact" if number < count else "near"
        twin = {**record, "id": f"d{number:04d}", "turns": [dict(t) for t in record["turns"]]}
        if kind == "near":
            filler = "嗯，" if record["language"] == "zh" else "Well, "
            twin["turns"][0]["text"] = filler + twin["turns"][0]["text"]
        sample.truth["duplicates"].append({"record": twin["id"], "of": record["id"], "kind": kind})
        made.append(twin)
    return made


def _contaminated(sample: Sample, cases: dict[str, list[Case]], count: int) -> list[dict[str, Any]]:
    """Benchmark dialogues among the training records, and two of its images in other dialogues."""
    made = []
    for number in range(count + 2):
        benchmark = ("cmtmedqa", "meddiagnose")[number % 2] if number < count else "meddiagnose"
        case = [c for c in cases[benchmark] if len(c.lines) > 2][number]
        name, kind = f"o{number:04d}", "text" if number < count else "image"
        if kind == "text":
            turns = [_turn(line) for line in case.lines]
            record = {"id": name, "language": case.language, "turns": turns}
        else:
            record = sample.consultation(name)
            target = sample.folder / "images" / f"{name}-copy.png"
            target.write_bytes((sample.folder / str(case.image)).read_bytes())
            copied = {"path": f"images/{target.name}", "kind": "other"}
            record["turns"][0]["images"] = [copied]
        sample.truth["contaminated"].append({"record": name, "benchmark": benchmark, "kind": kind})
        made.append(record)
    return made


def _broken(sample: Sample, rows: list[str], clean: list[dict[str, Any]]) -> list[str]:
    """Put broken lines of every kind between the others, and note where they stand."""
    first, second, third = (json.loads(_line(record)) for record in clean[:3])
    first |= {"id": "x6"}
    first["turns"][0] |= {"text": "x6", "images": [{"path": "images/absent.png", "kind": "xray"}]}
    (sample.folder / "images" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    second |= {"id": "x7"}
    second["turns"][0] |= {"text": "x7", "images": [{"path": "images/cut.png", "kind": "xray"}]}
    third["turns"][0]["text"] += " x8"  # another dialogue under an id that is taken
    broken = {
        **BROKEN,
        "image missing": _line(first),
        "image unreadable": _line(second),
        "id taken": _line(third),
    }
    rows = list(rows)
    sample.rng.shuffle(rows)
    step = len(rows) // len(broken)
    for number, line in enumerate(broken.values()):
        rows.insert((number + 1) * step, line)
    # A taken id is broken where it comes second.
    taken = [i for i, row in enumerate(rows) if f'"id": "{third["id"]}"' in row]
    places = {reason: rows.index(line) for reason, line in broken.items()} | {"id taken": taken[-1]}
    for reason, index in places.items():
        entry = {"file": "consultations.jsonl", "index": index, "reason": reason}
        sample.truth["broken"].append(entry)
    return rows


def _stage1(sample: Sample, count: int) -> int:
    """Question and answer pairs in Huatuo-26M's native shape, two of them without an answer."""
    rng, rows = sample.rng, []
    for number in range(count):
        language: Language = "en" if rng.random() < 0.45 else "zh"
        condition, told = rng.choice(conditions()), details(language, rng)
        intent = rng.choice(("first", "first", "diet", "course", "serious"))
        question = complaint(condition, language, rng, told)
        if intent != "first":
            gap = " " if language == "en" else ""
            question += gap + want(language, intent, rng, told)
        asked = rng.randrange(2) if rng.random() < ASK else None
        answer = reply(condition, language, intent, asked)
        if number in (count // 3, count // 2):
            answer = ""
            entry = {"file": "stage1/huatuo26m.json", "index": number, "reason": "no answer"}
            sample.truth["broken"].append(entry)
        rows.append({"id": "", "instruction": [question], "input": "", "output": [answer]})
    path = sample.folder / "stage1" / "huatuo26m.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Real exports begin with a byte-order mark.
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8-sig")
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="empty folder to fill")
    parser.add_argument("--consultations", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    print(generate(given.folder, given.consultations, given.seed))
