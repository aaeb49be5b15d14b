"""Our settings as transformers' TrainingArguments."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from transformers import TrainingArguments

from pulsemind.settings import SftSettings
from pulsemind.sft import zero


def arguments(settings: SftSettings, work: Path) -> TrainingArguments:
    """Arguments for this process, alone or one of many, with checkpoints in `work`.

    With DeepSpeed they must be made before the model is loaded: its weights then load sharded.
    Raises ValueError when `global_batch` cannot be shared among the processes.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    accumulation, rest = divmod(settings.global_batch, settings.batch * processes)
    if rest or not accumulation:
        raise ValueError(
            f"global_batch {settings.global_batch} must be a multiple of batch x processes "
            f"({settings.batch} x {processes})"
        )
    on_gpu = torch.cuda.is_available()
    sharding = (
        zero.configuration(settings.zero, settings.batch, accumulation, settings.bf16)
        if settings.zero
        else None
    )
    args = TrainingArguments(
        output_dir=str(work),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=settings.batch,
        gradient_accumulation_steps=accumulation,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup_steps,
        lr_scheduler_type="cosine",
        optim="adamw_torch",
        bf16=settings.bf16,
        deepspeed=sharding,
        accelerator_config={"use_configured_state": bool(settings.zero) and not on_gpu},
        ddp_timeout=24 * 3600,  # the first process measures the data while the others wait
        use_cpu=not (on_gpu or settings.zero),  # DeepSpeed looks for itself
        dataloader_num_workers=settings.loaders,
        dataloader_pin_memory=on_gpu,
        logging_steps=1,  # into the trainer's own history: a window would depend on resumes
        eval_strategy="steps" if settings.evaluate_every else "no",
        eval_steps=settings.evaluate_every,
        save_steps=settings.save_every,
        save_total_limit=None,  # `Checkpoints` removes the old ones
        seed=settings.seed,
        data_seed=settings.seed,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=[],
    )
    if processes == 1 and args.n_gpu > 1:
        # Several GPUs without a launcher: train on the first, never through torch's DataParallel.
        args._n_gpu = 1
    return args
