"""Reading a model's free text: which option it chose, and whether an open answer matches.

Multiple choice in two stages (Lingshu 3.2 / MedEvalKit's idea, rules ours): exact rules first,
then the option whose text the reply is most like, if it is like one clearly enough. What neither
stage reads is an abstention; nothing is ever guessed. "B. A patient" is B, "RNA virus" is not A,
no reply and two letters are abstentions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pulsemind.judge.units import tokens

SIMILARITY = 0.6
"""Token F1 from which a reply counts as an option's text, or as the open reference."""
LEAD = 0.15
"""By how much the most similar option must be ahead of the next."""

Rule = Literal[
    "boxed", "statement", "leading", "choice_word", "pointed", "text", "none", "conflict"
]


class ParsedChoice(NamedTuple):
    """The letter read and the rule that read it; no letter means an abstention."""

    letter: str | None
    rule: Rule


class OpenMatch(NamedTuple):
    """Whether an open answer matches its reference, and by which rule."""

    correct: bool
    rule: Literal["exact", "closed", "similar", "different", "none"]


_JOIN = r"\s*(?:[,、/&+]|and|or|和|或|及|与)+\s*"
_DENIED = re.compile(
    r"(?:不选|不是|并非|排除|not|isn't|rather than|except|除了|exclude|rule out)\W*$", re.IGNORECASE
)
_ALTERNATIVE = re.compile(r"\bor\b|或", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:not|no|never|isn't|without|none)\b|不|没|无|非|未", re.IGNORECASE)


def _patterns(letters: str) -> tuple[tuple[Rule, re.Pattern[str]], ...]:
    """The exact rules, most explicit first. Each captures one or more letters."""
    upper = rf"[(\[]?\s*[{letters}](?![A-Za-z0-9'])\s*[)\]]?"
    # A small letter counts only where it cannot be a word: "answer: b.", but not "is a virus".
    small = rf"[(\[]?\s*[{letters.lower()}](?:\s*[)\].,;:]|\s*$)"
    one = rf"(?:{upper}|(?m:{small}))"
    run = rf"({one}(?:{_JOIN}{upper})*|[{letters}]{{2,}}\s*(?:[.,;:。]|$))"
    word = r"(?:option|choice|answer|选项|答案)?\s*"
    verb = r"(?:is|are|was|would be|should be|must be|是|为|选择|选|应选|应为)?"
    statement = rf"(?i:answer|答案|答)\s*(?i:{verb})\s*[:=\->]*\s*(?i:{word}){run}"
    correct = rf"(?i:correct|best|right)\s+(?i:option|choice)\s*(?i:{verb})\s*[:=]*\s*{run}"
    chosen = (
        rf"(?:(?i:choose|select|pick|go with)\s+(?i:the\s+)?(?i:{word})|(?:选择|选项|选)\s*[:]?\s*"
        rf"|(?i:option|choice)\s+){run}"
    )
    head = rf"([{letters}])\s*[.):,、。]|[(\[]([{letters}])[)\]]"
    pointed = rf"(?:\b(?:is|be)\s|[:=>\"'「“是为])\s*([{letters}])(?![A-Za-z0-9']|\s+\w)"
    praised = r"正确|最佳|对的|(?:is|was)\s+(?:the\s+)?(?:correct|right|best)"
    named = rf"(?<![A-Za-z0-9])([{letters}])\s*(?:选项|项)?\s*(?:是)?(?:{praised})"
    return (
        ("boxed", re.compile(rf"\\boxed\s*{{\s*(?:\\text\s*{{)?\s*{run}\s*}}")),
        ("statement", re.compile(rf"{statement}|{correct}")),
        ("leading", re.compile(rf"^\s*(?:{run}\s*$|{head})", re.MULTILINE)),
        ("choice_word", re.compile(rf"{chosen}|{named}")),
        ("pointed", re.compile(pointed)),
    )


def parse_choice(text: str, options: Mapping[str, str]) -> ParsedChoice:
    """Which option a reply chooses.

    Args:
        options: letter (A, B, ...) to option text.

    Rules are tried from the most to the least explicit, and the first that finds a letter
    decides; when it finds different ones, the reply abstains (rule "conflict").
    """
    plain = _plain(text)
    if not plain:
        return ParsedChoice(None, "none")
    whole = _same_text(plain, options)
    if whole:
        return ParsedChoice(whole, "text")
    for rule, pattern in _patterns("".join(sorted(options))):
        found = set()
        for match in pattern.finditer(plain):
            if not _DENIED.search(plain[: match.start(match.lastindex or 0)]):
                found |= _letters(next(g for g in match.groups() if g), options)
        if len(found) > 1:
            return ParsedChoice(None, "conflict")
        if found:
            return ParsedChoice(found.pop(), rule)
    letter = _most_similar(plain, options)
    return ParsedChoice(letter, "text" if letter else "none")


def _plain(text: str) -> str:
    """Full-width forms made plain, Markdown emphasis and math signs removed."""
    plain = unicodedata.normalize("NFKC", text)
    return re.sub(r"\*\*|__|[*`$]", "", plain).strip()


def _letters(run: str, options: Mapping[str, str]) -> set[str]:
    without_words = re.sub(r"(?i:and|or)", " ", run)
    return {letter.upper() for letter in without_words if letter.upper() in options}


def _same_text(plain: str, options: Mapping[str, str]) -> str | None:
    wanted = tokens(plain)
    same = [letter for letter, option in options.items() if tokens(_plain(option)) == wanted]
    return same[0] if len(same) == 1 and wanted else None


def _most_similar(plain: str, options: Mapping[str, str]) -> str | None:
    """The option that the reply's text is clearly most like, or None."""
    reply = tokens(plain)
    texts = {letter: tokens(_plain(text)) for letter, text in options.items()}
    named = [text for text in texts.values() if _contains(reply, text)]
    scores = sorted(
        ((_likeness(reply, text, named), letter) for letter, text in texts.items()), reverse=True
    )
    if len(scores) < 2 or scores[0][0] < SIMILARITY or scores[0][0] - scores[1][0] < LEAD:
        return None
    best = scores[0][1]
    for word in (_NEGATION, _ALTERNATIVE):
        if bool(word.search(plain)) != bool(word.search(options[best])):
            return None
    return best


def _likeness(reply: list[str], option: list[str], named: list[list[str]]) -> float:
    """F1 of tokens; at least 0.8 for an option named whole in a short reply.

    Among the options named in the reply, one inside a longer one ("hepatitis" in "hepatitis B")
    is not meant.
    """
    if any(len(other) > len(option) and _contains(other, option) for other in named):
        return 0.0
    similar = token_f1(reply, option)
    return max(similar, 0.8) if option in named and len(reply) <= len(option) + 12 else similar


def _contains(text: list[str], part: list[str]) -> bool:
    return bool(part) and any(text[i : i + len(part)] == part for i in range(len(text)))


def token_f1(first: Sequence[str], second: Sequence[str]) -> float:
    """F1 of two bags of tokens, 0 to 1; 0 when either is empty."""
    left = list(second)
    shared = 0
    for token in first:
        if token in left:
            left.remove(token)
            shared += 1
    return 2 * shared / (len(first) + len(second)) if shared else 0.0


_YES = re.compile(r"(?i:yes|yeah|true)\b|是|有|对|存在")
_NO = re.compile(r"(?i:no|not|false)\b|不|没|否|无")
_CLOSED = {"yes": _YES, "no": _NO, "是": _YES, "有": _YES, "否": _NO, "没有": _NO, "不是": _NO}
_ARTICLES = frozenset({"a", "an", "the"})


def match_open(reply: str, reference: str) -> OpenMatch:
    """Whether a reply says what the reference says: a lexical stand-in where no judge is at hand.

    Equal after normalisation; for yes / no references the first word of the reply; otherwise
    token F1 of at least `SIMILARITY` with the same use of negation. Synonyms are not seen.
    """
    given, wanted = _words(reply), _words(reference)
    if not given:
        return OpenMatch(False, "none")
    if given == wanted:
        return OpenMatch(True, "exact")
    closed = _CLOSED.get(_plain(reference).lower().rstrip(".。"))
    if closed is not None:
        return OpenMatch(bool(closed.match(_plain(reply).lower())), "closed")
    negated = bool(_NEGATION.search(_plain(reply))) != bool(_NEGATION.search(_plain(reference)))
    similar = token_f1(given, wanted) >= SIMILARITY and not negated
    return OpenMatch(similar, "similar" if similar else "different")


def _words(text: str) -> list[str]:
    return [token for token in tokens(_plain(text)) if token not in _ARTICLES]
