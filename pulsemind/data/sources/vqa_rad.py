"""VQA-RAD: a JSON list of questions about radiology images, which lie in `images/` beside it.

The official split stands in `phrase_type`, not in the file's name: `test_*` are test questions, the
others training ones. Answers are texts or numbers; `answer_type` says which questions are closed
(not all of those are answered by yes or no).
"""

from __future__ import annotations

from collections.abc import Iterator

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.questions import is_closed, open_question
from pulsemind.data.sources.reading import Item, Raw, Row, Text, image, records, rows


class _Question(Row):
    qid: Text = ""
    image_name: Text
    question: Text
    answer: Text
    phrase_type: Text
    answer_type: Text = ""


def read(shard: Shard) -> Iterator[Item]:
    """Stream a VQA-RAD file."""

    def convert(row: _Question, index: int) -> Raw:
        images = [image(shard, row.image_name)]
        closed = is_closed(row.answer_type, row.answer)
        return open_question(shard, index, row.question, row.answer, row.qid, images, closed=closed)

    def split(row: _Question) -> str:
        return "test" if row.phrase_type.startswith("test") else "train"

    return records(rows(shard), shard, _Question, convert, split)
