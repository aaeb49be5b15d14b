"""jieba's words and parts of speech, only where somebody will ask for them.

jieba tags in pure Python and is most of the cost of looking for names. It cuts a text into blocks
and tags each by itself, so leaving a block out changes no tag in the others.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import lru_cache

Token = tuple[int, int, str, str]  # start, stop, word, part of speech

_BLOCK = re.compile(r"[\u4e00-\u9fd5a-zA-Z0-9+#&._]+")
"""What `jieba.posseg` tags as one piece."""


def tokens_of(text: str, wanted: Callable[[str], bool]) -> list[Token]:
    """The tokens of the blocks of a text that are wanted, at their places in the text."""
    return [
        (found.start() + start, found.start() + stop, word, flag)
        for found in _BLOCK.finditer(text)
        if wanted(found.group())
        for start, stop, word, flag in _tokens_of_block(found.group())
    ]


@lru_cache(maxsize=1 << 14)
def _tokens_of_block(block: str) -> tuple[Token, ...]:
    import jieba.posseg

    logging.getLogger("jieba").setLevel(logging.WARNING)
    tokens, position = [], 0
    for word, flag in jieba.posseg.cut(block):
        tokens.append((position, position + len(word), word, flag))
        position += len(word)
    return tuple(tokens)
