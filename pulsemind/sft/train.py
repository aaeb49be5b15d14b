"""One SFT stage: base + adapter in, trained adapter out. Both stages run this (SPEC section 4).

The same call trains in one process or, under a launcher (torchrun, accelerate), as one of many.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import (
    PrinterCallback,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from pulsemind.model.load import load_adapter, load_base, load_processor, new_adapter, save_adapter
from pulsemind.records import Record
from pulsemind.settings import SftSettings
from pulsemind.sft import checkpoints, rows, trainer, zero
from pulsemind.sft.arguments import arguments
from pulsemind.sft.callbacks import (
    Checkpoints,
    EarlyStop,
    Log,
    Report,
    Snapshots,
    best_measurement,
    out_of_patience,
)
from pulsemind.sft.collate import Collator
from pulsemind.sft.held_out import (
    HeldOut,
    MeasureBefore,
    held_out,
    held_out_figures,
    measure,
    read_before,
    token_sums,
)
from pulsemind.sft.rows import LeftOver, Rows
from pulsemind.sft.trainer import SftTrainer

POINTS = 50
"""Points of the loss curve, and reports of figures, of a whole stage."""
HELD_OUT = "held_out.json"


class StepLoss(Record):
    """The mean training loss of the steps since the point before."""

    step: int
    loss: float


class SftResult(Record):
    """Figures of one SFT stage. Losses are mean negative log-likelihoods a token, in nats."""

    steps: int
    train_loss_first: float
    train_loss_last: float
    validation_loss: float
    """`after.loss`."""
    base: HeldOut
    """Without any adapter, on this stage's held-out dialogues."""
    before: HeldOut
    """With the adapter that the stage started from (a new one changes nothing: as `base`)."""
    after: HeldOut
    packed: bool
    rows: int
    """Rows of the training data; a row is one dialogue or several packed ones."""
    fill: float
    """Tokens in these rows as a share of `max_length` each."""
    train: LeftOver
    validation: LeftOver
    history: tuple[StepLoss, ...]


@dataclass(frozen=True)
class _Data:
    train: Dataset
    validation: Dataset
    rows: Rows


def train(
    settings: SftSettings,
    base: Path,
    adapter: Path | None,
    data: Path,
    split: str,
    work: Path,
    out: Path,
    log: Log,
    workers: int = 1,
) -> SftResult:
    """Train one stage and write the adapter into `out`, its snapshots into `out/snapshots`.

    Args:
        base: artifact of the base model.
        adapter: adapter to go on with, or None for a fresh one.
        data: dataset artifact; `data/split/train` and `.../validation` are read.
        work: folder for checkpoints; a run that was killed goes on from the last one in it.
        out: folder to fill (not a finished artifact yet); the first process fills it.
        log: receives figures as training goes (`callbacks.Report`).
        workers: processes that measure the dialogues.

    Raises:
        TrainingError: out of memory, a loss that is no number, a full disk, other processes than
            those that began; names step and records and says what to do.
        ArtifactError: base, adapter or data are not what they should be.
        ValueError: settings that do not fit together, or this machine.

    Resuming gives the same weights as an undisturbed run on a CPU in fp32.
    """
    zero.start(settings.zero)
    args = arguments(settings, work)
    processor = load_processor(base)
    packing = _packing(settings)
    with args.main_process_first(local=False):
        checkpoints.same_processes(work, args.world_size)
        found = _data(settings, processor, data, split, work, workers, packing)
        resume = checkpoints.last_finished(work)
    model = _model(settings, base, adapter)
    collator = Collator(processor, data, _rope_index(model), _blank(settings, args, found))
    made = _trainer(settings, model, args, collator, found)
    made.add_callback(MeasureBefore(made, work / HELD_OUT))
    made.add_callback(Report(made, log, max(1, settings.steps // POINTS)))
    _run(made, settings, resume)
    after = _finish(made, settings, work, out)
    at_base, before = read_before(work / HELD_OUT)
    history = _curve(made.state.log_history, max(1, settings.steps // POINTS))
    return SftResult(
        steps=made.state.global_step,
        train_loss_first=history[0].loss,
        train_loss_last=history[-1].loss,
        validation_loss=after.loss,
        base=at_base,
        before=before,
        after=after,
        packed=packing,
        rows=len(found.rows),
        fill=found.rows.tokens / (len(found.rows) * settings.max_length),
        train=rows.left_over(found.train),
        validation=rows.left_over(found.validation),
        history=history,
    )


def _packing(settings: SftSettings) -> bool:
    """Whether rows are packed; says so when they cannot be though they should."""
    if settings.packing and settings.attention == "flash_attention_2" and settings.batch > 1:
        # A warning, not a log entry: tools of the stage may have silenced loggers made before them.
        warnings.warn(
            "packing is off: flash_attention_2 keeps the dialogues of a row apart only in a batch "
            f"of one row, and batch is {settings.batch}. Set batch: 1 (global_batch stays), or "
            "attention: sdpa",
            stacklevel=2,
        )
        return False
    return settings.packing


def _data(
    settings: SftSettings,
    processor: Any,
    data: Path,
    split: str,
    work: Path,
    workers: int,
    packing: bool,
) -> _Data:
    parts = {}
    for part in ("train", "validation"):
        texts = rows.read_text(data, f"{split}/{part}", work / "rows")
        if part == "validation" and len(texts) > settings.validation:
            drawn = np.random.default_rng(settings.seed).permutation(len(texts))
            texts = texts.select(np.sort(drawn[: settings.validation]))
        cache = work / "rows" / f"{part}.arrow"
        parts[part] = rows.measured(texts, processor, data, settings.max_length, cache, workers)
        if not len(rows.single(parts[part])):
            raise ValueError(
                f"no dialogue of {data / split / part} fits into max_length {settings.max_length}"
            )
    train = parts["train"]
    chosen = (
        rows.packed(train, settings.max_length, settings.seed) if packing else rows.single(train)
    )
    return _Data(train, parts["validation"], chosen)


def _model(settings: SftSettings, base: Path, adapter: Path | None) -> Any:
    model = load_base(base, settings.bf16)
    try:
        model.set_attn_implementation(settings.attention)
    except ImportError as error:
        raise ValueError(f"attention: {settings.attention} cannot be used here: {error}") from None
    set_seed(settings.seed)  # loading may draw numbers, a different count on each machine
    if adapter:
        model = load_adapter(model, adapter, trainable=True)
    else:
        model = new_adapter(model, settings.lora)
    return model


def _blank(settings: SftSettings, args: TrainingArguments, data: _Data) -> bool:
    """Whether every batch must have an image: some have, or the vision tower learns."""
    sees = rows.with_images(data.train) or rows.with_images(data.validation)
    return args.world_size > 1 and (sees or settings.lora.vision or settings.lora.projector)


def _rope_index(model: Any) -> Any:
    return model.get_base_model().model.get_rope_index


def _trainer(
    settings: SftSettings, model: Any, args: TrainingArguments, collator: Collator, data: _Data
) -> SftTrainer:
    work = Path(args.output_dir)
    callbacks: list[TrainerCallback] = [
        Checkpoints(settings.save_minutes, settings.keep),
        Snapshots(settings.snapshots, work / "snapshots"),
    ]
    if settings.patience:
        callbacks.append(EarlyStop(settings.patience, work / "best"))
    made = SftTrainer(
        model=model,
        args=args,
        data_collator=collator,
        train_dataset=data.rows,
        eval_dataset=rows.single(data.validation),
        compute_loss_func=trainer.token_loss,
        compute_metrics=held_out_figures,
        preprocess_logits_for_metrics=token_sums,
        callbacks=callbacks,
    )
    made.remove_callback(PrinterCallback)  # `Report` says the same, less often
    return made


def _run(made: SftTrainer, settings: SftSettings, resume: Path | None) -> None:
    """Train to the end; a run that had stopped early before it was killed is at its end."""
    if resume and settings.patience:
        state = TrainerState.load_from_json(str(resume / "trainer_state.json"))
        if out_of_patience(state.log_history, settings.patience):
            state.is_world_process_zero = made.is_world_process_zero()
            made.state = state
            return
    made.train(resume_from_checkpoint=str(resume) if resume else None)


def _finish(made: SftTrainer, settings: SftSettings, work: Path, out: Path) -> HeldOut:
    """Write the resulting adapter and the snapshots; returns the adapter's held-out loss."""
    state = made.state
    if settings.patience:
        entry = best_measurement(state.log_history)
        after = held_out(entry, "eval")
        if state.is_world_process_zero:
            best = work / "best" / f"step-{entry['step']:06d}"
            shutil.copytree(best, out, dirs_exist_ok=True)
    else:
        after = measure(made)
        with zero.gathered(made.model):
            if state.is_world_process_zero:
                save_adapter(made.model, out)
    if settings.snapshots and state.is_world_process_zero:
        shutil.copytree(work / "snapshots", out / "snapshots")
    return after


def _curve(entries: Sequence[dict[str, Any]], every: int) -> tuple[StepLoss, ...]:
    """Means over windows of steps: what a resumed run logged does not move them."""
    losses = [(int(e["step"]), float(e["loss"])) for e in entries if "loss" in e]
    windows = [losses[at : at + every] for at in range(0, len(losses), every)]
    return tuple(
        StepLoss(step=window[-1][0], loss=sum(loss for _, loss in window) / len(window))
        for window in windows
    )
