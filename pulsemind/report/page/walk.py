"""The evaluation's records, read as streams: nothing here grows with their number.

A verdict file holds the orders of one item one after the other, as `pulsemind.judge.compare` gives
them; an item is merged from its orders as the results are (`statistics.item_outcome`).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from pulsemind.artifacts import read_shards, text_digest
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.statistics import ASPECTS, aspect_outcome, case_of, item_outcome
from pulsemind.records import Consultation, Outcome, Verdict
from pulsemind.report.page.inputs import Inputs


@dataclass(frozen=True)
class Item:
    """A pair of replies as judged: its outcome by aspect, None where there is none."""

    benchmark: str
    query: str
    against: str
    outcomes: dict[str, Outcome | None]
    reasons: tuple[str, ...]

    @property
    def case(self) -> str:
        """The consultation it belongs to."""
        return case_of(self.query)

    @property
    def turn(self) -> int:
        """Number of the query in its consultation, from 0."""
        return turn_of(self.query)


def turn_of(query: str) -> int:
    """Number of a query in its consultation, from 0 as its id has it; readers are told one more."""
    number = query.rpartition("#")[2]
    return int(number) if number.isdigit() else 0


def consultation_sets(inputs: Inputs) -> list[str]:
    """Names of the consultation benchmarks whose cases and verdicts are there."""
    return [
        name
        for name, about in sorted(inputs.benchmarks.items())
        if about.get("kind") == "consultation"
        and (inputs.data / "benchmarks" / name).is_dir()
        and (inputs.records / "verdicts" / name).is_dir()
    ]


def items(inputs: Inputs, benchmark: str, against: str | None = None) -> Iterator[Item]:
    """The judged items of a benchmark, in the order of the file; those of one opponent, or all."""
    verdicts = read_shards(inputs.records / "verdicts" / benchmark, Verdict)
    wanted = (v for v in verdicts if against is None or v.counterpart == against)
    for (query, _, other), orders in groupby(
        wanted, key=lambda v: (v.query_id, v.candidate, v.counterpart)
    ):
        both = list(orders)
        yield Item(
            benchmark=benchmark,
            query=query,
            against=other,
            outcomes={a: item_outcome([aspect_outcome(v, a) for v in both]) for a in ASPECTS},
            reasons=tuple(dict.fromkeys(v.reason for v in both if v.reason)),
        )


def cases(inputs: Inputs, benchmark: str) -> Iterator[Consultation]:
    """The consultations of a benchmark."""
    return read_shards(inputs.data / "benchmarks" / benchmark, Consultation)


def replies(inputs: Inputs, model: str, benchmark: str) -> Iterator[Reply]:
    """A model's replies to a benchmark; none when the model did not answer it."""
    folder = inputs.records / "replies" / model / benchmark
    return read_shards(folder, Reply) if folder.is_dir() else iter(())


def missing(reply: Reply) -> str:
    """Why a model has no reply to a query; empty when it has one."""
    return str(getattr(reply, "broken", ""))


def several(outcomes: Iterable[Outcome | None]) -> Outcome | None:
    """One outcome for several items, those without one left out: wins against losses."""
    return item_outcome([outcome for outcome in outcomes if outcome is not None])


def priority(seed: int, *names: str) -> str:
    """A number in a random order that depends on the seed and the names alone."""
    return text_digest("\0".join((str(seed), *names)))


class Few:
    """The `size` names that come first in a random order, of any number that are offered."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self._heap: list[tuple[int, tuple[str, ...]]] = []

    def offer(self, *name: str) -> None:
        """Take part in the draw."""
        entry = (-int(priority(self.seed, *name)[:15], 16), name)
        if len(self._heap) < self.size:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def names(self) -> list[tuple[str, ...]]:
        """Those drawn, in the order of the draw."""
        return [name for _, name in sorted(self._heap, reverse=True)]
