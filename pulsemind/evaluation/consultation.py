"""Consultation benchmarks: which turns are asked, and how a model is led through a dialogue.

Turns are read as runs: lines of one speaker in a row belong together, a dialogue may start with
the physician, and a query is each patient run that the real physician answered (the answer is its
reference). A last patient run without an answer is not asked: there is nothing to compare with.

Replay protocol (official MedDiagnose): the model answers every patient run in turn with its own
earlier answers in the context, while the patient's words and images stay those of the real record;
they may therefore answer the real physician rather than the model (`evaluation.validity` counts
how often). Two models are compared reply by reply, by query id; the judge sees the real record up
to that point for both, so that one context (and one reference) serves two replies whose own
contexts differ.

Everything streams: `CASES` cases at a time are led through, replies come out by case and turn, and
pairs are made one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice

from pulsemind.evaluation.answering import answer_each
from pulsemind.judge import Pair
from pulsemind.records import Consultation, Query, Record, Turn

Generate = Callable[[Sequence[Query]], list[str]]
CASES = 1024
"""Cases (or queries) that are answered together: what bounds the memory of a benchmark."""


class Reply(Record):
    """A model's reply, and the query as the model saw it (its own earlier replies included).

    `broken` says why there is no reply, and is empty otherwise; the text is then empty too.
    """

    query: Query
    text: str
    broken: str = ""


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
    return list(questions(cases, "last_turn"))


def questions(cases: Iterable[Consultation], protocol: str) -> Iterator[Query]:
    """What is asked of a benchmark by its protocol, in the real record's context."""
    for case in cases:
        queries = turn_queries(case)
        yield from queries if protocol == "replay" else queries[-1:]


def consult(cases: Iterable[Consultation], protocol: str, generate: Generate) -> Iterator[Reply]:
    """A model's replies to a benchmark by its protocol, in the order of `questions`.

    An item that breaks the model gives a broken reply (see `answering.answer_each`).
    """
    if protocol == "replay":
        yield from replay(cases, generate)
    else:
        yield from answer_stream(questions(cases, protocol), generate)


def answer_stream(queries: Iterable[Query], generate: Generate) -> Iterator[Reply]:
    """One reply to each query, `CASES` asked together; what breaks gives a broken reply."""
    stream = iter(queries)
    while chunk := list(islice(stream, CASES)):
        yield from _replies(chunk, generate)


def answer_all(queries: Sequence[Query], generate: Generate) -> list[Reply]:
    """One reply to each query. Raises ValueError when `generate` gives another number of texts."""
    texts = generate(queries)
    if len(texts) != len(queries):
        raise ValueError(f"{len(queries)} queries were asked, {len(texts)} replies came back")
    return [Reply(query=query, text=text) for query, text in zip(queries, texts, strict=True)]


def replay(cases: Iterable[Consultation], generate: Generate) -> Iterator[Reply]:
    """Lead a model through all cases, breadth first: the k-th turns of `CASES` cases are a batch.

    Gives the replies by case and turn; ids are those of `turn_queries`. After a broken reply the
    model goes on with an empty one of its own.
    """
    stream = iter(cases)
    while chunk := list(islice(stream, CASES)):
        records = [turn_queries(case) for case in chunk]
        replies: list[list[Reply]] = [[] for _ in chunk]
        for number in range(max(map(len, records))):
            open_cases = [index for index, asked in enumerate(records) if number < len(asked)]
            batch = [_in_own_context(records[index], replies[index]) for index in open_cases]
            for index, reply in zip(open_cases, _replies(batch, generate), strict=True):
                replies[index].append(reply)
        for case in replies:
            yield from case


def _replies(queries: Sequence[Query], generate: Generate) -> list[Reply]:
    found = answer_each(queries, generate)
    return [
        Reply(query=query, text=answer.text, broken=answer.broken)
        for query, answer in zip(queries, found, strict=True)
    ]


def _in_own_context(queries: Sequence[Query], replies: Sequence[Reply]) -> Query:
    """The next query with the model's earlier replies in place of the physician's."""
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
    queries: Iterable[Query], model: Iterable[Reply], other: Iterable[Reply], name: str
) -> list[Pair]:
    """The pairs of two models, all at once (see `pairs`)."""
    return list(pairs(queries, model, {name: other}))


def pairs(
    queries: Iterable[Query], model: Iterable[Reply], others: Mapping[str, Iterable[Reply]]
) -> Iterator[Pair]:
    """Pairs for the judge, the first model's replies as candidates; matched by id, never by row.

    All pairs of a query stand together, so that what they share is prepared once. Replies in the
    order of the queries are passed through; those that come early are kept until asked for. Pairs
    with a broken reply are left out.

    Args:
        queries: those of the real record.

    Raises ValueError unless every model has exactly one reply to each query.
    """
    own = _ById(model, "the model")
    theirs = {name: _ById(replies, name) for name, replies in others.items()}
    for query in queries:
        reply = own.take(query.id)
        for name, waiting in theirs.items():
            counterpart = waiting.take(query.id)
            if reply.broken or counterpart.broken:
                continue
            yield Pair(
                query=query,
                candidate=0,
                text=reply.text,
                counterpart=name,
                counterpart_text=counterpart.text,
            )
    for waiting in (own, *theirs.values()):
        waiting.end()


class _ById:
    """A stream of replies out of which one is taken by its query's id."""

    def __init__(self, replies: Iterable[Reply], name: str) -> None:
        self._stream, self._name = iter(replies), name
        self._early: dict[str, Reply] = {}

    def take(self, wanted: str) -> Reply:
        """The reply to a query. Raises ValueError when there is none, or when two are passed."""
        if wanted in self._early:
            return self._early.pop(wanted)
        for reply in self._stream:
            if reply.query.id == wanted:
                return reply
            if reply.query.id in self._early:
                raise ValueError(f"{self._name}: two replies to one query, {reply.query.id}")
            self._early[reply.query.id] = reply
        raise ValueError(f"{self._name}: query {wanted} lacks a reply")

    def end(self) -> None:
        """Raises ValueError when replies are left."""
        left = next(iter(self._early), None) or next((r.query.id for r in self._stream), None)
        if left is not None:
            raise ValueError(
                f"{self._name}: a reply to {left}, which is not asked, or a second one"
            )
