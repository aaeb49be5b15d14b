"""Duplicates, overlaps with benchmarks, and splits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind import settings as all_settings
from pulsemind.data.decontaminate import NO_SET, RULES, Benchmarks, index, overlaps
from pulsemind.data.dedup import Duplicate, duplicates
from pulsemind.data.keys import PERMUTATIONS, Keys, bands_for, keys_of
from pulsemind.data.split import query, share
from pulsemind.data.text import (
    fingerprints,
    run_hashes,
    shingles,
    similarity,
    token_hashes,
    tokens,
)
from pulsemind.records import Consultation, ImageRef, Provenance, QAItem, Turn

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
        "0.2g",
        "abc",
    ]


@given(st.lists(st.text(max_size=40), max_size=6))
def test_hashes_follow_the_tokens(texts: list[str]) -> None:
    found = token_hashes(texts)
    words = [tokens(text) for text in texts]
    assert np.diff(found.offsets).tolist() == [len(own) for own in words]
    flat = [word for own in words for word in own]
    hashes = found.values.tolist()
    assert len(set(hashes)) == len(set(flat)) == len(set(zip(flat, hashes, strict=True)))
    for length in (1, 3, 13):
        runs = run_hashes(found, length)
        spelled = [
            tuple(own[i : i + length]) for own in words for i in range(len(own) - length + 1)
        ]
        values = runs.values.tolist()
        assert len(values) == len(spelled)
        assert len(set(values)) == len(set(spelled)) == len(set(zip(spelled, values, strict=True)))


@given(st.lists(st.text(max_size=30), min_size=2, max_size=2))
def test_fingerprints_are_equal_exactly_when_the_tokens_are(texts: list[str]) -> None:
    first, second = fingerprints(token_hashes(texts)).tolist()
    assert (first == second) == (tokens(texts[0]) == tokens(texts[1]))


def test_a_short_text_is_one_shingle_and_no_run() -> None:
    assert len(shingles(token_hashes(["头痛"])).values) == 1
    assert len(run_hashes(token_hashes(["头痛"]), 3).values) == 0
    assert (
        shingles(token_hashes(["头痛"])).values.tolist()
        != shingles(token_hashes(["痛头"])).values.tolist()
    )


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30), min_size=1))
def test_similarity_is_jaccard(a: set[int], b: set[int]) -> None:
    first, second = (np.array(sorted(x), np.uint64) for x in (a, b))
    shared = sum(x in b for x in a)
    assert similarity(first, second) == pytest.approx(shared / (len(a) + len(b) - shared))


@given(st.floats(0.3, 1.0))
def test_bands_reach_the_recall_and_divide_the_signature(threshold: float) -> None:
    count = bands_for(threshold)
    rows = PERMUTATIONS // count
    assert rows * count == PERMUTATIONS
    assert rows == 1 or (1 - (1 - threshold**rows) ** count) >= 0.999


ROOT = Path(__file__).parents[2]
SETTINGS = all_settings.load(ROOT / "params.yaml", "tiny").stages.dataset


def keys(records: Sequence[Consultation], threshold: float, sets: Benchmarks | None = None) -> Keys:
    section = SETTINGS.model_copy(update={"near_duplicate_similarity": threshold})
    source = section.sources[0]
    return keys_of(records, range(len(records)), sets or Benchmarks.empty(), source, section)


def found(texts: Sequence[str], threshold: float, per_shard: int = 10**6) -> list[Duplicate]:
    records = [consultation(str(n), text) for n, text in enumerate(texts)]
    shards = [
        keys(records[start : start + per_shard], threshold)
        for start in range(0, len(records), per_shard)
    ]
    return list(duplicates(shards, lambda row: texts[row], threshold))


def test_planted_chinese_duplicates_are_found_and_others_are_not() -> None:
    other = LONG_ZH.replace("头痛", "腹泻").replace("血压", "血糖").replace("三天", "两周")
    pair = shingles(token_hashes([LONG_ZH, other]))
    assert similarity(pair.of(0), pair.of(1)) < 0.85
    texts = [LONG_ZH, LONG_ZH.replace("，", "、"), LONG_ZH.replace("总是", "老是"), other]
    assert found(texts, 0.85) == [Duplicate(1, 0, near=False), Duplicate(2, 0, near=True)]


@pytest.mark.parametrize("per_shard", [7, 1000])
def test_near_duplicates_are_exactly_those_at_the_threshold(per_shard: int) -> None:
    rng = random.Random(5)
    kept = [" ".join(f"w{rng.randrange(500)}" for _ in range(60)) for _ in range(40)]
    changed = []
    for text in kept:
        words = text.split()
        for _ in range(rng.randrange(1, 5)):
            words[rng.randrange(60)] = "changed"
        changed.append(" ".join(words))
    expected = []
    for number, texts in enumerate(zip(kept, changed, strict=True)):
        pair = shingles(token_hashes(texts))
        if similarity(pair.of(0), pair.of(1)) >= 0.8:
            expected.append(Duplicate(40 + number, number, near=True))
    assert 5 < len(expected) < 40
    assert found(kept + changed, 0.8, per_shard) == expected


def test_a_duplicate_is_one_of_a_record_that_is_kept() -> None:
    words = [f"w{n}" for n in range(60)]
    chain = [" ".join([f"x{step}"] * step + words[step:]) for step in range(0, 13, 2)]
    dropped = found(chain, 0.8)
    gone = {pair.row for pair in dropped}
    for pair in dropped:
        assert pair.owner not in gone
        both = shingles(token_hashes([chain[pair.row], chain[pair.owner]]))
        assert similarity(both.of(0), both.of(1)) >= 0.8
    assert 0 < len(gone) < len(chain) - 1


def test_equal_texts_about_other_images_are_no_duplicates() -> None:
    def shown(name: str, phash: str) -> Consultation:
        image = ImageRef(path=f"{name}.png", phash=phash)
        turns = (
            Turn(role="patient", text="What is this?", images=(image,)),
            Turn(role="physician", text="A healthy lung."),
        )
        return consultation(name, "x").model_copy(update={"turns": turns})

    records = [shown("a", "0" * 15 + "1"), shown("b", "0" * 15 + "2"), shown("c", "0" * 15 + "1")]
    texts = [record.text() for record in records]
    assert list(duplicates([keys(records, 0.9)], lambda row: texts[row], 0.9)) == [
        Duplicate(2, 0, near=False)
    ]


QUESTION = "我 的 左边 膝盖 上个月 爬山 以后 一直 肿 还 发热 走路 时 疼".replace(" ", "")
ITEM = "Which of these drugs is the first choice in a pregnant woman with epilepsy?"


def benchmarks(*first: Consultation) -> Benchmarks:
    item = QAItem(
        id="q",
        benchmark="qa",
        kind="open",
        language="en",
        question=ITEM,
        answer="x",
        images=(ImageRef(path="q.png", phash=f"{0b11110000:016x}"),),
        provenance=Provenance(source="qa", licence="x", file="f", index=0),
    )
    return index([list(first), [item]], ngram=13)


def own() -> Consultation:
    turn = Turn(
        role="patient", text=QUESTION, images=(ImageRef(path="b.png", phash=f"{0b1111:016x}"),)
    )
    return consultation("b", "x").model_copy(update={"turns": (turn,)})


@pytest.mark.parametrize(
    ("patient", "phash", "expected"),
    [
        (f"您好。{QUESTION}，怎么办", None, {"ngram": 0}),
        ("膝盖疼。", 0b1111 ^ 0b11, {"image": 0}),
        ("膝盖疼。", 0b1111 ^ 0b111, {}),
        (QUESTION, 0b1111, {"ngram": 0, "question": 0, "image": 0, "question_and_image": 0}),
        (QUESTION, 0b11110000, {"ngram": 0, "question": 0, "image": 1}),
        ("膝盖疼。", None, {}),
        (
            "Tell me, which of these drugs is the first choice in a pregnant woman with fits?",
            None,
            {"ngram": 1},
        ),
        (ITEM.upper(), None, {"ngram": 1, "question": 1}),
        ("上个月爬山以后一直肿", None, {}),
    ],
)
def test_overlaps(patient: str, phash: int | None, expected: dict[str, int]) -> None:
    images = () if phash is None else (ImageRef(path="t.png", phash=f"{phash:016x}"),)
    turns = (
        Turn(role="patient", text=patient, images=images),
        Turn(role="physician", text="多喝水。"),
    )
    record = consultation("t", "x").model_copy(update={"turns": turns})
    found = overlaps([consultation("other", "腹泻"), record], benchmarks(own()), 13, 2)
    assert (found[:, 0] == NO_SET).all()
    hits = {rule: int(n) for rule, n in zip(RULES, found[:, 1], strict=True) if n != NO_SET}
    assert hits == expected


def test_courtesy_is_no_overlap() -> None:
    thanks = "好的，我明白了，谢谢医生的建议，我会按照您说的方法来调整饮食和作息时间的。"
    sets = benchmarks(consultation("b", QUESTION, "建议休息。", thanks, "不客气。"))
    found = overlaps([consultation("t", "腹泻两天。", "多喝水。", thanks, "好。")], sets, 13, 2)
    assert (found == NO_SET).all()


def test_a_physicians_standard_sentence_is_no_overlap() -> None:
    found = overlaps([consultation("t", "膝盖疼。", QUESTION)], benchmarks(own()), 13, 2)
    assert (found == NO_SET).all()


def test_replaced_values_break_runs() -> None:
    both = "一二三四五六七[NAME-1]八九十一二三四五"
    sets = index([[consultation("b", both)]], ngram=13)
    assert len(sets.runs) == 0


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
