"""A finder leaves out no search that would have found something."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.personal_data import texts, written
from pulsemind.data import chinese, chinese_context, chinese_cues, english, hospitals
from pulsemind.data.finder import LOW_PLANES, Finder, _cased, finder
from pulsemind.data.patterns import rules

FINDERS: list[Finder] = [
    *(rule.pattern for rule in rules()),
    *(cue for _, _, cue in english._cues()),
    *(pattern for _, _, pattern in chinese_context._PATTERNS),
    *(
        value
        for module in (chinese, chinese_cues, english, hospitals)
        for value in vars(module).values()
        if isinstance(value, Finder)
    ),
]


def _matches(found: Finder, text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where the finder matches, and where its pattern does."""
    return (
        [match.span() for match in found.finditer(text)],
        [match.span() for match in found.pattern.finditer(text)],
    )


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_the_patterns_match_is_found(data: st.DataObject) -> None:
    found = data.draw(st.sampled_from(FINDERS))
    text = data.draw(st.from_regex(found.pattern))
    finders, patterns = _matches(found, text)
    assert finders == patterns


def test_no_digit_space_or_case_lies_in_the_high_planes() -> None:
    for character in map(chr, range(len(LOW_PLANES), sys.maxunicode + 1)):
        assert not character.isdecimal()
        assert not character.isspace()
        assert character.lower() == character.upper() == character


def test_every_case_of_a_letter_is_known() -> None:
    others = [c for c in LOW_PLANES if (c.lower() != c or c.upper() != c) and c not in _cased()]
    assert others == []


def test_labelled_texts_lose_no_match() -> None:
    for item in [*texts("develop", copies=2), *texts("held", copies=2), *written()]:
        for found in FINDERS:
            finders, patterns = _matches(found, item.text)
            assert finders == patterns


def test_most_patterns_need_something() -> None:
    assert sum(bool(found.digits or found.sets) for found in FINDERS) > 0.9 * len(FINDERS)


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "may"),
    [
        (r"\d{3}-\d{4}", 0, "12 - 34", False),
        (r"\d{3}-\d{4}", 0, "555-1234", True),
        (r"\d{3}-\d{4}", 0, "５５５-１２３４", True),
        (r"(?=.*\d)\d", 0, "7", True),
        (r"(?:身份证|护照)\s*[A-Z]", 0, "护 A", True),
        (r"(?:身份证|护照)\s*[A-Z]", 0, "证件A", False),
        (r"(?:ab)?c", 0, "c", True),
        (r"(?:ab|)c", 0, "c", True),
        (r"(?:ab){0,2}c", 0, "c", True),
        (r"[^a]b", 0, "xb", True),
        (r"risk", re.IGNORECASE, "RIſK", True),
        (r"(?i:k)x", 0, "\u212ax", True),
        (r"(?i:a(?-i:b))", 0, "AB", False),
        (r"(a)\1", 0, "aa", True),
        (r"(?<!a)b", 0, "b", True),
        (r"(?<=a)b", 0, "b", False),
        (r"$", 0, "", True),
    ],
)
def test_what_a_pattern_needs(pattern: str, flags: int, text: str, may: bool) -> None:
    found = finder(pattern, flags)
    assert found.may_match(text) is may
    finders, patterns = _matches(found, text)
    assert finders == patterns
