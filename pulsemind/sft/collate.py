"""Dialogues to training batches: loss on every physician turn, nothing else (SPEC section 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import pad

from pulsemind.model.chat import IGNORED, encode, reply_spans
from pulsemind.records import Consultation

RopeIndex = Callable[..., tuple[torch.Tensor, torch.Tensor]]
"""The model's `get_rope_index`: token ids and image grids to positions (3, batch, length)."""


@dataclass(frozen=True)
class Sample:
    """One encoded dialogue of n tokens."""

    ids: torch.Tensor
    """(n)"""
    labels: torch.Tensor
    """(n): the token itself on physician tokens and their end-of-turn token, else -100."""
    positions: torch.Tensor
    """(4, n): place in the dialogue, then time, height and width for the rotary embedding."""


@dataclass(frozen=True)
class Collator:
    """Makes a batch of rows, each of one dialogue or of several packed ones.

    The dialogues of a row lie one behind the other. Row 0 of the positions starts at 0 with each,
    by which transformers builds block-diagonal attention: no token sees a neighbour dialogue. The
    padding lies behind and is seen by nobody, so there is no attention mask.

    A batch of B rows of L tokens holds

    - `input_ids` (B, L), `position_ids` (4, B, L), with images `pixel_values`, `image_grid_thw`;
    - `logits_to_keep` (K): the places, the same in all rows, whose next token has a loss in any
      row; logits are computed for these only, which saves most of their memory;
    - `labels` (B, 1 + K): the token after each kept place, or -100. Column 0 is always -100: some
      releases of transformers do not count it;
    - `records`: the ids of the dialogues, for error messages; `tokens`: how many are no padding.
    """

    processor: Any
    folder: Path
    """Artifact the images lie in."""
    rope_index: RopeIndex

    def __call__(self, rows: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
        records = [[Consultation.model_validate_json(r["text"]) for r in row] for row in rows]
        dialogues = [
            record.turns[: r["turns"]]
            for row, found in zip(rows, records, strict=True)
            for r, record in zip(row, found, strict=True)
        ]
        batch = encode(self.processor, dialogues, self.folder, reply=False)
        samples = iter(self._samples(batch))
        joined = [_join([next(samples) for _ in row]) for row in rows]
        width = max(len(row.ids) for row in joined)
        labels = torch.stack([_fill(row.labels, width, IGNORED) for row in joined])
        following = pad(labels[:, 1:], (0, 1), value=IGNORED)
        keep = (following != IGNORED).any(0).nonzero().squeeze(1)
        empty = self.processor.tokenizer.pad_token_id
        return {
            "input_ids": torch.stack([_fill(row.ids, width, empty) for row in joined]),
            "position_ids": torch.stack([_continue(row.positions, width) for row in joined], dim=1),
            "labels": pad(following[:, keep], (1, 0), value=IGNORED),
            "logits_to_keep": keep,
            **{k: batch[k] for k in ("pixel_values", "image_grid_thw") if k in batch},
            "records": [record.id for row in records for record in row],
            "tokens": sum(len(row.ids) for row in joined),
        }

    def _samples(self, batch: dict[str, Any]) -> list[Sample]:
        """The dialogues of a padded batch, one by one."""
        ids, present = batch["input_ids"], batch["attention_mask"].bool()
        kinds = batch.get("mm_token_type_ids", torch.zeros_like(ids))
        rope, _ = self.rope_index(
            ids,
            mm_token_type_ids=kinds,
            image_grid_thw=batch.get("image_grid_thw"),
            attention_mask=batch["attention_mask"],
        )
        samples = []
        for number, mask in enumerate(present):
            own = ids[number][mask]
            labels = torch.full_like(own, IGNORED)
            for start, stop in reply_spans(self.processor, own.tolist()):
                labels[start:stop] = own[start:stop]
            place = torch.arange(len(own)).unsqueeze(0)
            samples.append(Sample(own, labels, torch.cat([place, rope[:, number, mask]])))
        return samples


def _join(samples: Sequence[Sample]) -> Sample:
    return Sample(
        torch.cat([s.ids for s in samples]),
        torch.cat([s.labels for s in samples]),
        torch.cat([s.positions for s in samples], dim=1),
    )


def _fill(values: torch.Tensor, width: int, value: int) -> torch.Tensor:
    return pad(values, (0, width - len(values)), value=value)


def _continue(positions: torch.Tensor, width: int) -> torch.Tensor:
    """Padding goes on counting behind the last dialogue: a row of one stays plainly causal."""
    missing = width - positions.shape[1]
    more = torch.arange(1, missing + 1).expand(4, missing)
    return torch.cat([positions, positions[:, -1:] + more], dim=1)
