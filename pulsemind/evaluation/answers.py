"""Which option a model's free text chooses (SPEC 6: rules first, then the likest option).

Three steps: the exact rules for letters (`rules`), the option whose text is named (`named`), and
the option that the reply is clearly most like (`similarity`: by a sentence-embedding model, or by
shared words). What none of them reads is an abstention with its reason; nothing is ever guessed.
A second extractor of another kind (`second`) reads the same reply, and callers count how often the
two differ. docs/answers.md shows both on a table of answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from pulsemind.evaluation.named import read_named
from pulsemind.evaluation.plain import plain, without_questions
from pulsemind.evaluation.rules import LetterRule, read_letter
from pulsemind.evaluation.similarity import Similarity, likest

Rule = LetterRule | Literal["named", "similar", "conflict", "refusal", "none"]
ABSTENTIONS: frozenset[str] = frozenset({"conflict", "refusal", "none"})
RULES: tuple[str, ...] = (
    *get_args(LetterRule),
    *("named", "similar", "conflict", "refusal", "none"),
)
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|unable to|as an? (?:ai|(?:large )?language model)|not qualified"
    r"|(?:cannot|can't|can not|could not|couldn't|won't) "
    r"(?:answer|determine|help|provide|say|choose|decide|tell)"
    r"|(?:do not|don't) (?:know|have enough)|not (?:sure|certain)|unclear"
    r"|(?:need|requires?) more)\b"
    r"|抱歉|对不起|无法|不知道|不清楚|不能(?:回答|判断|确定|给出|提供)"
    r"|作为(?:一个)?(?:人工智能|AI|语言模型)|还?不好说",
    re.IGNORECASE,
)


class ParsedChoice(NamedTuple):
    """The letter read and the rule that read it; no letter means an abstention."""

    letter: str | None
    rule: Rule


def parse_choice(
    text: str, options: Mapping[str, str], similarity: Similarity | None = None
) -> ParsedChoice:
    """Which option a reply chooses.

    Args:
        options: letter (A, B, ...) to option text.
        similarity: how like a reply is to each option; None is the lexical measure.

    Returns the letter with the rule that read it. Without one the rule says why: `conflict`
    (several chosen, or letter and text disagree), `refusal`, or `none`.
    """
    whole = plain(text)
    if not whole:
        return ParsedChoice(None, "none")
    same = [letter for letter, option in options.items() if _bare(option) == _bare(whole)]
    # "A patient with hepatitis A" is that option's text and no letter; but "D" is a letter, also
    # where an option says "D", as the panels of a figure do.
    if same and whole.upper() not in options:
        return ParsedChoice(same[0], "named") if len(same) == 1 else ParsedChoice(None, "conflict")
    said = without_questions(whole)
    found = read_letter(said, options)
    if found:
        return ParsedChoice(found.letter, found.rule if found.letter else "conflict")
    named = read_named(said, options)
    if named.letter or named.conflict:
        return ParsedChoice(named.letter, "named" if named.letter else "conflict")
    if _REFUSAL.search(said):
        return ParsedChoice(None, "refusal")
    letter = likest(said, options, similarity)
    return ParsedChoice(letter, "similar" if letter else "none")


def _bare(text: str) -> str:
    return re.sub(r"[\s.。!！]+", " ", plain(text)).strip().casefold()
