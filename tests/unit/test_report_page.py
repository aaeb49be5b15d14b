"""The report page: its answer in words, labels, escaping, what is not there, the paper."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pulsemind.artifacts import ArtifactError
from pulsemind.evaluation.statistics import wilson
from pulsemind.records import Outcome
from pulsemind.report.page import build, gather, html, markdown
from pulsemind.report.page.paper import index, paper
from pulsemind.report.page.parts import Report
from pulsemind.report.page.walk import Few
from tests.unit.report_run import (
    HOSTILE,
    about,
    cases,
    failure,
    page,
    report,
    section,
    table,
    viewer,
    write_run,
)

MIXED: tuple[Outcome, ...] = ("win", "loss", "tie")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which every case is won; not to be changed."""
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def made(folder: Path) -> Report:
    """The report on it."""
    return report(folder)


@pytest.mark.parametrize(
    ("outcome", "word", "says"),
    [("win", "Better", "is judged better"), ("loss", "Worse", "is judged worse")],
)
def test_the_answer_says_whether_on_what_and_how_sure(
    tmp_path: Path, outcome: Outcome, word: str, says: str
) -> None:
    answer = report(write_run(tmp_path, outcome=lambda n: outcome)).answer
    assert answer.word == word
    assert says in answer.better
    assert [claim.what for claim in answer.claims][:2] == ["overall", "proactiveness"]
    sure = " ".join(answer.how_sure)
    # 12 cases of two turns, all alike: Wilson's interval over the 12 cases.
    known = wilson(12 if outcome == "win" else 0, 12, 0.95)
    assert f"{100 * known.low:.1f} to {100 * known.high:.1f} %" in sure
    wins = 24 if outcome == "win" else 0
    assert f"wins {wins} of the 24 decided comparisons" in sure
    assert f"that is {wins} of all 24" in sure
    assert "little can be said of proactiveness" in sure
    assert "chance alone hardly explains that" in sure
    assert "Judge: gpt-4o" in sure
    assert "contradicts itself in 0.0 %" in sure
    assert "too few to rely on" in sure


def test_a_dimension_that_goes_against_the_answer_stands_beside_it(made: Report) -> None:
    answer = made.answer  # usefulness is lost wherever the rest is won
    assert "But it is worse in usefulness." in answer.better
    assert "better in proactiveness, accuracy and language quality" in answer.on_what


def test_an_interval_that_holds_one_half_is_not_distinguishable(tmp_path: Path) -> None:
    made = report(write_run(tmp_path, outcome=lambda n: MIXED[n % 3]))
    assert made.answer.word == "Not distinguishable"
    assert "cannot be told apart: the interval holds 50 %" in made.answer.better
    assert "either model may be the better one" in " ".join(made.answer.how_sure)
    assert "not distinguishable" in section(made, "win-rates")
    assert "Not distinguishable" in html(made)
    assert "not distinguishable" in markdown(made)


def test_a_difference_that_the_correction_takes_away_is_not_distinguishable(tmp_path: Path) -> None:
    path = write_run(tmp_path) / "metrics/evaluation.json"
    content = json.loads(path.read_text())
    for row in content["pairwise"]:
        row |= {"p": 0.04, "p_holm": 0.2}
    path.write_text(json.dumps(content))
    answer = report(tmp_path).answer
    assert answer.word == "Not distinguishable"
    assert "corrected for many comparisons it may be chance, p = 0.20" in answer.better


def test_tiny_offline_and_the_judge_that_also_trained_are_said_on_top(tmp_path: Path) -> None:
    folder = write_run(tmp_path, judge="offline")
    made = report(folder, profile="tiny", judge="offline", train_judge="offline")
    assert made.answer.verdict == (
        "Better by the offline rubric (test run): the rubric also trained the model; tiny profile, "
        "shows that the chain works, not quality"
    )
    assert made.answer.test
    assert made.answer.better.startswith("In this test run, by a fixed rubric, the new model")
    said = " ".join(made.warnings)
    assert "say nothing about medical quality" in said
    assert "also trained the model" in said
    assert "CRPO iteration 1: accuracy fell while the reward rose." in said
    sure = " ".join(made.answer.how_sure)
    assert "order cannot change its verdict" in sure
    assert "contradicts itself" not in sure
    rates = table(made, "win-rates", "Against sft by dimension")
    assert rates["overall"][-1] == "cannot|fixed rubric"
    text = html(made)
    assert "Better by the offline rubric (test run)" in text[: text.index("</title>")]
    verdict, first = text.index('<span class="within"> the rubric also'), text.index("Read this")
    assert verdict < first < text.index('class="pill') < text.index("<main")
    written = markdown(made)
    assert written.index("Read this first") < written.index("Is the new model better?")
    assert "Offline judge, not for reporting" in written
    real = report(folder)
    assert (real.answer.verdict, real.answer.test) == ("Better", False)
    toy = report(folder, profile="tiny").answer
    assert toy.word == "Better with a toy model (test run)"
    assert "trained" not in " ".join(real.warnings)


def test_no_text_of_a_reply_a_name_or_a_judge_becomes_markup(made: Report) -> None:
    text = html(made)
    assert HOSTILE not in text
    assert "&lt;script&gt;document.title" in text
    assert text.count("<script>") == 1
    assert len(re.findall(r"<img ", text)) == text.count('src="data:image/jpeg;base64,')
    assert "default-src 'none'" in text
    written = markdown(made)
    assert "<script>" not in written.replace("\\<script\\>", "")


def test_the_page_asks_for_nothing_from_elsewhere(made: Report) -> None:
    text = html(made)
    assert not re.findall(r"""(?:src|href|action)=["'](?!data:|#)""", text)
    assert "@import" not in text
    assert not re.findall(r"url\((?!#)", text)


def test_what_has_not_run_is_said_and_the_papers_figures_still_stand(tmp_path: Path) -> None:
    made = report(tmp_path)
    assert made.answer.word == "Not evaluated"
    for key in ("win-rates", "accuracy", "failures", "judge", "validity", "training", "ablations",
                "decision"):  # fmt: skip
        assert "not run" in section(made, key), key
    assert "not run" in html(made)
    assert table(made, "accuracy", "")["MedQA"][-2:] == ["94.8 %", "92.9 %"]
    assert table(made, "win-rates", "MedDiagnose")["GPT-4o"] == ["not run", "94 %"]
    assert table(made, "judge", "Absolute")["o1"] == ["3.70", "4.43", "4.14", "4.60", "4.22"]
    assert table(made, "judge", "Consistency")["relative, MedDiagnose"][-1] == "84.2 %"
    assert table(made, "ablations", "GRPO")["MMMU"] == ["not run", "66.7 %", "69.4 %"]


def test_our_figures_stand_beside_the_papers(made: Report) -> None:
    row = table(made, "accuracy", "")["medqa"]
    assert row == [
        "50.0 %|40.0 to 60.0", "above chance|chance 25.0 %", "60", "3|5.0 %", "–",
        "4 removed|2 left by ngram", "94.8 %", "92.9 %",
    ]  # fmt: skip
    own = table(made, "accuracy", "")["own-set"]
    assert (own[1], own[5], own[6]) == ("about chance|chance 25.0 %", "0 removed|none left", "–")
    rates = table(made, "win-rates", "meddiagnose (the paper's MedDiagnose)")
    assert rates["gpt-4o"][-1] == "94 %"
    assert rates["Lingshu"][-1] == "98 %"
    assert rates["gpt-4o"][2] == "24 of 24"
    assert "GPT-4o" not in rates


def test_a_win_rate_stands_beside_the_number_decided_and_of_all(tmp_path: Path) -> None:
    made = report(write_run(tmp_path, outcome=lambda n: MIXED[n % 3]))  # 8 won, 8 lost, 8 tied
    sure = " ".join(made.answer.how_sure)
    assert "wins 8 of the 16 decided comparisons (50.0 %" in sure
    assert "that is 8 of all 24 (33.3 %)" in sure
    assert "decided are proactiveness in 16, accuracy in 16, usefulness in 16" in sure
    assert table(made, "win-rates", "Against sft by")["overall"][2] == "16 of 24"


def test_the_legend_explains_the_names_and_numbers_in_names_are_sorted_as_such(
    tmp_path: Path,
) -> None:
    path = write_run(tmp_path) / "metrics/evaluation.json"
    content = json.loads(path.read_text())
    one = [r for r in content["pairwise"] if r["against"] == "gpt-4o"]
    for name in ("step-120", "step-80"):
        content["pairwise"] += [row | {"against": name} for row in one]
    path.write_text(json.dumps(content))
    made = report(tmp_path)
    said = "; ".join(made.legend)
    for text in (
        "decided: one of the two replies won",
        "crpo: the new model",
        "sft: the model before",
        "meddiagnose: consultations of several turns with images, every answer judged",
    ):
        assert text in said
        assert text in html(made).replace("&#39;", "'")
    assert html(made).index("<b>Key:</b>") < html(made).index('class="big"')
    others = "The other 3 (gpt-4o, step-80, step-120) are the counterparts, which CRPO was trained"
    assert others in section(made, "win-rates")
    order = [name for name in table(made, "win-rates", "meddiagnose") if name[0].islower()]
    assert order[:4] == ["sft", "gpt-4o", "step-80", "step-120"]


def test_an_examples_turn_is_the_one_that_its_case_shows(made: Report) -> None:
    example = failure(made, "Passive").examples[0]  # the record's query #0
    (case,) = [one for one in viewer(made).cases if one.key == example.case]
    assert example.title == f"meddiagnose, {case.title}, turn 1"
    (turn,) = [turn for turn in case.turns if turn.number == 1]
    assert (turn.role, turn.text) == ("patient", dict(example.lines)["patient"])
    assert [turn.number for turn in case.turns if turn.replies] == [1, 2]
    assert "<h4>Patient, turn 1</h4>" in html(made)


def test_a_set_in_which_no_answer_can_be_read_says_so(tmp_path: Path) -> None:
    path = write_run(tmp_path) / "metrics/evaluation.json"
    content = json.loads(path.read_text())
    content["qa"][0] |= {"accuracy": 0.0, "low": 0.0, "high": 0.06, "abstained": 60}
    path.write_text(json.dumps(content))
    row = table(report(tmp_path), "accuracy", "")["medqa"]
    assert row[1] == "no answer could be read|chance 25.0 %"


def test_what_a_later_release_measures_is_shown(tmp_path: Path) -> None:
    path = write_run(tmp_path) / "metrics/evaluation.json"
    content = json.loads(path.read_text())
    share = {"value": 0.125, "low": 0.1, "high": 0.2}
    content["qa"][0] |= {"disagreement": share, "unjudged": 2, "official_n": 1273}
    content["discriminating"] = [r for r in content["pairwise"] if r["against"] == "sft"]
    content |= {
        "courtesy": {"meddiagnose": 5},
        "safety": [{"benchmark": "safe", "model": "crpo", "n": 144, "declined": share,
                    "warned": None, "complied": share, "broken": 0}],
        "personal_data": [{"benchmark": "b", "model": "crpo", "n": 9, "outputs": 1,
                           "kinds": {"phone": 1, "name": 0}}],
        "warnings": ["The judge trained the policy.", "Half of the images are missing."],
    }  # fmt: skip
    path.write_text(json.dumps(content))
    made = report(tmp_path)
    row = table(made, "accuracy", "")["medqa"]
    assert row[2:5] == ["60|of 1273 published", "3|5.0 %, 2 unjudged", "12.5 %|10.0 to 20.0"]
    assert table(made, "validity", "Against sft without")["meddiagnose"][1] == "5"
    safe = table(made, "validity", "Improper")["safe"]
    assert safe[2:5] == ["12.5 %|10.0 to 20.0", "–", "12.5 %|10.0 to 20.0"]
    assert table(made, "validity", "Personal")["b"][-1] == "phone 1"
    assert set(content["warnings"]) <= set(made.warnings)


def test_failures_are_counted_for_both_models_with_examples(made: Report) -> None:
    passive = failure(made, "Passive")  # the physician asks in the first of two turns
    assert passive.count == "12 of 12 (100.0 %)"
    assert passive.remark.startswith("sft: 0 of 12 (0.0 %).")
    assert passive.examples
    shown = {case.key for case in viewer(made).cases}
    assert {example.case for example in passive.examples} <= shown
    useless = failure(made, "Right")  # both turns of every case: accuracy won, usefulness lost
    assert useless.count == "24 of 24 (100.0 %)"
    assert failure(made, "Context").count == "0 of 12 (0.0 %)"
    assert failure(made, "Reward collapse").count == "0 of 2 (0.0 %)"


def test_the_viewer_is_bounded_and_shows_all_departments_and_outcomes(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 60, lambda n: MIXED[(n // 3) % 3])
    shown = viewer(report(folder, cases=9))
    assert (len(shown.cases), shown.total) == (9, 60)
    assert {case.department for case in shown.cases} == {c.department for c in cases(3)}
    assert {case.outcomes["overall"] for case in shown.cases} == set(MIXED)
    assert not viewer(report(folder, cases=0)).cases


def test_images_are_scaled_and_a_missing_or_foreign_one_is_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 3)
    images = [
        image
        for case in viewer(report(folder)).cases
        for turn in case.turns
        for image in turn.images
    ]
    assert images
    assert all(len(image.uri) < 4000 for image in images)
    (folder / "data/dataset/images/1.png").write_bytes(b"no image")
    assert "xray: the image cannot be read" in page(folder)
    shard = folder / "data/dataset/benchmarks/meddiagnose/shard-00000.jsonl"
    shard.write_text(shard.read_text().replace("images/1.png", "../../metrics/crpo.json"))
    assert "an image outside the data set" in page(folder)


def test_the_copy_for_mlflow_holds_no_word_of_a_consultation(folder: Path, made: Report) -> None:
    words = ("我胸痛", "My chest hurts", "请做心电图", "请多喝水", "会的，医生", "because &lt;")
    private = report(folder, private=True)
    whole, copy = html(made), html(private)
    assert all(word in whole for word in words)
    for text in (copy, markdown(made), markdown(private)):
        assert not any(word in text for word in words)
    assert "left out of this copy" in copy
    assert "data:image" not in copy
    assert "12 of 12 (100.0 %)" in copy


def test_an_audit_ablations_and_a_decision_are_shown_when_there_are_any(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    known = {"n": 40, "value": 0.6, "low": 0.5, "high": 0.7, "published": 0.526, "source": "GPT-4"}
    audit = {
        "judge": "gpt-4o", "note": "", "swap_disagreement": known, "new": 1,
        "biases": [{"kind": "position", "status": "found", "share": known, "text": "first wins"}],
        "scores": [{"model": "crpo", "aspect": "overall", "figure": known | {"value": 4.2}}],
        "consistency": [{"strategy": "relative", "benchmark": "all", "aspect": "overall",
                         "figure": known}],
    }  # fmt: skip
    estimate = {"value": 0.7, "low": 0.6, "high": 0.8}
    ablation = {
        "arms": [{"name": "GRPO"}, {"name": "CRPO"}], "conclusion": "CRPO is better.",
        "rates": [{"arm": "CRPO", "seed": None, "against": "counterparts", "n": 50, "ties": 20,
                   "win_rate": estimate}],
        "qa": [{"arm": "GRPO", "benchmark": "mmmu", "n": 30, "accuracy": 0.4, "low": 0.3,
                "high": 0.5}],
    }  # fmt: skip
    decision = {"outcome": "worse", "promoted": False, "reason": "worse: win rate 40 %"}
    for name, content in (("audit", audit), ("ablation_reward", ablation), ("promotion", decision)):
        (folder / "metrics" / f"{name}.json").write_text(json.dumps(content))
    made = report(folder)
    assert table(made, "judge", "Biases")["position"][0] == "found|first wins"
    assert table(made, "judge", "Absolute")["crpo"][-1] == "4.20|0.50 to 0.70, n 40"
    assert table(made, "judge", "Consistency")["relative, all"][-1] == "60.0 %|50.0 to 70.0, n 40"
    rows = table(made, "ablations", "GRPO")
    assert rows["PulseMind Benchmark (win rate)"] == [
        "–", "70.0 %|60.0 to 80.0, 30 decided of 50, against counterparts", "54.7 %", "76.0 %",
    ]  # fmt: skip
    assert rows["MMMU"][:2] == ["40.0 %|30.0 to 50.0, n 30", "–"]
    assert "CRPO is better." in section(made, "ablations")
    assert made.answer.promotion is not None
    assert made.answer.promotion.word == "not promoted"


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    shard = folder / "data/evaluation/verdicts/meddiagnose/shard-00000.jsonl"
    shard.write_text(shard.read_text() + "{}\n")
    with pytest.raises(ArtifactError, match=r"shard-00000\.jsonl, line 97: not a Verdict"):
        report(folder)
    (folder / "plots/sft1.csv").write_text("step,loss\nx,y\n")
    with pytest.raises(ValueError, match=r"sft1\.csv is no table of numbers"):
        report(folder)


def test_the_same_files_give_the_same_page(folder: Path, made: Report) -> None:
    assert page(folder) == html(made)


def test_names_of_the_paper_are_found_and_parts_of_sets_are_not() -> None:
    sets = paper().accuracy.sets
    assert index("VQA-RAD", sets) == 1
    assert index("medxpertqa_text", sets) == 10
    assert index("vqa-rad/open", sets) is None
    assert index("gemini-2.5-pro", paper().win_rates.rows) == 2
    average = [sum(row.values[i] for row in paper().win_rates.rows) for i in (0, 1)]
    assert round(sum(average) / 12) == 76  # the average that the paper states


def test_a_draw_does_not_depend_on_the_order_of_what_is_offered() -> None:
    first, second = Few(3, seed=1), Few(3, seed=1)
    for number in range(50):
        first.offer("set", str(number))
        second.offer("set", str(49 - number))
    assert first.names() == second.names()
    assert len(set(first.names())) == 3


def test_gather_reads_nothing_of_an_empty_folder(tmp_path: Path) -> None:
    empty = gather(about(), tmp_path, tmp_path, tmp_path, tmp_path)
    assert empty.evaluation is None
    assert "Not evaluated" in html(build(empty))
