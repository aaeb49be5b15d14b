"""One SFT stage: base + adapter in, trained adapter out. Both stages run this (SPEC section 4)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset
from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from pulsemind.model.load import (
    load_adapter,
    load_base,
    load_processor,
    new_adapter,
    save_adapter,
)
from pulsemind.records import Record
from pulsemind.settings import SftSettings
from pulsemind.sft.collate import Collator

Log = Callable[[int, dict[str, float]], None]
"""Called with the step and its figures (loss, learning rate, gradient norm)."""


class StepLoss(Record):
    """The training loss at one logged step."""

    step: int
    loss: float


class SftResult(Record):
    """Figures of one SFT stage. Losses are mean negative log-likelihoods a token, in nats."""

    steps: int
    train_loss_first: float
    train_loss_last: float
    validation_loss: float
    train_records: int
    validation_records: int
    too_long: int
    """Records left out because not even their first exchange fits into `max_length`."""
    history: tuple[StepLoss, ...]


def read_rows(shards: Path, cache: Path) -> Dataset:
    """The JSON lines of a folder of shards, memory-mapped: no stage holds its data in memory."""
    files = [str(path) for path in sorted(shards.glob("shard-*.jsonl"))]
    if not files:
        raise ValueError(f"{shards} holds no records")
    return load_dataset("text", data_files=files, split="train", cache_dir=str(cache))


class _Hooks(TrainerCallback):
    """Passes figures on and keeps the adapters of the asked-for steps."""

    def __init__(self, log: Log, snapshots: list[int], folder: Path) -> None:
        self.log, self.snapshots, self.folder = log, snapshots, folder

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        figures = kwargs["logs"]
        self.log(state.global_step, {k: v for k, v in figures.items() if isinstance(v, float)})

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step in self.snapshots and state.is_world_process_zero:
            target = self.folder / f"step-{state.global_step:06d}"
            temporary = target.with_name(f".{target.name}")
            save_adapter(kwargs["model"], temporary)
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)


def train(
    settings: SftSettings,
    base: Path,
    adapter: Path | None,
    data: Path,
    split: str,
    work: Path,
    out: Path,
    log: Log,
) -> SftResult:
    """Train one stage and write the adapter into `out`, its snapshots into `out/snapshots`.

    Args:
        base: artifact of the base model.
        adapter: adapter to go on with, or None for a fresh one.
        data: dataset artifact; `data/split/train` and `.../validation` are read.
        work: folder for checkpoints; a run that was killed goes on from the last one in it.
        out: folder to fill (not a finished artifact yet).
        log: receives figures as training goes.

    Resuming gives the same weights as an undisturbed run on a CPU in fp32.
    """
    set_seed(settings.seed)
    processor = load_processor(base)
    model = load_base(base, settings.bf16)
    model = (
        load_adapter(model, adapter, trainable=True)
        if adapter
        else new_adapter(model, settings.lora)
    )
    model.config.use_cache = False
    collator = Collator(processor, data, settings.max_length)
    rows, too_long = {}, 0
    for part in ("train", "validation"):
        found = read_rows(data / split / part, work / "rows")
        rows[part] = found.filter(collator.fits, desc="fits max_length")
        too_long += len(found) - len(rows[part])
    trainer = Trainer(
        model=model,
        args=_arguments(settings, work),
        data_collator=collator,
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        callbacks=[_Hooks(log, settings.snapshots, work / "snapshots")],
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(work)))
    validation = trainer.evaluate()["eval_loss"]
    save_adapter(model, out)
    if settings.snapshots:
        shutil.copytree(work / "snapshots", out / "snapshots")
    losses = [entry for entry in trainer.state.log_history if "loss" in entry]
    return SftResult(
        steps=trainer.state.global_step,
        train_loss_first=losses[0]["loss"],
        train_loss_last=losses[-1]["loss"],
        validation_loss=validation,
        train_records=len(rows["train"]),
        validation_records=len(rows["validation"]),
        too_long=too_long,
        history=tuple(StepLoss(step=entry["step"], loss=entry["loss"]) for entry in losses),
    )


def _arguments(settings: SftSettings, work: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(work),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=settings.batch,
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup_steps,
        lr_scheduler_type="cosine",
        optim="adamw_torch",
        bf16=settings.bf16,
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=max(1, settings.steps // 50),
        save_steps=settings.save_every,
        save_total_limit=2,
        seed=settings.seed,
        data_seed=settings.seed,
        remove_unused_columns=False,
        report_to=[],
    )
