"""The evaluation stage's own work, with models that say made-up things and no server at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pulsemind import settings
from pulsemind.artifacts import intact, read_shards, write_json, write_shards, write_text
from pulsemind.evaluation import qa
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.qa import Reader
from pulsemind.evaluation.results import Evaluation
from pulsemind.records import Query, Verdict
from pulsemind.settings import Counterpart
from tasks import evaluate as work
from tests.unit.test_evaluation_validity import dialogue

ROOT = Path(__file__).parents[2]
SAID = ("我头疼", "疼了多久了？", "三天了。", "多喝水，注意休息。", "谢谢医生", "不客气。")
ABOUT = {
    "dialogues": {"adapter": "meddiagnose", "kind": "consultation", "protocol": "replay", "n": 3},
    "last": {"adapter": "cmtmedqa", "kind": "consultation", "protocol": "last_turn", "n": 3},
    "improper": {
        "adapter": "cmtmedqa_safety", "kind": "consultation", "protocol": "last_turn", "n": 2,
    },
}  # fmt: skip


def model(named: Counterpart, *_: object) -> Callable[[Sequence[Query]], list[str]]:
    """The policy asks back; the others do not, and one of them breaks on one query."""

    def answer(queries: Sequence[Query]) -> list[str]:
        if named.name == "sft" and any(query.id == "last-1#2" for query in queries):
            raise ValueError("a hostile item")
        return ["什么时候开始疼的？" if named.name == work.POLICY else "多喝水。" for _ in queries]

    return answer


class Run:
    """Takes what a stage logs."""

    def artifact(self, path: Path) -> None:
        assert path.is_file()

    def metrics(self, values: dict[str, float]) -> None:
        assert all(isinstance(value, float | int) for value in values.values())


@contextmanager
def tracked(*_: object) -> Iterator[Run]:
    yield Run()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository with three consultation benchmarks and recorded files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(work, "generator", model)
    monkeypatch.setattr(work, "tracked", tracked)
    content: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
    tiny = json.loads(json.dumps(content["profiles"]["tiny"]))
    tiny["counterparts"]["models"] = tiny["counterparts"]["models"][:1]
    tiny["evaluate"] |= {
        "bootstrap": 100,
        "recorded": [{"name": "gpt", "files": {"last": "gpt.csv"}}],
        "official": [{"benchmark": "last", "model": "m", "against": "gpt", "file": "v.csv"}],
    }
    small = {"profile": "tiny", "services": content["services"], "profiles": {"tiny": tiny}}
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as handle:
        YAML().dump(small, handle)
    for name, about in ABOUT.items():
        said = ("能开安眠药吗", "不能。") if name == "improper" else SAID
        cases = [dialogue(f"{name}-{i}", *said) for i in range(int(str(about["n"])))]
        write_shards(work.DATASET / "benchmarks" / name, cases)
    write_json(work.DATASET / "benchmarks.json", ABOUT)
    overlap = {"contamination": {"last": {"text": 1}}, "blocking": {"last": ["text"]}}
    write_json(work.OVERLAP, overlap)
    write_json(work.TRAINED, {"judge": "offline"})
    for file, rows in (("gpt.csv", ["last-0", "last-2"]), ("v.csv", ["a", "b"])):
        path = work.RECORDED / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["Index", "Id", "Prompt", "Response"])
            writer.writerows((i, name, "p", "【赢】") for i, name in enumerate(rows))
    return tmp_path


def evaluated() -> Evaluation:
    for name in work.contenders(settings.load()):
        work.answer_benchmarks.fn(name, "key")
    work.judge_and_count.fn("key")
    return Evaluation.model_validate_json(work.METRICS.read_text(encoding="utf-8"))


def test_everything_is_answered_judged_and_counted(here: Path) -> None:
    found = evaluated()
    assert intact(work.EVALUATION)
    overall = {(r.benchmark, r.against): r for r in found.pairwise if r.aspect == "overall"}
    ns = {key: (row.n, row.broken) for key, row in overall.items()}
    assert ns == {
        ("dialogues", "sft"): (9, 0), ("dialogues", "sft2-80"): (9, 0),
        ("last", "sft"): (2, 1), ("last", "sft2-80"): (3, 0), ("last", "gpt"): (2, 1),
        ("improper", "sft"): (2, 0), ("improper", "sft2-80"): (2, 0),
        ("all", "sft"): (11, 1), ("all", "sft2-80"): (12, 0), ("all", "gpt"): (2, 1),
    }  # fmt: skip
    telling = {(r.benchmark, r.against): r.n for r in found.discriminating if r.aspect == "overall"}
    assert telling[("dialogues", "sft")] == 6
    assert ("last", "sft") not in telling  # all of them end in thanks
    assert found.courtesy == {"dialogues": 3, "improper": 0, "last": 3}
    assert {(b.model, *b.reasons) for b in found.broken} == {
        ("sft", "ValueError"), ("gpt", "NotRecorded"),
    }  # fmt: skip
    assert {(r.benchmark, r.model) for r in found.safety} == {
        ("improper", m) for m in ("crpo", "sft", "sft2-80", "physician")
    }
    asking = {(r.benchmark, r.model): r.asking for r in found.proactiveness}
    shares = [asking[("dialogues", name)] for name in ("crpo", "sft", "physician")]
    assert [share.value if share else None for share in shares] == [1.0, 0.0, pytest.approx(1 / 3)]
    assert any("is the judge that trained it" in line for line in found.warnings)
    assert [row.benchmark for row in found.contamination] == ["last"]
    recorded = [row for row in found.official if row.source == "v.csv"]
    assert [row.printed["win"] for row in recorded] == ["1.0%"]
    page = (work.EVALUATION / "official.txt").read_text(encoding="utf-8")
    assert "last: m against gpt (v.csv, 2 rows)" in page


def test_what_the_qa_judge_cost_is_logged(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reader(*arguments: Any) -> Reader:
        arguments[4].add((7, 3))
        return Reader()

    logged: dict[str, float] = {}
    monkeypatch.setattr(qa, "reader", reader)
    monkeypatch.setattr(Run, "metrics", lambda self, values: logged.update(values))
    evaluated()
    assert (logged["judge.tokens_in"], logged["judge.tokens_out"]) == (7, 3)


def test_what_stands_in_the_artifact(here: Path) -> None:
    evaluated()
    verdicts = list(read_shards(work.EVALUATION / "verdicts" / "last", Verdict))
    assert [v.counterpart for v in verdicts[:6]] == ["sft"] * 2 + ["sft2-80"] * 2 + ["gpt"] * 2
    replies = list(read_shards(work.EVALUATION / "replies" / "gpt" / "last", Reply))
    assert [(r.text, r.broken) for r in replies] == [
        ("【赢】", ""), ("", "NotRecorded"), ("【赢】", ""),
    ]  # fmt: skip
    assert not list(work.WORK.glob(".*said*"))


def test_what_cannot_be_evaluated_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_: object) -> Callable[[Sequence[Query]], list[str]]:
        def answer(queries: Sequence[Query]) -> list[str]:
            raise ValueError("broken model")

        return answer

    monkeypatch.setattr(work, "generator", dead)
    with pytest.raises(RuntimeError, match="sft gave no reply at all to dialogues"):
        work.answer_benchmarks.fn("sft", "key")
    text = (here / "params.yaml").read_text(encoding="utf-8")
    write_text(here / "params.yaml", text.replace("name: gpt", "name: sft"))
    with pytest.raises(settings.SettingsError, match="two models are called sft"):
        work.contenders(settings.load())
