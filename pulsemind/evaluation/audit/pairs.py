"""The pairs that a judge compared, put together from an evaluation's replies and verdicts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby

from pulsemind.artifacts import json_digest
from pulsemind.evaluation.audit.biases import Vote
from pulsemind.evaluation.results import Aspect
from pulsemind.evaluation.statistics import aspect_outcome, case_of, item_outcome
from pulsemind.judge.units import tokens
from pulsemind.records import Order, Outcome, Query, Record, Verdict


class JudgedPair(Record):
    """A pair of replies to one query and all verdicts on it, one an order.

    Outcomes are those of `model`, whose reply is `text`.
    """

    benchmark: str
    query: Query
    model: str
    against: str
    text: str
    against_text: str
    verdicts: tuple[Verdict, ...]

    @property
    def id(self) -> str:
        """A name that changes with what is compared, and with the verdicts."""
        return json_digest(self.model_dump(mode="json"))[:16]

    @property
    def case(self) -> str:
        """The consultation it belongs to."""
        return f"{self.benchmark}/{case_of(self.query.id)}"

    def outcome(self, aspect: Aspect) -> Outcome | None:
        """The outcome over all orders (see `statistics.item_outcome`)."""
        return item_outcome([aspect_outcome(verdict, aspect) for verdict in self.verdicts])


def judged_pairs(
    benchmark: str,
    model: str,
    queries: Mapping[str, Query],
    replies: Mapping[str, Mapping[str, str]],
    verdicts: Iterable[Verdict],
) -> Iterator[JudgedPair]:
    """The pairs of one benchmark.

    Args:
        model: whose replies are the candidates.
        queries: by id, in the real record's context.
        replies: text by model and query id.
        verdicts: those of a pair stand together, as an evaluation writes them.

    Raises ValueError when a verdict is on a reply that is not there.
    """
    for (against, query_id), group in groupby(verdicts, key=lambda v: (v.counterpart, v.query_id)):
        try:
            yield JudgedPair(
                benchmark=benchmark,
                query=queries[query_id],
                model=model,
                against=against,
                text=replies[model][query_id],
                against_text=replies[against][query_id],
                verdicts=tuple(group),
            )
        except KeyError:
            raise ValueError(
                f"{benchmark}: a verdict on {query_id} against {against} without that query or its "
                "replies; evaluate again"
            ) from None


def votes(
    pairs: Iterable[JudgedPair], own: Collection[str], experts: Mapping[str, int]
) -> list[Vote]:
    """What the tests of biases need of the pairs.

    Args:
        own: names of the models that are the judge itself.
        experts: experts' verdict by the pair's id: 1 when `model` is better, -1 when the other is.

    Lengths are counted in tokens of `judge.units` (words, numbers, Chinese characters).
    """
    found = []
    for pair in pairs:
        lengths = len(tokens(pair.text)) - len(tokens(pair.against_text))
        outcomes: dict[Order, Outcome | None] = {v.order: v.overall for v in pair.verdicts}
        found.append(
            Vote(
                case=pair.case,
                outcomes=outcomes,
                longer=(lengths > 0) - (lengths < 0),
                own=(pair.model in own) - (pair.against in own),
                expert=experts.get(pair.id),
            )
        )
    return found
