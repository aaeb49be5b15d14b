"""CSV as a stream of rows, in bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pulsemind.data.sources.json_text import LIMIT, TOO_LONG, Broken, Rows, lines


class _TooLong(ValueError):
    """A CSV record goes beyond the limit."""


class _Text:
    """Lines of a CSV file for the csv module; `taken` counts what the current record took."""

    def __init__(self, source: Iterator[bytes | None], encoding: str) -> None:
        self._source, self._encoding, self.taken = source, encoding, 0

    def __iter__(self) -> _Text:
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self.taken += len(line or b"")
        if line is None or self.taken > LIMIT:
            raise _TooLong
        return line.decode(self._encoding, "surrogateescape")


def csv_rows(path: Path, encoding: str, columns: Sequence[str] | None = None) -> Rows:
    """The rows of a CSV file as mappings; `columns` names them where the file has no header."""
    csv.field_size_limit(LIMIT + 1)
    with path.open("rb") as handle:
        text = _Text(lines(handle), encoding)
        rows = csv.DictReader(text, fieldnames=columns)
        index = 0
        while True:
            text.taken = 0
            try:
                row: Any = {key: value for key, value in next(rows).items() if key is not None}
            except StopIteration:
                return
            except _TooLong:
                row = TOO_LONG
            except csv.Error:
                row = Broken("not CSV")
            yield index, row
            index += 1
