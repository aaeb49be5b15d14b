"""Replies of any model of the chain: an adapter on the base, or a served model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pulsemind.records import Query
from pulsemind.settings import Counterpart, Decoding, Services

BASE, DATASET, RESPONSES = Path("models/base"), Path("data/dataset"), Path("work/responses")


def generator(
    model: Counterpart, decoding: Decoding, max_prompt_length: int, services: Services
) -> Callable[[Sequence[Query]], list[str]]:
    """A function that answers queries with this model; local weights are loaded once."""
    from pulsemind.model.engine import answer
    from pulsemind.model.load import load_adapter, load_base, load_processor
    from pulsemind.model.served import answer_served

    if model.endpoint is not None:
        endpoint, name = model.endpoint, str(model.model)

        def served(queries: Sequence[Query]) -> list[str]:
            return answer_served(
                queries,
                DATASET,
                endpoint,
                name,
                decoding,
                services.endpoints,
                services.concurrency,
                RESPONSES,
            )

        return served
    processor = load_processor(BASE)
    adapted = load_adapter(load_base(BASE), Path(str(model.adapter)))

    def local(queries: Sequence[Query]) -> list[str]:
        return answer(adapted, processor, DATASET, queries, decoding, max_prompt_length)

    return local
