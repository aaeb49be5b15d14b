"""Judges of replies: one interface, two implementations, chosen by `settings.Judge.kind`.

`compare` gives a verdict per pair and order, `compare_each` as a stream; `score` gives absolute
scores per reply (the GRPO baseline). `openai` asks any compatible endpoint; `offline` is a
deterministic rubric whose every use must carry `OFFLINE_NOTE`. `judging` takes what is to be judged
one by one while something else makes it, and judges ahead. A new judge is one module with these
functions and one line in each table.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from itertools import islice
from pathlib import Path

from pulsemind.judge import ahead, openai
from pulsemind.judge.offline import OFFLINE_NOTE, compare_scores, rubric
from pulsemind.judge.pairs import ORDERS, Judgement, Pair, Sample, orders
from pulsemind.llm import Usage
from pulsemind.records import Dimension, Order, Scores, Verdict
from pulsemind.settings import Endpoint, Judge

__all__ = [
    "OFFLINE_NOTE",
    "Pair",
    "Sample",
    "compare",
    "compare_each",
    "judge_name",
    "judging",
    "note",
    "rubric",
    "score",
]

RATED = 1024
"""Replies whose rubric is remembered: a query's pairs stand together and share them."""

Absolute = dict[Dimension, float]
_Compare = Callable[
    [
        Iterable[tuple[Pair, Order]],
        Judge,
        Mapping[str, Endpoint],
        int,
        Path,
        Path | None,
        Usage | None,
        int | None,
    ],
    Iterator[Judgement],
]
_Score = Callable[
    [Sequence[Sample], Judge, Mapping[str, Endpoint], int, Path, Path | None, Usage | None],
    list[Absolute | None],
]
_Judging = Callable[
    [Judge, Mapping[str, Endpoint], int, Path, Path | None, Usage | None],
    AbstractContextManager[Callable[[Pair | Sample], None]],
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
    """The verdicts of `compare_each`, all of them in one list; arguments and errors as there."""
    total = len(pairs) * (len(ORDERS) if settings.orders == "both" else 1)
    each = compare_each(pairs, settings, endpoints, concurrency, cache, images, usage, total)
    return [verdict for verdicts in each for verdict in verdicts]


def compare_each(
    pairs: Iterable[Pair],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None = None,
    usage: Usage | None = None,
    total: int | None = None,
) -> Iterator[list[Verdict]]:
    """Judge each pair in both orders or a drawn one; outcomes are the candidate's.

    Args:
        pairs: pulled as far ahead as keeps the judge busy; query ids must tell queries apart.
        cache: folder of the answer cache of `pulsemind.llm`: identical texts are asked about once
            and share the verdict.
        images: folder that the queries' image paths are relative to; without it the judge is told
            only that there are images.
        usage: where to add up requests, tokens, errors and latencies; the offline judge has none.
        total: the number of verdicts, for the progress bar.

    Yields the verdicts of each pair, one an order, in the order of `pairs`. A pair that stays
    without a usable answer gives a verdict without outcomes, whose reason says why: `unjudged:
    refused`. Raises LlmError (see `pulsemind.llm`).
    """
    waiting: deque[tuple[Pair, tuple[Order, ...]]] = deque()

    def shown() -> Iterator[tuple[Pair, Order]]:
        for pair in pairs:
            wanted = orders(pair, settings)
            waiting.append((pair, wanted))
            yield from ((pair, order) for order in wanted)

    judgements = _COMPARE[settings.kind](
        shown(), settings, endpoints, concurrency, cache, images, usage, total
    )
    for judgement in judgements:
        pair, wanted = waiting.popleft()
        seen = [judgement, *islice(judgements, len(wanted) - 1)]
        yield [
            _verdict(pair, order, judged, settings)
            for order, judged in zip(wanted, seen, strict=True)
        ]


def _verdict(pair: Pair, order: Order, judgement: Judgement, settings: Judge) -> Verdict:
    return Verdict(
        query_id=pair.query.id,
        candidate=pair.candidate,
        counterpart=pair.counterpart,
        order=order,
        judge=judge_name(settings),
        outcomes=judgement.outcomes,
        overall=judgement.overall,
        reason=judgement.reason,
    )


def score(
    samples: Sequence[Sample],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None = None,
    usage: Usage | None = None,
) -> list[Scores]:
    """Score each reply 1 (worst) to 5 (best) per dimension; the rest is as in `compare_each`."""
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
    """Judge, in another process, what the function given is called with; arguments: `compare_each`.

    Nothing comes back: the answers go to the cache as they arrive, and `compare` or `score` of the
    same things find them there. Handing over blocks while much more than `concurrency` is waiting
    for the judge. Leaving the block waits for the answers; leaving it by
    an error drops what is not answered and keeps what is. The offline judge keeps no answers, so it
    does nothing ahead.

    Raises LlmError (see `pulsemind.llm`) when the block ends, for what a request met; handing over
    raises one too when nothing more is taken.
    """
    chosen = _JUDGING[settings.kind]
    with chosen(settings, endpoints, concurrency, cache, images, usage) as hand_over:
        yield hand_over


def judge_name(settings: Judge) -> str:
    """What outputs call the judge: `offline`, or the model's name."""
    return "offline" if settings.kind == "offline" else settings.model


def note(judge: str) -> str:
    """The remark that an output of the judge with this name must carry; empty when none."""
    return OFFLINE_NOTE if judge == "offline" else ""


def _offline_compare(
    shown: Iterable[tuple[Pair, Order]],
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage | None,
    total: int | None,
) -> Iterator[Judgement]:
    rate = lru_cache(maxsize=RATED)(rubric)
    for pair, _ in shown:
        outcomes, overall = compare_scores(
            rate(pair.query, pair.text), rate(pair.query, pair.counterpart_text)
        )
        wanted = {d: outcomes[d] for d in settings.dimensions}
        yield Judgement(outcomes=wanted, overall=overall, reason="rubric")


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
    "openai": ahead.judging,
}
