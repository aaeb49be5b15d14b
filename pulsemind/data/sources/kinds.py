"""The kind of an image from the modality that a public set states."""

from __future__ import annotations

import re

from pulsemind.records import ImageKind

_KINDS: tuple[tuple[str, ImageKind], ...] = (
    (r"ultraso|echocardio|超声", "ultrasound"),
    (r"\bct\b|comput\w+ tomogra|\bmri?\b|magnetic resonance|磁共振", "ct_mri"),
    (r"x[- ]?ray|radiogra|\bcxr\b", "xray"),
    (r"patholog|microscop|histolog|病理", "pathology"),
    (r"endoscop|colonoscop|gastroscop|内镜|内窥镜", "endoscopy"),
)


def image_kind(modality: str) -> ImageKind:
    """MediScope's kind for a stated modality; `other` when it states none of them, or several."""
    found = {kind for pattern, kind in _KINDS if re.search(pattern, modality, re.IGNORECASE)}
    return found.pop() if len(found) == 1 else "other"
