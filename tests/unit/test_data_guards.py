"""Guards of the expansion: what may change in a reply, and what must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.data.guards import check

ZH = "嗯，考虑肺炎。口服阿莫西林0.5g，一天三次，先吃7天，不要喝酒。对青霉素过敏吗？"
EN = (
    "Well, this looks like pneumonia. Take amoxicillin 500 mg for 7 days, do not drink alcohol. "
    "Any allergy?"
)


def failed(before: str, after: str, dialogue: str = "") -> set[str]:
    return {failure.guard for failure in check(before, after, dialogue)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ZH, ZH.replace("嗯，", "")),
        (ZH, ZH.replace("考虑肺炎", "结合您的症状，考虑肺炎") + "如果呼吸困难请立即就诊。"),
        (ZH, ZH.replace("0.5g", "0.5克")),
        (EN, EN.replace("Well, this", "This")),
        (EN, EN + " If you find it hard to breathe, go to an emergency department."),
        ("Take 500 mg aspirin, [NAME-1].", "Please take 500 milligrams of aspirin, [NAME-1]."),
        ("多喝水。", "建议您多喝水，注意休息。"),
    ],
)
def test_these_rewrites_pass(before: str, after: str) -> None:
    assert failed(before, after) == set()


@pytest.mark.parametrize(
    ("before", "after", "guard"),
    [
        (ZH, ZH.replace("0.5g", "0.25g"), "number_lost"),
        (ZH, ZH.replace("0.5g", "0.5mg"), "number_lost"),
        (ZH, ZH.replace("7天", "几天"), "number_lost"),
        (ZH, ZH.replace("一天三次", "一天两次"), "number_lost"),
        (ZH, ZH.replace("阿莫西林", "药"), "drug_lost"),
        (ZH, ZH.replace("阿莫西林", "头孢克肟"), "drug_new"),
        (ZH, ZH.replace("不要喝酒", "可以喝酒"), "negation_lost"),
        (ZH, ZH.replace("对青霉素过敏吗？", "注意青霉素过敏。"), "question_lost"),
        (ZH, ZH + "另外口服布洛芬。", "drug_new"),
        (EN, EN.replace("500 mg", "250 mg"), "number_lost"),
        (EN, EN.replace("7 days", "some days"), "number_lost"),
        (EN, EN.replace("do not drink", "drink"), "negation_lost"),
        (EN, EN.replace("amoxicillin", "an antibiotic"), "drug_lost"),
        (EN, EN + " Also take ibuprofen 400 mg.", "drug_new"),
        (EN, EN.replace("Any allergy?", ""), "question_lost"),
        ("[NAME-1], rest.", "Please rest.", "placeholder_lost"),
        ("Please rest.", "Please rest, [NAME-2].", "placeholder_new"),
        ("多喝水。", "Drink a lot of water.", "language"),
        ("Rest.", "  ", "empty"),
    ],
)
def test_each_mutation_is_caught(before: str, after: str, guard: str) -> None:
    assert guard in failed(before, after)


def test_what_the_dialogue_named_is_not_new() -> None:
    after = "You can go on with ibuprofen, and rest."
    assert "drug_new" in failed("You can go on, and rest.", after)
    assert "drug_new" not in failed("You can go on, and rest.", after, "patient: I take ibuprofen")


@given(st.text(max_size=80), st.text(max_size=80))
def test_guards_never_raise_and_the_same_text_passes(before: str, after: str) -> None:
    list(check(before, after, ""))
    if before.strip():
        assert failed(before, before) == set()


@given(st.integers(1, 999), st.integers(1, 999))
def test_every_changed_dose_is_caught(old: int, new: int) -> None:
    before, after = (f"口服布洛芬{dose}mg，每天两次。" for dose in (old, new))
    assert bool(failed(before, after)) == (old != new)
