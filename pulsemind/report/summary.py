"""The end of a run: `metrics/summary.json` for machines, a table for people.

`python -m pulsemind.report.summary [FOLDER]` prints the table from the metrics in FOLDER
(default: metrics).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pulsemind.evaluation.results import Evaluation, PairwiseResult, QAResult
from pulsemind.evaluation.statistics import ASPECTS, POOLED
from pulsemind.judge import note
from pulsemind.records import DIMENSIONS, Dimension
from pulsemind.report.metrics import (
    CrpoIteration,
    CrpoMetrics,
    DatasetCounts,
    HeldOutLoss,
    SftLoss,
    Summary,
    SummaryCrpo,
    SummaryEvaluation,
    SummaryRegistry,
    SummarySft,
    read,
    read_evaluation,
)

TINY_NOTE = "tiny profile: a small random model; figures show that the chain works, not quality"
NOT_RUN = "not run"


def summarise(
    metrics: Path,
    profile: str,
    against: str,
    registry: SummaryRegistry | None,
    seconds: Mapping[str, float | None],
) -> Summary:
    """The summary of the metrics files that are there.

    Args:
        against: the model whose win rate (overall, all benchmarks together) is reported.

    Raises ValueError when a file has another shape.
    """
    stages = [read(metrics, name, SftLoss) for name in ("sft1", "sft2")]
    crpo = read(metrics, "crpo", CrpoMetrics)
    evaluation = read_evaluation(metrics)
    return Summary(
        profile=profile,
        dataset=read(metrics, "dataset", DatasetCounts),
        sft=SummarySft(stage1_loss=_loss(stages[0]), stage2_loss=_loss(stages[1])),
        crpo=SummaryCrpo(reward=[i.reward for i in crpo.iterations] if crpo else []),
        evaluation=_headline(evaluation, against) if evaluation else None,
        qa={result.benchmark: result.accuracy for result in evaluation.qa} if evaluation else {},
        registry=registry,
        seconds=dict(seconds),
    )


def _loss(stage: SftLoss | None) -> float | None:
    if stage is None:
        return None
    return stage.train_loss_last if stage.validation_loss is None else stage.validation_loss


def _headline(evaluation: Evaluation, against: str) -> SummaryEvaluation | None:
    rows = [r for r in evaluation.pairwise if r.against == against and r.aspect == "overall"]
    rows.sort(key=lambda row: row.benchmark != POOLED)
    if not rows:
        return None
    row = rows[0]
    return SummaryEvaluation(
        win_rate=row.win_rate, low=row.low, high=row.high, n=row.n, judge=row.judge
    )


def show(metrics: Path, console: Console | None = None) -> None:
    """Print the end table. Raises ValueError when a file has another shape."""
    out = console or Console()
    summary = read(metrics, "summary", Summary)
    if summary and summary.profile.startswith("tiny"):
        out.print(f"[yellow]{TINY_NOTE}[/]")
    _show_dataset(out, read(metrics, "dataset", DatasetCounts))
    _show_training(out, metrics)
    crpo = read(metrics, "crpo", CrpoMetrics)
    if crpo and crpo.iterations:
        _show_crpo(out, crpo)
    evaluation = read_evaluation(metrics)
    if evaluation:
        _show_pairwise(out, evaluation.pairwise)
        _show_qa(out, evaluation.qa)
    _show_registry(out, summary)


def _table(title: str, *columns: str, caption: str = "") -> Table:
    table = Table(title=title, caption=caption or None, title_justify="left", show_lines=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _range(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"


def _show_dataset(out: Console, counts: DatasetCounts | None) -> None:
    table = _table("Dataset", "records", "count")
    if counts is None:
        table.add_row("dataset", NOT_RUN)
    else:
        for name in ("read", "kept", "quarantined"):
            table.add_row(name, str(getattr(counts, name)))
        for rule, count in sorted(counts.dropped.items()):
            table.add_row(f"dropped: {rule}", str(count))
        if not counts.add_up():
            table.add_row("[red]the counts do not add up[/]", "")
    out.print(table)


def _show_training(out: Console, metrics: Path) -> None:
    table = _table("SFT loss", "stage", "steps", "first", "last", "validation")
    for name in ("sft1", "sft2"):
        loss = read(metrics, name, SftLoss)
        cells = (
            (NOT_RUN, "", "", "")
            if loss is None
            else (
                str(loss.steps),
                _number(loss.train_loss_first),
                _number(loss.train_loss_last),
                _number(loss.validation_loss),
            )
        )
        table.add_row(name, *cells)
    out.print(table)
    _show_held_out(out, metrics)


def _show_held_out(out: Console, metrics: Path) -> None:
    """Base, stage 1 and stage 2 on the held-out dialogues of each stage."""
    table = _table("Held-out loss", "dialogues of", "model", "n", "loss", "95 % interval")
    models = {"sft1": {"base": "base", "sft1": "after"},
              "sft2": {"base": "base", "sft1": "before", "sft2": "after"}}  # fmt: skip
    for stage, measured in models.items():
        figures = read(metrics, stage, SftLoss)
        for model, at in measured.items():
            loss: HeldOutLoss | None = getattr(figures, at, None)
            if loss:
                interval = f"{_number(loss.low)} to {_number(loss.high)}"
                table.add_row(stage, model, str(loss.dialogues), _number(loss.loss), interval)
    if table.row_count:
        out.print(table)


def _show_crpo(out: Console, crpo: CrpoMetrics) -> None:
    table = _table(
        f"CRPO, judge {crpo.judge}",
        *("iteration", "reward", "std", "flat groups", "swaps differ", "unjudged", "guarded"),
        *("tokens", "alarm"),
        caption=note(crpo.judge),
    )
    for number, step in enumerate(crpo.iterations):
        table.add_row(
            str(number),
            *(_number(step.reward), _number(step.reward_std), _percent(step.zero_variance)),
            *(_percent(step.swap_disagreement), str(step.unjudged), str(step.guarded)),
            *(_number(step.length, 1), ", ".join(step.alarms) or "-"),
        )
    out.print(table)
    ends = _table(
        "CRPO, first -> last iteration", "dimension", "win", "tie", "loss", caption=note(crpo.judge)
    )
    first, last = crpo.iterations[0], crpo.iterations[-1]
    for dimension in DIMENSIONS:
        if dimension in first.outcomes and dimension in last.outcomes:
            ends.add_row(
                dimension,
                *(_change(first, last, dimension, share) for share in ("win", "tie", "loss")),
            )
    out.print(ends)


def _change(first: CrpoIteration, last: CrpoIteration, dimension: Dimension, share: str) -> str:
    before, after = (getattr(step.outcomes[dimension], share) for step in (first, last))
    return f"{_percent(before)} -> {_percent(after)}"


def _show_pairwise(out: Console, results: Sequence[PairwiseResult]) -> None:
    """Overall against every model, then by dimension against the first one (the SFT model)."""
    remark = " · ".join(sorted({row.note for row in results if row.note}))
    judges = ", ".join(sorted({row.judge for row in results}))
    for benchmark in dict.fromkeys(row.benchmark for row in results):
        rows = [row for row in results if row.benchmark == benchmark]
        overall = {row.against: row for row in rows if row.aspect == "overall"}
        title = f"{rows[0].model} on {benchmark}, overall, judge {judges}"
        _pairwise_table(out, title, "against", overall, remark)
    first = results[0].against
    pooled = results[-1].benchmark
    rows = [row for row in results if (row.against, row.benchmark) == (first, pooled)]
    rows.sort(key=lambda row: ASPECTS.index(row.aspect))
    title = f"{rows[0].model} against {first} on {pooled}, by dimension, judge {judges}"
    _pairwise_table(out, title, "dimension", {row.aspect: row for row in rows}, remark)


def _pairwise_table(
    out: Console, title: str, head: str, rows: Mapping[str, PairwiseResult], remark: str
) -> None:
    columns = (head, "n", "win rate", "interval", "win/tie/loss %", "unjudged")
    table = _table(title, *columns, caption=f"win rate among decided pairs; {remark}")
    for name, row in rows.items():
        shares = (row.win, row.tie, row.loss)
        table.add_row(
            name,
            *(str(row.n), _percent(row.win_rate), _range(row.low, row.high)),
            "/".join(f"{100 * share.value:.0f}" if share else "-" for share in shares),
            str(row.unjudged),
        )
    out.print(table)


def chance_remark(result: QAResult) -> str:
    """What an accuracy means beside guessing, in words; empty for open questions."""
    if result.chance is None:
        return ""
    if result.low <= result.chance <= result.high:
        return "about chance"
    return "above chance" if result.low > result.chance else "below chance"


def _show_qa(out: Console, results: Sequence[QAResult]) -> None:
    table = _table(
        "QA accuracy",
        *("set", "n", "accuracy", "interval", "chance", "", "abstained"),
        caption=" · ".join(sorted({result.note for result in results if result.note})),
    )
    for result in results:
        table.add_row(
            result.benchmark,
            *(str(result.n), _percent(result.accuracy), _range(result.low, result.high)),
            *(_percent(result.chance), chance_remark(result)),
            f"{result.abstained}" + (f", {result.broken} broken" if result.broken else ""),
        )
    out.print(table)


def _show_registry(out: Console, summary: Summary | None) -> None:
    if summary and summary.seconds:
        table = _table("Time", "stage", "seconds")
        for stage, seconds in summary.seconds.items():
            table.add_row(stage, "from cache" if seconds is None else _number(seconds, 1))
        out.print(table)
    registry = summary.registry if summary else None
    version = (
        f"{registry.name} version {registry.version} @{registry.alias}" if registry else NOT_RUN
    )
    out.print(f"Registered model: {version}")


if __name__ == "__main__":
    show(Path(sys.argv[1] if len(sys.argv) > 1 else "metrics"))
