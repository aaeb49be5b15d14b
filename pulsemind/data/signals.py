"""Quality signals of a consultation: what later stages select by and the dataset card counts.

Pure functions of the record, measured where not stated: nothing here reads a file or a setting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Literal

from pulsemind.data.asking import asks
from pulsemind.data.departments import normalise
from pulsemind.data.detectors import PLACEHOLDER
from pulsemind.data.licences import Terms, terms
from pulsemind.data.modality import Look, modality
from pulsemind.data.text import tokens
from pulsemind.records import Consultation, Language, Modality, Signals, Turn, Use

Review = Literal["not_reviewed", "pending", "accepted", "edited", "rejected"]
"""What the proofreading queue says of a record; `not_reviewed` was never in the queue."""

_HAN = re.compile(r"[\u3400-\u9fff]+")
_LATIN = re.compile(r"[A-Za-z]{2,}")


def signals(
    record: Consultation,
    *,
    review: Review = "not_reviewed",
    cleared: Collection[str] = (),
    looks: Mapping[str, Look] | None = None,
) -> Signals:
    """The signals of a consultation.

    Args:
        review: what the proofreaders said of it.
        cleared: licences, as they stand in the record's provenance, that an agreement covers.
        looks: `modality.look` of images by their path, where it was taken; without it the words
            of the turn decide about images of kind "other".
    """
    text = record.text()
    language, other = languages(text, record.language)
    department = normalise(record.department)
    physician = [turn.text for turn in record.turns if turn.role == "physician"]
    licence = terms(record.provenance.licence, cleared)
    return Signals(
        turns=len(record.turns),
        tokens=len(tokens(text)),
        language=language,
        other_language=other,
        department=department.name if department else None,
        subspecialty=department.subspecialty if department else None,
        department_known=department is not None and department.known,
        modalities=_modalities(record.turns, looks or {}),
        physician_turns=len(physician),
        asking_turns=sum(map(asks, physician)),
        uses=uses(record.turns, licence, review),
        licence_flags=licence.flags,
    )


def languages(text: str, stated: Language) -> tuple[Language, float]:
    """The main language and the share of the other one (0 to 0.5), placeholders left out.

    Counted in Chinese characters and in Latin words of two letters or more. Units and drug codes
    count as Latin, so a few per cent in a Chinese dialogue mean nothing. A text with neither, or
    with as many of both, is in the stated language.
    """
    plain = PLACEHOLDER.sub(" ", text) if "[" in text else text
    chinese = sum(map(len, _HAN.findall(plain)))
    latin = len(_LATIN.findall(plain))
    total = chinese + latin
    if not total:
        return stated, 0.0
    main: Language = stated if chinese == latin else "zh" if chinese > latin else "en"
    return main, round(min(chinese, latin) / total, 4)


def uses(turns: tuple[Turn, ...], licence: Terms, review: Review) -> tuple[Use, ...]:
    """What a record may be used for. The split decides what it is used for, one thing at most.

    Every use needs an answered patient turn (a physician's turn with text right after it), and a
    record that is neither rejected nor still waiting in the review queue.
    - sft1: the licence allows training; one exchange, without images (P: stage 1 is text);
    - sft2: the licence allows training;
    - crpo_query: as sft2, and the patient's turn has text of its own to ask with;
    - evaluation: the licence allows evaluation.
    """
    if review in ("pending", "rejected"):
        return ()
    answered = [
        turn
        for turn, reply in pairwise(turns)
        if turn.role == "patient" and reply.role == "physician" and reply.text.strip()
    ]
    if not answered:
        return ()
    found: list[Use] = []
    if licence.training:
        if len(turns) == 2 and not turns[0].images and not turns[1].images:
            found.append("sft1")
        found.append("sft2")
        if any(turn.text.strip() for turn in answered):
            found.append("crpo_query")
    if licence.evaluation:
        found.append("evaluation")
    return tuple(found)


def _modalities(turns: tuple[Turn, ...], looks: Mapping[str, Look]) -> tuple[Modality, ...]:
    return tuple(
        modality(image, turn.text, looks.get(image.path)) for turn in turns for image in turn.images
    )
