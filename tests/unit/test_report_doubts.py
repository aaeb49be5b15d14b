"""What a doubting reader asks the report: rubric, twins, questions, SFT's exams, first champion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulsemind.report.page import html, markdown
from pulsemind.report.page.failures import moved
from tests.unit.report_run import page, report, section, table, viewer, write_run


def test_what_the_rubric_cannot_see_stands_beside_the_cases(tmp_path: Path) -> None:
    folder = write_run(tmp_path, judge="offline")
    assert "sees no images and understands no medicine" in page(folder, judge="offline")
    assert "sees no images" not in page(folder)


def test_a_model_under_a_second_name_is_left_out_and_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    path = folder / "metrics/evaluation.json"
    content = json.loads(path.read_text())
    content |= {
        "same_weights": {"gpt-4o": "sft"},  # as if it were
        "personal_data": [
            {"benchmark": m, "model": m, "n": 9, "outputs": 0, "kinds": {}}
            for m in ("sft", "gpt-4o")
        ],
    }
    path.write_text(json.dumps(content))
    made = report(folder)
    assert "gpt-4o" not in table(made, "win-rates", "meddiagnose")
    assert list(table(made, "validity", "Personal")) == ["sft"]
    assert viewer(made).cases[0].others.header == ["turn", "sft"]
    said = "Left out of all tables: gpt-4o is sft under another name (the same weights)."
    assert said in section(made, "win-rates")
    kept = report(folder, against="gpt-4o")  # what the answer is about stays
    assert "better than gpt-4o." in kept.answer.better
    assert "Left out" not in section(kept, "win-rates")


def test_questions_stand_beside_the_physicians(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    path = folder / "metrics/evaluation.json"
    content = json.loads(path.read_text())
    assert "Questions an answer: not run" in section(report(folder), "win-rates")
    asked = [("crpo", 0.8, 0.7, 0.9), ("sft", 0.1, 0.0, 0.2), ("physician", 0.4, 0.3, 0.5)]
    rows = [
        {"benchmark": "meddiagnose", "model": model, "n": 24, "questions": mean,
         "questions_low": low, "questions_high": high}
        for model, mean, low, high in asked
    ]  # fmt: skip
    path.write_text(json.dumps(content | {"proactiveness": rows}))
    made = report(folder)
    assert table(made, "win-rates", "Does it ask too much")["meddiagnose"] == [
        "0.80|0.70 to 0.90, n 24", "0.10|0.00 to 0.20, n 24", "0.40|0.30 to 0.50, n 24",
        "more than the physician",
    ]  # fmt: skip
    said = "meddiagnose 0.80 (sft 0.10, the real physician 0.40): more than the physician."
    assert said in made.answer.asks
    assert said in html(made)
    assert "Questions an answer, counted by rule: meddiagnose 0.80" in markdown(made)
    for changed, says in (
        ({"questions_low": 0.5}, "no clear difference from the physician"),
        ({"questions_low": 0.1, "questions_high": 0.2}, "fewer than the physician"),
        ({"questions_low": None}, "no intervals to compare"),
    ):
        path.write_text(json.dumps(content | {"proactiveness": [rows[0] | changed, *rows[1:]]}))
        assert report(folder).answer.asks.endswith(f": {says}.")


def test_whether_reinforcement_learning_cost_accuracy_is_shown_or_said_to_be_unknown(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path)
    assert "cannot say whether CRPO cost accuracy" in section(report(folder), "accuracy")
    figures = {
        "seed": None,
        "benchmark": "medqa",
        "n": 60,
        "accuracy": 0.6,
        "low": 0.5,
        "high": 0.7,
    }
    ablation = {"arms": [{"name": "SFT"}], "qa": [{"arm": "SFT"} | figures]}
    (folder / "metrics/ablation_rl.json").write_text(json.dumps(ablation))
    made = report(folder)
    rows = table(made, "accuracy", "")
    assert rows["medqa"][:2] == ["50.0 %|40.0 to 60.0", "60.0 %|50.0 to 70.0, n 60"]
    assert rows["own-set"][1] == "–"
    assert len({len(row) for row in rows.values()}) == 1
    assert "read by rules alone" in section(made, "accuracy")


def test_a_first_version_has_beaten_nobody(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    decision = {"outcome": "first", "promoted": True, "reason": "r", "candidate": 1}
    (folder / "metrics/promotion.json").write_text(json.dumps(decision))
    made = report(folder)
    claim = made.answer.promotion
    assert claim is not None
    assert (claim.word, claim.tone) == ("first version: nothing to compare with", "")
    assert claim.evidence.startswith("There was no champion before it, so this one, version 1,")
    assert "without having beaten another version" in section(made, "decision")
    assert "Promoted" not in section(made, "decision")


@pytest.mark.parametrize(
    ("lost", "gained", "said"),
    [
        (0, 0, ""),
        (5, 0, "may be chance"),  # exact p 2/32 = 0.0625
        (6, 0, "falls behind"),  # 2/64 = 0.031
        (0, 6, "catches up"),
        (4, 4, "may be chance"),
    ],
)
def test_lost_context_is_told_from_chance_by_the_exact_test(
    lost: int, gained: int, said: str
) -> None:
    remark = moved(lost, gained, 0.95)
    assert said in remark
    assert bool(remark) == bool(said)
