"""Replies of a model behind an OpenAI-compatible endpoint (counterparts, baselines)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pulsemind.llm import LlmError, Message, Request, complete_all
from pulsemind.model.chat import ROLES, system_prompt
from pulsemind.records import Query
from pulsemind.settings import Decoding, Endpoint


class NoAnswer(LlmError):
    """Queries that the endpoint gives no answer to; `finish` says why not to the first of them."""

    def __init__(self, text: str, finish: str) -> None:
        super().__init__(text)
        self.finish = finish


def answer_served(
    queries: Sequence[Query],
    folder: Path,
    endpoint: str,
    model: str,
    decoding: Decoding,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
) -> list[str]:
    """One reply a query, in order; every answer is cached, so a second try asks only the rest.

    Temperature, length and seed of `decoding` are sent; top_k, top_p and the repetition penalty
    are not part of the common protocol.

    Raises NoAnswer naming the queries that got none: a refusal is never taken for a reply; and
    LlmError when the endpoint cannot be asked.
    """
    requests = (
        Request(
            endpoint=endpoint,
            model=model,
            messages=_messages(query, folder),
            temperature=decoding.temperature,
            max_tokens=decoding.max_new_tokens,
            seed=decoding.seed,
        )
        for query in queries
    )
    replies = complete_all(
        requests, endpoints, concurrency, cache, total=len(queries), label=f"answers of {model}"
    )
    silent = [
        (query.id, reply.finish)
        for query, reply in zip(queries, replies, strict=True)
        if reply.text is None
    ]
    if silent:
        first, finish = silent[0]
        text = f"{model} gave no answer to {len(silent)} queries, first {first}: {finish}"
        raise NoAnswer(text, finish)
    return [str(reply.text) for reply in replies]


def _messages(query: Query, folder: Path) -> tuple[Message, ...]:
    turns = [
        Message.model_validate(
            {
                "role": ROLES[turn.role],
                "text": turn.text,
                "images": tuple(folder / image.path for image in turn.images),
            }
        )
        for turn in query.turns
    ]
    return (Message(role="system", text=system_prompt()), *turns)
