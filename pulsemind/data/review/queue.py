"""The review queue: `tasks.jsonl` and the images shown, in a folder that a reviewer can work on.

A task's `id` comes from the dialogue as it was collected and stays the same when the expansion
changes; its `digest` covers all that is shown. A decision holds both: on another digest it is
outdated. The images are the dataset's anonymised copies, under their hash.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pulsemind.artifacts import file_digest, json_digest
from pulsemind.data.expand import Expanded
from pulsemind.data.split import share
from pulsemind.records import Expansion, ImageRef, Language, Record, Role
from pulsemind.settings import ProofreadSettings

TASKS, IMAGES = "tasks.jsonl", "images"


class Utterance(Record):
    """A turn as a reviewer sees it; a physician's also has the text before the expansion."""

    role: Role
    text: str
    original: str | None = None
    expansion: Expansion | None = None
    images: tuple[ImageRef, ...] = ()


@dataclass(frozen=True)
class Head:
    """What decisions are held against: a task without its texts. `editable` are turn numbers."""

    digest: str
    wanted: int
    editable: frozenset[int]


class Task(Record):
    """A dialogue to review; a line of `tasks.jsonl`. `wanted` is how many reviewers it needs."""

    id: str
    digest: str
    consultation: str
    language: Language
    department: str | None
    turns: tuple[Utterance, ...]
    wanted: Literal[1, 2]

    def head(self) -> Head:
        """The task without its texts; a reviewer may edit the physician's turns."""
        physician = (n for n, turn in enumerate(self.turns) if turn.role == "physician")
        return Head(self.digest, self.wanted, frozenset(physician))


def queued(consultation: str, settings: ProofreadSettings, seed: int) -> bool:
    """Whether a consultation belongs to the sample that is reviewed."""
    return settings.policy != "off" and share(seed, "review", consultation) < settings.sample


class Queue:
    """Writes a queue's tasks one by one; `finish` puts them in the place of the former ones.

    Args:
        folder: the queue; decisions in it are left alone.
    """

    def __init__(self, folder: Path, settings: ProofreadSettings, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._double, self._seed = settings.double, seed
        self._path = folder / f".{TASKS}.{os.getpid()}"
        self._handle = self._path.open("w", encoding="utf-8")
        self._images: set[str] = set()

    def add(self, item: Expanded, images: Path) -> Task:
        """Queue a dialogue; returns its task. Its image paths are relative to `images`."""
        before = {pair.turn: pair.before for pair in item.pairs}
        turns = tuple(
            Utterance(
                role=turn.role,
                text=turn.text,
                original=before.get(number, turn.text) if turn.role == "physician" else None,
                expansion=turn.expansion,
                images=tuple(self._image(image, images) for image in turn.images),
            )
            for number, turn in enumerate(item.record.turns)
        )
        original = [
            (t.role, t.text if t.original is None else t.original, [i.sha256 for i in t.images])
            for t in turns
        ]
        record = item.record
        twice = share(self._seed, "double", record.id) < self._double
        task = Task(
            id=json_digest([record.id, original])[:16],
            digest=json_digest([record.id, [turn.model_dump() for turn in turns]])[:16],
            consultation=record.id,
            language=record.language,
            department=record.department,
            turns=turns,
            wanted=2 if twice else 1,
        )
        self._handle.write(task.model_dump_json() + "\n")
        return task

    def finish(self) -> None:
        """Make the new queue visible; images that no task shows any more are deleted."""
        self._handle.close()
        self._path.replace(self._folder / TASKS)
        for path in sorted((self._folder / IMAGES).rglob("*")):
            if path.is_file() and path.relative_to(self._folder).as_posix() not in self._images:
                path.unlink()

    def abandon(self) -> None:
        """Leave the former queue as it is. Does nothing after `finish`."""
        self._handle.close()
        self._path.unlink(missing_ok=True)

    def _image(self, image: ImageRef, folder: Path) -> ImageRef:
        source = folder / image.path
        sha = image.sha256 or file_digest(source)
        path = f"{IMAGES}/{sha[:2]}/{sha}{source.suffix.lower()}"
        target = self._folder / path
        if path not in self._images and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)
        self._images.add(path)
        return ImageRef(path=path, kind=image.kind, sha256=sha)


def read_tasks(folder: Path) -> Iterator[Task]:
    """The tasks of a queue, in order. Raises FileNotFoundError when there is no queue."""
    with (folder / TASKS).open(encoding="utf-8") as handle:
        for line in handle:
            yield Task.model_validate_json(line)


def _link(source: Path, target: Path) -> None:
    """A second name for a file (images are many and never change), or a copy across disks."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
