"""The policy update: recorded rollouts and rewards in, the next adapter out (SPEC section 5).

Nothing is sampled here. The loss is GRPO's with TRL's arithmetic; unlike TRL's trainer, which takes
every candidate with a prompt of its own, candidates of a query share it (`pulsemind.crpo.batch`).
The same call trains in one process or, under a launcher (torchrun, accelerate), as one of many.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, TrainerCallback, TrainingArguments, set_seed

from pulsemind.crpo import optimizer
from pulsemind.crpo.batch import Candidate, Collator, encode_prompt
from pulsemind.crpo.loss import Share, advantages
from pulsemind.crpo.scores import scoring
from pulsemind.crpo.trainer import OLD, REFERENCE, PolicyTrainer, in_order, without_dropout
from pulsemind.model.engine import fit_prompt
from pulsemind.model.load import load_adapter, load_base, load_processor, save_adapter
from pulsemind.records import Query, Record, Rollout, Turn
from pulsemind.settings import CrpoSettings
from pulsemind.sft import checkpoints, zero
from pulsemind.sft.callbacks import Checkpoints
from pulsemind.sft.collate import RopeIndex

Log = Callable[[int, dict[str, float]], None]
Rewards = Mapping[str, Sequence[float | None]]


class UpdateResult(Record):
    """Figures of one policy update."""

    steps: int
    loss: float
    """Mean loss over the steps."""
    kl: float
    """Mean KL to the SFT adapter a token, in nats; 0 when its weight is 0."""
    gradient_norm: float
    """Mean over the steps, before clipping to 1."""
    clipped: float
    """Share of tokens whose probability has moved by more than `clip`, mean over the steps."""
    engine_gap: float
    """Mean distance of the engine's log-probabilities from the trainer's under the policy that
    sampled, in nats a token. Under `crpo.staleness` 1 it includes the drift of one update: the
    trainer starts from the policy after the one that sampled."""
    engine_gap_max: float
    """The largest."""
    compared: int
    """Tokens compared: those of the first step, and those the trainer computed for the ratio."""


class _Report(TrainerCallback):
    def __init__(self, log: Log) -> None:
        self.log = log

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            figures = kwargs["logs"]
            self.log(state.global_step, {k: v for k, v in figures.items() if isinstance(v, float)})


def update(
    settings: CrpoSettings,
    base: Path,
    policy: Path,
    reference: Path,
    data: Path,
    queries: Sequence[Query],
    rollouts: Sequence[Rollout],
    rewards: Rewards,
    work: Path,
    out: Path,
    log: Log,
) -> UpdateResult:
    """Train the policy adapter on one rollout batch and write the new adapter into `out`.

    Args:
        policy: adapter that sampled the rollouts.
        reference: SFT adapter, for the KL term.
        data: dataset artifact, for the images.
        rewards: G rewards a query; None counts nowhere.
        work: folder for checkpoints; an update that was killed goes on from the last one in it.
        out: folder to fill; the first process fills it.
        log: receives the figures of each step.

    The result depends on the arguments only (a CPU in fp32: bit for bit). The optimiser's state
    goes with the adapter: taken up from `policy`, left in `out`.

    Raises:
        TrainingError: out of memory, a loss that is no number, other processes than those that
            began.
        ValueError: a rollout is missing or its prompt is not the one the trainer builds; settings
            that do not fit together.
    """
    zero.start(settings.zero)
    args = arguments(settings, len(queries), work)
    with args.main_process_first(local=False):
        checkpoints.same_processes(work, args.world_size)
        resume = checkpoints.last_finished(work)
    processor = load_processor(base)
    model = _model(settings, args.max_steps, base, policy, reference)
    made = build_trainer(
        settings, args, model, processor, data, queries, rollouts, rewards, log,
        optimizer.adamw(model, settings.learning_rate),
    )  # fmt: skip
    made.add_callback(optimizer.GoesOn(optimizer.read(policy, model)))
    made.train(resume_from_checkpoint=str(resume) if resume else None)
    with zero.gathered(made.model):
        if made.is_world_process_zero():
            save_adapter(made.model, out)
    optimizer.save(made.optimizer, made.model, out)
    return result_of(made)


def _model(settings: CrpoSettings, steps: int, base: Path, policy: Path, reference: Path) -> Any:
    """The policy, with the frozen adapters that the loss needs beside it."""
    set_seed(settings.seed)
    model = load_adapter(load_base(base, settings.bf16), policy, trainable=True)
    if settings.kl:
        model.load_adapter(str(reference), REFERENCE, is_trainable=False)
    if settings.correction.kind != "none" and steps > 1:
        model.load_adapter(str(policy), OLD, is_trainable=False)
    return model


def result_of(made: PolicyTrainer) -> UpdateResult:
    """The figures of a trainer that has trained."""
    entries = [entry for entry in made.state.log_history if "loss" in entry]

    def mean(key: str) -> float:
        values = [entry[key] for entry in entries if key in entry]
        return sum(values) / len(values) if values else 0.0

    seen = [entry for entry in entries if "compared" in entry]
    compared = sum(entry["compared"] for entry in seen)
    return UpdateResult(
        steps=made.state.global_step,
        loss=mean("loss"),
        kl=mean("kl"),
        gradient_norm=mean("grad_norm"),
        clipped=mean("clipped"),
        engine_gap=sum(entry["engine_gap"] * entry["compared"] for entry in seen) / compared,
        engine_gap_max=max(entry["engine_gap_max"] for entry in seen),
        compared=int(compared),
    )


def build_trainer(
    settings: CrpoSettings,
    args: TrainingArguments,
    model: Any,
    processor: Any,
    data: Path,
    queries: Sequence[Query],
    rollouts: Sequence[Rollout],
    rewards: Rewards,
    log: Log,
    optimiser: torch.optim.Optimizer,
) -> PolicyTrainer:
    """The trainer of one update, for a policy with its frozen adapters.

    Raises ValueError when a rollout is missing or its prompt is not the one the trainer builds.
    """
    rope_index = model.get_base_model().model.get_rope_index
    by_key = {(r.query_id, r.candidate): r for r in rollouts}
    turns: dict[str, Sequence[Turn]] = {}
    for query in queries:
        turns[query.id], ids = _fitted(settings, processor, query, data, rope_index)
        _check_prompt(query.id, ids, by_key, settings.candidates)
    candidates = _candidates(settings, queries, by_key, rewards)
    without_dropout(model)
    scoring(model, settings.temperature)
    steps_tokens = sum(len(c.rollout.token_ids) for c in candidates) * (
        settings.global_batch / len(candidates)
    )
    images = any(turn.images for found in turns.values() for turn in found)
    callbacks: list[TrainerCallback] = [_Report(log)]
    if settings.save_every:
        callbacks.append(Checkpoints(None, 1))
    made = PolicyTrainer(
        settings,
        Share(args.gradient_accumulation_steps, steps_tokens / args.world_size),
        model=model,
        args=args,
        data_collator=Collator(
            processor, data, rope_index, turns, blank=args.world_size > 1 and images
        ),
        train_dataset=candidates,
        callbacks=callbacks,
        optimizers=(optimiser, None),
    )
    made.remove_callback(PrinterCallback)
    return made


def _candidates(
    settings: CrpoSettings,
    queries: Sequence[Query],
    rollouts: Mapping[tuple[str, int], Rollout],
    rewards: Rewards,
) -> list[Candidate]:
    """The rollout batch in the order it is trained in."""
    worth = advantages({q.id: rewards[q.id] for q in queries}, settings.advantage)
    places = [(q, g) for q in range(len(queries)) for g in range(settings.candidates)]
    found = [
        Candidate(rollouts[queries[q].id, g], worth[queries[q].id][g], number)
        for number, (q, g) in enumerate(places)
    ]
    lengths = [len(c.rollout.prompt_ids) + len(c.rollout.token_ids) for c in found]
    order = in_order(lengths, [q for q, _ in places], settings.global_batch)
    return [found[i] for i in order]


def arguments(settings: CrpoSettings, queries: int, work: Path) -> TrainingArguments:
    """Arguments for this process, alone or one of many; with DeepSpeed, before the model loads."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    sequences = queries * settings.candidates
    accumulation, rest = divmod(settings.global_batch, settings.batch * processes)
    if sequences % settings.global_batch or rest or not accumulation:
        raise ValueError(
            f"crpo.global_batch {settings.global_batch} must divide queries x candidates "
            f"({sequences}) and be a multiple of crpo.batch x processes "
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
        max_steps=sequences // settings.global_batch * settings.epochs,
        per_device_train_batch_size=settings.batch,
        gradient_accumulation_steps=accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant",
        train_sampling_strategy="sequential",
        bf16=settings.bf16,
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        deepspeed=sharding,
        accelerator_config={"use_configured_state": bool(settings.zero) and not on_gpu},
        use_cpu=not (on_gpu or settings.zero),  # DeepSpeed looks for itself
        remove_unused_columns=False,
        logging_steps=1,
        save_strategy="steps" if settings.save_every else "no",
        save_steps=settings.save_every or 1,
        save_total_limit=None,  # `Checkpoints` removes the old ones
        disable_tqdm=True,
        seed=settings.seed,
        data_seed=settings.seed,
        report_to=[],
    )
    if processes == 1 and args.n_gpu > 1:
        args._n_gpu = 1  # several GPUs without a launcher: never through torch's DataParallel
    return args


def _fitted(
    settings: CrpoSettings, processor: Any, query: Query, data: Path, rope_index: RopeIndex
) -> tuple[Sequence[Turn], list[int]]:
    """The dialogue as the engine fitted it into `max_prompt_length`, and its prompt's tokens."""
    turns: Sequence[Turn] = query.turns
    ids = encode_prompt(processor, turns, data, rope_index).ids.tolist()
    if len(ids) > settings.max_prompt_length:
        turns = fit_prompt(processor, turns, data, settings.max_prompt_length)
        ids = encode_prompt(processor, turns, data, rope_index).ids.tolist()
    return turns, ids


def _check_prompt(
    query: str,
    ids: list[int],
    rollouts: Mapping[tuple[str, int], Rollout],
    candidates: int,
) -> None:
    for candidate in range(candidates):
        if (query, candidate) not in rollouts:
            raise ValueError(f"query {query}: candidate {candidate} has no rollout")
        if list(rollouts[query, candidate].prompt_ids) != ids:
            raise ValueError(f"query {query}: the rollout's prompt differs from the trainer's")
