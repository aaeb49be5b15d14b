"""MedXpertQA, text (10 options) and MM (5 options, 1 to 6 images).

`{id, question, options, label, images}`: on the hub options is a mapping by letter, label a letter
and images a list of file names; the evaluation kit has lists of `{letter, content}`, of letters
and of `{image_path}`. The question repeats its options after `Answer Choices:`; they are cut off.
Images lie in `images/` beside the file. Hub schema from TsinghuaC3I/MedXpertQA.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.questions import choice, options_of, split_options, stem
from pulsemind.data.sources.reading import Item, Raw, Row, Text, image, records, rows


class _Image(Row):
    image_path: str


class _Question(Row):
    id: Text = ""
    question: Text
    options: Any = None
    label: Any = None
    images: tuple[str | _Image, ...] = ()


def read(shard: Shard) -> Iterator[Item]:
    """Stream a MedXpertQA file in either shape."""

    def convert(row: _Question, index: int) -> Raw:
        if row.options is None:
            question, options = split_options(row.question)
        else:
            question, options = stem(row.question), options_of(row.options)
        names = (entry if isinstance(entry, str) else entry.image_path for entry in row.images)
        images = [image(shard, name) for name in names]
        return choice(shard, index, question, options, row.label, row.id, images)

    return records(rows(shard), shard, _Question, convert)
