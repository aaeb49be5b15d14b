"""The files of a source: one, or the shards that a pattern matches; none outside the raw data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pulsemind.records import Quarantined
from pulsemind.settings import Source, Split

_SPLITS: dict[str, Split] = {
    "train": "train",
    "test": "test",
    "dev": "dev",
    "val": "validation",
    "valid": "validation",
    "validate": "validation",
    "validation": "validation",
}


@dataclass(frozen=True)
class Shard:
    """One raw file of a source: where it lies, and `file`, its name relative to the raw data.

    `number` is its place among the files that the source's pattern matches, None without pattern.
    """

    source: Source
    path: Path
    file: str
    number: int | None = None


def shards(raw: Path, source: Source) -> Iterator[Shard | Quarantined]:
    """The files of a source in sorted order.

    A file that leads outside `raw`, is no regular file or has no bytes is a quarantine entry
    instead, and is not opened.
    """
    is_pattern = _is_pattern(raw, source)
    paths = sorted(raw.glob(source.path)) if is_pattern else [raw / source.path]
    for number, path in enumerate(paths):
        file = path.relative_to(raw).as_posix() if is_pattern else source.path
        if problem := _problem(raw, path):
            yield Quarantined(file=file, index=0, reason=problem)
        else:
            yield Shard(source, path, file, number if is_pattern else None)


def check_path(raw: Path, source: Source) -> None:
    """Refuse a path that names no file.

    Raises ValueError for one that leads outside by its spelling, FileNotFoundError for one that
    is missing, is a folder, or is a pattern without a match.
    """
    parts = PurePosixPath(source.path)
    if parts.is_absolute() or ".." in parts.parts:
        raise ValueError(f"source {source.name}: path must lie inside the raw data")
    if _is_pattern(raw, source):
        if not any(raw.glob(source.path)):
            raise FileNotFoundError(f"source {source.name}: no file matches {raw / source.path}")
    elif (raw / source.path).is_dir():
        hint = f"{source.path.rstrip('/')}/*.jsonl"
        raise FileNotFoundError(f"source {source.name}: a folder; name its files, as {hint}")
    elif not (raw / source.path).is_file():
        raise FileNotFoundError(f"source {source.name}: there is no {raw / source.path}")


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path, its symbolic links followed, lies in a folder."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL in the name
        return False


def split_in(text: str) -> Split | None:
    """The split that a file name, an id or a label names (`test-00000`, `data/train_2.csv`).

    None when it names none, or more than one.
    """
    words = re.split(r"[^a-z]+", text.lower())
    named = {_SPLITS[word] for word in words if word in _SPLITS}
    return named.pop() if len(named) == 1 else None


def file_split(shard: Shard) -> Split | None:
    """The split that the file's name tells, or else its folder's."""
    path = PurePosixPath(shard.file)
    return split_in(path.name) or split_in(path.parent.name)


def _is_pattern(raw: Path, source: Source) -> bool:
    return any(sign in source.path for sign in "*?[") and not (raw / source.path).is_file()


def _problem(raw: Path, path: Path) -> str | None:
    if not is_inside(path, raw):
        return "outside the raw data"
    if not path.is_file():
        return "not a file"
    return "empty file" if path.stat().st_size == 0 else None
