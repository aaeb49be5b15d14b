"""Starts and stops an OpenAI-compatible server as a child that never outlives this process."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openai
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from pulsemind.model.engines.base import EngineError

HOST = "127.0.0.1"
TAIL = 25
"""Lines of the log's end that an error shows."""
CAUSES = re.compile(
    r"^(?:\([^)]*\) )?(?:[A-Z]+ \S+ \S+ \[[^\]]*\] )?((?:\w+\.)*\w*(?:Error|Exception): .{1,300})",
    re.M,
)
"""Last lines of tracebacks in a log, with vLLM's prefixes or without."""
FIRST = 3
"""Of these that an error shows: the end of a log tells what the first of them led to."""
STOPPING = 60.0
"""Seconds a server may take to end, the keeper's grace included."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    base_url: str
    """Up to and including `/v1`."""
    key: str
    """What it asks for as API key."""
    process: subprocess.Popen[bytes] | None = None
    """Ours, or None for one at a given address."""
    log: Path | None = None

    def state(self) -> str:
        """What is known of it, for errors: whether it lives, its first errors, its log's end."""
        if self.process is None or self.log is None:
            return f"see that the server at {self.base_url} runs (services.engine)"
        alive = self.process.poll() is None
        return f"the server {'runs' if alive else 'has ended'}; {_tail(self.log)}"


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], log: Path, seconds: float
) -> Iterator[Running]:
    """Run a server on a free port of 127.0.0.1 until the block ends, however it ends.

    Args:
        command: what starts it; `--host` and `--port` are added.
        environment: added to this process's own.
        log: file for its output, begun anew.
        seconds: until /health must answer.

    It is given a random key (`VLLM_API_KEY`), so that nobody else on the machine can use it. Raises
    EngineError when it cannot be started, ends, or is not healthy in time.
    """
    key = secrets.token_hex(16)
    port = _free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    keeper = [sys.executable, str(Path(__file__).with_name("keeper.py"))]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*keeper, *command, "--host", HOST, "--port", str(port)],
            env={**os.environ, **environment, "VLLM_API_KEY": key},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        running = Running(f"http://{HOST}:{port}/v1", key, process, log)
        _await(running, command[0], seconds)
        yield running
    finally:
        _stop(process)


def _await(running: Running, program: str, seconds: float) -> None:
    """Wait for /health."""
    with openai.OpenAI(
        base_url=running.base_url, api_key=running.key, max_retries=0, timeout=5.0
    ) as client:
        for attempt in Retrying(
            retry=retry_if_exception_type(openai.OpenAIError),
            wait=wait_fixed(0.25),
            stop=stop_after_delay(seconds),
            retry_error_callback=lambda _: None,
        ):
            if running.process is not None and running.process.poll() is not None:
                raise EngineError(f"{program} did not start: {running.state()}")
            with attempt:
                client.get(f"{running.base_url.removesuffix('/v1')}/health", cast_to=str)
                return
    raise EngineError(
        f"{program} is not healthy after {seconds:g} s (services.engine.start_seconds): "
        f"{running.state()}"
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let the keeper end the server; then make sure that nothing of the group is left."""
    assert process.stdin is not None  # a pipe, by Popen's argument
    process.stdin.close()
    try:
        process.wait(timeout=STOPPING)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


def _tail(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    causes = list(dict.fromkeys(CAUSES.findall(text)))[:FIRST]
    parts = {"the first errors in its log": causes, f"the end of {log}": text.splitlines()[-TAIL:]}
    return "\n".join(
        f"{name}:\n" + "\n".join(f"  {line}" for line in lines)
        for name, lines in parts.items()
        if lines
    )
