"""The servers of one endpoint: how many requests at once and a minute, whom to ask, when to ask
again, whom to leave out.

This is the only place that retries; the `openai` client does not. A request that waits to be asked
again gives its place in flight to another one.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import openai
from aiolimiter import AsyncLimiter
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from pulsemind.llm.attempt import Failure, read, send
from pulsemind.llm.budget import LlmError
from pulsemind.llm.messages import Answered
from pulsemind.llm.usage import Usage
from pulsemind.settings import Endpoint

PASSING = frozenset({408, 409, 429, *range(500, 600)})
LONGEST_WAIT = 300.0
"""Seconds waited before a request is asked again, whatever Retry-After says."""
TRIPS = 3
"""A server is given up when it is left out for the third time running; one that was never reached,
the first time."""
BURST = 20
"""A rate limit may be used up to a twentieth of a minute's worth at once."""

_backoff = wait_random_exponential(multiplier=0.5, max=30)


@dataclass
class Server:
    """One address, and how it has done."""

    place: str
    """Host and port, for messages."""
    client: openai.AsyncOpenAI
    weight: float
    in_flight: int = 0
    failures: int = 0
    """Failures since the last answer."""
    trips: int = 0
    """Times it was left out since the last answer."""
    out_until: float = 0.0
    reached: bool = False
    """Whether it has sent anything that a chat server sends, an error at least."""
    last: str = ""
    """The kind of its last failure."""

    def free(self, now: float) -> bool:
        """Whether it may be asked; after a cool-down by one request at a time."""
        return self.out_until <= now and (not self.trips or not self.in_flight)

    def lost(self) -> bool:
        """Whether nothing more is expected of it; it is still tried while others work."""
        return self.trips >= (TRIPS if self.reached else 1)

    def succeeded(self) -> None:
        """Enter an answer."""
        self.failures = self.trips = 0
        self.reached = True

    def failed(self, failure: Failure, endpoint: Endpoint) -> None:
        """Enter a failure; too many in a row leave the server out for the cool-down."""
        self.last = failure.kind
        self.reached |= failure.kind.isdigit()
        self.failures += 1
        now = time.monotonic()
        # What was in flight when the server was left out tells nothing new.
        if self.out_until <= now and (self.trips or self.failures >= endpoint.failures):
            self.trips += 1
            self.out_until = now + max(endpoint.cool_down, failure.retry_after)

    def unusable(self, kind: str) -> None:
        """It will not answer in this run: a wrong key, an unknown model."""
        self.last, self.trips, self.out_until = kind, TRIPS, float("inf")


class Servers:
    """An endpoint's servers with its limits."""

    def __init__(
        self, name: str, endpoint: Endpoint, servers: list[Server], concurrency: int, usage: Usage
    ) -> None:
        self._name, self._endpoint, self._servers, self._usage = name, endpoint, servers, usage
        self._places = asyncio.Semaphore(endpoint.concurrency or concurrency)
        self._requests = _bucket(endpoint.requests_a_minute)
        self._tokens = _bucket(endpoint.tokens_a_minute)
        self._rejected, self._answered = 0, False

    async def ask(self, body: Mapping[str, Any], expected: int) -> Answered:
        """Ask until there is an answer. Raises LlmError when the attempts or servers run out.

        Args:
            body: the request as the chat API wants it.
            expected: tokens it may cost, for the rate limit.
        """
        failed: Server | None = None

        async def attempt() -> Answered | Failure:
            nonlocal failed
            await _take(self._requests, 1)
            await _take(self._tokens, expected)
            async with self._places, self._pick(failed) as server:
                start = time.perf_counter()
                sent = await send(server.client, body)
                seconds = time.perf_counter() - start
                if isinstance(sent, Failure):  # known before another one takes the place
                    self._failed(server, sent)
            if isinstance(sent, bytes):
                await asyncio.sleep(0)  # who waits for the place asks before this one is read
                outcome = read(sent)
                if isinstance(outcome, Failure):
                    self._failed(server, outcome)
            else:
                outcome = sent
            if isinstance(outcome, Failure):
                failed = server
                return outcome
            server.succeeded()
            if outcome[0].finish == "rejected":
                self._refuse(body)
            else:
                self._answered = True
                self._usage.seconds.append(seconds)
            return outcome

        outcome: Answered | Failure = await AsyncRetrying(
            retry=retry_if_result(lambda outcome: isinstance(outcome, Failure)),
            stop=stop_after_attempt(self._endpoint.attempts),
            wait=_pause,
            retry_error_callback=_outcome,
        )(attempt)
        if isinstance(outcome, Failure):
            raise LlmError(
                f"endpoint {self._name!r}, model {body['model']!r}: a request failed "
                f"{self._endpoint.attempts} times, the last time with {outcome.kind}; all answers "
                "are kept: run again to go on"
            )
        return outcome

    def _refuse(self, body: Mapping[str, Any]) -> None:
        """Enter a request that was not taken. When it is so from the start, one and all, the fault
        is none of theirs."""
        self._rejected += 1
        if not self._answered and self._rejected >= self._endpoint.failures:
            raise LlmError(
                f"endpoint {self._name!r}, model {body['model']!r}: the first {self._rejected} "
                "requests were all rejected (400, 413 or 422). See that the server knows what is "
                "asked of it (length_limits, a JSON schema) and has room for the prompts, or raise "
                f"services.endpoints.{self._name}.failures; then run again to go on"
            )

    @asynccontextmanager
    async def _pick(self, avoid: Server | None) -> AsyncIterator[Server]:
        """The free server with the least to do for its weight, not `avoid` if there is another."""
        while True:
            if all(server.lost() for server in self._servers):
                raise LlmError(self._none_left())
            if free := [s for s in self._servers if s.free(time.monotonic())]:
                break
            await asyncio.sleep(0.05)
        others = [server for server in free if server is not avoid] or free
        server = min(others, key=lambda server: (server.in_flight + 1) / server.weight)
        server.in_flight += 1
        self._usage.in_flight += 1
        try:
            yield server
        finally:
            server.in_flight -= 1
            self._usage.in_flight -= 1

    def _none_left(self) -> str:
        reasons = "; ".join(f"{server.place}: {server.last}" for server in self._servers)
        return (
            f"endpoint {self._name!r} has no server left ({reasons}). All answers are kept: see "
            f"that a server runs and that services.endpoints.{self._name} has its address, key and "
            "model, then run again to go on"
        )

    def _failed(self, server: Server, failure: Failure) -> None:
        self._usage.errors[failure.kind] += 1
        if failure.kind.isdigit() and int(failure.kind) not in PASSING:
            server.unusable(failure.kind)
        else:
            server.failed(failure, self._endpoint)


@asynccontextmanager
async def connect(
    name: str, endpoints: Mapping[str, Endpoint], concurrency: int, usage: Usage
) -> AsyncIterator[Servers]:
    """The servers of the endpoint called `name`, with clients that are closed at the end.

    Args:
        concurrency: requests in flight at once, where the endpoint says nothing else.

    Raises LlmError when there is no such endpoint, or an environment variable that should hold a
    key is not set; the text names the variable.
    """
    if name not in endpoints:
        raise LlmError(f"services.endpoints has no {name!r}; it has {', '.join(sorted(endpoints))}")
    endpoint = endpoints[name]
    async with AsyncExitStack() as opened:
        servers = []
        for server in endpoint.servers:
            client = openai.AsyncOpenAI(
                base_url=server.base_url,
                api_key=_key(name, server.api_key_env),
                max_retries=0,
                timeout=endpoint.timeout,
                # The transport that does not go through all its connections at every request.
                http_client=openai.DefaultAioHttpClient(),
            )
            await opened.enter_async_context(client)
            place = urlsplit(server.base_url).netloc.rpartition("@")[2]
            servers.append(Server(place, client, server.weight))
        yield Servers(name, endpoint, servers, concurrency, usage)


def _key(name: str, variable: str) -> str:
    key = os.environ.get(variable)
    if not key:
        raise LlmError(
            f"endpoint {name!r}: environment variable {variable} is not set; it must hold the key "
            "(any word for a server that asks for none)"
        )
    return key


def _pause(state: RetryCallState) -> float:
    """Seconds to the next attempt: as long as the server asks for, and a random time longer."""
    failure: Failure = _outcome(state)
    return min(failure.retry_after + _backoff(state), LONGEST_WAIT)


def _outcome(state: RetryCallState) -> Any:
    assert state.outcome is not None  # tenacity asks after an attempt only
    return state.outcome.result()


def _bucket(a_minute: int | None) -> AsyncLimiter | None:
    """A bucket that lets through no more than `a_minute` in any minute: what it holds at once and
    what flows in during a minute add up to that (for 1 a minute: to 1.5)."""
    if a_minute is None:
        return None
    at_once = max(1.0, a_minute / BURST)
    inflow = max(a_minute - at_once, a_minute / 2)
    return AsyncLimiter(at_once, 60 * at_once / inflow)


async def _take(bucket: AsyncLimiter | None, amount: float) -> None:
    if bucket is not None:
        await bucket.acquire(min(amount, bucket.max_rate))
