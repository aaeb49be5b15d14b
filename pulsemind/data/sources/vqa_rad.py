"""VQA-RAD: a JSON list of questions about radiology images, which lie in `images/` beside it.

The official split stands in `phrase_type`: `test_*` are test questions, the others are skipped
(and counted). Answers are texts or numbers; all questions are open ones for us.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pulsemind.data.sources.reading import (
    BrokenRecord,
    Item,
    Raw,
    Row,
    Skipped,
    json_list,
    language,
    provenance,
    record_id,
    records,
)
from pulsemind.records import ImageRef, QAItem
from pulsemind.settings import Source


class _Question(Row):
    qid: str = ""
    image_name: str
    question: str
    answer: str
    phrase_type: str


def read(path: Path, source: Source) -> Iterator[Item]:
    """Stream the test questions of a VQA-RAD file."""

    def convert(row: _Question, index: int) -> Raw | Skipped:
        if not row.phrase_type.startswith("test"):
            return Skipped(index, "not_test_split")
        if not row.question.strip() or not row.answer.strip():
            raise BrokenRecord("question or answer: empty")
        return Raw(
            QAItem(
                id=record_id(source, index),
                benchmark=source.name,
                kind="open",
                language=language(row.question),
                question=row.question.strip(),
                answer=row.answer.strip(),
                images=(ImageRef(path=f"images/{row.image_name}"),),
                provenance=provenance(source, index, row.qid),
            )
        )

    return records(json_list(path, source), source, _Question, convert)
