"""Artifacts: folders that are written whole or not at all, with a manifest and a digest.

`manifest.json` holds what the artifact is, what made it, and the SHA-256 of every file in it; the
artifact's digest is the SHA-256 over those. Records are stored in shards of JSON lines, images by
the hash of their content.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

MANIFEST = "manifest.json"
R = TypeVar("R", bound=BaseModel)


class ArtifactError(RuntimeError):
    """An artifact is missing, incomplete, or not what its manifest says."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, as hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, as hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def json_digest(value: Any) -> str:
    """SHA-256 of a JSON-serialisable value in canonical form (sorted keys)."""
    return text_digest(json.dumps(value, sort_keys=True, ensure_ascii=False))


def folder_digest(folder: Path) -> str:
    """Digest over the names and contents of all files below `folder`, its manifest excepted."""
    return json_digest(_listing(folder))


def _listing(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / MANIFEST)
    return {p.relative_to(folder).as_posix(): file_digest(p) for p in files}


@contextmanager
def writing(folder: Path, kind: str, **made_by: Any) -> Iterator[Path]:
    """Give a temporary folder to fill; on success it becomes the artifact `folder`.

    Args:
        folder: where the artifact will stand; an older one there is replaced.
        kind: what the artifact is, e.g. "dataset" or "adapter".
        made_by: JSON values for the manifest; nothing that identifies a person, no times
            (equal inputs must give equal artifacts).

    Leaves nothing behind when the body raises; what a killed process left is removed by the next
    one (an artifact has one writer at a time).
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.tmp-*"):
        shutil.rmtree(left, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.tmp-", dir=folder.parent))
    temporary.chmod(0o755)
    try:
        yield temporary
        files = _listing(temporary)
        manifest = {"kind": kind, "digest": json_digest(files), "made_by": made_by, "files": files}
        write_json(temporary / MANIFEST, manifest)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def manifest(folder: Path) -> dict[str, Any]:
    """The artifact's manifest. Raises ArtifactError when there is none."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ArtifactError(f"{folder} is not a finished artifact: it has no {MANIFEST}")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def digest(folder: Path) -> str:
    """The digest that the artifact's manifest states."""
    return str(manifest(folder)["digest"])


def intact(folder: Path) -> bool:
    """Whether the artifact is there and every file is what its manifest says."""
    return (folder / MANIFEST).is_file() and manifest(folder)["files"] == _listing(folder)


def write_text(path: Path, text: str) -> None:
    """Write a file whole: to a temporary name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole, with sorted keys, readable."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_shards(folder: Path, records: Iterable[BaseModel], per_shard: int = 10_000) -> int:
    """Stream records into `folder/shard-00000.jsonl`, ...; returns how many were written.

    The folder is made even when there are no records. Meant for use inside `writing`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stream = iter(records)
    count = shard = 0
    while chunk := list(islice(stream, per_shard)):
        with (folder / f"shard-{shard:05d}.jsonl").open("w", encoding="utf-8") as handle:
            for record in chunk:
                handle.write(record.model_dump_json() + "\n")
        count, shard = count + len(chunk), shard + 1
    return count


def read_shards(folder: Path, model: type[R]) -> Iterator[R]:
    """Stream the records of a folder of shards, in order.

    Raises ArtifactError when the folder is missing or a line is not a `model`; the message names
    file and line, never content.
    """
    if not folder.is_dir():
        raise ArtifactError(f"no shards at {folder}")
    for path in sorted(folder.glob("shard-*.jsonl")):
        with path.open(encoding="utf-8") as handle:
            for number, line in enumerate(handle, start=1):
                try:
                    record = model.model_validate_json(line)
                except ValueError:
                    raise ArtifactError(f"{path}, line {number}: not a {model.__name__}") from None
                yield record


def add_image(folder: Path, data: bytes, suffix: str = ".png") -> tuple[str, str]:
    """Store image bytes under their hash in `folder/images`; returns (relative path, SHA-256)."""
    sha = hashlib.sha256(data).hexdigest()
    path = folder / "images" / sha[:2] / f"{sha}{suffix}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return path.relative_to(folder).as_posix(), sha
