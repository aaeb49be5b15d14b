"""The policy update: TRL's GRPOTrainer replaying recorded rollouts and rewards.

Nothing is sampled here. TRL computes the advantages, the clipped loss and the KL term from what
the rollout and judge phases left; this module hands it over, and refuses to train on tokens that
are not the prompt the trainer would build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Image, List, Value
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import TrainerCallback, set_seed
from trl import GRPOConfig, GRPOTrainer

from pulsemind.crpo import optimizer
from pulsemind.model.chat import messages
from pulsemind.model.engine import fit_prompt
from pulsemind.model.load import load_adapter, load_base, load_processor, save_adapter
from pulsemind.records import Query, Record, Rollout
from pulsemind.settings import CrpoSettings

Log = Callable[[int, dict[str, float]], None]


class UpdateResult(Record):
    """Figures of one policy update."""

    steps: int
    loss: float
    """Mean loss over the steps."""
    kl: float
    """Mean KL to the SFT adapter a token, in nats; 0 when its weight is 0."""
    gradient_norm: float
    """Mean over the steps, before clipping to 1."""


class _Report(TrainerCallback):
    def __init__(self, log: Log) -> None:
        self.log = log

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        figures = kwargs["logs"]
        self.log(state.global_step, {k: v for k, v in figures.items() if isinstance(v, float)})


def prompt_rows(
    queries: Sequence[Query], processor: Any, folder: Path, max_prompt_length: int
) -> Dataset:
    """The trainer's data set: chat messages and images a query.

    Every message also carries the query's id, by which the replay finds its rollouts; the chat
    template does not look at it.
    """
    part = {"type": Value("string"), "text": Value("string")}
    message = {"role": Value("string"), "content": List(part), "query": Value("string")}
    features = Features({"prompt": List(message), "images": List(Image())})
    rows = []
    for query in queries:
        turns = fit_prompt(processor, query.turns, folder, max_prompt_length)
        chat = [{**m, "query": query.id} for m in messages(turns)]
        images = [str(folder / image.path) for turn in turns for image in turn.images]
        rows.append({"prompt": chat, "images": images})
    return Dataset.from_list(rows, features=features)


def replay(
    rollouts: Mapping[tuple[str, int], Rollout],
    rewards: Mapping[str, Sequence[float | None]],
    candidates: int,
) -> Callable[[list[Any], Any], dict[str, list[Any]]]:
    """TRL's `rollout_func` that returns recorded rollouts with their rewards.

    TRL groups by position in the batch gathered over all processes: position p holds candidate
    p mod G of its query. The same rule maps prompts to rollouts here, so it holds for any number
    of processes.
    """

    def rollout_func(prompts: list[Any], trainer: Any) -> dict[str, list[Any]]:
        first = trainer.accelerator.process_index * len(prompts)
        keys = [(p[0]["query"], (first + i) % candidates) for i, p in enumerate(prompts)]
        chosen = [rollouts[key] for key in keys]
        return {
            "prompt_ids": [list(r.prompt_ids) for r in chosen],
            "completion_ids": [list(r.token_ids) for r in chosen],
            "logprobs": [list(r.logprobs) for r in chosen],
            "recorded_reward": [rewards[query][candidate] for query, candidate in keys],
        }

    return rollout_func


def recorded_reward(recorded_reward: list[float | None], **_: Any) -> list[float | None]:
    """TRL's reward function: the reward that came with the rollout; None is unscorable."""
    return recorded_reward


def build_trainer(
    settings: CrpoSettings,
    base: Path,
    policy: Path,
    reference: Path,
    data: Path,
    queries: Sequence[Query],
    rollouts: Sequence[Rollout],
    rewards: Mapping[str, Sequence[float | None]],
    work: Path,
    log: Log,
) -> GRPOTrainer:
    """The trainer of one update. The reference policy is the SFT adapter at every iteration.

    Raises ValueError when a rollout is missing or its prompt is not the one the trainer builds.
    """
    processor = load_processor(base)
    rows = prompt_rows(queries, processor, data, settings.max_prompt_length)
    by_key = {(r.query_id, r.candidate): r for r in rollouts}
    _check_prompts(processor, rows, queries, by_key, settings.candidates)
    model = load_adapter(load_base(base, settings.bf16), policy, trainable=True)
    model.register_forward_pre_hook(_without_empty_images, with_kwargs=True)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=recorded_reward,
        args=_arguments(settings, len(queries), work),
        train_dataset=rows,
        processing_class=processor,
        rollout_func=replay(by_key, rewards, settings.candidates),
        callbacks=[_Report(log)],
        optimizers=(optimizer.adamw(model, settings.learning_rate, policy), None),
    )
    if settings.kl > 0:  # TRL copied the current policy; the reference is the SFT adapter
        weights = load_file(reference / "adapter_model.safetensors")
        set_peft_model_state_dict(trainer.model, weights, adapter_name="ref")
    return trainer


def update(
    settings: CrpoSettings,
    base: Path,
    policy: Path,
    reference: Path,
    data: Path,
    queries: Sequence[Query],
    rollouts: Sequence[Rollout],
    rewards: Mapping[str, Sequence[float | None]],
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
        work: the trainer's scratch folder.

    The result depends on the arguments only (a CPU in fp32: bit for bit). The optimiser's state
    goes with the adapter: taken up from `policy`, left in `out`.
    """
    set_seed(settings.seed)
    trainer = build_trainer(
        settings, base, policy, reference, data, queries, rollouts, rewards, work, log
    )
    trainer.train()
    save_adapter(trainer.model, out)
    optimizer.save(trainer.optimizer, trainer.model, out)
    entries = [entry for entry in trainer.state.log_history if "loss" in entry]

    def mean(key: str) -> float:
        values = [entry[key] for entry in entries if key in entry]
        return sum(values) / len(values) if values else 0.0

    return UpdateResult(
        steps=trainer.state.global_step,
        loss=mean("loss"),
        kl=mean("kl"),
        gradient_norm=mean("grad_norm"),
    )


def _arguments(settings: CrpoSettings, queries: int, work: Path) -> GRPOConfig:
    sequences = queries * settings.candidates
    if sequences % settings.global_batch or settings.global_batch % settings.batch:
        raise ValueError(
            f"crpo.global_batch {settings.global_batch} must divide queries x candidates "
            f"({sequences}) and be a multiple of crpo.batch {settings.batch}"
        )
    return GRPOConfig(
        output_dir=str(work),
        max_steps=sequences // settings.global_batch * settings.epochs,
        per_device_train_batch_size=settings.batch,
        gradient_accumulation_steps=settings.global_batch // settings.batch,
        generation_batch_size=sequences,
        num_generations=settings.candidates,
        num_iterations=settings.epochs,
        max_completion_length=settings.max_new_tokens,
        temperature=settings.temperature,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant",
        beta=settings.kl,
        epsilon=settings.clip,
        loss_type=settings.loss,
        scale_rewards=settings.advantage,
        shuffle_dataset=False,
        bf16=settings.bf16,
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        disable_dropout=True,
        remove_unused_columns=False,
        logging_steps=1,
        save_strategy="no",
        seed=settings.seed,
        report_to=[],
    )


def _without_empty_images(module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """TRL gives a micro-batch without images empty pixel tensors, on which the model fails."""
    pixels = kwargs.get("pixel_values")
    if pixels is not None and len(pixels) == 0:
        kwargs = {**kwargs, "pixel_values": None, "image_grid_thw": None}
    return args, kwargs


def _check_prompts(
    processor: Any,
    rows: Dataset,
    queries: Sequence[Query],
    rollouts: Mapping[tuple[str, int], Rollout],
    candidates: int,
) -> None:
    for query, row in zip(queries, rows, strict=True):
        text = processor.apply_chat_template(
            row["prompt"], tokenize=False, add_generation_prompt=True
        )
        ids = processor(text=[text], images=row["images"] or None)["input_ids"][0]
        for candidate in range(candidates):
            if (query.id, candidate) not in rollouts:
                raise ValueError(f"query {query.id}: candidate {candidate} has no rollout")
            if list(rollouts[query.id, candidate].prompt_ids) != list(ids):
                raise ValueError(
                    f"query {query.id}: the rollout's prompt differs from the trainer's"
                )
