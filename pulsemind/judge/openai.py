"""The judge behind an OpenAI-compatible endpoint: prompts, structured output, its reading.

One request a pair and order returns all dimensions and an overall verdict. The model says "A", "B"
or "tie", never "win", so that it cannot mistake whose win is meant; we know which reply was shown
first.

An answer that is malformed, cut or refused is asked for again, `judge.retries` times at most.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache as cached
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from pulsemind.judge.pairs import Judgement, Pair, Sample
from pulsemind.judge.prompt import messages, prompt_text
from pulsemind.llm import Reply, Request, Usage, answering, complete_all, complete_each
from pulsemind.records import Dimension, Order, Outcome, Query
from pulsemind.settings import Endpoint, Judge

MAX_TOKENS = 512
REASON_CHARACTERS = 400
Choice = Literal["A", "B", "tie"]
Grade = Annotated[int, Field(ge=1, le=5, strict=True)]
Ahead = Callable[[Sample | tuple[Pair, Order]], None]


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
    shown: Iterable[tuple[Pair, Order]],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage | None,
    total: int | None,
) -> Iterator[Judgement]:
    """Judge pairs, each in its order, as they are drawn."""
    asking = Asking(settings, endpoints, images)
    waiting: deque[Order] = deque()

    def requests() -> Iterator[Request]:
        for pair, order in shown:
            waiting.append(order)
            yield asking.comparison(pair, order)

    for reply in complete_each(
        requests(), endpoints, concurrency, cache, total, "judge", usage, asking.again
    ):
        yield _seen(reply, read(reply.text, asking.preference), waiting.popleft(), settings)


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
    asking = Asking(settings, endpoints, images)
    requests = map(asking.grading, samples)
    replies = complete_all(
        requests, endpoints, concurrency, cache, len(samples), "judge", usage, asking.again
    )
    answers = [read(reply.text, asking.grades) for reply in replies]
    return [
        None if answer is None else {d: float(getattr(answer, d)) for d in settings.dimensions}
        for answer in answers
    ]


@contextmanager
def ahead(
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage | None,
) -> Iterator[Ahead]:
    """Ask in the background what `compare` and `score` would ask; they find the answers stored."""
    asking = Asking(settings, endpoints, images)
    with answering(
        endpoints, concurrency, cache, label="judge", usage=usage, again=asking.again
    ) as ask:

        def hand_over(item: Sample | tuple[Pair, Order]) -> None:
            ask(asking.comparison(*item) if isinstance(item, tuple) else asking.grading(item))

        yield hand_over


class Asking:
    """The requests of a judge with given settings."""

    def __init__(
        self, settings: Judge, endpoints: Mapping[str, Endpoint], images: Path | None
    ) -> None:
        self._settings, self._images = settings, images
        self.preference = preference(tuple(settings.dimensions))
        self.grades = grades(tuple(settings.dimensions))
        self._schemas = {
            model: _schema(model, settings, endpoints) for model in (self.preference, self.grades)
        }

    def comparison(self, pair: Pair, order: Order) -> Request:
        """Which of a pair's replies is better, shown in this order."""
        replies = [pair.text, pair.counterpart_text]
        if order == "counterpart_first":
            replies.reverse()
        return self._request("compare.md", pair.query, replies, self.preference)

    def grading(self, sample: Sample) -> Request:
        """How good a reply is."""
        return self._request("score.md", sample.query, [sample.text], self.grades)

    def again(self, request: Request, reply: Reply) -> Request | None:
        """Ask once more where an answer is unusable; the seed counts the attempts."""
        attempt = request.seed - self._settings.seed
        compared = request.json_schema == self._schemas[self.preference]
        model = self.preference if compared else self.grades
        if reply.finish == "rejected" or attempt >= self._settings.retries:
            return None
        if read(reply.text, model) is not None:
            return None
        *before, last = request.messages
        if attempt == 0:
            last = last.model_copy(update={"after": f"{last.after}\n\n{prompt_text('retry.md')}"})
        cut = reply.finish == "length"
        return request.model_copy(
            update={
                "messages": (*before, last),
                "seed": request.seed + 1,
                "max_tokens": request.max_tokens * (2 if cut else 1),
            }
        )

    def _request(
        self, prompt: str, query: Query, replies: Sequence[str], model: type[BaseModel]
    ) -> Request:
        return Request(
            endpoint=self._settings.endpoint,
            model=self._settings.model,
            messages=messages(prompt, self._settings, query, replies, self._images),
            json_schema=self._schemas[model],
            temperature=0.0,
            max_tokens=MAX_TOKENS,
            seed=self._settings.seed,
        )


def _schema(
    model: type[BaseModel], settings: Judge, endpoints: Mapping[str, Endpoint]
) -> dict[str, Any]:
    """The answer's JSON schema, with an end to the reason where the endpoint can be told of it."""
    schema = model.model_json_schema()
    if settings.endpoint in endpoints and endpoints[settings.endpoint].length_limits:
        schema["properties"]["reason"]["maxLength"] = REASON_CHARACTERS
    return schema


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
