"""The answers on disk: looked up at once, written by a thread of their own.

Answers that arrive while others are being written go together in the next transaction: one flush
to the disk for all of them, however many requests are in flight, and never in the event loop's
way. An answer is reported only when it is on the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from diskcache import Cache, JSONDisk

from pulsemind.artifacts import json_digest
from pulsemind.llm.budget import Purse

FULL = 2
"""SQLite's `synchronous`: flushed at every commit, so that a power cut takes nothing either."""


def open_cache(folder: Path) -> Any:
    """The answer cache; of its entries none is ever evicted, for it would be paid for twice."""
    kept_for_good = {"eviction_policy": "none", "cull_limit": 0, "size_limit": 2**62}
    return Cache(str(folder), disk=JSONDisk, sqlite_synchronous=FULL, **kept_for_good)


def reply_key(endpoint: str, body: Mapping[str, Any]) -> str:
    """The cache's key of a request's reply."""
    return "reply:" + json_digest({"endpoint": endpoint, **body})


@dataclass(frozen=True)
class Entry:
    """An answer to keep, and what it cost whom."""

    key: str
    value: dict[str, Any]
    purse: Purse
    tokens: Sequence[int]


class Store:
    """The answers of one run."""

    def __init__(self, cache: Any, thread: ThreadPoolExecutor) -> None:
        self._cache, self._thread = cache, thread
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    def get(self, key: str) -> Any:
        """The answer under a key, or None."""
        return self._cache.get(key)

    async def put(self, entry: Entry) -> None:
        """Keep an answer; returns when it is on the disk. One who is cancelled while waiting has
        still handed it over."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await written

    async def settle(self) -> None:
        """Wait until everything handed over is written, however often the one who waits is
        cancelled: the cancellation is passed on afterwards."""
        cancelled: asyncio.CancelledError | None = None
        while (writer := self._writer) is not None:
            try:
                await asyncio.shield(writer)
            except asyncio.CancelledError as error:
                if writer.done():  # the writer itself was cancelled: nobody writes any more
                    raise
                cancelled = error
        if cancelled is not None:
            raise cancelled

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await loop.run_in_executor(self._thread, self._commit, [e for e, _ in batch])
            except Exception as error:
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
            else:
                for _, written in batch:
                    if not written.done():
                        written.set_result(None)
        self._writer = None

    def _commit(self, entries: list[Entry]) -> None:
        with self._cache.transact():  # answers and what they cost: all or nothing
            for entry in entries:
                self._cache[entry.key] = entry.value
            for purse, paid in groupby(sorted(entries, key=_purse), key=lambda e: e.purse):
                purse.pay([entry.tokens for entry in paid])


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Store, Any]]:
    """The store in a folder, made when absent, and its cache for the ledgers; at the end whatever
    was handed over is written."""
    with open_cache(folder) as cache, ThreadPoolExecutor(1, "answers") as thread:
        store = Store(cache, thread)
        try:
            yield store, cache
        finally:
            await store.settle()
            await asyncio.get_running_loop().run_in_executor(thread, cache.close)


def _purse(entry: Entry) -> int:
    return id(entry.purse)
