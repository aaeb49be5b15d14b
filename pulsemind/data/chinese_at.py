# ruff: noqa: E501 - tables stand on one line
"""Where a person's name ends that begins at a place of a Chinese text: `name_at`.

A cue (a role, a relative, a bed) says that a name may begin; nothing says where it ends. The end is
the longest at which no word of the language is cut in two: 患者李明|发热, 女儿王发成|来院.
"""

from __future__ import annotations

import re
from typing import Literal

from pulsemind.data.chinese_cues import is_listed, is_nobody, is_person
from pulsemind.data.chinese_words import (
    HAN,
    NO_GIVEN_NAME,
    POLITE,
    TITLE,
    is_common_word,
    is_plain_word,
    is_word,
    surname_length,
)
from pulsemind.data.chinese_world import VIETNAMESE, is_world_name
from pulsemind.data.drugs import drugs
from pulsemind.data.wordlists import words

Trust = Literal["slight", "plain", "sure"]
"""How much a cue says. slight: only given characters of the lists; sure: any characters of no word."""

_IS_HAN = re.compile(f"[{HAN}]")
_DOTTED = re.compile(rf"[{HAN}]{{1,6}}(?:[·•・][{HAN}]{{1,6}}){{1,3}}")
_FUNCTION = "是的在了和与及或也已未没无不有于因自将拟正曾又再就被把由向对给让从到来去说称诉言讲问答请要想能会可该此这那其男女，家收寄签写记代补接打拨发送带陪住做行查服用吃喝开拿取领等之患今昨明上下前后刚现每需应按经以并而且但若如为同跟找叫先术予反表提认建否出入转处复手电病身系至比都还今昨只总名"
"""Characters that go on after a name."""
_WORDLIKE = frozenset(
    "时向成关位管单查常于任方包白万左高卫费应温石游付安曲曾明祝甘何许文项段路后原东全易强经从都和空光公计能占干解信先当真满初良"
)
"""Family names that are more often words."""


def name_at(text: str, start: int, trust: Trust = "plain") -> int:
    """The end of the person's name that begins at `start`; `start` itself where none does."""
    for pattern in (_DOTTED, VIETNAMESE.pattern):
        if found := pattern.match(text, start):
            return found.end()
    run = _run(text, start)
    if world := _world(text, start, run):
        return world
    for length in _lengths(run):
        stop = start + length
        double = surname_length(run) == 2 and length == 3 and not is_word(text[stop - 1 : stop + 1])
        if _is_person(run[:length], trust) and (double or _may_end(text, stop, trust)):
            return start if is_drug(text[start : stop + 2]) else stop
    return start


def is_drug(value: str) -> bool:
    """Whether a drug's name stands in a piece of text."""
    return any(True for _ in drugs(value))


def _run(text: str, start: int) -> str:
    stop = start
    while stop < min(len(text), start + 8) and _IS_HAN.match(text, stop):
        stop += 1
    return text[start:stop]


def _world(text: str, start: int, run: str) -> int:
    """The end of a name of a minority or a foreigner that begins a run; 0 where none does."""
    for length in range(len(run), 1, -1):
        value = run[:length]
        if (
            is_world_name(value)
            and not is_nobody(value)
            and _may_end(text, start + length, "plain")
        ):
            return start + length if not is_plain_word(value) or length > 2 else 0
    return 0


def _lengths(run: str) -> list[int]:
    surname = surname_length(run, rare=True)
    alone = [surname] if surname > 1 else []
    return [n for n in (surname + 2, surname + 1, *alone) if surname and n <= len(run)]


def _is_person(value: str, trust: Trust) -> bool:
    surname = surname_length(value, rare=True)
    given = value[surname:]
    if is_nobody(value) or NO_GIVEN_NAME.search(given):
        return False
    if is_plain_word(value) and (trust != "sure" or is_word(value, 20)):
        return False
    if re.search(f"(?:{TITLE}|{POLITE}|某)", value) or {value[:2], given} & words("not_names.txt"):
        return False
    if not given:
        return not is_word(value)
    listed = is_person(value, alone=True) or (trust == "sure" and is_listed(given))
    wordlike = surname_length(value) == 0 or value[0] in _WORDLIKE
    if (
        surname == 1
        and is_word(value[:2], 20 if wordlike else 200)
        and not (listed and not wordlike)
    ):
        return False
    if wordlike and len(given) == 2 and trust == "slight" and is_plain_word(given):
        return False
    if len(given) == 2 and is_common_word(given) and wordlike and trust != "sure":
        return False
    if trust == "slight":
        return listed and not (wordlike and len(given) == 1)
    if len(given) == 1 and wordlike:
        return listed and trust == "sure"
    return listed or not wordlike or trust == "sure"


def _may_end(text: str, stop: int, trust: Trust) -> bool:
    """Whether a name can end here: at no character of Chinese, or before a word of its own."""
    if stop >= len(text) or not _IS_HAN.match(text, stop):
        return True
    across, after = text[stop - 1 : stop + 1], text[stop : stop + 2]
    if is_word(across, 50):
        return False
    return text[stop] in _FUNCTION or is_word(after, 100 if trust == "slight" else 3)
