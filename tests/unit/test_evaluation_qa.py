"""Prompts by kind of question, and the counting of replies."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence

import pytest

from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.qa import Reader, answered_by_both, paired, qa_results, query, score
from pulsemind.records import Provenance, QAItem

EN = {
    "A": "Aspirin",
    "B": "A patient with hepatitis B",
    "C": "RNA virus",
    "D": "Low dose heparin",
}
ZH = {"A": "阿司匹林", "B": "布洛芬", "C": "青霉素", "D": "头孢克肟"}
FROM = Provenance(source="s", licence="l", file="f", index=0)


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
    assert asked.startswith("Question: Which one?\nOptions:\nA. Aspirin\n")
    assert "letter" in asked
    assert "字母" in query(item(0, language="zh")).turns[0].text
    assert "short phrase" in query(item(0, "closed", options={})).turns[0].text
    assert "briefly" in query(item(0, "open")).turns[0].text
    assert "$" not in asked
    assert query(item(0, question="costs $5 or $x?")).turns[0].text.startswith("Question: costs $5")


def test_accuracy_counts_abstentions_as_wrong_and_states_chance() -> None:
    items = [item(i) for i in range(4)]
    texts = ["The answer is B", "A", "", "A or B"]
    replies = [Reply(query=query(i), text=t) for i, t in zip(items, texts, strict=True)]
    (found,) = qa_results(items, replies[::-1], 0.95)
    assert (found.n, found.accuracy, found.abstained, found.chance) == (4, 0.25, 2, 0.25)
    assert found.low < 0.25 < found.high
    assert found.rules == {"conflict": 1, "leading": 1, "none": 1, "statement": 1}
    assert found.disagreement is not None
    assert found.disagreement.value == 0


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


def test_closed_chance_is_a_half_or_one_of_the_named_alternatives() -> None:
    items = [
        item(0, "closed", options={}, answer="yes", question="Is there a mass?"),
        item(1, "closed", options={}, answer="Lung", question="Which, lung, liver or heart?"),
    ]
    (found,) = score([(items[0], "Yes."), (items[1], "the liver")], 0.95)
    assert found.chance == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert (found.n, found.accuracy, found.scorer) == (2, 0.5, "normalised match")
    assert found.rules == {"alternative": 1, "exact": 1}


def test_disagreement_of_the_two_extractors_is_counted() -> None:
    pairs = [(item(0), "The answer is B"), (item(1), "dose heparin low")]
    (found,) = score(pairs, 0.95)
    assert found.disagreement is not None
    assert found.disagreement.value == 0.5
    assert found.disagreement.low < 0.5 < found.disagreement.high


def test_the_judge_decides_open_answers_and_its_silence_is_no_wrong_answer() -> None:
    asked: list[str] = []

    def judge(answers: Sequence[tuple[QAItem, str]]) -> list[bool | None]:
        asked.extend(text for _, text in answers)
        return [None if "silent" in text else "lobe" in text for _, text in answers]

    texts = ["left lung", "a lobe", "right lung", "silent left lung", ""]
    pairs = [(item(i, "open"), text) for i, text in enumerate(texts)]
    (found,) = score(pairs, 0.95, Reader(judge=judge))
    assert asked == texts[1:4], "an equal and an empty answer need no judge"
    assert found.rules == {"exact": 1, "judge": 2, "none": 1, "similar": 1}
    assert (found.n, found.accuracy, found.unjudged, found.abstained) == (5, 0.6, 1, 1)
    assert "1 open answers without a verdict" in found.note


def test_hits_are_counted_once_with_a_judge() -> None:
    def judge(answers: Sequence[tuple[QAItem, str]]) -> list[bool | None]:
        return [True] * len(answers)

    closed = item(1, "closed", options={}, answer="yes")
    pairs = [(item(0, "open"), "lung"), (closed, "yes"), (item(2), "B")]
    for found in score(pairs, 0.95, Reader(judge=judge)):
        assert (found.n, found.accuracy) == (1, 1.0)


def test_sets_stream_in_blocks() -> None:
    alive = most = 0

    def gone() -> None:
        nonlocal alive
        alive -= 1

    def items() -> Iterator[QAItem]:
        nonlocal alive, most
        for number in range(3000):
            made = item(number)
            weakref.finalize(made, gone)
            alive += 1
            most = max(most, alive)
            yield made

    replies = (Reply(query=query(item(n)), text="B") for n in range(3000))
    (found,) = score(paired(items(), replies), 0.95)
    assert (found.n, found.accuracy) == (3000, 1.0)
    assert most < 1500, "items of earlier blocks are let go"


def test_streams_are_matched_by_id() -> None:
    items = [item(0), item(1)]
    replies = [Reply(query=query(i), text="B") for i in items]
    assert [text for _, text in paired(items, replies)] == ["B", "B"]
    for wrong in (replies[::-1], replies[:1], [*replies, replies[0]]):
        with pytest.raises(ValueError, match="set-choice"):
            list(paired(items, wrong))


def test_items_with_a_broken_reply_are_counted_apart() -> None:
    items = [item(0), item(1)]
    replies = [
        Reply(query=query(items[0]), text="", broken="out of memory"),
        Reply(query=query(items[1]), text="B"),
    ]
    assert [text for _, text in paired(items, replies)] == [None, "B"]
    for results in (qa_results(items, replies, 0.95), score(paired(items, replies), 0.95)):
        assert [(r.n, r.accuracy, r.broken) for r in results] == [(1, 1.0, 1)]
    assert score(paired(items[:1], replies[:1]), 0.95) == []


def test_two_models_are_read_on_what_both_answered() -> None:
    items = [item(i) for i in range(3)]
    one = [Reply(query=query(i), text="B") for i in items]
    two = [one[0], one[1].model_copy(update={"text": "", "broken": "refused"}), one[2]]
    for first, second in ((one, two), (two, one)):
        (found,) = score(paired(items, answered_by_both(first, second)), 0.95)
        assert (found.n, found.broken) == (2, 1)
    with pytest.raises(ValueError, match="shorter"):
        list(answered_by_both(one, two[:2]))
