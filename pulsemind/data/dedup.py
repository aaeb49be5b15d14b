"""Duplicates among all records: equal ones by fingerprint, near ones by MinHash and a comparison.

The first of two is kept, so rows must be in order of trust. Bands are compared one after another
(sort, then neighbours), which needs 32 bytes a record; what they propose is checked on the sketches
and then on the texts themselves, so that nothing is dropped on a chance collision. A record counts
as a duplicate only of one with the same images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pulsemind.data.keys import PERMUTATIONS, Keys
from pulsemind.data.text import I64, U64, shingles, similarity, token_hashes

FIRST_COMPARED = 4
"""A record is compared with so many first ones of its bucket, and with the one before it."""


BLOCK = 4096
"""Pairs whose texts are read together."""


@dataclass(frozen=True)
class Duplicate:
    """Row `row` repeats row `owner`, which comes earlier and is kept."""

    row: int
    owner: int
    near: bool
    """False when the two are equal but for case, width and punctuation."""


def duplicates(
    shards: Sequence[Keys], text: Callable[[int], str], threshold: float, kept: int = 0
) -> Iterator[Duplicate]:
    """Find the rows to drop, in order.

    Args:
        shards: keys of all shards in order of trust; rows are numbered through them.
        text: the whole text of a row, read only to verify a pair.
        threshold: Jaccard similarity of shingles from which two texts are near duplicates.
        kept: the first so many rows are never dropped (evaluation sets).
    """
    owners: dict[int, int] = {}
    pairs = np.sort(np.concatenate((_equal(shards), _similar(shards, threshold) | _NEAR)))
    for start in range(0, len(pairs), BLOCK):
        block = pairs[start : start + BLOCK]
        own = _Shingles(text, np.unique(np.concatenate(_rows(block[(block & _NEAR) != 0]))))
        for pair in block.tolist():
            row, near, first = pair >> 33, bool(pair & int(_NEAR)), pair & 0xFFFFFFFF
            if row < kept or row in owners:
                continue
            owner = owners.get(first, first)
            if not near or similarity(own.of(owner), own.of(row)) >= threshold:
                owners[row] = owner
                yield Duplicate(row, owner, near)


class _Shingles:
    """The shingles of some rows, made together, and of any other row when it is asked for."""

    def __init__(self, text: Callable[[int], str], rows: I64) -> None:
        self._text = text
        self._place = {row: place for place, row in enumerate(rows.tolist())}
        self._found = shingles(token_hashes([text(row) for row in self._place]))

    def of(self, row: int) -> U64:
        """The shingles of a row."""
        if row in self._place:
            return self._found.of(self._place[row])
        return shingles(token_hashes([self._text(row)])).values


_NEAR = np.uint64(1 << 32)


def _pairs(first: I64, row: I64) -> U64:
    """Pairs as numbers that sort by row; 31 bits of row, one for `_NEAR`, 32 of the earlier row."""
    return (row.astype(np.uint64) << np.uint64(33)) | first.astype(np.uint64)


def _rows(pairs: U64) -> tuple[I64, I64]:
    """The rows of pairs, and the earlier rows."""
    return (pairs >> np.uint64(33)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(
        np.int64
    )


def _equal(shards: Sequence[Keys]) -> U64:
    """Pairs of a row and the first one with its fingerprint."""
    text = np.concatenate([keys.text for keys in shards])
    order = np.lexsort((text[:, 1], text[:, 0]))
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (text[order[1:]] != text[order[:-1]]).any(axis=1)
    first = order[np.flatnonzero(fresh)][np.cumsum(fresh) - 1]
    return _pairs(first[~fresh], order[~fresh])


def _similar(shards: Sequence[Keys], threshold: float) -> U64:
    """Pairs that share a band and whose sketches do not speak against them."""
    found = np.zeros(0, np.uint64)
    for band in range(len(shards[0].bands)):
        values = np.concatenate([keys.bands[band] for keys in shards])
        fresh = np.setdiff1d(_neighbours(values), found, assume_unique=True)
        found = np.union1d(found, fresh[_alike(shards, fresh, threshold)])
    return found


def _neighbours(values: U64) -> U64:
    """Pairs of rows with equal values: with the first few of their bucket and the one before."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    begins = np.flatnonzero(fresh)
    sizes = np.diff(np.concatenate((begins, [len(order)])))
    position = np.flatnonzero(np.repeat(sizes > 1, sizes))  # most rows are alone in their bucket
    begin = np.repeat(begins, sizes)[position]
    later = position > begin
    pairs = [_pairs(order[position[later] - 1], order[position[later]])]
    for step in range(FIRST_COMPARED):
        later = position > begin + step
        pairs.append(_pairs(order[begin[later] + step], order[position[later]]))
    return np.unique(np.concatenate(pairs))


def _alike(shards: Sequence[Keys], pairs: U64, threshold: float) -> npt.NDArray[np.bool_]:
    """Whether the sketches leave it possible that a pair reaches the threshold.

    The share of equal signature values estimates the similarity J with a standard error of
    sqrt(J (1 - J) / 128); four of them are allowed.
    """
    starts = np.cumsum([0, *(len(keys.index) for keys in shards)])
    least = threshold - 4 * (threshold * (1 - threshold) / PERMUTATIONS) ** 0.5
    share = np.zeros(len(pairs))
    for begin in range(0, len(pairs), 65536):
        sides = _rows(pairs[begin : begin + 65536])
        one, two = (_sketches(shards, starts, side) for side in sides)
        share[begin : begin + 65536] = (one == two).mean(axis=1)
    return np.asarray(share >= least)


def _sketches(shards: Sequence[Keys], starts: I64, rows: I64) -> npt.NDArray[np.uint8]:
    found = np.empty((len(rows), PERMUTATIONS), np.uint8)
    shard = np.searchsorted(starts, rows, side="right") - 1
    for number in np.unique(shard):
        mine = shard == number
        found[mine] = shards[number].sketch[rows[mine] - starts[number]]
    return found
