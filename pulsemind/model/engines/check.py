"""Engine against trainer: how far the log-probabilities of an iteration's rollouts lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pulsemind.model.chat import encode
from pulsemind.model.engine import chunked, fit_prompt, token_logprobs
from pulsemind.model.engines.base import EngineError
from pulsemind.records import Query, Record, Rollout


class Agreement(Record):
    """Absolute differences of log-probabilities (nats a token) over an iteration's rollouts."""

    rollouts: int
    tokens: int
    mean: float
    max: float


def agreement(rollouts: Sequence[Rollout], recomputed: Sequence[Sequence[float]]) -> Agreement:
    """Compare what the engine said with what was recomputed for the same tokens, in order.

    Raises EngineError naming the rollout whose tokens were not all recomputed.
    """
    differences: list[float] = []
    for rollout, own in zip(rollouts, recomputed, strict=True):
        if len(own) != len(rollout.logprobs):
            raise EngineError(
                f"query {rollout.query_id}: candidate {rollout.candidate} has "
                f"{len(rollout.logprobs)} tokens, and {len(own)} were recomputed"
            )
        differences += [abs(a - b) for a, b in zip(rollout.logprobs, own, strict=True)]
    return Agreement(
        rollouts=len(rollouts),
        tokens=len(differences),
        mean=sum(differences) / max(1, len(differences)),
        max=max(differences, default=0.0),
    )


@torch.no_grad()
def recomputed(
    model: Any,
    processor: Any,
    data: Path,
    queries: Sequence[Query],
    rollouts: Sequence[Rollout],
    *,
    temperature: float,
    max_prompt_length: int,
    batch: int,
) -> list[list[float]]:
    """Log-probabilities of the rollouts' tokens by transformers, in their order.

    Args:
        model: base and adapter that sampled them.
        data: artifact the queries' images lie in.
        batch: sequences a pass.

    Raises EngineError when a rollout's prompt is not what the processor makes of its query.
    """
    by_id = {query.id: query for query in queries}
    device = next(model.parameters()).device
    model.eval()
    result: list[list[float]] = []
    for part in chunked(rollouts, batch):
        prompts = [
            fit_prompt(processor, by_id[r.query_id].turns, data, max_prompt_length) for r in part
        ]
        inputs = {k: v.to(device) for k, v in encode(processor, prompts, data, True).items()}
        for row, rollout in enumerate(part):
            own = inputs["input_ids"][row][inputs["attention_mask"][row] == 1].tolist()
            if tuple(own) != rollout.prompt_ids:
                raise EngineError(
                    f"query {rollout.query_id}: the rollout's prompt differs from the processor's"
                )
        width = max(len(r.token_ids) for r in part)
        filler = processor.tokenizer.pad_token_id  # after a reply's end, where nothing is read
        completion = torch.tensor(
            [[*r.token_ids, *[filler] * (width - len(r.token_ids))] for r in part], device=device
        )
        found = token_logprobs(model, inputs, completion, temperature)
        result += [found[row, : len(r.token_ids)].tolist() for row, r in enumerate(part)]
    return result
