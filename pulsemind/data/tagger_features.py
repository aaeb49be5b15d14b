"""What the tagger (`tagger.py`) sees of a text: its tokens, and the features of each, as words.

A token is a Chinese character, a Latin word, a run of digits, a line's end or a sign. Its features
are its look, what the lists of names and drugs and jieba say of it, its place on the line with the
label before it, and its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from pulsemind.data.detectors import MASK
from pulsemind.data.drugs import drugs
from pulsemind.data.english_words import is_family, is_given, title
from pulsemind.data.known_names import family_names, folded, given_names, is_ordinary
from pulsemind.data.quantities import UNIT_AFTER
from pulsemind.data.tokens import tokens_of
from pulsemind.data.wordlists import words

_HAN = "\u3400-\u9fff"
_LATIN = "A-Za-zÀ-ɏ"
_TOKEN = re.compile(
    rf"[{_HAN}]|[{_LATIN}]+(?:['’][{_LATIN}]+)*|\d+|\n|{MASK}+|[^\s{_HAN}{_LATIN}\d{MASK}\ud800-\udfff]"
)
_LONE = re.compile("[\ud800-\udfff]")
"""Halves of characters, which are no text that the model could be asked about."""
_IS_HAN = re.compile(f"[{_HAN}]")
_LABEL = re.compile(r"([^\s:：，,。；;()（）]{1,12})\s?[:：]\s?(?=[^:：]*$)")
_LABEL_REACH = 30
"""Characters of a line that are searched for a label, backwards."""
_COLON_AHEAD = re.compile(r"[^:：,，。.;；\n]{0,12}[:：]")
_SECOND_NUMBER = re.compile(r"\s?[-–~～至到]\s?\d+")
_LINE = re.compile(r"[^\n]*")
_SHORT_LINE = 16
_LONGEST = 12
"""Digits of a number that are counted."""
_LONG_WORD = 6
_REACH = 3
"""Neighbours to each side that a token sees."""


class Token(NamedTuple):
    """`text[start:stop]`."""

    start: int
    stop: int
    text: str


class _Seen(NamedTuple):
    """A token as neighbours see it (`word`, `kind`, `near`), and what it alone sees (`own`)."""

    word: str
    kind: str
    near: tuple[str, ...]
    own: tuple[str, ...]


_EDGE = _Seen("<>", "<>", (), ())


def tokens(masked: str) -> list[Token]:
    """The tokens of a masked text, in order; blanks lie between them."""
    return [Token(*found.span(), found.group()) for found in _TOKEN.finditer(masked)]


def is_quantity(masked: str, token: Token) -> bool:
    """Whether a token is a number with its unit, or the first of two: 12-18 months."""
    if not token.text[0].isdigit():
        return False
    second = _SECOND_NUMBER.match(masked, token.stop)
    return UNIT_AFTER.match(masked, second.end() if second else token.stop) is not None


def features(masked: str, found: list[Token]) -> list[list[str]]:
    """The features of each token of a masked text."""
    seen = list(_seen(masked, found))
    padded = [*[_EDGE] * _REACH, *seen, *[_EDGE] * _REACH]
    return [_joined(*padded[place : place + 2 * _REACH + 1]) for place in range(len(seen))]


def _joined(
    third: _Seen, second: _Seen, before: _Seen, own: _Seen, after: _Seen, later: _Seen, last: _Seen
) -> list[str]:
    return [
        *own.own,
        *own.near,
        *[f"-1{feature}" for feature in before.near],
        *[f"+1{feature}" for feature in after.near],
        f"w={own.word}",
        f"k={own.kind}",
        f"-3w={third.word}",
        f"-2w={second.word}",
        f"-2k={second.kind}",
        f"-1w={before.word}",
        f"-1k={before.kind}",
        f"+1w={after.word}",
        f"+1k={after.kind}",
        f"+2w={later.word}",
        f"+2k={later.kind}",
        f"+3w={last.word}",
        f"-1w0w={before.word}|{own.word}",
        f"0w+1w={own.word}|{after.word}",
        f"-2w-1w={second.word}|{before.word}",
        f"+1w+2w={after.word}|{later.word}",
        f"-1w+1w={before.word}|{after.word}",
        f"-1w0k={before.word}|{own.kind}",
        f"0k+1w={own.kind}|{after.word}",
        f"-1k0k+1k={before.kind}|{own.kind}|{after.kind}",
    ]


def _seen(masked: str, found: list[Token]) -> Iterator[_Seen]:
    small = masked.lower()
    plain = small if len(small) == len(masked) else masked  # some capitals are two letters small
    drug = {n for d in drugs(plain) for n in range(d.start, d.start + len(d.name))}
    jieba = _jieba(masked)
    lines = _lines(masked)
    line = next(lines)
    for token in found:
        while token.start > line.stop:
            line = next(lines)
        tag, words_around = jieba.get(token.start, ("x", ()))
        label, where = _place(masked, token, line)
        own = [*where, *words_around, *["drug"] * (token.start in drug)]
        word, kind, near = _look(masked, token, tag)
        yield _Seen(word, kind, (*label, *near), tuple(own))


def _jieba(masked: str) -> dict[int, tuple[str, tuple[str, ...]]]:
    """Of each character in a word of jieba's: its tag and place in the word, the words around."""
    cut = tokens_of(masked, lambda block: [(0, len(block))])
    found: dict[int, tuple[str, tuple[str, ...]]] = {}
    for number, (start, stop, word, flag) in enumerate(cut):
        before = _LONE.sub("", masked[start - 1 : start] if start else "")
        after = _LONE.sub("", masked[stop : stop + 1])
        if number and cut[number - 1][1] == start:
            before = cut[number - 1][2]
        if number + 1 < len(cut) and cut[number + 1][0] == stop:
            after = cut[number + 1][2]
        around = (f"wb={before}", f"wa={after}") if _IS_HAN.match(word) else ()
        for place in range(start, stop):
            part = "S" if stop - start == 1 else {start: "B", stop - 1: "E"}.get(place, "M")
            found[place] = (flag + part, around)
    return found


class _Line(NamedTuple):
    """A line of a text, and where its first and last words begin and end."""

    start: int
    stop: int
    first: int
    last: int


def _lines(masked: str) -> Iterator[_Line]:
    for found in _LINE.finditer(masked):
        line = found.group()
        bare = line.strip()
        first = found.start() + line.index(bare)
        yield _Line(*found.span(), first, first + len(bare))


def _place(masked: str, token: Token, line: _Line) -> tuple[list[str], list[str]]:
    """The label before a token on its line, and where on the line it stands.

    An end of line belongs to the line before it.
    """
    near = masked[max(line.start, token.start - _LABEL_REACH) : token.start]
    found = _LABEL.search(near) if ":" in near or "：" in near else None
    close = "!" if found and found.end() == len(near) else ""
    label = [f"label={found.group(1).lower()}{close}"] if found else []
    where = [
        "begin" if token.start <= line.first else "",
        "end" if token.stop >= line.last else "",
        "short" if line.stop - line.start < _SHORT_LINE else "",
        "colon" if _COLON_AHEAD.match(masked, token.stop) else "",
    ]
    return label, ["line=" + "".join(where), *["gap"] * (near[-1:] == " ")]


def _look(masked: str, token: Token, tag: str) -> tuple[str, str, tuple[str, ...]]:
    """The word and kind of a token, and what its letters or digits say."""
    first = token.text[0]
    if first.isdigit():
        unit = UNIT_AFTER.match(masked, token.stop)
        kind = f"#{min(len(token.text), _LONGEST)}"
        look = (f"unit={unit.group().strip() if unit else ''}", f"digits={token.text[:2]}")
        return kind, kind, look
    if not first.isalpha():
        return first, "sign", ()
    if _IS_HAN.match(first):
        return first, tag, (f"family={first in _families_zh()} given={first in _given_zh()}",)
    latin, more = _latin(token.text)
    return token.text.lower(), latin, more


@cache
def _families_zh() -> frozenset[str]:
    return frozenset("".join(words("surnames_zh.txt") | words("surnames_rare_zh.txt")))


@cache
def _given_zh() -> frozenset[str]:
    return frozenset("".join(words("given_zh.txt")))


@lru_cache(maxsize=1 << 16)
def _latin(word: str) -> tuple[str, tuple[str, ...]]:
    """What the lists say of a Latin word, a letter a list; its shape and ends."""
    bare, small = folded(word), word.lower()
    lists = {
        "g": bare in given_names(),
        "f": bare in family_names(),
        "o": is_ordinary(word),
        "G": is_given(word),
        "F": is_family(word),
        "e": title(word) in words("eponyms_en.txt"),
        "n": title(word) in words("not_english_names.txt"),
    }
    shape = re.sub("[a-z]+", "a", re.sub("[A-Z]+", "A", word))
    own = (
        f"shape={shape}",
        f"ends={small[-3:]}",
        f"begins={small[:3]}",
        f"long={min(len(word), _LONG_WORD)}",
    )
    kind = "".join(letter for letter, listed in lists.items() if listed)
    return ("A" if word[0].isupper() else "a") + kind, own
