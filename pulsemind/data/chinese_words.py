# ruff: noqa: E501 - patterns stand on one line
"""What a Chinese name is made of: family names, what no given name is, words of the language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pulsemind.data.wordlists import words

HAN = "\u4e00-\u9fff"
TITLE = "医生|医师|大夫|主任|教授|护士长|护士|院长|专家"
POLITE = "先生|女士|小姐|太太|阿姨|大爷|大妈|奶奶|爷爷|同志|大姐|大哥|大嫂|大叔|大婶|大娘|师傅|老师|同学|小朋友|叔叔|伯伯|婶婶|老人家|夫人|老先生|老太太|警官|老板"
NO_GIVEN_NAME = re.compile(
    "[氏谢您你我他们的了着些者会吗呢吧不是有在巾抹敷汁粉区叶科号喝吃服侧胸丁面]"
    "|(?:汤|散|丸|片|剂|素|炎|症|癌|病|药|酸|霉|菌|痛|血|肝|肾|胃|肠|胆|脾|肺|酮|唑|汀|胺|肽|液|剂|膏"
    f"|性|者|右|{TITLE}|{POLITE}|医|师)$"
)
_SELDOM_GIVEN_NAME = re.compile("[子光生星林心]$")
"""Ends drugs and words more often than names: no name without a cue."""

_HAN_ONLY = re.compile(f"[{HAN}]+")
EPONYM_AFTER = re.compile(
    "氏|征|反射|试验|综合[征症]|病(?![人房历友])|分[级期型类]|评分|指数|蛇药|[丸散膏丹汤]"
)
"""After it a family name is that of a sign, a disease, a remedy."""


def surname_length(word: str, rare: bool = False) -> int:
    """Characters of the family name that a word begins with; 0 if it begins with none.

    Args:
        rare: also family names that are everyday words, which need a cue.
    """
    surnames = words("surnames_zh.txt")
    if len(word) > 1 and word[:2] in surnames:
        return 2
    known = word[:1] in surnames or (rare and word[:1] in words("surnames_rare_zh.txt"))
    return int(known and bool(word))


def surname_places(text: str) -> Iterator[tuple[int, int]]:
    """Where family names begin in a text that have something after them, and their lengths."""
    openings = _openings()
    for start, character in enumerate(text[:-1]):
        if character in openings and (length := surname_length(text[start : start + 2])):
            yield start, length


@cache
def _openings() -> frozenset[str]:
    return frozenset(surname[0] for surname in words("surnames_zh.txt"))


def looks_like_name(word: str, rare: bool = False) -> bool:
    """Family name, one or two characters more, and no medical or everyday word."""
    length = surname_length(word, rare)
    return (
        length > 0
        and 1 <= len(word) - length <= 2
        and _HAN_ONLY.fullmatch(word) is not None
        and word not in words("not_names.txt")
        and not NO_GIVEN_NAME.search(word[1:])
        and (rare or not _SELDOM_GIVEN_NAME.search(word[1:]))
    )


def is_plain_word(word: str) -> bool:
    """Whether jieba's dictionary has a word that it takes for no person's name."""
    return is_word(word) and not _tags().get(word, "").startswith("nr")


def is_common_word(word: str) -> bool:
    """Whether a word is a frequent one of the language that names no person or place."""
    return is_word(word, 300) and _tags().get(word, "")[:2] not in ("nr", "ns", "nt", "nz")


@cache
def _tags() -> dict[str, str]:
    import jieba.posseg

    jieba.posseg.dt.initialize()
    tags: dict[str, str] = jieba.posseg.dt.word_tag_tab
    return tags


def is_word(word: str, frequency: int = 1) -> bool:
    """Whether jieba's dictionary has a word, seen at least so often."""
    import jieba

    jieba.dt.check_initialized()
    return int(jieba.dt.FREQ.get(word) or 0) >= frequency


def is_word_before_word(value: str) -> bool:
    """Whether a family name that is more often a word stands before a word: 左 小腿, 查 肝脏."""
    given = value[1:]
    return (
        value[:1] in _BEFORE_WORDS
        and len(given) == 2
        and is_plain_word(given)
        and is_word(given, 50)
    )


_BEFORE_WORDS = frozenset("左何查单于时向成关位管常方包白高费应")
