"""PathVQA: questions about pathology images, half of them closed ones (yes or no).

The early native release writes one `{Image_ID, Questions, Answers}` a line, each with a comma at
its end; it tells no split, and its images are taken to be `images/IMAGE_ID.jpg` (the release with
images was not at hand). The hub's copy (flaviagiammarino/path-vqa, Parquet) is `{image: {bytes,
path}, question, answer}`, the split in the file's name; its schema is from the dataset page.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import AliasChoices, Field

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.questions import is_closed, open_question
from pulsemind.data.sources.reading import BrokenRecord, Item, Raw, Row, Text, image, records, rows


class _Question(Row):
    image_id: Text = Field("", alias="Image_ID")
    image: str | None = None
    question: Text = Field(validation_alias=AliasChoices("Questions", "question"))
    answer: Text = Field(validation_alias=AliasChoices("Answers", "answer"))


def read(shard: Shard) -> Iterator[Item]:
    """Stream a PathVQA file in either shape."""

    def convert(row: _Question, index: int) -> Raw:
        name = row.image or (f"{row.image_id}.jpg" if row.image_id else "")
        if not name:
            raise BrokenRecord("image: none")
        images = [image(shard, name, kind="pathology")]
        closed = is_closed("", row.answer)
        return open_question(shard, index, row.question, row.answer, images=images, closed=closed)

    return records(rows(shard), shard, _Question, convert)
