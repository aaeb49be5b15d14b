"""DermaVQA (iiyi): skin complaints with photographs, each answered by several physicians.

A JSON list of encounters `{encounter_id, image_ids, query_title_zh, query_content_zh, responses:
[{content_zh, completeness, contains_freq_ans}], ...}`, the same texts with `_en` and `_es`. One
encounter is one item, so the language is the adapter's: `dermavqa_zh` or `dermavqa_en`. The
reference is the response that holds the most frequent answer, then the most complete one, then the
first; training files may lack both weights. Images lie in `images/` beside the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.questions import open_question
from pulsemind.data.sources.reading import BrokenRecord, Item, Raw, Row, Text, image, records, rows


class _Response(Row):
    content_zh: Text = ""
    content_en: Text = ""
    completeness: float | None = None
    contains_freq_ans: float | None = None

    def weight(self) -> tuple[float, float]:
        return self.contains_freq_ans or 0.0, self.completeness or 0.0


class _Encounter(Row):
    encounter_id: Text = ""
    image_ids: tuple[str, ...] = ()
    query_title_zh: Text = ""
    query_content_zh: Text = ""
    query_title_en: Text = ""
    query_content_en: Text = ""
    responses: tuple[_Response, ...] = ()


def _read(shard: Shard, language: Literal["zh", "en"]) -> Iterator[Item]:
    def convert(row: _Encounter, index: int) -> Raw:
        if language == "zh":
            asked = (row.query_title_zh, row.query_content_zh)
            answers = [(r.weight(), r.content_zh) for r in row.responses]
        else:
            asked = (row.query_title_en, row.query_content_en)
            answers = [(r.weight(), r.content_en) for r in row.responses]
        answers = [(weight, text) for weight, text in answers if text.strip()]
        if not answers:
            raise BrokenRecord("responses: none in this language")
        _, answer = max(answers, key=lambda entry: entry[0])
        question = "\n".join(part.strip() for part in asked if part.strip())
        images = [image(shard, name) for name in row.image_ids]
        raw = open_question(shard, index, question, answer, row.encounter_id, images)
        return Raw(raw.record.model_copy(update={"language": language}))

    return records(rows(shard), shard, _Encounter, convert)


read_zh = partial(_read, language="zh")
read_en = partial(_read, language="en")
