"""The judge behind an OpenAI-compatible endpoint: prompts, structured output, its reading.

One request a pair and order returns all four dimensions and an overall verdict. The model says
"A", "B" or "tie", never "win", so that it cannot mistake whose win is meant; we know which reply
was shown first. Reply texts are data: they stand between marks that hold a digest of the texts
themselves, which a reply cannot know, and the prompt says that nothing inside them is an order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache as cached
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulsemind.artifacts import text_digest
from pulsemind.judge.pairs import Judgement, Pair, Sample
from pulsemind.llm import Message, Request, complete_all
from pulsemind.records import DIMENSIONS, Dimension, Order, Outcome, Query
from pulsemind.settings import Endpoint, Judge

MAX_TOKENS = 512
REASON_CHARACTERS = 400
Choice = Literal["A", "B", "tie"]
Grade = Annotated[int, Field(ge=1, le=5, strict=True)]


class Preference(BaseModel):
    """The structured answer of a comparison. The reason comes first: think, then decide."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    proactiveness: Choice
    accuracy: Choice
    usefulness: Choice
    language_quality: Choice
    overall: Choice


class Grades(BaseModel):
    """The structured answer of an absolute judgement, 1 (worst) to 5 (best)."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    proactiveness: Grade
    accuracy: Grade
    usefulness: Grade
    language_quality: Grade


A = TypeVar("A", Preference, Grades)


def compare(
    shown: Sequence[tuple[Pair, Order]],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
) -> list[Judgement | None]:
    """Judge pairs, each in its order; None where two attempts gave nothing usable."""

    def ask(index: int) -> tuple[Message, ...]:
        pair, order = shown[index]
        replies = [pair.text, pair.counterpart_text]
        if order == "counterpart_first":
            replies.reverse()
        return _messages("compare.md", pair.query, replies, images)

    answers = _twice(Preference, len(shown), ask, settings, endpoints, concurrency, cache)
    return [
        None if answer is None else _from_candidate(answer, order)
        for answer, (_, order) in zip(answers, shown, strict=True)
    ]


def score(
    samples: Sequence[Sample],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
) -> list[dict[Dimension, float] | None]:
    """Score replies 1 to 5; None where two attempts gave nothing usable."""

    def ask(index: int) -> tuple[Message, ...]:
        return _messages("score.md", samples[index].query, [samples[index].text], images)

    answers = _twice(Grades, len(samples), ask, settings, endpoints, concurrency, cache)
    return [
        None if answer is None else {d: float(getattr(answer, d)) for d in DIMENSIONS}
        for answer in answers
    ]


def read(answer: str | None, model: type[A]) -> A | None:
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


def _twice(
    model: type[A],
    count: int,
    ask: Callable[[int], tuple[Message, ...]],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
) -> list[A | None]:
    """Ask all; ask once more, with a reminder, where the answer is unusable."""
    answers: list[A | None] = [None] * count
    # The reminder also makes the second request another one to the cache.
    reminder = Message(role="user", text=_prompt("retry.md"))
    for extra in ((), (reminder,)):
        missing = [index for index, answer in enumerate(answers) if answer is None]
        prompts = (ask(index) + extra for index in missing)
        texts = complete_all(
            _requests(prompts, model, settings),
            endpoints,
            concurrency,
            cache,
            len(missing),
            "judge",
        )
        for index, text in zip(missing, texts, strict=True):
            answers[index] = read(text, model)
    return answers


def _requests(
    prompts: Iterable[tuple[Message, ...]], model: type[BaseModel], settings: Judge
) -> Iterator[Request]:
    for messages in prompts:
        yield Request(
            endpoint=settings.endpoint,
            model=settings.model,
            messages=messages,
            json_schema=model.model_json_schema(),
            temperature=0.0,
            max_tokens=MAX_TOKENS,
            seed=settings.seed,
        )


def _from_candidate(answer: Preference, order: Order) -> Judgement:
    candidate = "A" if order == "candidate_first" else "B"

    def seen(choice: Choice) -> Outcome:
        return "tie" if choice == "tie" else "win" if choice == candidate else "loss"

    return Judgement(
        outcomes={d: seen(getattr(answer, d)) for d in DIMENSIONS},
        overall=seen(answer.overall),
        reason=answer.reason[:REASON_CHARACTERS],
    )


@cached
def _prompt(name: str) -> str:
    return files("pulsemind").joinpath("prompts", name).read_text(encoding="utf-8")


def _messages(
    prompt: str, query: Query, replies: Sequence[str], images: Path | None
) -> tuple[Message, ...]:
    dialogue = "\n".join(
        f"{turn.role}: {turn.text}" + " [image]" * len(turn.images) for turn in query.turns
    )
    texts = {"DIALOGUE": dialogue, "REFERENCE": query.reference}
    texts |= {f"REPLY {letter}": text for letter, text in zip("AB", replies, strict=False)}
    mark = text_digest("\x00".join(texts.values()))[:16]
    fenced = (f"<<<{name} {mark}\n{text}\n{mark} {name}>>>" for name, text in texts.items())
    shown = [] if images is None else [i.path for t in query.turns for i in t.images]
    return (
        Message(role="system", text=Template(_prompt(prompt)).substitute(mark=mark)),
        Message(
            role="user",
            text="\n\n".join(fenced),
            images=tuple(images / path for path in shown) if images else (),
        ),
    )
