"""PMC-VQA: multiple-choice questions about figures of papers, CSV.

`Figure_path, Question, Answer, Choice A .. Choice D, Answer_label` in the first version;
`Figure_path, Caption, Question, Choice A .. Choice D, Answer, split` in the second, where Answer
is the letter. Choices begin with their letter (` A:text `). Images lie in `images/` beside the
file; the split is its name's where no column says it. Schema from the dataset page of
xmcmic/PMC-VQA and the readers of the repository xiaoman-zhang/PMC-VQA, which spell a column
`Anwser`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import AliasChoices, Field

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.questions import choice
from pulsemind.data.sources.reading import Item, Raw, Row, Text, image, records, rows


class _Question(Row):
    figure: Text = Field(alias="Figure_path")
    question: Text = Field(alias="Question")
    a: Text = Field("", alias="Choice A")
    b: Text = Field("", alias="Choice B")
    c: Text = Field("", alias="Choice C")
    d: Text = Field("", alias="Choice D")
    label: Text = Field("", alias="Answer_label")
    answer: Text = Field("", validation_alias=AliasChoices("Answer", "Anwser"))
    split: Text = ""


def read(shard: Shard) -> Iterator[Item]:
    """Stream a PMC-VQA file of either version."""

    def convert(row: _Question, index: int) -> Raw:
        texts = zip("ABCD", (row.a, row.b, row.c, row.d), strict=True)
        options = {letter: _without(letter, text) for letter, text in texts}
        right = row.label.strip() or re.sub(r"^\s*([A-D])\s*:.+", r"\1", row.answer, flags=re.S)
        images = [image(shard, row.figure)]
        return choice(shard, index, row.question, options, right, images=images)

    return records(rows(shard), shard, _Question, convert, split=lambda row: row.split)


def _without(letter: str, text: str) -> str:
    return re.sub(rf"^\s*{letter}\s*:", "", text).strip()
