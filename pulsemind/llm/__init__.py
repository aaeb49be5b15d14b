"""The one door to chat models: any OpenAI-compatible endpoint, many requests at once, none twice.

`complete_all` answers an iterable of requests; `answering` answers, in the background, requests
that come one by one while something else makes them. Either has a bounded number in flight. Every
answer goes to a cache on disk the moment it arrives, keyed by the content of its request, so that a
killed run asks nothing again. Requests are taken up a few at a time: prompts and images never
stand in memory together.

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
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore

from anyio.from_thread import start_blocking_portal
from tqdm import tqdm

from pulsemind.llm.budget import BudgetExceeded, LlmError
from pulsemind.llm.messages import Message, Reply, Request
from pulsemind.llm.run import WAITING, Again, Run, most_in_flight, running
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
    "open_cache",
    "reply_key",
]

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
    workers = WAITING * most_in_flight(endpoints, concurrency)
    with tqdm(total=total, desc=label, mininterval=1.0) as bar:

        async def complete() -> dict[int, Reply]:
            async with running(endpoints, concurrency, cache, bar, used, again) as run:
                return await _all(run, requests, workers)

        replies = asyncio.run(complete())
        bar.set_postfix_str(used.line())
    return [replies[index] for index in range(len(replies))]


@contextmanager
def answering(
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    label: str = "requests",
    usage: Usage | None = None,
    again: Again | None = None,
) -> Iterator[Answering]:
    """Answer requests in a thread of its own as they come; arguments as `complete_all`.

    Handing over a request blocks while a few times `concurrency` of them have no reply yet, so that
    they never pile up. A future raises what its request met, an LlmError for one; the others go on.
    Leaving the block waits for every reply; leaving it by an error drops what has none, and keeps
    every answer that has arrived.
    """
    used = Usage() if usage is None else usage
    places = BoundedSemaphore(WAITING * most_in_flight(endpoints, concurrency))
    pending: set[Future[Reply]] = set()
    with (
        tqdm(desc=label, mininterval=1.0) as bar,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            running(endpoints, concurrency, cache, bar, used, again)
        ) as run,
    ):

        def done(future: Future[Reply]) -> None:
            pending.discard(future)
            places.release()

        def ask(request: Request) -> Future[Reply]:
            places.acquire()
            future = portal.start_task_soon(run.settle, request)
            pending.add(future)
            future.add_done_callback(done)
            return future

        try:
            yield ask
            wait(list(pending))
        finally:
            for future in list(pending):
                future.cancel()
            bar.set_postfix_str(used.line())


async def _all(run: Run, requests: Iterable[Request], workers: int) -> dict[int, Reply]:
    replies: dict[int, Reply] = {}
    numbered = enumerate(requests)

    async def work() -> None:
        for index, request in numbered:
            replies[index] = await run.settle(request)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return replies
