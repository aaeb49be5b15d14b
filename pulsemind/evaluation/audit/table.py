"""The audit as Markdown: figures with n and interval, and the published ones beside them."""

from __future__ import annotations

from collections.abc import Sequence

from pulsemind.evaluation.audit.results import AuditResult, Figure


def markdown(audit: AuditResult) -> str:
    """The whole audit as a page."""
    about = f"Judge {audit.judge}, {audit.pairs} pairs, intervals at {100 * audit.confidence:.0f} %"
    lines = [f"# Audit of the judge {audit.judge}", "", f"{about}."]
    if audit.note:
        lines.append(f"*{audit.note}*")
    rows = [["swap disagreement", "", *_cells(audit.swap_disagreement), "", "", ""]]
    rows += [
        [
            f"{bias.kind}",
            bias.status,
            *_cells(bias.share),
            "-" if bias.p_corrected is None else f"{bias.p_corrected:.2g}",
            _value(bias.experts.excess, points=True) if bias.experts else "-",
            bias.text,
        ]
        for bias in audit.biases
    ]
    head = "what|status|n|share|published|p (Holm)|more than experts, points|in words"
    lines += ["", "## Biases", *_table(head, rows)]
    if audit.consistency:
        lines += ["", "## Agreement of experts with the judge"]
        lines += _table(
            "strategy|benchmark|aspect|experts|n|agree|published",
            [
                [c.strategy, c.benchmark, c.aspect, str(c.experts), *_cells(c.figure)]
                for c in audit.consistency
            ],
        )
        lines += ["", "### Relative minus absolute, points"]
        lines += _table(
            "aspect|cases|difference|published|in words",
            [[a.aspect, *_cells(a.figure, points=True), a.text] for a in audit.advantage],
        )
    if audit.kappas:
        lines += ["", "## Agreement of experts with each other"]
        lines += _table(
            "kappa|experts|strategy|aspect|n|kappa",
            [
                [
                    k.statistic,
                    " ".join(k.experts) or "all",
                    k.strategy,
                    k.aspect,
                    str(k.figure.n),
                    _plain(k.figure),
                ]
                for k in audit.kappas
            ],
        )
    lines += ["", "## Absolute scores, 1 to 5"]
    rows = [[s.model, s.aspect, str(s.figure.n), _plain(s.figure)] for s in audit.scores]
    lines += _table("model|aspect|n|mean", rows)
    lines += ["", "## What is told apart"]
    lines += _table(
        "aspect|models|spread of means|width of intervals|by scores|by verdicts",
        [
            [
                d.aspect,
                str(d.models),
                "-" if d.spread is None else f"{d.spread:.2f}",
                "-" if d.width is None else f"{d.width:.2f}",
                f"{d.absolute} of {d.pairs}",
                f"{d.relative} of {d.pairs}",
            ]
            for d in audit.discrimination
        ],
    )
    return "\n".join(lines) + "\n"


def _table(head: str, rows: Sequence[Sequence[str]]) -> list[str]:
    titles = head.split("|")
    lines = [titles, ["---"] * len(titles), *rows]
    return ["", *("| " + " | ".join(cell.replace("|", "/") for cell in r) + " |" for r in lines)]


def _cells(found: Figure, points: bool = False) -> list[str]:
    published = "-" if found.published is None else f"{100 * found.published:.1f} ({found.source})"
    return [str(found.n), _value(found, points), published]


def _value(found: Figure, points: bool = False) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "-"
    unit = "" if points else " %"
    return f"{100 * found.value:.1f}{unit} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _plain(found: Figure) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "-"
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
