"""All pairs of an evaluation through the judge, as one stream.

Benchmarks and opponents follow one another without a pause in which the judge would have nothing
to do; `TOGETHER` pairs are handed over at a time, which bounds the memory and costs one latency
each. Verdicts come out in the order of the pairs; the judge's answers are kept by `pulsemind.llm`,
so a killed run asks nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from pulsemind.judge import Pair, compare
from pulsemind.llm import Usage
from pulsemind.records import Verdict
from pulsemind.settings import Endpoint, Judge

TOGETHER = 8192
"""Pairs handed to the judge at a time: at 64 in flight and 300 ms a minute and a half of work."""


def compare_stream(
    pairs: Iterable[tuple[str, Pair]],
    judge: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage,
) -> Iterator[tuple[str, Verdict]]:
    """The verdicts on pairs, each with the name of its pair's benchmark.

    Arguments and errors as `pulsemind.judge.compare`. Every pair has the same number of verdicts
    (one, or two in both orders), which stand together.
    """
    stream = iter(pairs)
    while chunk := list(islice(stream, TOGETHER)):
        shown = [pair for _, pair in chunk]
        verdicts = compare(shown, judge, endpoints, concurrency, cache, images, usage)
        each = len(verdicts) // len(shown)
        for number, verdict in enumerate(verdicts):
            yield chunk[number // each][0], verdict
