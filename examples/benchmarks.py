"""The sample's evaluation sets in the official formats: two of dialogues, two of questions."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.clinic import Line, conditions, dialogue
from examples.drawing import draw
from pulsemind.records import ImageKind, Language

CASES, DIALOGUES, QUESTIONS = 40, 120, 60
DRAWN: dict[ImageKind, str] = {
    "xray": "X-ray",
    "ultrasound": "ultrasound",
    "pathology": "microscope slide",
    "endoscopy": "endoscopy",
    "laboratory": "laboratory report",
    "prescription": "prescription",
}
"""Kinds of images the open questions ask for, and the right answers."""


@dataclass(frozen=True)
class Case:
    """An evaluation dialogue; `image` is relative to the raw folder."""

    language: Language
    lines: list[Line]
    image: str | None = None


def write_benchmarks(folder: Path, seed: int) -> dict[str, list[Case]]:
    """Write `benchmarks/` below a folder; returns the dialogue cases by benchmark.

    Dialogues are drawn from the same clinic as the training ones with another seed: their details
    differ, so they overlap only where the sample plants an overlap.
    """
    rng = random.Random(f"benchmarks-{seed}")
    (folder / "benchmarks").mkdir(parents=True, exist_ok=True)
    cases = {"meddiagnose": _meddiagnose(folder, rng), "cmtmedqa": _cmtmedqa(folder, rng)}
    _choice(folder, rng)
    _open(folder, rng)
    return cases


def _meddiagnose(folder: Path, rng: random.Random) -> list[Case]:
    """The official CSV: `Id`, `Response` with 患者 / 医生 lines and attachments."""
    cases, text = [], io.StringIO()
    writer = csv.DictWriter(text, ["Id", "Department", "Response"], lineterminator="\n")
    writer.writeheader()
    for number in range(CASES):
        name, condition = f"case{number:03d}", rng.choice(conditions())
        kind = rng.choice((condition.image, "laboratory", "prescription"))
        lines = dialogue(condition, "zh", rng, rng.choice((2, 2, 3)), kind)
        path = f"benchmarks/meddiagnose/{name}/1.png"
        (folder / path).parent.mkdir(parents=True)
        draw(kind, condition, "zh", rng, []).save(folder / path)
        spoken = [
            ("患者：" if line.role == "patient" else "医生：")
            + line.text
            + ("<attachment>1.png<attachment>" if line.image else "")
            for line in lines
        ]
        department = condition.department["zh"]
        writer.writerow({"Id": name, "Department": department, "Response": "\n".join(spoken)})
        cases.append(Case("zh", lines, path))
    target = folder / "benchmarks" / "meddiagnose" / "meddiagnose.csv"
    target.write_text(text.getvalue(), encoding="utf-8-sig")
    return cases


def _cmtmedqa(folder: Path, rng: random.Random) -> list[Case]:
    """The official JSON list: history of question and answer, then `instruction` and `output`."""
    cases, rows = [], []
    for number in range(DIALOGUES):
        language: Language = rng.choice(("zh", "en"))
        condition = rng.choice(conditions())
        lines = dialogue(condition, language, rng, rng.choice((1, 2, 2, 3)))
        said = [line.text for line in lines]
        rows.append(
            {
                "id": f"s{number:04d}",
                "cate1": condition.department["zh"],
                "cate2": condition.department["zh"],
                "instruction": said[-2],
                "input": "",
                "output": said[-1],
                "history": [said[i : i + 2] for i in range(0, len(said) - 2, 2)],
            }
        )
        cases.append(Case(language, lines))
    _dump(folder / "benchmarks" / "cmtmedqa.json", rows)
    return cases


def _choice(folder: Path, rng: random.Random) -> None:
    """Multiple choice in MedMCQA's native shape: which of four belongs to a condition."""
    lines = []
    for number in range(QUESTIONS):
        language: Language = rng.choice(("zh", "en"))
        condition = rng.choice(conditions())
        fact = rng.choice(("exam", "drug"))
        right = condition.words[language][fact]
        wrong = sorted({c.words[language][fact] for c in conditions()} - {right})
        options = [right, *rng.sample(wrong, 3)]
        rng.shuffle(options)
        name = condition.words[language]["name"]
        asked = {
            ("zh", "exam"): f"{name}应做哪项检查？",
            ("zh", "drug"): f"{name}可用哪种药？",
            ("en", "exam"): f"Which test is done for {name}?",
            ("en", "drug"): f"Which drug is used for {name}?",
        }[language, fact]
        row: dict[str, Any] = {
            "id": f"m{number:04d}",
            "question": asked,
            **dict(zip(("opa", "opb", "opc", "opd"), options, strict=True)),
            "cop": options.index(right) + 1,
            "choice_type": "single",
            "subject_name": condition.department["en"],
        }
        lines.append(json.dumps(row, ensure_ascii=False))
    target = folder / "benchmarks" / "choice.jsonl"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _open(folder: Path, rng: random.Random) -> None:
    """Open questions about drawn images, in VQA-RAD's native shape."""
    images = folder / "benchmarks" / "open" / "images"
    images.mkdir(parents=True)
    rows = []
    for number in range(QUESTIONS):
        kind = rng.choice(list(DRAWN))
        fitting = [c for c in conditions() if c.image == kind] or list(conditions())
        name = f"open{number:03d}.png"
        draw(kind, rng.choice(fitting), "en", rng, []).save(images / name)
        rows.append(
            {
                "qid": str(number),
                "phrase_type": "test_freeform",
                "image_name": name,
                "question": "What kind of image is this?",
                "question_type": "MODALITY",
                "answer": DRAWN[kind],
                "answer_type": "OPEN",
            }
        )
    _dump(folder / "benchmarks" / "open" / "open.json", rows)


def _dump(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
