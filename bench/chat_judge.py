"""A chat server that judges after a fixed time, in a process of its own; for timing its clients.

`python -m bench.chat_judge SECONDS` serves on a free port of this machine and prints it. Every
answer prefers reply A.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from pulsemind.records import DIMENSIONS


@contextmanager
def serving(seconds: float) -> Iterator[str]:
    """Start a server; gives its address, up to and including `/v1`."""
    command = [sys.executable, "-m", "bench.chat_judge", str(seconds)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    finally:
        server.kill()
        server.wait()


def asked(url: str) -> int:
    """How many requests the server has had."""
    with urllib.request.urlopen(f"{url}/asked", timeout=60) as answer:
        return int(answer.read())


async def _serve(seconds: float) -> None:
    verdict = json.dumps({"reason": "r", **dict.fromkeys([*DIMENSIONS, "overall"], "A")})
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": verdict}}
    used = {"prompt_tokens": 500, "completion_tokens": 60, "total_tokens": 560}
    body = json.dumps({"id": "1", "choices": [choice], "usage": used}).encode()
    count = 0

    async def complete(request: web.Request) -> web.Response:
        nonlocal count
        await request.read()
        count += 1
        await asyncio.sleep(seconds)
        return web.Response(body=body, content_type="application/json")

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=str(count))

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", complete), web.get("/v1/asked", tell)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
