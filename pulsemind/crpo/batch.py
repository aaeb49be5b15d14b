"""Recorded candidates to training batches: the candidates of a query share its prompt.

A query's prompt, images included, is most of what there is to compute, and its G candidates repeat
it. Here it stands once in a row, and the candidates stand behind it side by side:

    prompt but its last token | last token, candidate 1 | last token, candidate 2 | ... | padding

A token sees the prompt and its own candidate, nothing of its neighbours, and positions go on from
the prompt in each candidate: log-probabilities and gradients are those of G separate sequences
(ours; the attention of tree decoding, as in SpecInfer, arXiv 2305.09781).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import pad

from pulsemind.model.chat import encode
from pulsemind.records import Rollout, Turn
from pulsemind.sft.collate import BLANK, RopeIndex

PADDING = -1
"""Segment of tokens that belong to nobody; a prompt's is 0, its candidates' 1, 2, ..."""
MULTIPLE = 8
"""Rows are filled up to a multiple of this: GPU kernels with a mask ask for it."""


@dataclass(frozen=True)
class Candidate:
    """A recorded candidate to train on."""

    rollout: Rollout
    advantage: float
    number: int
    """Place in the rollout batch; log-probabilities are kept by it."""


@dataclass(frozen=True)
class Prompt:
    """An encoded prompt of n tokens."""

    ids: torch.Tensor
    """(n)"""
    positions: torch.Tensor
    """(3, n): time, height and width for the rotary embedding."""
    images: dict[str, torch.Tensor]
    """`pixel_values` and `image_grid_thw`, or nothing."""


def encode_prompt(
    processor: Any, turns: Sequence[Turn], folder: Path, rope_index: RopeIndex
) -> Prompt:
    """The prompt that the reply to a dialogue's last turn follows."""
    batch = encode(processor, [turns], folder, reply=True)
    ids = batch["input_ids"]
    positions, _ = rope_index(
        ids,
        mm_token_type_ids=batch.get("mm_token_type_ids", torch.zeros_like(ids)),
        image_grid_thw=batch.get("image_grid_thw"),
    )
    images: dict[str, torch.Tensor] = {
        k: batch[k] for k in ("pixel_values", "image_grid_thw") if k in batch
    }
    return Prompt(ids[0], positions[:, 0], images)


@dataclass(frozen=True)
class Collator:
    """Makes a micro-batch of candidates; neighbours of one query share a row.

    A micro-batch of B candidates with K tokens in R rows of L tokens holds

    - `inputs`: what the policy's scoring forward takes (`pulsemind.crpo.scores`): `input_ids`
      (R, L), `position_ids` (3, R, L), `segments` (R, L), `places` (K) among the R x L tokens whose
      next token is scored, `targets` (K), with images `pixel_values`, `image_grid_thw`;
    - `owners` (K): the candidate, 0 to B-1, of each scored token; `lengths` (B);
    - `recorded` (K): the engine's log-probabilities; `advantages` (B); `numbers` (B);
    - `records`: names of the candidates, for error messages; `patches`: image patches.
    """

    processor: Any
    folder: Path
    """Artifact the images lie in."""
    rope_index: RopeIndex
    turns: Mapping[str, Sequence[Turn]]
    """Dialogues by query, as fitted into `max_prompt_length`."""
    blank: bool = False
    """Whether a micro-batch without images gets a blank one in its padding, where nobody sees it:
    processes that share weights must all run the vision tower, or they wait for each other."""

    def __call__(self, candidates: Sequence[Candidate]) -> dict[str, Any]:
        groups = [list(g) for _, g in groupby(candidates, lambda c: c.rollout.query_id)]
        prompts = [
            encode_prompt(
                self.processor, self.turns[g[0].rollout.query_id], self.folder, self.rope_index
            )
            for g in groups
        ]
        rows = [_row(p, [c.rollout for c in g]) for p, g in zip(prompts, groups, strict=True)]
        images = _joined([p.images for p in prompts])
        blank = 0
        if self.blank and not images:
            images = dict(self.processor.image_processor([BLANK], return_tensors="pt"))
            blank = len(images["pixel_values"]) // self.processor.image_processor.merge_size**2
        width = max(len(r.ids) for r in rows) + blank
        width += -width % MULTIPLE
        ids = _stack([r.ids for r in rows], width, self.processor.tokenizer.pad_token_id)
        if blank:
            image = self.processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
            ids[0, width - blank :] = image
        lengths = torch.tensor([len(c.rollout.token_ids) for c in candidates])
        return {
            "inputs": {
                "input_ids": ids,
                "position_ids": torch.stack(
                    [pad(r.positions, (0, width - len(r.ids))) for r in rows], dim=1
                ),
                "segments": _stack([r.segments for r in rows], width, PADDING),
                "places": torch.cat([r.places + i * width for i, r in enumerate(rows)]),
                "targets": _tokens([c.rollout.token_ids for c in candidates], torch.long),
                **images,
            },
            "owners": torch.arange(len(candidates)).repeat_interleave(lengths),
            "lengths": lengths,
            "recorded": _tokens([c.rollout.logprobs for c in candidates], torch.float32),
            "advantages": torch.tensor([c.advantage for c in candidates]),
            "numbers": [c.number for c in candidates],
            "records": [f"{c.rollout.query_id}/{c.rollout.candidate}" for c in candidates],
            "patches": len(images.get("pixel_values", ())),
        }


@dataclass(frozen=True)
class _Row:
    ids: torch.Tensor
    positions: torch.Tensor
    segments: torch.Tensor
    places: torch.Tensor


def _row(prompt: Prompt, rollouts: Sequence[Rollout]) -> _Row:
    shared = len(prompt.ids) - 1
    last = prompt.ids[-1:]
    ids, positions = [prompt.ids[:-1]], [prompt.positions[:, :-1]]
    segments = [torch.zeros(shared, dtype=torch.long)]
    for number, rollout in enumerate(rollouts, start=1):
        length = len(rollout.token_ids)
        # The last token of a candidate predicts nothing that is scored.
        ids.append(torch.cat([last, torch.tensor(rollout.token_ids[:-1], dtype=torch.long)]))
        positions.append(prompt.positions[:, -1:] + torch.arange(length))
        segments.append(torch.full((length,), number))
    joined = torch.cat(ids)
    places = torch.arange(shared, len(joined))
    return _Row(joined, torch.cat(positions, dim=1), torch.cat(segments), places)


def _joined(images: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    names = {name for one in images for name in one}
    return {n: torch.cat([one[n] for one in images if n in one]) for n in sorted(names)}


def _stack(rows: Sequence[torch.Tensor], width: int, value: int) -> torch.Tensor:
    return torch.stack([pad(row, (0, width - len(row)), value=value) for row in rows])


def _tokens(values: Sequence[Sequence[float]], kind: torch.dtype) -> torch.Tensor:
    return torch.tensor([value for one in values for value in one], dtype=kind)


Collate = Callable[[Sequence[Candidate]], dict[str, Any]]
