"""The dataset card in Markdown and HTML: what is in it, what was removed by which step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from typing import Any

from pulsemind.data.ledger import Counts
from pulsemind.records import Consultation, QAItem

Audit = dict[str, Any]
Table = tuple[str, list[str], list[list[str]]]  # title, header, rows
_TITLE = "Dataset card"
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:56em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2em .7em;text-align:left}"
)


@dataclass
class Statistics:
    """What the card counts while records are written; `images` are the paths referred to."""

    languages: Counter[str] = field(default_factory=Counter)
    departments: Counter[str] = field(default_factory=Counter)
    modalities: Counter[str] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)
    images: set[str] = field(default_factory=set)

    def add(self, split: str, record: Consultation | QAItem) -> None:
        """Count a record; departments and lengths are those of training consultations."""
        images = record.images() if isinstance(record, Consultation) else record.images
        self.images.update(image.path for image in images)
        if split.startswith("benchmarks/"):
            return
        self.languages[record.language] += 1
        self.modalities.update(image.kind for image in images)
        if isinstance(record, Consultation) and not split.startswith("stage1/"):
            self.departments[record.department or "not stated"] += 1
            self.turns[len(record.turns)] += 1


def markdown(counts: Counts, statistics: Statistics, audit: Audit) -> str:
    """The card as Markdown."""
    parts = [f"# {_TITLE}\n"]
    for title, header, rows in _tables(counts, statistics, audit):
        lines = [header, ["---"] * len(header), *rows]
        parts.append(f"## {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines))
    return "\n".join(parts)


def html(counts: Counts, statistics: Statistics, audit: Audit) -> str:
    """The card as one HTML page that needs no other file."""
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{_TITLE}</title>"
        f"<style>{_STYLE}</style><h1>{_TITLE}</h1>"
    ]
    for title, header, rows in _tables(counts, statistics, audit):
        parts.append(f"<h2>{escape(title)}</h2>")
        if title == _LENGTHS:
            parts.append(_bars(statistics.turns))
        parts.append("<table>" + _row(header, "th") + "".join(_row(row, "td") for row in rows))
        parts.append("</table>")
    return "\n".join(parts) + "\n"


_LENGTHS = "Turns a consultation"


def _tables(counts: Counts, statistics: Statistics, audit: Audit) -> list[Table]:
    funnel = [
        ["read", str(counts.read)],
        ["quarantined (broken)", str(counts.quarantined)],
        *([f"dropped: {rule}", str(n)] for rule, n in sorted(counts.dropped.items())),
        ["kept", str(counts.kept)],
        *([f"images dropped: {r}", str(n)] for r, n in sorted(counts.images_dropped.items())),
    ]
    sources = [
        [name, s.use, s.licence]
        + [str(n) for n in (s.read, s.kept, s.quarantined, sum(s.dropped.values()))]
        for name, s in counts.sources.items()
    ]
    found = [
        [place, kind, str(n), str(audit["second_pass"][place])]
        for place, kinds in audit["found"].items()
        for kind, n in sorted(kinds.items())
    ]
    overlaps = [
        [name, str(kinds.get("text", 0)), str(kinds.get("image", 0))]
        for name, kinds in sorted(counts.contamination.items())
    ]
    lengths = [[str(length), str(n)] for length, n in sorted(statistics.turns.items())]
    return [
        ("Removal funnel", ["step", "records"], funnel),
        (
            "Sources",
            ["source", "use", "licence", "read", "kept", "quarantined", "dropped"],
            sources,
        ),
        ("Splits", ["split", "records"], [[k, str(v)] for k, v in counts.splits.items()]),
        ("Languages (training)", ["language", "records"], _ranking(statistics.languages)),
        (
            "Departments (consultations)",
            ["department", "records"],
            _ranking(statistics.departments),
        ),
        ("Images (training)", ["kind", "images"], _ranking(statistics.modalities)),
        (_LENGTHS, ["turns", "consultations"], lengths),
        (
            "Training records that overlapped a benchmark (removed)",
            ["benchmark", "by text", "by image"],
            overlaps,
        ),
        (
            "Personal data replaced",
            ["where", "kind", "found", "left at the second look"],
            found,
        ),
    ]


def _ranking(counts: Counter[str]) -> list[list[str]]:
    ranking = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [[key, str(n)] for key, n in ranking]


def _row(cells: list[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _bars(counts: Counter[int]) -> str:
    """A histogram as inline SVG."""
    if not counts:
        return ""
    most, width = max(counts.values()), 36
    bars = "".join(
        f"<rect x='{i * width + 4}' y='{120 - 100 * n / most:.1f}' width='{width - 8}' "
        f"height='{100 * n / most:.1f}' fill='#4878a8'/>"
        f"<text x='{i * width + width / 2}' y='136' font-size='12' text-anchor='middle'>{k}</text>"
        for i, (k, n) in enumerate(sorted(counts.items()))
    )
    return f"<svg width='{width * len(counts)}' height='142' role='img'>{bars}</svg>"
