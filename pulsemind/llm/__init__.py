"""The one door to chat models: any OpenAI-compatible endpoint, many requests at once, none twice.

`complete_all` answers a stream of requests with a bounded number in flight. Every answer goes to a
cache on disk the moment it arrives, keyed by the content of its request, so that a killed run
asks nothing again. Requests are pulled one by one: prompts and images never stand in memory
together.

Which failures stop the run, and which give a reply without text (ours):
- no server of the endpoint is left (wrong key, unknown model, unreachable, or failing all the
  time), or one request fails at every attempt: `LlmError`;
- the endpoint's budget is used up: `BudgetExceeded`, an LlmError;
- a request the server refuses for its content (400, 413, 422), a refusal, an empty answer: a reply
  without text.
After an error everything answered is kept and running again goes on. No error text contains a
prompt, an answer or a key. docs/llm.md says what can be set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from diskcache import Cache, JSONDisk
from tqdm import tqdm

from pulsemind.artifacts import json_digest
from pulsemind.llm.budget import BudgetExceeded, LlmError, Purse
from pulsemind.llm.messages import Message, Reply, Request
from pulsemind.llm.servers import Servers, connect
from pulsemind.llm.usage import Usage
from pulsemind.settings import Endpoint

__all__ = [
    "BudgetExceeded",
    "LlmError",
    "Message",
    "Reply",
    "Request",
    "Usage",
    "complete_all",
    "open_cache",
    "reply_key",
]

WAITING = 4
"""Requests taken up for each place in flight: some wait to be asked again, or for an equal one."""

Again = Callable[[Request, Reply], Request | None]
"""What to ask in a request's place after its reply; None when the reply stands."""


def complete_all(
    requests: Iterable[Request],
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    total: int | None = None,
    label: str = "requests",
    usage: Usage | None = None,
    again: Again | None = None,
) -> list[Reply]:
    """Answer all requests, in their order.

    Args:
        requests: pulled lazily, a few times `concurrency` of them at a time.
        concurrency: requests in flight to one endpoint, where it says nothing else.
        cache: folder of the answer cache; made when absent, may be shared between runs.
        total: their number, for the progress bar.
        usage: where to add up requests, tokens, errors and latencies.
        again: looks at every reply and may ask something else in its place, at once; must give up
            some time.

    Raises LlmError as the module says; must not be called from inside an event loop.
    """
    used = Usage() if usage is None else usage
    with (
        open_cache(cache) as store,
        tqdm(total=total, desc=label, mininterval=1.0) as bar,
    ):
        running = _Run(endpoints, concurrency, store, bar, used, again or (lambda *_: None))
        replies = asyncio.run(running.complete(iter(requests)))
        bar.set_postfix_str(used.line())
    return [replies[index] for index in range(len(replies))]


def open_cache(folder: Path) -> Any:
    """The answer cache; of its entries none is ever evicted, for it would be paid for twice."""
    return Cache(str(folder), disk=JSONDisk, eviction_policy="none", cull_limit=0, size_limit=2**62)


def reply_key(endpoint: str, body: Mapping[str, Any]) -> str:
    """The cache's key of a request's reply."""
    return "reply:" + json_digest({"endpoint": endpoint, **body})


class _Run:
    """One call of `complete_all`: what its workers share."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        concurrency: int,
        store: Any,
        bar: tqdm[Any],
        usage: Usage,
        again: Again,
    ) -> None:
        self._endpoints, self._concurrency, self._store = endpoints, concurrency, store
        self._bar, self._usage, self._again = bar, usage, again
        self._open: dict[str, tuple[Servers, Purse]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def complete(self, requests: Iterator[Request]) -> dict[int, Reply]:
        replies: dict[int, Reply] = {}
        numbered = enumerate(requests)
        most = max([self._concurrency, *(e.concurrency or 0 for e in self._endpoints.values())])
        async with AsyncExitStack() as opened:

            async def work() -> None:
                for index, request in numbered:
                    replies[index] = await self._settle(request, opened)
                    self._show()
                    self._bar.update()

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(WAITING * most):
                        group.create_task(work())
            except BaseExceptionGroup as errors:
                raise errors.exceptions[0] from None
        return replies

    async def _settle(self, request: Request, opened: AsyncExitStack) -> Reply:
        """Ask until the reply stands."""
        while True:
            reply = await self._answer(request, opened)
            following = self._again(request, reply)
            if following is None:
                return reply
            request = following

    async def _answer(self, request: Request, opened: AsyncExitStack) -> Reply:
        """The cached reply, or else the server's, which is then cached."""
        key = reply_key(request.endpoint, request.body())
        async with self._asking.setdefault(key, asyncio.Lock()):  # equal requests are asked once
            stored = self._store.get(key)
            if stored is not None:
                self._usage.cached += 1
            else:
                stored = await self._pay(request, key, opened)
        self._asking.pop(key, None)
        self._usage.add(stored["tokens"])
        return Reply.model_validate(stored["reply"])

    async def _pay(self, request: Request, key: str, opened: AsyncExitStack) -> dict[str, Any]:
        name = request.endpoint
        if name not in self._open:
            connection = connect(name, self._endpoints, self._concurrency, self._usage)
            # No await between look-up and entry but connecting, which waits for nothing.
            servers = await opened.enter_async_context(connection)
            self._open[name] = servers, Purse(name, self._endpoints[name], self._store)
        servers, purse = self._open[name]
        expected = request.expected_tokens()
        async with purse.hold(expected):
            reply, tokens = await servers.ask(request)
            stored = {"reply": reply.model_dump(), "tokens": tokens}
            with self._store.transact():  # an answer and what it cost: both or neither
                self._store[key] = stored
                self._usage.paid += purse.pay(tokens or expected)
        return stored

    def _show(self) -> None:
        self._bar.set_postfix(
            {"in flight": self._usage.in_flight, "errors": self._usage.errors.total()},
            refresh=False,
        )
