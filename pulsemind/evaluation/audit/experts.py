"""What comes back from the experts: agreements, read from the sheet or from the page's file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pulsemind.evaluation.audit.sample import ExpertTask
from pulsemind.evaluation.results import Aspect
from pulsemind.evaluation.statistics import ASPECTS
from pulsemind.records import Outcome, Record

YES = frozenset({"yes", "y", "1", "true", "agree", "是", "同意", "对"})
NO = frozenset({"no", "n", "0", "false", "disagree", "否", "不同意", "不对"})
BETTER = frozenset({"", "1", "2", "tie"})
PSEUDONYM = re.compile(r"[A-Za-z0-9._-]{1,40}")
_SIGN: Mapping[Outcome, int] = {"win": 1, "tie": 0, "loss": -1}


class Agreement(Record):
    """One expert's answer to one task; `better` is the answer (1, 2, tie) the expert prefers."""

    task: str
    expert: str
    agrees: dict[Aspect, bool]
    better: str = ""


class BadRow(NamedTuple):
    """A row that cannot be used: which file, which row (the header is row 1), and why."""

    file: str
    row: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.reason}"


def read_agreements(
    path: Path, known: Mapping[str, ExpertTask]
) -> tuple[list[Agreement], list[BadRow]]:
    """The answers in a CSV file, and the rows that cannot be used; unanswered rows are passed over.

    Args:
        known: the exported tasks by id.

    Reasons name columns and values of the answer's columns only, never a text of the dialogue.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return [], [BadRow(path.name, 1, "not UTF-8: save it as CSV UTF-8")]
    rows = csv.DictReader(text.splitlines(keepends=True), strict=True)
    found: dict[tuple[str, str], Agreement] = {}
    bad: list[BadRow] = []
    number = 1
    try:
        missing = {"task", "expert"} - set(rows.fieldnames or ())
        if missing:
            return [], [BadRow(path.name, 1, f"no column {', '.join(sorted(missing))}")]
        for number, row in enumerate(rows, start=2):
            try:
                answer = _answer(row, known)
                if answer is None:
                    continue
                key = (answer.task, answer.expert)
                if key in found:
                    raise ValueError(f"a second answer of {answer.expert} to task {answer.task}")
                found[key] = answer
            except ValueError as error:
                bad.append(BadRow(path.name, number, str(error)))
    except csv.Error as error:
        bad.append(BadRow(path.name, number + 1, f"not CSV: {error}"))
    return list(found.values()), bad


def _answer(row: Mapping[str, str | None], known: Mapping[str, ExpertTask]) -> Agreement | None:
    cells = {name: (row.get(f"agree_{name}") or "").strip().lower() for name in ASPECTS}
    better = (row.get("better") or "").strip().lower()
    if not any(cells.values()) and not better:
        return None
    task = known.get((row.get("task") or "").strip())
    if task is None:
        raise ValueError("column task: no task of the exported sample has this id")
    expert = (row.get("expert") or "").strip()
    if not PSEUDONYM.fullmatch(expert):
        raise ValueError("column expert: a pseudonym of 1 to 40 letters, digits, . _ - is needed")
    agrees: dict[Aspect, bool] = {}
    for aspect in ASPECTS:
        if aspect not in task.shown:
            continue
        if cells[aspect] not in YES | NO:
            raise ValueError(f"column agree_{aspect}: {cells[aspect][:20]!r} is neither yes nor no")
        agrees[aspect] = cells[aspect] in YES
    if better not in BETTER:
        raise ValueError(f"column better: {better[:20]!r} is none of 1, 2, tie")
    if better and (task.strategy == "absolute" or agrees.get("overall", True)):
        raise ValueError("column better: only for a relative verdict that is wrong overall")
    return Agreement(task=task.id, expert=expert, agrees=agrees, better=better)


def merged(old: Iterable[Agreement], new: Iterable[Agreement]) -> list[Agreement]:
    """All answers, an expert's new answer to a task in place of the old one; sorted."""
    latest = {(a.task, a.expert): a for a in [*old, *new]}
    return [latest[key] for key in sorted(latest)]


def verdicts(known: Mapping[str, ExpertTask], agreements: Iterable[Agreement]) -> dict[str, int]:
    """Experts' overall verdict by pair: 1 when the candidate is better, 0 equal, -1 the other.

    Who agrees with the judge has its verdict. Who disagrees without saying which is better counts
    as equal where the judge saw a difference, and not at all where it saw none. Of several experts
    the majority decides.
    """
    sums: dict[str, int] = {}
    for answer in agreements:
        task = known.get(answer.task)
        if task is None or task.judged is None or "overall" not in answer.agrees:
            continue
        judged = _SIGN[task.judged]
        if answer.agrees["overall"]:
            own = judged
        elif answer.better:
            own = {"1": 1, "2": -1, "tie": 0}[answer.better] * (-1 if task.swapped else 1)
        elif judged:
            own = 0
        else:
            continue
        sums[task.pair] = sums.get(task.pair, 0) + own
    return {pair: (total > 0) - (total < 0) for pair, total in sums.items()}
