"""The writer of answers: what was handed over is written."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pulsemind.llm.store import Entry, Store, open_cache


class Purse:
    """Counts nothing."""

    def pay(self, tokens: Any) -> None:
        pass


def test_cancelling_again_drops_no_answer(tmp_path: Path) -> None:
    """Cancelled while the first batch is being written and a second one waits, and again."""
    begun, go_on = threading.Event(), threading.Event()

    async def whole(store: Store) -> None:
        purse: Any = Purse()
        puts = []
        for name in ("first", "second"):
            entry = Entry(name, {"text": name}, purse, (1, 1))
            puts.append(asyncio.create_task(store.put(entry)))
            if name == "first":
                await asyncio.to_thread(begun.wait, 120)
        await asyncio.sleep(0)
        for task in puts:
            task.cancel()
        settling = asyncio.create_task(store.settle())
        for _ in range(3):
            await asyncio.sleep(0)
            settling.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await settling

    with open_cache(tmp_path / "cache") as cache, ThreadPoolExecutor(1) as thread:
        store = Store(cache, thread)
        commit = store._commit

        def slow(entries: list[Entry]) -> None:
            begun.set()
            assert go_on.wait(120)
            commit(entries)

        store._commit = slow  # type: ignore[method-assign]
        asyncio.run(whole(store))
        assert [cache["first"], cache["second"]] == [{"text": "first"}, {"text": "second"}]
