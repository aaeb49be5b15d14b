"""Carry reviewers' decisions into the dataset: queue what is to be reviewed, let through the rest.

One pass does both, so that the queue always shows the dialogues as they are now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pulsemind.data.expand import Expanded
from pulsemind.data.review.agreement import Agreement, cohen
from pulsemind.data.review.decisions import Outcome, State, load, outcome
from pulsemind.data.review.queue import Queue, Task, queued, read_tasks
from pulsemind.records import Consultation, Quarantined
from pulsemind.settings import ProofreadSettings


class ReviewPending(RuntimeError):
    """Dialogues wait for a decision; the text says how many and what to do."""


@dataclass
class Tally:
    """What became of the queue, filled as it goes.

    `outdated` decisions were made on an older version of their task, `unknown` ones on a task that
    is not in the queue; neither is applied. `broken` are lines of the file that are no decisions.
    """

    states: Counter[State] = field(default_factory=Counter)
    unreviewed: int = 0
    second: int = 0
    """Pending tasks that only lack their second review."""
    outdated: int = 0
    unknown: int = 0
    broken: list[Quarantined] = field(default_factory=list)
    empathy: int = 0
    ethics: int = 0
    """Valid decisions that found the dialogue to meet them, out of `decisions`."""
    decisions: int = 0
    double: list[tuple[str, str]] = field(default_factory=list)
    """Decisions on tasks with two reviewers, in the order of the reviewers' ids."""

    def agreement(self) -> Agreement:
        """Cohen's kappa over accept, edit and reject."""
        return cohen(self.double)

    def report(self) -> dict[str, object]:
        """As JSON, without reviewers."""
        kappa = self.agreement()
        return {
            **{name: self.states[name] for name in ("accepted", "edited", "rejected", "pending")},
            "queued": self.states.total(),
            "unreviewed": self.unreviewed,
            "decisions": self.decisions,
            "empathy": self.empathy,
            "ethics": self.ethics,
            "outdated": self.outdated,
            "unknown": self.unknown,
            "broken": len(self.broken),
            "agreement": kappa.__dict__,
        }

    def add(self, task: Task, result: Outcome) -> None:
        """Count a task."""
        self.states[result.state] += 1
        self.outdated += result.outdated
        self.decisions += len(result.valid)
        self.empathy += sum(review.empathy for review in result.valid)
        self.ethics += sum(review.ethics for review in result.valid)
        if result.state == "pending" and result.valid:
            self.second += 1
        if task.wanted == 2 and len(result.valid) >= 2:
            first, second, *_ = sorted(result.valid, key=lambda review: review.reviewer)
            self.double.append((first.decision, second.decision))


def proofread(
    items: Iterable[tuple[Expanded, Path]],
    folder: Path,
    settings: ProofreadSettings,
    seed: int,
    drop: Callable[[Consultation, str], None],
    tally: Tally,
) -> Iterator[Consultation]:
    """Stream the consultations that may go on, edited where a reviewer edited them.

    Edited text is new text by a person: the caller anonymises what comes out of here once more.

    Args:
        items: each consultation with the folder that its image paths are relative to.
        folder: the queue; its tasks are written anew, its decisions are read.
        drop: called with a consultation that stays out and the rule, `review_rejected` or
            `review_pending`.
        tally: complete when the stream is.

    Raises ReviewPending at the end of the stream when the policy is `wait` and anything is
    pending; the queue is complete then.
    """
    if settings.policy == "off":
        for item, _ in items:
            tally.unreviewed += 1
            yield item.record
        return
    decisions, tally.broken = load(folder)
    queue = Queue(folder, settings, seed)
    try:
        for item, images in items:
            if not queued(item.record.id, settings, seed):
                tally.unreviewed += 1
                yield item.record
                continue
            task = queue.add(item, images)
            result = outcome(task.head(), decisions.pop(task.id, {}))
            tally.add(task, result)
            if result.state in {"rejected", "pending"}:
                drop(item.record, f"review_{result.state}")
            else:
                yield _edited(item.record, result)
        queue.finish()
    finally:
        queue.abandon()
    tally.unknown = sum(map(len, decisions.values()))
    if settings.policy == "wait" and tally.states["pending"]:
        raise ReviewPending(_what_to_do(tally))


def status(folder: Path) -> Tally:
    """Where a queue stands. Raises FileNotFoundError when there is none."""
    tally = Tally()
    decisions, tally.broken = load(folder)
    for task in read_tasks(folder):
        tally.add(task, outcome(task.head(), decisions.pop(task.id, {})))
    tally.unknown = sum(map(len, decisions.values()))
    return tally


def _edited(record: Consultation, result: Outcome) -> Consultation:
    turns = tuple(
        turn.model_copy(update={"text": result.edits[number]}) if number in result.edits else turn
        for number, turn in enumerate(record.turns)
    )
    return record.model_copy(update={"turns": turns})


def _what_to_do(tally: Tally) -> str:
    return (
        f"{tally.states['pending']} of {tally.states.total()} queued dialogues wait for review, "
        f"{tally.second} of them for the second reviewer; {tally.outdated} decisions are outdated. "
        "Review them (python -m flows.review serve), then run the dataset stage again; or set "
        "proofread.policy to accepted to go on with what is accepted."
    )
