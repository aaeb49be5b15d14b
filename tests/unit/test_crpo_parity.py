"""The policy update against stock TRL: same rollouts, loss and gradients to 1e-6."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import TrainerCallback

from bench.stock_trl import stock
from pulsemind.crpo.trainer import OLD, REFERENCE
from pulsemind.crpo.update import arguments, build_trainer
from pulsemind.model.load import load_adapter, load_base, load_processor, save_adapter
from pulsemind.records import Query, Rollout
from pulsemind.settings import Correction, CrpoSettings
from tests.unit.crpo_job import SETTINGS, G, rewards, sampled, some_queries

ONE = SETTINGS.model_copy(update={"batch": 16, "global_batch": 16, "kl": 0.1})
RATE = 2.0
"""So large a step that the second meets the clip."""


class Gradients(TrainerCallback):
    """Keeps the gradients of each step."""

    def __init__(self) -> None:
        self.found: list[dict[str, torch.Tensor]] = []

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        named = kwargs["model"].named_parameters()
        self.found.append({n: p.grad.clone() for n, p in named if p.requires_grad})


@pytest.fixture(scope="module")
def queries() -> list[Query]:
    return some_queries()


@pytest.fixture(scope="module")
def rollouts(base: Path, adapter: Path, data: Path, queries: list[Query]) -> list[Rollout]:
    return sampled(base, adapter, data, queries)


@pytest.fixture(scope="module")
def reference(base: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another adapter than the policy's."""
    folder = tmp_path_factory.mktemp("reference")
    model = load_adapter(load_base(base), adapter)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.mul_(3.0)
    save_adapter(model, folder)
    return folder


def both(
    settings: CrpoSettings,
    places: tuple[Path, Path, Path, Path],
    queries: list[Query],
    rollouts: list[Rollout],
    work: Path,
    change: Any = lambda trl: None,
) -> tuple[list[float], list[Gradients]]:
    """Losses of every step, ours then TRL's one by one, and both's gradients."""
    base, adapter, reference, data = places
    processor, losses, seen = load_processor(base), [], []
    for how in ("ours", "trl"):
        model = load_adapter(load_base(base), adapter, trainable=True)
        trained = [p for p in model.parameters() if p.requires_grad]
        optimiser, gradients = torch.optim.SGD(trained, lr=RATE), Gradients()
        if how == "ours":
            model.load_adapter(str(reference), REFERENCE, is_trainable=False)
            model.load_adapter(str(adapter), OLD, is_trainable=False)
            made: Any = build_trainer(
                settings, arguments(settings, len(queries), work / how), model, processor, data,
                queries, rollouts, rewards(queries), lambda step, figures: None, optimiser,
            )  # fmt: skip
        else:
            made = stock(
                settings, model, processor, data, queries, rollouts, rewards(queries),
                len(rollouts), work / how, optimizers=(optimiser, None),
            )  # fmt: skip
            weights = load_file(reference / "adapter_model.safetensors")
            set_peft_model_state_dict(made.model, weights, adapter_name="ref")
            change(made)
        made.args.max_grad_norm = 0.0
        made.add_callback(gradients)
        made.train()
        if how == "ours" and settings.epochs > 1:
            clipped = [e["clipped"] for e in made.state.log_history if "clipped" in e]
            assert clipped[0] == 0
            assert clipped[-1] > 0.01
        losses.append([e["loss"] for e in made.state.log_history if "loss" in e])
        seen.append(gradients)
    assert len(losses[0]) == len(losses[1]) == settings.epochs
    return [a - b for a, b in zip(*losses, strict=True)], seen


def agree(apart: list[float], seen: list[Gradients]) -> None:
    assert max(map(abs, apart)) < 1e-6
    ours, trl = (gradients.found for gradients in seen)
    for mine, theirs in zip(ours, trl, strict=True):
        assert mine.keys() == theirs.keys()
        assert max(float(g.abs().max()) for g in mine.values()) > 1e-4
        for name, gradient in mine.items():
            torch.testing.assert_close(gradient, theirs[name], atol=1e-6, rtol=1e-4, msg=name)


@pytest.mark.parametrize("loss", ["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo"])
def test_loss_and_gradients_are_trls(
    base, adapter, reference, data, queries, rollouts, tmp_path, loss
):
    """Two passes over the batch: in the second the ratios are far from 1."""
    settings = ONE.model_copy(update={"loss": loss, "epochs": 2})
    places = (base, adapter, reference, data)
    agree(*both(settings, places, queries, rollouts, tmp_path))


@pytest.mark.parametrize("loss", ["grpo", "dapo"])
def test_micro_batches_add_up_to_trls_step(
    base, adapter, reference, data, queries, rollouts, tmp_path, loss
):
    settings = ONE.model_copy(update={"loss": loss, "batch": 2, "gradient_checkpointing": True})
    places = (base, adapter, reference, data)
    agree(*both(settings, places, queries, rollouts, tmp_path))


@pytest.mark.parametrize("kind", ["token", "sequence"])
def test_the_correction_is_trls_for_vllm(
    base, adapter, reference, data, queries, rollouts, tmp_path, kind
):
    """An engine that was surer of some tokens than the trainer is, and less of others."""
    off = [0.3, -0.9, 0.1, 0.0, -0.2]
    recorded = [
        r.model_copy(
            update={
                "logprobs": tuple(p + off[(i + r.candidate) % 5] for i, p in enumerate(r.logprobs))
            }
        )
        for r in rollouts
    ]

    def as_vllm(made: Any) -> None:
        made.use_vllm, made.vllm_importance_sampling_correction = True, True
        made.vllm_importance_sampling_mode = f"{kind}_truncate"
        made.vllm_importance_sampling_clip_max, made.vllm_importance_sampling_clip_min = 1.5, None
        made.vllm_generation, made._last_loaded_step = SimpleNamespace(sync_weights=lambda: 0), -1

    settings = ONE.model_copy(update={"correction": Correction(kind=kind, cap=1.5), "epochs": 2})
    places = (base, adapter, reference, data)
    agree(*both(settings, places, queries, recorded, tmp_path, as_vllm))


def test_a_group_without_variance_teaches_nothing(
    base, adapter, reference, data, queries, rollouts, tmp_path
):
    """Without KL the gradient of a group whose rewards are equal is zero, whatever the scale."""
    settings = ONE.model_copy(update={"kl": 0.0, "batch": G, "global_batch": G})
    model = load_adapter(load_base(base), adapter, trainable=True)
    gradients = Gradients()
    own = [r for r in rollouts if r.query_id == queries[2].id]
    made = build_trainer(
        settings, arguments(settings, 1, tmp_path), model, load_processor(base), data,
        queries[2:3], own, rewards(queries), lambda step, figures: None,
        torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0),
    )  # fmt: skip
    made.add_callback(gradients)
    made.train()
    assert all(not g.any() for g in gradients.found[0].values())
