"""The tagger beside the rules: tokens, features, what is taken and what never is."""

from __future__ import annotations

import itertools
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.personal_data import HELD, WRITTEN, LabelledText, written
from examples.renamed import renamed
from examples.train_tagger import labels
from pulsemind.data.anonymise import PLACEHOLDERS, anonymise, anonymise_texts, detect, remaining
from pulsemind.data.detectors import MASK, detect_patterns, mask
from pulsemind.data.names import detect_names
from pulsemind.data.tagger import OUTSIDE, detect_tagged
from pulsemind.data.tagger_features import features, tokens
from pulsemind.records import Provenance, QAItem

PIECES = st.sampled_from(
    ["张伟", "患者", "，", "Dr ", "Okafor", " 12", "mg", "\n", "床", "[NAME-1]", "é", "İ"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join))


@given(TEXTS)
def test_tokens_hold_everything_but_blanks(text: str) -> None:
    masked = mask(text)
    found = tokens(masked)
    assert all(masked[token.start : token.stop] == token.text for token in found)
    between = [0, *(place for token in found for place in (token.start, token.stop)), len(masked)]
    gaps = [masked[a:b] for a, b in zip(between[::2], between[1::2], strict=True)]
    assert not "".join(gaps).strip()
    assert len(features(masked, found)) == len(found)


@given(TEXTS)
def test_spans_are_in_order_and_hold_letters_or_digits(text: str) -> None:
    masked = mask(text)
    spans = list(detect_tagged(masked))
    assert all(a.stop <= b.start for a, b in itertools.pairwise(spans))
    for span in spans:
        value = masked[span.start : span.stop]
        assert value[0].isalnum()
        assert value[-1].isalnum()
        assert MASK not in value


def test_finds_names_that_no_rule_names() -> None:
    text = "村医刀岩罕记：上门看玉罕叫，52岁"
    assert not [*detect_patterns(text), *detect_names(text)]
    found = {(text[span.start : span.stop], span.kind) for span in detect_tagged(text)}
    assert found == {("刀岩罕", "physician"), ("玉罕叫", "name")}


def test_rules_say_where_a_value_ends_and_what_kind_it_is() -> None:
    text = "I am writing for Mr. Carter."
    assert [(text[s.start : s.stop], s.kind) for s in detect(text)] == [("Carter", "name")]


@pytest.mark.parametrize(
    "text",
    [
        "术前予替罗非班，停依达拉奉，口服谷维素20mg，枸杞子30克",
        "建议去正规医院检查，当地医院说是小三阳",
        "The patient received octreotide 50 mcg; pain 4/10, pulse is 93/min.",
        "Answer choices: (A) IL-2 (B) Epstein-Barr virus (C) Kluver-Bucy syndrome",
        "Na 140, K 4, Cl 106, BUN 8, Cr 2; blood pressure is 95/80 mm Hg",
        "您的选择很明智，医生会根据您的情况和效果调整。非常感谢医生的建议，祝您健康！",
        "矫正器的保护：每天取下矫正器清洗，睡觉才会舒服些",
        "给孩子查了吉兰-巴雷综合征；血压92/50，YGTSS 24分，视力20/200",
        "知母10 黄柏9 生地15 山萸肉12 女贞子15 旱莲草15",
        "Right eye 6/60, left 20/200; TC 244, TG 198, review in 12-18 months",
    ],
)
def test_medicine_stays(text: str) -> None:
    assert list(detect_tagged(text)) == []


def test_a_placeholder_is_never_taken_and_a_second_look_finds_nothing() -> None:
    texts = [item.text for item in written("set-5")[:40]]
    for text in texts:
        replaced, _, clean = anonymise_texts([text])
        assert clean
        assert not list(detect_tagged(mask(replaced[0])))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("护士杨梅", "杨梅"),
        ("患者李时珍，男，45岁", "李时珍"),
        ("李A 23岁，女", "李A"),
        ("陪护阿依古丽-买买提在门口", "买买提"),
        ("车牌 KLM 482", "KLM 482"),
        ("born 04/82", "04/82"),
        ("KHAN 72 yo, Bed 4", "KHAN"),
        ("Mr Fairweather's hip is sore", "Fairweather"),
        ("a\ud800b 我叫张伟", "张伟"),
    ],
)
def test_names_and_days_that_look_clinical_go(text: str, value: str) -> None:
    assert value in [text[span.start : span.stop] for span in detect(text)]


def test_a_long_text_is_read_in_pieces_that_end_between_words() -> None:
    text = "村医刀岩罕：上门看玉罕叫，52岁。"
    alone = {(text[span.start : span.stop], span.kind) for span in detect_tagged(text)}
    assert {value for value, _ in alone} == {"刀岩罕", "玉罕叫"}
    filler = "头痛三天，伴发热。" * 1500
    long = f"{filler}\n{text}\n{filler}{text}"
    found = [(long[span.start : span.stop], span.kind) for span in detect_tagged(mask(long))]
    assert sorted(found) == sorted(2 * list(alone))


def test_threads_do_not_mix_their_texts() -> None:
    texts = [mask(item.text) for item in written("set-6")[:40]]
    alone = [list(detect_tagged(text)) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: list(detect_tagged(text)), texts)) == alone


def test_labels_go_to_the_tokens_they_cover() -> None:
    item = next(item for item in written("set-6") if item.text.startswith("家庭医生签约"))
    found = tokens(mask(item.text))
    given_kinds = dict(zip((token.text for token in found), labels(item, found), strict=True))
    assert given_kinds["15153927704"] == "phone"
    assert given_kinds["158"] == OUTSIDE  # blood pressure


def _values(item: LabelledText, kind: str) -> list[str]:
    return [item.text[label.start : label.stop] for label in item.labels if label.kind == kind]


def test_copies_keep_what_is_clinical_and_are_equal_for_equal_seeds() -> None:
    for item in written("set-6"):
        copy = renamed(item, random.Random(item.text))
        assert copy == renamed(item, random.Random(item.text))
        assert _values(copy, "keep") == _values(item, "keep")
        placeholders = sum(copy.text.count(f"[{word}-") for word in PLACEHOLDERS.values())
        assert len(copy.labels) + placeholders == len(item.labels)
        assert all(copy.text[label.start : label.stop].strip() for label in copy.labels)


def test_the_texts_held_apart_are_not_learnt() -> None:
    learnt = {item.text for part in WRITTEN if part not in HELD for item in written(part)}
    assert learnt
    assert not learnt & {item.text for part in HELD for item in written(part)}


def test_options_of_questions_are_left_to_the_rules() -> None:
    options = {"A": "IL-4", "B": "Pacinian", "C": "Guillain-Barré", "D": "任脉"}
    record = QAItem(
        id="q", benchmark="b", question="Which?", kind="choice", options=options, answer="A",
        language="en", provenance=Provenance(source="s", licence="l", file="f", index=0),
    )  # fmt: skip
    new, counts, clean = anonymise(record)
    assert (new, counts, clean) == (record, {}, True)
    assert not remaining(record)


def test_text_that_is_no_text_does_not_stop_it() -> None:
    assert [span.kind for span in detect_tagged("\ud800 村医刀岩罕记")] == ["physician"]
