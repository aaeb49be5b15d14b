"""Duplicates, overlaps with benchmarks, and splits."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.data.decontaminate import BenchmarkIndex
from pulsemind.data.dedup import PERMUTATIONS, TextIndex, bands
from pulsemind.data.split import Lowest, query, share
from pulsemind.data.text import runs, shingles, similarity, tokens
from pulsemind.records import Consultation, Provenance, QAItem, Turn

LONG_ZH = (
    "医生您好，我最近三天总是头痛，早上起床的时候最厉害，有时候还会恶心想吐，量过血压是一百四十。"
    "您好，根据您的描述考虑是血压偏高引起的头痛，建议先做头颅检查，平时清淡饮食，按时休息，避免熬夜。"
)


def consultation(name: str, *texts: str, source: str = "s") -> Consultation:
    roles = ("patient", "physician")
    return Consultation(
        id=name,
        language="zh",
        turns=tuple(Turn(role=roles[i % 2], text=text) for i, text in enumerate(texts)),
        provenance=Provenance(source=source, licence="x", file="f", index=0),
    )


def test_tokens_take_chinese_apart_and_numbers_whole() -> None:
    assert tokens("头痛3.5天，Take 0.2g ＡＢＣ!") == [
        "头",
        "痛",
        "3.5",
        "天",
        "take",
        "0.2",
        "g",
        "abc",
    ]


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30), min_size=1))
def test_similarity_is_jaccard(a: set[int], b: set[int]) -> None:
    first, second = {str(x) for x in a}, {str(x) for x in b}
    shared = sum(x in b for x in a)
    assert similarity(first, second) == pytest.approx(shared / (len(a) + len(b) - shared))


@given(st.floats(0.3, 1.0))
def test_bands_reach_the_recall_and_divide_the_signature(threshold: float) -> None:
    count = bands(threshold)
    rows = PERMUTATIONS // count
    assert rows * count == PERMUTATIONS
    assert rows == 1 or (1 - (1 - threshold**rows) ** count) >= 0.999


def test_planted_chinese_duplicates_are_found_and_others_are_not() -> None:
    index = TextIndex(0.85, seed=1)
    index.add(LONG_ZH, "a")
    assert index.find(LONG_ZH.replace("，", "、")) == ("exact", "a")
    assert index.find(LONG_ZH.replace("总是", "老是")) == ("near", "a")
    other = LONG_ZH.replace("头痛", "腹泻").replace("血压", "血糖").replace("三天", "两周")
    assert similarity(shingles(LONG_ZH), shingles(other)) < 0.85
    assert index.find(other) is None
    index.close()


def test_near_duplicates_are_exactly_those_at_the_threshold() -> None:
    rng = random.Random(5)
    index = TextIndex(0.8, seed=1)
    kept = [" ".join(f"w{rng.randrange(500)}" for _ in range(60)) for _ in range(40)]
    for number, text in enumerate(kept):
        index.add(text, str(number))
    for number, text in enumerate(kept):
        words = text.split()
        for _ in range(rng.randrange(1, 5)):
            words[rng.randrange(60)] = "changed"
        changed = " ".join(words)
        near = similarity(shingles(text), shingles(changed)) >= 0.8
        assert (index.find(changed) == ("near", str(number))) is near
    index.close()


QUESTION = "我 的 左边 膝盖 上个月 爬山 以后 一直 肿 还 发热 走路 时 疼".replace(" ", "")


def benchmark() -> BenchmarkIndex:
    index = BenchmarkIndex(0.9, ngram=13, image_distance=2, seed=1)
    index.add(consultation("b", QUESTION, "建议休息。", source="bench"), [0b1111])
    item = QAItem(
        id="q",
        benchmark="qa",
        kind="open",
        language="en",
        question="Which of these drugs is the first choice in a pregnant woman with epilepsy?",
        answer="x",
        provenance=Provenance(source="qa", licence="x", file="f", index=0),
    )
    index.add(item, [])
    return index


@pytest.mark.parametrize(
    ("patient", "phashes", "expected"),
    [
        (f"您好。{QUESTION}，怎么办", [], ("bench", "text")),
        ("膝盖疼。", [0b1111 ^ 0b11], ("bench", "image")),
        ("膝盖疼。", [0b1111 ^ 0b111], None),
        ("膝盖疼。", [], None),
        (
            "Tell me, which of these drugs is the first choice in a pregnant woman with fits?",
            [],
            ("qa", "text"),
        ),
        ("上个月爬山以后一直肿", [], None),
    ],
)
def test_overlaps(patient: str, phashes: list[int], expected: tuple[str, str] | None) -> None:
    index = benchmark()
    found = index.overlap(consultation("t", patient, "多喝水。"), phashes)
    assert (found and (found.benchmark, found.kind)) == expected
    index.close()


def test_courtesy_is_no_overlap() -> None:
    thanks = "好的，我明白了，谢谢医生的建议，我会按照您说的方法来调整饮食和作息时间的。"
    index = BenchmarkIndex(0.9, ngram=13, image_distance=2, seed=1)
    index.add(consultation("b", QUESTION, "建议休息。", thanks, "不客气。", source="bench"), [])
    assert index.overlap(consultation("t", "腹泻两天。", "多喝水。", thanks, "好。"), []) is None
    index.close()


def test_a_physicians_standard_sentence_is_no_overlap() -> None:
    index = benchmark()
    assert index.overlap(consultation("t", "膝盖疼。", QUESTION), []) is None
    index.close()


def test_replaced_values_break_runs() -> None:
    text = "我 叫 [NAME-1] 电 话 [PHONE-1] 住 在"
    assert runs(text, 4) == set()
    assert len(runs("一二三四五", 4)) == 2


def test_shares_are_even_and_independent() -> None:
    names = [f"s-{i}" for i in range(4000)]
    low = [n for n in names if share(7, "queries", n) < 0.2]
    both = [n for n in low if share(7, "validation", n) < 0.05]
    assert len(low) == pytest.approx(800, abs=80)
    assert len(both) == pytest.approx(40, abs=20)
    assert share(7, "queries", "a") != share(8, "queries", "a")


def test_a_query_ends_with_an_answered_patient_turn() -> None:
    record = consultation("c", "p1", "d1", "p2", "d2", "thanks")
    drawn = Counter()
    for seed in range(60):
        found = query(record, seed)
        assert found is not None
        assert found.turns[-1].role == "patient"
        assert found.reference == {"p1": "d1", "p2": "d2"}[found.turns[-1].text]
        drawn[found.turns[-1].text] += 1
    assert set(drawn) == {"p1", "p2"}
    assert query(consultation("c", "p1"), 1) is None


@given(st.lists(st.floats(0, 1), max_size=30, unique=True), st.integers(1, 8))
def test_the_lowest_stay_and_the_rest_come_back(values: list[float], size: int) -> None:
    kept = Lowest(size)
    back = [kept.add(v, consultation(f"{v:.20f}", "p", "d")) for v in values]
    lowest = {f"{v:.20f}" for v in sorted(values)[:size]}
    returned = [r.id for r in back if r is not None]
    stayed = [r.id for r in kept.records()]
    assert len(stayed) + len(returned) == len(values)
    assert len(stayed) == min(size, len(values))
    if len({f"{v:.20f}" for v in values}) == len(values):
        assert set(stayed) == lowest
