"""Dialogues to training batches: loss on every physician turn, nothing else (SPEC section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pulsemind.model.chat import IGNORED, encode, reply_spans
from pulsemind.records import Consultation, Turn


class DialogueTooLong(ValueError):
    """Not even the first exchange of a dialogue fits."""


def cut(processor: Any, turns: Sequence[Turn], folder: Path, max_length: int) -> Sequence[Turn]:
    """The longest beginning of a dialogue that ends with a physician turn and fits.

    Cutting whole turns never splits an image's tokens.

    Args:
        max_length: tokens at most, image tokens counted.

    Raises:
        DialogueTooLong: when no beginning fits.
    """
    ends = [i + 1 for i, turn in enumerate(turns) if turn.role == "physician"]
    for end in reversed(ends):
        batch = encode(processor, [turns[:end]], folder, reply=False)
        if batch["input_ids"].shape[1] <= max_length:
            return turns[:end]
    raise DialogueTooLong(f"no exchange of the dialogue fits into {max_length} tokens")


@dataclass(frozen=True)
class Collator:
    """Makes a batch of the JSON lines of Consultations; given to the trainer.

    The result holds the processor's tensors plus `labels` (batch, length): the token id on every
    physician token and its end-of-turn token, -100 elsewhere.
    """

    processor: Any
    folder: Path
    max_length: int

    def __call__(self, rows: Sequence[Mapping[str, str]]) -> dict[str, torch.Tensor]:
        records = [Consultation.model_validate_json(row["text"]) for row in rows]
        dialogues = [self._fit(record) for record in records]
        batch: dict[str, torch.Tensor] = encode(self.processor, dialogues, self.folder, reply=False)
        labels = torch.full_like(batch["input_ids"], IGNORED)
        for row, ids in enumerate(batch["input_ids"].tolist()):
            for start, stop in reply_spans(self.processor, ids):
                labels[row, start:stop] = batch["input_ids"][row, start:stop]
        return {**batch, "labels": labels}

    def fits(self, row: Mapping[str, str]) -> bool:
        """Whether at least the first exchange of a dialogue is short enough to train on."""
        try:
            self._fit(Consultation.model_validate_json(row["text"]))
        except DialogueTooLong:
            return False
        return True

    def _fit(self, record: Consultation) -> Sequence[Turn]:
        try:
            return cut(self.processor, record.turns, self.folder, self.max_length)
        except DialogueTooLong as error:
            raise DialogueTooLong(f"record {record.id}: {error}; raise max_length") from None
