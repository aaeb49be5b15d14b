"""All pairs of an evaluation through the judge, as one stream.

Benchmarks and opponents follow one another without a pause in which the judge would have nothing
to do. Verdicts come out in the order of the pairs; the judge's answers are kept by `pulsemind.llm`,
so a killed run asks nothing twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path

from pulsemind.judge import Pair, compare_each
from pulsemind.llm import Usage
from pulsemind.records import Verdict
from pulsemind.settings import Endpoint, Judge


def compare_stream(
    pairs: Iterable[tuple[str, Pair]],
    judge: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage,
) -> Generator[tuple[str, Verdict]]:
    """The verdicts on pairs, each with the name of its pair's benchmark.

    Arguments and errors as `pulsemind.judge.compare_each`. Every pair has the same number of
    verdicts (one, or two in both orders), which stand together. Close it to stop asking early.
    """
    names: deque[str] = deque()

    def shown() -> Iterator[Pair]:
        for name, pair in pairs:
            names.append(name)
            yield pair

    for verdicts in compare_each(shown(), judge, endpoints, concurrency, cache, images, usage):
        name = names.popleft()
        yield from ((name, verdict) for verdict in verdicts)
