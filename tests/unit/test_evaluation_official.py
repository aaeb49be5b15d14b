"""Files of the official scripts: recorded answers, and their figure to the digit."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.evaluation import official
from pulsemind.evaluation.consultation import consult, turn_queries
from pulsemind.evaluation.recorded import (
    COLUMNS,
    NotRecorded,
    RecordedError,
    read_recorded,
    recorded,
)
from pulsemind.evaluation.statistics import pairwise_results
from pulsemind.records import Answer, Consultation
from tests.unit.test_evaluation_consultation import case
from tests.unit.test_evaluation_statistics import SETTINGS, verdicts

RESPONSES = [
    "模型1更主动。【赢】",
    "选项有【赢】、【平】、【输】。我的结论是【输】",  # the first counts
    "两者相当【平】",
    "模型1更好，赢",  # no brackets
    "【 赢 】",  # blanks are not cut off
    "【赢",
    "",
    "【赢\n】",  # brackets do not close on their line
    "【胜】",
    "总结：【输】【赢】",
    "【】【赢】",
]


def write_csv(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        writer.writerows(
            (i, name, "prompt, with\na comma", text) for i, (name, text) in enumerate(rows)
        )
    return path


def reference(responses: list[str]) -> dict[str, str]:
    """What the official scripts do, written out as they would."""
    total = len(responses)
    win = tie = loss = 0
    for response in responses:
        matches = re.findall(r"【(.*?)】", response)
        if not matches:
            continue
        if matches[0] == "赢":
            win += 1
        elif matches[0] == "平":
            tie += 1
        elif matches[0] == "输":
            loss += 1
    return {"win": f"{win / total}%", "tie": f"{tie / total}%", "loss": f"{loss / total}%"}


def test_the_figure_is_the_official_one_to_the_digit(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "v.csv", [(str(i), text) for i, text in enumerate(RESPONSES)])
    found = official.recorded_result(path, "b", "ours", "gpt-4o", SETTINGS)
    assert found.printed == reference(RESPONSES)
    assert found.printed == {
        "win": "0.18181818181818182%",
        "tie": "0.09090909090909091%",
        "loss": "0.09090909090909091%",
    }
    assert (found.rows, found.unparsed, found.source) == (11, 7, "v.csv")
    assert found.ours is not None
    assert found.ours.value == pytest.approx(2 / 4)  # the readable ones
    assert found.ours_win_rate is not None
    assert found.ours_win_rate.value == pytest.approx(2 / 3)  # the decided ones
    assert any("7 of 11 rows have no readable verdict" in why for why in found.differences)
    page = official.show([found])
    assert "official win: 0.18181818181818182%" in page
    assert "ours win rate: 66.7%" in page


@given(st.lists(st.text("【】赢平输 a\n", max_size=12), min_size=1, max_size=30))
def test_any_rows_give_the_official_figure(responses: list[str]) -> None:
    assert official.of_responses(responses).printed() == reference(responses)


def test_an_id_that_repeats_counts_once_in_ours_and_is_said(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "v.csv", [("1", "【赢】"), ("1", "【输】"), ("2", "【赢】")])
    found = official.recorded_result(path, "b", "ours", "x", SETTINGS)
    assert found.printed["win"] == f"{2 / 3}%"
    assert found.ours is not None
    assert found.ours.value == 1
    assert any("repeat an id" in why for why in found.differences)


def test_our_verdicts_as_the_official_scripts_would_count_them() -> None:
    given = [
        *verdicts("a#0", "win", "loss"),  # ours: a tie; officially a win
        *verdicts("a#1", "win", "win"),
        *verdicts("b#0", None, "win"),
        *verdicts("c#0", "tie", "tie"),
    ]
    rows = pairwise_results({"s": given}, "policy", SETTINGS)
    (found,) = official.beside("s", official.of_verdicts(given, {"sft": 1}), rows)
    assert found.printed == {"win": "0.4%", "tie": "0.2%", "loss": "0.0%"}
    assert (found.rows, found.unparsed) == (5, 2)
    assert found.ours is not None
    assert found.ours.value == pytest.approx(1 / 3)
    assert any("33.3% of the 3 pairs change" in why for why in found.differences)
    assert any("3 replies in 2 consultations" in why for why in found.differences)


def test_a_file_that_is_no_official_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("Index,Id,Prompt\n0,1,p\n", encoding="utf-8")
    with pytest.raises(RecordedError, match=r"v\.csv, row 0: no column Response"):
        official.recorded_result(path, "b", "ours", "x", SETTINGS)


def original(one: Consultation, name: str) -> Consultation:
    return one.model_copy(
        update={"provenance": one.provenance.model_copy(update={"original_id": name})}
    )


def test_recorded_answers_are_matched_by_id_and_led_through_the_dialogue(tmp_path: Path) -> None:
    cases = [
        original(case("set-0", "pdpd"), "17"),
        original(case("set-1", "pd"), "18"),
        case("x", "pd"),
    ]
    path = write_csv(
        tmp_path / "gpt.csv",
        [("18", "plain answer"), ("99", "of nobody"),
         ("17", "患者：头疼\n医生：多久了？\n医生：发烧吗？\n患者：三天\n医生：休息。")],
    )  # fmt: skip
    replies = list(consult(cases, "replay", recorded(path, cases, "replay")))
    assert [(r.query.id, r.text, r.broken) for r in replies] == [
        ("set-0#0", "多久了？\n发烧吗？", ""),
        ("set-0#1", "休息。", ""),
        ("set-1#0", "plain answer", ""),
        ("x#0", "", "NotRecorded"),
    ]
    assert [turn.text for turn in replies[1].query.turns] == ["p0", "多久了？\n发烧吗？", "p2"]
    last = list(consult(cases[:1], "last_turn", recorded(path, cases, "last_turn")))
    assert [(r.query.id, r.text) for r in last] == [("set-0#1", "休息。")]


def test_our_json_lines_are_matched_by_query(tmp_path: Path) -> None:
    cases = [case("a", "pdpd")]
    lines = [Answer(query_id=f"a#{i}", model="m", text=f"t{i}").model_dump_json() for i in (1, 0)]
    path = tmp_path / "m.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = recorded(path, cases, "replay")
    assert [r.text for r in consult(cases, "replay", model)] == ["t0", "t1"]
    with pytest.raises(NotRecorded):
        model(turn_queries(case("b", "pd")))


def test_recorded_files_that_cannot_be_used(tmp_path: Path) -> None:
    twice = write_csv(tmp_path / "twice.csv", [("1", "a"), ("1", "b")])
    with pytest.raises(RecordedError, match="row 1: a second row with this id"):
        read_recorded(twice)
    other = write_csv(tmp_path / "other.csv", [("1", "a")])
    with pytest.raises(RecordedError, match="no row has the id"):
        recorded(other, [case("a", "pd")], "replay")
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"query_id": "a#0"}\n', encoding="utf-8")
    with pytest.raises(RecordedError, match=r"broken\.jsonl, row 0: not an Answer"):
        read_recorded(broken)
