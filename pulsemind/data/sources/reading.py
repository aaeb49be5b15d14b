"""From the rows of a raw file to records: one item for each row, whatever is in it.

An adapter describes a row as a pydantic model, writes a function that makes a record of it, and
hands both to `records`. Nothing raises because of a file's content, and no reason quotes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError

from pulsemind.data.sources.csv_text import csv_rows
from pulsemind.data.sources.files import Shard, file_split, split_in
from pulsemind.data.sources.json_text import Broken, Rows, json_lines, json_rows
from pulsemind.data.sources.parquet import parquet_rows
from pulsemind.records import (
    Consultation,
    ImageKind,
    ImageRef,
    Language,
    Provenance,
    QAItem,
    Quarantined,
    Turn,
)

_CJK = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]+")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NAME_BYTES = 255
"""Longest file name that file systems take."""


class BrokenRecord(ValueError):
    """A row that is well typed but is no usable record; its text is safe to show."""


class Row(BaseModel):
    """Base of the native rows: what we use of them is typed, the rest is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class Raw:
    """A record as read; `visit` is the day of the consultation where the source tells it."""

    record: Consultation | QAItem
    visit: date | None = None


@dataclass(frozen=True)
class Skipped:
    """A readable record that is not meant for this use, and the rule that says so."""

    file: str
    index: int
    rule: str


class Unwanted(Exception):
    """Raised by a `convert` for a record to be skipped; the text is the rule (`other_subject`)."""


Item = Raw | Skipped | Quarantined
R = TypeVar("R", bound=Row)


def _text(value: Any) -> Any:
    """What stands for a text in real files: numbers, booleans, nothing, lists of texts."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "\n".join(part.strip() for part in value if part.strip())
    return value


Text = Annotated[str, BeforeValidator(_text)]
"""A string; a number is its digits, true and false are yes and no, null is empty, the strings of a
list are its lines."""


def rows(shard: Shard, columns: Sequence[str] | None = None) -> Rows:
    """The rows of a file in the format its suffix names: json, jsonl, csv or parquet.

    Args:
        columns: names for the columns of a CSV file that has no header.
    """
    suffix, encoding = shard.path.suffix.lower(), shard.source.encoding
    if suffix in {".jsonl", ".ndjson"}:
        return json_lines(shard.path, encoding)
    if suffix == ".json":
        return json_rows(shard.path, encoding)
    if suffix == ".csv":
        return csv_rows(shard.path, encoding, columns)
    if suffix == ".parquet":
        return parquet_rows(shard.path, shard.file)
    return iter([(0, Broken("not a .json, .jsonl, .csv or .parquet file"))])


def records(
    rows: Rows,
    shard: Shard,
    model: type[R],
    convert: Callable[[R, int], Raw],
    split: Callable[[R], str] = lambda row: "",
) -> Iterator[Item]:
    """Check each row against `model` and convert it; a row that fails is quarantined.

    Args:
        convert: makes the record of a row and its index; may raise BrokenRecord or Unwanted.
        split: text of a row that names its split; where it does not, the file's name counts.
    """
    for index, row in rows:
        try:
            yield _item(row, index, shard, model, convert, split)
        except ValidationError as error:
            yield broken(shard, index, _what_is_wrong(error))
        except BrokenRecord as error:
            yield broken(shard, index, str(error))
        except Unwanted as error:
            yield Skipped(shard.file, index, str(error))


def _item(
    row: Any,
    index: int,
    shard: Shard,
    model: type[R],
    convert: Callable[[R, int], Raw],
    split: Callable[[R], str],
) -> Item:
    if isinstance(row, Broken):
        raise BrokenRecord(row.reason)
    if not isinstance(row, dict):
        raise BrokenRecord("not an object")
    checked = model.model_validate(row)
    item = convert(checked, index)
    if shard.source.split is not None:
        told = split_in(split(checked)) or file_split(shard)
        if told is None:
            raise BrokenRecord("split: neither the record nor the file's name tells it")
        if told != shard.source.split:
            raise Unwanted("other_split")
    try:
        written = item.record.model_dump_json()
    except PydanticSerializationError:  # lone surrogates pass validation, not this
        raise BrokenRecord("text that is not Unicode") from None
    if "\\u0000" in written and _NUL.search(written):
        raise BrokenRecord("text with a NUL character")
    return item


def broken(shard: Shard, index: int, reason: str) -> Quarantined:
    """A quarantine entry of this file."""
    return Quarantined(file=shard.file, index=index, reason=reason)


def provenance(shard: Shard, index: int, original_id: str = "") -> Provenance:
    """Where the record at `index` of this file comes from."""
    return Provenance(
        source=shard.source.name,
        licence=shard.source.licence,
        file=shard.file,
        index=index,
        original_id=original_id,
    )


def record_id(shard: Shard, index: int) -> str:
    """An id of ours, unique in a build; original ids may repeat, be empty or name a person."""
    number = "" if shard.number is None else f"{shard.number:05d}-"
    return f"{shard.source.name}-{number}{index:06d}"


def image(shard: Shard, name: str, folder: str = "images", kind: ImageKind = "other") -> ImageRef:
    """An image of a record, its path relative to the raw data.

    Args:
        name: as the record has it: a path below the images' folder, or the reference to an image
            inside this Parquet file.
        folder: where images lie, seen from the file's folder; the source's `images` wins over it.

    Raises BrokenRecord for a name that is no relative path.
    """
    if name.startswith(f"{shard.file}#row="):
        return ImageRef(path=name, kind=kind)
    parts = PurePosixPath(name.strip())
    if not parts.name or "\\" in name or "\0" in name or _SCHEME.match(name):
        raise BrokenRecord("image: not a relative path")
    if any(len(part.encode("utf-8", "replace")) > _NAME_BYTES for part in parts.parts):
        raise BrokenRecord("image: name too long")
    beside = PurePosixPath(shard.file).parent / folder
    base = beside if shard.source.images is None else PurePosixPath(shard.source.images)
    return ImageRef(path=(base / parts).as_posix(), kind=kind)


def exchange(question: str, answer: str, images: Iterable[ImageRef] = ()) -> tuple[Turn, Turn]:
    """A patient turn and the physician's reply."""
    return (
        Turn(role="patient", text=question.strip(), images=tuple(images)),
        Turn(role="physician", text=answer.strip()),
    )


def dialogue(
    shard: Shard,
    index: int,
    turns: Iterable[Turn],
    original_id: str = "",
    department: str | None = None,
) -> Raw:
    """A consultation of these turns."""
    turns = tuple(turns)
    return Raw(
        Consultation(
            id=record_id(shard, index),
            language=language(" ".join(turn.text for turn in turns)),
            turns=turns,
            department=department_name(department),
            provenance=provenance(shard, index, original_id),
        )
    )


def department_name(value: str | None) -> str | None:
    """A department as written, or None for a word that stands for none (`None`, `null`, `无`)."""
    name = (value or "").strip()
    return None if name.lower() in {"", "none", "null", "nan", "n/a", "无"} else name


def language(text: str) -> Language:
    """Chinese when it has more Chinese characters than Latin words, else English."""
    return "zh" if len(_CJK.findall(text)) > len(_LATIN.findall(text)) else "en"


def _what_is_wrong(error: ValidationError) -> str:
    """First problem as `path: message`; pydantic's messages without their input values.

    No model of ours types the values of a mapping, so a path holds our names and numbers only.
    """
    problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}"
