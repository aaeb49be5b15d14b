"""No training record overlaps an evaluation set (SPEC section 3, "Decontamination").

Three rules, each enough: the whole dialogue equals or nearly equals a benchmark's; a patient turn
shares a run of tokens with a benchmark's patient turn or question; an image's pHash is within a
small distance of a benchmark image's. Clauses that only thank or agree are left out of the runs
(ours): of 200 real CMtMedQA dialogues 39 shared 13 characters with 100 others, all 39 in such words
or a stock phrase and none in a case. The benchmarks are read first and held as hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pulsemind.data.dedup import TextIndex
from pulsemind.data.text import runs
from pulsemind.records import Consultation, QAItem

_CLAUSE = r"[^。！？!?，,；;.\n]*"
_COURTESY = re.compile(
    rf"{_CLAUSE}(?:谢|明白了|知道了|我会(?:注意|按|尽|照|遵|坚持|继续|考虑|尝试|好好|认真|及时|去)"
    rf"|还有(?:什么|其他)|\bthank|\bI(?:\s+wi|')ll\b){_CLAUSE}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Overlap:
    """Which benchmark a training record overlaps, and in what."""

    benchmark: str
    kind: str  # "text" or "image"


class BenchmarkIndex:
    """What the evaluation sets contain."""

    def __init__(self, similarity: float, ngram: int, image_distance: int, seed: int) -> None:
        self._texts = TextIndex(similarity, seed)
        self._ngram, self._distance = ngram, image_distance
        self._runs: dict[bytes, str] = {}
        self._images: dict[int, str] = {}
        self._hashes: npt.NDArray[np.uint64] | None = None

    def add(self, record: Consultation | QAItem, phashes: Iterable[int]) -> None:
        """Remember an evaluation record and the pHashes of its images."""
        name = record.provenance.source
        if isinstance(record, Consultation):
            self._texts.add(record.text(), name)
        for text in asked(record):
            self._runs.update(dict.fromkeys(runs(text, self._ngram), name))
        self._images.update(dict.fromkeys(phashes, name))
        self._hashes = None

    def overlap(self, record: Consultation, phashes: Iterable[int]) -> Overlap | None:
        """The first overlap of a training record, or None."""
        if found := self._texts.find(record.text()):
            return Overlap(found[1], "text")
        for text in asked(record):
            shared = sorted(self._runs[run] for run in runs(text, self._ngram) & self._runs.keys())
            if shared:
                return Overlap(shared[0], "text")
        for phash in phashes:
            if (name := self._image(phash)) is not None:
                return Overlap(name, "image")
        return None

    def close(self) -> None:
        """Delete the temporary file."""
        self._texts.close()

    def _image(self, phash: int) -> str | None:
        if self._hashes is None:
            self._hashes = np.array(list(self._images), dtype=np.uint64)
        near = np.bitwise_count(self._hashes ^ np.uint64(phash)) <= self._distance
        return list(self._images.values())[int(np.argmax(near))] if near.any() else None


def asked(record: Consultation | QAItem) -> list[str]:
    """What a record asks: its question, or its patient turns cut at clauses of courtesy."""
    if isinstance(record, QAItem):
        return [record.question]
    texts = [turn.text for turn in record.turns if turn.role == "patient"]
    return [part for text in texts for part in _COURTESY.split(text) if part.strip()]
