"""What a card is made of: sections of text, charts and tables, the same for every format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Bar:
    """A labelled number; `second` is a second name, `paper` the paper's share (0 to 1) of it.

    `lost` is what a step took away, drawn after the bar's own value.
    """

    label: str
    value: int
    second: str = ""
    paper: float | None = None
    lost: int | None = None


@dataclass(frozen=True)
class Chart:
    """Bars of one unit; shares are taken of `total`, lengths drawn against the longest bar."""

    title: str
    unit: str
    bars: Sequence[Bar]
    total: int
    columns: bool = False
    note: str = ""

    @property
    def longest(self) -> float:
        """The share (0 to 1) that is drawn full length; the paper's shares included."""
        shares = [self.share(bar.value + (bar.lost or 0)) for bar in self.bars]
        return max([*shares, *(bar.paper for bar in self.bars if bar.paper), 0.0]) or 1.0

    def share(self, n: int) -> float:
        """`n` as a share (0 to 1) of the total."""
        return n / self.total if self.total else 0.0

    def length(self, share: float) -> float:
        """Per cent of the full length at which a share (0 to 1) is drawn."""
        return round(100 * share / self.longest, 2)

    @property
    def has_paper(self) -> bool:
        """Whether the paper gives a figure for any of the bars."""
        return any(bar.paper is not None for bar in self.bars)


Cell = str | int


@dataclass(frozen=True)
class Table:
    """Rows of cells; whole numbers are set right-aligned with separators."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True)
class Points:
    """A list of statements; `tone` marks warnings."""

    title: str
    items: Sequence[str]
    tone: Literal["plain", "warning"] = "plain"


Part = Chart | Table | Points | str


@dataclass(frozen=True)
class Section:
    """A headed part of the card; a text is a paragraph. `key` is its anchor."""

    key: str
    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Card:
    """A whole card; `figures` are the numbers at its head, with what they count."""

    title: str
    lead: str
    figures: Sequence[tuple[int, str]]
    sections: Sequence[Section] = field(default_factory=tuple)


def percent(part: float, whole: float = 1.0) -> str:
    """A share in per cent with one decimal; an en dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def number(n: float) -> str:
    """A number with thousands separated by commas."""
    return f"{n:,}"


def ranking(counts: dict[str, int]) -> list[tuple[str, int]]:
    """The most frequent first, equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def markdown_cell(value: Cell) -> str:
    """A text as a cell of a Markdown table: it cannot break the table, nor bring markup."""
    text = " ".join(str(value).split())
    for special in "\\|`*<>[]":
        text = text.replace(special, f"\\{special}")
    return text
