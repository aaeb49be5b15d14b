"""SLAKE: a JSON list of questions in English and Chinese about CT, MRI and X-ray images.

`{img_id, img_name: "xmlab102/source.jpg", question, answer, q_lang, modality, answer_type, qid}`;
images lie in `imgs/` beside the file. The split is the file's (train, validate, test.json); a
`split` key, which some copies have, wins over it. `answer_type` says which questions are closed.
"""

from __future__ import annotations

from collections.abc import Iterator

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.kinds import image_kind
from pulsemind.data.sources.questions import is_closed, open_question
from pulsemind.data.sources.reading import Item, Raw, Row, Text, image, records, rows
from pulsemind.records import Language


class _Question(Row):
    qid: Text = ""
    img_name: Text
    question: Text
    answer: Text
    q_lang: Language | None = None
    modality: Text = ""
    answer_type: Text = ""
    split: Text = ""


def read(shard: Shard) -> Iterator[Item]:
    """Stream a SLAKE file."""

    def convert(row: _Question, index: int) -> Raw:
        images = [image(shard, row.img_name, "imgs", image_kind(row.modality))]
        closed = is_closed(row.answer_type, row.answer)
        raw = open_question(shard, index, row.question, row.answer, row.qid, images, closed=closed)
        language = row.q_lang or raw.record.language
        return Raw(raw.record.model_copy(update={"language": language}))

    return records(rows(shard), shard, _Question, convert, split=lambda row: row.split)
