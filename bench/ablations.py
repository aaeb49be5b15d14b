"""The ablations of P Table 4 as tables to keep. `python -m bench.ablations [--quick] [KIND ...]`.

Runs `flows.ablation` for each kind (data, rl, reward; all of them when none is named), which does
nothing when its result is there. The checks hold the runs together, not a hope: every arm and seed
must be judged without a gap. What the figures say stands in docs/ablations.md.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from bench.table import check, report
from flows.ablation import SEEDS, ablation
from pulsemind.evaluation.ablation import Ablation
from pulsemind.evaluation.arms import p_text
from pulsemind.evaluation.results import Estimate
from tasks import ablation as work


def main() -> int:
    """Run the ablations, print and write a table each; 1 when a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help="data, rl, reward")
    parser.add_argument("--quick", action="store_true", help="one seed instead of three")
    arguments = parser.parse_args()
    seeds = SEEDS[:1] if arguments.quick else SEEDS
    return max(_table(kind, seeds) for kind in arguments.kinds or work.ARMS)


def _table(kind: Any, seeds: tuple[int, ...]) -> int:
    ablation(kind, seeds)
    path = work.metrics(kind)
    result = Ablation.model_validate_json(path.read_text(encoding="utf-8"))
    spread = {(signal.arm, signal.seed): signal for signal in result.signals}
    rows = []
    for rate in result.rates:
        signal = spread.get((rate.arm, rate.seed or 0))
        rows.append(
            {
                "arm": rate.arm,
                "against": rate.against,
                "seed": "all" if rate.seed is None else str(rate.seed),
                "n": rate.n,
                "dialogues": rate.cases,
                "win rate": _percent(rate.win_rate),
                "score": _percent(rate.score),
                "wins": rate.wins,
                "ties": rate.ties,
                "losses": rate.losses,
                "std in a group": f"{signal.spread:.3f}" if signal else "",
                "variance": f"{signal.variance:.4f}" if signal else "",
                "flat groups": f"{100 * signal.zero_variance:.1f} %" if signal else "",
            }
        )
    unjudged = sum(rate.unjudged for rate in result.rates)
    checks = [
        check("unjudged pairs", unjudged, 0, least=False),
        check("seeds", len(result.seeds), len(seeds), least=True),
    ]
    note = " | ".join([result.conclusion, *_others(result), *result.notes])
    return report(f"ablation_{kind}", rows, checks, note)


def _others(result: Ablation) -> list[str]:
    lines = [
        f"{found.opponents}, {'all seeds' if found.seed is None else f'seed {found.seed}'}: "
        f"{found.words}, {100 * found.difference.value:+.1f} ({100 * found.difference.low:+.1f} to "
        f"{100 * found.difference.high:+.1f}), {p_text(found.p_value)}, n {found.n}"
        for found in result.comparisons[1:]
    ]
    if result.agreement:
        found = result.agreement.correlation
        lines.append(
            f"rewards of the same candidates correlate within a group by {found.value:.2f} "
            f"({found.low:.2f} to {found.high:.2f}, {result.agreement.groups} groups)"
        )
    return lines


def _percent(value: Estimate | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value.value:.1f} ({100 * value.low:.1f}-{100 * value.high:.1f})"


if __name__ == "__main__":
    sys.exit(main())
