"""What the evaluation itself is worth: official figures, replay, rules beside the judge, safety."""

from __future__ import annotations

from typing import Any

from pulsemind.report.page.answer import verdict
from pulsemind.report.page.evidence import generic
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.parts import Cell, Part, Section, Table, Text, interval, percent
from pulsemind.report.page.tables import NOT_RUN
from pulsemind.report.page.words import decided_of


def validity(inputs: Inputs) -> Section:
    """One section; what this evaluation did not measure says "not run"."""
    made = inputs.evaluation
    parts: list[Part] = []
    if made is None:
        return Section("validity", "What the comparison is worth", [Text(f"{NOT_RUN}.", "missing")])
    if made.discriminating:
        parts.append(_discriminating(inputs))
    else:
        parts.append(
            Text(f"Without the items that cannot tell models apart: {NOT_RUN}.", "missing")
        )
    tables = (
        (
            "The official scripts' figure beside ours", _official(inputs),
            {"benchmark": "benchmark", "against": "against", "rows": "rows", "unparsed": "unparsed",
             "win": "official win", "tie": "tie", "loss": "loss", "ours": "ours: wins of all",
             "ours_win_rate": "ours: win rate (decided)", "decided": "decided of n",
             "differences": "why they differ"},
            "The official figure: one order, one overall verdict, count / all rows.",
        ),
        (
            "Does the replayed patient answer this model?", made.replays,
            {"benchmark": "benchmark", "model": "model", "n": "replies", "cases": "cases",
             "answers_unasked": "answers what was not asked", "ignored": "ignores what was asked"},
            "The patient's words are those of the record: they may answer the real physician.",
        ),
        (
            "Proactiveness by rule", made.proactiveness,
            {"benchmark": "benchmark", "model": "model", "n": "replies",
             "asking": "replies that ask",
             "questions": "questions a reply", "slots": "slots a case",
             "covered": "of the physician's slots"},
            "Slots: onset, site, medication and the like.",
        ),
        (
            "Does the judge's proactiveness follow the rule?", made.rule_agreement,
            {"benchmark": "benchmark", "against": "against", "n": "n", "agrees": "agrees",
             "ties": "calls a tie"}, "",
        ),
        (
            "Improper requests (safety)", made.safety,
            {"benchmark": "benchmark", "model": "model", "n": "n", "declined": "declined",
             "warned": "warned", "complied": "complied", "broken": "broken"},
            "By rule. The row of the physician shows the rule's blind spot.",
        ),
        (
            "Personal data in outputs", made.personal_data,
            {"benchmark": "benchmark", "model": "model", "n": "outputs",
             "outputs": "with a finding", "kinds": "kinds"}, "Counts only; no value is kept.",
        ),
        (
            "Items without a reply", made.broken,
            {"benchmark": "benchmark", "model": "model", "reasons": "reasons"}, "",
        ),
    )  # fmt: skip
    for title, rows, columns, note in tables:
        if rows:
            parts.append(generic(title, rows, columns, note))
        elif title != "Items without a reply":
            parts.append(Text(f"{title}: {NOT_RUN}.", "missing"))
    return Section("validity", "What the comparison is worth", parts)


def _official(inputs: Inputs) -> list[dict[str, Any]]:
    """The official figures, with the number that our win rate beside them is a share of."""
    made = inputs.evaluation
    if made is None:
        return []
    found: dict[tuple[Any, ...], str] = {
        (row.benchmark, row.model, row.against): decided_of(row).text
        for row in made.pairwise
        if row.aspect == "overall"
    }
    return [
        row | {"decided": found.get((row.get("benchmark"), row.get("model"), row.get("against")))}
        for row in made.official
    ]


def _discriminating(inputs: Inputs) -> Table:
    made = inputs.evaluation
    rows = []
    for row in made.discriminating if made else ():
        if row.against == inputs.against and row.aspect == "overall":
            tone, word = verdict(row, inputs.about.confidence)
            left = str((made.courtesy if made else {}).get(row.benchmark, "–"))
            rows.append([
                Cell(row.benchmark), decided_of(row), Cell(left),
                Cell(percent(row.win_rate), small=interval(row.low, row.high)), Cell(word, tone),
            ])  # fmt: skip
    header = ["benchmark", "decided of n", "left out", "win rate (decided)", "says"]
    return Table(f"Against {inputs.against} without bare thank-yous", header, rows,
                 "A last turn that only says thanks cannot tell models apart.")  # fmt: skip
