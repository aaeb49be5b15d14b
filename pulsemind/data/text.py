"""Texts as tokens and shingles, for comparing them. A token is a Chinese character or a word."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

from pulsemind.data.detectors import PLACEHOLDER

_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:\.\d+)?")


def tokens(text: str) -> list[str]:
    """Chinese characters one by one, words and numbers whole; lower case, no punctuation."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def shingles(text: str, size: int = 3) -> set[str]:
    """Runs of `size` tokens; a shorter text is one shingle."""
    found = tokens(text)
    last = max(1, len(found) - size + 1)
    return {" ".join(found[i : i + size]) for i in range(last)}


def similarity(first: set[str], second: set[str]) -> float:
    """Jaccard similarity of two sets, 0 to 1."""
    return len(first & second) / max(1, len(first | second))


def fingerprint(text: str) -> bytes:
    """16 bytes that two texts share when their tokens are the same."""
    return blake2b(" ".join(tokens(text)).encode(), digest_size=16).digest()


def runs(text: str, length: int) -> set[bytes]:
    """Hashes of all runs of `length` tokens; no run spans a replaced value."""
    found = set()
    for part in PLACEHOLDER.split(text):
        words = tokens(part)
        for start in range(len(words) - length + 1):
            run = " ".join(words[start : start + length])
            found.add(blake2b(run.encode(), digest_size=8).digest())
    return found
