"""The offline judge: a deterministic rubric for machines without a chat endpoint.

It scores one reply at a time against the dialogue and the real physician's reply, so a comparison
is a difference of two scores: it is symmetric, and both orders agree by construction. It reads
surface content only (no medicine, no negation, no synonyms) and is **not for reporting**. All
rules and numbers are ours.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection

from pulsemind.judge import units as text_units
from pulsemind.records import DIMENSIONS, Dimension, Outcome, Query

OFFLINE_NOTE = "offline judge, not for reporting"
MARGIN = 0.1
"""Scores that differ by no more than this tie, in one dimension."""
OVERALL_MARGIN = 0.2
"""The same for the sum of the four scores."""

_RELEVANT, _UNRELATED, _SECOND = 0.9, 0.5, 0.1
_RELATED_SHARE = 0.15
_SENTENCE_MARKS = tuple("。！？.!?")
_DOSE = (
    r"\d\s*(?:mg|mcg|µg|g|ml|iu|units?|tablets?|capsules?|drops?|puffs?|片|粒|滴|支|袋|丸|毫克|克)"
)
_POLITE = re.compile(
    r"(?:其\s?他|别\s?的|什\s?么).{0,6}(?:问\s?题|疑\s?问|帮)|(?:other|more|any) questions|"
    r"anything else|help you"
)
_ACTIONS = {
    "examination": re.compile(
        r"检查|化验|拍片|ct|核磁|超声|[b彩]超|x光|x线|心电图|常规|镜|培养|测量|监测|"
        r"\b(?:tests?|examin\w*|x-?rays?|ultrasound|scan|mri|ecg|endoscop\w*|gastroscop\w*|culture|"
        r"biops\w*|blood count|measure)\b"
    ),
    "medication": re.compile(
        _DOSE + r"|服用|口服|外用|涂抹|外涂|滴眼|吸入|\b(?:take|apply|inhale|cream|ointment)\b"
    ),
    "conduct": re.compile(
        r"避免|不要|勿|忌|禁|戒|少吃|多喝|多饮|休息|清淡|锻炼|保持|注意|控制|"
        r"\b(?:avoid|do not|don't|stop|rest|drink|eat|keep|sleep|exercise|limit|reduce|wear)\b"
    ),
    "return": re.compile(
        r"复诊|复查|就医|就诊|急诊|立即|加重|随诊|"
        r"\b(?:return|come (?:back|in)|at once|follow[- ]up|see a doctor|emergency|worse\w*|seek|"
        r"hospital)\b"
    ),
}


def rubric(query: Query, text: str) -> dict[Dimension, float]:
    """Score one reply in [0, 1] per dimension; deterministic."""
    return {
        "proactiveness": _proactiveness(query, text),
        "accuracy": _accuracy(query.reference, text),
        "usefulness": _usefulness(query.reference, text),
        "language_quality": _language_quality(query, text),
    }


def outcome(candidate: float, counterpart: float, margin: float) -> Outcome:
    """Win when the candidate is ahead by more than `margin`, loss when behind by more."""
    # Rounded, so that a difference of exactly the margin is a tie whatever the binary fractions.
    difference = round(candidate - counterpart, 9)
    return "win" if difference > margin else "loss" if difference < -margin else "tie"


def compare_scores(
    candidate: dict[Dimension, float], counterpart: dict[Dimension, float]
) -> tuple[dict[Dimension, Outcome], Outcome]:
    """Outcome per dimension and overall (by the sums), from the candidate's side."""
    outcomes = {d: outcome(candidate[d], counterpart[d], MARGIN) for d in DIMENSIONS}
    totals = sum(candidate.values()), sum(counterpart.values())
    return outcomes, outcome(*totals, OVERALL_MARGIN)


def _questions(text: str) -> list[str]:
    return [s for s in text_units.sentences(text) if text_units.is_question(s)]


def _statements(text: str) -> list[str]:
    return [s for s in text_units.sentences(text) if not text_units.is_question(s)]


def _proactiveness(query: Query, text: str) -> float:
    """Credit for a question back: 0.9 when it relates to the case, 0.5 when not, 0.1 for a second.

    A question must have content, must not be mere courtesy ("any other questions?") or a piece of
    what the patient said, and counts nothing when repeated in the reply; one that the physician
    asked before counts as unrelated.
    """
    asked = Counter(_plain(question) for question in _questions(text))
    earlier = {_plain(q) for t in query.turns if t.role == "physician" for q in _questions(t.text)}
    patient = [_plain(turn.text) for turn in query.turns if turn.role == "patient"]
    known = text_units.atoms(
        " ".join([*(t.text for t in query.turns if t.role == "patient"), query.reference])
    )
    credits = []
    for question, times in asked.items():
        content = text_units.atoms(question)
        empty = len(text_units.tokens(question)) < 3 or not content or _POLITE.search(question)
        if times > 1 or empty or any(question in said for said in patient):
            continue
        related = len(content & known) >= _RELATED_SHARE * len(content)
        credits.append(_RELEVANT if related and question not in earlier else _UNRELATED)
    if not credits:
        return 0.0
    return max(credits) + (_SECOND if len(credits) > 1 else 0.0)


def _plain(text: str) -> str:
    return " ".join(text_units.tokens(text))


def _weight(found: Collection[str]) -> float:
    # A wrong dose is worse than a wrong word.
    return sum(2.0 if text_units.is_quantity(unit) else 1.0 for unit in found)


def _accuracy(reference: str, text: str) -> float:
    """F1 of the content units of both replies' statements; questions neither help nor harm."""
    expected = text_units.units("\n".join(_statements(reference)) or reference)
    given = text_units.units("\n".join(_statements(text)))
    shared = _weight(expected & given)
    total = _weight(expected) + _weight(given)
    return 2 * shared / total if shared else 0.0


def _actions(sentence: str) -> set[str]:
    plain = text_units.normalise(sentence)
    return {name for name, pattern in _ACTIONS.items() if pattern.search(plain)}


def _usefulness(reference: str, text: str) -> float:
    """Half: share of the reference's advice that is given; half: kinds of advice that are there.

    Kinds are examination, medication, conduct, when to return. A reference without advice asks
    for its content only.
    """
    statements = _statements(text)
    if not text_units.units("\n".join(statements)):
        return 0.0
    wanted = set().union(*(_actions(s) for s in _statements(reference)))
    advice = [s for s in _statements(reference) if _actions(s)] or [reference]
    expected = text_units.units("\n".join(advice))
    given = text_units.units("\n".join(statements))
    content = _weight(expected & given) / _weight(expected) if expected else 1.0
    kinds = set().union(*(_actions(s) for s in statements))
    return (content + (len(kinds & wanted) / len(wanted) if wanted else 1.0)) / 2


def _language_quality(query: Query, text: str) -> float:
    """Mean of six checks on form; 0 for a text without words."""
    words = text_units.tokens(text)
    if not words:
        return 0.0
    longest = 4 * max(len(text_units.tokens(query.reference)), 10)
    chinese = text_units.chinese_share(text)
    checks = [
        text.rstrip("\"'”’)）】 \n").endswith(_SENTENCE_MARKS),
        4 <= len(words) <= longest,
        (chinese >= 0.5) == (query.language == "zh"),
        not any(_is_garbage(c) for c in text),
        _well_formed(text),
        1.0 - min(1.0, 3 * text_units.repetition(words)),
    ]
    return sum(float(check) for check in checks) / len(checks)


def _is_garbage(character: str) -> bool:
    if character in "\n\r\t":
        return False
    return character == "\ufffd" or unicodedata.category(character) in {"Cc", "Co", "Cn", "Cs"}


def _well_formed(text: str) -> bool:
    doubled = re.search(r"[，,、：:；;。]{2,}|[？?！!]{2,}|[，,、：:]\s*[。！？!?]", text)
    opened = all(
        text.count(left) == text.count(right) for left, right in ("()", "（）", "【】", "[]", "“”")
    )
    return not doubled and opened and all(text_units.tokens(s) for s in text_units.sentences(text))
