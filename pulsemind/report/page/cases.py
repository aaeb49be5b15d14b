"""The case viewer's sample: cases of all departments and outcomes, bounded by the settings.

Bounded whatever was judged: for each department a random few are remembered by id, then the texts
of the chosen ones alone are read. Images are scaled down and stand in the page as data URIs.
"""

from __future__ import annotations

import base64
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from pulsemind.evaluation.consultation import turn_queries
from pulsemind.evaluation.statistics import ASPECTS, case_of
from pulsemind.records import Consultation, ImageRef, Outcome, Turn
from pulsemind.report.page import walk
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.parts import Case, Cases, Cell, Judged, Said, Shown, Table, clip
from pulsemind.report.page.words import in_order, rubric_sees

Name = tuple[str, ...]
"""(benchmark, case id)."""
DEPARTMENTS = 100
"""Departments told apart when drawing; labels beyond share one draw."""
IMAGES = 6
"""Images shown of a case."""
TEXT, REASON = 4000, 400
"""Characters shown of a text, and of a judge's reason."""
UNSTATED = "not stated"


def choose(inputs: Inputs, first: Sequence[Name]) -> tuple[list[Name], int]:
    """The cases to show, those of the examples first, and how many were judged."""
    draws: dict[str, walk.Few] = {}
    department: dict[Name, str] = {}
    for benchmark in walk.consultation_sets(inputs):
        for case in walk.cases(inputs, benchmark):
            key = case.department or UNSTATED
            if key not in draws and len(draws) >= DEPARTMENTS:
                key = UNSTATED
            draws.setdefault(key, walk.Few(inputs.about.cases, inputs.about.seed)).offer(
                benchmark, case.id
            )
    for label, draw in draws.items():
        department |= dict.fromkeys(draw.names(), label)
    outcomes, total = _outcomes(inputs, set(department) | set(first))
    waiting = sorted(outcomes, key=lambda name: walk.priority(inputs.about.seed, *name))
    chosen = [name for name in first if name in outcomes][: inputs.about.cases]
    used: Counter[tuple[str, ...]] = Counter()

    def strata(name: Name) -> list[tuple[str, ...]]:
        return [("outcome", name[0], outcomes[name] or ""),
                ("department", department.get(name, UNSTATED))]  # fmt: skip

    for one in chosen:
        used.update(strata(one))
    while len(chosen) < inputs.about.cases:
        rest = [name for name in waiting if name not in chosen]
        if not rest:
            break
        best = min(rest, key=lambda name: sum(used[stratum] for stratum in strata(name)))
        chosen.append(best)
        used.update(strata(best))
    return chosen, total


def _outcomes(inputs: Inputs, wanted: set[Name]) -> tuple[dict[Name, Outcome | None], int]:
    """Outcome over all turns of the wanted cases, and the number of all judged ones."""
    found: dict[Name, list[Outcome | None]] = defaultdict(list)
    total = 0
    for benchmark in walk.consultation_sets(inputs):
        last = ""
        for item in walk.items(inputs, benchmark, inputs.against):
            total += item.case != last
            last = item.case
            if (benchmark, item.case) in wanted:
                found[benchmark, item.case].append(item.outcomes["overall"])
    return {name: walk.several(group) for name, group in found.items()}, total


def viewer(inputs: Inputs, chosen: Sequence[Name], total: int) -> Cases:
    """The chosen cases with their texts, images and verdicts."""
    items: dict[Name, list[walk.Item]] = defaultdict(list)
    texts: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    records: dict[Name, Consultation] = {}
    wanted = set(chosen)
    for benchmark in walk.consultation_sets(inputs):
        for item in walk.items(inputs, benchmark):
            if (benchmark, item.case) in wanted and item.against not in inputs.twins:
                items[benchmark, item.case].append(item)
        for model in (inputs.model, inputs.against):
            for reply in walk.replies(inputs, model, benchmark):
                if (benchmark, case_of(reply.query.id)) in wanted:
                    why = walk.missing(reply)
                    instead = f"(no reply: {why})" if why else "(empty)"
                    text = clip(reply.text, TEXT) or instead
                    texts[benchmark, reply.query.id].append((model, text))
        for case in walk.cases(inputs, benchmark):
            if (benchmark, case.id) in wanted:
                records[benchmark, case.id] = case
    made = [
        _case(inputs, number, name, records[name], items[name], texts)
        for number, name in enumerate(name for name in chosen if name in records)
    ]
    aspects = ("overall", *ASPECTS[:-1])
    return Cases(made, total, inputs.against, inputs.model, aspects, judge=rubric_sees(inputs))


def _case(
    inputs: Inputs,
    number: int,
    name: Name,
    record: Consultation,
    items: Sequence[walk.Item],
    texts: dict[tuple[str, str], list[tuple[str, str]]],
) -> Case:
    mine = [item for item in items if item.against == inputs.against]
    outcomes: dict[str, str] = {
        aspect: walk.several(item.outcomes[aspect] for item in mine) or "unjudged"
        for aspect in ASPECTS
    }
    judged = {item.query: item for item in mine}
    queries = {len(query.turns): query.id for query in turn_queries(record)}
    shown: list[Said] = []
    left = IMAGES
    for place, turn in enumerate(record.turns, start=1):
        query = queries.get(place, "")
        images = _images(inputs, turn, left)
        left -= len(images)
        verdict = _judged(judged[query]) if query in judged else None
        replies = texts.get((name[0], query), ())
        counted = walk.turn_of(query) + 1 if query else 0
        shown.append(Said(turn.role, clip(turn.text, TEXT), images, replies, verdict, counted))
    return Case(
        key=f"case-{number + 1}",
        title=record.id,
        benchmark=name[0],
        department=record.department or UNSTATED,
        outcomes=outcomes,
        turns=shown,
        others=_others(inputs, items),
    )


def _judged(item: walk.Item) -> Judged:
    outcomes = [(a.replace("_", " "), item.outcomes[a] or "unjudged") for a in ASPECTS]
    return Judged(item.against, outcomes, [clip(reason, REASON) for reason in item.reasons])


def _others(inputs: Inputs, items: Sequence[walk.Item]) -> Table:
    """Overall outcomes: a row a turn, a column an opponent."""
    models = in_order(inputs, (item.against for item in items))
    turns = sorted({item.turn for item in items})
    found = {(item.turn, item.against): item.outcomes["overall"] or "unjudged" for item in items}
    rows = [
        [Cell(str(turn + 1)), *(Cell(found.get((turn, model), "–")) for model in models)]
        for turn in turns
    ]
    return Table("Overall verdicts against every model", ["turn", *models], rows, folded=True)


def _images(inputs: Inputs, turn: Turn, left: int) -> list[Shown]:
    shown = [_image(inputs, image) for image in turn.images[: max(0, left)]]
    if len(turn.images) > len(shown):
        shown.append(Shown("", f"{len(turn.images) - len(shown)} more images are not shown"))
    return shown


def _image(inputs: Inputs, image: ImageRef) -> Shown:
    """A small JPEG of an image; what cannot be read says so, and nothing else is lost by it."""
    kind = image.kind.replace("_", " ")
    path = inputs.data / image.path
    if not _inside(path, inputs.data):
        return Shown("", f"{kind}: an image outside the data set")
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (inputs.about.image_side, inputs.about.image_side))
            small = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return Shown("", f"{kind}: the image cannot be read")
    small.thumbnail((inputs.about.image_side, inputs.about.image_side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=72)
    return Shown("data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode(), kind)


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
