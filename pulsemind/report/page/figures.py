"""Drawings as inline SVG, by matplotlib: no display, no dates, colours taken from the page.

Inks are placeholders in the drawing and become the page's CSS variables in the SVG, so that one
drawing is right in light, dark and print. Ids are prefixed, so that many can stand on one page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from pulsemind.artifacts import text_digest
from pulsemind.records import DIMENSIONS
from pulsemind.report.metrics import CrpoMetrics, SftLoss

Draw = Callable[[Axes], None]
# Placeholder -> the page's variable. Hex colours that no drawing uses for anything else.
_INK = {
    "#010101": "ink", "#020202": "soft", "#030303": "line", "#040404": "bar",
    "#050505": "better", "#060606": "worse", "#070707": "even", "#080808": "paper",
}  # fmt: skip
INK, SOFT, LINE, BAR, BETTER, WORSE, EVEN, PAPER = _INK
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9, "text.color": INK,
    "axes.labelcolor": SOFT, "axes.edgecolor": LINE, "xtick.color": SOFT, "ytick.color": SOFT,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 9,
    "axes.titlecolor": INK, "text.parse_math": False,
}  # fmt: skip


def _svg(name: str, width: float, height: float, draw: Draw) -> str:
    """A drawing of one panel, width and height in inches."""
    prefix = "f" + text_digest(name)[:8]
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": prefix}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        draw(axes)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for colour, variable in _INK.items():
        text = text.replace(colour, f"var(--{variable})")
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", text)
    size = re.search(r'viewBox="0 0 ([\d.]+) ', text)
    wide = f'width="{float(size[1]) * 4 / 3:.0f}"' if size else ""
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', wide, text, count=1)
    return text.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)


def scale(name: str, points: Sequence[tuple[str, float, float, float]], title: str = "") -> str:
    """Win rates with intervals, a line a model: name, low, value, high (0 to 1)."""

    def draw(axes: Axes) -> None:
        axes.axvline(50, color=SOFT, lw=0.8, ls="--")
        for place, (_, low, value, high) in enumerate(points):
            colour = BETTER if low > 0.5 else WORSE if high < 0.5 else EVEN
            axes.plot([100 * low, 100 * high], [place, place], color=colour, lw=2.4)
            axes.plot([100 * value], [place], "o", color=colour, ms=6)
        axes.set_yticks(range(len(points)), [point[0][:28] for point in points])
        axes.set_ylim(len(points) - 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.set_xlabel("worse  ←  win rate (%)  →  better")
        axes.tick_params(axis="y", length=0)
        axes.set_title(title)

    height = 0.8 + 0.2 * bool(title) + 0.27 * max(1, len(points))
    return _svg(name, 4.4 if title else 5.4, height, draw)


def losses(curves: Mapping[str, Sequence[tuple[float, float]]], title: str) -> str:
    """Training losses by step: one colour a stage."""

    def draw(axes: Axes) -> None:
        for (name, points), colour in zip(curves.items(), (BAR, PAPER), strict=False):
            axes.plot([p[0] for p in points], [p[1] for p in points], color=colour, label=name)
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats a token)")
        axes.set_title(title)
        axes.set_ylim(bottom=0)
        if len(curves) > 1:
            axes.legend(frameon=False)

    return _svg(title + "".join(curves), 4.0, 2.9, draw)


def held_out(stage: str, measured: Mapping[str, SftLoss | None], title: str) -> str:
    """Held-out loss of base, stage 1 and stage 2 on one stage's dialogues, with intervals."""
    figures = measured.get(stage)
    wanted = (
        {"base": "base", "stage 1": "after"}
        if stage == "sft1"
        else {"base": "base", "stage 1": "before", "stage 2": "after"}
    )
    points = [(k, loss) for k, at in wanted.items() if (loss := getattr(figures, at, None))]

    def draw(axes: Axes) -> None:
        for place, (_, loss) in enumerate(points):
            axes.plot([place, place], [loss.low, loss.high], color=BAR, lw=2.4)
            axes.plot([place], [loss.loss], "o", color=BAR, ms=6)
        axes.set_xticks(range(len(points)), [name for name, _ in points])
        axes.set_xlim(-0.5, len(points) - 0.5)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("held-out loss (nats a token)")
        axes.set_title(title)

    return _svg(title, 4.0, 2.9, draw)


def reward(crpo: CrpoMetrics) -> str:
    """Mean reward by iteration; the band is the standard deviation of candidates."""
    steps = list(range(len(crpo.iterations)))
    mean = [step.reward for step in crpo.iterations]
    spread = [step.reward_std for step in crpo.iterations]

    def draw(axes: Axes) -> None:
        axes.fill_between(steps, [m - s for m, s in zip(mean, spread, strict=True)],
                          [m + s for m, s in zip(mean, spread, strict=True)],
                          color=BAR, alpha=0.2, lw=0)  # fmt: skip
        axes.plot(steps, mean, "o-", color=BAR, ms=4)
        axes.set_title("reward (mean; band: std)")
        axes.set_xlabel("iteration")
        axes.set_ylim(0, 1)
        axes.set_xticks(_ticks(steps))

    return _svg("reward", 4.0, 2.7, draw)


def outcomes(crpo: CrpoMetrics) -> list[tuple[str, str]]:
    """Shares of win, tie and loss by iteration: (dimension, drawing)."""

    def draw_one(dimension: str) -> Draw:
        def draw(axes: Axes) -> None:
            for share, colour in (("win", BETTER), ("tie", EVEN), ("loss", WORSE)):
                kept = [
                    (number, getattr(shares, share))
                    for number, step in enumerate(crpo.iterations)
                    for name, shares in step.outcomes.items()
                    if name == dimension
                ]
                axes.plot([k[0] for k in kept], [k[1] for k in kept], color=colour, label=share)
            axes.set_title(dimension.replace("_", " "))
            axes.set_xlabel("iteration")
            axes.set_ylim(-0.02, 1.02)
            axes.set_xticks(_ticks(range(len(crpo.iterations))))
            axes.legend(frameon=False, ncols=3, fontsize=8, loc="best")

        return draw

    there = {name for step in crpo.iterations for name in step.outcomes}
    return [(d, _svg(f"outcomes {d}", 4.0, 2.7, draw_one(d))) for d in DIMENSIONS if d in there]


def _ticks(steps: Sequence[int]) -> list[int]:
    return list(steps)[:: max(1, len(steps) // 8)]
