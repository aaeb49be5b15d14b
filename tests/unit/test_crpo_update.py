"""The policy update: what TRL computes equals the formula written out here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pulsemind.crpo import update as module
from pulsemind.crpo.optimizer import STATE, adamw
from pulsemind.model.chat import encode
from pulsemind.model.engine import sample
from pulsemind.model.load import load_adapter, load_base, load_processor
from pulsemind.records import DIMENSIONS, Query, Rollout
from pulsemind.settings import CrpoSettings, EngineSettings, Guards, Judge, Weights
from tests.conftest import consultation

G = 4
SETTINGS = CrpoSettings(
    iterations=1,
    queries=4,
    candidates=G,
    temperature=1.0,
    max_new_tokens=12,
    max_prompt_length=200,
    generation_batch=8,
    engine=EngineSettings(kind="transformers"),
    reward="comparison",
    judge=Judge(
        kind="offline",
        model="rubric",
        endpoint="none",
        orders="both",
        dimensions=list(DIMENSIONS),
        retries=0,
        seed=1,
    ),
    tie_value=0.0,
    weights=Weights(proactiveness=1.0, accuracy=1.0, usefulness=1.0, language_quality=1.0),
    guards=Guards(truncated=False, repetition=1.0),
    oversample=1.0,
    alarm=0.1,
    learning_rate=0.01,
    kl=0.04,
    clip=0.2,
    loss="grpo",
    advantage="group",
    batch=8,
    global_batch=16,
    epochs=1,
    bf16=False,
    gradient_checkpointing=False,
    seed=1,
)
REWARDS = [[0.1, 0.4, 0.4, 0.9], [0.0, 1.0, 0.5, 0.25], [0.2, 0.2, 0.2, 0.2], [1.0, 0.0, 0.0, 0.0]]


@pytest.fixture(scope="module")
def queries() -> list[Query]:
    records = [consultation(i) for i in range(4)]
    return [
        Query(id=f"q{i}", language=r.language, turns=r.turns[: 1 + 2 * (i % 2)], reference="ref")
        for i, r in enumerate(records)
    ]


@pytest.fixture(scope="module")
def rollouts(base: Path, adapter: Path, data: Path, queries: list[Query]) -> list[Rollout]:
    model = load_adapter(load_base(base), adapter)
    return list(
        sample(
            model,
            load_processor(base),
            data,
            queries,
            candidates=G,
            temperature=1.0,
            max_new_tokens=12,
            max_prompt_length=200,
            batch=8,
            seed=1,
            policy="p",
        )
    )


def rewards(queries: list[Query]) -> dict[str, list[float | None]]:
    return {q.id: list(r) for q, r in zip(queries, REWARDS, strict=True)}


def logprobs(model, processor, data: Path, query: Query, rollout: Rollout) -> torch.Tensor:
    batch = encode(processor, [query.turns], data, reply=True)
    assert tuple(batch["input_ids"][0].tolist()) == rollout.prompt_ids
    ids = torch.tensor([rollout.token_ids])
    full = torch.cat([batch["input_ids"], ids], dim=1)
    extra = {k: batch[k] for k in ("pixel_values", "image_grid_thw") if k in batch}
    if extra:
        kinds = torch.cat([batch["mm_token_type_ids"], torch.zeros_like(ids)], dim=1)
        extra["mm_token_type_ids"] = kinds
    logits = model(input_ids=full, attention_mask=torch.ones_like(full), **extra).logits
    chosen = torch.log_softmax(logits[0, -len(rollout.token_ids) - 1 : -1], -1)
    return chosen.gather(-1, ids[0].unsqueeze(-1)).squeeze(-1)


@pytest.mark.parametrize("loss", ["grpo", "dapo"])
@pytest.mark.parametrize("advantage", ["group", "batch", "none"])
def test_loss_equals_the_formula_written_out(
    base, adapter, data, queries, rollouts, tmp_path, loss, advantage
):
    """One optimiser step over the whole rollout batch, against a reference that differs.

    `grpo` averages tokens in a reply, then replies; `dapo` all tokens alike.
    """
    settings = SETTINGS.model_copy(update={"loss": loss, "advantage": advantage})
    reference = tmp_path / "reference"
    policy = load_adapter(load_base(base), adapter)
    other = load_adapter(load_base(base), adapter)
    for name, parameter in other.named_parameters():
        if "lora_B" in name:
            parameter.data.mul_(3.0)
    module.save_adapter(other, reference)
    seen: list[dict[str, float]] = []
    module.update(
        settings, base, adapter, reference, data, queries, rollouts, rewards(queries),
        tmp_path / "work", tmp_path / "out", lambda step, values: seen.append(values),
    )  # fmt: skip
    processor, total = load_processor(base), 0.0
    by_query = {q.id: q for q in queries}
    spread = torch.tensor(REWARDS, dtype=torch.float64).std() + 1e-4
    tokens = sum(len(rollout.token_ids) for rollout in rollouts)
    with torch.no_grad():
        for rollout in rollouts:
            group = torch.tensor(rewards(queries)[rollout.query_id], dtype=torch.float64)
            scale = {"group": group.std() + 1e-4, "batch": spread, "none": 1.0}[advantage]
            value = (group[rollout.candidate] - group.mean()) / scale
            query = by_query[rollout.query_id]
            new = logprobs(policy, processor, data, query, rollout)
            ref = logprobs(other, processor, data, query, rollout)
            kl = torch.exp(ref - new) - (ref - new) - 1
            # First step: the ratio is 1, clipping does nothing.
            losses = -value + settings.kl * kl
            total += float(losses.mean() if loss == "grpo" else losses.sum())
    count = len(rollouts) if loss == "grpo" else tokens
    assert seen[0]["loss"] == pytest.approx(total / count, abs=1e-5)


def test_recorded_logprobs_are_the_policys(base, adapter, data, queries, rollouts):
    policy, processor = load_adapter(load_base(base), adapter), load_processor(base)
    by_query = {q.id: q for q in queries}
    with torch.no_grad():
        for rollout in rollouts:
            again = logprobs(policy, processor, data, by_query[rollout.query_id], rollout)
            assert torch.allclose(again, torch.tensor(rollout.logprobs), atol=1e-4)


def test_update_is_repeatable_and_moves_the_policy(
    base, adapter, data, queries, rollouts, tmp_path
):
    several = SETTINGS.model_copy(update={"batch": 4, "global_batch": 8, "epochs": 2})
    files = []
    for attempt in ("a", "b"):
        result = module.update(
            several, base, adapter, adapter, data, queries, rollouts, rewards(queries),
            tmp_path / f"work-{attempt}", tmp_path / attempt, lambda step, values: None,
        )  # fmt: skip
        files.append((tmp_path / attempt / "adapter_model.safetensors").read_bytes())
    assert result.steps == 4
    assert files[0] == files[1]
    assert files[0] != (adapter / "adapter_model.safetensors").read_bytes()


def test_a_rollout_of_another_prompt_is_refused(base, adapter, data, queries, rollouts, tmp_path):
    wrong = [r.model_copy(update={"prompt_ids": (1, *r.prompt_ids)}) for r in rollouts]
    with pytest.raises(ValueError, match="prompt differs"):
        module.update(
            SETTINGS, base, adapter, adapter, data, queries, wrong, rewards(queries),
            tmp_path / "w", tmp_path / "o", lambda step, values: None,
        )  # fmt: skip


def test_vision_tokens_are_never_sampled(base, rollouts):
    from pulsemind.model.chat import vision_token_ids

    forbidden = set(vision_token_ids(load_processor(base)))
    assert not any(forbidden & set(r.token_ids) for r in rollouts)


def test_the_optimiser_goes_on_from_update_to_update(
    base, adapter, data, queries, rollouts, tmp_path
):
    """The first moment after a second update: 0.9 m1 + 0.1 g2, by AdamW's definition."""

    def run(policy: Path, name: str) -> dict[str, torch.Tensor]:
        module.update(
            SETTINGS, base, policy, adapter, data, queries, rollouts, rewards(queries),
            tmp_path / f"work-{name}", tmp_path / name, lambda step, values: None,
        )  # fmt: skip
        return load_file(tmp_path / name / STATE)

    first = run(adapter, "first")
    second = run(tmp_path / "first", "second")
    (tmp_path / "first" / STATE).unlink()
    anew = run(tmp_path / "first", "anew")  # 0.1 g2, for moments that start at zero
    moments = [name for name in first if name.endswith(".exp_avg")]
    assert moments
    for name in moments:
        expected = 0.9 * first[name] + anew[name]
        assert torch.allclose(second[name], expected, rtol=1e-4, atol=1e-9)
        assert second[name.replace("exp_avg", "step")] == 2


def test_a_state_of_another_adapter_is_refused(base, adapter, tmp_path):
    model = load_adapter(load_base(base), adapter, trainable=True)
    save_file({"other.step": torch.ones(())}, tmp_path / STATE)
    with pytest.raises(ValueError, match="no moments of"):
        adamw(model, 0.01, tmp_path)
