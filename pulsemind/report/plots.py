"""Figures of a run as PNG files, drawn without a display.

Files are equal for equal input (no dates inside), so that DVC sees no change where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pulsemind.evaluation.results import PairwiseResult
from pulsemind.evaluation.statistics import ASPECTS
from pulsemind.judge import note
from pulsemind.records import DIMENSIONS
from pulsemind.report.metrics import CrpoMetrics

_COLOURS = {"win": "#2b8a3e", "tie": "#adb5bd", "loss": "#c92a2a"}


@contextmanager
def _figure(path: Path, panels: int, title: str, remark: str = "") -> Iterator[Sequence[Axes]]:
    # A figure of its own rather than pyplot's: nothing global, nothing to close.
    figure = Figure(figsize=(4.2 * panels, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(1, panels, number + 1) for number in range(panels)]
    yield axes
    figure.suptitle(title + (f"\n{remark}" if remark else ""), fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def sft_loss(losses: Mapping[str, Sequence[tuple[int, float]]], path: Path) -> None:
    """Loss curves: stage name to (step, loss in nats a token)."""
    with _figure(path, 1, "SFT loss on physician turns") as (axes,):
        for name, points in losses.items():
            axes.plot([step for step, _ in points], [loss for _, loss in points], label=name)
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats a token)")
        if losses:
            axes.legend()


def crpo(metrics: CrpoMetrics, path: Path) -> None:
    """Mean reward, and win / tie / loss shares of each dimension, by iteration."""
    steps = range(len(metrics.iterations))
    title = f"CRPO, judge {metrics.judge}"
    with _figure(path, 1 + len(DIMENSIONS), title, note(metrics.judge)) as axes:
        mean = [step.reward for step in metrics.iterations]
        spread = [step.reward_std for step in metrics.iterations]
        axes[0].plot(steps, mean, color="#1864ab")
        axes[0].fill_between(
            steps,
            [m - s for m, s in zip(mean, spread, strict=True)],
            [m + s for m, s in zip(mean, spread, strict=True)],
            color="#1864ab",
            alpha=0.2,
        )
        axes[0].set_title("reward (mean, std)", fontsize=9)
        for panel, dimension in zip(axes[1:], DIMENSIONS, strict=True):
            for share, colour in _COLOURS.items():
                values = [
                    getattr(step.outcomes[dimension], share) if dimension in step.outcomes else None
                    for step in metrics.iterations
                ]
                kept = [(i, v) for i, v in enumerate(values) if v is not None]
                panel.plot([i for i, _ in kept], [v for _, v in kept], color=colour, label=share)
            panel.set_ylim(0, 1)
            panel.set_title(dimension.replace("_", " "), fontsize=9)
        axes[-1].legend(fontsize=8)
        for panel in axes:
            panel.set_xlabel("iteration")


def win_rates(results: Sequence[PairwiseResult], path: Path) -> None:
    """Win rates among decided pairs with intervals: a panel a benchmark, a colour a model."""
    benchmarks = list(dict.fromkeys(result.benchmark for result in results))
    models = list(dict.fromkeys(result.against for result in results))
    remark = " · ".join(sorted({result.note for result in results if result.note}))
    with _figure(path, max(1, len(benchmarks)), "Win rate (decided pairs)", remark) as axes:
        for panel, benchmark in zip(axes, benchmarks, strict=False):
            _win_rate_panel(panel, [r for r in results if r.benchmark == benchmark], models)
            panel.set_title(benchmark, fontsize=9)
        handles, labels = axes[0].get_legend_handles_labels()
        figure = axes[0].get_figure()
        if figure and handles:  # one legend below the panels: inside it would hide intervals
            figure.legend(
                handles, labels, loc="outside lower center", ncols=len(labels), fontsize=7
            )


def _win_rate_panel(panel: Axes, results: Sequence[PairwiseResult], models: Sequence[str]) -> None:
    for number, model in enumerate(models):
        offset = 0.7 * ((number + 0.5) / len(models) - 0.5)
        places, rates, below, above = [], [], [], []
        for result in results:
            if result.against != model or result.win_rate is None:
                continue
            places.append(ASPECTS.index(result.aspect) + offset)
            rates.append(result.win_rate)
            below.append(result.win_rate - (result.low or 0.0))
            above.append((result.high or 0.0) - result.win_rate)
        panel.errorbar(rates, places, xerr=[below, above], fmt="o", ms=3, label=f"against {model}")
    panel.axvline(0.5, color="#868e96", lw=0.8, ls="--")
    panel.set_xlim(0, 1)
    panel.set_yticks(range(len(ASPECTS)), [aspect.replace("_", " ") for aspect in ASPECTS])
    panel.invert_yaxis()
