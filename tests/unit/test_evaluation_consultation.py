"""Which turns are asked, in which context, and how replies are paired."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.evaluation.consultation import (
    Reply,
    answer_all,
    last_turn_queries,
    pair_up,
    replay,
    turn_queries,
)
from pulsemind.records import Consultation, Provenance, Query, Turn

FROM = Provenance(source="s", licence="l", file="f", index=0)


def case(name: str, script: str) -> Consultation:
    """Turns from letters: `p` a patient, `d` a physician; each says `<letter><position>`."""
    roles = {"p": "patient", "d": "physician"}
    turns = [
        Turn.model_validate({"role": roles[letter], "text": f"{letter}{i}"})
        for i, letter in enumerate(script)
    ]
    return Consultation(id=name, language="zh", turns=tuple(turns), provenance=FROM)


def says(query: Query) -> str:
    return " ".join(turn.text for turn in query.turns)


class Recorder:
    """A model that answers `m0`, `m1`, ... and keeps what it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[Query]] = []

    def __call__(self, queries: Sequence[Query]) -> list[str]:
        self.batches.append(list(queries))
        return [f"m{len(query.id)}{query.id}" for query in queries]


def test_every_answered_patient_run_is_asked() -> None:
    queries = turn_queries(case("c", "pdppddpdp"))
    assert [(q.id, says(q), q.reference) for q in queries] == [
        ("c#0", "p0", "d1"),
        ("c#1", "p0 d1 p2 p3", "d4\nd5"),
        ("c#2", "p0 d1 p2 p3 d4 d5 p6", "d7"),
    ]


def test_a_dialogue_that_starts_with_the_physician() -> None:
    queries = turn_queries(case("c", "dpdpd"))
    assert [says(q) for q in queries] == ["d0 p1", "d0 p1 d2 p3"]
    model = Recorder()
    replies = list(replay([case("c", "dpdpd")], model))
    assert says(replies[1].query) == "d0 p1 m3c#0 p3"


def test_replay_is_breadth_first_in_the_models_own_context() -> None:
    model = Recorder()
    replies = list(replay([case("a", "pdpd"), case("b", "pd"), case("c", "ppdpddpd")], model))
    assert [[q.id for q in batch] for batch in model.batches] == [
        ["a#0", "b#0", "c#0"],
        ["a#1", "c#1"],
        ["c#2"],
    ]
    assert [reply.query.id for reply in replies] == ["a#0", "a#1", "b#0", "c#0", "c#1", "c#2"]
    last = replies[-1].query
    assert says(last) == "p0 p1 m3c#0 p3 m3c#1 p6"
    assert last.reference == "d7"


@given(st.lists(st.text("pd", max_size=9), max_size=4))
def test_replay_asks_what_turn_queries_lists(scripts: list[str]) -> None:
    cases = [case(str(i), script) for i, script in enumerate(scripts)]
    real = [query for one in cases for query in turn_queries(one)]
    replies = list(replay(cases, lambda queries: ["own"] * len(queries)))
    assert [r.query.id for r in replies] == [q.id for q in real]
    for reply, query in zip(replies, real, strict=True):
        patient = [t.text for t in query.turns if t.role == "patient"]
        assert [t.text for t in reply.query.turns if t.role == "patient"] == patient
        own = [t.text for t in reply.query.turns if t.text == "own"]
        assert len(own) == int(query.id.split("#")[1])
        assert reply.query.turns[-1].role == "patient"


def test_last_turn_has_the_real_history() -> None:
    found = last_turn_queries([case("a", "pdpd"), case("b", "p"), case("c", "d")])
    assert [(q.id, says(q), q.reference) for q in found] == [("a#1", "p0 d1 p2", "d3")]


def test_a_wrong_number_of_replies_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 queries were asked, 1 replies"):
        answer_all(turn_queries(case("a", "pdpd")), lambda queries: ["one"])


def test_pairs_are_matched_by_id_not_by_row() -> None:
    queries = turn_queries(case("a", "pdpd"))
    ours = [Reply(query=q, text=f"ours {q.id}") for q in queries]
    theirs = [Reply(query=q, text=f"theirs {q.id}") for q in reversed(queries)]
    pairs = pair_up(queries, ours, theirs, "sft")
    assert [(p.text, p.counterpart_text, p.counterpart) for p in pairs] == [
        ("ours a#0", "theirs a#0", "sft"),
        ("ours a#1", "theirs a#1", "sft"),
    ]
    with pytest.raises(ValueError, match="lacks a reply"):
        pair_up(queries, ours, theirs[:1], "sft")
    with pytest.raises(ValueError, match="not asked, or a second"):
        pair_up(queries, ours + ours[:1], theirs, "sft")


def test_real_cmtmedqa_dialogues() -> None:
    file = Path(__file__).parents[3] / "shared" / "data" / "cmtmedqa" / "CMtMedQA_test.json"
    if not file.is_file():
        pytest.skip("needs shared/data/cmtmedqa beside the repository")
    cases = []
    for index, row in enumerate(json.loads(file.read_text(encoding="utf-8"))[:50]):
        said = [text for pair in row["history"] for text in pair] + [
            row["instruction"],
            row["output"],
        ]
        turns = [
            Turn(role="physician" if i % 2 else "patient", text=text) for i, text in enumerate(said)
        ]
        cases.append(
            Consultation(id=str(index), language="zh", turns=tuple(turns), provenance=FROM)
        )
    queries = last_turn_queries(cases)
    assert len(queries) == 50
    for one, query in zip(cases, queries, strict=True):
        assert query.turns == one.turns[:-1]
        assert query.reference == one.turns[-1].text
