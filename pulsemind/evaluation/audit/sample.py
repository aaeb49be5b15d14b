"""What experts are asked to look at: a stratified sample of judgements, as a sheet and as a page.

A tenth of the pairs (P: 10 %) is drawn by benchmark, counterpart and outcome, so that rare kinds
are in it. A sampled pair gives one task on the relative verdict and one on the absolute scores of
each of its two replies. Models are not named, and which answer is called 1 is drawn by a hash.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from math import ceil
from typing import Literal

from pulsemind.artifacts import json_digest
from pulsemind.evaluation.audit.pairs import JudgedPair
from pulsemind.evaluation.audit.results import Strategy
from pulsemind.evaluation.audit.scores import Grades, grade
from pulsemind.evaluation.results import Aspect
from pulsemind.evaluation.statistics import ASPECTS
from pulsemind.records import Outcome, Query, Record

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that starts so is a formula to a spreadsheet, whoever wrote it."""
COLUMNS = ("strategy", "dialogue", "physician", "answer_1", "answer_2")


class ExpertTask(Record):
    """One judgement that experts agree or disagree with.

    `shown` is the judgement in words for each aspect. `swapped` says that answer 1 is the
    counterpart's; `judged` is the overall outcome for the candidate (relative tasks only). `pair`
    and `models` are never shown.
    """

    id: str
    strategy: Strategy
    benchmark: str
    case: str
    pair: str
    models: tuple[str, ...]
    query: Query
    answers: tuple[str, ...]
    shown: dict[Aspect, str]
    swapped: bool = False
    judged: Outcome | None = None


def draw(pairs: Sequence[JudgedPair], share: float, seed: int) -> list[JudgedPair]:
    """A stratified sample without replacement: ceil(share * n) of the judged pairs.

    Strata are benchmark, counterpart and overall outcome; each gives its share rounded down, and
    those with the largest remainders one more. Inside a stratum a hash with the seed decides, so
    that a larger share holds the smaller one nearly whole.
    Raises ValueError unless 0 < share <= 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share to draw must be above 0 and at most 1, not {share}")
    strata: dict[tuple[str, str, str], list[JudgedPair]] = {}
    for pair in pairs:
        if (outcome := pair.outcome("overall")) is not None:
            strata.setdefault((pair.benchmark, pair.against, outcome), []).append(pair)
    wanted = ceil(share * sum(map(len, strata.values())))
    exact = {key: share * len(group) for key, group in strata.items()}
    counts = {key: int(value) for key, value in exact.items()}
    by_remainder = sorted(exact, key=lambda key: (counts[key] - exact[key], key))
    for key in by_remainder[: wanted - sum(counts.values())]:
        counts[key] += 1
    drawn = []
    for key in sorted(strata):
        ranked = sorted(strata[key], key=lambda pair: json_digest([seed, pair.id]))
        drawn += ranked[: counts[key]]
    return drawn


def tasks(pairs: Sequence[JudgedPair], grades: Grades, seed: int) -> list[ExpertTask]:
    """The tasks on the pairs' verdicts and on their replies' scores, in a drawn order."""
    found: dict[str, ExpertTask] = {}
    for pair in pairs:
        made = [_relative(pair, seed)]
        for model, text in ((pair.model, pair.text), (pair.against, pair.against_text)):
            scores = grades.get((pair.benchmark, pair.query.id, model))
            if scores:
                words = {a: f"{v:.1f}" for a in ASPECTS if (v := grade(scores, a)) is not None}
                made.append(_task("absolute", pair, (model,), (text,), words))
        found |= {task.id: task for task in made if task.shown}
    return sorted(found.values(), key=lambda task: json_digest([seed, task.id]))


def _relative(pair: JudgedPair, seed: int) -> ExpertTask:
    swapped = int(json_digest([seed, "order", pair.id]), 16) % 2 == 1
    better = {"win": "2" if swapped else "1", "loss": "1" if swapped else "2"}
    words = {
        aspect: "equal" if outcome == "tie" else f"answer {better[outcome]} is better"
        for aspect in ASPECTS
        if (outcome := pair.outcome(aspect)) is not None
    }
    models, texts = (pair.model, pair.against), (pair.text, pair.against_text)
    if swapped:
        models, texts = models[::-1], texts[::-1]
    task = _task("relative", pair, models, texts, words)
    return task.model_copy(update={"swapped": swapped, "judged": pair.outcome("overall")})


def _task(
    strategy: Literal["absolute", "relative"],
    pair: JudgedPair,
    models: tuple[str, ...],
    answers: tuple[str, ...],
    shown: dict[Aspect, str],
) -> ExpertTask:
    asked = [strategy, pair.benchmark, pair.query.id, models, answers, shown]
    return ExpertTask(
        id=json_digest(asked)[:16],
        strategy=strategy,
        benchmark=pair.benchmark,
        case=pair.case,
        pair=pair.id,
        models=models,
        query=pair.query,
        answers=answers,
        shown=shown,
    )


def deal(given: Sequence[ExpertTask], experts: int, each: int) -> list[list[ExpertTask]]:
    """The tasks of every expert, each task going to `each` of them in turn.

    Raises ValueError when there are fewer experts than a task needs.
    """
    if not 1 <= each <= experts:
        raise ValueError(f"{each} experts a task, but {experts} in all")
    hands: list[list[ExpertTask]] = [[] for _ in range(experts)]
    for index, task in enumerate(given):
        for turn in range(each):
            hands[(index * each + turn) % experts].append(task)
    return hands


def sheet(given: Sequence[ExpertTask]) -> str:
    """The tasks as CSV for a spreadsheet: a row a task, with empty cells for the expert.

    Texts that a spreadsheet would take for a formula get an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    judged = [name for aspect in ASPECTS for name in (f"judge_{aspect}", f"agree_{aspect}")]
    writer.writerow(["task", "expert", *COLUMNS, *judged, "better", "comment"])
    for task in given:
        texts = [task.strategy, _dialogue(task.query), task.query.reference, *task.answers]
        cells = [_safe(text) for text in texts] + [""] * (2 - len(task.answers))
        words = [cell for aspect in ASPECTS for cell in (task.shown.get(aspect, "-"), "")]
        writer.writerow([task.id, "", *cells, *words, "", ""])
    return out.getvalue()


def page(given: Sequence[ExpertTask], pictures: Mapping[str, str]) -> str:
    """The tasks as one HTML page that needs no server and saves a CSV for the import.

    Args:
        pictures: `data:` address by image path.
    """
    shown = [
        {
            "id": task.id,
            "strategy": task.strategy,
            "turns": [
                {
                    "role": turn.role,
                    "text": turn.text,
                    "images": [pictures[i.path] for i in turn.images if i.path in pictures],
                }
                for turn in task.query.turns
            ],
            "physician": task.query.reference,
            "answers": task.answers,
            "shown": task.shown,
        }
        for task in given
    ]
    # No text may end the script element or begin a comment in it.
    data = json.dumps(shown, ensure_ascii=False).replace("<", "\\u003c")
    html = files("pulsemind").joinpath("evaluation/audit/page.html").read_text(encoding="utf-8")
    key = json_digest([task.id for task in given])[:16]
    return html.replace("{{key}}", key).replace("{{tasks}}", data)


def _dialogue(query: Query) -> str:
    return "\n".join(
        f"[{turn.role}] {turn.text}" + "".join(f" [image: {i.kind}]" for i in turn.images)
        for turn in query.turns
    )


def _safe(text: str) -> str:
    return "'" + text if text.startswith(FORMULA) else text
