"""Teaches a freshly built model to speak: next-token training of all weights on the dialogues.

A published base model comes pretrained; a random one must see some text before an adapter on its
frozen weights can say anything. It reads the training dialogues only (ours; no paper source).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset
from transformers import Trainer, TrainingArguments, set_seed

from pulsemind.settings import Pretraining


class PackedText(IterableDataset[dict[str, torch.Tensor]]):
    """Endless rows of `length` tokens: texts one after another, each pass in a new seeded order."""

    def __init__(self, texts: Iterable[str], tokenizer: Any, length: int, seed: int) -> None:
        self.ids = [tokenizer(text)["input_ids"] for text in texts]
        self.length, self.seed = length, seed

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        rng = np.random.default_rng(self.seed)
        row: list[int] = []
        while True:
            for index in rng.permutation(len(self.ids)):
                row += self.ids[index]
                while len(row) >= self.length:
                    ids = torch.tensor(row[: self.length])
                    yield {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}
                    row = row[self.length :]


def pretrain(
    model: Any,
    tokenizer: Any,
    texts: Iterable[str],
    settings: Pretraining,
    work: Path,
) -> float:
    """Train all weights but the vision tower's in place; returns the last loss in nats a token.

    Args:
        texts: rendered dialogues; their tokens are held in memory (4 million dialogues need about
            10 GB), so this is for small models on small data.
        work: scratch folder of the trainer.
    """
    set_seed(settings.seed)
    model.model.visual.requires_grad_(False)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(work),
            max_steps=settings.steps,
            per_device_train_batch_size=settings.batch,
            learning_rate=settings.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=settings.steps // 10,
            adam_beta2=0.95,
            weight_decay=0.1,
            logging_steps=10,
            save_strategy="no",
            seed=settings.seed,
            report_to=[],
        ),
        train_dataset=PackedText(texts, tokenizer, settings.length, settings.seed),
    )
    trainer.train()
    model.requires_grad_(True)
    losses = [entry for entry in trainer.state.log_history if "loss" in entry]
    return float(losses[-1]["loss"])
