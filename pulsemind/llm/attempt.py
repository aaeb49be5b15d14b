"""One attempt at a request: what goes out, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import openai

from pulsemind.llm.messages import Answered, Reply, read_completion

REJECTED = frozenset({400, 413, 422})
"""The server takes no such request; another one may do."""


@dataclass(frozen=True)
class Failure:
    """An attempt without an answer. `kind`: a status, `timeout`, `connection`, or `garbled` (not
    the chat API's answer)."""

    kind: str
    retry_after: float = 0.0


async def send(client: openai.AsyncOpenAI, body: Mapping[str, Any]) -> bytes | Answered | Failure:
    """Ask once; the answer is left unread. No exception leaves: an error of the client quotes what
    the server said."""
    try:
        # As bytes: the client's own records of an answer cost more than all the rest of it.
        return await client.post("/chat/completions", cast_to=bytes, body=body)
    except openai.APIConnectionError as error:  # a timeout is one
        return Failure("timeout" if _timed_out(error) else "connection")
    except openai.APIStatusError as error:
        if error.status_code in REJECTED:
            return Reply(text=None, finish="rejected"), [0, 0]
        return Failure(str(error.status_code), _retry_after(error.response.headers))
    except (openai.OpenAIError, ValueError):
        return Failure("garbled")


def read(answer: bytes) -> Answered | Failure:
    """The reply in an answer, and its tokens."""
    try:
        return read_completion(answer)
    except ValueError:
        return Failure("garbled")


def _timed_out(error: BaseException | None) -> bool:
    """Whether a time-out is at the bottom of it; the client takes other broken connections for
    time-outs too."""
    while error is not None:
        if isinstance(error, TimeoutError):
            return True
        error = error.__cause__
    return False


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds of `retry-after-ms` or `Retry-After`; 0 where there is neither number."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers.get(name, "")) * unit)
        except ValueError:
            continue
    return 0.0
