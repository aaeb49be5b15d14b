"""MMMU, Health & Medicine; questions of other disciplines are skipped as `other_subject`.

The hub's Parquet files `{id: "validation_Pharmacy_3", question, options, answer, question_type,
image_1 .. image_7}` write options as a Python list in a string and embed the images; MMMU-Pro's
JSON lines have a true list and image paths relative to the file's folder, and no id: split and
subject then stand in the image's name. Rows whose answer is withheld (`?`) are skipped as
`answer_withheld`. Hub schema from the dataset page of MMMU/MMMU.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.questions import choice, open_question, options_of
from pulsemind.data.sources.reading import (
    BrokenRecord,
    Item,
    Raw,
    Row,
    Text,
    Unwanted,
    image,
    records,
    rows,
)

SUBJECTS = (
    "Basic_Medical_Science",
    "Clinical_Medicine",
    "Diagnostics_and_Laboratory_Medicine",
    "Pharmacy",
    "Public_Health",
)
_LONGEST_LIST = 100_000


class _Question(Row):
    id: Text = ""
    question: Text
    options: Any = None
    answer: Text = ""
    image_1: str | None = None
    image_2: str | None = None
    image_3: str | None = None
    image_4: str | None = None
    image_5: str | None = None
    image_6: str | None = None
    image_7: str | None = None

    def images(self) -> list[str]:
        found = (getattr(self, f"image_{number}") for number in range(1, 8))
        return [name for name in found if name]


def read(shard: Shard) -> Iterator[Item]:
    """Stream an MMMU file in either shape."""

    def convert(row: _Question, index: int) -> Raw:
        named = " ".join([row.id, *row.images()[:1], shard.file])
        if not any(subject in named for subject in SUBJECTS):
            raise Unwanted("other_subject")
        if row.answer.strip() in {"", "?"}:
            raise Unwanted("answer_withheld")
        images = [image(shard, name, "") for name in row.images()]
        texts = _list(row.options)
        if not texts:
            answer = str((_list(row.answer) or [row.answer])[0])
            return open_question(shard, index, row.question, answer, row.id, images)
        options = options_of(texts)
        return choice(shard, index, row.question, options, row.answer, row.id, images)

    def split(row: _Question) -> str:
        return row.id or next(iter(row.images()), "")

    return records(rows(shard), shard, _Question, convert, split)


def _list(value: Any) -> list[Any]:
    """A list, or what a string writes as a Python list; other strings are no list."""
    if value is None or isinstance(value, list):
        return value or []
    if not isinstance(value, str) or len(value) > _LONGEST_LIST:
        raise BrokenRecord("options: not a list")
    if not value.strip().startswith("["):
        return []
    try:
        parsed = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise BrokenRecord("options: not a Python list") from None
    return list(parsed)
