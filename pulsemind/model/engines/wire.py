"""Rollouts over the chat API: what vLLM is asked for a query, and what must come back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulsemind.artifacts import json_digest
from pulsemind.llm.messages import data_url
from pulsemind.model.chat import encode, messages, vision_token_ids
from pulsemind.model.engine import fit_prompt
from pulsemind.model.engines.base import EngineError, Sampling
from pulsemind.records import Query, Rollout, Turn

END = "<|im_end|>"
FORBIDDEN = -100.0
"""Added to the logit of a vision placeholder; e^-100 is never drawn."""


@dataclass(frozen=True)
class Prompt:
    """A query as it is sent, and the tokens that the server must make of it."""

    query: Query
    turns: list[Turn]
    ids: tuple[int, ...]


def prompt(processor: Any, query: Query, data: Path, max_length: int) -> Prompt:
    """The query's dialogue without the earliest turns that do not fit, with the processor's ids.

    Raises ValueError when its last turn alone is too long.
    """
    turns = fit_prompt(processor, query.turns, data, max_length)
    ids = encode(processor, [turns], data, reply=True)["input_ids"][0].tolist()
    return Prompt(query, turns, tuple(ids))


def body(
    processor: Any, asked: Prompt, data: Path, sampling: Sampling, model: str
) -> dict[str, Any]:
    """The request for a query's whole group.

    Everything that shapes the distribution is said, for a server may have other defaults (a
    checkpoint's `generation_config.json`). The seed depends on the query, not on its place.
    """
    seed = int(json_digest([sampling.seed, asked.query.id])[:8], 16) >> 1
    vision = {str(i): FORBIDDEN for i in vision_token_ids(processor)}
    return {
        "model": model,
        "messages": chat(asked.turns, data),
        "n": sampling.candidates,
        "seed": seed,
        "temperature": sampling.temperature,
        "top_p": 1.0,
        "max_completion_tokens": sampling.max_new_tokens,
        "logprobs": True,
        "logit_bias": vision,
        "extra_body": {
            "top_k": -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "ignore_eos": True,  # of a checkpoint's several ends only this one ends a turn:
            "stop_token_ids": [processor.tokenizer.convert_tokens_to_ids(END)],
            "return_token_ids": True,
        },
    }


def chat(turns: Sequence[Turn], data: Path) -> list[dict[str, Any]]:
    """The messages that the trainer renders, each image in its place as a data URL."""
    images = iter([data / image.path for turn in turns for image in turn.images])
    return [
        {
            **message,
            "content": [
                {"type": "image_url", "image_url": {"url": data_url(next(images))}}
                if part["type"] == "image"
                else part
                for part in message["content"]
            ],
        }
        for message in messages(turns)
    ]


def image_size(processor: Any) -> dict[str, int]:
    """The least and the most pixels that the processor scales images to."""
    size = processor.image_processor.size
    return {edge: int(size[edge]) for edge in ("shortest_edge", "longest_edge")}


def group(
    processor: Any, asked: Prompt, completion: Any, sampling: Sampling, policy: str
) -> list[Rollout]:
    """The rollouts in the server's answer, candidate by candidate.

    Raises EngineError when it is not a whole group, was sampled from other prompt tokens, or holds
    anything that could not be replayed.
    """
    query = asked.query.id
    made = getattr(completion, "prompt_token_ids", None)
    if made is None:
        raise EngineError("the server returns no token ids: it must be vLLM 0.11 or later")
    if tuple(made) != asked.ids:
        raise EngineError(
            f"query {query}: the server's prompt has {len(made)} tokens, the processor's "
            f"{len(asked.ids)}{_first_difference(made, asked.ids)}; see that it serves the base "
            "model of this run, with its chat template and image sizes"
        )
    choices = sorted(completion.choices, key=lambda choice: choice.index)
    if [choice.index for choice in choices] != list(range(sampling.candidates)):
        raise EngineError(
            f"query {query}: {len(choices)} candidates came back, not {sampling.candidates}"
        )
    return [_rollout(processor, asked, choice, policy) for choice in choices]


def _rollout(processor: Any, asked: Prompt, choice: Any, policy: str) -> Rollout:
    ids = list(getattr(choice, "token_ids", None) or [])
    entries = choice.logprobs.content if choice.logprobs else []
    logprobs = [float(entry.logprob) for entry in entries or []]
    finish = choice.finish_reason
    end = processor.tokenizer.convert_tokens_to_ids(END)
    problem = ""
    if finish not in ("stop", "length"):
        problem = f"ended by {finish!r}"
    elif not ids or (ids[-1] == end) != (finish == "stop"):
        problem = f"does not end as its finish reason ({finish}) says"
    elif len(logprobs) != len(ids) or not all(map(math.isfinite, logprobs)):
        problem = f"has {len(ids)} tokens, but {len(logprobs)} log-probabilities or not finite ones"
    elif set(vision_token_ids(processor)) & set(ids):
        problem = "holds a vision placeholder token, although they are forbidden"
    if problem:
        raise EngineError(f"query {asked.query.id}: candidate {choice.index} {problem}")
    return Rollout(
        query_id=asked.query.id,
        candidate=choice.index,
        prompt_ids=asked.ids,
        token_ids=tuple(ids),
        logprobs=tuple(logprobs),
        text=processor.tokenizer.decode(ids, skip_special_tokens=True).strip(),
        finish_reason=finish,
        policy=policy,
    )


def _first_difference(made: Sequence[int], own: Sequence[int]) -> str:
    pairs = enumerate(zip(made, own, strict=False))
    return next((f", and they differ first at {i}" for i, (a, b) in pairs if a != b), "")
