"""What a training row holds: dialogues measured, cut at turn boundaries, packed by best fit.

Records stay on disk (Arrow files, memory-mapped): only a few integers a record are held in memory,
below 1 GB for the 26 million pairs of stage 1.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, load_dataset
from numpy.typing import NDArray
from PIL import Image

from pulsemind import artifacts
from pulsemind.artifacts import ArtifactError
from pulsemind.model.chat import render, reply_spans
from pulsemind.records import Consultation, Record, Turn

Lengths = NDArray[np.int64]
WINDOW = 10_000
"""Records packed together: enough to fill rows to the brim, few enough to stream."""


class LeftOver(Record):
    """What the length limit took from a set of records."""

    records: int
    cut: int
    """Records that lost physician turns."""
    turns_cut: int
    """Physician turns that they lost together."""
    too_long: int
    """Records left out: not even their first exchange fits."""
    silent: int
    """Records left out: no physician turn to learn from."""


@dataclass(frozen=True)
class Rows:
    """Training rows, each a list of records (JSON line and turns to keep) that fit together.

    A map-style torch data set: `rows[i]` is a list of `{"text", "turns", "length"}`.
    """

    records: Dataset
    order: Lengths
    """Record numbers, row after row."""
    starts: Lengths
    """Where each row starts in `order`, and the end."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return int(_column(self.records, "length")[self.order].sum())

    def __getitem__(self, row: int) -> list[dict[str, Any]]:
        chosen = self.order[self.starts[row] : self.starts[row + 1]]
        return [self.records[int(number)] for number in chosen]


def exchange_lengths(processor: Any, turns: Sequence[Turn], folder: Path) -> list[int]:
    """Tokens of every beginning of a dialogue that ends with a physician turn, images counted.

    Equals the length of `encode` on that beginning, but reads only the images' headers.
    """
    tokenizer = processor.tokenizer
    ids = tokenizer(render(processor, turns, reply=False))["input_ids"]
    newline = len(tokenizer.encode("\n", add_special_tokens=False))  # closes every turn
    pad = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    places = [place for place, token in enumerate(ids) if token == pad]
    more = np.cumsum([0, *(tokens - 1 for tokens in _image_tokens(processor, turns, folder))])
    return [
        stop + newline + int(more[bisect_left(places, stop)])
        for _, stop in reply_spans(processor, ids)
    ]


def _image_tokens(processor: Any, turns: Sequence[Turn], folder: Path) -> list[int]:
    sizes = []
    for turn in turns:
        for reference in turn.images:
            with Image.open(folder / reference.path) as image:
                sizes.append((image.height, image.width))
    vision = processor.image_processor
    return [vision.get_number_of_image_patches(*size, {}) // vision.merge_size**2 for size in sizes]


def read_text(data: Path, part: str, cache: Path) -> Dataset:
    """The JSON lines below `data/part`, memory-mapped from a copy below `cache`.

    Raises ArtifactError when `data` is no finished artifact, lacks a shard or has no records there.
    """
    files = [name for name in artifacts.manifest(data)["files"] if name.startswith(f"{part}/")]
    missing = [name for name in files if not (data / name).is_file()]
    if missing:
        raise ArtifactError(
            f"{data} lacks {', '.join(missing)}, which its manifest names: restore it "
            "(`dvc checkout`) or build the dataset again"
        )
    if not any((data / name).stat().st_size for name in files):
        raise ArtifactError(f"{data / part} holds no records")
    paths = [str(data / name) for name in sorted(files)]
    return load_dataset("text", data_files=paths, split="train", cache_dir=str(cache / "text"))


def measured(
    records: Dataset, processor: Any, folder: Path, max_length: int, cache: Path, workers: int
) -> Dataset:
    """The records with the turns that fit and their tokens, written once to the file `cache`.

    Columns: `text` (JSON line), `turns` to keep (0: none fits), their `length` in tokens and
    `images`; `replies` and `kept`, the physician turns before and after the cut.

    Args:
        folder: artifact the images lie in.
        max_length: tokens at most; a longer dialogue keeps its beginning, whole turns.
        workers: processes that measure.

    Raises ArtifactError naming the record when an image cannot be read.
    """
    cache.parent.mkdir(parents=True, exist_ok=True)
    return records.map(
        lambda row: _measure(processor, row["text"], folder, max_length),
        num_proc=workers if workers > 1 and len(records) > WINDOW else None,
        cache_file_name=str(cache),
        new_fingerprint=artifacts.text_digest(f"{cache} {max_length}")[:16],
        desc=f"measure {cache.stem}",
    )


def _measure(processor: Any, text: str, folder: Path, max_length: int) -> dict[str, int]:
    record = Consultation.model_validate_json(text)
    ends = [i + 1 for i, turn in enumerate(record.turns) if turn.role == "physician"]
    try:
        lengths = exchange_lengths(processor, record.turns, folder) if ends else []
    except OSError as error:
        raise ArtifactError(f"record {record.id}: an image cannot be read: {error}") from None
    kept = sum(length <= max_length for length in lengths)
    turns = ends[kept - 1] if kept else 0
    return {
        "turns": turns,
        "length": lengths[kept - 1] if kept else 0,
        "replies": len(ends),
        "kept": kept,
        "images": sum(len(turn.images) for turn in record.turns[:turns]),
    }


def left_over(records: Dataset) -> LeftOver:
    """Count what was cut and what was left out."""
    replies, kept = _column(records, "replies"), _column(records, "kept")
    shorter = (kept > 0) & (kept < replies)
    return LeftOver(
        records=len(records),
        cut=int(shorter.sum()),
        turns_cut=int((replies - kept)[shorter].sum()),
        too_long=int(((kept == 0) & (replies > 0)).sum()),
        silent=int((replies == 0).sum()),
    )


def with_images(records: Dataset) -> bool:
    """Whether any record shows an image."""
    return bool(_column(records, "images").any())


def single(records: Dataset) -> Rows:
    """One record a row, in the data's order; those that do not fit left out."""
    order = np.flatnonzero(_column(records, "length"))
    return Rows(records, order, np.arange(len(order) + 1))


def packed(records: Dataset, capacity: int, seed: int) -> Rows:
    """Rows of up to `capacity` tokens, filled by best fit among `WINDOW` records drawn at random.

    Every record that fits is in exactly one row. Depends on lengths and seed only.
    """
    lengths = _column(records, "length")
    order = np.random.default_rng(seed).permutation(np.flatnonzero(lengths))
    filled, sizes = [order[:0]], [np.zeros(1, dtype=np.int64)]
    for at in range(0, len(order), WINDOW):
        window = order[at : at + WINDOW]
        rows = best_fit(lengths[window], capacity)
        filled.append(window[[item for row in rows for item in row]])
        sizes.append(np.array([len(row) for row in rows], dtype=np.int64))
    return Rows(records, np.concatenate(filled), np.cumsum(np.concatenate(sizes)))


def best_fit(lengths: Sequence[int] | Lengths, capacity: int) -> list[list[int]]:
    """Bins of item numbers, each of at most `capacity` in sum: best-fit decreasing.

    Raises ValueError when an item is larger than a bin.
    """
    bins: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (room left, bin), sorted
    for item in sorted(range(len(lengths)), key=lambda i: -int(lengths[i])):
        length = int(lengths[item])
        if length > capacity:
            raise ValueError(f"an item of {length} does not fit into {capacity}")
        place = bisect_left(room, (length, -1))
        if place == len(room):
            bins.append([item])
            insort(room, (capacity - length, len(bins) - 1))
        else:
            left, number = room.pop(place)
            bins[number].append(item)
            insort(room, (left - length, number))
    return bins


def _column(records: Dataset, name: str) -> Lengths:
    return np.asarray(records.data.column(name), dtype=np.int64)
