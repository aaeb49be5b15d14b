"""Closed questions (yes / no, or one of the alternatives the question names): normalised match.

A reply is read first and compared then: "normal" is no "no", "not sure" no answer, "对不起" no
"对".
All rules ours (SPEC 6: closed questions by normalised match).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pulsemind.evaluation.plain import plain
from pulsemind.judge.units import tokens

Polarity = Literal["yes", "no"]
MatchRule = Literal[
    "exact",
    "polarity",
    "alternative",
    "similar",
    "judge",
    "different",
    "conflict",
    "refusal",
    "none",
]
UNREAD: frozenset[str] = frozenset({"conflict", "refusal", "none"})
"""Rules under which a reply counts as an abstention."""


class Match(NamedTuple):
    """Whether an answer matches its reference, and by which rule."""

    correct: bool
    rule: MatchRule


_YES_WORDS = ("yes", "true", "是", "有", "对", "是的", "有的", "存在", "正确", "能", "可以")
_NO_WORDS = ("no", "false", "否", "没有", "不是", "无", "不", "不对", "不存在", "错误", "不能")
_REFERENCES: dict[str, Polarity] = {
    **dict.fromkeys(_YES_WORDS, "yes"),
    **dict.fromkeys(_NO_WORDS, "no"),
}
_UNSURE = re.compile(
    r"\b(?:(?:not|un)\s?(?:sure|certain|clear|known)|(?:do not|don't) know|cannot (?:be )?\w+"
    r"|can't (?:tell|say|determine)|unable|sorry|maybe|perhaps|possibly|depends|insufficient"
    r"|yes (?:and|or) no)\b"
    r"|无法|不知道|不确定|不一定|不清楚|不好说|对不起|抱歉|可能|是否|也许|不能(?:判断|确定|回答)",
    re.IGNORECASE,
)
_SAID = r"(?:(?:the|my)?\s*(?:final\s+)?answer\s*(?:is|:)?\s*|答案?\s*(?:是|为|:)?\s*|[:,\s]*)"
_YES = re.compile(
    rf"\A{_SAID}(?:(?:yes|yeah|yep|true|correct|indeed)(?![a-z])"
    r"|是(?!非)|有|对|存在|可见|正确|能|可以)",
    re.IGNORECASE,
)
_NO = re.compile(
    rf"\A{_SAID}(?:(?:no|nope|false|incorrect|none)(?![a-z])|否|不|没|无|未|非|错误)", re.IGNORECASE
)
_STATED = re.compile(
    r"\banswer\s*(?:is|:)\s*['\"(]?(yes|no)(?![a-z])|答案\s*[是为:]+\s*(是|否|有|没有|无)",
    re.IGNORECASE,
)
_PRESENCE = re.compile(
    r"^\W*(?:is|are|was|were)\s+(?:there|any|the\b.*\b(?:present|visible|seen|found|evident)\b)"
    r"|^\W*(?:does|do|did|can)\b.*\b(?:have|has|show|contain|see|seen|find|exist|appear|reveal"
    r"|demonstrate|look)\b|有没有|是否有|是否存在|能否看到|存在.*吗|有.*吗",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"\b(?:there (?:is|are|was|were) (?:no|not|none)|no (?:evidence|signs?|indication)|without"
    r"|absent|not (?:present|seen|visible|evident|detected|found|identified|observed)"
    r"|negative for)\b|isn't|aren't|doesn't|does not|do not|未见|没有|未发现|不存在|看不到",
    re.IGNORECASE,
)
_PRESENT = re.compile(
    r"\b(?:there (?:is|are)|(?:is|are) (?:clearly |visibly )?(?:present|visible|seen|evident)"
    r"|evidence of|shows?|can be seen)\b|可见|存在|发现",
    re.IGNORECASE,
)
_ARTICLES = frozenset({"a", "an", "the"})
_OFFER = re.compile(r"([^.?!\n]*?)\s*,?\s+or\s+(?:the\s+|an?\s+)?([A-Za-z' -]+?)\s*[?.]?\s*$", re.I)
_OFFER_ZH = re.compile(r"([\u4e00-\u9fff]{1,4})[,，]?还是([\u4e00-\u9fff]{1,4})")


def reference_polarity(reference: str) -> Polarity | None:
    """Whether a reference is a plain yes or no; None for any other word."""
    return _REFERENCES.get(plain(reference).lower().strip(" .。!！"))


def polarity(reply: str, question: str = "") -> Polarity | Literal["conflict", "refusal"] | None:
    """What a reply to a yes / no question says.

    A first word decides; else an answer it states; else, where the question asks whether something
    is there, what the reply says of it. None when it says neither.
    """
    text = plain(reply)
    first = re.split(r"[,.;:!\n，。；：！]", text, maxsplit=1)[0]
    opening = _opening(text, question)
    if _UNSURE.search(text) and (opening is None or _UNSURE.search(first)):
        return "refusal"
    stated: set[Polarity] = {
        reference_polarity(match[1] or match[2]) or "yes" for match in _STATED.finditer(text)
    }
    found = stated | ({opening} if opening else set())
    if len(found) == 1:
        return found.pop()
    if found:
        return "conflict"
    if _PRESENCE.search(question):
        if _ABSENT.search(text):
            return "no"
        if _PRESENT.search(text):
            return "yes"
    return None


def _opening(text: str, question: str) -> Polarity | None:
    """Yes or no as the first word. "No mass" answers only a question after something there."""
    no = _NO.search(text)
    if no:
        rest = text[no.end() :]
        bare = not rest or re.match(
            r"\s*(?:[.,;:!\n，。；：！)]|\s(?:it|there|this|that|the|he|she)\b)", rest
        )
        chinese = "\u4e00" <= text[no.end() - 1] <= "\u9fff"
        return "no" if bare or chinese or _PRESENCE.search(question) else None
    return "yes" if _YES.search(text) else None


def match_closed(reply: str, reference: str, question: str = "") -> Match:
    """Whether a reply to a closed question says what the reference says.

    For a yes / no reference the reply's polarity counts, for another one the reference's words,
    if the reply names no other alternative of the question and denies nothing.
    """
    given = words(reply)
    if not given:
        return Match(False, "none")
    if given == words(reference):
        return Match(True, "exact")
    wanted = reference_polarity(reference)
    if wanted is None:
        return _alternative(given, words(reference), question, reply)
    said = polarity(reply, question)
    if said is None:
        return Match(False, "none")
    if said == "conflict" or said == "refusal":
        return Match(False, said)
    return Match(said == wanted, "polarity")


def alternatives(question: str) -> tuple[str, ...]:
    """What a closed question offers: ("heart", "lung") for "Which is abnormal, heart or lung?"."""
    text = plain(question)
    if chinese := _OFFER_ZH.search(text):
        return (chinese[1], chinese[2])
    match = _OFFER.search(text)
    if not match:
        return ()
    first, *others = re.split(r"\s*,\s*", match[1])
    opens = re.match(r"(?:which|what|where|how)\b", first.strip(), re.IGNORECASE)
    if not (others and opens):  # "Is it heart, lung or liver": the first part ends in one
        others = [first.split()[-1] if first.split() else "", *others]
    return tuple(
        dict.fromkeys(part.strip().lower() for part in [*others, match[2]] if part.strip())
    )


def _alternative(given: list[str], wanted: list[str], question: str, reply: str) -> Match:
    if _UNSURE.search(plain(reply)):
        return Match(False, "refusal")
    offered = [words(text) for text in alternatives(question)]
    others = [o for o in offered if o and not contains(wanted, o) and not contains(o, wanted)]
    named_other = any(contains(given, other) for other in others)
    named = contains(given, wanted)
    denied = bool({"not", "no", "neither", "不", "没", "非"} & set(given) - set(wanted))
    if named and (named_other or denied):
        return Match(False, "conflict")
    if named:
        return Match(True, "alternative")
    return Match(False, "alternative" if named_other else "different")


def words(text: str) -> list[str]:
    """The words of a text, articles left out."""
    return [token for token in tokens(plain(text)) if token not in _ARTICLES]


def contains(text: Sequence[str], part: Sequence[str]) -> bool:
    """Whether the words of `part` stand in `text`, in a row."""
    size = len(part)
    return size > 0 and any(list(text[i : i + size]) == list(part) for i in range(len(text)))
