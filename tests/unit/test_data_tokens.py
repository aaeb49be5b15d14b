"""Leaving blocks and runs of text untagged changes nothing that is found."""

from __future__ import annotations

import json

import jieba.posseg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.personal_data import texts, written
from pulsemind.data.chinese import detect_chinese, name_places
from pulsemind.data.hospitals import detect_hospitals, hospital_places
from pulsemind.data.names import detect_names
from pulsemind.data.tokens import Places, tokens_of
from tests.unit.raw_files import SAMPLES

_PIECES = [
    "我叫",
    "欧阳建国",
    "王芳",
    "，男，",
    "李医生",
    "张女士",
    "：",
    "3.5mg",
    "，",
    "。",
    "医院",
    "北京市海淀区",
    "第三人民医院",
    "何首乌",
    "头痛",
    "发热3天",
    "患者",
    "司马",
    "于",
    "Mr.Li",
    "\ufffc",
    "龦",
    "陈小明",
    "主任",
    "您好",
    "高血压",
    "常",
    "时",
    "毛巾",
    "请",
    "周",
    "\n",
    " ",
]
pieces = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)


def _everywhere(block: str) -> Places:
    return [(0, len(block))]


@given(pieces)
@settings(max_examples=150, deadline=None)
def test_blocks_are_tagged_as_the_whole_text_is(text: str) -> None:
    whole = [(pair.word, pair.flag) for pair in jieba.posseg.cut(text)]
    blocks = [(word, flag) for _, _, word, flag in tokens_of(text, _everywhere)]
    others = {word for word, _ in whole} - {word for word, _ in blocks}
    assert blocks == [pair for pair in whole if pair[0] not in others]
    for start, stop, word, _ in tokens_of(text, _everywhere):
        assert text[start:stop] == word


def _with_all_tokens(text: str) -> set[object]:
    tokens = tokens_of(text, _everywhere)
    return {*detect_chinese(text, tokens), *detect_hospitals(text, tokens)}


def _with_wanted_tokens(text: str) -> set[object]:
    tokens = tokens_of(text, lambda block: [*name_places(block), *hospital_places(block)])
    return {*detect_chinese(text, tokens), *detect_hospitals(text, tokens)}


@given(pieces)
@settings(max_examples=300, deadline=None)
def test_the_wanted_places_suffice(text: str) -> None:
    assert _with_wanted_tokens(text) == _with_all_tokens(text)


def test_the_wanted_places_suffice_on_real_questions() -> None:
    file = SAMPLES / "huatuo26m" / "huatuo26M_test.json"
    if not file.is_file():
        pytest.skip("the real samples are not here")
    for record in json.loads(file.read_text(encoding="utf-8"))[:150]:
        for text in record["instruction"]:
            assert _with_wanted_tokens(text) == _with_all_tokens(text)


def test_the_wanted_places_suffice_on_labelled_texts() -> None:
    for item in [*texts("develop", copies=1), *texts("held", copies=1), *written()]:
        assert _with_wanted_tokens(item.text) == _with_all_tokens(item.text)


@pytest.mark.parametrize("text", ["今天头痛，没有发热。", "每日3次，饭后服用"])
def test_plain_sentences_are_not_wanted(text: str) -> None:
    assert not any(name_places(block) for block in text.split("，"))
    assert not list(detect_names(text))
