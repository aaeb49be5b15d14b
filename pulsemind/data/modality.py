"""What an image shows where its metadata says no more than "other".

A heuristic, ours, in two steps that must agree:
1. words: the kinds of image that the turn's text names, and the file's name as long as the image
   does not yet lie under its hash. Exactly one kind named is a proposal, none or several are none.
2. look: whether the pixels are a bright page, a grey picture or a coloured one (`look`). A page is
   never a scan: "my CT" over a printed page is its report. A grey picture is no prescription.

Without pixels step 1 decides alone. What the rule cannot tell stays "other".
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from PIL import Image

from pulsemind.records import ImageKind, ImageRef, Modality

Look = Literal["page", "grey", "colour"]

_WORDS: dict[ImageKind, str] = {
    "ultrasound": r"超声|b超|彩超|心超|\bultrasound"
    r"|\bsonogra(?:m|phy)|\bechocardiogra(?:m|phy)",
    "ct_mri": r"(?<![a-z])(?:ct|mri|mra|cta|pet-?ct)(?![a-z])|核磁|磁共振|断层扫描|\bcat scan",
    "xray": r"x\s*[光线片]|胸片|平片|钼靶"
    r"|\bx[\s_-]?rays?\b|\bradiogra(?:ph|phs|m)\b|\bmammogra(?:m|phy)",
    "pathology": r"病理|活检|切片|\bpatholog(?:y|ical)|\bbiopsy|\bhistolog(?:y|ical)",
    "endoscopy": r"[胃肠喉鼻胱腔管]镜|内窥镜|内镜"
    r"|\b(?:endo|gastro|colono|broncho|laryngo|hystero|cysto)scop(?:y|ic)",
    "laboratory": r"化验|血常规|尿常规|便常规|血检|验血|抽血|肝功|肾功|生化|甲功"
    r"|\burinalysis|\burine test|\blab(?:oratory)?\s+(?:results?|reports?|tests?|values?)"
    r"|\bblood\s+(?:tests?|counts?|results?|work)",
    "prescription": r"处方|药方|药单|开的药|\bprescription|\bprescribed",
    "surgical_record": r"手术记录|手术报告|术中记录"
    r"|\b(?:operative|surgical|operation)\s+(?:note|report|record)",
    "medical_record": r"病历|住院记录|出院小结|出院记录"
    r"|\bmedical record|\bdischarge\s+(?:summary|letter)|\bcase notes",
    "examination_report": r"检查报告|检查单|报告单|体检报告"
    r"|\b(?:examination|check-?up)\s+(?:report|result)",
}
_PATTERNS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _WORDS.items()}
_SCANS: frozenset[ImageKind] = frozenset(("ultrasound", "ct_mri", "xray", "endoscopy", "pathology"))
_GREY: frozenset[ImageKind] = frozenset(("ultrasound", "ct_mri", "xray"))
_PAGE_SHARE, _PAGE_LIGHT, _GREY_SPREAD = 0.6, 200, 12


def modality(image: ImageRef, words: str, look: Look | None = None) -> Modality:
    """The kind of an image; `words` is the text of the turn that shows it."""
    if image.kind != "other":
        return Modality(kind=image.kind, source="metadata")
    named = words if image.sha256 else f"{words} {_spaced(image.path)}"
    kinds = [kind for kind, pattern in _PATTERNS.items() if pattern.search(named)]
    if len(kinds) == 2 and kinds[-1] == "examination_report":
        kinds = kinds[:-1] if look != "page" else kinds[-1:]
    proposed = _agreed(kinds[0], look) if len(kinds) == 1 else None
    if proposed is None:
        return Modality(kind="other", source="metadata")
    return Modality(kind=proposed, source="heuristic")


def look(image: Image.Image) -> Look:
    """What the pixels are, told from a copy of 64 x 64 pixels.

    A page: at least 60 % of the pixels are light (each channel 200 or more of 255). Grey: the
    channels differ by 12 at most on average. Everything else is coloured.
    """
    pixels = np.asarray(image.convert("RGB").resize((64, 64)), dtype=np.int16)
    if float(np.mean(pixels.min(axis=2) >= _PAGE_LIGHT)) >= _PAGE_SHARE:
        return "page"
    spread = float(np.mean(pixels.max(axis=2) - pixels.min(axis=2)))
    return "grey" if spread <= _GREY_SPREAD else "colour"


def _agreed(kind: ImageKind, look: Look | None) -> ImageKind | None:
    """The proposal after the pixels were asked; None when they contradict it."""
    if look == "page" and kind in _SCANS:
        return "examination_report"
    if look == "grey" and kind not in _GREY:
        return None
    return kind


def _spaced(path: str) -> str:
    return re.sub(r"[_\-.]+", " ", PurePosixPath(path).stem)
