"""The judge behind an OpenAI-compatible endpoint: prompts, structured output, its reading.

One request a pair and order returns all dimensions and an overall verdict. The model says "A", "B"
or "tie", never "win", so that it cannot mistake whose win is meant; we know which reply was shown
first.

What all requests of a query share comes first, byte for byte: the system prompt, then dialogue,
reference and images; the replies come last, so that a server's prefix cache pays. All texts are
data: they stand between marks, a digest of the query for the shared part and one of query and
replies for the replies, which a reply cannot know; the prompt says that nothing inside is an order.

An answer that is malformed, cut or refused is asked for again, `judge.retries` times at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache as cached
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from pulsemind.artifacts import text_digest
from pulsemind.judge.pairs import Judgement, Pair, Sample
from pulsemind.llm import Message, Reply, Request, Usage, complete_all
from pulsemind.records import Dimension, Order, Outcome, Query
from pulsemind.settings import Endpoint, Judge

MAX_TOKENS = 512
REASON_CHARACTERS = 400
Choice = Literal["A", "B", "tie"]
Grade = Annotated[int, Field(ge=1, le=5, strict=True)]


@cached
def preference(dimensions: tuple[Dimension, ...]) -> type[BaseModel]:
    """The structured answer of a comparison. The reason comes first: think, then decide."""
    return _answer("Preference", {**dict.fromkeys(dimensions, Choice), "overall": Choice})


@cached
def grades(dimensions: tuple[Dimension, ...]) -> type[BaseModel]:
    """The structured answer of an absolute judgement, 1 (worst) to 5 (best)."""
    return _answer("Grades", dict.fromkeys(dimensions, Grade))


def _answer(name: str, decisions: Mapping[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {"reason": (str, ...), **{d: (t, ...) for d, t in decisions.items()}}
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def compare(
    shown: Sequence[tuple[Pair, Order]],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage | None,
) -> list[Judgement]:
    """Judge pairs, each in its order."""
    model = preference(tuple(settings.dimensions))

    def ask(index: int) -> tuple[Message, ...]:
        pair, order = shown[index]
        replies = [pair.text, pair.counterpart_text]
        if order == "counterpart_first":
            replies.reverse()
        return messages("compare.md", settings, pair.query, replies, images)

    requests = _requests(len(shown), ask, _schema(model, settings, endpoints), settings)
    replies = complete_all(
        requests, endpoints, concurrency, cache, len(shown), "judge", usage, _again(model, settings)
    )
    return [
        _seen(reply, read(reply.text, model), order, settings)
        for reply, (_, order) in zip(replies, shown, strict=True)
    ]


def score(
    samples: Sequence[Sample],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage | None,
) -> list[dict[Dimension, float] | None]:
    """Score replies 1 to 5; None where no attempt gave anything usable."""
    model = grades(tuple(settings.dimensions))

    def ask(index: int) -> tuple[Message, ...]:
        sample = samples[index]
        return messages("score.md", settings, sample.query, [sample.text], images)

    requests = _requests(len(samples), ask, _schema(model, settings, endpoints), settings)
    replies = complete_all(
        requests, endpoints, concurrency, cache, len(samples), "judge", usage,
        _again(model, settings),
    )  # fmt: skip
    answers = [read(reply.text, model) for reply in replies]
    return [
        None if answer is None else {d: float(getattr(answer, d)) for d in settings.dimensions}
        for answer in answers
    ]


def read(answer: str | None, model: type[BaseModel]) -> BaseModel | None:
    """The structured answer in a judge's text, or None.

    The whole text must be the JSON object, alone or in one code fence: nothing is fished out of
    prose, where a judge may list the choices before it decides.
    """
    if answer is None:
        return None
    fenced = re.fullmatch(r"\s*```(?:json)?\s*(.*?)\s*```\s*", answer, re.DOTALL)
    try:
        return model.model_validate_json(fenced[1] if fenced else answer)
    except ValidationError:
        return None


def _again(model: type[BaseModel], settings: Judge) -> Callable[[Request, Reply], Request | None]:
    """Ask once more where an answer is unusable; the seed counts the attempts."""

    def again(request: Request, reply: Reply) -> Request | None:
        attempt = request.seed - settings.seed
        if attempt >= settings.retries or read(reply.text, model) is not None:
            return None
        *before, last = request.messages
        if attempt == 0:
            last = last.model_copy(update={"after": f"{last.after}\n\n{_prompt('retry.md')}"})
        cut = reply.finish == "length"
        return request.model_copy(
            update={
                "messages": (*before, last),
                "seed": request.seed + 1,
                "max_tokens": request.max_tokens * (2 if cut else 1),
            }
        )

    return again


def _schema(
    model: type[BaseModel], settings: Judge, endpoints: Mapping[str, Endpoint]
) -> dict[str, Any]:
    """The answer's JSON schema, with an end to the reason where the endpoint can be told of it."""
    schema = model.model_json_schema()
    if settings.endpoint in endpoints and endpoints[settings.endpoint].length_limits:
        schema["properties"]["reason"]["maxLength"] = REASON_CHARACTERS
    return schema


def _requests(
    count: int,
    ask: Callable[[int], tuple[Message, ...]],
    schema: dict[str, Any],
    settings: Judge,
) -> Iterator[Request]:
    for index in range(count):
        yield Request(
            endpoint=settings.endpoint,
            model=settings.model,
            messages=ask(index),
            json_schema=schema,
            temperature=0.0,
            max_tokens=MAX_TOKENS,
            seed=settings.seed,
        )


def _seen(reply: Reply, answer: Any, order: Order, settings: Judge) -> Judgement:
    """The last answer of a pair, from the candidate's side."""
    if answer is None:
        known = {"length": "truncated", "stop": "malformed"}
        reason = f"unjudged: {known.get(reply.finish, reply.finish)}"
        return Judgement(outcomes=None, overall=None, reason=reason)
    candidate = "A" if order == "candidate_first" else "B"

    def seen(choice: Choice) -> Outcome:
        return "tie" if choice == "tie" else "win" if choice == candidate else "loss"

    return Judgement(
        outcomes={d: seen(getattr(answer, d)) for d in settings.dimensions},
        overall=seen(answer.overall),
        reason=answer.reason[:REASON_CHARACTERS],
    )


@cached
def _prompt(name: str) -> str:
    return files("pulsemind").joinpath("prompts", name).read_text(encoding="utf-8").strip()


def _instructions(prompt: str, settings: Judge) -> str:
    """The system prompt: it depends on the judge's settings alone."""
    lines = _prompt("dimensions.md").splitlines()
    known = {line.removeprefix("- ").partition(":")[0]: line for line in lines}
    wanted = "\n".join(known[dimension] for dimension in settings.dimensions)
    return Template(_prompt(prompt)).substitute(dimensions=wanted)


def messages(
    prompt: str, settings: Judge, query: Query, replies: Sequence[str], images: Path | None
) -> tuple[Message, ...]:
    """What is asked: system prompt; query, images, then replies (A, B), each text in its fence."""
    dialogue = "\n".join(
        f"{turn.role}: {turn.text}" + " [image]" * len(turn.images) for turn in query.turns
    )
    shared = {"DIALOGUE": dialogue, "REFERENCE": query.reference}
    mark = _mark(shared.values())
    own = {f"REPLY {letter}": text for letter, text in zip("AB", replies, strict=False)}
    shown = () if images is None else (images / i.path for t in query.turns for i in t.images)
    return (
        Message(role="system", text=_instructions(prompt, settings)),
        Message(
            role="user",
            text=_fenced(shared, mark),
            images=tuple(shown),
            after="\n\n" + _fenced(own, _mark([mark, *replies])),
        ),
    )


def _mark(texts: Iterable[str]) -> str:
    return text_digest("\x00".join(texts))[:16]


def _fenced(texts: Mapping[str, str], mark: str) -> str:
    return "\n\n".join(
        f"<<<{name} {mark}\n{text}\n{mark} {name}>>>" for name, text in texts.items()
    )
