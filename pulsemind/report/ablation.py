"""An ablation as a table and as a picture, the paper's figures (P Table 4) in grey beside them."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from pulsemind.evaluation.ablation import COUNTERPARTS, PULSEMIND, Ablation, Rate
from pulsemind.evaluation.arms import p_text
from pulsemind.evaluation.results import Estimate

TITLES = {
    "data": "Public data alone, or with our own consultations (P Table 4a)",
    "rl": "SFT, or SFT and reinforcement learning (P Table 4b)",
    "reward": "GRPO on absolute scores, or CRPO (P Table 4c)",
}
GREY, COLOURS = "#adb5bd", ("#e8590c", "#1864ab")


def show(result: Ablation, console: Console | None = None) -> None:
    """Print the ablation."""
    out = console or Console()
    out.print(_rates(result))
    if result.signals:
        out.print(_signals(result))
    if result.qa:
        out.print(_accuracies(result))
    out.print(f"[bold]{result.conclusion}[/]")
    for found in result.comparisons[1:]:
        seed = "all seeds" if found.seed is None else f"seed {found.seed}"
        out.print(
            f"{found.arm} and {found.against}, against {found.opponents}, {seed}: {found.words} "
            f"({_points(found.difference)} points, {p_text(found.p_value)}, n = {found.n})"
        )
    for note in result.notes:
        out.print(f"[yellow]{note}[/]")


def plot(result: Ablation, path: Path) -> None:
    """Win rates of both arms with intervals, seeds thin; the reward signals, where there are any.

    The file is equal for equal results.
    """
    panels = 2 if result.signals else 1
    figure = Figure(figsize=(6.4 * panels, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(1, panels, number + 1) for number in range(panels)]
    _win_rate_panel(axes[0], result)
    if result.signals:
        _signal_panel(axes[1], result)
    notes = "\n".join(result.notes[:2])
    figure.suptitle(f"{TITLES[result.kind]}\n{notes}", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def _rates(result: Ablation) -> Table:
    table = Table(
        title=f"{TITLES[result.kind]}, judge {result.judge}",
        caption="win rate among decided pairs, 95 % interval over dialogues; grey: the paper's",
        title_justify="left",
    )
    for column in ("arm", "against", "seed"):
        table.add_column(column)
    for column in ("n", "win rate", "win/tie/loss", "paper"):
        table.add_column(column, justify="right")
    for row in result.rates:
        table.add_row(
            *(row.arm, row.against, "all" if row.seed is None else str(row.seed), str(row.n)),
            *(_percent(row.win_rate), f"{row.wins}/{row.ties}/{row.losses}"),
            f"[grey50]{_paper(result, row)}[/]",
        )
    return table


def _signals(result: Ablation) -> Table:
    table = Table(title="Reward signal, both on a scale from 0 to 1", title_justify="left")
    table.add_column("arm")
    for column in ("seed", "std in a group", "variance in a group", "groups without any"):
        table.add_column(column, justify="right")
    for row in result.signals:
        table.add_row(
            *(row.arm, str(row.seed), f"{row.spread:.3f}", f"{row.variance:.4f}"),
            f"{100 * row.zero_variance:.1f} %",
        )
    if result.agreement:
        found = result.agreement
        table.caption = (
            f"{' and '.join(found.arms)} on the same candidates (first iteration): correlation "
            f"within a group {found.correlation.value:.2f} ({found.correlation.low:.2f} to "
            f"{found.correlation.high:.2f}), {found.groups} groups"
        )
    return table


def _accuracies(result: Ablation) -> Table:
    table = Table(title="QA accuracy", title_justify="left")
    for column in ("arm", "seed", "set"):
        table.add_column(column)
    for column in ("n", "accuracy"):
        table.add_column(column, justify="right")
    for row in result.qa:
        seed = "-" if row.seed is None else str(row.seed)
        figure = _percent(Estimate(value=row.accuracy, low=row.low, high=row.high))
        table.add_row(row.arm, seed, row.benchmark, str(row.n), figure)
    for paper in result.published:
        if paper.benchmark != PULSEMIND:
            grey = (paper.arm, "", f"{paper.benchmark} (paper)", "", f"{paper.value} %")
            table.add_row(*(f"[grey50]{cell}[/]" for cell in grey))
    return table


def _paper(result: Ablation, row: Rate) -> str:
    """The paper's figure for an arm: its average win rate against six baselines."""
    if row.seed is not None or row.against != COUNTERPARTS:
        return ""
    values = [f.value for f in result.published if f.benchmark == PULSEMIND]
    return f"{values[_place(result, row.arm)]} %"


def _place(result: Ablation, arm: str) -> int:
    return [about.name for about in result.arms].index(arm)


def _win_rate_panel(axes: Axes, result: Ablation) -> None:
    rows = [row for row in result.rates if row.win_rate]
    for place, row in enumerate(rows):
        if row.win_rate is None:
            continue
        rate, whole = row.win_rate, row.seed is None
        axes.errorbar(
            [rate.value],
            [place],
            xerr=[[rate.value - rate.low], [rate.high - rate.value]],
            fmt="o",
            ms=6 if whole else 3,
            lw=2 if whole else 1,
            color=COLOURS[_place(result, row.arm)],
        )
        if paper := _paper(result, row):
            value = float(paper.removesuffix(" %")) / 100
            label = f"paper: {result.published[0].source}"
            axes.plot([value], [place], "D", color=GREY, ms=6, zorder=0, label=label)
    labels = [
        f"{row.arm} vs {row.against}, {'all' if row.seed is None else f'seed {row.seed}'} "
        f"(n = {row.n})"
        for row in rows
    ]
    axes.set_yticks(range(len(rows)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.axvline(0.5, color="#868e96", lw=0.8, ls="--")
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("win rate among decided pairs, with interval", fontsize=8)
    handles, names = axes.get_legend_handles_labels()
    figure = axes.get_figure()
    if handles and figure:  # inside the panel it would hide intervals
        figure.legend(handles[:1], names[:1], fontsize=7, loc="outside lower left")


def _signal_panel(axes: Axes, result: Ablation) -> None:
    for row in result.signals:
        values = [point.spread for point in row.iterations]
        colour = COLOURS[_place(result, row.arm)]
        label = row.arm if row.seed == result.seeds[0] else None
        axes.plot(range(len(values)), values, color=colour, lw=1, marker=".", label=label)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("iteration (a line a seed)", fontsize=8)
    axes.set_ylabel("reward's standard deviation in a group, 0 to 1", fontsize=8)
    axes.legend(fontsize=8)


def _percent(value: Estimate | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value.value:.1f} % ({100 * value.low:.1f} to {100 * value.high:.1f})"


def _points(value: Estimate) -> str:
    return f"{100 * value.value:+.1f} ({100 * value.low:+.1f} to {100 * value.high:+.1f})"
