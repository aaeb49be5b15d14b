"""Reading answers: the mistakes of existing scorers, each one here; and the counting."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.evaluation.answers import match_open, parse_choice
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.qa import qa_results, query
from pulsemind.records import Provenance, QAItem

EN = {
    "A": "Aspirin",
    "B": "A patient with hepatitis B",
    "C": "RNA virus",
    "D": "Low dose heparin",
}
ZH = {"A": "阿司匹林", "B": "布洛芬", "C": "青霉素", "D": "头孢克肟"}
FROM = Provenance(source="s", licence="l", file="f", index=0)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        ("B.", "B"),
        ("(B)", "B"),
        ("[C]", "C"),
        ("**B**", "B"),
        ("B. A patient", "B"),
        ("D: Low dose heparin because of B", "D"),
        ("A) Aspirin", "A"),
        ("\\boxed{B}", "B"),
        ("$\\boxed{\\text{C}}$", "C"),
        ("The answer is (B).", "B"),
        ("the answer is b.", "B"),
        ("Answer: D. Low dose heparin", "D"),
        ("answer is option d.", "D"),
        ("The correct option is D", "D"),
        ("The best answer is: B) A patient", "B"),
        ("The answer is **C**, not A.", "C"),
        ("The answer is A, because B is wrong.", "A"),
        ("A is wrong. The answer is D.", "D"),
        ("B is correct, A is wrong", "B"),
        ("I would choose (A).", "A"),
        ("Option C", "C"),
        ("It is C.", "C"),
        ('"B"', "B"),
        ("<answer>B</answer>", "B"),
        ("C\n\nThe virus has RNA. A vaccine is used", "C"),
        ("RNA virus", "C"),
        ("It is an RNA virus.", "C"),
    ],
)
def test_english_answers(text: str, letter: str) -> None:
    assert parse_choice(text, EN).letter == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("答案：B", "B"),
        ("答案：Ｂ", "B"),
        ("答案为（C）", "C"),
        ("答：C", "C"),
        ("选B", "B"),
        ("故选D", "D"),
        ("应选择D。", "D"),
        ("答案选C。", "C"),
        ("答案是:选项 B", "B"),
        ("正确答案是 C 青霉素", "C"),
        ("C选项正确", "C"),
        ("我认为选项C是正确的", "C"),
        ("「B」", "B"),
        ("布洛芬", "B"),
        ("应该用布洛芬", "B"),
    ],
)
def test_chinese_answers(text: str, letter: str) -> None:
    assert parse_choice(text, ZH).letter == letter


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "A patient came in",
        "I think so",
        "He has hepatitis B.",
        "Vitamin C deficiency",
        "the answer is a virus",
        "A and B",
        "A, B",
        "AB",
        "The answer is A or B",
        "答案：A、B",
        "Aspirin or heparin",
        "A. Aspirin\nB. A patient\nC. RNA virus",
        "The answer is not A",
        "It is not an RNA virus",
        "E",
        "I cannot say.",
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    assert parse_choice(text, EN).letter is None


@pytest.mark.parametrize("text", ["不选A", "不是布洛芬", "选 B 或 C", "无法判断"])
def test_nothing_is_guessed_in_chinese(text: str) -> None:
    assert parse_choice(text, ZH).letter is None


def test_an_option_inside_another_and_equal_options() -> None:
    options = {"A": "hepatitis", "B": "hepatitis C", "C": "hepatitis B"}
    assert parse_choice("it is hepatitis B", options).letter == "C"
    assert parse_choice("hepatitis", options).letter == "A"
    assert parse_choice("heparin", {"A": "heparin", "B": "heparin", "C": "x"}).letter is None


@given(st.text(max_size=80))
def test_any_text_gives_an_option_or_an_abstention(text: str) -> None:
    letter, rule = parse_choice(text, EN)
    assert letter in {*EN, None}
    assert (letter is None) == (rule in {"none", "conflict"})


@given(
    st.sampled_from("ABCD"), st.sampled_from(["Answer: {}", "答案是{}。", "({})", "{}. because"])
)
def test_plain_statements_are_always_read(letter: str, shape: str) -> None:
    assert parse_choice(shape.format(letter), EN).letter == letter


@pytest.mark.parametrize(
    ("reply", "reference", "right"),
    [
        ("The left lung.", "left lung", True),
        ("Yes, there is.", "yes", True),
        ("normal findings", "no", False),
        ("not sure", "yes", False),
        ("No", "no", True),
        ("没有异常", "没有", True),
        ("no fracture", "fracture", False),
        ("a fracture", "no fracture", False),
        ("in the left lung", "left lung", True),
        ("the liver", "left lung", False),
        ("", "left lung", False),
        ("5", "5", True),
        ("左肺", "左肺。", True),
    ],
)
def test_open_answers(reply: str, reference: str, right: bool) -> None:
    assert match_open(reply, reference).correct is right


def item(number: int, kind: str = "choice", benchmark: str = "set", **changes: object) -> QAItem:
    values = {
        "id": f"{benchmark}-{kind}-{number}",
        "benchmark": benchmark,
        "kind": kind,
        "language": "en",
        "question": "Which one?",
        "options": EN if kind == "choice" else {},
        "answer": "B" if kind == "choice" else "left lung",
        "provenance": FROM,
    }
    return QAItem.model_validate(values | changes)


def test_prompt_is_in_the_items_language_and_lists_the_options() -> None:
    asked = query(item(0)).turns[0].text
    assert asked.startswith("Which one?\nA. Aspirin\n")
    assert "letter" in asked
    assert "字母" in query(item(0, language="zh")).turns[0].text
    assert "short phrase" in query(item(0, "open")).turns[0].text


def test_accuracy_counts_abstentions_as_wrong_and_states_chance() -> None:
    items = [item(i) for i in range(4)]
    texts = ["The answer is B", "A", "", "A or B"]
    replies = [Reply(query=query(i), text=t) for i, t in zip(items, texts, strict=True)]
    (found,) = qa_results(items, replies[::-1], 0.95)
    assert (found.n, found.accuracy, found.abstained, found.chance) == (4, 0.25, 2, 0.25)
    assert found.low < 0.25 < found.high
    assert found.rules == {"conflict": 1, "leading": 1, "none": 1, "statement": 1}


def test_kinds_of_one_set_are_counted_apart_and_open_says_how_it_was_scored() -> None:
    items = [item(0), item(0, "open"), item(0, "open", "other")]
    replies = [Reply(query=query(i), text="B") for i in items]
    found = {r.benchmark: r for r in qa_results(items, replies, 0.95)}
    assert set(found) == {"set/choice", "set/open", "other"}
    assert found["other"].chance is None
    assert "lexical" in found["other"].note


def test_an_item_without_a_reply_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 items have no reply"):
        qa_results([item(0)], [], 0.95)


def test_real_medqa_options_are_read() -> None:
    file = Path(__file__).parents[3] / "shared" / "data" / "medqa" / "medqa_input.jsonl"
    if not file.is_file():
        pytest.skip("needs shared/data/medqa beside the repository")
    letters = texts = total = 0
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        listed = row["question"].split("Answer Choices:")[1]
        options = dict(re.findall(r"\(([A-J])\) (.*?)(?= \([A-J]\) |$)", listed, re.DOTALL))
        right = row["label"][0]
        total += 1
        letters += parse_choice(f"{right}. {options[right]}", options).letter == right
        texts += parse_choice(options[right], options).letter == right
    assert letters == total
    assert texts >= 0.97 * total
