"""What the report is made of: sections of text, figures, tables and cases, for every format.

Nothing here is markup: the templates escape every text. A figure alone is ready-made SVG, drawn by
matplotlib from numbers and names that it escapes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["", "better", "worse", "even", "paper", "missing", "soft"]
"""How a cell is set: three verdicts, the paper's figures, what was not run, an aside."""


@dataclass(frozen=True)
class Cell:
    """A text in a table; `small` stands below it."""

    text: str
    tone: Tone = ""
    small: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; the first column heads its row. `folded` tables start shut."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """One drawing: SVG source, and what it shows in words (which Markdown gets instead)."""

    svg: str
    says: str


@dataclass(frozen=True)
class Pictures:
    """Drawings side by side where there is room, with a common title."""

    title: str
    pictures: Sequence[Picture]
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph; `tone` marks warnings and what was not run."""

    text: str
    tone: Literal["", "warning", "missing"] = ""


@dataclass(frozen=True)
class Example:
    """A passage of a consultation that shows a failure; `case` is a case of the viewer, or none."""

    title: str
    lines: Sequence[tuple[str, str]]
    case: str = ""


@dataclass(frozen=True)
class Failure:
    """A failure signature: how often it was seen among how many, and examples."""

    title: str
    what: str
    count: str
    remark: str
    examples: Sequence[Example]


@dataclass(frozen=True)
class Shown:
    """An image of a case: a data URI, or none and why."""

    uri: str
    says: str


@dataclass(frozen=True)
class Judged:
    """How the reply to a turn was judged against one model: outcome by aspect, and the reasons."""

    against: str
    outcomes: Sequence[tuple[str, str]]
    reasons: Sequence[str]


@dataclass(frozen=True)
class Said:
    """A turn of the real record, with the replies of the models to it where they were asked."""

    role: Literal["patient", "physician"]
    text: str
    images: Sequence[Shown] = ()
    replies: Sequence[tuple[str, str]] = ()
    verdict: Judged | None = None
    number: int = 0
    """Of the turns that the physician answers, counted from 1; 0 for others."""


@dataclass(frozen=True)
class Case:
    """A consultation of the viewer. `outcomes` holds the case's outcome by aspect, to filter by."""

    key: str
    title: str
    benchmark: str
    department: str
    outcomes: dict[str, str]
    turns: Sequence[Said]
    others: Table
    """The overall outcomes against every model, a row a turn."""


@dataclass(frozen=True)
class Cases:
    """The case viewer; `total` cases were judged, those shown are a sample."""

    cases: Sequence[Case]
    total: int
    against: str
    model: str
    aspects: Sequence[str]
    omitted: str = ""
    """Why there is no case, in the copy that leaves the place of the data."""
    judge: str = ""
    """What the judge cannot see, where that is known."""

    @property
    def departments(self) -> list[str]:
        """All departments that occur."""
        return sorted({case.department for case in self.cases})


Part = Text | Table | Pictures | Failure | Cases


@dataclass(frozen=True)
class Section:
    """A headed part of the report. `key` is its anchor."""

    key: str
    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Claim:
    """One line of the answer: what, the verdict in a word, and its evidence."""

    what: str
    tone: Tone
    word: str
    evidence: str


@dataclass(frozen=True)
class Answer:
    """The head of the report: is the new model better, on what, how sure."""

    tone: Tone
    word: str
    better: str
    on_what: str
    how_sure: Sequence[str]
    claims: Sequence[Claim]
    picture: Picture | None = None
    promotion: Claim | None = None
    within: str = ""
    """Caveats without which the word must not stand; empty for none."""
    test: bool = False
    """Whether it is of a test run, and must not look like a result."""
    asks: str = ""
    """How often the new model asks, beside the real physician."""

    @property
    def verdict(self) -> str:
        """The word with its caveats."""
        return f"{self.word}: {self.within}" if self.within else self.word


@dataclass(frozen=True)
class Report:
    """A whole report."""

    title: str
    lead: str
    legend: Sequence[str]
    """The names and words of the head explained, one a line."""
    answer: Answer
    warnings: Sequence[str]
    sections: Sequence[Section] = field(default_factory=tuple)


def cells(*texts: str, tone: Tone = "") -> list[Cell]:
    """A row of plain cells of one tone."""
    return [Cell(text, tone) for text in texts]


def percent(value: float | None, digits: int = 1) -> str:
    """A share (0 to 1) in per cent; an en dash for none."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def interval(low: float | None, high: float | None) -> str:
    """An interval of shares in per cent; empty for none."""
    return "" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"


def decimal(value: float | None, digits: int = 3) -> str:
    """A number; an en dash for none."""
    return "–" if value is None else f"{value:.{digits}f}"


def clip(text: str, length: int = 600) -> str:
    """A text, cut at a length with a mark that says so."""
    return text if len(text) <= length else f"{text[:length]} […]"
