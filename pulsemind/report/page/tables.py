"""Figure 4 and Tables 1 to 4 of the paper for this model, the paper's figures beside ours in grey.

The paper's are of its own models, data and judge; where the definitions differ the notes say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from pulsemind.evaluation.statistics import ASPECTS, POOLED
from pulsemind.report.page import asking, figures
from pulsemind.report.page.answer import verdict
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.paper import Named, Row, index, paper
from pulsemind.report.page.parts import (
    Cell,
    Part,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
    Tone,
    cells,
    interval,
    percent,
)
from pulsemind.report.page.shapes import QA, Estimate, Pairwise
from pulsemind.report.page.words import decided_of, opponents, order_changes, others

NOT_RUN = "not run"
_SFT_ARM = "SFT"
"""What `tasks.ablation` calls the chain's SFT model."""
_BEFORE_ASKED = (
    "The model before reinforcement learning (sft) was asked by `flows.ablation rl`, where answers "
    "are read by rules alone, open ones too."
)
_BEFORE_NOT_ASKED = (
    "The model before reinforcement learning (sft) is not asked these questions by the chain, so "
    "this table cannot say whether CRPO cost accuracy; `python -m flows.ablation rl` asks it too."
)


def win_rates(inputs: Inputs) -> Section:
    """Figure 4: win rates against every model, by benchmark; then by dimension."""
    rows = inputs.evaluation.pairwise if inputs.evaluation else []
    names = list(dict.fromkeys(row.benchmark for row in rows))
    names.sort(key=lambda name: name != POOLED)
    place = opponents(inputs).index
    rows = sorted(rows, key=lambda row: place(row.against))
    overall = {n: [r for r in rows if r.benchmark == n and r.aspect == "overall"] for n in names}
    pictures = [picture for name in names if (picture := _drawn(name, overall[name]))]
    parts: list[Part] = []
    if pictures:
        note = "Win rate among decided comparisons with its interval; 50 % is even."
        parts.append(Pictures("", pictures, note))
    if who := others(inputs):
        parts.append(Text(who))
    parts += [_by_dimension(inputs, rows), asking.table(inputs)]
    parts += [_against_all(inputs, name, overall[name]) for name in names]
    if not rows:
        parts.append(Text(f"{NOT_RUN}: no consultation was judged.", "missing"))
        parts += [_paper_win_rates(number) for number in range(len(paper().win_rates.benchmarks))]
    return Section("win-rates", "Against other models (the paper's Figure 4)", parts)


def _title(benchmark: str) -> str:
    """A benchmark with the name that the paper gives it."""
    if benchmark == POOLED:
        return "All consultations together"
    place = index(benchmark, paper().win_rates.benchmarks)
    printed = "" if place is None else paper().win_rates.benchmarks[place].title
    return f"{benchmark} (the paper's {printed})" if printed else benchmark


def _drawn(benchmark: str, rows: Sequence[Pairwise]) -> Picture | None:
    points = [
        (row.against, row.low, row.win_rate, row.high)
        for row in rows
        if row.win_rate is not None and row.low is not None and row.high is not None
    ]
    if not points:
        return None
    title = _title(benchmark)
    says = "; ".join(f"{a} {percent(v)} ({interval(lo, hi)})" for a, lo, v, hi in points)
    return Picture(figures.scale(f"rates-{benchmark}", points, title), f"{title}: {says}")


def _against_all(inputs: Inputs, benchmark: str, rows: Sequence[Pairwise]) -> Table:
    printed = paper().win_rates
    place = index(benchmark, printed.benchmarks)
    header = ["against", "win rate (decided)", "says", "decided of n", "wins of all", "ties"]
    body = [_against(inputs, row) for row in rows]
    if place is None:
        return Table(_title(benchmark), header, body)
    known = {index(row.against, printed.rows): line for row, line in zip(rows, body, strict=True)}
    for row, line in zip(rows, body, strict=True):
        found = index(row.against, printed.rows)
        line.append(_win(None if found is None else printed.rows[found].values[place]))
    body += [
        [Cell(r.title, "paper"), *cells(*["–"] * 5, tone="paper"), _win(r.values[place])]
        for number, r in enumerate(printed.rows)
        if number not in known
    ]
    note = (
        f"The paper's: {printed.source}; PulseMind-72B, judge {paper().judge}, wins among all "
        "rows, one order. Compare it with “wins of all”, not with the win rate."
    )
    return Table(_title(benchmark), [*header, "paper: wins of all"], body, note)


def _against(inputs: Inputs, row: Pairwise) -> list[Cell]:
    tone, word = verdict(row, inputs.about.confidence)
    return [
        Cell(row.against),
        Cell(percent(row.win_rate), small=interval(row.low, row.high)),
        Cell(word, tone),
        decided_of(row),
        _share(row.win),
        Cell(percent(row.tie.value if row.tie else None)),
    ]  # fmt: skip


def _paper_win_rates(place: int) -> Table:
    printed = paper().win_rates
    body = [[Cell(row.title, "paper"), Cell(NOT_RUN, "missing"), _win(row.values[place])]
            for row in printed.rows]  # fmt: skip
    header = ["against", "ours", "paper: wins of all"]
    return Table(printed.benchmarks[place].title, header, body, f"The paper's: {printed.source}.")


def _by_dimension(inputs: Inputs, rows: Sequence[Pairwise]) -> Part:
    pooled = [r for r in rows if r.against == inputs.against and r.aspect in ASPECTS]
    if not pooled:
        return Text(f"By dimension: {NOT_RUN}.", "missing")
    benchmark = POOLED if any(r.benchmark == POOLED for r in pooled) else pooled[0].benchmark
    body = []
    for row in (r for r in pooled if r.benchmark == benchmark):
        tone, word = verdict(row, inputs.about.confidence)
        shares = [percent(share.value if share else None) for share in (row.win, row.tie, row.loss)]
        body.append([
            Cell(row.aspect.replace("_", " ")),
            Cell(percent(row.win_rate), small=interval(row.low, row.high)),
            Cell(word, tone), decided_of(row), *cells(*shares),
            order_changes(row.judge, row.swap_disagreement),
        ])  # fmt: skip
    header = [
        "dimension",
        "win rate (decided)",
        "says",
        "decided of n",
        "wins of all",
        "ties",
        "losses",
        "order changes it",
    ]
    return Table(f"Against {inputs.against} by dimension", header, body)


def accuracy(inputs: Inputs) -> Section:
    """Table 1: accuracy on the QA sets beside chance, abstentions and contamination."""
    printed = paper().accuracy
    results = inputs.evaluation.qa if inputs.evaluation else []
    shown = [row for row in printed.rows if row.shown]
    header = ["set", "ours", "beside chance", "n", "abstained", "extractors disagree",
              "training overlaps", *(row.title for row in shown)]  # fmt: skip
    body = [_qa(inputs, result, shown) for result in results]
    before = [_before(inputs, result.benchmark) for result in results]
    ran = {index(result.benchmark, printed.sets) for result in results}
    for place, one in enumerate(printed.sets):
        if place not in ran:
            body.append([
                Cell(one.title), Cell(NOT_RUN, "missing"), *cells(*["–"] * 5, tone="soft"),
                *(_paper(row.values[place]) for row in shown),
            ])  # fmt: skip
    if any(before):
        header.insert(2, "before CRPO (sft)")
        for line, cell in zip_longest(body, before):
            line.insert(2, cell or Cell("–", "soft"))
    notes = sorted({f"{r.note[0].upper()}{r.note[1:]}." for r in results if r.note})
    return Section("accuracy", "Medical questions (the paper's Table 1)", [
        Table("", header, body, f"The paper's: {printed.source}. 95 % intervals (Wilson). A reply "
              "in which no answer can be read counts as wrong. " + " ".join(notes)),
        Text(_BEFORE_ASKED if any(before) else _BEFORE_NOT_ASKED),
        _whole_table(printed.sets, printed.rows, printed.source),
    ])  # fmt: skip


def _before(inputs: Inputs, benchmark: str) -> Cell | None:
    """The SFT model's accuracy where the ablation asked it; the chain itself does not."""
    made = inputs.ablations.get("rl")
    for row in made.qa if made else ():
        if row.benchmark == benchmark and row.arm == _SFT_ARM:
            between = f"{interval(row.low, row.high)}, n {row.n}"
            return Cell(percent(row.accuracy), small=between)
    return None


def _qa(inputs: Inputs, result: QA, shown: Sequence[Row]) -> list[Cell]:
    place = index(result.benchmark, paper().accuracy.sets)
    chance: tuple[Tone, str] = ("soft", "open questions")
    if result.n and result.abstained >= result.n:
        chance = "missing", "no answer could be read"
    elif result.chance is not None:
        if result.low > result.chance:
            chance = "better", "above chance"
        elif result.high < result.chance:
            chance = "worse", "below chance"
        else:
            chance = "even", "about chance"
    return [
        Cell(result.benchmark, small=result.scorer),
        Cell(percent(result.accuracy), small=interval(result.low, result.high)),
        Cell(chance[1], chance[0], f"chance {percent(result.chance)}" if result.chance else ""),
        Cell(str(result.n), small=f"of {result.official_n} published" if result.official_n else ""),
        Cell(str(result.abstained), small=_abstained(result)),
        _share(result.disagreement),
        _overlap(inputs, result.benchmark.split("/")[0]),
        *(_paper(row.values[place] if place is not None else None) for row in shown),
    ]


def _abstained(result: QA) -> str:
    unjudged = f", {result.unjudged} unjudged" if result.unjudged else ""
    broken = f", {result.broken} broken" if result.broken else ""
    return percent(result.abstained / result.n) + unjudged + broken


def _overlap(inputs: Inputs, benchmark: str) -> Cell:
    """Training records that overlapped the set: how many were taken out, how many stayed."""
    books = inputs.dataset
    if books is None or benchmark not in books.blocking:
        return Cell("not known", "soft")
    found = books.contamination.get(benchmark, {})
    blocking = set(books.blocking[benchmark])
    removed = sum(n for rule, n in found.items() if rule in blocking)
    left = {rule: n for rule, n in found.items() if rule not in blocking and n}
    stayed = ", ".join(f"{n} left by {rule}" for rule, n in sorted(left.items()))
    return Cell(f"{removed} removed", "worse" if left else "", stayed or "none left")


def _whole_table(sets: Sequence[Named], rows: Sequence[Row], source: str) -> Table:
    body = [[Cell(row.title, "paper"), *(_paper(value) for value in row.values)] for row in rows]
    return Table(f"The paper's {source}, whole", ["model", *(s.title for s in sets)], body,
                 folded=True)  # fmt: skip


def _paper(value: float | None) -> Cell:
    return Cell("–" if value is None else f"{value:.1f} %", "paper")


def _win(value: float | None) -> Cell:
    return Cell("–" if value is None else f"{value:g} %", "paper")


def _share(estimate: Estimate | None) -> Cell:
    if estimate is None:
        return Cell("–")
    return Cell(percent(estimate.value), small=interval(estimate.low, estimate.high))
