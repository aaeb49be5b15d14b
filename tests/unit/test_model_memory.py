"""The memory prediction against what real models hold, and its page against the function."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Qwen2_5_VLConfig

from pulsemind.model.memory import LIVE_PARAMETERS, Workload, predict
from pulsemind.model.memory.table import tables
from pulsemind.model.shapes import PUBLISHED, published_config, shape_of
from pulsemind.settings import Lora
from tests import conftest
from tests.unit.memory_meter import adapted, batch_of, small_config, step, weightless

ROOT = Path(__file__).parents[2]
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA = conftest.LORA.model_copy(update={"dropout": 0.1, "targets": TARGETS})
TINY = small_config(256, 688, 6, heads=4, narrow=2, vocabulary=1000)
SMALL = small_config(640, 1728, 12, heads=10, narrow=2, vocabulary=36_000)
# The published files' sizes: 16,584,333,312 and 66,905,436,672 bytes for 7B and 32B in bf16.
PARAMETERS = {"7B": 8_292_166_656, "32B": 33_452_718_336, "72B": 73_410_777_344}
KEPT, PEAK = 0.02, 0.10
"""Relative tolerances of what autograd keeps and of the peak."""


def work(**changes: Any) -> Workload:
    """A small workload on a CPU, with changes."""
    values: dict[str, Any] = {
        "batch": 2,
        "length": 192,
        "loss_tokens": 48,
        "images": 0,
        "pixels": 0,
        "bf16": False,
        "gradient_checkpointing": False,
        "zero": 0,
        "gpus": 1,
        "quantization": None,
        "gpu": False,
    }
    return Workload(**{**values, **changes})


@pytest.mark.parametrize("checkpoint", PUBLISHED)
def test_the_published_shapes_have_the_published_numbers_of_parameters(checkpoint: str) -> None:
    config = published_config(checkpoint)
    with torch.device("meta"):
        model = adapted(config, LORA, torch.bfloat16, torch.bfloat16)
    built = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    shape = shape_of(config)
    assert shape.parameters() == built == PARAMETERS[PUBLISHED[checkpoint]]
    assert shape.lora_parameters(LORA.rank, TARGETS) == trained
    assert shape.image_tokens(4_816_896) == 6144  # 28 x 28 pixels a token


def test_an_unknown_checkpoint_or_target_is_an_error() -> None:
    with pytest.raises(ValueError, match="someone/else is not known"):
        published_config("someone/else")
    with pytest.raises(ValueError, match="language model: lm_head"):
        shape_of(TINY).lora_parameters(8, ["q_proj", "lm_head"])


def bytes_of(tensors: Any) -> int:
    """Bytes of a stream of tensors."""
    return sum(t.numel() * t.element_size() for t in tensors)


@pytest.mark.parametrize("config", [TINY, SMALL], ids=["tiny", "small"])
def test_weights_adapter_gradients_and_optimiser_are_exact(config: Qwen2_5_VLConfig) -> None:
    model = adapted(config, LORA, torch.float32, torch.float32)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained)
    step(model, batch_of(config, 1, 16, None), 8)
    optimiser.step()
    moments = [v for s in optimiser.state.values() for k, v in s.items() if k != "step"]
    memory = predict(shape_of(config), LORA, work())
    assert memory.weights == bytes_of(p for p in model.parameters() if not p.requires_grad)
    assert memory.adapter == bytes_of(trained)
    assert memory.gradients == bytes_of(p.grad for p in trained)
    assert memory.optimiser == bytes_of(moments)
    assert memory.buffers == 0


# bf16 with zero 2 is a bf16 adapter; with zero 0 autocast and an fp32 adapter.
CASES = [
    {},
    {"gradient_checkpointing": True},
    {"bf16": True, "zero": 2},
    {"bf16": True, "zero": 2, "gradient_checkpointing": True},
    {"bf16": True},
    {"bf16": True, "gradient_checkpointing": True},
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("grid", [None, (16, 16)], ids=["text", "image"])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_activations_are_what_a_real_step_keeps_and_peaks_at(
    case: dict[str, Any], grid: tuple[int, int] | None, dropout: float
) -> None:
    compare(TINY, LORA.model_copy(update={"dropout": dropout}), work(**case), grid)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_model_of_a_hundred_million(checkpointing: bool) -> None:
    case = work(batch=1, length=512, loss_tokens=200, gradient_checkpointing=checkpointing)
    assert 95e6 < shape_of(SMALL).parameters() < 115e6
    compare(SMALL, LORA, case, (24, 24))


def test_few_targets() -> None:
    compare(TINY, LORA.model_copy(update={"targets": ["q_proj", "up_proj"]}), work(), None)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_large_image_makes_the_vision_tower_the_widest_phase(checkpointing: bool) -> None:
    config = small_config(64, 96, 1, heads=2, narrow=1, vocabulary=500, vision=512)
    case = work(length=1100, loss_tokens=8, batch=1, gradient_checkpointing=checkpointing)
    compare(config, LORA, case, (64, 64))


@pytest.mark.parametrize("loss_tokens", [512, 8192])
def test_the_7b_shape_at_full_length_without_its_memory(loss_tokens: int) -> None:
    config = published_config("Qwen/Qwen2.5-VL-7B-Instruct")
    case = work(
        batch=1,
        length=8192,
        loss_tokens=loss_tokens,
        bf16=True,
        zero=2,
        gradient_checkpointing=True,
    )
    compare(config, LORA.model_copy(update={"rank": 64}), case, None, real=False)


def compare(
    config: Qwen2_5_VLConfig,
    lora: Lora,
    case: Workload,
    grid: tuple[int, int] | None,
    real: bool = True,
) -> None:
    """Run a training step and hold the prediction against it.

    Args:
        grid: patches of the image of each sequence, or None.
        real: False runs on tensors without content, whose sizes and lives are the same.
    """
    autocast = case.bf16 and case.zero == 0
    dtype = torch.bfloat16 if case.bf16 else torch.float32
    shape = shape_of(config)
    if grid:
        pixels = grid[0] * grid[1] * shape.patch**2
        case = Workload(**{**vars(case), "images": case.batch, "pixels": pixels})
    with torch.device("cpu" if real else "meta"):
        model = adapted(config, lora, dtype, torch.float32 if autocast else dtype)
    with nullcontext() if real else weightless(model):
        if case.gradient_checkpointing:
            model.base_model.model.activation_checkpointing_enable({"use_reentrant": False})
        inputs = batch_of(config, case.batch, case.length, grid)
        kept, peak = step(model, inputs, case.loss_tokens, autocast)
    memory = predict(shape, lora, case)
    log_probabilities = 4 * case.batch * case.loss_tokens * shape.vocabulary
    assert memory.activations + memory.images + log_probabilities == pytest.approx(kept, rel=KEPT)
    gradients = memory.gradients * (case.gpus if case.zero >= 2 else 1)
    predicted = memory.activations + memory.images + memory.working + gradients
    assert predicted == pytest.approx(peak, rel=PEAK)


def test_zero_shares_out_more_with_each_stage() -> None:
    shape = shape_of(TINY)
    alone = predict(shape, LORA, work(bf16=True, zero=3))
    for zero, shared in [
        (1, {"optimiser"}),
        (2, {"optimiser", "gradients"}),
        (3, {"optimiser", "gradients", "adapter", "weights"}),
    ]:
        spread = predict(shape, LORA, work(bf16=True, zero=zero, gpus=8))
        for part in ("optimiser", "gradients", "adapter", "weights"):
            parts = 8 if part in shared else 1
            assert getattr(spread, part) == getattr(alone, part) / parts, (zero, part)
        assert spread.activations == alone.activations


def test_zero_3_gathers_the_head_on_top_of_its_limit() -> None:
    shape = shape_of(published_config("Qwen/Qwen2.5-VL-72B-Instruct"))
    buffers = predict(shape, LORA, work(bf16=True, zero=3, gpus=8)).buffers
    assert buffers == 2 * (500_000_000 + LIVE_PARAMETERS + 152_064 * 8192)


def test_four_bits_make_the_base_small_and_are_not_sharded() -> None:
    shape = shape_of(published_config("Qwen/Qwen2.5-VL-72B-Instruct"))
    weights = predict(shape, LORA, work(bf16=True, quantization="nf4")).weights
    linear = 80 * (8192 * (8192 + 1024 + 1024 + 8192) + 3 * 8192 * 29568)
    assert weights == pytest.approx(0.516 * linear + 2 * (PARAMETERS["72B"] - linear), rel=1e-3)
    with pytest.raises(ValueError, match="not sharded"):
        predict(shape, LORA, work(bf16=True, zero=3, quantization="nf4"))


@pytest.mark.parametrize("part", ["vision", "projector"])
def test_adapters_outside_the_language_model_are_not_predicted(part: str) -> None:
    with pytest.raises(ValueError, match="language model only"):
        predict(shape_of(TINY), LORA.model_copy(update={part: True}), work())


def test_the_page_holds_the_table_of_this_code() -> None:
    page = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
    for table in tables(ROOT / "params.yaml").split("\n\n"):
        assert table in page, "run `python -m pulsemind.model.memory` and put its tables there"


def test_checkpointing_sends_no_gradients_through_the_vision_tower() -> None:
    model = adapted(TINY, LORA, torch.float32, torch.float32)
    model.base_model.model.activation_checkpointing_enable({"use_reentrant": False})
    seen: list[bool] = []
    blocks = model.base_model.model.model.visual.blocks
    blocks[0].register_forward_hook(lambda module, given, out: seen.append(out.requires_grad))
    step(model, batch_of(TINY, 1, 80, (16, 16)), 8)
    assert seen == [False]
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
