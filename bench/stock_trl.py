"""TRL's GRPOTrainer on recorded rollouts: what `pulsemind.crpo.update` is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Image, List, Value
from trl import GRPOConfig, GRPOTrainer

from pulsemind.crpo.update import Rewards
from pulsemind.model.chat import messages
from pulsemind.records import Query, Rollout
from pulsemind.settings import CrpoSettings


def prompt_rows(queries: Sequence[Query], folder: Path) -> Dataset:
    """The trainer's data set; each message carries its query's id, by which the replay finds it."""
    part = {"type": Value("string"), "text": Value("string")}
    message = {"role": Value("string"), "content": List(part), "query": Value("string")}
    features = Features({"prompt": List(message), "images": List(Image())})
    rows = [
        {
            "prompt": [{**m, "query": query.id} for m in messages(query.turns)],
            "images": [str(folder / image.path) for turn in query.turns for image in turn.images],
        }
        for query in queries
    ]
    return Dataset.from_list(rows, features=features)


def replay(
    rollouts: Mapping[tuple[str, int], Rollout], rewards: Rewards, candidates: int
) -> Callable[[list[Any], Any], dict[str, list[Any]]]:
    """TRL's `rollout_func`: position p of its batch holds candidate p mod G of its query."""

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
    """The reward that came with the rollout."""
    return recorded_reward


def stock(
    settings: CrpoSettings,
    model: Any,
    processor: Any,
    folder: Path,
    queries: Sequence[Query],
    rollouts: Sequence[Rollout],
    rewards: Rewards,
    sampled: int,
    work: Path,
    **options: Any,
) -> GRPOTrainer:
    """Stock GRPOTrainer with our settings; TRL keeps a copy of the adapter as the reference.

    Args:
        sampled: sequences of one rollout batch.
    """
    model.register_forward_pre_hook(_without_empty_images, with_kwargs=True)
    by_key = {(r.query_id, r.candidate): r for r in rollouts}
    return GRPOTrainer(
        model=model,
        reward_funcs=recorded_reward,
        args=_arguments(settings, len(rollouts), sampled, work),
        train_dataset=prompt_rows(queries, folder),
        processing_class=processor,
        rollout_func=replay(by_key, rewards, settings.candidates),
        **options,
    )


def _arguments(settings: CrpoSettings, rollouts: int, sampled: int, work: Path) -> GRPOConfig:
    return GRPOConfig(
        output_dir=str(work),
        max_steps=rollouts // settings.global_batch * settings.epochs,
        per_device_train_batch_size=settings.batch,
        gradient_accumulation_steps=settings.global_batch // settings.batch,
        generation_batch_size=sampled,
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
        disable_tqdm=True,
        seed=settings.seed,
        report_to=[],
    )


def _without_empty_images(module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """TRL gives a micro-batch without images empty pixel tensors, on which the model fails."""
    pixels = kwargs.get("pixel_values")
    if pixels is not None and len(pixels) == 0:
        kwargs = {**kwargs, "pixel_values": None, "image_grid_thw": None}
    return args, kwargs
