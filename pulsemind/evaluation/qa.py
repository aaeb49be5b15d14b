"""QA benchmarks: prompt a model, read its replies, count. Everything streams.

One prompt shape a kind of question and language (L Fig. 8, wording ours: `prompts/qa_*.txt`).
Choices are read by `answers`, closed questions by `closed`, open ones by `opened`; a second
extractor reads the choices too, and how often it differs is counted. Items pass one block at a
time, so a set of any size takes the memory of a block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache as cached
from importlib.resources import files
from itertools import islice
from pathlib import Path
from string import Template
from typing import TypeVar

from pulsemind.evaluation.answers import ABSTENTIONS, parse_choice
from pulsemind.evaluation.closed import UNREAD, alternatives, match_closed, reference_polarity
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.opened import LEXICAL_NOTE, OpenJudge, match_open, open_judge
from pulsemind.evaluation.results import QAResult
from pulsemind.evaluation.second import read_choice
from pulsemind.evaluation.sets import official_size
from pulsemind.evaluation.similarity import Similarity, embedding
from pulsemind.evaluation.statistics import wilson
from pulsemind.llm import Usage
from pulsemind.records import QAItem, Query, Turn
from pulsemind.settings import Endpoint, EvaluateSettings

T = TypeVar("T")
Answer = tuple[QAItem, str | None]
"""An item and the reply's text; None where there is no reply."""
BLOCK = 512
"""Items held at once; the open ones among them are judged together."""


@dataclass(frozen=True)
class Reader:
    """How replies are read beyond the rules; by default with what needs no other model."""

    similarity: Similarity | None = None
    """Second stage of a choice; None is the lexical measure."""
    judge: OpenJudge | None = None
    """Judge of open answers; None is the lexical measure."""


def reader(
    settings: EvaluateSettings,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    usage: Usage | None = None,
) -> Reader:
    """The reader that the settings describe; models are loaded and asked only when needed.

    Args:
        cache: folder of the answer cache of `pulsemind.llm`.
        usage: where to add up the judge's requests.
    """
    qa = settings.qa
    return Reader(
        similarity=None
        if qa.similarity_model is None
        else embedding(qa.similarity_model, qa.similarity_floor, qa.similarity_lead),
        judge=open_judge(settings.judge, endpoints, concurrency, cache, usage)
        if qa.open_judge
        else None,
    )


def query(item: QAItem) -> Query:
    """The item as a dialogue of one patient turn; its reference is the right answer."""
    options = "\n".join(f"{letter}. {text}" for letter, text in sorted(item.options.items()))
    prompt = Template(_prompt(item.kind, item.language))
    text = prompt.substitute(question=item.question, options=options)
    turn = Turn(role="patient", text=text, images=item.images)
    return Query(id=item.id, language=item.language, turns=(turn,), reference=item.answer)


@cached
def _prompt(kind: str, language: str) -> str:
    name = f"qa_{kind}_{language}.txt"
    return files("pulsemind").joinpath("prompts", name).read_text(encoding="utf-8").strip()


def paired(items: Iterable[QAItem], replies: Iterable[Reply]) -> Iterator[Answer]:
    """Items with their replies; both streams hold the same ids in the same order.

    Where a reply is `broken` there is no text to read: None.
    Raises ValueError at the first item whose reply is another one's, or missing.
    """
    following = iter(replies)
    for item in items:
        reply = next(following, None)
        if reply is None or reply.query.id != item.id:
            got = "none" if reply is None else f"that to {reply.query.id}"
            raise ValueError(f"item {item.id}: its reply should come next, but there is {got}")
        yield item, None if reply.broken else reply.text
    extra = next(following, None)
    if extra is not None:
        raise ValueError(f"reply to {extra.query.id}: there is no such item")


def answered_by_both(replies: Iterable[Reply], others: Iterable[Reply]) -> Iterator[Reply]:
    """The first model's replies, broken where the other's are, to read both on the same items.

    Raises ValueError when one stream ends before the other.
    """
    for reply, other in zip(replies, others, strict=True):
        gone = other.broken and not reply.broken
        yield reply.model_copy(update={"text": "", "broken": other.broken}) if gone else reply


def qa_results(
    items: Iterable[QAItem],
    replies: Iterable[Reply],
    confidence: float,
    reading: Reader | None = None,
) -> list[QAResult]:
    """Results of items whose replies come in any order: their texts are held, items are not.

    For sets of any size: `score(paired(...))`.
    Raises ValueError when an item has no reply.
    """
    texts = {r.query.id: None if r.broken else r.text for r in replies}

    def pairs() -> Iterator[Answer]:
        missing = 0
        for item in items:
            if item.id in texts:
                yield item, texts[item.id]
            else:
                missing += 1
        if missing:
            raise ValueError(f"{missing} items have no reply")

    return score(pairs(), confidence, reading)


def score(
    pairs: Iterable[Answer], confidence: float, reading: Reader | None = None
) -> list[QAResult]:
    """Accuracy per benchmark and kind of question, in the order of the benchmarks' names.

    Args:
        pairs: items with the model's replies, streamed once; None is no reply, which is counted but
            not among the n. Of what has no reply at all there is no result.
        confidence: of the Wilson intervals, in (0, 1).
    """
    reading = reading or Reader()
    tallies: dict[tuple[str, str], _Tally] = {}
    for block in _blocks(pairs, BLOCK):
        for item, said in block:
            tally = tallies.setdefault((item.benchmark, item.kind), _Tally())
            tally.broken += said is None
        part = [(item, said) for item, said in block if said is not None]
        judged = _judged(part, reading)
        for number, (item, text) in enumerate(part):
            tally = tallies[item.benchmark, item.kind]
            _count(tally, item, text, reading, judged.get(number))
    kinds = Counter(benchmark for benchmark, _ in tallies)
    return [
        _result(name, kind, tally, kinds[name] > 1, confidence, reading)
        for (name, kind), tally in sorted(tallies.items())
        if tally.n
    ]


@dataclass
class _Tally:
    n: int = 0
    correct: int = 0
    abstained: int = 0
    differ: int = 0
    unjudged: int = 0
    broken: int = 0
    chance: float = 0.0
    rules: Counter[str] = field(default_factory=Counter)


def _judged(part: Sequence[tuple[QAItem, str]], reading: Reader) -> dict[int, bool | None]:
    """The judge's decisions on a block's open answers; empty and equal ones need none."""
    if reading.judge is None:
        return {}
    asked = [
        number
        for number, (item, text) in enumerate(part)
        if item.kind == "open" and match_open(text, item.answer).rule not in {"none", "exact"}
    ]
    return dict(zip(asked, reading.judge([part[n] for n in asked]), strict=True)) if asked else {}


def _count(tally: _Tally, item: QAItem, text: str, reading: Reader, verdict: bool | None) -> None:
    tally.n += 1
    if item.kind == "choice":
        letter, rule = parse_choice(text, item.options, reading.similarity)
        right = letter is not None and letter == item.answer
        tally.abstained += rule in ABSTENTIONS
        tally.differ += letter != read_choice(text, item.options)
        tally.chance += 1 / len(item.options)
        tally.rules[rule] += 1
    elif item.kind == "open" and verdict is not None:
        right = verdict
        tally.rules["judge"] += 1
    else:
        closed = item.kind == "closed"
        match = (
            match_closed(text, item.answer, item.question)
            if closed
            else match_open(text, item.answer)
        )
        right = match.correct
        tally.abstained += match.rule in UNREAD
        tally.unjudged += (
            not closed and reading.judge is not None and match.rule not in {"none", "exact"}
        )
        tally.chance += _closed_chance(item) if closed else 0.0
        tally.rules[match.rule] += 1
    tally.correct += right


def _closed_chance(item: QAItem) -> float:
    """Blind guessing: one of two for yes / no, one of the named alternatives, else nothing."""
    if reference_polarity(item.answer):
        return 0.5
    offered = alternatives(item.question)
    return 1 / len(offered) if offered else 0.0


def _result(
    benchmark: str, kind: str, tally: _Tally, several: bool, confidence: float, reading: Reader
) -> QAResult:
    accuracy = wilson(tally.correct, tally.n, confidence)
    return QAResult(
        benchmark=f"{benchmark}/{kind}" if several else benchmark,
        n=tally.n,
        accuracy=accuracy.value,
        low=accuracy.low,
        high=accuracy.high,
        abstained=tally.abstained,
        chance=None if kind == "open" else tally.chance / tally.n,
        disagreement=wilson(tally.differ, tally.n, confidence) if kind == "choice" else None,
        unjudged=tally.unjudged,
        broken=tally.broken,
        official_n=official_size(benchmark, kind),
        scorer=_scorer(kind, reading),
        rules=dict(sorted(tally.rules.items())),
        note=_note(kind, tally, reading),
    )


def _scorer(kind: str, reading: Reader) -> str:
    if kind == "choice":
        measure = reading.similarity.name if reading.similarity else "shared words"
        return f"letter rules, then option text, then similarity ({measure})"
    if kind == "closed":
        return "normalised match"
    return "judge for meaning" if reading.judge else "lexical match"


def _note(kind: str, tally: _Tally, reading: Reader) -> str:
    if kind != "open":
        return ""
    if reading.judge is None:
        return LEXICAL_NOTE
    if tally.unjudged:
        return f"{tally.unjudged} open answers without a verdict, read by lexical match"
    return ""


def _blocks(stream: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(stream)
    while part := list(islice(iterator, size)):
        yield part
