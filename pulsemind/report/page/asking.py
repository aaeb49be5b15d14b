"""Does the new model ask too much: its questions an answer beside sft's and the real physician's.

A judge that likes questions cannot say when there are too many; the record can. Counted by rule
(`evaluation.slots`) over the same turns.
"""

from __future__ import annotations

from typing import Any

from pulsemind.evaluation.validity import PHYSICIAN
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.parts import Cell, Part, Table, Text, decimal

MORE, FEWER = "more than the physician", "fewer than the physician"
UNCLEAR, UNKNOWN = "no clear difference from the physician", "no intervals to compare"
NOTE = (
    "Sentences that ask the patient for something, counted by rule, in answers to the same turns; "
    "the physician's are those of the record. “More” and “fewer”: the intervals do not touch. "
    "More than the physician may be too much, whatever the judge prefers."
)
Row = dict[str, Any]


def sentence(inputs: Inputs) -> str:
    """The figures in words for the head; empty where they were not counted."""
    said = [
        f"{benchmark} {_mean(rows[0])} ({inputs.against} {_mean(rows[1])}, the real physician "
        f"{_mean(rows[2])}): {_compared(rows[0], rows[2])}"
        for benchmark, rows in _counted(inputs).items()
    ]
    return f"Questions an answer, counted by rule: {'; '.join(said)}." if said else ""


def table(inputs: Inputs) -> Part:
    """A row a benchmark: new model, the one it is held against, physician."""
    title = "Does it ask too much? Questions an answer"
    counted = _counted(inputs)
    if not counted:
        return Text(f"{title}: not run.", "missing")
    header = ["benchmark", inputs.model, inputs.against, "the real physician", "the new model asks"]
    body = [
        [Cell(benchmark), *map(_cell, rows), Cell(_compared(rows[0], rows[2]))]
        for benchmark, rows in counted.items()
    ]
    return Table(title, header, body, NOTE)


def _counted(inputs: Inputs) -> dict[str, tuple[Row, Row, Row]]:
    """The three rows of each benchmark that has them all."""
    found = {
        (row["benchmark"], row["model"]): row
        for row in (inputs.evaluation.proactiveness if inputs.evaluation else ())
        if row.get("questions") is not None
    }
    wanted = (inputs.model, inputs.against, PHYSICIAN)
    return {
        name: (found[name, wanted[0]], found[name, wanted[1]], found[name, wanted[2]])
        for name in dict.fromkeys(benchmark for benchmark, _ in found)
        if all((name, model) in found for model in wanted)
    }


def _compared(model: Row, physician: Row) -> str:
    """Careful on purpose: two intervals that touch say nothing."""
    (low, high), (least, most) = _bounds(model), _bounds(physician)
    if None in (low, high, least, most):
        return UNKNOWN
    if low > most:
        return MORE
    if high < least:
        return FEWER
    return UNCLEAR


def _bounds(row: Row) -> tuple[Any, Any]:
    return row.get("questions_low"), row.get("questions_high")


def _mean(row: Row) -> str:
    return decimal(row["questions"], 2)


def _cell(row: Row) -> Cell:
    low, high = _bounds(row)
    between = "" if low is None or high is None else f"{decimal(low, 2)} to {decimal(high, 2)}, "
    return Cell(_mean(row), small=f"{between}n {row['n']}")
