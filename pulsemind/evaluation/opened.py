"""Open questions: by a judge for meaning, by shared words where no judge is at hand (SPEC 6).

The judge sees question, reference and answer as fenced data and says "same" or "different" in a
JSON object. An answer that stays without a verdict counts neither as wrong nor as right by default:
the lexical measure reads it, and it is counted as `unjudged`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache as cached
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pulsemind.artifacts import text_digest
from pulsemind.evaluation.closed import Match, match_closed, reference_polarity, words
from pulsemind.evaluation.similarity import negated, token_f1
from pulsemind.judge.openai import read
from pulsemind.llm import Message, Reply, Request, Usage, complete_all
from pulsemind.records import QAItem
from pulsemind.settings import Endpoint, Judge

FLOOR = 0.6
"""Token F1 from which an open answer counts as its reference, where no judge is at hand."""
LEXICAL_NOTE = "open questions by lexical match (no judge): synonyms count as wrong"
MAX_TOKENS = 200

OpenJudge = Callable[[Sequence[tuple[QAItem, str]]], list[bool | None]]
"""Says of each (item, reply) whether it means the reference; None where it gives no verdict."""


class _Verdict(BaseModel):
    """The judge's structured answer. The reason comes first: think, then decide."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    verdict: Literal["same", "different"]


def match_open(reply: str, reference: str) -> Match:
    """Whether a reply shares the reference's words: the stated measure without a judge.

    Equal after normalisation, or token F1 of at least `FLOOR` with the same use of negation. A long
    reply that contains the reference is not enough. Synonyms are not seen. A yes or no for a
    reference is read as that of a closed question.
    """
    if reference_polarity(reference):
        return match_closed(reply, reference)
    given, wanted = words(reply), words(reference)
    if not given:
        return Match(False, "none")
    if given == wanted:
        return Match(True, "exact")
    alike = token_f1(given, wanted) >= FLOOR and negated(reply) == negated(reference)
    return Match(alike, "similar" if alike else "different")


def open_judge(
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    usage: Usage | None = None,
) -> OpenJudge:
    """A judge of open answers behind an endpoint; errors as `pulsemind.llm`.

    Raises ValueError for the offline judge, which knows no medicine.
    """
    if settings.kind != "openai":
        raise ValueError("open answers need a judge of kind openai, or the lexical measure")

    def decide(answers: Sequence[tuple[QAItem, str]]) -> list[bool | None]:
        requests = (_request(item, text, settings) for item, text in answers)
        replies = complete_all(
            requests, endpoints, concurrency, cache, len(answers), "open answers", usage,
            partial(_again, settings),
        )  # fmt: skip
        return [_verdict(reply) for reply in replies]

    return decide


def _request(item: QAItem, text: str, settings: Judge) -> Request:
    shown = {"QUESTION": item.question, "REFERENCE": item.answer, "ANSWER": text}
    mark = text_digest("\x00".join(shown.values()))[:16]
    fenced = "\n\n".join(f"<<<{name} {mark}\n{t}\n{mark} {name}>>>" for name, t in shown.items())
    return Request(
        endpoint=settings.endpoint,
        model=settings.model,
        messages=(
            Message(role="system", text=_prompt("qa_judge.md")),
            Message(role="user", text=fenced),
        ),
        json_schema=_Verdict.model_json_schema(),
        temperature=0.0,
        max_tokens=MAX_TOKENS,
        seed=settings.seed,
    )


def _again(settings: Judge, request: Request, reply: Reply) -> Request | None:
    """Ask once more where the answer is unusable; the seed counts the attempts."""
    if _verdict(reply) is not None or request.seed - settings.seed >= settings.retries:
        return None
    room = request.max_tokens * (2 if reply.finish == "length" else 1)
    return request.model_copy(update={"seed": request.seed + 1, "max_tokens": room})


def _verdict(reply: Reply) -> bool | None:
    answer = read(reply.text, _Verdict)
    return answer.verdict == "same" if isinstance(answer, _Verdict) else None


@cached
def _prompt(name: str) -> str:
    return files("pulsemind").joinpath("prompts", name).read_text(encoding="utf-8").strip()
