"""One iteration of CRPO, ours and in TRL, and its parts alone: what `bench.crpo_loop` times."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trl import GRPOConfig, GRPOTrainer

from bench.sft import TINY
from bench.sft_gpu import LORA
from bench.stock_trl import prompt_rows
from pulsemind import artifacts
from pulsemind.crpo import loop
from pulsemind.crpo.optimizer import adamw
from pulsemind.crpo.reward import comparison_rewards
from pulsemind.crpo.trainer import REFERENCE
from pulsemind.crpo.update import arguments, build_trainer
from pulsemind.judge import Pair, compare
from pulsemind.llm import LlmError, Usage
from pulsemind.model.build import build_base
from pulsemind.model.chat import vision_token_ids
from pulsemind.model.engine import sample
from pulsemind.model.load import (
    load_adapter,
    load_base,
    load_processor,
    new_adapter,
    save_adapter,
    write_reference,
)
from pulsemind.records import Answer, Query, Rollout, Turn
from pulsemind.settings import BaseSettings, CrpoSettings, Endpoint, load

CANDIDATES, COUNTERPARTS, TOKENS, IN_FLIGHT, LATENCY = 8, 5, 48, 256, 0.3
GUARD = 120.0
TEXT = "患者胸痛三天，伴气短。请问需要做哪些检查？会放射到左肩吗？建议先做心电图。"


@dataclass(frozen=True)
class Case:
    """What both sides are given."""

    settings: CrpoSettings
    folder: Path
    queries: list[Query]
    answers: list[Answer]
    endpoints: dict[str, Endpoint]

    def policy(self) -> tuple[Any, Any]:
        """The model with its adapter, and its processor, loaded anew."""
        adapter = self.folder / "adapter"
        model = load_adapter(load_base(self.folder / "base"), adapter, trainable=True)
        return model, load_processor(self.folder / "base")

    def sampled(self, model: Any, processor: Any) -> Any:
        """The rollouts, one by one."""
        s = self.settings
        return sample(
            model, processor, self.folder, self.queries, candidates=CANDIDATES,
            temperature=s.temperature, max_new_tokens=TOKENS, max_prompt_length=512,
            batch=s.generation_batch, seed=s.seed, policy="bench",
        )  # fmt: skip


def make_case(folder: Path, url: str, queries: int) -> Case:
    """Model, adapter, queries and counterparts' answers."""
    os.environ["BENCH_KEY"] = "none"
    wanted = load(profile="tiny").stages.crpo
    judge = wanted.judge.model_copy(
        update={"kind": "openai", "model": "m", "endpoint": "judge", "orders": "random"}
    )
    settings = wanted.model_copy(
        update={
            "queries": queries, "candidates": CANDIDATES, "max_new_tokens": TOKENS, "judge": judge,
            "max_prompt_length": 512, "generation_batch": queries * CANDIDATES // 8,
            "batch": 32, "global_batch": queries * CANDIDATES, "oversample": 1.0,
        }
    )  # fmt: skip
    endpoint = Endpoint.model_validate({"base_url": url, "api_key_env": "BENCH_KEY"})
    made = [
        Query(
            id=f"q{i}", language="zh", reference=TEXT,
            turns=(Turn(role="patient", text=TEXT[: 20 + i % 16] * 2),),
        )
        for i in range(queries)
    ]  # fmt: skip
    answers = [
        Answer(query_id=q.id, model=f"c{c}", text=TEXT[c:])
        for q in made
        for c in range(COUNTERPARTS)
    ]
    if not (folder / "base").exists():
        turns = [query.turns for query in made]
        build_base(TINY, lambda: turns, folder / "work", folder / "base")
        reference = BaseSettings(
            checkpoint=None, revision=None, build=TINY, max_pixels=6272, quantization=None
        )
        write_reference(folder / "base", reference)
        lora = LORA.model_copy(update={"rank": 16, "alpha": 32, "dropout": 0.0})
        save_adapter(new_adapter(load_base(folder / "base"), lora), folder / "adapter")
    return Case(settings, folder, made, answers, {"judge": endpoint})


def judge_with(case: Case, cache: Path) -> tuple[Any, ...]:
    """The last arguments of the judge."""
    return case.answers, case.endpoints, IN_FLIGHT, cache, case.folder


def rolled_out(case: Case, cache: Path, clock: Clock) -> list[Rollout]:
    """Load the policy, sample while the judge answers."""

    def failed(error: LlmError) -> None:
        raise error

    with loop.judging_ahead(
        case.settings, case.queries, *judge_with(case, cache), Usage(), failed
    ) as passing:
        model, processor = case.policy()
        until = time.monotonic() + GUARD
        while not (cache / "cache.db").exists():  # the judge's process has not opened its store
            if time.monotonic() > until:
                raise RuntimeError("the judge's process did not start")
            time.sleep(0.01)
        clock.fixed()
        return list(passing(case.sampled(model, processor)))


def ours(case: Case, cache: Path) -> dict[str, float]:
    """Seconds of one iteration as the tasks make it."""
    clock = Clock()
    rollouts = rolled_out(case, cache, clock)
    clock.work("rollout and judge")
    shards = case.folder / "rollouts"
    with artifacts.writing(shards, "rollouts") as out:
        artifacts.write_shards(out, rollouts)
    rollouts = list(artifacts.read_shards(shards, Rollout))
    clock.fixed()
    judged = loop.judge(case.settings, case.queries, rollouts, *judge_with(case, cache))
    rewards, _ = loop.rewards_of(case.settings, judged, rollouts)
    clock.work("verdicts")
    with artifacts.writing(case.folder / "verdicts", "verdicts") as out:
        artifacts.write_shards(out, judged)
    model, processor = case.policy()  # a task of its own
    model.load_adapter(str(case.folder / "adapter"), REFERENCE, is_trainable=False)
    made = build_trainer(
        case.settings, arguments(case.settings, len(case.queries), case.folder / "trainer"), model,
        processor, case.folder, case.queries, rollouts, rewards, lambda step, figures: None,
        adamw(model, case.settings.learning_rate),
    )  # fmt: skip
    clock.fixed()
    made.train()
    clock.work("update")
    with artifacts.writing(case.folder / "out", "adapter") as out:
        save_adapter(made.model, out)
    clock.fixed()
    return clock.seconds | {"tokens": float(sum(len(r.token_ids) for r in rollouts))}


def alone(case: Case, cache: Path) -> dict[str, float]:
    """Seconds of sampling without a judge, and of judging what is there."""
    model, processor = case.policy()
    clock = Clock()
    rollouts = list(case.sampled(model, processor))
    clock.work("rollout")
    loop.judge(case.settings, case.queries, rollouts, *judge_with(case, cache))
    clock.work("judge")
    return clock.seconds


def trl(case: Case, cache: Path) -> dict[str, float]:
    """Seconds of one iteration in TRL, its reward function asynchronous."""
    settings, tokens = case.settings, 0
    texts = {(a.query_id, a.model): a.text for a in case.answers}
    by_id = {query.id: query for query in case.queries}
    names = sorted({answer.model for answer in case.answers})

    async def judged(prompts: list[Any], completions: list[Any], **given: Any) -> list[Any]:
        nonlocal tokens
        tokens = sum(map(len, given["completion_ids"]))
        keys = [(p[0]["query"], i % CANDIDATES) for i, p in enumerate(prompts)]
        pairs = [
            Pair(
                query=by_id[q], candidate=g, text=_text(completion), counterpart=name,
                counterpart_text=texts[q, name],
            )
            for (q, g), completion in zip(keys, completions, strict=True)
            for name in names
        ]  # fmt: skip
        verdicts = await asyncio.to_thread(
            compare, pairs, settings.judge, case.endpoints, IN_FLIGHT, cache, case.folder
        )
        rewards = comparison_rewards(verdicts, CANDIDATES, settings.tie_value, settings.weights)
        return [rewards[q][g] for q, g in keys]

    clock = Clock()
    model, processor = case.policy()
    made = GRPOTrainer(
        model=model, reward_funcs=judged, args=trl_arguments(case, vision_token_ids(processor)),
        train_dataset=prompt_rows(case.queries, case.folder).remove_columns("images"),
        processing_class=processor, optimizers=(adamw(model, settings.learning_rate), None),
    )  # fmt: skip
    clock.fixed()
    made.train()
    clock.work("all")
    save_adapter(made.model, case.folder / "trl-out")
    clock.fixed()
    return clock.seconds | {"tokens": float(tokens)}


def trl_arguments(case: Case, forbidden: Sequence[int]) -> GRPOConfig:
    """Our settings in TRL's names; one optimiser step on one sampled batch."""
    settings = case.settings
    return GRPOConfig(
        output_dir=str(case.folder / "trl"), max_steps=1,
        per_device_train_batch_size=settings.batch,
        gradient_accumulation_steps=settings.global_batch // settings.batch,
        generation_batch_size=settings.global_batch, num_generations=CANDIDATES,
        max_completion_length=TOKENS, temperature=settings.temperature, top_k=0, top_p=1.0,
        generation_kwargs={"suppress_tokens": list(forbidden)},
        learning_rate=settings.learning_rate, lr_scheduler_type="constant", beta=settings.kl,
        epsilon=settings.clip, loss_type=settings.loss, scale_rewards=settings.advantage,
        shuffle_dataset=False, bf16=False, gradient_checkpointing=False, disable_dropout=True,
        save_strategy="no", disable_tqdm=True, seed=settings.seed, report_to=[], use_cpu=True,
    )  # fmt: skip


class Clock:
    """Seconds since the last look, as work by name or as fixed cost."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {"fixed": 0.0}
        self._last = time.perf_counter()

    def work(self, name: str) -> None:
        """What has passed was work."""
        self.seconds[name] = self._passed()

    def fixed(self) -> None:
        """What has passed was none."""
        self.seconds["fixed"] += self._passed()

    def _passed(self) -> float:
        before, self._last = self._last, time.perf_counter()
        return self._last - before


def _text(completion: Any) -> str:
    content = completion[0]["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)
