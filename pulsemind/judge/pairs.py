"""What judges are given and give back, whichever judge it is."""

from __future__ import annotations

from typing import get_args

from pulsemind.artifacts import json_digest
from pulsemind.records import Dimension, Order, Outcome, Query, Record
from pulsemind.settings import Judge

ORDERS: tuple[Order, ...] = get_args(Order)


class Pair(Record):
    """A candidate reply to a query, and the counterpart's reply it is compared with."""

    query: Query
    candidate: int
    text: str
    counterpart: str
    counterpart_text: str


class Sample(Record):
    """A candidate reply to a query, to be scored alone."""

    query: Query
    candidate: int
    text: str


class Judgement(Record):
    """A comparison, seen from the candidate's side; without outcomes when no answer was usable, and
    then `reason` says why: refused, rejected, truncated, malformed or empty."""

    outcomes: dict[Dimension, Outcome] | None
    overall: Outcome | None
    reason: str = ""


def orders(pair: Pair, settings: Judge) -> tuple[Order, ...]:
    """The orders a pair is shown in: both, or one drawn by a hash of seed, query, texts and
    counterpart, so that identical texts are shown, and asked about, in the same."""
    if settings.orders == "both":
        return ORDERS
    told = [pair.query.id, pair.text, pair.counterpart, pair.counterpart_text]
    return (ORDERS[int(json_digest([settings.seed, *told]), 16) % len(ORDERS)],)
