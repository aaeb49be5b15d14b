"""A small OpenAI-compatible chat server on 127.0.0.1, for tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


class ChatServer:
    """What the server answers, and what it was asked."""

    def __init__(self, answer: Callable[[Body], str | Body]) -> None:
        self.answer = answer
        """The reply's text; or a whole choice: `content`, `refusal`, `finish_reason`."""
        self.tokens: tuple[int, int] | None = None
        """Tokens in and out that every answer states."""
        self.retry_after = ("retry-after-ms", "1")
        self.delay: Callable[[Body], float] = lambda body: 0.0
        self.statuses: list[int] = []
        """Errors to answer first, one a request."""
        self.bodies: list[Body] = []
        self.url = ""
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()


@contextmanager
def serving(answer: Callable[[Body], str | Body]) -> Iterator[ChatServer]:
    """Run a server whose replies are `answer(request body)`."""
    state = ChatServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state.lock:
                state.bodies.append(body)
                state.at_once += 1
                state.most_at_once = max(state.most_at_once, state.at_once)
                status = state.statuses.pop(0) if state.statuses else 200
            time.sleep(state.delay(body))
            said = state.answer(body) if status == 200 else ""
            message = {"content": said} if isinstance(said, str) else dict(said)
            finish = message.pop("finish_reason", "stop")
            with state.lock:
                state.at_once -= 1
            reply: Body = {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": finish,
                        "message": {"role": "assistant", "content": None, **message},
                    }
                ],
            }
            if state.tokens is not None:
                used = dict(zip(("prompt_tokens", "completion_tokens"), state.tokens, strict=True))
                reply["usage"] = {**used, "total_tokens": sum(state.tokens)}
            if status != 200:  # real servers quote what they were sent
                reply = {"error": {"message": json.dumps(body)}}
            data = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header(*state.retry_after)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
