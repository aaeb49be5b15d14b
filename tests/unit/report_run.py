"""What a small evaluation leaves: cases with images, replies, verdicts, metrics; some hostile."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from pulsemind.artifacts import write_json, write_shards
from pulsemind.evaluation.consultation import Reply, turn_queries
from pulsemind.evaluation.results import Evaluation, QAResult
from pulsemind.evaluation.statistics import pairwise_results
from pulsemind.records import DIMENSIONS, Consultation, Dimension, Outcome, Verdict
from pulsemind.report.page import About, build, gather, html
from pulsemind.report.page.parts import Cases, Failure, Report, Table
from tests.conftest import consultation
from tests.unit.test_evaluation_statistics import SETTINGS

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
ASKS = "会放射到左肩吗？"
TELLS = "请多喝水。"
STEP = {
    "reward": 0.25,
    "reward_std": 0.1,
    "zero_variance": 0.25,
    "outcomes": {d: {"win": 0.2, "tie": 0.5, "loss": 0.3} for d in DIMENSIONS},
    "swap_disagreement": 0.0,
    "unjudged": 0,
    "length": 21.5,
    "guarded": 2,
    "alarms": [],
}
HELD_OUT = {"loss": 2.5, "low": 2.25, "high": 2.75, "dialogues": 17}
Outcomes = Callable[[int], Outcome]


def about(**changed: object) -> About:
    """The settings of a report on a real model by a real judge."""
    known: dict[str, object] = {
        "profile": "7b", "against": "sft", "train_judge": "qwen", "judge": "gpt-4o",
        "cases": 6, "image_side": 64, "seed": 7,
    }  # fmt: skip
    return About(**{**known, **changed})  # type: ignore[arg-type]


def cases(count: int) -> list[Consultation]:
    """Consultations of three departments, one of them a hostile name."""
    names = ("cardiology", "dermatology", HOSTILE)
    return [
        consultation(number).model_copy(update={"department": names[number % 3]})
        for number in range(count)
    ]


def write_run(
    folder: Path, count: int = 12, outcome: Outcomes = lambda number: "win", judge: str = "gpt-4o"
) -> Path:
    """Fill a folder as the stages do; `outcome` is every dimension's by number of the case."""
    records = cases(count)
    data, made = folder / "data/dataset", folder / "data/evaluation"
    write_json(data / "benchmarks.json", {
        "meddiagnose": {"kind": "consultation", "protocol": "replay"},
        "medqa": {"kind": "qa", "protocol": "qa"},
    })  # fmt: skip
    write_shards(data / "benchmarks" / "meddiagnose", records)
    (data / "images").mkdir()
    Image.new("RGB", (400, 300), (90, 120, 160)).save(data / "images" / "1.png")
    verdicts = []
    for number, record in enumerate(records):
        for query in turn_queries(record):
            for other in ("sft", "gpt-4o"):
                verdicts += [
                    Verdict(
                        query_id=query.id, candidate=0, counterpart=other, order=order, judge=judge,
                        outcomes=_outcomes(outcome(number)), overall=outcome(number),
                        reason=f"because {HOSTILE}",
                    )
                    for order in ("candidate_first", "counterpart_first")
                ]  # fmt: skip
    verdicts.sort(key=lambda verdict: verdict.counterpart)
    write_shards(made / "verdicts" / "meddiagnose", verdicts)
    for model, text in (("crpo", f"{TELLS} {HOSTILE}"), ("sft", ASKS), ("gpt-4o", ASKS)):
        replies = [Reply(query=q, text=text) for record in records for q in turn_queries(record)]
        write_shards(made / "replies" / model / "meddiagnose", replies)
    evaluation = Evaluation(
        pairwise=pairwise_results({"meddiagnose": verdicts}, "crpo", SETTINGS),
        qa=[_qa("medqa", 0.5), _qa("own-set", 0.2)],
    )
    _metrics(folder, evaluation, judge)
    return folder


def report(folder: Path, private: bool = False, **changed: object) -> Report:
    """The report on such a folder."""
    found = gather(
        about(**changed),
        folder / "metrics",
        folder / "plots",
        folder / "data/dataset",
        folder / "data/evaluation",
    )
    return build(found, private)


def page(folder: Path, private: bool = False, **changed: object) -> str:
    """Its HTML page."""
    return html(report(folder, private, **changed))


def section(made: Report, key: str) -> str:
    """All texts of a section."""
    (found,) = [part for part in made.sections if part.key == key]
    return json.dumps(found, default=vars, ensure_ascii=False)


def table(made: Report, key: str, title: str) -> dict[str, list[str]]:
    """A table's rows by their first cell, small print after a bar."""
    (found,) = [s for s in made.sections if s.key == key]
    wanted = next(p for p in found.parts if isinstance(p, Table) and p.title.startswith(title))
    return {
        row[0].text: [f"{c.text}|{c.small}" if c.small else c.text for c in row[1:]]
        for row in wanted.rows
    }


def failure(made: Report, title: str) -> Failure:
    """A failure signature."""
    parts = [part for s in made.sections for part in s.parts]
    (found,) = [p for p in parts if isinstance(p, Failure) and p.title.startswith(title)]
    return found


def viewer(made: Report) -> Cases:
    """The case viewer."""
    (found,) = [p for s in made.sections for p in s.parts if isinstance(p, Cases)]
    return found


def _outcomes(outcome: Outcome) -> dict[Dimension, Outcome]:
    """Every dimension alike, but usefulness lost wherever the rest is won."""
    changed: dict[Dimension, Outcome] = dict.fromkeys(DIMENSIONS, outcome)
    changed["usefulness"] = "loss" if outcome == "win" else outcome
    return changed


def _qa(name: str, accuracy: float) -> QAResult:
    return QAResult(
        benchmark=name, n=60, accuracy=accuracy, low=accuracy - 0.1, high=accuracy + 0.1,
        abstained=3, chance=0.25, scorer="letter rules", rules={},
    )  # fmt: skip


def _metrics(folder: Path, evaluation: Evaluation, judge: str) -> None:
    loss = {"train_loss_first": 5.0, "train_loss_last": 2.0, "validation_loss": 2.5, "steps": 9}
    measured = dict.fromkeys(("base", "before", "after"), HELD_OUT)
    files = {
        "evaluation": evaluation.model_dump(),
        "crpo": {"judge": judge, "iterations": [STEP, STEP | {"alarms": ["accuracy"]}]},
        "sft1": loss | measured,
        "sft2": loss | measured,
        "dataset": {
            "contamination": {"medqa": {"text": 4, "ngram": 2}, "own-set": {}},
            "blocking": {"medqa": ["text"], "own-set": ["text"]},
        },
    }
    for name, content in files.items():
        write_json(folder / "metrics" / f"{name}.json", content)
    (folder / "plots").mkdir()
    for name in ("sft1", "sft2"):
        (folder / "plots" / f"{name}.csv").write_text("step,loss\n1,5.0\n9,2.0\n")
