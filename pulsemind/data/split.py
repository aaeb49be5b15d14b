"""Which record goes where: by a hash of seed and id, so that a record added moves no other."""

from __future__ import annotations

import hashlib
import heapq
import random

from pulsemind.records import Consultation, Query


def share(seed: int, purpose: str, record_id: str) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{record_id}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


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


class Lowest:
    """Keeps the `size` records with the lowest shares and hands back the one that gives way."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._heap: list[tuple[float, str, Consultation]] = []

    def add(self, value: float, record: Consultation) -> Consultation | None:
        """Offer a record; returns the one that is out, if any."""
        entry = (-value, record.id, record)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
            return None
        return heapq.heappushpop(self._heap, entry)[2]

    def records(self) -> list[Consultation]:
        """The records kept, by id."""
        return sorted((record for _, _, record in self._heap), key=lambda record: record.id)
