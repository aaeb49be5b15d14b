"""What answers requests, whether they come as a list or one by one: store, servers, budget."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pulsemind.llm.budget import Purse
from pulsemind.llm.messages import Reply, Request
from pulsemind.llm.servers import Servers, connect
from pulsemind.llm.store import Entry, Store, opened, reply_key
from pulsemind.llm.usage import Usage
from pulsemind.settings import Endpoint

WAITING = 4
"""Requests taken up for each place in flight: some wait to be asked again, or for an equal one."""

Again = Callable[[Request, Reply], Request | None]
"""What to ask in a request's place after its reply; None when the reply stands."""


class Run:
    """The requests of one call, their store and their endpoints."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        concurrency: int,
        store: Store,
        cache: Any,
        clients: AsyncExitStack,
        bar: tqdm[Any],
        usage: Usage,
        again: Again | None,
    ) -> None:
        self._endpoints, self._concurrency = endpoints, concurrency
        self._store, self._cache, self._clients = store, cache, clients
        self._bar, self._usage, self._again = bar, usage, again
        self._open: dict[str, tuple[Servers, Purse]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def settle(self, request: Request) -> Reply:
        """Ask until the reply stands."""
        while True:
            reply = await self._answer(request)
            following = None if self._again is None else self._again(request, reply)
            if following is None:
                break
            request = following
        errors = self._usage.errors.total()
        self._bar.set_postfix_str(
            f"in flight={self._usage.in_flight}, errors={errors}", refresh=False
        )
        self._bar.update()
        return reply

    async def _answer(self, request: Request) -> Reply:
        """The stored reply, or else the server's, which is then stored."""
        body = request.body()
        key = reply_key(request.endpoint, body)
        async with self._asking.setdefault(key, asyncio.Lock()):  # equal requests are asked once
            stored = self._store.get(key)
            if stored is not None:
                self._usage.cached += 1
            else:
                stored = await self._pay(request, body, key)
        self._asking.pop(key, None)
        self._usage.add(stored["tokens"])
        return Reply.model_validate(stored["reply"])

    async def _pay(self, request: Request, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        servers, purse = await self._endpoint(request.endpoint)
        expected = request.expected_tokens()
        async with purse.hold(expected):
            reply, tokens = await servers.ask(body, sum(expected))
            stored = {"reply": reply.model_dump(), "tokens": tokens}
            if reply.finish == "rejected":  # no answer, and free: the next run may ask again
                self._usage.errors["rejected"] += 1
                return stored
            spent = tokens or expected
            await self._store.put(Entry(key, stored, purse, spent))
            self._usage.paid += purse.price(spent)
        return stored

    async def _endpoint(self, name: str) -> tuple[Servers, Purse]:
        if name not in self._open:
            connection = connect(name, self._endpoints, self._concurrency, self._usage)
            # No await between look-up and entry but connecting, which waits for nothing.
            servers = await self._clients.enter_async_context(connection)
            self._open[name] = servers, Purse(name, self._endpoints[name], self._cache)
        return self._open[name]


def most_in_flight(endpoints: Mapping[str, Endpoint], concurrency: int) -> int:
    """The largest number of places in flight that an endpoint has."""
    return max([concurrency, *(e.concurrency or 0 for e in endpoints.values())])


@asynccontextmanager
async def running(
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    folder: Path,
    bar: tqdm[Any],
    usage: Usage,
    again: Again | None,
) -> AsyncIterator[Run]:
    """A run over the store in a folder; clients and store are closed at its end."""
    # What is there already (a model's libraries: hundreds of thousands of objects) is left out when
    # garbage is collected: each pass over it would hold up all answers that arrive meanwhile.
    gc.freeze()
    try:
        async with opened(folder) as (store, cache), AsyncExitStack() as clients:
            yield Run(endpoints, concurrency, store, cache, clients, bar, usage, again)
    finally:
        gc.unfreeze()
