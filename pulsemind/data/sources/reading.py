"""Reading raw files record by record: JSON lines, JSON lists and CSV, in bounded memory.

Every reader yields `(index, row)`; `row` is a `Quarantined` when the record could not be read.
Nothing raises because of a file's content, and no reason quotes it.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import ijson
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError

from pulsemind.records import (
    Consultation,
    ImageRef,
    Language,
    Provenance,
    QAItem,
    Quarantined,
    Turn,
)
from pulsemind.settings import Source

_CJK = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]+")


class BrokenRecord(ValueError):
    """A row that is well typed but is no usable record; its text is safe to show."""


class Row(BaseModel):
    """Base of the native rows: what we use of them is typed, the rest is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


@dataclass(frozen=True)
class Raw:
    """A record as read; `visit` is the day of the consultation where the source tells it."""

    record: Consultation | QAItem
    visit: date | None = None


@dataclass(frozen=True)
class Skipped:
    """A readable record that the source itself marks as not meant for this use."""

    index: int
    rule: str


Item = Raw | Skipped | Quarantined
Rows = Iterator[tuple[int, Any]]
R = TypeVar("R", bound=Row)


def json_lines(path: Path, source: Source) -> Rows:
    """One JSON value a line; the index is the 0-based line number. Blank lines are no records."""
    with path.open("rb") as handle:
        for index, line in enumerate(handle):
            data = line.removeprefix(codecs.BOM_UTF8) if index == 0 else line
            if not data.strip():
                continue
            try:
                yield index, json.loads(data.decode("utf-8"))
            except UnicodeDecodeError:
                yield index, broken(source, index, "not UTF-8")
            except (ValueError, RecursionError):
                yield index, broken(source, index, "not JSON")


def json_list(path: Path, source: Source) -> Rows:
    """The items of one JSON list, streamed; where the document breaks off, one last row says so."""
    index = 0
    with path.open("rb") as handle:
        if handle.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            handle.seek(0)
        items = ijson.items(handle, "item")
        while True:
            try:
                row = next(items)
            except StopIteration:
                return
            except (ijson.JSONError, ValueError, RecursionError):
                yield index, broken(source, index, "the JSON list breaks off here")
                return
            yield index, row
            index += 1


def csv_rows(path: Path, source: Source) -> Rows:
    """The rows of a CSV file with a header, in UTF-8, as mappings."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open(encoding="utf-8-sig", newline="", errors="strict") as handle:
        rows = csv.DictReader(handle)
        index = 0
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except UnicodeDecodeError:
                yield index, broken(source, index, "not UTF-8 from here on")
                return
            except csv.Error:
                yield index, broken(source, index, "not CSV from here on")
                return
            yield index, {key: value for key, value in row.items() if key is not None}
            index += 1


def records(
    rows: Rows, source: Source, model: type[R], convert: Callable[[R, int], Raw | Skipped]
) -> Iterator[Item]:
    """Check each row against `model` and convert it; a row that fails is quarantined."""
    for index, row in rows:
        if isinstance(row, Quarantined):
            yield row
            continue
        if not isinstance(row, dict):
            yield broken(source, index, "not an object")
            continue
        try:
            item = convert(model.model_validate(row), index)
            if isinstance(item, Raw):
                item.record.model_dump_json()  # lone surrogates pass validation, not this
            yield item
        except ValidationError as error:
            yield broken(source, index, _what_is_wrong(error))
        except BrokenRecord as error:
            yield broken(source, index, str(error))
        except PydanticSerializationError:
            yield broken(source, index, "text that is not Unicode")


def broken(source: Source, index: int, reason: str) -> Quarantined:
    """A quarantine entry of this source."""
    return Quarantined(file=source.path, index=index, reason=reason)


def provenance(source: Source, index: int, original_id: str = "") -> Provenance:
    """Where the record at `index` of this source comes from."""
    return Provenance(
        source=source.name,
        licence=source.licence,
        file=source.path,
        index=index,
        original_id=original_id,
    )


def record_id(source: Source, index: int) -> str:
    """An id of ours, unique in a build; original ids may repeat, be empty or name a person."""
    return f"{source.name}-{index:06d}"


def exchange(question: str, answer: str, images: Iterable[ImageRef] = ()) -> tuple[Turn, Turn]:
    """A patient turn and the physician's reply."""
    return (
        Turn(role="patient", text=question.strip(), images=tuple(images)),
        Turn(role="physician", text=answer.strip()),
    )


def language(text: str) -> Language:
    """Chinese when it has at least as many Chinese characters as Latin words, else English."""
    return "zh" if len(_CJK.findall(text)) > len(_LATIN.findall(text)) else "en"


def _what_is_wrong(error: ValidationError) -> str:
    """First problem as `path: message`; pydantic's messages without their input values."""
    problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}"
