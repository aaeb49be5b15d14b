"""A queue's folder as the review page asks for it: lists, dialogues, images, decisions saved."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pulsemind.data.review.decisions import DECISIONS, Decisions, append, load, note, outcome
from pulsemind.data.review.queue import IMAGES, TASKS, Head, Task
from pulsemind.records import Review

_TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}
_IMAGE = re.compile(rf"{IMAGES}/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.({'|'.join(_TYPES)})")


class Refused(Exception):
    """A request that gets an error status and a word why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Desk:
    """A queue's folder as the page asks for it. Holds places in the file, no dialogues."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._tasks_read: tuple[int, int] | None = None
        self._decided_size = -1
        self._places: dict[str, tuple[int, Head]] = {}
        self._decisions: Decisions = {}
        self._refresh()

    def queue(self, reviewer: str) -> dict[str, Any]:
        """The tasks of a reviewer in order, with what this reviewer decided; others' stay unseen.

        Left out is what others have reviewed often enough.
        """
        with self._lock:
            self._refresh()
            tasks = []
            for task_id, (_, head) in self._places.items():
                reviews = self._decisions.get(task_id, {})
                valid = {r.reviewer: r.decision for r in outcome(head, reviews).valid}
                if reviewer in valid or len(valid) < head.wanted:
                    tasks.append({"id": task_id, "decision": valid.get(reviewer)})
        return {"tasks": tasks}

    def task(self, task_id: str, reviewer: str) -> dict[str, Any]:
        """A dialogue, and the reviewer's own decision on it as it is now."""
        with self._lock:
            self._refresh()
            task = self._task(task_id)
            mine = self._decisions.get(task_id, {}).get(reviewer)
        current = mine is not None and mine.reviewed == task.digest
        shown = task.model_dump(mode="json", exclude={"consultation", "wanted"})
        return {
            "task": shown,
            "mine": mine.model_dump(mode="json") if mine and current else None,
            "outdated": mine is not None and not current,
        }

    def decide(self, body: dict[str, Any]) -> dict[str, Any]:
        """Save a decision; the time is this machine's."""
        try:
            review = Review.model_validate({**body, "time": datetime.now(UTC)})
        except ValidationError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error.errors()[0]["msg"])) from None
        with self._lock:
            self._refresh()
            head = self._task(review.task).head()
            if review.reviewed != head.digest:
                raise Refused(HTTPStatus.CONFLICT, "the dialogue has changed; load it again")
            if not set(review.edited) <= head.editable:
                raise Refused(HTTPStatus.BAD_REQUEST, "only physician turns can be edited")
            append(self._folder, [review])
            note(self._decisions, review)
            self._decided_size = self._size()
        return {"saved": review.time.isoformat()}

    def image(self, path: str) -> tuple[str, bytes]:
        """Media type and content of an image of the queue."""
        found = _IMAGE.fullmatch(path)
        root = (self._folder / IMAGES).resolve()
        file = (self._folder / path).resolve() if found else root
        if not found or not file.is_relative_to(root) or not file.is_file():
            raise Refused(HTTPStatus.NOT_FOUND, "no such image")
        return _TYPES[found[1]], file.read_bytes()

    def _refresh(self) -> None:
        """Read again what others have written: a new queue, an import of decisions."""
        path = self._folder / TASKS
        state = path.stat()
        if self._tasks_read != (state.st_ino, state.st_mtime_ns):
            places, place = {}, 0
            with path.open("rb") as handle:
                for line in handle:
                    task = Task.model_validate_json(line)
                    places[task.id] = (place, task.head())
                    place += len(line)
            self._places, self._tasks_read = places, (state.st_ino, state.st_mtime_ns)
        if self._decided_size != self._size():
            self._decisions, _ = load(self._folder)
            self._decided_size = self._size()

    def _size(self) -> int:
        path = self._folder / DECISIONS
        return path.stat().st_size if path.is_file() else 0

    def _task(self, task_id: str) -> Task:
        if task_id not in self._places:
            raise Refused(HTTPStatus.NOT_FOUND, "no such task")
        with (self._folder / TASKS).open("rb") as handle:
            handle.seek(self._places[task_id][0])
            return Task.model_validate_json(handle.readline())
