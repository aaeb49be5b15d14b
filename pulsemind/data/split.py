"""Which record goes where: by a hash of seed and id, so that a record added moves no other."""

from __future__ import annotations

import hashlib
import random

from pulsemind.records import Consultation, QAItem, Query
from pulsemind.settings import DatasetSettings, Source

SPLITS = ("stage1/train", "stage1/validation", "stage2/train", "stage2/validation", "queries")
STAGE2_TRAIN, QUERY = SPLITS.index("stage2/train"), SPLITS.index("queries")


def share(seed: int, purpose: str, record_id: str) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{record_id}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def proposal(
    record: Consultation | QAItem, source: Source, settings: DatasetSettings
) -> tuple[int, float]:
    """The split of a training record, as its number in `SPLITS`, and its share as a query.

    Of the records proposed as queries the `settings.queries` with the lowest shares become
    queries. An evaluation record gets 0; its source says where it goes.
    """
    if source.use == "benchmark" or isinstance(record, QAItem):
        return 0, 1.0
    stage = "stage1" if source.use == "stage1" else "stage2"
    own = share(settings.seed, "queries", record.id)
    if stage == "stage2" and own < settings.query_share and query(record, settings.seed):
        return QUERY, own
    held_out = share(settings.seed, "validation", record.id) < settings.validation_share
    return SPLITS.index(f"{stage}/validation" if held_out else f"{stage}/train"), 1.0


def query(record: Consultation, seed: int) -> Query | None:
    """The dialogue up to one of its answered patient turns, drawn by seed; None without any."""
    answered = [
        number
        for number, (turn, reply) in enumerate(zip(record.turns, record.turns[1:], strict=False))
        if turn.role == "patient" and reply.role == "physician" and reply.text.strip()
    ]
    if not answered:
        return None
    drawn = random.Random(f"{seed}:turn:{record.id}").choice(answered)
    return Query(
        id=record.id,
        language=record.language,
        turns=record.turns[: drawn + 1],
        reference=record.turns[drawn + 1].text,
        department=record.department,
    )
