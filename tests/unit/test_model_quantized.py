"""A 4-bit base: what is held in 4 bits, that it learns, what is refused."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn import Params4bit

from pulsemind import artifacts
from pulsemind.artifacts import ArtifactError
from pulsemind.model import load
from pulsemind.model.chat import encode
from pulsemind.model.load import (
    load_adapter,
    load_base,
    load_processor,
    new_adapter,
    save_adapter,
)
from pulsemind.model.memory import Workload, predict
from pulsemind.model.shapes import shape_of
from tests.conftest import LORA, consultation


@pytest.fixture
def quantized(base: Path, tmp_path: Path) -> Path:
    """The tiny base, to be held in 4 bits."""
    folder = tmp_path / "base"
    shutil.copytree(base, folder)
    reference = json.loads((base / "base.json").read_text())
    artifacts.write_json(folder / "base.json", {**reference, "quantization": "nf4"})
    return folder


def test_the_language_models_linear_layers_are_held_in_4_bits(base: Path, quantized: Path) -> None:
    packed = {n for n, p in load_base(quantized).named_parameters() if isinstance(p, Params4bit)}
    linear = {
        f"model.language_model.layers.{number}.{name}.weight"
        for number in range(2)
        for name in (
            *(f"self_attn.{p}_proj" for p in "qkvo"),
            *(f"mlp.{p}_proj" for p in ("gate", "up", "down")),
        )
    }
    assert packed == linear
    assert not any(isinstance(p, Params4bit) for p in load_base(base).parameters())


def test_its_weights_take_the_memory_that_is_predicted(quantized: Path) -> None:
    model = load_base(quantized)
    held = 0
    for parameter in model.parameters():
        held += parameter.nbytes
        if isinstance(parameter, Params4bit):
            state = parameter.quant_state
            held += state.absmax.nbytes + state.state2.absmax.nbytes
    work = Workload(
        batch=1,
        length=64,
        loss_tokens=8,
        images=0,
        pixels=0,
        bf16=False,
        gradient_checkpointing=False,
        zero=0,
        gpus=1,
        quantization="nf4",
    )
    predicted = predict(shape_of(model.config), LORA, work).weights
    assert predicted == pytest.approx(held, rel=0.001)


def step(model: Any, batch: dict[str, Any], optimiser: torch.optim.Optimizer) -> float:
    """One training step on all tokens; returns the loss before it."""
    loss = model(**batch, labels=batch["input_ids"]).loss
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss.detach())


def test_an_adapter_learns_on_it_and_is_loaded_again(
    quantized: Path, data: Path, tmp_path: Path
) -> None:
    batch = encode(
        load_processor(quantized), [consultation(i).turns for i in range(2)], data, reply=False
    )
    torch.manual_seed(1)
    model = new_adapter(load_base(quantized), LORA)
    trained = [p for p in model.parameters() if p.requires_grad]
    assert all("lora" in n for n, p in model.named_parameters() if p.requires_grad)
    optimiser = torch.optim.AdamW(trained, lr=0.01)
    losses = [step(model, batch, optimiser) for _ in range(15)]
    assert losses[-1] < losses[0] - 0.5
    save_adapter(model, tmp_path / "adapter")
    again = load_adapter(load_base(quantized), tmp_path / "adapter")
    with torch.no_grad():
        assert torch.equal(again.eval()(**batch).logits, model.eval()(**batch).logits)


def test_evaluating_does_not_change_what_is_trained(quantized: Path, data: Path) -> None:
    batch = encode(load_processor(quantized), [consultation(0).turns], data, reply=False)
    model = load_base(quantized)
    with torch.no_grad():
        before = model.train()(**batch).logits
        assert torch.equal(model.eval()(**batch).logits, before)
        assert torch.equal(model.train()(**batch).logits, before)


def test_without_bitsandbytes_the_error_says_what_to_install(
    quantized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ArtifactError, match=r"pulsemind\[quantized\]"):
        load_base(quantized)


def test_under_zero_3_it_is_refused(quantized: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "is_deepspeed_zero3_enabled", lambda: True)
    with pytest.raises(ArtifactError, match="set zero to 0 or 2"):
        load_base(quantized)
