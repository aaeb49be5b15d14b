"""The one door to chat models: any OpenAI-compatible endpoint, many requests at once, none twice.

`answering` answers, in the background, requests that come one by one while something else makes
them; `complete_each` gives the replies to a stream of requests in their order, `complete_all` all
of them at once. A bounded number is in flight. Every answer goes to a cache on disk the moment it
arrives, keyed by the content of its request, so that a killed run asks nothing again. Requests are
taken up a few at a time: prompts and images never stand in memory together.

Which failures stop the run, and which give a reply without text (ours):
- no server of the endpoint is left (wrong key, unknown model, unreachable, or failing all the
  time), or one request fails at every attempt: `LlmError`;
- the endpoint's budget is used up: `BudgetExceeded`, an LlmError;
- the first requests to an endpoint are all rejected: `LlmError`;
- a request that the server rejects (400, 413, 422), a refusal, an empty answer: a reply without
  text. The first of these is not kept.
After an error everything answered is kept and running again goes on. No error text contains a
prompt, an answer or a key. docs/llm.md says what can be set.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore

from anyio.from_thread import start_blocking_portal
from tqdm import tqdm

from pulsemind.llm.budget import BudgetExceeded, LlmError
from pulsemind.llm.messages import Message, Reply, Request
from pulsemind.llm.run import WAITING, Again, most_in_flight, running
from pulsemind.llm.store import open_cache, reply_key
from pulsemind.llm.usage import Usage
from pulsemind.settings import Endpoint

__all__ = [
    "Answering",
    "BudgetExceeded",
    "LlmError",
    "Message",
    "Reply",
    "Request",
    "Usage",
    "answering",
    "complete_all",
    "complete_each",
    "most_in_flight",
    "open_cache",
    "reply_key",
]

AHEAD = 8192
"""Replies that may wait for an earlier one which takes long."""

Answering = Callable[[Request], Future[Reply]]
"""Hand over a request; its reply is the future's result."""


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
    """The replies of `complete_each`, all of them; arguments and errors as there."""
    return list(complete_each(requests, endpoints, concurrency, cache, total, label, usage, again))


def complete_each(
    requests: Iterable[Request],
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    total: int | None = None,
    label: str = "requests",
    usage: Usage | None = None,
    again: Again | None = None,
) -> Iterator[Reply]:
    """Answer requests; the replies come in their order, while later requests are being answered.

    Args:
        requests: pulled lazily, as far ahead of the replies as keeps the endpoints busy, but never
            more than a few thousand.
        concurrency: requests in flight to one endpoint, where it says nothing else.
        cache: folder of the answer cache; made when absent, may be shared between runs.
        total: their number, for the progress bar.
        usage: where to add up requests, tokens, errors and latencies.
        again: looks at every reply and may ask something else in its place, at once; must give up
            some time.

    Raises LlmError as the module says.
    """
    waiting: deque[Future[Reply]] = deque()
    with answering(endpoints, concurrency, cache, total, label, usage, again) as ask:
        for request in requests:
            waiting.append(ask(request))
            while waiting and (waiting[0].done() or len(waiting) > AHEAD):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def answering(
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    total: int | None = None,
    label: str = "requests",
    usage: Usage | None = None,
    again: Again | None = None,
) -> Iterator[Answering]:
    """Answer requests in a thread of its own as they come; arguments as `complete_each`.

    Handing over a request blocks while a few times `concurrency` of them have no reply yet, so that
    they never pile up. Leaving the block waits for every reply; leaving it by an error drops what
    has none, and keeps every answer that has arrived.

    Raises what a request met, an LlmError for one, at the next call or at the end, and from its
    future; those already handed over go on until the block is left.
    """
    used = Usage() if usage is None else usage
    places = BoundedSemaphore(WAITING * most_in_flight(endpoints, concurrency))
    pending: dict[Future[Reply], None] = {}
    errors: list[BaseException] = []
    with (
        tqdm(total=total, desc=label, mininterval=1.0) as bar,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            running(endpoints, concurrency, cache, bar, used, again)
        ) as run,
    ):
        loop = portal.call(_loop)

        def done(future: Future[Reply]) -> None:
            error = None if future.cancelled() else future.exception()
            errors.extend([] if error is None else [error])
            pending.pop(future, None)
            places.release()

        def ask(request: Request) -> Future[Reply]:
            places.acquire()
            if errors:
                places.release()
                raise errors[0]
            # Not the portal's own way, which waits for the loop to take the task up.
            future = asyncio.run_coroutine_threadsafe(run.settle(request), loop)
            pending[future] = None
            future.add_done_callback(done)
            return future

        try:
            yield ask
            wait(list(pending))
        finally:
            for future in reversed(list(pending)):  # those in flight last: nobody takes their place
                future.cancel()
            bar.set_postfix_str(used.line())
    if errors:
        raise errors[0]


async def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
