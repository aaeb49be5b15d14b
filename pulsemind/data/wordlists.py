"""The word lists in `words/`: one or more words a line, `#` begins a remark."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def words(name: str) -> frozenset[str]:
    """The words of a list, as they are written."""
    text = resources.files("pulsemind.data").joinpath("words", name).read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())
