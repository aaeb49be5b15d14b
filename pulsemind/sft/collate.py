"""Dialogues to training batches: loss on every physician turn, nothing else (SPEC section 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.nn.functional import pad

from pulsemind.model.attention import borders
from pulsemind.model.chat import IGNORED, encode, reply_spans
from pulsemind.records import Consultation

BLANK = Image.new("RGB", (56, 56))
RopeIndex = Callable[..., tuple[torch.Tensor, torch.Tensor]]
"""The model's `get_rope_index`: token ids and image grids to positions (3, batch, length)."""


@dataclass(frozen=True)
class Work:
    """What a batch, or many, hold to compute; padding is none of it."""

    dialogues: int = 0
    tokens: int = 0
    squares: int = 0
    """Sum over the dialogues of their tokens squared: attention never crosses a dialogue."""
    learned: int = 0
    """Tokens with a loss."""
    patches: int = 0
    """Image patches before the merger."""

    def __add__(self, other: Work) -> Work:
        return Work(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


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
    - `row_borders`, if asked for: where dialogues begin and end, as `attention.borders` says;
    - `use_cache`: False, which the mask needs;
    - `records`: the ids of the dialogues, for error messages; `work`: what there is to compute.
    """

    processor: Any
    folder: Path
    """Artifact the images lie in."""
    rope_index: RopeIndex
    blank: bool = False
    """Whether a batch without images gets a blank one, in its padding, where nobody sees it.
    Processes that share weights must all run the vision tower, or they wait for each other."""
    borders: bool = False
    """Whether a batch holds `row_borders`, which the attention implementation `varlen` takes."""

    def __call__(self, rows: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
        records = [[Consultation.model_validate_json(r["text"]) for r in row] for row in rows]
        dialogues = [
            record.turns[: r["turns"]]
            for row, found in zip(rows, records, strict=True)
            for r, record in zip(row, found, strict=True)
        ]
        batch = encode(self.processor, dialogues, self.folder, reply=False)
        samples = self._samples(batch)
        following = iter(samples)
        joined = [_join([next(following) for _ in row]) for row in rows]
        width = max(len(row.ids) for row in joined)
        images: dict[str, Any] = {
            k: batch[k] for k in ("pixel_values", "image_grid_thw") if k in batch
        }
        blank = 0
        if self.blank and not images:
            images = dict(self.processor.image_processor([BLANK], return_tensors="pt"))
            blank = len(images["pixel_values"]) // self.processor.image_processor.merge_size**2
            width += blank
        labels = torch.stack([_fill(row.labels, width, IGNORED) for row in joined])
        wanted = pad(labels[:, 1:], (0, 1), value=IGNORED)
        keep = (wanted != IGNORED).any(0).nonzero().squeeze(1)
        tokenizer = self.processor.tokenizer
        ids = torch.stack([_fill(row.ids, width, tokenizer.pad_token_id) for row in joined])
        ids[0, width - blank :] = tokenizer.convert_tokens_to_ids("<|image_pad|>")
        positions = torch.stack([_continue(row.positions, width) for row in joined], dim=1)
        return {
            "input_ids": ids,
            "position_ids": positions,
            **({"row_borders": borders(positions[0])} if self.borders else {}),
            "use_cache": False,  # with a cache, transformers builds a plainly causal mask
            "labels": pad(wanted[:, keep], (1, 0), value=IGNORED),
            "logits_to_keep": keep,
            **images,
            "records": [record.id for row in records for record in row],
            "work": _work(samples, batch),
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


def _work(samples: Sequence[Sample], batch: dict[str, Any]) -> Work:
    return Work(
        dialogues=len(samples),
        tokens=sum(len(s.ids) for s in samples),
        squares=sum(len(s.ids) ** 2 for s in samples),
        learned=sum(int((s.labels != IGNORED).sum()) for s in samples),
        patches=len(batch.get("pixel_values", ())),
    )


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
