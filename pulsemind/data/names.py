# ruff: noqa: E501 - patterns and tables stand on one line
"""Names of people and hospitals, Chinese (`chinese.py`, `hospitals.py`) and English (`english.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pulsemind.data.chinese import detect_chinese, name_places
from pulsemind.data.chinese_context import detect_in_context
from pulsemind.data.chinese_cues import detect_cued
from pulsemind.data.chinese_lists import detect_joined, detect_listed
from pulsemind.data.chinese_nicknames import detect_nicknames
from pulsemind.data.chinese_roles import detect_roles
from pulsemind.data.chinese_words import HAN
from pulsemind.data.chinese_world import detect_world
from pulsemind.data.detectors import Span
from pulsemind.data.english import detect_english
from pulsemind.data.english_joined import detect_joined_english
from pulsemind.data.hospitals import detect_hospitals, hospital_places
from pulsemind.data.tokens import Places, tokens_of


def detect_names(masked: str) -> Iterator[Span]:
    """Names of people and hospitals in a masked text; spans may overlap."""
    if re.search("[A-Za-z]{2}", masked):
        english = list(detect_english(masked))
        yield from english
        yield from detect_joined_english(masked, english)
    if re.search(f"[{HAN}]{{2}}", masked):
        tokens = tokens_of(masked, _wanted)
        people = [
            *detect_chinese(masked, tokens),
            *detect_cued(masked),
            *detect_in_context(masked),
            *detect_roles(masked),
            *detect_nicknames(masked),
            *detect_world(masked),
            *detect_listed(masked),
        ]
        yield from people
        yield from detect_joined(masked, people)
        yield from detect_hospitals(masked, tokens)


def _wanted(block: str) -> Places:
    return [*name_places(block), *hospital_places(block)]
