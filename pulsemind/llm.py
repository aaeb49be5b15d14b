"""The one door to chat models: any OpenAI-compatible endpoint, many requests at once, none twice.

`complete_all` answers a stream of requests with a bounded number in flight. Every answer goes to a
cache on disk the moment it arrives, keyed by the content of its request, so that a killed run
asks nothing again. Requests are pulled one by one: prompts and images never stand in memory
together.

Which failures stop the run, and which give None (ours):
- wrong key, unknown model, unreachable server, or a limit (408, 409, 429, 5xx) that outlasts the
  client's retries: `LlmError`; what was answered so far is kept;
- a request the server refuses for its content (400, 413, 422), or an answer without text: None.
No error text contains a prompt, an answer or a key.
"""

from __future__ import annotations

import asyncio
import base64
import mimetypes
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import openai
from diskcache import Cache, JSONDisk
from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from pulsemind.artifacts import json_digest
from pulsemind.settings import Endpoint

MAX_RETRIES = 6
TIMEOUT_SECONDS = 120.0
REFUSED = frozenset({400, 413, 422})


class LlmError(RuntimeError):
    """An endpoint cannot be used; the text names endpoint and reason, never content."""


class Message(BaseModel):
    """One chat message. `images` are local files, sent as data URLs after the text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Path, ...] = ()


@dataclass
class Usage:
    """What requests cost, summed up. Answers from the cache count with what they once cost, so
    that a resumed run reports the same sums; `cached` says how many cost nothing this time."""

    requests: int = 0
    cached: int = 0
    unreported: int = 0
    """Requests whose server (or older cache entry) stated no tokens."""
    tokens_in: int = 0
    tokens_out: int = 0

    def add(self, tokens: Sequence[int] | None) -> None:
        """One more answered request and its (tokens in, tokens out), if stated."""
        self.requests += 1
        if tokens is None:
            self.unreported += 1
        else:
            self.tokens_in += tokens[0]
            self.tokens_out += tokens[1]


class Request(BaseModel):
    """One question to a chat model.

    `endpoint` is the name in `services.endpoints`: the address may change without asking again,
    and the same model name on two servers stays apart. `json_schema` asks for structured output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    model: str
    messages: tuple[Message, ...]
    json_schema: dict[str, Any] | None = None
    temperature: float = Field(ge=0)
    max_tokens: int = Field(ge=1)
    seed: int


def connect(name: str, endpoints: Mapping[str, Endpoint]) -> openai.AsyncOpenAI:
    """A client for the endpoint called `name`.

    Raises LlmError when there is no such endpoint, or the environment variable that should hold
    its key is not set; the text names the variable.
    """
    if name not in endpoints:
        raise LlmError(f"services.endpoints has no {name!r}; it has {', '.join(sorted(endpoints))}")
    variable = endpoints[name].api_key_env
    key = os.environ.get(variable)
    if not key:
        raise LlmError(
            f"endpoint {name!r}: environment variable {variable} is not set; it must hold the key "
            "(any word for a server that asks for none)"
        )
    return openai.AsyncOpenAI(
        base_url=endpoints[name].base_url,
        api_key=key,
        max_retries=MAX_RETRIES,
        timeout=TIMEOUT_SECONDS,
    )


def data_url(path: Path) -> str:
    """An image file as a data URL."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _wire(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.text}]
    parts += [{"type": "image_url", "image_url": {"url": data_url(p)}} for p in message.images]
    return {"role": message.role, "content": parts}


def _body(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_wire(message) for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
    }
    if request.json_schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": request.json_schema, "strict": True},
        }
    return body


async def chat(
    client: openai.AsyncOpenAI, endpoint: str, body: Mapping[str, Any]
) -> tuple[str | None, list[int] | None]:
    """Ask once (the client repeats what is worth repeating): text, and tokens in and out.

    The text is None when refused or empty, the tokens when the server does not state them.
    Raises LlmError as the module says.
    """
    reason: str
    try:
        completion = await client.chat.completions.create(**body)
        used = completion.usage
        tokens = [used.prompt_tokens, used.completion_tokens] if used else None
        return completion.choices[0].message.content or None, tokens
    except openai.APIStatusError as error:
        if error.status_code in REFUSED:
            return None, None
        reason = f"status {error.status_code}"
    except openai.OpenAIError as error:
        reason = type(error).__name__
    except (LookupError, TypeError, AttributeError, ValueError):
        reason = "not an OpenAI-compatible answer"
    # Raised out here so that the original, which quotes the server's words, is not chained.
    raise LlmError(f"endpoint {endpoint!r}, model {body['model']!r}: {reason}")


def complete_all(
    requests: Iterable[Request],
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    total: int | None = None,
    label: str = "requests",
    usage: Usage | None = None,
) -> list[str | None]:
    """Answer all requests, in their order; None where there is no answer to be had.

    Args:
        requests: pulled lazily, at most `concurrency` of them at a time.
        cache: folder of the answer cache; made when absent, may be shared between runs.
        total: their number, for the progress bar.
        usage: where to add up requests and tokens.

    Raises LlmError as the module says; must not be called from inside an event loop.
    """
    # No eviction: a lost answer would be paid for twice.
    keep_all = {"eviction_policy": "none", "cull_limit": 0, "size_limit": 2**62}
    with (
        Cache(str(cache), disk=JSONDisk, **keep_all) as store,
        tqdm(total=total, desc=label, mininterval=1.0) as bar,
    ):
        used = usage or Usage()
        answers = asyncio.run(_complete(iter(requests), endpoints, concurrency, store, bar, used))
    return [answers[index] for index in range(len(answers))]


def _tokens(key: str) -> str:
    """Where the cache holds what an answer cost, beside the answer itself."""
    return f"{key}:tokens"


async def _complete(
    requests: Iterator[Request],
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    store: Any,
    bar: tqdm[Any],
    usage: Usage,
) -> dict[int, str | None]:
    answers: dict[int, str | None] = {}
    clients: dict[str, openai.AsyncOpenAI] = {}
    asking: dict[str, asyncio.Lock] = {}
    numbered = enumerate(requests)
    async with AsyncExitStack() as open_clients:

        async def work() -> None:
            for index, request in numbered:
                body = _body(request)
                key = json_digest({"endpoint": request.endpoint, **body})
                async with asking.setdefault(key, asyncio.Lock()):  # equal requests are asked once
                    if key in store:
                        answers[index] = store[key]
                        usage.cached += 1
                    else:
                        if request.endpoint not in clients:
                            client = connect(request.endpoint, endpoints)
                            opened = await open_clients.enter_async_context(client)
                            clients[request.endpoint] = opened
                        answers[index], tokens = await chat(
                            clients[request.endpoint], request.endpoint, body
                        )
                        store[_tokens(key)] = tokens
                        store[key] = answers[index]
                asking.pop(key, None)
                usage.add(store.get(_tokens(key)))
                bar.update()

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(work())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
    return answers
