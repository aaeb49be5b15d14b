"""jieba's words and parts of speech, only where somebody will ask for them.

Guessing words that jieba's dictionary does not have is most of the cost of looking for names: pure
Python. jieba cuts a text into blocks, takes each block's likeliest way through the dictionary, and
guesses only in the runs of single characters that are left. Neither a block nor a run looks beyond
itself, so leaving some out changes nothing in the others.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

Token = tuple[int, int, str, str]  # start, stop, word, part of speech
Places = list[tuple[int, int]]
"""From where to where (not included) tokens are wanted."""

_BLOCK = re.compile(r"[\u4e00-\u9fd5a-zA-Z0-9+#&._]+")
"""What `jieba.posseg` tags as one piece."""


def tokens_of(text: str, wanted: Callable[[str], Places]) -> list[Token]:
    """The tokens at the wanted places of a text's blocks, and perhaps others."""
    return [
        (found.start() + start, found.start() + stop, word, flag)
        for found in _BLOCK.finditer(text)
        if (places := wanted(found.group()))
        for start, stop, word, flag in _tokens_of_block(found.group(), places)
    ]


def _tokens_of_block(block: str, places: Places) -> Iterator[Token]:
    """A block's words of the dictionary, and the guessed words of the runs at wanted places."""
    flags = _tagger().word_tag_tab
    for is_run, group in groupby(_words(block), lambda word: word[1] - word[0] == 1):
        words = list(group)
        begin, end = words[0][0], words[-1][1]
        if not is_run:
            for start, stop in words:
                yield start, stop, block[start:stop], flags.get(block[start:stop], "x")
        elif any(first < end and begin < last for first, last in places):
            yield from _tokens_of_run(block[begin:end], begin)


def _words(block: str) -> Iterator[tuple[int, int]]:
    """The likeliest way through the dictionary: words and single characters."""
    import jieba

    route: dict[int, tuple[float, int]] = {}
    jieba.dt.calc(block, jieba.dt.get_DAG(block), route)
    start = 0
    while start < len(block):
        stop = route[start][1] + 1
        yield start, stop
        start = stop


def _tokens_of_run(run: str, start: int) -> Iterator[Token]:
    for word, flag in _guessed(run):
        yield start, start + len(word), word, flag
        start += len(word)


@lru_cache(maxsize=1 << 16)
def _guessed(run: str) -> tuple[tuple[str, str], ...]:
    return tuple((word, flag) for word, flag in _tagger().cut(run))


@cache
def _tagger() -> Any:
    import jieba.posseg

    logging.getLogger("jieba").setLevel(logging.WARNING)
    jieba.posseg.dt.makesure_userdict_loaded()
    return jieba.posseg.dt
