"""JSON lines and JSON lists as a stream of values, in bounded memory.

A value that cannot be read is a `Broken` in its place and the next one is read: a record longer
than `LIMIT`, broken JSON, invalid text. The list is cut into values here rather than by ijson,
which needs memory in the square of the depth (1 GB for 20,000 brackets, measured) and cannot go on
after an error; the decoder of the standard library does the parsing.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

LIMIT = 16 * 2**20
"""Bytes of a line, or characters of a list item, that are held at most."""

_CHUNK = 2**20
_OUTSIDE = re.compile(r'"|,|[\[{]+|[\]}]+')
_INSIDE = re.compile(r'\\.|"', re.DOTALL)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Broken:
    """Stands for a record that cannot be read; the reason quotes nothing of it."""

    reason: str


TOO_LONG = Broken("longer than 16 MiB")
_TORN = Broken("the JSON list breaks off here")
_TOO_DEEP = Broken("nested too deeply")

Rows = Iterator[tuple[int, Any]]
"""Index in the file, and a value or a `Broken`."""


def json_rows(path: Path, encoding: str) -> Rows:
    """The records of a JSON file, whichever way it is written.

    Line by line when one of its first two lines holds a whole object that is not empty, so that a
    broken line costs one record; else as one list.
    """
    return (
        json_lines(path, encoding) if _is_line_wise(path, encoding) else json_list(path, encoding)
    )


def json_lines(path: Path, encoding: str) -> Rows:
    """One JSON value a line; the index is the 0-based line number. Blank lines are no records.

    A comma at a line's end, a first line `[` and then a line `]` are not part of the records.
    """
    with path.open("rb") as handle:
        listed = started = False
        for index, line in enumerate(lines(handle)):
            data = line and line.strip().removesuffix(b",").rstrip()
            if data == b"":
                continue
            if data == b"[" and not started:
                listed = True
            elif not (data == b"]" and listed):
                yield index, TOO_LONG if data is None else _value(data, encoding)
            started = True


def json_list(path: Path, encoding: str) -> Rows:
    """The items of one JSON list. Where the document breaks off, one last row says so."""
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    with path.open(encoding=name, errors="surrogateescape", newline="") as handle:
        window = _Window(handle)
        if window.skip_signs(" \t\r\n") != "[":
            yield 0, Broken("neither a JSON list nor JSON lines")
            return
        window.at += 1
        index = 0
        while (sign := window.skip_signs(" \t\r\n,")) != "]":
            if not sign:
                yield index, _TORN
                return
            value = window.value()
            yield index, value
            if value is _TORN:
                return
            index += 1


def lines(handle: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file without a byte-order mark; None for one longer than `LIMIT`."""
    first = True
    while line := handle.readline(LIMIT + 1):
        if len(line) > LIMIT:
            while line and not line.endswith(b"\n"):
                line = handle.readline(_CHUNK)
            yield None
        else:
            yield line.removeprefix(codecs.BOM_UTF8) if first else line
        first = False


_PART_OF_NUMBER = re.compile("[.eE][+-]?")
"""What stands between the digits of a number that a chunk has cut in two."""


class _Window:
    """A stretch of a file's text that moves forward; `at` is the place reached in it."""

    def __init__(self, handle: TextIO) -> None:
        self._handle = handle
        self._text, self.at, self._ended = "", 0, False

    def skip_signs(self, signs: str) -> str:
        """Move past these characters; returns the one then reached, empty at the end."""
        pattern = re.compile(f"[{signs}]*")
        while True:
            match = pattern.match(self._text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self._text):
                return self._text[self.at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """The JSON value that begins here, or a `Broken`; moves past it."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self.at)
                rest = self._text[end : end + 3]
                if self._ended or (rest and not _PART_OF_NUMBER.fullmatch(rest)):
                    self.at = end
                    return value
            except RecursionError:
                return self._give_up(_TOO_DEEP)
            except ValueError as error:
                if self._ended or not self._may_go_on(error):
                    return self._give_up(Broken("not JSON"))
            if len(self._text) - self.at > LIMIT:
                return self._give_up(TOO_LONG)
            self._more()

    def _more(self) -> bool:
        part = self._handle.read(max(_CHUNK, len(self._text) - self.at))
        self._text, self.at = self._text[self.at :] + part, 0
        self._ended = not part
        return bool(part)

    def _may_go_on(self, error: ValueError) -> bool:
        """Whether more text could mend what is wrong: it is wrong only where the text stops."""
        if not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated") or error.pos > len(self._text) - 16

    def _give_up(self, broken: Broken) -> Broken:
        return broken if self._skip_value() else _TORN

    def _skip_value(self) -> bool:
        """Move to the comma or bracket after a broken value; False when the file ends first."""
        depth, quoted = 0, False
        while True:
            mark = (_INSIDE if quoted else _OUTSIDE).search(self._text, self.at)
            if mark is None:
                kept = 1 if quoted and self._text.endswith("\\") else 0
                self.at = max(self.at, len(self._text) - kept)
                if not self._more():
                    return False
                continue
            token, self.at = mark.group(), mark.end()
            if token == '"':
                quoted = not quoted
            elif token[0] in "[{":
                depth += len(token)
            elif token[0] in "]}":
                end = token.find("]", depth)  # a stray } ends nothing
                if end >= 0:
                    self.at = mark.start() + end
                    return True
                depth = max(0, depth - len(token))
            elif token == "," and not depth:
                self.at = mark.start()
                return True


def _value(data: bytes, encoding: str) -> Any:
    try:
        return json.loads(data.decode(encoding))
    except UnicodeDecodeError:
        return Broken(f"not {encoding.upper()}")
    except RecursionError:
        return _TOO_DEEP
    except ValueError:
        return Broken("not JSON")


def _is_line_wise(path: Path, encoding: str) -> bool:
    with path.open("rb") as handle:
        filled = (line for line in lines(handle) if line is None or line.strip())
        first = list(islice(filled, 2))
    values = (_value(line.strip().removesuffix(b","), encoding) for line in first if line)
    return any(isinstance(value, dict) and value for value in values)  # an indented {} is one line
