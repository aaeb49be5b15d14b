"""Consultation benchmarks: which turns are asked, and how a model is led through a dialogue.

Turns are read as runs: lines of one speaker in a row belong together, a dialogue may start with
the physician, and a query is each patient run that the real physician answered (the answer is its
reference). A last patient run without an answer is not asked: there is nothing to compare with.

Replay protocol (official MedDiagnose): the model answers every patient run in turn with its own
earlier answers in the context, while the patient's words stay those of the real record; they may
therefore answer the real physician rather than the model. Two models are compared reply by reply,
by query id; the judge sees the real record up to that point for both, so that one context (and
one reference) serves two replies whose own contexts differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from pulsemind.judge import Pair
from pulsemind.records import Consultation, Query, Record, Turn

Generate = Callable[[Sequence[Query]], list[str]]


class Reply(Record):
    """A model's reply, and the query as the model saw it (its own earlier replies included)."""

    query: Query
    text: str


def turn_queries(case: Consultation) -> list[Query]:
    """One query `<case>#<number>` for each answered patient run, in the real record's context."""
    runs = [(role, tuple(turns)) for role, turns in groupby(case.turns, key=lambda t: t.role)]
    queries: list[Query] = []
    context: tuple[Turn, ...] = ()
    for index, (role, turns) in enumerate(runs):
        context += turns
        if role == "patient" and index + 1 < len(runs):
            queries.append(
                Query(
                    id=f"{case.id}#{len(queries)}",
                    language=case.language,
                    turns=context,
                    reference="\n".join(turn.text for turn in runs[index + 1][1]),
                    department=case.department,
                )
            )
    return queries


def last_turn_queries(cases: Iterable[Consultation]) -> list[Query]:
    """The last query of each case, with the real history given (CMtMedQA's protocol)."""
    return [queries[-1] for case in cases if (queries := turn_queries(case))]


def answer_all(queries: Sequence[Query], generate: Generate) -> list[Reply]:
    """One reply to each query. Raises ValueError when `generate` gives another number of texts."""
    texts = generate(queries)
    if len(texts) != len(queries):
        raise ValueError(f"{len(queries)} queries were asked, {len(texts)} replies came back")
    return [Reply(query=query, text=text) for query, text in zip(queries, texts, strict=True)]


def replay(cases: Sequence[Consultation], generate: Generate) -> list[Reply]:
    """Lead a model through all cases, breadth first: the k-th turns of all cases are one batch.

    Returns the replies by case and turn; ids are those of `turn_queries`. Raises ValueError as
    `answer_all`.
    """
    records = [turn_queries(case) for case in cases]
    replies: list[list[Reply]] = [[] for _ in cases]
    for number in range(max((len(queries) for queries in records), default=0)):
        open_cases = [index for index, queries in enumerate(records) if number < len(queries)]
        batch = [_in_own_context(records[index], replies[index]) for index in open_cases]
        for index, reply in zip(open_cases, answer_all(batch, generate), strict=True):
            replies[index].append(reply)
    return [reply for case in replies for reply in case]


def _in_own_context(queries: Sequence[Query], replies: Sequence[Reply]) -> Query:
    """The next query of a case, the real physician's answers replaced by the model's replies."""
    query = queries[len(replies)]
    turns: tuple[Turn, ...] = ()
    answered = 0  # turns of the real record that are dealt with
    for earlier, reply in zip(queries, replies, strict=False):
        spoken = earlier.turns[answered:]
        if answered:  # begins with the real answer to the query before
            spoken = tuple(turn for turn in spoken if turn.role == "patient")
        turns += (*spoken, Turn(role="physician", text=reply.text))
        answered = len(earlier.turns)
    rest = query.turns[answered:]
    if answered:
        rest = tuple(turn for turn in rest if turn.role == "patient")
    return query.model_copy(update={"turns": turns + rest})


def pair_up(
    queries: Iterable[Query], model: Sequence[Reply], other: Sequence[Reply], name: str
) -> list[Pair]:
    """Pairs for the judge, the first model's replies as candidates; matched by id, never by row.

    `queries` are those of the real record. Raises ValueError unless both models have exactly one
    reply to each query.
    """
    queries = list(queries)
    texts = _by_id(model), _by_id(other)
    wanted = {query.id for query in queries}
    for found in texts:
        if set(found) != wanted:
            raise ValueError(f"{len(set(found) ^ wanted)} queries lack a reply, or replies a query")
    return [
        Pair(
            query=query,
            candidate=0,
            text=texts[0][query.id],
            counterpart=name,
            counterpart_text=texts[1][query.id],
        )
        for query in queries
    ]


def _by_id(replies: Sequence[Reply]) -> Mapping[str, str]:
    found = {reply.query.id: reply.text for reply in replies}
    if len(found) != len(replies):
        raise ValueError("two replies to one query")
    return found
