"""How far the judge can be believed, what each part of the method adds, what was decided.

Tables 2 to 4 of the paper, beside the judge's audit and the ablations of this model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.paper import Grid, index, paper
from pulsemind.report.page.parts import (
    Cell,
    Part,
    Section,
    Table,
    Text,
    Tone,
    cells,
    decimal,
    interval,
    percent,
)
from pulsemind.report.page.shapes import Ablation, Audit, AuditFigure, Figure
from pulsemind.report.page.tables import NOT_RUN

_STATUS: dict[str, Tone] = {"found": "worse", "suspected": "even", "not found": "better"}


def audit(inputs: Inputs) -> Section:
    """Tables 2 and 3 and the judge's biases."""
    made = inputs.audit
    parts: list[Part] = []
    if made is None:
        parts.append(Text(f"The judge's audit: {NOT_RUN} (`python -m flows.audit`).", "missing"))
    else:
        parts += [
            Text(f"Judge: {made.judge}." + (f" {made.note}." if made.note else "")),
            _biases(made),
        ]
    parts += [_scores(made), _consistency(made)]
    if made and made.discrimination:
        parts.append(_discrimination(made))
    return Section("judge", "Can the judge be believed? (the paper's Tables 2 and 3)", parts)


def _biases(made: Audit) -> Table:
    rows = [
        [
            Cell(bias.kind), Cell(bias.status, _STATUS.get(bias.status, "missing"), bias.text),
            _figure(bias.share), Cell(str(bias.share.n)), _published(bias.share),
        ]
        for bias in made.biases
    ]  # fmt: skip
    if swap := made.swap_disagreement:
        rows.append([Cell("order changes the verdict"), Cell(""), _figure(swap), Cell(str(swap.n)),
                     _published(swap)])  # fmt: skip
    header = ["bias", "says", "preferred side wins", "n", "GPT-4 elsewhere"]
    return Table(
        "Biases of the judge",
        header,
        rows,
        "The published figures are of general dialogues, not of medical ones.",
    )


def _scores(made: Audit | None) -> Table:
    printed = paper().scores
    aspects = [*printed.columns[:-1], "overall"]
    rows = []
    for model in dict.fromkeys(score.model for score in made.scores) if made else ():
        found = {s.aspect: s.figure for s in made.scores if s.model == model} if made else {}
        rows.append([Cell(model), *(_score(found.get(aspect)) for aspect in aspects)])
    if not rows:
        rows.append([Cell("our models"), *(Cell(NOT_RUN, "missing") for _ in aspects)])
    rows += [[Cell(row.title, "paper"), *(Cell(f"{value:.2f}", "paper") for value in row.values)]
             for row in printed.rows]  # fmt: skip
    header = ["mean score, 1 to 5", *(column.replace("_", " ") for column in printed.columns)]
    return Table("Absolute scores (Table 2)", header, rows, f"In grey the paper's "
                 f"{printed.source}, judge {paper().judge}.")  # fmt: skip


def _consistency(made: Audit | None) -> Table:
    printed = paper().consistency
    aspects = [*printed.columns[:-1], "overall"]
    rows = []
    groups = dict.fromkeys((c.strategy, c.benchmark) for c in made.consistency) if made else {}
    for strategy, benchmark in groups:
        found = {
            c.aspect: c.figure
            for c in (made.consistency if made else ())
            if (c.strategy, c.benchmark) == (strategy, benchmark)
        }
        rows.append([Cell(f"{strategy}, {benchmark}"), *(_agreed(found.get(a)) for a in aspects)])
    if not rows:
        missing = Cell("no experts yet" if made else NOT_RUN, "missing")
        rows.append([Cell("our judge"), *(missing for _ in aspects)])
    rows += [[Cell(row.title, "paper"), *(Cell(f"{v:.1f} %", "paper") for v in row.values)]
             for row in printed.rows]  # fmt: skip
    header = ["experts agree with the judge", *(c.replace("_", " ") for c in printed.columns)]
    kappas = _kappas(made.kappas) if made else ""
    return Table("Consistency with experts (Table 3)", header, rows, f"In grey the paper's "
                 f"{printed.source}: 50 experts, a 10 % sample. {kappas}")  # fmt: skip


def _kappas(kappas: Sequence[AuditFigure]) -> str:
    said = [
        f"{k.statistic.capitalize()}'s kappa between experts, {k.strategy}, "
        f"{k.aspect.replace('_', ' ')}: {decimal(k.figure.value, 2)} "
        f"({decimal(k.figure.low, 2)} to {decimal(k.figure.high, 2)}, n = {k.figure.n})."
        for k in kappas
        if k.aspect == "overall"
    ]
    return " ".join(said)


def _discrimination(made: Audit) -> Table:
    rows = [
        cells(
            row.aspect.replace("_", " "), str(row.models), decimal(row.spread, 2),
            decimal(row.width, 2), f"{row.absolute} of {row.pairs}",
            f"{row.relative} of {row.pairs}",
        )
        for row in made.discrimination
    ]  # fmt: skip
    header = ["dimension", "models", "spread of mean scores", "width of an interval",
              "told apart by scores", "told apart by comparison"]  # fmt: skip
    return Table("What each way of judging tells apart", header, rows)


def ablations(inputs: Inputs) -> Section:
    """Table 4 (a) to (c): what each part of the method adds."""
    parts: list[Part] = []
    for printed in paper().ablations:
        made = inputs.ablations.get(printed.key)
        parts.append(_ablation(printed, made))
        if made is None:
            parts.append(
                Text(
                    f"{NOT_RUN} (`python -m flows.ablation {printed.key}`).",
                    "missing",
                )
            )
        else:
            parts += [Text(text) for text in (made.conclusion, *made.notes) if text]
    return Section("ablations", "What each part adds (the paper's Table 4)", parts)


def _ablation(printed: Grid, made: Ablation | None) -> Table:
    """Our two arms beside the paper's two columns; rows are benchmarks."""
    arms = [arm.name for arm in made.arms[:2]] if made else []
    ours = [f"ours: {arm}" for arm in arms] or ["ours"]
    rows = []
    for place, row in enumerate(printed.rows):
        mine = [_arm(made, arm, row.title, place == 0) for arm in arms] if made else []
        grey = [Cell(f"{value:.1f} %", "paper") for value in row.values]
        rows.append([Cell(row.title), *(mine or [Cell(NOT_RUN, "missing")]), *grey])
    printed_sets = [row.title for row in printed.rows]
    for name in dict.fromkeys(a.benchmark for a in made.qa) if made else ():
        if not any(_same_set(name, title) for title in printed_sets):
            mine = [_arm(made, arm, name, False) for arm in arms]
            rows.append([Cell(name), *mine, *(Cell("–", "paper") for _ in printed.columns)])
    header = ["", *ours, *(f"paper: {column}" for column in printed.columns)]
    return Table(f"{printed.title} ({printed.source.removeprefix('Table ')})", header, rows,
                 f"In grey the paper's {printed.source}; win rate against six models.")  # fmt: skip


def _arm(made: Ablation | None, arm: str, title: str, rate: bool) -> Cell:
    if made is None:
        return Cell(NOT_RUN, "missing")
    if rate:
        rows = [r for r in made.rates if r.arm == arm and r.seed is None and r.win_rate]
        rows.sort(key=lambda r: r.against != "counterparts")
        if not rows or rows[0].win_rate is None:
            return Cell("–", "soft")
        one, found = rows[0], rows[0].win_rate
        count = f"n {one.n}" if one.ties is None else f"{one.n - one.ties} decided of {one.n}"
        return Cell(percent(found.value), small=f"{interval(found.low, found.high)}, "
                    f"{count}, against {one.against}")  # fmt: skip
    matching = [a for a in made.qa if a.arm == arm and _same_set(a.benchmark, title)]
    matching.sort(key=lambda a: a.seed is not None)
    if not matching:
        return Cell("–", "soft")
    best = matching[0]
    return Cell(percent(best.accuracy), small=f"{interval(best.low, best.high)}, n {best.n}")


def _same_set(ours: str, printed: str) -> bool:
    place = index(ours, paper().accuracy.sets)
    if place is None:
        return ours == printed
    title = paper().accuracy.sets[place].title
    return printed == ours or title.startswith(printed)


def decision(inputs: Inputs) -> Section:
    """What was registered, and whether it became the champion."""
    summary, made = inputs.summary, inputs.promotion
    parts: list[Part] = []
    if summary and summary.registry:
        entry = summary.registry
        parts.append(
            Text(
                f"Registered as {entry.name} version {entry.version}, alias {entry.alias} (the "
                "version registered last; the alias champion is of the version to use)."
            )
        )
    else:
        parts.append(Text(f"Registration: {NOT_RUN}.", "missing"))
    if made is None:
        parts.append(Text(f"Promotion: {NOT_RUN}.", "missing"))
    elif made.outcome == "first":
        parts.append(
            Text(
                "First version: nothing to compare with. There was no champion, so it got that "
                "alias too without having beaten another version."
            )
        )
    else:
        word = "Promoted" if made.promoted else "Not promoted"
        parts.append(Text(f"{word}: {made.reason}."))
    if made and made.qa:
        rows = [
            [
                Cell(c.benchmark), *cells(str(c.n), percent(c.candidate), percent(c.champion)),
                Cell(f"{100 * c.fall:+.1f} points", "worse" if c.too_much else ""),
            ]
            for c in made.qa
        ]  # fmt: skip
        header = ["set", "n", "candidate", "champion", "fall"]
        parts.append(Table("Questions, candidate and champion", header, rows))
    return Section("decision", "Registered model and promotion", parts)


def generic(
    title: str, rows: Sequence[dict[str, Any]], columns: dict[str, str], note: str = ""
) -> Table:
    """A table of records as they come: shares with their interval, counts, texts."""
    body = [[_any(row.get(key)) for key in columns] for row in rows]
    return Table(title, list(columns.values()), body, note)


def _any(value: Any) -> Cell:
    if isinstance(value, dict) and {"value", "low", "high"} <= set(value):
        return Cell(percent(value["value"]), small=interval(value["low"], value["high"]))
    if isinstance(value, dict):
        return Cell(", ".join(f"{key} {n}" for key, n in value.items() if n) or "none")
    if isinstance(value, list):
        return Cell("; ".join(map(str, value)))
    if isinstance(value, float):
        return Cell(decimal(value, 2))
    return Cell("–" if value is None else str(value))


def _figure(figure: Figure) -> Cell:
    return Cell(percent(figure.value), small=interval(figure.low, figure.high))


def _published(figure: Figure) -> Cell:
    return Cell(percent(figure.published), "paper", figure.source)


def _score(figure: Figure | None) -> Cell:
    if figure is None or figure.value is None:
        return Cell("–", "soft")
    return Cell(
        decimal(figure.value, 2),
        small=f"{decimal(figure.low, 2)} to {decimal(figure.high, 2)}, n {figure.n}",
    )


def _agreed(figure: Figure | None) -> Cell:
    if figure is None or figure.value is None:
        return Cell("–", "soft")
    return Cell(percent(figure.value), small=f"{interval(figure.low, figure.high)}, n {figure.n}")
