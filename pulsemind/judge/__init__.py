"""Judges of replies: one interface, two implementations, chosen by `settings.Judge.kind`.

`compare` gives a verdict per pair and order, `score` absolute scores per reply (the GRPO
baseline). `openai` asks any compatible endpoint; `offline` is a deterministic rubric whose every
use must carry `OFFLINE_NOTE`. `judging` takes what is to be judged one by one while something else
makes it, and judges ahead. A new judge is one module with these functions and one line in each
table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from pulsemind.judge import openai
from pulsemind.judge.offline import OFFLINE_NOTE, compare_scores, rubric
from pulsemind.judge.pairs import Judgement, Pair, Sample, content, distinct, orders
from pulsemind.llm import Usage
from pulsemind.records import Dimension, Order, Scores, Verdict
from pulsemind.settings import Endpoint, Judge

__all__ = [
    "OFFLINE_NOTE",
    "Pair",
    "Sample",
    "compare",
    "judge_name",
    "judging",
    "note",
    "rubric",
    "score",
]

Absolute = dict[Dimension, float]
_Compare = Callable[
    [
        Sequence[tuple[Pair, Order]],
        Judge,
        Mapping[str, Endpoint],
        int,
        Path,
        Path | None,
        Usage | None,
    ],
    list[Judgement],
]
_Score = Callable[
    [Sequence[Sample], Judge, Mapping[str, Endpoint], int, Path, Path | None, Usage | None],
    list[Absolute | None],
]
_Judging = Callable[
    [Judge, Mapping[str, Endpoint], int, Path, Path | None, Usage | None],
    AbstractContextManager[openai.Ahead],
]


def compare(
    pairs: Sequence[Pair],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None = None,
    usage: Usage | None = None,
) -> list[Verdict]:
    """Judge each pair in both orders or a drawn one; outcomes are the candidate's.

    Args:
        pairs: query ids must tell queries apart.
        cache: folder of the answer cache of `pulsemind.llm`.
        images: folder that the queries' image paths are relative to; without it the judge is told
            only that there are images.
        usage: where to add up requests, tokens, errors and latencies; the offline judge has none.

    Returns one verdict per pair and order, in the order of `pairs`. Identical texts are judged
    once and share the verdict (with a drawn order: the first one's). A pair that stays without a
    usable answer gives a verdict without outcomes, whose reason says why: `unjudged: refused`.
    Raises LlmError (see `pulsemind.llm`).
    """
    first = distinct(pairs)
    shown = [(pair, order) for pair in first.values() for order in orders(pair, settings)]
    judgements = _COMPARE[settings.kind](
        shown, settings, endpoints, concurrency, cache, images, usage
    )
    by_content: dict[tuple[str, str, str, str], list[tuple[Order, Judgement]]] = {}
    for (pair, order), judgement in zip(shown, judgements, strict=True):
        by_content.setdefault(content(pair), []).append((order, judgement))
    return [
        Verdict(
            query_id=pair.query.id,
            candidate=pair.candidate,
            counterpart=pair.counterpart,
            order=order,
            judge=judge_name(settings),
            outcomes=judgement.outcomes,
            overall=judgement.overall,
            reason=judgement.reason,
        )
        for pair in pairs
        for order, judgement in by_content[content(pair)]
    ]


def score(
    samples: Sequence[Sample],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None = None,
    usage: Usage | None = None,
) -> list[Scores]:
    """Score each reply 1 (worst) to 5 (best) per dimension; arguments and errors as `compare`."""
    grades = _SCORE[settings.kind](samples, settings, endpoints, concurrency, cache, images, usage)
    return [
        Scores(
            query_id=sample.query.id,
            candidate=sample.candidate,
            judge=judge_name(settings),
            scores=grade,
        )
        for sample, grade in zip(samples, grades, strict=True)
    ]


@contextmanager
def judging(
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None = None,
    usage: Usage | None = None,
) -> Iterator[Callable[[Pair | Sample], None]]:
    """Judge in the background what the function given is called with; arguments as `compare`.

    Nothing comes back: the answers go to the cache as they arrive, and `compare` or `score` of the
    same things in the same order find them there. Handing over blocks while the judge has more
    waiting than a few times `concurrency`. Leaving the block waits for the answers; leaving it by
    an error drops what is not answered and keeps what is. The offline judge keeps no answers, so it
    does nothing ahead.

    Raises LlmError (see `pulsemind.llm`) for what an earlier request met, at the next call or at
    the end.
    """
    seen: set[tuple[str, str, str, str]] = set()
    with _JUDGING[settings.kind](settings, endpoints, concurrency, cache, images, usage) as ask:

        def hand_over(item: Pair | Sample) -> None:
            if isinstance(item, Sample):
                ask(item)
            elif content(item) not in seen:
                seen.add(content(item))
                for order in orders(item, settings):
                    ask((item, order))

        yield hand_over


def judge_name(settings: Judge) -> str:
    """What outputs call the judge: `offline`, or the model's name."""
    return "offline" if settings.kind == "offline" else settings.model


def note(judge: str) -> str:
    """The remark that an output of the judge with this name must carry; empty when none."""
    return OFFLINE_NOTE if judge == "offline" else ""


def _offline_compare(
    shown: Sequence[tuple[Pair, Order]],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage | None,
) -> list[Judgement]:
    rated: dict[tuple[str, str], Absolute] = {}

    def rate(pair: Pair, text: str) -> Absolute:
        key = (pair.query.id, text)
        if key not in rated:
            rated[key] = rubric(pair.query, text)
        return rated[key]

    judgements: list[Judgement] = []
    for pair, _ in shown:
        outcomes, overall = compare_scores(rate(pair, pair.text), rate(pair, pair.counterpart_text))
        wanted = {d: outcomes[d] for d in settings.dimensions}
        judgements.append(Judgement(outcomes=wanted, overall=overall, reason="rubric"))
    return judgements


def _offline_score(
    samples: Sequence[Sample],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage | None,
) -> list[Absolute | None]:
    rated = (rubric(sample.query, sample.text) for sample in samples)
    return [{d: 1 + 4 * values[d] for d in settings.dimensions} for values in rated]


_COMPARE: Mapping[str, _Compare] = {"offline": _offline_compare, "openai": openai.compare}
_SCORE: Mapping[str, _Score] = {"offline": _offline_score, "openai": openai.score}
_JUDGING: Mapping[str, _Judging] = {
    "offline": lambda *_: nullcontext(lambda item: None),
    "openai": openai.ahead,
}
