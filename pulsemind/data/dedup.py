"""Duplicates among texts: equal ones by hash, near ones by MinHash and a real comparison.

The first of two is kept, so feed the sources in order of trust. Shingles are runs of three tokens,
a Chinese character being a token. Signatures are held in memory, texts in a temporary file that is
read only to verify a candidate. Equal images in different dialogues are stored once
(content-addressed) but no dialogue is dropped for them.
"""

from __future__ import annotations

import tempfile
from typing import IO

from rensa import RMinHash, RMinHashLSH

from pulsemind.data.text import fingerprint, shingles, similarity

PERMUTATIONS = 128
RECALL = 0.999
"""Chance that a pair exactly at the threshold becomes a candidate."""


def bands(threshold: float) -> int:
    """Fewest bands of the signature that give candidates at the threshold with `RECALL`."""
    for rows in (32, 16, 8, 4, 2):
        count = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** count >= RECALL:
            return count
    return PERMUTATIONS


class TextIndex:
    """Texts seen so far, to be asked for equal and near-equal ones. Close it after use."""

    def __init__(self, threshold: float, seed: int) -> None:
        self._threshold, self._seed = threshold, seed
        self._exact: dict[bytes, str] = {}
        self._near = RMinHashLSH(threshold, PERMUTATIONS, bands(threshold))
        self._kept: list[tuple[str, int, int]] = []  # owner, offset and length in the file
        self._texts: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

    def find(self, text: str) -> tuple[str, str] | None:
        """`("exact" | "near", owner)` of an equal or near-equal text added before, or None."""
        if owner := self._exact.get(fingerprint(text)):
            return "exact", owner
        own = shingles(text)
        for key in sorted(self._near.query(self._signature(own))):
            owner, offset, length = self._kept[key]
            self._texts.seek(offset)
            other = self._texts.read(length).decode()
            if similarity(own, shingles(other)) >= self._threshold:
                return "near", owner
        return None

    def add(self, text: str, owner: str) -> None:
        """Remember a text under its owner's name."""
        self._exact.setdefault(fingerprint(text), owner)
        self._near.insert(len(self._kept), self._signature(shingles(text)))
        data = text.encode()
        self._kept.append((owner, self._texts.seek(0, 2), len(data)))
        self._texts.write(data)

    def close(self) -> None:
        """Delete the temporary file."""
        self._texts.close()

    def _signature(self, own: set[str]) -> RMinHash:
        signature = RMinHash(PERMUTATIONS, self._seed)
        signature.update(sorted(own))
        return signature
