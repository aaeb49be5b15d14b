"""A file of recorded answers as a model: baselines whose endpoint is not at hand.

Two formats: the official scripts' CSV with the columns Index, Id, Prompt, Response, and our JSON
lines (`records.Answer`: query_id, model, text). Rows are matched by id, never by position: the
official `Id` is that of the raw record (or our case id), ours the query's or the case's. A CSV
`Response` that is a dialogue (lines 患者： / 医生：) holds one answer a physician run, in turn; any
other is the one answer to the case. A query without a recorded answer is a broken item.

A file is held in memory: it is the answers to one consultation benchmark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pulsemind.data.sources.csv_text import csv_rows
from pulsemind.data.sources.json_text import Broken, json_lines
from pulsemind.evaluation.consultation import turn_queries
from pulsemind.records import Answer, Consultation, Query

_SPEAKER = re.compile(r"^\s*(患者|医生)\s*[：:]", re.MULTILINE)
COLUMNS = ("Index", "Id", "Prompt", "Response")


class RecordedError(ValueError):
    """A file of recorded rows cannot be used; the text names file, row and reason."""


class NotRecorded(LookupError):
    """A query has no answer in the file."""


def official_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Id and Response of each row of a CSV of the official scripts.

    Raises RecordedError naming file and row when a row is unreadable or lacks a column.
    """
    for index, row in csv_rows(path, "utf-8-sig"):
        if isinstance(row, Broken):
            raise RecordedError(f"{path.name}, row {index}: {row.reason}")
        missing = [name for name in ("Id", "Response") if row.get(name) is None]
        if missing:
            raise RecordedError(f"{path.name}, row {index}: no column {', '.join(missing)}")
        yield str(row["Id"]).strip(), str(row["Response"])


def read_recorded(path: Path) -> dict[str, str]:
    """Text by id of a file of answers, `.csv` or `.jsonl`.

    Raises RecordedError when a row cannot be read or two rows have one id.
    """
    rows = official_rows(path) if path.suffix.lower() == ".csv" else _answers(path)
    found: dict[str, str] = {}
    for number, (name, text) in enumerate(rows):
        if name in found:
            raise RecordedError(f"{path.name}, row {number}: a second row with this id")
        found[name] = text
    return found


def _answers(path: Path) -> Iterator[tuple[str, str]]:
    for index, row in json_lines(path, "utf-8"):
        try:
            answer = Answer.model_validate(row)
        except ValueError:
            raise RecordedError(f"{path.name}, row {index}: not an Answer") from None
        yield answer.query_id, answer.text


def recorded(
    path: Path, cases: Iterable[Consultation], protocol: str
) -> Callable[[Sequence[Query]], list[str]]:
    """The model of a file: a function that answers the queries of these cases.

    It raises NotRecorded for queries without an answer. Raises RecordedError when the file cannot
    be read or holds no answer to any of them.
    """
    rows = read_recorded(path)
    texts: dict[str, str] = {}
    for case in cases:
        queries = [query.id for query in turn_queries(case)]
        texts.update(_of_case(case, queries if protocol == "replay" else queries[-1:], rows))
    if not texts:
        raise RecordedError(f"{path.name}: no row has the id of a case of the benchmark")

    def answer(queries: Sequence[Query]) -> list[str]:
        if any(query.id not in texts for query in queries):
            raise NotRecorded(f"{path.name}: queries without an answer")
        return [texts[query.id] for query in queries]

    return answer


def _of_case(case: Consultation, queries: Sequence[str], rows: Mapping[str, str]) -> dict[str, str]:
    """The answers to a case's queries: by their own ids, else out of the case's one row."""
    own = {query: rows[query] for query in queries if query in rows}
    names = [name for name in (case.id, case.provenance.original_id) if name in rows]
    if own or not names or not queries:
        return own
    text = rows[names[0]]
    replies = _physician(text)
    if not replies:
        return {queries[0]: text} if len(queries) == 1 else {}
    if len(queries) == 1:
        return {queries[0]: replies[-1]}
    return dict(zip(queries, replies, strict=False))


def _physician(text: str) -> list[str]:
    """What the physician says in a dialogue, a run of lines an answer; empty for a plain answer."""
    _, *parts = _SPEAKER.split(text)
    runs: list[str] = []
    before = ""
    for speaker, said in zip(parts[::2], parts[1::2], strict=True):
        if speaker == "医生" and before == "医生":
            runs[-1] += "\n" + said.strip()
        elif speaker == "医生":
            runs.append(said.strip())
        before = speaker
    return runs
