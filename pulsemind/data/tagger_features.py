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
_LABEL = re.compile(r"([^\s:：，,。；;()（）]{1,12})\s?[:：]\s?(?=[^:：]*$)")
_LABEL_REACH = 30
"""Characters of a line that are searched for a label, backwards."""
_COLON_AHEAD = re.compile(r"[^:：,，。.;；\n]{0,12}[:：]")
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
    """What neighbours see of a token (`word`, `kind`), and what they see less of (`own`)."""

    word: str
    kind: str
    own: tuple[str, ...]


_EDGE = _Seen("<>", "<>", ())


def tokens(masked: str) -> list[Token]:
    """The tokens of a masked text, in order; blanks lie between them."""
    return [Token(*found.span(), found.group()) for found in _TOKEN.finditer(masked)]


def is_quantity(masked: str, token: Token) -> bool:
    """Whether a token is a number with its unit."""
    return token.text[0].isdigit() and UNIT_AFTER.match(masked, token.stop) is not None


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
        *(f"-1{feature}" for feature in before.own),
        *(f"+1{feature}" for feature in after.own),
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
    for token in found:
        tag, words_around = jieba.get(token.start, ("x", ()))
        own = [*_place(masked, token), *words_around, *["drug"] * (token.start in drug)]
        yield _look(masked, token, tag, own)


def _jieba(masked: str) -> dict[int, tuple[str, tuple[str, ...]]]:
    """Of each character in a word of jieba's: its tag and place in the word, the words around."""
    cut = tokens_of(masked, lambda block: [(0, len(block))])
    found: dict[int, tuple[str, tuple[str, ...]]] = {}
    for number, (start, stop, _, flag) in enumerate(cut):
        before, after = masked[start - 1 : start], masked[stop : stop + 1]
        if number and cut[number - 1][1] == start:
            before = cut[number - 1][2]
        if number + 1 < len(cut) and cut[number + 1][0] == stop:
            after = cut[number + 1][2]
        around = (f"wb={before}", f"wa={after}")
        for place in range(start, stop):
            part = "S" if stop - start == 1 else {start: "B", stop - 1: "E"}.get(place, "M")
            found[place] = (flag + part, around)
    return found


def _place(masked: str, token: Token) -> Iterator[str]:
    """Where on its line a token stands."""
    begin = masked.rfind("\n", 0, token.start) + 1
    end = masked.find("\n", token.stop)
    end = len(masked) if end < 0 else end
    before = masked[begin : token.start]
    near = before[-_LABEL_REACH:]
    label = _LABEL.search(near) if ":" in near or "：" in near else None
    if label:
        close = "!" if label.end() == len(near) else ""
        yield f"label={label.group(1).lower()}{close}"
    if before[-1:] == " ":
        yield "gap"
    where = [
        "begin" if not before.strip() else "",
        "end" if not masked[token.stop : end].strip() else "",
        "short" if end - begin < _SHORT_LINE else "",
        "colon" if _COLON_AHEAD.match(masked, token.stop) else "",
    ]
    yield "line=" + "".join(where)


def _look(masked: str, token: Token, tag: str, own: list[str]) -> _Seen:
    first = token.text[0]
    if first.isdigit():
        unit = UNIT_AFTER.match(masked, token.stop)
        own += [f"unit={unit.group().strip() if unit else ''}", f"digits={token.text[:2]}"]
        kind = f"#{min(len(token.text), _LONGEST)}"
        return _Seen(kind, kind, tuple(own))
    if not first.isalpha():
        return _Seen(first, "sign", tuple(own))
    if re.match(f"[{_HAN}]", first):
        own.append(f"family={first in _families_zh()} given={first in _given_zh()}")
        return _Seen(first, tag, tuple(own))
    kind, more = _latin(token.text)
    return _Seen(token.text.lower(), kind, (*own, *more))


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
