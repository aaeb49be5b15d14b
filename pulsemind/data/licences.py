"""What a licence lets this pipeline do with a record: a table of the licences met so far.

The table is a reading aid for a build, not legal advice. A licence that it lacks clears nothing:
whoever has an agreement names it in `cleared`, as it stands in the source's `licence`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from pulsemind.records import LicenceFlag

_FREE = re.compile(
    r"(?:cc0(?:-1\.0)?|cc-by(?:-[1-4]\.[05])?|mit(?:-0)?|apache-?2(?:\.0)?|bsd-[23]-clause|isc|unlicense"
    r"|pddl-1\.0|odc-by-1\.0|public-domain)"
)
_RESEARCH = re.compile(r"(?:^|-)nc(?:-|$)|non-?commercial|research|academic|physionet")
_NO_DERIVATIVES = re.compile(r"(?:^|-)nd(?:-|$)|no-?deriv")
_SHARE_ALIKE = re.compile(r"(?:^|-)sa(?:-|$)|^gpl|^agpl|^odbl|share-?alike")


@dataclass(frozen=True)
class Terms:
    """Whether a record may be trained on or evaluated with, and what to mind."""

    training: bool
    evaluation: bool
    flags: tuple[LicenceFlag, ...] = ()


def terms(licence: str, cleared: Collection[str] = ()) -> Terms:
    """The terms of a licence, given as its SPDX identifier or a short name.

    - in `cleared`, or free (CC0, CC BY, MIT, Apache, BSD, public domain): training and evaluation;
    - share-alike: the same, flagged, since it may bind what is published of the data;
    - research or non-commercial only: the same, flagged, since a model made from it is bound too;
    - no derivatives: evaluation only, flagged, since expansion and anonymisation rewrite the text;
    - anything else: neither, flagged as unknown.
    """
    return Terms(True, True) if licence in cleared else _known(licence)


@lru_cache(maxsize=256)
def _known(licence: str) -> Terms:
    name = re.sub(r"[\s_]+", "-", licence.strip().lower())
    if _FREE.fullmatch(name):
        return Terms(True, True)
    flags: list[LicenceFlag] = []
    if _RESEARCH.search(name):
        flags.append("research_only")
    if _NO_DERIVATIVES.search(name):
        flags.append("no_derivatives")
    if _SHARE_ALIKE.search(name):
        flags.append("share_alike")
    if not flags:
        return Terms(False, False, ("licence_unknown",))
    return Terms("no_derivatives" not in flags, True, tuple(flags))
