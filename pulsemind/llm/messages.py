"""What is asked of a chat model and what comes back, and how both look on the wire."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

BYTES_A_TOKEN = 3
IMAGE_TOKENS = 1000


class Message(BaseModel):
    """One chat message: `text`, then the `images` (local files, sent as data URLs), then `after`.

    What many requests share belongs into `text` and `images`: servers keep the work of a prefix.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Path, ...] = ()
    after: str = ""

    def wire(self) -> dict[str, Any]:
        """The message as the chat API wants it."""
        if not self.images:
            return {"role": self.role, "content": self.text + self.after}
        return {"role": self.role, "content": list(self._parts())}

    def _parts(self) -> Iterator[dict[str, Any]]:
        yield {"type": "text", "text": self.text}
        for path in self.images:
            yield {"type": "image_url", "image_url": {"url": data_url(path)}}
        if self.after:
            yield {"type": "text", "text": self.after}


class Request(BaseModel):
    """One question to a chat model.

    `endpoint` is the name in `services.endpoints`: the address may change without asking again,
    and the same model name at two endpoints stays apart. `json_schema` asks for structured output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    model: str
    messages: tuple[Message, ...]
    json_schema: dict[str, Any] | None = None
    temperature: float = Field(ge=0)
    max_tokens: int = Field(ge=1)
    seed: int

    def body(self) -> dict[str, Any]:
        """The request as the chat API wants it; reads the images."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [message.wire() for message in self.messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
        }
        if self.json_schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": self.json_schema, "strict": True},
            }
        return body

    def expected_tokens(self) -> tuple[int, int]:
        """Tokens in and out, on the high side: rate limits and budgets count with them before
        the server has said the true ones. Three bytes a token are about one Chinese character."""
        size = sum(len((m.text + m.after).encode()) for m in self.messages)
        images = sum(len(m.images) for m in self.messages)
        return size // BYTES_A_TOKEN + images * IMAGE_TOKENS, self.max_tokens


class Reply(BaseModel):
    """A chat model's answer. `text` is None when there is none to be had.

    `finish`: `stop`; `length` (cut at max_tokens); `refused` (by the model or the server's
    filter); `rejected` (the server takes no such request: 400, 413, 422); `empty`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str | None
    finish: Literal["stop", "length", "refused", "rejected", "empty"]


Answered = tuple[Reply, list[int] | None]
"""A reply, and its tokens in and out if the server states them."""


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Used(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class _Completion(BaseModel):
    """Of the chat API's answer what is read here; servers add all sorts of things."""

    choices: tuple[_Choice, ...] = Field(min_length=1)
    usage: _Used | None = None


def read_completion(answer: bytes) -> Answered:
    """The reply in an answer of the chat API, and its tokens.

    Raises ValueError when it is not the API's answer.
    """
    completion = _Completion.model_validate_json(answer)
    used = completion.usage
    tokens = None if used is None else [used.prompt_tokens, used.completion_tokens]
    return _reply(completion.choices[0]), tokens


def _reply(choice: _Choice) -> Reply:
    said = choice.message
    if said.refusal or choice.finish_reason == "content_filter":
        return Reply(text=None, finish="refused")
    if not said.content:
        return Reply(text=None, finish="empty")
    return Reply(text=said.content, finish="length" if choice.finish_reason == "length" else "stop")


def data_url(path: Path) -> str:
    """An image file as a data URL."""
    state = path.stat()
    return _data_url(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _data_url(path: Path, changed: int, size: int) -> str:
    """All candidates of a query show the same images: read and encoded once."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
