"""Parquet as a stream of rows, in bounded memory, and the images inside such files.

An image column of a row is not carried along: the row holds a reference to it, which `open_image`
reads when the pixels are wanted.
"""

from __future__ import annotations

import io
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pulsemind.data.sources.json_text import Broken, Rows

GROUP_LIMIT = 2**30
"""Bytes, unpacked, of a row group that is still read."""

_BATCH = 64
_EMBEDDED = re.compile(r"(?P<file>.+\.parquet)#row=(?P<row>\d+)&column=(?P<column>[^/#&]+)")


def parquet_rows(path: Path, file: str) -> Rows:
    """The rows of a Parquet file as mappings, a few at a time.

    Args:
        file: the file's name relative to the raw data, for the references to its images.

    A row group that cannot be read is one `Broken`, at the index of its first row.
    """
    start = 0
    try:
        with pq.ParquetFile(path) as table:
            for group in range(table.num_row_groups):
                about = table.metadata.row_group(group)
                if about.total_byte_size > GROUP_LIMIT:
                    yield start, Broken("in a row group larger than 1 GiB")
                else:
                    index = start
                    for batch in table.iter_batches(_BATCH, row_groups=[group]):
                        yield from _batch_rows(batch, index, file)
                        index += batch.num_rows
                start += about.num_rows
    except (pa.ArrowException, OSError):
        yield start, Broken("not Parquet, or broken off here")


def open_image(path: Path) -> BinaryIO:
    """The bytes of an image, be it a file or embedded in a Parquet file (`FILE#row=3&column=c`).

    Raises OSError when there is none.
    """
    inside = _EMBEDDED.fullmatch(path.name)
    if inside is None:
        return path.open("rb")
    data = _embedded(path.with_name(inside["file"]), int(inside["row"]), inside["column"])
    return io.BytesIO(data)


def without_fragment(name: str) -> tuple[str, str]:
    """A path and the `#row=...` part at its end, which is empty for a plain file."""
    inside = _EMBEDDED.fullmatch(name)
    return (inside["file"], name[len(inside["file"]) :]) if inside else (name, "")


def _batch_rows(batch: Any, start: int, file: str) -> Rows:
    """Rows of an Arrow record batch, images replaced by references."""
    images = {}
    for field in batch.schema:
        if _is_image(field.type):
            column = batch.column(field.name)
            is_struct = pa.types.is_struct(field.type)
            filled = pc.struct_field(column, "bytes") if is_struct else column
            images[field.name] = filled.is_valid().to_pylist()
    texts = batch.select([name for name in batch.schema.names if name not in images])
    for offset in range(batch.num_rows):
        index = start + offset
        try:
            row = texts.slice(offset, 1).to_pylist()[0] if texts.num_columns else {}
        except UnicodeDecodeError:
            yield index, Broken("not UTF-8")
            continue
        for name, there in images.items():
            row[name] = f"{file}#row={index}&column={name}" if there[offset] else None
        yield index, row


def _embedded(path: Path, row: int, column: str) -> bytes:
    try:
        with pq.ParquetFile(path) as table:
            for group in range(table.num_row_groups):
                about = table.metadata.row_group(group)
                if row < about.num_rows and about.total_byte_size <= GROUP_LIMIT:
                    value = _column(path, path.stat().st_mtime_ns, group, column)[row].as_py()
                    data = value.get("bytes") if isinstance(value, dict) else value
                    return _checked(data)
                row -= about.num_rows
    except (pa.ArrowException, KeyError, IndexError):
        pass
    raise FileNotFoundError("no such image in the Parquet file")


def _checked(data: Any) -> bytes:
    if not isinstance(data, bytes):
        raise FileNotFoundError("no image in this row of the Parquet file")
    return data


@lru_cache(maxsize=1)
def _column(path: Path, modified: int, group: int, column: str) -> Any:
    """The last row group asked for: images are read in the order of their rows."""
    with pq.ParquetFile(path) as table:
        return table.read_row_group(group, columns=[column]).column(column)


def _is_image(kind: Any) -> bool:
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
