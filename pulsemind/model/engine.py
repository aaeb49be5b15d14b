"""Generates replies in process with transformers: rollouts for CRPO and answers for judging.

A served engine would stand beside it with the same two functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from tqdm import tqdm
from transformers import LogitsProcessor, LogitsProcessorList

from pulsemind.model.chat import encode, vision_token_ids
from pulsemind.records import Query, Rollout, Turn
from pulsemind.settings import Decoding

T = TypeVar("T")
Generate = Callable[[Sequence[Query]], list[str]]
"""Replies to queries, in order."""


def chunked(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """The items in runs of `size`; the last may be shorter."""
    return [items[i : i + size] for i in range(0, len(items), size)]


def fit_prompt(processor: Any, turns: Sequence[Turn], folder: Path, max_length: int) -> list[Turn]:
    """The dialogue without as many of its earliest turns as it takes to fit into `max_length`.

    Raises ValueError when its last turn alone is too long.
    """
    for start in range(len(turns)):
        rest = list(turns[start:])
        if encode(processor, [rest], folder, reply=True)["input_ids"].shape[1] <= max_length:
            return rest
    raise ValueError(f"the last turn alone is longer than {max_length} tokens")


def token_logprobs(
    model: Any, batch: dict[str, Any], completion: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Log-probabilities at `temperature` of `completion` (batch, T) after the batch's prompts.

    One teacher-forced pass, so that they are what a trainer computes for the same tokens.
    """
    extended = dict(batch)
    ids = torch.cat([batch["input_ids"], completion], dim=1)
    extended["input_ids"] = ids
    extended["attention_mask"] = torch.cat(
        [batch["attention_mask"], torch.ones_like(completion)], dim=1
    )
    if "mm_token_type_ids" in batch:
        extended["mm_token_type_ids"] = torch.cat(
            [batch["mm_token_type_ids"], torch.zeros_like(completion)], dim=1
        )
    width = completion.shape[1]
    logits = model(**extended, logits_to_keep=width + 1).logits[:, :-1].float() / temperature
    chosen = logits.gather(-1, completion.unsqueeze(-1)).squeeze(-1)
    result: torch.Tensor = chosen - logits.logsumexp(-1)
    return result


@torch.no_grad()
def sample(
    model: Any,
    processor: Any,
    folder: Path,
    queries: Sequence[Query],
    *,
    candidates: int,
    temperature: float,
    max_new_tokens: int,
    max_prompt_length: int,
    batch: int,
    seed: int,
    policy: str,
) -> Iterator[Rollout]:
    """Sample `candidates` replies to every query, from the whole distribution.

    Args:
        folder: artifact the queries' images lie in.
        temperature: above 0.
        max_prompt_length: tokens; longer dialogues lose their earliest turns.
        batch: sequences sampled together; whole groups, at least one.
        seed: with the position of a batch it fixes every draw.
        policy: digest of the adapter, noted in each rollout.

    Vision placeholder tokens cannot be sampled: a reply holding one would misalign its images.
    """
    device = next(model.parameters()).device
    model.eval()
    chunks = chunked(_by_length(queries), max(1, batch // candidates))
    for number, group in enumerate(tqdm(chunks, desc="rollout", unit="batch")):
        chunk = [queries[i] for i in group]
        prompts = [fit_prompt(processor, q.turns, folder, max_prompt_length) for q in chunk]
        repeated = [prompt for prompt in prompts for _ in range(candidates)]
        inputs = {k: v.to(device) for k, v in encode(processor, repeated, folder, True).items()}
        torch.manual_seed(seed * 1_000_003 + number)
        drawn = _Drawn(vision_token_ids(processor), temperature)
        completion = _generate(
            model,
            processor,
            inputs,
            max_new_tokens,
            logits_processor=LogitsProcessorList([drawn]),
            do_sample=True,
            temperature=temperature,
            top_k=0,
            top_p=1.0,
        )
        logprobs = drawn.logprobs(completion)
        for row in range(len(repeated)):
            ids, stopped = _until_end(processor, completion[row].tolist())
            yield Rollout(
                query_id=chunk[row // candidates].id,
                candidate=row % candidates,
                prompt_ids=tuple(
                    inputs["input_ids"][row][inputs["attention_mask"][row] == 1].tolist()
                ),
                token_ids=tuple(ids),
                logprobs=tuple(logprobs[row, : len(ids)].tolist()),
                text=processor.tokenizer.decode(ids, skip_special_tokens=True).strip(),
                finish_reason="stop" if stopped else "length",
                policy=policy,
            )


@torch.no_grad()
def answer(
    model: Any,
    processor: Any,
    folder: Path,
    queries: Sequence[Query],
    decoding: Decoding,
    max_prompt_length: int,
) -> list[str]:
    """One reply a query by the given decoding settings, in order of the queries."""
    device = next(model.parameters()).device
    model.eval()
    texts: dict[int, str] = {}
    chunks = chunked(_by_length(queries), decoding.batch)
    for number, chunk in enumerate(tqdm(chunks, desc="answers", unit="batch")):
        prompts = [
            fit_prompt(processor, queries[i].turns, folder, max_prompt_length) for i in chunk
        ]
        inputs = {k: v.to(device) for k, v in encode(processor, prompts, folder, True).items()}
        torch.manual_seed(decoding.seed * 1_000_003 + number)
        sampled: dict[str, Any] = {"do_sample": False}
        if decoding.temperature > 0 and decoding.top_k != 1:  # top_k 1 is the greedy choice
            sampled = {
                "do_sample": True,
                "temperature": decoding.temperature,
                "top_k": decoding.top_k,
                "top_p": decoding.top_p,
            }
        completion = _generate(
            model,
            processor,
            inputs,
            decoding.max_new_tokens,
            suppress_tokens=vision_token_ids(processor),
            repetition_penalty=decoding.repetition_penalty,
            **sampled,
        )
        for i, row in zip(chunk, completion.tolist(), strict=True):
            ids, _ = _until_end(processor, row)
            texts[i] = processor.tokenizer.decode(ids, skip_special_tokens=True).strip()
    return [texts[i] for i in range(len(queries))]


def _by_length(queries: Sequence[Query]) -> list[int]:
    """The queries' places, similar lengths together, so that little is padded."""
    return sorted(range(len(queries)), key=lambda i: sum(len(t.text) for t in queries[i].turns))


class _Drawn(LogitsProcessor):
    """Forbids tokens, and keeps the log-probabilities of those drawn, over the whole vocabulary as
    a trainer computes them. No pass of its own, and one step's logits at a time."""

    def __init__(self, forbidden: list[int], temperature: float) -> None:
        self._forbidden, self._temperature = forbidden, temperature
        self._before: torch.Tensor | None = None
        self._found: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self._before is not None:
            self._take(input_ids[:, -1])
        self._before = (scores.float() / self._temperature).log_softmax(-1)
        return scores.index_fill(1, torch.tensor(self._forbidden, device=scores.device), -torch.inf)

    def logprobs(self, completion: torch.Tensor) -> torch.Tensor:
        """Of all tokens (batch, T), when the last has been drawn."""
        self._take(completion[:, -1])
        return torch.stack(self._found, dim=1)

    def _take(self, drawn: torch.Tensor) -> None:
        assert self._before is not None  # something is drawn after the first step
        self._found.append(self._before.gather(1, drawn[:, None])[:, 0])


def _generate(
    model: Any, processor: Any, inputs: dict[str, Any], max_new_tokens: int, **options: Any
) -> torch.Tensor:
    tokenizer = processor.tokenizer
    output = model.generate(
        **inputs,
        max_new_tokens=max_new_tokens,
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        pad_token_id=tokenizer.pad_token_id,
        use_cache=True,
        **options,
    )
    completion: torch.Tensor = output[:, inputs["input_ids"].shape[1] :]
    return completion


def _until_end(processor: Any, ids: list[int]) -> tuple[list[int], bool]:
    """The ids up to and with the end-of-turn token, and whether there was one."""
    end = processor.tokenizer.convert_tokens_to_ids("<|im_end|>")
    return (ids[: ids.index(end) + 1], True) if end in ids else (ids, False)
