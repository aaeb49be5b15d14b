"""The paper's figures (`paper.yaml`), typed. They stand in that file and nowhere in the code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from ruamel.yaml import YAML


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


M = TypeVar("M", bound=_Part)


class Row(_Part):
    """A row of one of the paper's tables. `shown` rows stand beside ours, others fold away."""

    title: str
    values: list[float]
    names: list[str] = []
    shown: bool = False


class Named(_Part):
    """A data set of the paper, and the names it may have here."""

    title: str
    names: list[str]
    items: int | None = None
    what: str = ""
    """What it is, in words."""


class WinRates(_Part):
    """Figure 4: wins among all rows in per cent, a value a benchmark."""

    source: str
    benchmarks: list[Named]
    rows: list[Row]

    @model_validator(mode="after")
    def _rectangular(self) -> WinRates:
        return _check(self, self.rows, len(self.benchmarks))


class Accuracy(_Part):
    """Table 1: accuracy in per cent, a value a set."""

    source: str
    sets: list[Named]
    rows: list[Row]

    @model_validator(mode="after")
    def _rectangular(self) -> Accuracy:
        return _check(self, self.rows, len(self.sets))


class Grid(_Part):
    """Tables 2 to 4: rows of values under columns."""

    source: str
    columns: list[str]
    rows: list[Row]
    key: str = ""
    title: str = ""

    @model_validator(mode="after")
    def _rectangular(self) -> Grid:
        return _check(self, self.rows, len(self.columns))


class Paper(_Part):
    """All of `paper.yaml`."""

    paper: str
    judge: str
    win_rates: WinRates
    accuracy: Accuracy
    scores: Grid
    consistency: Grid
    ablations: list[Grid]


@cache
def paper() -> Paper:
    """The paper's figures. Raises ValueError when the file is not what `Paper` says."""
    text = (files("pulsemind.report.page") / "paper.yaml").read_text(encoding="utf-8")
    return Paper.model_validate(YAML(typ="safe").load(text))


def index(name: str, named: Sequence[Named | Row]) -> int | None:
    """Place of what our `name` is in the paper; None when the paper does not have it.

    A part of a set (`vqa-rad/open`) is not the paper's set and is found nowhere.
    """
    wanted = re.sub(r"[^a-z0-9]", "", name.lower())
    return next((i for i, one in enumerate(named) if wanted in one.names), None)


def _check(made: M, rows: list[Row], width: int) -> M:
    wrong = [row.title for row in rows if len(row.values) != width]
    if wrong:
        raise ValueError(f"{wrong[0]}: not {width} values")
    return made
