"""Huatuo-26M: question and answer pairs, Chinese.

Three shapes, told apart by their keys: Zhongjing's export `{id, instruction, input, output}`, where
instruction and output are strings or lists of strings; the hub's sets `{questions, answers}`
(huatuo_encyclopedia_qa, huatuo_knowledge_graph_qa), where questions is a list of phrasings of one
question, in the encyclopedia nested once more; and Huatuo26M-Lite `{id, question, answer, label}`.
Of several phrasings the first is taken. The hub's consultation set has addresses of web pages in
place of answers: such rows are skipped as `answer_is_a_link`. (Zhongjing's shape from its file, the
hub's from the dataset pages of FreedomIntelligence.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import AliasChoices, Field

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.reading import (
    BrokenRecord,
    Item,
    Raw,
    Row,
    Text,
    Unwanted,
    dialogue,
    exchange,
    records,
    rows,
)

_LINK = re.compile(r"https?://\S+")


class _Pair(Row):
    id: Text = ""
    questions: Any = None
    asked: Text = Field("", validation_alias=AliasChoices("instruction", "question"))
    input: Text = ""
    answered: Text = Field("", validation_alias=AliasChoices("output", "answer", "answers"))
    label: str | None = None


def read(shard: Shard) -> Iterator[Item]:
    """Stream question-answer pairs as dialogues of two turns."""

    def convert(row: _Pair, index: int) -> Raw:
        asked = row.asked if row.questions is None else _first(row.questions)
        question = "\n".join(part for part in (asked.strip(), row.input.strip()) if part)
        if not question:
            raise BrokenRecord("question: empty")
        if not row.answered.strip():
            raise BrokenRecord("answer: empty")
        if _LINK.fullmatch(row.answered.strip()):
            raise Unwanted("answer_is_a_link")
        return dialogue(shard, index, exchange(question, row.answered), row.id, row.label)

    return records(rows(shard), shard, _Pair, convert)


def _first(questions: Any) -> str:
    """The first phrasing that is not empty, at whatever depth of lists."""
    waiting = [questions]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, list):
            waiting.extend(reversed(value))
    return ""
