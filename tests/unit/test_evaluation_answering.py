"""Broken items, killed runs, and a benchmark of any size in bounded memory."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import diskcache
import pytest
import torch
from PIL import UnidentifiedImageError

from pulsemind.artifacts import read_shards, write_shards
from pulsemind.evaluation.answering import StoreError, answer_each, remembering
from pulsemind.evaluation.comparing import compare_stream
from pulsemind.evaluation.consultation import Reply, answer_stream, consult, pairs, questions
from pulsemind.evaluation.statistics import pairwise_results
from pulsemind.llm import LlmError, Usage
from pulsemind.model.served import NoAnswer
from pulsemind.records import Consultation, Query, Turn, Verdict
from pulsemind.settings import EvaluateSettings, Judge
from tests.unit.test_evaluation_consultation import case

OFFLINE = Judge(
    kind="offline", model="rubric", endpoint="none", orders="both",
    dimensions=["proactiveness", "accuracy", "usefulness", "language_quality"], retries=0, seed=1,
)  # fmt: skip


def query(number: int, text: str = "头疼") -> Query:
    turns = (Turn(role="patient", text=text),)
    return Query(id=f"q-{number:06d}#0", language="zh", turns=turns, reference="多喝水")


class Model:
    """Answers `a<number>`; fails on every batch that holds one of `bad`, or at call `dies`."""

    def __init__(self, bad: Sequence[str] = (), dies: int | None = None) -> None:
        self.bad, self.dies = set(bad), dies
        self.batches: list[list[str]] = []

    def __call__(self, queries: Sequence[Query]) -> list[str]:
        self.batches.append([query.id for query in queries])
        if self.dies == len(self.batches):
            raise KeyboardInterrupt
        if self.bad & {query.id for query in queries}:
            raise ValueError("the patient's own words")
        return [f"a{query.id}" for query in queries]


def test_one_broken_item_costs_no_other_its_answer() -> None:
    queries = [query(i) for i in range(50)]
    found = answer_each(queries, Model(bad=["q-000007#0", "q-000033#0"]))
    broken = {q.id: a.broken for q, a in zip(queries, found, strict=True) if a.broken}
    assert broken == {"q-000007#0": "ValueError", "q-000033#0": "ValueError"}
    assert sum(answer.text == f"a{q.id}" for q, answer in zip(queries, found, strict=True)) == 48
    assert answer_each([], Model()) == []


def test_a_refusal_is_broken_and_a_dead_endpoint_stops_the_run() -> None:
    def refuses(queries: Sequence[Query]) -> list[str]:
        if any(q.id == "q-000001#0" for q in queries):
            raise NoAnswer("m gave no answer", "refused")
        return ["t"] * len(queries)

    found = answer_each([query(i) for i in range(3)], refuses)
    assert [(a.text, a.broken) for a in found] == [("t", ""), ("", "refused"), ("t", "")]

    def dead(queries: Sequence[Query]) -> list[str]:
        raise LlmError("no server is left")

    with pytest.raises(LlmError):
        answer_each([query(0)], dead)
    with pytest.raises(ValueError, match="2 queries were asked, 1 replies"):
        answer_each([query(0), query(1)], lambda queries: ["one"])


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"), ConnectionError("gone"), diskcache.Timeout(),
        sqlite3.OperationalError("locked"), MemoryError(), torch.OutOfMemoryError("CUDA"),
        torch.AcceleratorError("CUDA error: device-side assert"),
    ],
)  # fmt: skip
def test_a_machine_that_fails_is_no_items_fault(error: Exception) -> None:
    asked: list[int] = []

    def answer(queries: Sequence[Query]) -> list[str]:
        asked.append(len(queries))
        raise error

    with pytest.raises(type(error)):
        answer_each([query(0), query(1)], answer)
    assert asked == [2]


@pytest.mark.parametrize(
    "error", [UnidentifiedImageError("no picture"), OSError("image file is truncated")]
)
def test_a_picture_that_cannot_be_read_is(error: Exception) -> None:
    def answer(queries: Sequence[Query]) -> list[str]:
        raise error

    assert [a.broken for a in answer_each([query(0)], answer)] == [type(error).__name__]


def test_a_store_that_fails_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise ValueError("whatever goes wrong in storing")

    model = Model()
    monkeypatch.setattr(diskcache.Cache, "__setitem__", full)
    with pytest.raises(StoreError, match=r"said: the replies cannot be kept there \(ValueError"):
        answer_each([query(0), query(1)], remembering(model, tmp_path / "said", "w", 5))
    assert len(model.batches) == 1
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        answer_each([query(0)], remembering(model, tmp_path / "file", "w", 5))
    assert len(model.batches) == 1


def test_a_broken_turn_does_not_end_the_dialogue_and_is_not_judged() -> None:
    cases = [case("a", "pdpdpd")]
    replies = list(consult(cases, "replay", Model(bad=["a#1"])))
    assert [(r.text, r.broken) for r in replies] == [
        ("aa#0", ""), ("", "ValueError"), ("aa#2", ""),
    ]  # fmt: skip
    assert [turn.text for turn in replies[2].query.turns] == ["p0", "aa#0", "p2", "", "p4"]
    other = list(consult(cases, "replay", Model()))
    shown = pairs(questions(cases, "replay"), other, {"x": replies})
    assert [pair.query.id for pair in shown] == ["a#0", "a#2"]


def test_a_killed_run_asks_no_finished_batch_again(tmp_path: Path) -> None:
    queries = [query(i, "x" * (i % 7)) for i in range(20)]
    killed = Model(dies=3)
    with pytest.raises(KeyboardInterrupt):
        remembering(killed, tmp_path / "said", "weights", 5)(queries)
    again = Model()
    texts = remembering(again, tmp_path / "said", "weights", 5)(queries)
    assert texts == [f"a{q.id}" for q in queries]
    assert again.batches == [killed.batches[2], *again.batches[1:]]
    assert len(again.batches) == 2
    assert not {q for b in killed.batches[:2] for q in b} & {q for b in again.batches for q in b}
    last = Model()
    assert remembering(last, tmp_path / "said", "weights", 5)(queries) == texts
    assert last.batches == []
    remembering(last, tmp_path / "said", "other weights", 5)(queries)
    assert len(last.batches) == 4


def items(count: int) -> Iterator[Query]:
    return (query(i, f"第{i}位患者，头疼三天，" + "无其他不适。" * 20) for i in range(count))


def peak(count: int, folder: Path) -> float:
    """Peak memory in MiB that answering, pairing, judging and counting `count` items takes."""
    settings = EvaluateSettings.model_construct(bootstrap=100, confidence=0.95, seed=1)
    tracemalloc.start()
    for name in ("own", "other"):
        said = answer_stream(
            items(count), lambda queries, name=name: [f"{name} 多喝水"] * len(queries)
        )
        write_shards(folder / name, said)
    own, other = (read_shards(folder / name, Reply) for name in ("own", "other"))
    found = compare_stream(
        (("b", pair) for pair in pairs(items(count), own, {"other": other})),
        OFFLINE, {}, 1, folder / "cache", None, Usage(),
    )  # fmt: skip
    write_shards(folder / "verdicts", (verdict for _, verdict in found))
    rows = pairwise_results({"b": read_shards(folder / "verdicts", Verdict)}, "own", settings)
    assert rows[-1].n == count
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 2**20


@pytest.mark.slow
def test_152000_items_take_bounded_memory(tmp_path: Path) -> None:
    """L Table 25's size: counting it takes half a kB an item, everything else is a stream."""
    small, whole = peak(15_200, tmp_path / "small"), peak(152_000, tmp_path / "whole")
    print(f"peak {small:.1f} MiB at 15,200 items, {whole:.1f} MiB at 152,000")
    assert whole < small + 100


def test_streams_are_pulled_and_not_collected() -> None:
    """The first replies are there when few of the cases have been read."""
    read = 0

    def cases() -> Iterator[Consultation]:
        nonlocal read
        for number in range(100_000):
            read += 1
            yield case(str(number), "pdpd")

    first = next(iter(consult(cases(), "replay", Model())))
    assert first.query.id == "0#0"
    assert read <= 2048
