"""What an endpoint may cost: a ledger beside the answers, and the stop when it is used up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pulsemind.settings import Endpoint

KINDS = ("requests", "tokens", "money")
Cost = tuple[int, int, float]
"""Answers, tokens in and out together, money."""


class LlmError(RuntimeError):
    """An endpoint cannot be used; the text names endpoint and reason, never content."""


class BudgetExceeded(LlmError):
    """The next request might cost more than the endpoint's budget leaves."""


class Purse:
    """The budget of one endpoint. What it has paid lies in the answer cache, so that it holds
    over all runs that share the cache, and in several processes.

    A request is sent only when the budget covers it and all that is in flight, at their expected
    cost: the budget is never overdrawn by more than an answer exceeds its expected cost.
    """

    def __init__(self, name: str, endpoint: Endpoint, store: Any) -> None:
        self._name, self._endpoint, self._store = name, endpoint, store
        self._held: Cost = (0, 0, 0.0)
        budget = endpoint.budget
        self._limits = (budget.requests, budget.tokens, budget.money)
        self._unlimited = self._limits == (None, None, None)
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, expected: Sequence[int]) -> AsyncIterator[None]:
        """Wait until the budget covers a request of so many tokens, and keep that aside.

        Raises BudgetExceeded when it does not even though nothing else is in flight.
        """
        cost = self._cost(expected)
        if self._unlimited:
            yield
            return
        async with self._changed:
            while over := self._over(cost):
                if not self._held[0]:
                    raise BudgetExceeded(over)
                await self._changed.wait()
            self._held = _plus(self._held, cost)
        try:
            yield
        finally:
            async with self._changed:
                requests, tokens, money = cost
                self._held = _plus(self._held, (-requests, -tokens, -money))
                self._changed.notify_all()

    def pay(self, answers: Iterable[Sequence[int]]) -> None:
        """Enter the tokens of answers, in the transaction that stores them."""
        spent = self._spent()
        for tokens in answers:
            spent = _plus(spent, self._cost(tokens))
        self._store[self._key] = spent

    def price(self, tokens: Sequence[int]) -> float:
        """The money that an answer costs."""
        return self._cost(tokens)[2]

    def _cost(self, tokens: Sequence[int]) -> Cost:
        prices = self._endpoint.price_in, self._endpoint.price_out
        money = sum(n * price for n, price in zip(tokens, prices, strict=True)) / 1_000_000
        return 1, sum(tokens), money

    def _over(self, cost: Cost) -> str | None:
        spent = self._spent()
        needed = _plus(_plus(spent, self._held), cost)
        for kind, limit, used, need in zip(KINDS, self._limits, spent, needed, strict=True):
            if limit is not None and need > limit:
                return (
                    f"services.endpoints.{self._name}.budget.{kind} is {limit:g}, {used:g} is "
                    f"spent, and the next request may need {need - used:g}; all answers are kept: "
                    "raise it and run again to go on"
                )
        return None

    @property
    def _key(self) -> str:
        return f"spent:{self._name}"

    def _spent(self) -> Cost:
        requests, tokens, money = self._store.get(self._key, (0, 0, 0.0))
        return requests, tokens, money


def _plus(one: Cost, other: Cost) -> Cost:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]
