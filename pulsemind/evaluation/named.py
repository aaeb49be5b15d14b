"""Which option's text a reply names: an exact rule too, on words instead of letters (ours).

An option named inside a longer one ("pneumonia" in "viral pneumonia") is not meant, a denied one
("not X", "rather than X", "X is wrong", "而非X") not chosen. Where a clause that concludes ("the
best choice is ...", "诊断为...") names one, the rest is discussion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

BESIDE, BESIDE_ZH = 60, 16
"""Characters beside an option's text up to which a reply that concludes nothing counts as naming
its answer, in English and in Chinese."""
_CLAUSE = re.compile(
    r"[,，;；。!！\n]|\.(?!\d)|\bbut\b|\bso\b(?!\s+that)|\bbecause\b|\bsince\b|因为|由于"
)
_SENTENCE = re.compile(r"[;；。!！\n]|\.(?!\d)")
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:not|no|never|neither|nor|without|cannot|exclud\w+|except|unlike|against"
    r"|less likely)\b|n't\b"
    r"|\brather than\b|\ballergic to\b|\binstead of\b|\brul\w+ out\b)(?:\W+\w+){0,4}\W*$"
    r"|(?:不|没|非|无|未|排除|除外|除了|禁)[^,，。]{0,5}$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"\s*(?:\([A-Z]\))?\s*(?:(?:is|are|was|were|can|could|would|should|has been|does|do|will)\s*"
    r"(?:therefore\s+|also\s+|be\s+)?(?:not|n't|wrong|incorrect|excluded|less|unlikely|insufficient"
    r"|contraindicated|ruled|inappropriate)"
    r"|(?:isn't|aren't|wouldn't|can't|doesn't)"
    r"|(?:不|错|是错|可排除|被排除|应排除|禁忌|可能性(?:较)?小|也不|均不|都不))",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"\b(?:so|answer|therefore|thus|hence|best|correct|right choice"
    r"|most (?:likely|appropriate|suitable|consistent)"
    r"|diagnosis|drug of choice|should|conclude|conclusion|first[- ]line|preferred"
    r"|choose|recommend\w*|used?|give|given|start|started|prescribe)\b"
    r"|答案|因此|所以|综上|故|诊断|首选|应选|宜选|应使用|应用|最可能|考虑为|提示|符合|正确",
    re.IGNORECASE,
)
_BACKGROUND = re.compile(
    r"\b(?:already|history of|previous(?:ly)?|prior|in the past|tolerat\w*|allerg\w*|whether|if)\b"
    r"|曾|既往|病史|以前|长期|如果|若|是否",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\b(?:or|either|versus|vs)\b|或|还是|抑或", re.IGNORECASE)


class Mention(NamedTuple):
    """An option's text in a reply: its letter, and where it stands."""

    letter: str
    start: int
    end: int


class Named(NamedTuple):
    """The option named; no letter when several are, or when one is only denied."""

    letter: str | None
    conflict: bool


def read_named(text: str, options: Mapping[str, str]) -> Named:
    """The one option that a plain text names and does not deny."""
    mentions = find_options(text, options)
    asserted = [m for m in mentions if not _denied(text, m)]
    for cut in (_CLAUSE, _SENTENCE):
        concluding = [m for m in asserted if _CONCLUDES.search(_part(text, m, cut))]
        if concluding:
            asserted = concluding
            break
    else:
        asserted = [m for m in asserted if _is_all(text, m)]
    letters = {m.letter for m in asserted}
    if len(letters) != 1:
        return Named(None, len(letters) > 1)
    if all(_offers_more(text, m) for m in asserted):
        return Named(None, True)
    return Named(letters.pop(), False)


def find_options(text: str, options: Mapping[str, str]) -> list[Mention]:
    """Where the options' texts stand, longest first where they overlap; equal ones left out."""
    found: list[Mention] = []
    texts = [option.strip().lower() for option in options.values()]
    for letter, option in sorted(options.items(), key=lambda pair: -len(pair[1])):
        if texts.count(option.strip().lower()) > 1:
            continue
        for match in _option(option).finditer(text):
            span = match.span()
            if not any(m.start < span[1] and span[0] < m.end for m in found):
                found.append(Mention(letter, *span))
    return sorted(found, key=lambda m: m.start)


@lru_cache(maxsize=4096)
def _option(option: str) -> re.Pattern[str]:
    words = re.findall(r"\d+(?:\.\d+)?|[A-Za-z]+|[^\sA-Za-z0-9]", option.strip().rstrip(".。"))
    body = r"\s*".join(re.escape(word) for word in words) or r"(?!)"
    left = r"(?<![A-Za-z0-9.])" if re.match(r"[A-Za-z0-9]", option.strip()) else ""
    right = (
        r"(?![A-Za-z0-9]|\.\d|/(?:d?L|ml|kg)\b)"
        if words and re.match(r"[A-Za-z0-9]", words[-1])
        else ""
    )
    return re.compile(left + body + right, re.IGNORECASE)


def _is_all(text: str, mention: Mention) -> bool:
    """Whether a reply says little but this option, and not as the patient's background."""
    beside = text[: mention.start] + text[mention.end :]
    chinese = any("\u4e00" <= character <= "\u9fff" for character in beside)
    return len(beside) <= (BESIDE_ZH if chinese else BESIDE) and not _BACKGROUND.search(
        _part(text, mention, _CLAUSE)
    )


def _part(text: str, mention: Mention, cut: re.Pattern[str]) -> str:
    """The clause or sentence a mention stands in."""
    start = max((m.start() for m in cut.finditer(text, 0, mention.start)), default=0)
    after = cut.search(text, mention.end)
    return text[start : after.start() if after else len(text)]


def _denied(text: str, mention: Mention) -> bool:
    start = max((m.end() for m in _CLAUSE.finditer(text, 0, mention.start)), default=0)
    return bool(
        _DENIED_BEFORE.search(text[start : mention.start]) or _DENIED_AFTER.match(text, mention.end)
    )


def _offers_more(text: str, mention: Mention) -> bool:
    """Whether the rest of the clause offers an alternative: "5 or 10 mg", "heparin or nothing"."""
    clause = _part(text, mention, _CLAUSE)
    return bool(_CHOICE.search(clause.replace(text[mention.start : mention.end], " ")))
