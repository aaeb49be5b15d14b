"""Patterns that first ask whether a text has the characters without which they cannot match.

Most texts lack what most patterns need (a digit, a capital, 院), and looking for characters costs a
tenth of a search. What a pattern needs is read off the pattern itself, so the two cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from re import _parser as syntax  # type: ignore[attr-defined]
from typing import Any

MOST = 1000
"""Characters in a set that it pays to ask for; nearly every text has one of a larger set."""
LOW_PLANES = "".join(map(chr, range(0x20000)))
"""Characters among which all digits, spaces and letters with a case are."""


@dataclass(frozen=True)
class Needs:
    """What every match holds: so many digits, and a character of each set."""

    digits: int = 0
    sets: frozenset[frozenset[str]] = frozenset()

    def __add__(self, other: Needs) -> Needs:
        """What two patterns need that match one after the other."""
        return Needs(self.digits + other.digits, self.sets | other.sets)


@dataclass(frozen=True, eq=False)
class Finder:
    """A pattern, the digits and the sets of characters that it needs, the smallest set first."""

    pattern: re.Pattern[str]
    digits: int
    sets: tuple[frozenset[str], ...]

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """All matches, as the pattern's own `finditer`."""
        return self.pattern.finditer(text) if self.may_match(text) else iter(())

    def may_match(self, text: str) -> bool:
        """Whether a text has all that the pattern needs."""
        characters, digits = _content(text)
        if digits < self.digits:
            return False
        for wanted in self.sets:  # noqa: SIM110 - `all` over a generator takes twice as long
            if characters.isdisjoint(wanted):
                return False
        return True


def finder(pattern: str, flags: int = 0) -> Finder:
    """Compile a pattern."""
    compiled = re.compile(pattern, flags)
    needs = _of_sequence(syntax.parse(pattern, flags), compiled.flags)
    sets = (wanted for wanted in needs.sets if not (needs.digits and wanted >= _digits()))
    return Finder(compiled, needs.digits, tuple(sorted(sets, key=_size)))


@lru_cache(maxsize=4)  # all finders ask for the same text, one after another
def _content(text: str) -> tuple[frozenset[str], int]:
    """A text's characters, and how many of its places hold a digit."""
    characters = frozenset(text)
    return characters, sum(text.count(digit) for digit in characters & _digits())


def _of_sequence(parts: Iterable[tuple[Any, Any]], flags: int) -> Needs:
    needs = Needs()
    for operator, value in parts:
        needs += _of_part(str(operator), value, flags)
    return needs


def _of_part(operator: str, value: Any, flags: int) -> Needs:
    """What one part of a parsed pattern needs: nothing where that is not plain to see."""
    match operator:
        case "LITERAL":
            return _of_set(_alike(chr(value), flags))
        case "IN":
            return _of_set(_members(value, flags))
        case "SUBPATTERN":
            _group, added, removed, inner = value
            return _of_sequence(inner, (flags | added) & ~removed)
        case "ATOMIC_GROUP":
            return _of_sequence(value, flags)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, _most, inner = value
            once = _of_sequence(inner, flags)
            return Needs(least * once.digits, once.sets) if least else Needs()
        case "ASSERT":  # other parts may match the very digits that it sees
            return Needs(0, _of_sequence(value[1], flags).sets)
        case "BRANCH":
            return _of_branches([_of_sequence(branch, flags) for branch in value[1]])
    return Needs()


def _of_set(characters: frozenset[str] | None) -> Needs:
    if characters is None or len(characters) > MOST:
        return Needs()
    return Needs(int(characters <= _digits()), frozenset([characters]))


def _of_branches(branches: list[Needs]) -> Needs:
    """Each branch gives its smallest set; a character of their union is in every match."""
    digits = min(branch.digits for branch in branches)
    if not all(branch.sets for branch in branches):
        return Needs(digits)
    union = frozenset[str]().union(*(min(branch.sets, key=_size) for branch in branches))
    return Needs(digits, _of_set(union).sets)


def _size(characters: frozenset[str]) -> tuple[int, str]:
    """The size, and which one of equal size so that every process takes the same."""
    return len(characters), min(characters)


def _members(items: list[tuple[Any, Any]], flags: int) -> frozenset[str] | None:
    """The characters of a class such as `[a-z\\d]`; None where they are too many to list."""
    members: set[str] = set()
    for operator, value in items:
        match str(operator), str(value):
            case "LITERAL", _:
                members |= _alike(chr(value), flags)
            case "RANGE", _ if value[1] - value[0] <= MOST:
                for code in range(value[0], value[1] + 1):
                    members |= _alike(chr(code), flags)
            case "CATEGORY", "CATEGORY_DIGIT":
                members |= _digits()
            case "CATEGORY", "CATEGORY_SPACE":
                members |= _spaces()
            case _:
                return None
    return frozenset(members)


@cache
def _alike(character: str, flags: int) -> frozenset[str]:
    """A character; where case is ignored, all that `re` takes for it."""
    if not flags & re.IGNORECASE:
        return frozenset(character)
    return frozenset([character, *re.findall(re.escape(character), _cased(), re.IGNORECASE)])


@cache
def _digits() -> frozenset[str]:
    return frozenset(filter(str.isdecimal, LOW_PLANES))


@cache
def _spaces() -> frozenset[str]:
    return frozenset(filter(str.isspace, LOW_PLANES))


@cache
def _cased() -> str:
    """All characters that have another case."""
    return "".join(filter(str.islower, LOW_PLANES)) + "".join(filter(str.istitle, LOW_PLANES))
