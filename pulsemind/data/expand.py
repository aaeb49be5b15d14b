"""Expansion: a chat model refines each physician reply, guards decide whether the rewrite stands.

Paper, "Dataset": fillers go, clinically relevant content comes, facts and intent stay. A rewrite
that fails a guard (`guards.py`) is asked for again with what failed named; when the retries are
used up, the original stays and says so (`Turn.expansion`). Each reply is rewritten in the light of
the original dialogue before it, so replies do not wait for each other.

Give this module anonymised consultations only. It looks again: a dialogue in which the detectors
still find personal data is not sent, and a rewrite in which they find any is not used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache as cached
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pulsemind.artifacts import text_digest
from pulsemind.data.anonymise import detect
from pulsemind.data.guards import Failure, check
from pulsemind.llm import Message, Request, Usage, complete_all
from pulsemind.records import Consultation, Expansion, Record, Turn
from pulsemind.settings import Endpoint, ExpandSettings

CHUNK = 256
"""Consultations whose replies are in flight or in memory together."""

Unusable = Literal["no_answer", "not_json", "personal_data"]


class Attempt(Record):
    """Why one rewrite was not used: no readable answer, personal data in it, or guards failed."""

    unusable: Unusable | None = None
    failures: tuple[Failure, ...] = ()

    def reasons(self) -> set[str]:
        """What went wrong, by kind."""
        return {self.unusable} if self.unusable else {failure.guard for failure in self.failures}


class Pair(Record):
    """A physician reply before and after, for review: a line of the pairs.

    `after` equals `before` unless the reply was expanded; `failed` has an entry for each rewrite
    that was not used, in order.
    """

    consultation: str
    turn: int
    before: str
    after: str
    expansion: Expansion
    failed: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Expanded:
    """A consultation after expansion, and its physician replies before and after."""

    record: Consultation
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Service:
    """The chat servers and the folder of their answers; changes no result."""

    endpoints: Mapping[str, Endpoint]
    concurrency: int
    cache: Path


@dataclass
class Costs:
    """What an expansion did and cost, filled as it goes."""

    replies: Counter[Expansion] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """Rewrites not used, by reason or guard (one rewrite may fail several)."""
    usage: Usage = field(default_factory=Usage)

    def report(self, settings: ExpandSettings) -> dict[str, object]:
        """As JSON: replies by outcome, failures, requests, tokens, and money by setting price.

        `money` counts answers from the cache too: what the result costs, not what this run did.
        """
        used = self.usage
        money = used.tokens_in * settings.price_in + used.tokens_out * settings.price_out
        return {
            "replies": dict(self.replies),
            "failures": dict(self.failures),
            "requests": used.requests,
            "requests_without_token_counts": used.unreported,
            "tokens_in": used.tokens_in,
            "tokens_out": used.tokens_out,
            "money": round(money / 1_000_000, 4),
        }


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reply: str


@dataclass
class _Job:
    """One reply on its way; `dialogue` is the text before it, for the guards."""

    consultation: str
    turn: int
    before: str
    dialogue: str
    after: str | None = None
    failed: list[Attempt] = field(default_factory=list)

    def pair(self) -> Pair:
        return Pair(
            consultation=self.consultation,
            turn=self.turn,
            before=self.before,
            after=self.before if self.after is None else self.after,
            expansion="original_kept" if self.after is None else "expanded",
            failed=tuple(self.failed),
        )


def expand(
    consultations: Iterable[Consultation],
    settings: ExpandSettings,
    service: Service,
    costs: Costs,
) -> Iterator[Expanded]:
    """Stream consultations with their physician replies refined, in order.

    Without an endpoint replies pass through, marked `not_expanded`, and there are no pairs; so do
    replies without text. `costs` is complete when the stream is.

    Raises LlmError when the endpoint cannot be used; what it answered is kept and not paid again.
    """
    stream = iter(consultations)
    while chunk := list(islice(stream, CHUNK)):
        jobs = {} if settings.endpoint is None else _jobs(chunk)
        if settings.endpoint is not None:
            _rewrite([job for job in jobs.values() if _sendable(job)], settings, service, costs)
        for record in chunk:
            yield _expanded(record, jobs, costs)


def _jobs(chunk: Iterable[Consultation]) -> dict[tuple[int, int], _Job]:
    jobs = {}
    for record in chunk:
        for number, turn in enumerate(record.turns):
            if turn.role == "physician" and turn.text.strip():
                dialogue = "\n".join(_line(said) for said in record.turns[:number])
                jobs[id(record), number] = _Job(record.id, number, turn.text, dialogue)
    return jobs


def _line(turn: Turn) -> str:
    return f"{turn.role}: {turn.text}" + " [image]" * len(turn.images)


def _sendable(job: _Job) -> bool:
    # Every turn was cleared with the tagger already, which takes `patient:` for a form's label.
    if detect(job.dialogue, tagger=False) or detect(job.before, tagger=False):
        job.failed.append(Attempt(unusable="personal_data"))
        return False
    return True


def _expanded(record: Consultation, jobs: dict[tuple[int, int], _Job], costs: Costs) -> Expanded:
    turns, pairs = [], []
    for number, turn in enumerate(record.turns):
        update: dict[str, object] = {}
        if job := jobs.get((id(record), number)):
            pair = job.pair()
            pairs.append(pair)
            update = {"text": pair.after, "expansion": pair.expansion}
            for attempt in job.failed:
                costs.failures.update(attempt.reasons())
        elif turn.role == "physician":
            update = {"expansion": "not_expanded"}
        turns.append(turn.model_copy(update=update))
        if turns[-1].expansion:
            costs.replies[turns[-1].expansion] += 1
    return Expanded(record.model_copy(update={"turns": tuple(turns)}), tuple(pairs))


def _rewrite(jobs: list[_Job], settings: ExpandSettings, service: Service, costs: Costs) -> None:
    """Ask for all, then again for those that failed, `retries` times at most."""
    for _ in range(1 + settings.retries):
        if not jobs:
            return
        replies = complete_all(
            (_request(job, settings) for job in jobs),
            service.endpoints,
            service.concurrency,
            service.cache,
            len(jobs),
            "expansion",
            costs.usage,
        )
        for job, reply in zip(jobs, replies, strict=True):
            attempt = _judge(job, reply.text)
            if attempt:
                job.failed.append(attempt)
        jobs = [job for job in jobs if job.after is None]


def _judge(job: _Job, answer: str | None) -> Attempt | None:
    """Take the answer as the job's rewrite, or say why not."""
    if answer is None:
        return Attempt(unusable="no_answer")
    text = _read(answer)
    if text is None:
        return Attempt(unusable="not_json")
    if detect(text):
        return Attempt(unusable="personal_data")
    if failures := check(job.before, text, job.dialogue):
        return Attempt(failures=failures)
    job.after = text
    return None


def _read(answer: str) -> str | None:
    fenced = re.fullmatch(r"\s*```(?:json)?\s*(.*?)\s*```\s*", answer, re.DOTALL)
    try:
        return _Answer.model_validate_json(fenced[1] if fenced else answer).reply.strip()
    except ValidationError:
        return None


def _request(job: _Job, settings: ExpandSettings) -> Request:
    mark = text_digest(f"{job.dialogue}\x00{job.before}")[:16]
    texts = {"DIALOGUE": job.dialogue, "REPLY": job.before}
    shown = "\n\n".join(
        f"<<<{name} {mark}\n{text}\n{mark} {name}>>>" for name, text in texts.items()
    )
    messages = [
        Message(role="system", text=Template(_prompt("expand.txt")).substitute(mark=mark)),
        Message(role="user", text=shown),
    ]
    if job.failed:
        points = "\n".join(dict.fromkeys(_points(job.failed)))
        retry = Template(_prompt("expand_retry.txt")).substitute(failures=points)
        messages.append(Message(role="user", text=retry))
    return Request(
        endpoint=str(settings.endpoint),
        model=settings.model,
        messages=tuple(messages),
        json_schema=_Answer.model_json_schema(),
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        # Another seed for another try: what failed in the same words would fail again.
        seed=settings.seed + len(job.failed),
    )


def _points(failed: Iterable[Attempt]) -> Iterator[str]:
    for attempt in failed:
        if attempt.unusable:
            yield f"- {attempt.unusable}"
        for failure in attempt.failures:
            yield f"- {failure.guard}: {failure.what}".removesuffix(": ")


@cached
def _prompt(name: str) -> str:
    return files("pulsemind").joinpath("prompts", name).read_text(encoding="utf-8")
