"""Texts as tokens, hashed a shard at a time with numpy.

A token is a Chinese character, or a word or number of any other script; case, width and
punctuation do not count (Chinese must be shingled by characters: words split at white space find no
Chinese duplicates). All that compares texts - equal, nearly equal, sharing a run of tokens -
compares 64-bit hashes of runs of tokens, which this module makes for many texts at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

SHINGLE = 3
"""Tokens in a shingle."""
_WORD = r"[^\W_\u3400-\u9fff]+"
_TOKEN = re.compile(rf"[\u3400-\u9fff]|{_WORD}(?:\.(?=\d){_WORD})*")
_CODES = 0x20000  # what lies above is rare and separates words
_NONE, _LETTER, _DIGIT, _CHINESE = range(4)
_LONGEST = 4096  # the powers of a longer word's characters repeat


@dataclass(frozen=True)
class Hashes:
    """Hashes of several texts, one after another: those of text i are `of(i)`."""

    values: U64
    offsets: I64
    """Where each text begins, and the end; length texts + 1."""

    def of(self, text: int) -> U64:
        """The hashes of one text."""
        return self.values[self.offsets[text] : self.offsets[text + 1]]

    def owners(self) -> I64:
        """The number of its text for each hash."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def tokens(text: str) -> list[str]:
    """Chinese characters one by one, words and numbers (1.5) whole; lower case, no punctuation."""
    return _TOKEN.findall(_codes([text]).tobytes().decode("utf-32-le", "surrogatepass"))


def token_hashes(texts: Sequence[str]) -> Hashes:
    """A hash for each token of each text."""
    codes = _codes(texts)
    classes = _tables()[1][codes]
    chinese = classes == _CHINESE
    word = (classes == _LETTER) | (classes == _DIGIT)
    if len(codes) > 2:  # a point between a word's character and a digit belongs to the word
        point = (codes[1:-1] == ord(".")) & word[:-2] & (classes[2:] == _DIGIT)
        word[1:-1] |= point
    begins = chinese | (word & ~np.concatenate(([False], word[:-1])))
    inside = np.flatnonzero(chinese | word)
    starts = np.flatnonzero(begins)
    token = np.cumsum(begins)[inside] - 1
    position = (inside - starts[token]) % _LONGEST
    values = (codes[inside].astype(np.uint64) + np.uint64(1)) * _powers()[position]
    ends = np.searchsorted(starts, np.flatnonzero(codes == 0))
    first = np.flatnonzero(begins[inside])
    sums = np.add.reduceat(values, first) if len(first) else values[:0]
    return Hashes(_mix(sums), np.concatenate(([0], ends)).astype(np.int64))


def run_hashes(found: Hashes, length: int, shorter: bool = False) -> Hashes:
    """A hash for each run of `length` tokens of each text, from the hashes of its tokens.

    With `shorter`, a text of fewer tokens counts as one run; otherwise it has none.
    """
    size = len(found.values)
    begin, end = found.offsets[:-1], found.offsets[1:]
    own_end = np.repeat(end, np.diff(found.offsets))
    index = np.arange(size)
    runs = np.zeros(size, np.uint64)
    padded = np.concatenate((found.values, np.zeros(length, np.uint64)))
    for step in range(length):
        part = np.where(index + step < own_end, padded[step : step + size], np.uint64(0))
        runs = runs * _MULTIPLIER + part
    keep = index + length <= own_end
    if shorter:
        keep[begin[end > begin]] = True
    counted = np.concatenate(([0], np.cumsum(keep)))
    return Hashes(_mix(runs[keep]), counted[found.offsets])


def shingles(found: Hashes) -> Hashes:
    """Hashes of the runs of three tokens; a shorter text is one shingle."""
    return run_hashes(found, SHINGLE, shorter=True)


def similarity(first: U64, second: U64) -> float:
    """Jaccard similarity of two sets of shingles, 0 to 1."""
    one, two = np.unique(first), np.unique(second)
    shared = len(np.intersect1d(one, two, assume_unique=True))
    return shared / max(1, len(one) + len(two) - shared)


def fingerprints(found: Hashes) -> U64:
    """128 bits a text, shape (texts, 2), equal when the tokens are the same."""
    lengths = np.diff(found.offsets)
    position = np.arange(len(found.values)) - np.repeat(found.offsets[:-1], lengths)
    columns = []
    for seed in (1, 2):
        placed = _mix(found.values * np.uint64(2 * seed + 1) + _mix(position.astype(np.uint64)))
        sums = np.concatenate(([np.uint64(0)], np.cumsum(placed, dtype=np.uint64)))
        columns.append(_mix(sums[found.offsets[1:]] - sums[found.offsets[:-1]]))
    return np.stack(columns, axis=1)


_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def _mix(values: U64) -> U64:
    """Spread the bits of each value (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _codes(texts: Sequence[str]) -> npt.NDArray[np.uint32]:
    """Code points with case and width folded, a 0 after each text and nowhere else."""
    joined = "".join(text.replace("\0", " ") + "\0" for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    return _tables()[0][np.where(codes < _CODES, codes, np.uint32(ord(" ")))]


@cache
def _tables() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """The folded form and the class of every code point; one that would fold to several stays."""
    folded = np.arange(_CODES, dtype=np.uint32)
    classes = np.zeros(_CODES, np.uint8)
    for code in range(_CODES):
        character = unicodedata.normalize("NFKC", chr(code)).lower()
        if len(character) == 1 and ord(character) < _CODES:
            folded[code] = ord(character)
    for code in range(_CODES):
        character = chr(folded[code])
        if character.isalnum():
            classes[code] = _DIGIT if character.isdecimal() else _LETTER
    classes[0x3400:0xA000] = _CHINESE
    return folded, classes


@cache
def _powers() -> U64:
    powers = [1]
    for _ in range(_LONGEST - 1):
        powers.append(powers[-1] * 0x100000001B3 % 2**64)
    return np.array(powers, np.uint64)
