"""Guards of the expansion: what a rewritten physician reply must keep, and must not bring in.

Kept (SPEC section 3): every number with its unit, every drug, every negation, every placeholder of
a replaced personal value, and the intent, measured by the number of questions. New are allowed:
advice, explanation, warning signs. Not new: a drug, a dose, a way of giving drugs, a placeholder,
a negation of what the physician affirmed. What the dialogue named before counts as known.

Pure functions of the texts. They err on the side of the original: a paraphrase they cannot follow
fails, is asked again and in the end the original stays. They do not understand medicine: a wrong
but drug-free, number-free sentence passes, which is what proofreading is for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pulsemind.data.detectors import PLACEHOLDER
from pulsemind.data.drugs import Drug, drugs
from pulsemind.data.negation import CLAUSE, Statements, added, lost, statements
from pulsemind.data.quantities import (
    DOSE_UNITS,
    SCHEDULE_UNITS,
    Found,
    Quantity,
    normal,
    quantities,
    spelt,
)
from pulsemind.records import Record

Guard = Literal[
    "empty",
    "language",
    "placeholder_lost",
    "placeholder_new",
    "number_lost",
    "dose_new",
    "dose_moved",
    "drug_lost",
    "drug_new",
    "prescription_new",
    "negation_lost",
    "negation_new",
    "question_lost",
]

_BRACKET = re.compile(r"\[[A-Z][A-Z-]*[+-]?\d*\]")
_SENTENCE = re.compile(r"[。.!！?？;；\n]+(?!\d)")
_QUESTION = re.compile(r"[?？]+|[吗么](?=[,，。.;；\s]|$)")
_ROUTES = re.compile(
    r"(?P<oral>口服|服用|吞服|含服|嚼服|\borally\b|\bby mouth\b"
    r"|\btake (?:\w+ )?(?:tablet|pill|capsule|medic))"
    r"|(?P<injection>注射|静滴|静脉滴注|输液|打针|\binject|\binfus|\bintravenous)"
    r"|(?P<topical>外用|涂抹|外敷|外涂|涂药|\btopical|\bointment|\bcream\b)"
    r"|(?P<inhaled>雾化|\binhale[rd]?\b|\bnebuli)"
    r"|(?P<local>塞肛|栓剂|滴眼|滴鼻|滴耳|\bsuppositor|\b(?:eye|ear|nose) drops\b)"
    r"|(?P<prescribed>开药|开点|开具|给[您你]开|\bprescribe\b)"
)
_DENIED = re.compile(r"[不没勿别莫禁]|避免|\b(?:not|never|no|without|avoid\w*)\b|n't\b")
_LIST = re.compile(r"[,，。.!！?？;；:：\n、]+(?!\d)|[和及与加]|\b(?:and|plus|but|or)\b")


class Failure(Record):
    """A guard that a rewrite failed, and the words it is about."""

    guard: Guard
    what: str = ""


@dataclass(frozen=True)
class _Facts:
    plain: str
    quantities: tuple[Found, ...]
    drugs: tuple[Drug, ...]
    statements: Statements

    @property
    def numbers(self) -> Counter[Quantity]:
        return Counter(found.quantity for found in self.quantities)

    @property
    def names(self) -> set[str]:
        return {drug.known for drug in self.drugs}


def check(before: str, after: str, dialogue: str = "") -> tuple[Failure, ...]:
    """The guards that the rewrite `after` of the reply `before` fails; none when it may stand.

    Args:
        dialogue: what was said before the reply; drugs and doses named there are known.
    """
    if not after.strip():
        return (Failure(guard="empty"),)
    old, new, said = _facts(before), _facts(after), _facts(dialogue)
    failures = [
        *_language(before, after),
        *_placeholders(before, after, dialogue),
        *_numbers(old, new, said),
        *_drugs(old, new, said),
        *_routes(old, new, said),
        *(
            Failure(guard="negation_lost", what=n.clause)
            for n in lost(old.statements, new.statements)
        ),
        *(
            Failure(guard="negation_new", what=n.clause)
            for n in added(old.statements, new.statements)
        ),
    ]
    if questions(after) < questions(before):
        failures.append(Failure(guard="question_lost"))
    return tuple(dict.fromkeys(failures))


def questions(text: str) -> int:
    """How many questions a text asks: question marks, and 吗 or 么 at the end of a clause."""
    return len(_QUESTION.findall(re.sub(r"[吗么呢][?？]", "?", text)))


@lru_cache(maxsize=4096)
def _facts(text: str) -> _Facts:
    plain = PLACEHOLDER.sub(" ", text)
    flat = spelt(normal(plain))
    return _Facts(flat, tuple(quantities(plain)), tuple(drugs(flat)), statements(plain))


def _language(before: str, after: str) -> Iterator[Failure]:
    def share(text: str) -> float:
        letters = [c for c in PLACEHOLDER.sub("", text) if c.isalpha()]
        return sum("\u3400" <= c <= "\u9fff" for c in letters) / max(1, len(letters))

    if abs(share(before) - share(after)) > 0.6:
        yield Failure(guard="language")


def _placeholders(before: str, after: str, dialogue: str) -> Iterator[Failure]:
    kept = set(PLACEHOLDER.findall(before))
    for lost_one in sorted(kept - set(PLACEHOLDER.findall(after))):
        yield Failure(guard="placeholder_lost", what=lost_one)
    known = kept | set(PLACEHOLDER.findall(dialogue)) | set(_BRACKET.findall(before))
    for strange in sorted(set(_BRACKET.findall(after)) - known):
        yield Failure(guard="placeholder_new", what=strange)


def _numbers(old: _Facts, new: _Facts, said: _Facts) -> Iterator[Failure]:
    missing = old.numbers - new.numbers
    for found in old.quantities:
        if found.quantity in missing:
            yield Failure(guard="number_lost", what=found.words)
    known = old.numbers | said.numbers
    for found in new.quantities:
        if found.quantity not in known and _prescribes(found, new):
            yield Failure(guard="dose_new", what=found.words)
    was, now, before = _doses(old), _doses(new), _doses(said)
    for drug, dose in (was - now) + (now - was - before):
        if drug and dose in known:
            yield Failure(guard="dose_moved", what=f"{drug} {dose}")


def _prescribes(found: Found, facts: _Facts) -> bool:
    """Whether a quantity is a dose, or says how often or how long in a sentence about a drug."""
    unit, _, per = found.quantity.unit.partition("/")
    if unit in DOSE_UNITS:
        return per != "ml"  # a concentration is a laboratory value
    start, stop = _around(found.start, facts.plain, _SENTENCE)
    about_drug = any(start <= drug.start < stop for drug in facts.drugs)
    return unit in SCHEDULE_UNITS and (
        about_drug or _ROUTES.search(facts.plain, start, stop) is not None
    )


def _doses(facts: _Facts) -> Counter[tuple[str, Quantity]]:
    """Each dose with its drug: the one before it in the phrase, the one after it, the last one."""
    pairs: Counter[tuple[str, Quantity]] = Counter()
    for found in facts.quantities:
        if found.quantity.unit.partition("/")[0] not in DOSE_UNITS:
            continue
        start, stop = _around(found.start, facts.plain, _LIST)
        inside = [drug for drug in facts.drugs if start <= drug.start < stop]
        earlier = [drug for drug in inside if drug.start < found.start]
        anywhere = [drug for drug in facts.drugs if drug.start < found.start]
        one = earlier[-1:] or inside[:1] or anywhere[-1:]
        pairs[one[0].known if one else "", found.quantity] += 1
    return pairs


def _around(position: int, plain: str, separator: re.Pattern[str]) -> tuple[int, int]:
    """The stretch between two separators that holds a position."""
    start = 0
    for found in separator.finditer(plain):
        if found.start() >= position:
            return start, found.start()
        start = found.end()
    return start, len(plain)


def _drugs(old: _Facts, new: _Facts, said: _Facts) -> Iterator[Failure]:
    for drug in old.drugs:
        if drug.known not in new.names and drug.known not in new.plain:
            yield Failure(guard="drug_lost", what=drug.name)
    for drug in new.drugs:
        told = drug.known in old.plain or drug.known in said.plain
        if not told and drug.known not in old.names | said.names:
            yield Failure(guard="drug_new", what=drug.name)


def _routes(old: _Facts, new: _Facts, said: _Facts) -> Iterator[Failure]:
    known = {m.lastgroup for facts in (old, said) for m in _ROUTES.finditer(facts.plain)}
    for clause in CLAUSE.split(new.plain):
        if not _DENIED.search(clause):
            for found in _ROUTES.finditer(clause):
                if found.lastgroup not in known:
                    yield Failure(guard="prescription_new", what=found.group())
