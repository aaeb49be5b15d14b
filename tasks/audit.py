"""The judge's audit: reads an evaluation's artifact, asks for absolute scores, talks to experts."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from PIL import Image

from pulsemind import artifacts
from pulsemind.artifacts import ArtifactError
from pulsemind.evaluation.audit import experts, sample, table, whole
from pulsemind.evaluation.audit.experts import Agreement, BadRow
from pulsemind.evaluation.audit.pairs import JudgedPair, judged_pairs
from pulsemind.evaluation.audit.results import AuditResult
from pulsemind.evaluation.audit.sample import ExpertTask
from pulsemind.evaluation.consultation import Reply, questions
from pulsemind.judge import Sample, score
from pulsemind.records import Consultation, Dimension, Verdict
from pulsemind.report.summary import TINY_NOTE
from pulsemind.settings import Settings
from tasks.evaluate import DATASET, EVALUATION, POLICY, RESPONSES

AUDIT = Path("data/audit")
TASKS, AGREEMENTS, SHEETS = AUDIT / "tasks.jsonl", AUDIT / "agreements.jsonl", AUDIT / "sheets"
RESULT, PAGE = Path("metrics/audit.json"), Path("metrics/audit.md")
SIDE = 1024
"""Pixels of the longer side of a picture on the page."""
Graded = dict[tuple[str, str, str], dict[Dimension, float]]


def judged() -> list[JudgedPair]:
    """All pairs of the evaluation. Raises ArtifactError when there is none."""
    about = json.loads((DATASET / "benchmarks.json").read_text(encoding="utf-8"))
    found: list[JudgedPair] = []
    if not (EVALUATION / "verdicts").is_dir():
        raise ArtifactError(f"no verdicts in {EVALUATION}: run the evaluate stage first")
    for folder in sorted((EVALUATION / "verdicts").iterdir()):
        name = folder.name
        cases = artifacts.read_shards(DATASET / "benchmarks" / name, Consultation)
        replies = {
            model.name: {
                reply.query.id: reply.text
                for reply in artifacts.read_shards(model / name, Reply)
                if not reply.broken
            }
            for model in sorted((EVALUATION / "replies").iterdir())
            if (model / name).is_dir()
        }
        asked = {query.id: query for query in questions(cases, about[name]["protocol"])}
        verdicts = artifacts.read_shards(folder, Verdict)
        found += judged_pairs(name, POLICY, asked, replies, verdicts)
    return found


def graded(pairs: Sequence[JudgedPair], wanted: Settings) -> Graded:
    """Absolute scores of every reply in the pairs, each asked for once and cached."""
    samples: dict[tuple[str, str, str], Sample] = {}
    for pair in pairs:
        for model, text in ((pair.model, pair.text), (pair.against, pair.against_text)):
            key = (pair.benchmark, pair.query.id, model)
            samples[key] = Sample(query=pair.query, candidate=0, text=text)
    services = wanted.services
    scores = score(
        list(samples.values()), wanted.stages.evaluate.judge, services.endpoints,
        services.concurrency, RESPONSES, DATASET,
    )  # fmt: skip
    return {key: found.scores for key, found in zip(samples, scores, strict=True) if found.scores}


def itself(wanted: Settings) -> set[str]:
    """Names of the counterparts that are the judge's own model."""
    judge = wanted.stages.evaluate.judge
    return {
        model.name
        for model in wanted.stages.counterparts.models
        if model.endpoint is not None and model.model == judge.model
    }


def measure(wanted: Settings, own: Collection[str]) -> AuditResult:
    """Audit the judge and write metrics/audit.json and metrics/audit.md.

    Raises ValueError when a name in `own` is none of the compared models.
    """
    pairs = judged()
    known = {POLICY, *(pair.against for pair in pairs)}
    strangers = sorted(set(own) - known)
    if strangers:
        raise ValueError(f"no model {strangers[0]!r} was compared; there are {', '.join(known)}")
    remark = TINY_NOTE if wanted.profile.startswith("tiny") else ""
    result = whole.audited(
        pairs,
        graded(pairs, wanted),
        {*own, *(itself(wanted) & known)},
        _tasks(),
        _agreements(),
        wanted.stages.evaluate,
        wanted.profile,
        remark,
    )
    artifacts.write_json(RESULT, result.model_dump(mode="json"))
    artifacts.write_text(PAGE, table.markdown(result))
    return result


def export(wanted: Settings, share: float, people: int, each: int) -> list[Path]:
    """Draw the experts' sample and write a sheet and a page for each of them.

    Agreements that were imported earlier are kept, and count where their task is in the new sample.
    """
    pairs, seed = judged(), wanted.stages.evaluate.seed
    drawn = sample.draw(pairs, share, seed)
    given = sample.tasks(drawn, graded(drawn, wanted), seed)
    hands = sample.deal(given, people, each)
    lines = [task.model_dump_json() for task in given]
    artifacts.write_text(TASKS, "".join(line + "\n" for line in lines))
    written = []
    for number, hand in enumerate(hands, start=1):
        pictures = {
            image.path: _picture(DATASET / image.path)
            for task in hand
            for turn in task.query.turns
            for image in turn.images
        }
        # The mark at the start tells Excel that the file is UTF-8.
        for suffix, text in (
            ("csv", "\ufeff" + sample.sheet(hand)),
            ("html", sample.page(hand, pictures)),
        ):
            path = SHEETS / f"expert-{number}.{suffix}"
            artifacts.write_text(path, text)
            written.append(path)
    return written


def take_in(files: Sequence[Path]) -> tuple[int, list[BadRow]]:
    """Add the experts' answers in some files; nothing is added when a row cannot be used.

    Returns how many answers were read, and the bad rows. Raises ArtifactError without a sample.
    """
    known = _tasks()
    if not known:
        raise ArtifactError(f"no sample at {TASKS}: run `python -m flows.audit export` first")
    answers: list[Agreement] = []
    bad: list[BadRow] = []
    for file in files:
        found, wrong = experts.read_agreements(file, known)
        answers += found
        bad += wrong
    if not bad:
        lines = [a.model_dump_json() for a in experts.merged(_agreements(), answers)]
        artifacts.write_text(AGREEMENTS, "".join(line + "\n" for line in lines))
    return len(answers), bad


def _tasks() -> dict[str, ExpertTask]:
    if not TASKS.is_file():
        return {}
    lines = TASKS.read_text(encoding="utf-8").split("\n")
    read = [ExpertTask.model_validate_json(line) for line in lines if line]
    return {task.id: task for task in read}


def _agreements() -> list[Agreement]:
    if not AGREEMENTS.is_file():
        return []
    lines = AGREEMENTS.read_text(encoding="utf-8").split("\n")
    return [Agreement.model_validate_json(line) for line in lines if line]


def _picture(path: Path) -> str:
    """An image as a `data:` address, made small."""
    with Image.open(path) as image:
        small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
