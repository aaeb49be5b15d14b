"""The few routes of a vLLM server that an engine uses, on 127.0.0.1: in a thread, or as a program.

As a program it takes vLLM's options, and `--fails start`, `--fails health` or `--fails chat`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


class VllmServer:
    """What the server holds, what it answers, and what it was asked."""

    def __init__(self, answer: Callable[[Body], Body], key: str = "none") -> None:
        self.answer, self.key = answer, key
        self.adapters: dict[str, str] = {}
        self.swaps: list[tuple[str, Body]] = []
        """(`load` or `unload`, body), in order."""
        self.refuses: str | None = None
        """Why it refuses to load an adapter."""
        self.keeps = False
        """Whether it says yes to an unload and goes on serving."""
        self.bodies: list[Body] = []
        self.url = ""

    def load(self, body: Body) -> tuple[int, Any]:
        """POST /v1/load_lora_adapter."""
        self.swaps.append(("load", body))
        if self.refuses is not None:
            return 400, {"error": {"message": self.refuses}}
        self.adapters[body["lora_name"]] = body["lora_path"]
        return 200, f"Success: LoRA adapter '{body['lora_name']}' added successfully."

    def unload(self, body: Body) -> tuple[int, Any]:
        """POST /v1/unload_lora_adapter."""
        self.swaps.append(("unload", body))
        if not self.keeps:
            del self.adapters[body["lora_name"]]
        return 200, "Success"

    def chat(self, body: Body) -> tuple[int, Any]:
        """POST /v1/chat/completions."""
        self.bodies.append(body)
        if body["model"] not in self.adapters:
            return 404, {"error": {"message": "no such model"}}
        return 200, self.answer(body)

    def models(self) -> Body:
        """GET /v1/models."""
        names = ["base", *self.adapters]
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


def server_of(state: VllmServer, port: int = 0) -> ThreadingHTTPServer:
    """The HTTP server of a state; its port is free, or the one given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/health":
                self._send(200, "")
            else:
                self._checked(lambda: (200, state.models()))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            routes = {
                "/v1/load_lora_adapter": state.load,
                "/v1/unload_lora_adapter": state.unload,
                "/v1/chat/completions": state.chat,
            }
            self._checked(lambda: routes[self.path](body))

        def _checked(self, route: Callable[[], tuple[int, Any]]) -> None:
            if self.headers["Authorization"] != f"Bearer {state.key}":
                self._send(401, {"error": {"message": "wrong key"}})
            else:
                self._send(*route())

        def _send(self, status: int, content: Any) -> None:
            plain = isinstance(content, str)
            data = content.encode() if plain else json.dumps(content).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if plain else "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:  # whoever asked has gone
                pass

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    return server


@contextmanager
def serving(answer: Callable[[Body], Body]) -> Iterator[VllmServer]:
    """Run a server in a thread; `answer` makes the completion of a request's body."""
    state = VllmServer(answer)
    server = server_of(state)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Serve until killed, or fail as told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--fails", default="")
    options, _ = parser.parse_known_args()
    print("arguments", json.dumps(sys.argv[1:]), flush=True)
    if options.fails == "start":
        sys.exit("no room for the cache")
    # A worker, as vLLM has them, which must not outlive the server.
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    print("worker", worker.pid, flush=True)

    def answer(body: Body) -> Body:
        # As vLLM: the cause, then what it led to, which is longer than an error shows.
        print("(Worker pid=7) ERROR 11-27 04:43:08 [executor.py:1063] ValueError: worker died")
        print("\n".join(["stopping"] * 40), flush=True)
        os._exit(3)

    state = VllmServer(answer, os.environ.get("VLLM_API_KEY", "none"))
    if options.fails == "health":
        threading.Event().wait()
    server_of(state, options.port).serve_forever()


if __name__ == "__main__":
    main()
