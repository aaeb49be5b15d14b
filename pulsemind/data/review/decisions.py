"""Decisions of reviewers: an append-only `decisions.jsonl`, and what they come to for a task.

A reviewer's latest decision on a task counts. With two reviewers a rejection wins, whoever else
accepted: what one physician holds wrong or unethical does not train a model. Without one, an edit
wins over an acceptance, and of two edits the later, as its author has seen no less.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from pulsemind.data.review.queue import Head
from pulsemind.records import Quarantined, Review

DECISIONS = "decisions.jsonl"
LONGEST = 1_000_000
"""Bytes of a line; a longer one is not read."""
State = Literal["accepted", "edited", "rejected", "pending"]
Decisions = dict[str, dict[str, Review]]
"""Task id -> reviewer -> the latest decision."""


@dataclass(frozen=True)
class Outcome:
    """What the decisions on a task come to; `edits` maps turns to new texts.

    `valid` are the decisions on the task as it is now, `outdated` counts the others.
    """

    state: State
    edits: Mapping[int, str]
    valid: tuple[Review, ...]
    outdated: int


def append(folder: Path, reviews: Iterable[Review]) -> int:
    """Add decisions to the file; they are on the disk when this returns. Returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with (folder / DECISIONS).open("a+b") as handle:
        if handle.seek(0, os.SEEK_END):
            handle.seek(-1, os.SEEK_END)
            if handle.read(1) != b"\n":  # a line torn by a crash stays one broken line
                handle.write(b"\n")
        for review in reviews:
            handle.write(review.model_dump_json().encode() + b"\n")
            count += 1
        handle.flush()
        os.fsync(handle.fileno())
    return count


def load(folder: Path) -> tuple[Decisions, list[Quarantined]]:
    """All decisions of a queue's folder, and the lines that are none; no file, no decisions."""
    decisions: Decisions = {}
    broken: list[Quarantined] = []
    path = folder / DECISIONS
    for index, line in enumerate(_lines(path) if path.is_file() else ()):
        try:
            review = Review.model_validate_json(line)
        except ValidationError:
            broken.append(Quarantined(file=DECISIONS, index=index, reason="not a decision"))
            continue
        note(decisions, review)
    return decisions, broken


def note(decisions: Decisions, review: Review) -> None:
    """Take in a decision, unless its reviewer has made a later one on the task."""
    of_task = decisions.setdefault(review.task, {})
    former = of_task.get(review.reviewer)
    if former is None or former.time <= review.time:
        of_task[review.reviewer] = review


def outcome(task: Head, reviews: Mapping[str, Review]) -> Outcome:
    """Bring the decisions on a task together, as the module says."""
    valid = sorted(
        (
            r
            for r in reviews.values()
            if r.reviewed == task.digest and set(r.edited) <= task.editable
        ),
        key=lambda review: (review.time, review.reviewer),
    )
    edits = [review.edited for review in valid if review.decision == "edit"]
    state: State
    if any(review.decision == "reject" for review in valid):
        state = "rejected"
    elif len(valid) < task.wanted:
        state = "pending"
    else:
        state = "edited" if edits else "accepted"
    return Outcome(
        state=state,
        edits=edits[-1] if state == "edited" else {},
        valid=tuple(valid),
        outdated=len(reviews) - len(valid),
    )


def _lines(path: Path) -> Iterator[bytes]:
    """Lines of a file; one that is too long comes cut, and so is no decision."""
    with path.open("rb") as handle:
        while line := handle.readline(LONGEST):
            whole = line
            while len(line) == LONGEST and not line.endswith(b"\n"):
                line = handle.readline(LONGEST)
            yield whole
