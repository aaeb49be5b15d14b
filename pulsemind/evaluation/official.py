"""The figures that the official PulseMind scripts would print, beside ours (SPEC 6, FINDINGS).

Those scripts write one row a pair with the judge's whole answer in `Response`, take the first
【...】 in it, and print for 赢, 平 and 输 count / all rows with a percent sign: the plain
fraction, so that 118 wins in 237 rows read `0.4978902953586498%`. A row whose first 【...】 holds
anything else, or that has none, counts in the rows only and so lowers all three figures.

Two points are not laid down in what we know of them; the choices here are
- the fraction is printed as Python prints it, unrounded;
- what stands between the brackets must be the word itself: blanks around it are not cut off, and
  the brackets must close on the line on which they open (the pattern's usual meaning).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from pulsemind.evaluation.bootstrap import interval
from pulsemind.evaluation.recorded import official_rows
from pulsemind.evaluation.results import Estimate, OfficialResult, PairwiseResult
from pulsemind.evaluation.statistics import case_of
from pulsemind.records import Outcome, Verdict
from pulsemind.settings import EvaluateSettings

FIRST = re.compile(r"【(.*?)】")
WORDS: Mapping[str, Outcome] = {"赢": "win", "平": "tie", "输": "loss"}
_OUTCOMES: tuple[Outcome, ...] = ("win", "tie", "loss")


def read_response(response: str) -> Outcome | None:
    """The verdict that the official scripts take out of a judge's answer, or None."""
    found = FIRST.search(response)
    return WORDS.get(found.group(1)) if found else None


@dataclass
class Figures:
    """Rows counted as the official scripts count them."""

    rows: int = 0
    counts: Counter[Outcome] = field(default_factory=Counter)

    def add(self, outcome: Outcome | None, rows: int = 1) -> None:
        """One more row, or several, with its verdict; None for an unparsed one."""
        self.rows += rows
        if outcome is not None:
            self.counts[outcome] += rows

    @property
    def unparsed(self) -> int:
        """Rows in none of the three counts."""
        return self.rows - self.counts.total()

    def share(self, outcome: Outcome) -> float | None:
        """Count / all rows; None without rows."""
        return self.counts[outcome] / self.rows if self.rows else None

    def printed(self) -> dict[str, str]:
        """The fractions as the official scripts print them."""
        return {o: f"{self.counts[o] / self.rows}%" for o in _OUTCOMES} if self.rows else {}


def of_responses(responses: Iterable[str]) -> Figures:
    """Figures of the `Response` column."""
    figures = Figures()
    for response in responses:
        figures.add(read_response(response))
    return figures


def of_verdicts(
    verdicts: Iterable[Verdict], broken: Mapping[str, int]
) -> dict[tuple[str, str], Figures]:
    """Figures by counterpart and judge as if our model were number 1 in every pair, as it is there.

    Only verdicts in which the candidate is shown first count; `broken` pairs (by counterpart),
    which the official scripts would judge, are unparsed rows here.
    """
    found: dict[tuple[str, str], Figures] = {}
    for verdict in verdicts:
        if verdict.order == "candidate_first":
            key = (verdict.counterpart, verdict.judge)
            found.setdefault(key, Figures()).add(verdict.overall)
    for (against, _), figures in found.items():
        figures.add(None, broken.get(against, 0))
    return found


def beside(
    benchmark: str,
    figures: Mapping[tuple[str, str], Figures],
    ours: Sequence[PairwiseResult],
) -> list[OfficialResult]:
    """The official figures of our own verdicts on a benchmark, beside our rows."""
    results = []
    for row in ours:
        counted = figures.get((row.against, row.judge))
        if row.benchmark == benchmark and row.aspect == "overall" and counted:
            rate = (
                Estimate(value=row.win_rate, low=row.low, high=row.high)
                if row.win_rate is not None and row.low is not None and row.high is not None
                else None
            )
            names = (benchmark, row.model, row.against, row.judge, "verdicts")
            results.append(_result(counted, names, row.win, rate, _why_ours(counted, row)))
    return results


def recorded_result(
    path: Path, benchmark: str, model: str, against: str, settings: EvaluateSettings
) -> OfficialResult:
    """The official figures of a recorded verdict file, and ours of the same rows.

    Ours leave unparsed rows out, count an id once however often it stands there (the first time),
    and have an interval by case. Raises RecordedError when the file cannot be read.
    """
    figures, first, repeated = Figures(), dict[str, Outcome](), 0
    seen: set[str] = set()
    for name, response in official_rows(path):
        outcome = read_response(response)
        figures.add(outcome)
        repeated += name in seen
        if outcome is not None and name not in seen:
            first[name] = outcome
        seen.add(name)

    def share(among: Sequence[Outcome]) -> Estimate | None:
        kept = {name: outcome for name, outcome in first.items() if outcome in among}
        if not kept:
            return None
        values = [float(outcome == "win") for outcome in kept.values()]
        names = [case_of(name) for name in kept]
        return interval(values, names, settings.bootstrap, settings.confidence, settings.seed)

    differences = _why(figures)
    if repeated:
        differences.append(f"{repeated} rows repeat an id; ours counts each id once")
    names = (benchmark, model, against, "recorded", path.name)
    return _result(figures, names, share(_OUTCOMES), share(("win", "loss")), differences)


def _result(
    figures: Figures,
    names: tuple[str, str, str, str, str],
    ours: Estimate | None,
    rate: Estimate | None,
    differences: list[str],
) -> OfficialResult:
    """A record; `names` are benchmark, model, counterpart, judge and source."""
    benchmark, model, against, judge, source = names
    win, tie, loss = (figures.share(outcome) for outcome in _OUTCOMES)
    return OfficialResult(
        benchmark=benchmark,
        model=model,
        against=against,
        judge=judge,
        source=source,
        rows=figures.rows,
        unparsed=figures.unparsed,
        win=win,
        tie=tie,
        loss=loss,
        printed=figures.printed(),
        ours=ours,
        ours_win_rate=rate,
        differences=differences,
    )


def _why(figures: Figures) -> list[str]:
    """Why the official figures are what they are, whoever judged."""
    told = ["the official figures are fractions of 1 printed with a percent sign, without interval"]
    if figures.unparsed:
        told.append(
            f"{figures.unparsed} of {figures.rows} rows have no readable verdict: they lower all "
            "three official figures, and stand apart in ours"
        )
    if figures.counts["tie"]:
        told.append(
            f"{figures.counts['tie']} ties are in the denominator of the official win figure, and "
            "not in our win rate among decided pairs"
        )
    return told


def _why_ours(figures: Figures, row: PairwiseResult) -> list[str]:
    told = _why(figures)
    if row.swap_disagreement is not None:
        told.append(
            f"the official figures show our model first in every pair; shown in both orders, "
            f"{row.swap_disagreement:.1%} of the {row.n} pairs change their verdict, and ours "
            "counts a pair whose orders contradict each other as a tie"
        )
    if row.cases < row.n:
        told.append(
            f"the official scripts judge a consultation as a whole; ours are {row.n} replies in "
            f"{row.cases} consultations"
        )
    return told


def show(results: Sequence[OfficialResult]) -> str:
    """The official figures beside ours as plain text, a block a pair of models."""
    blocks = []
    for (benchmark, model), group in groupby(results, key=lambda r: (r.benchmark, r.model)):
        for row in group:
            lines = [f"{benchmark}: {model} against {row.against} ({row.source}, {row.rows} rows)"]
            lines += [f"  official {name}: {text}" for name, text in row.printed.items()]
            for label, found in (("win share", row.ours), ("win rate", row.ours_win_rate)):
                if found:
                    lines.append(
                        f"  ours {label}: {found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"
                    )
            lines += [f"  because {reason}" for reason in row.differences]
            blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
