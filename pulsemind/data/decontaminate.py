"""No training record overlaps an evaluation set (SPEC section 3, "Decontamination").

Five rules say in what a record overlaps a set; which of them block is a setting of each set, and
all are counted, so that the card shows what every choice would remove:

    text                the whole dialogue equals or nearly equals one of the set (`dedup`)
    ngram               a run of tokens in what is asked is also in what the set asks
    question            the same question, to the token
    image               an image's pHash is within a small distance of one of the set's
    question_and_image  both in the same item of the set

Clauses that only thank or agree are left out of the runs (ours): of 200 real CMtMedQA dialogues 39
shared 13 characters with 100 others, all 39 in such words or a stock phrase and none in a case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain, groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pulsemind.data.cut import images_of
from pulsemind.data.detectors import PLACEHOLDER
from pulsemind.data.text import I64, U64, fingerprints, run_hashes, token_hashes
from pulsemind.records import Consultation, QAItem
from pulsemind.settings import OverlapRule

RULES: tuple[OverlapRule, ...] = ("text", "ngram", "question", "image", "question_and_image")
I16 = npt.NDArray[np.int16]
NO_SET = -1

_CLAUSE = re.compile(r"[^。！？!?，,；;.\n]*[。！？!?，,；;.\n]?")
_COURTESY = re.compile(
    "谢|明白了|知道了|我会(?:注意|按|尽|照|遵|坚持|继续|考虑|尝试|好好|认真|及时|去)"
    r"|还有(?:什么|其他)|\bthank|\bI(?:\s+wi|')ll\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Benchmarks:
    """What the evaluation sets contain. A set is known by its number in the settings' order."""

    runs: U64
    """Hashes of runs of tokens, sorted; `runs_set` names the set of each."""
    runs_set: I16
    questions: U64
    """First half of the questions' fingerprints, sorted, with `questions_set`."""
    questions_set: I16
    phashes: U64
    """pHash of each image, with its set and its item's question."""
    phashes_set: I16
    phashes_question: U64

    def save(self, folder: Path) -> None:
        """Write one `.npy` file an array."""
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name))

    @classmethod
    def empty(cls) -> Benchmarks:
        """The index of no sets."""
        return index([], 1)

    @classmethod
    def load(cls, folder: Path) -> Benchmarks:
        """Read what `save` wrote."""
        return cls(**{field.name: np.load(folder / f"{field.name}.npy") for field in fields(cls)})


def index(sets: Sequence[Sequence[Consultation | QAItem]], ngram: int) -> Benchmarks:
    """The index of the evaluation sets, given in the settings' order."""
    number = [n for n, records in enumerate(sets) for _ in records]
    records = list(chain.from_iterable(sets))
    runs, of_run = _runs(records, ngram)
    questions = _questions(records)
    phashes = [(phash, i) for i, record in enumerate(records) for phash in _phashes(record)]
    of_phash = np.array([i for _, i in phashes], np.int64)
    sets_of = np.array(number, np.int16)
    sorted_runs, sorted_questions = _first_of_each(runs), _first_of_each(questions)
    return Benchmarks(
        runs=runs[sorted_runs],
        runs_set=sets_of[of_run[sorted_runs]],
        questions=questions[sorted_questions],
        questions_set=sets_of[sorted_questions],
        phashes=np.array([phash for phash, _ in phashes], np.uint64),
        phashes_set=sets_of[of_phash],
        phashes_question=questions[of_phash],
    )


def overlaps(
    records: Sequence[Consultation | QAItem], sets: Benchmarks, ngram: int, distance: int
) -> I16:
    """Which set each training record overlaps by each rule, `NO_SET` for none.

    Shape (len(RULES), len(records)); the row of `text` is left to `dedup`.
    """
    found = np.full((len(RULES), len(records)), NO_SET, np.int16)
    if not len(sets.questions):
        return found
    runs, of_run = _runs(records, ngram)
    hits = _lookup(sets.runs, sets.runs_set, runs)
    shared = hits != NO_SET
    found[RULES.index("ngram"), of_run[shared]] = hits[shared]
    questions = _questions(records)
    found[RULES.index("question")] = _lookup(sets.questions, sets.questions_set, questions)
    if len(sets.phashes):
        for row, record in enumerate(records):
            for phash in _phashes(record):
                near = np.bitwise_count(sets.phashes ^ np.uint64(phash)) <= distance
                same = near & (sets.phashes_question == questions[row])
                for rule, hit in (("image", near), ("question_and_image", same)):
                    if hit.any():
                        found[RULES.index(rule), row] = sets.phashes_set[int(np.argmax(hit))]
    return found


def asked(record: Consultation | QAItem) -> list[str]:
    """What a record asks: its question, or its patient turns cut at clauses of courtesy."""
    if isinstance(record, QAItem):
        return [record.question]
    texts = [turn.text for turn in record.turns if turn.role == "patient"]
    return [
        "".join(clauses)
        for text in texts
        for polite, clauses in groupby(_CLAUSE.findall(text), _is_polite)
        if not polite
    ]


def _is_polite(clause: str) -> bool:
    return bool(_COURTESY.search(clause))


def _phashes(record: Consultation | QAItem) -> list[int]:
    return [int(image.phash, 16) for image in images_of(record)]


def _runs(records: Sequence[Consultation | QAItem], ngram: int) -> tuple[U64, I64]:
    """Hashes of all runs of what is asked, and the record of each; none spans a replaced value."""
    parts = [
        (part, i)
        for i, record in enumerate(records)
        for text in asked(record)
        for part in PLACEHOLDER.split(text)
    ]
    hashes = run_hashes(token_hashes([part for part, _ in parts]), ngram)
    owners = np.array([i for _, i in parts], np.int64)
    return hashes.values, owners[hashes.owners()]


def _questions(records: Sequence[Consultation | QAItem]) -> U64:
    """A number for the question, or for the first thing a patient says."""
    texts = [
        record.question
        if isinstance(record, QAItem)
        else next((turn.text for turn in record.turns if turn.role == "patient"), "")
        for record in records
    ]
    return fingerprints(token_hashes(texts))[:, 0]


def _first_of_each(values: U64) -> I64:
    """Positions that sort the values and take each value once, the first time it stands there."""
    return np.unique(values, return_index=True)[1]


def _lookup(known: U64, sets: I16, wanted: U64) -> I16:
    """The set of each wanted value, or `NO_SET`."""
    if not len(known):
        return np.full(len(wanted), NO_SET, np.int16)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, sets[place], np.int16(NO_SET))
