"""MMLU, the six clinical subjects; rows of other subjects are skipped as `other_subject`.

Three shapes: the evaluation kit's (`questions.py`) with `subject`; the hub's (cais/mmlu, Parquet)
`{question, subject, choices: [4 texts], answer: index from 0}`; and the official CSV files without
header, `question, A, B, C, D, letter`, whose name is the subject (`anatomy_test.csv`). Hub schema
from its dataset page, CSV from the repository hendrycks/test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.questions import choice, options_of, split_options
from pulsemind.data.sources.reading import (
    BrokenRecord,
    Item,
    Raw,
    Row,
    Text,
    Unwanted,
    records,
    rows,
)

SUBJECTS = (
    "anatomy",
    "clinical_knowledge",
    "college_biology",
    "college_medicine",
    "medical_genetics",
    "professional_medicine",
)
_COLUMNS = ("question", "A", "B", "C", "D", "answer")


class _Question(Row):
    question: Text
    subject: Text = ""
    choices: list[Text] | None = None
    answer: Any = None
    label: Any = None
    A: Text = ""
    B: Text = ""
    C: Text = ""
    D: Text = ""


def read(shard: Shard) -> Iterator[Item]:
    """Stream an MMLU file in one of the three shapes."""
    name = PurePosixPath(shard.file).stem
    of_file = next((subject for subject in SUBJECTS if name.startswith(subject)), "")

    def convert(row: _Question, index: int) -> Raw:
        if (row.subject or of_file) not in SUBJECTS:
            raise Unwanted("other_subject")
        if row.label is not None:
            question, options = split_options(row.question)
            return choice(shard, index, question, options, row.label)
        if row.choices is None:
            options = {"A": row.A, "B": row.B, "C": row.C, "D": row.D}
            return choice(shard, index, row.question, options, row.answer)
        options = options_of(list(row.choices))
        right = row.answer
        if isinstance(right, int) and not isinstance(right, bool):
            if not 0 <= right < len(options):
                raise BrokenRecord("answer: no such choice")
            right = list(options)[right]
        return choice(shard, index, row.question, options, right)

    return records(rows(shard, _COLUMNS), shard, _Question, convert)
