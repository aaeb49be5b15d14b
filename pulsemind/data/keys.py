"""What the comparison of records needs to know of a shard, as arrays, so that no text is held.

Per record: 128 bits of its text, MinHash bands and a sketch of the signature, its images' pHashes,
where its line begins, and a random number that decides its split. About 500 bytes a record, read
from the disk as they are needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from pulsemind.artifacts import writing
from pulsemind.data.cut import images_of
from pulsemind.data.decontaminate import Benchmarks, overlaps
from pulsemind.data.sources import ADAPTERS
from pulsemind.data.split import proposal
from pulsemind.data.text import I64, U64, Hashes, fingerprints, shingles, token_hashes
from pulsemind.records import Consultation, QAItem
from pulsemind.settings import DatasetSettings, Source

PERMUTATIONS = 128
RECALL = 0.999
"""Chance that a pair exactly at the threshold becomes a candidate."""


@dataclass(frozen=True)
class Keys:
    """The arrays of n records; `b` bands. Rows are records unless said otherwise."""

    index: I64
    """Number of the raw record in its file."""
    line: I64
    """Byte at which its line begins in `records.jsonl`."""
    original: U64
    """Hash of its original id, 0 without one."""
    text: U64
    """Fingerprint of text and images, shape (n, 2)."""
    bands: U64
    """Hashes of the signature's bands and the images, shape (b, n)."""
    sketch: npt.NDArray[np.uint8]
    """Low bytes of the signature, shape (n, 128)."""
    phashes: U64
    """pHashes of all images, record after record."""
    contents: U64
    """Hashes of the images' contents, like `phashes`."""
    images: I64
    """Where each record's pHashes begin, and the end; length n + 1."""
    answered: I64
    """Tokens of its physician turns."""
    split: npt.NDArray[np.int8]
    """The split proposed for it (`split.proposal`), and its share as a query."""
    share: npt.NDArray[np.float64]
    overlap: npt.NDArray[np.int16]
    """The evaluation set it overlaps by each rule (`decontaminate.overlaps`)."""

    def save(self, folder: Path) -> None:
        """Write one `.npy` file an array."""
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name))

    @classmethod
    def load(cls, folder: Path) -> Keys:
        """The arrays as memory maps: only what is looked at is read."""
        names = [field.name for field in fields(cls)]
        return cls(**{n: np.load(folder / f"{n}.npy", mmap_mode="r") for n in names})


def bands_for(threshold: float) -> int:
    """Fewest bands of the signature that give candidates at the threshold with `RECALL`."""
    for rows in (32, 16, 8, 4, 2):
        count = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** count >= RECALL:
            return count
    return PERMUTATIONS


def make_keys(
    shard: Path, source: Source, benchmarks: Path | None, settings: DatasetSettings, out: Path
) -> None:
    """Write the keys of a shard of records as the artifact `out`.

    Args:
        benchmarks: the index of the evaluation sets; None for a shard of one of them.
    """
    records, lines = read_records(shard, source)
    sets = Benchmarks.load(benchmarks) if benchmarks else Benchmarks.empty()
    with writing(out, "keys") as folder:
        keys_of(records, lines, sets, source, settings).save(folder)


def read_records(shard: Path, source: Source) -> tuple[list[Consultation | QAItem], list[int]]:
    """All records of a shard, and the byte at which each one's line begins."""
    records: list[Consultation | QAItem] = []
    starts = []
    position = 0
    model = model_of(source)
    with shard.open("rb") as handle:
        for line in handle:
            records.append(model.model_validate_json(line))
            starts.append(position)
            position += len(line)
    return records, starts


def model_of(source: Source) -> type[Consultation] | type[QAItem]:
    """What the records of a source are: questions only in the evaluation sets that ask them."""
    asks = source.use == "benchmark" and ADAPTERS[source.adapter].kind == "qa"
    return QAItem if asks else Consultation


def keys_of(
    records: Sequence[Consultation | QAItem],
    lines: Sequence[int],
    sets: Benchmarks,
    source: Source,
    settings: DatasetSettings,
) -> Keys:
    """The arrays of a shard; `lines` says where each record's line begins."""
    phashes = [[int(i.phash, 16) for i in images_of(record)] for record in records]
    shown = np.array([_shown(own) for own in phashes], np.uint64)
    found = token_hashes([whole_text(record) for record in records])
    signatures = signatures_of(found, settings.seed)
    proposals = [proposal(record, source, settings) for record in records]
    count = bands_for(settings.near_duplicate_similarity)
    distance = settings.contamination_image_distance
    return Keys(
        index=np.array([record.provenance.index for record in records], np.int64),
        line=np.array(lines, np.int64),
        original=np.array([_hash(r.provenance.original_id) for r in records], np.uint64),
        text=fingerprints(found) ^ shown[:, np.newaxis],
        bands=bands_of(signatures, count) ^ shown,
        sketch=signatures.astype(np.uint8),
        phashes=np.array([phash for own in phashes for phash in own], np.uint64),
        contents=np.array([_hash(i.sha256) for r in records for i in images_of(r)], np.uint64),
        images=np.cumsum([0, *map(len, phashes)]).astype(np.int64),
        answered=np.diff(token_hashes([_answer(record) for record in records]).offsets),
        split=np.array([split for split, _ in proposals], np.int8),
        share=np.array([share for _, share in proposals], np.float64),
        overlap=overlaps(records, sets, settings.contamination_ngram, distance),
    )


def signatures_of(found: Hashes, seed: int) -> npt.NDArray[np.uint32]:
    """MinHash signatures over the texts' shingles, shape (texts, PERMUTATIONS)."""
    own = shingles(found)
    if len(own.offsets) == 1:
        return np.zeros((0, PERMUTATIONS), np.uint32)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        own.values, own.offsets.astype(np.uint64), PERMUTATIONS, seed
    )
    return np.array(matrix.to_rows(), np.uint32)


def whole_text(record: Consultation | QAItem) -> str:
    """All of a record's text: the dialogue, or question, options and answer."""
    if isinstance(record, Consultation):
        return record.text()
    return "\n".join([record.question, *record.options.values(), record.answer])


def _answer(record: Consultation | QAItem) -> str:
    if isinstance(record, QAItem):
        return record.answer
    return "\n".join(turn.text for turn in record.turns if turn.role == "physician")


def bands_of(signatures: npt.NDArray[np.uint32], count: int) -> U64:
    """A hash for each band of each signature, shape (count, texts)."""
    rows = signatures.reshape(len(signatures), count, PERMUTATIONS // count).astype(np.uint64)
    bands = np.zeros((count, len(signatures)), np.uint64)
    for row in range(rows.shape[2]):
        bands = (bands ^ rows[:, :, row].T) * np.uint64(0x9E3779B97F4A7C15)
        bands ^= bands >> np.uint64(29)
    return bands


def _shown(phashes: list[int]) -> int:
    """A number for the set of images, 0 without any: equal texts about other images differ."""
    return _hash(" ".join(f"{phash:016x}" for phash in sorted(set(phashes)))) if phashes else 0


def _hash(text: str) -> int:
    if not text:
        return 0
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
