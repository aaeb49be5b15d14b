"""The kinds of personal data that detectors find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Kind = Literal[
    "name",
    "physician",
    "id_number",
    "phone",
    "email",
    "account",
    "address",
    "hospital",
    "record_number",
    "bed_number",
    "date",
    "age_over_89",
    "url",
    "plate",
]
"""Also the names of the counts in an audit."""

Row = tuple[Kind, str] | tuple[Kind, str, Callable[[str], bool]]
"""Kind, pattern (group `v`, where there is one, is the value), and what may refuse a value."""
