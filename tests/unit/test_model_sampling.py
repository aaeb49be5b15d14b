"""What sampling records: a trainer's own log-probabilities of the tokens it drew."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pulsemind.model.chat import encode
from pulsemind.model.engine import sample, token_logprobs
from pulsemind.model.load import load_adapter, load_base, load_processor
from pulsemind.records import Query
from tests.conftest import consultation


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_recorded_log_probabilities_are_those_of_a_pass_over_the_whole_reply(
    base: Path, adapter: Path, data: Path, temperature: float
) -> None:
    model, processor = load_adapter(load_base(base), adapter), load_processor(base)
    queries = [
        Query(
            id=f"q{i}", language="en", turns=consultation(i).turns[: 1 + 2 * (i < 2)], reference=""
        )
        for i in range(4)
    ]
    rollouts = list(
        sample(
            model, processor, data, queries, candidates=2, temperature=temperature,
            max_new_tokens=10, max_prompt_length=200, batch=4, seed=1, policy="p",
        )
    )  # fmt: skip
    # Queries of similar lengths are drawn together, each with its own candidates in order.
    assert [r.candidate for r in rollouts] == [0, 1] * 4
    assert [r.query_id for r in rollouts[::2]][:2] in (["q2", "q3"], ["q3", "q2"])
    turns = {query.id: list(query.turns) for query in queries}
    for rollout in rollouts:
        inputs = encode(processor, [turns[rollout.query_id]], data, reply=True)
        assert inputs["input_ids"][0].tolist() == list(rollout.prompt_ids)
        with torch.no_grad():
            wanted = token_logprobs(
                model.eval(), dict(inputs), torch.tensor([rollout.token_ids]), temperature
            )
        torch.testing.assert_close(torch.tensor([rollout.logprobs]), wanted, atol=1e-5, rtol=0)
