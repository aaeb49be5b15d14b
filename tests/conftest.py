"""Shared parts of the tests: a real tiny Qwen2.5-VL, a small multimodal dataset folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from PIL import Image, ImageDraw

from pulsemind.model.build import build_base
from pulsemind.model.load import load_base, new_adapter, save_adapter, write_reference
from pulsemind.records import Consultation, ImageRef, Provenance, Turn
from pulsemind.settings import BaseSettings, Lora, Pretraining, TinyModel

# A test says what is right, not how fast: a machine with other work on it may take its time.
hypothesis_settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any machine")

SHAPE = TinyModel(
    vocabulary=600,
    hidden=64,
    layers=2,
    heads=2,
    key_value_heads=1,
    intermediate=128,
    vision_hidden=32,
    vision_layers=1,
    seed=3,
    pretraining=Pretraining(steps=10, batch=2, length=64, learning_rate=0.001, seed=3),
)
LORA = Lora(
    rank=8,
    alpha=16,
    dropout=0.0,
    targets=["q_proj", "v_proj", "up_proj", "down_proj"],
    vision=False,
    projector=False,
)


def consultation(number: int) -> Consultation:
    """A small dialogue of two exchanges; every second one shows an image."""
    image = ImageRef(path=f"images/{number % 2}.png", kind="xray")
    return Consultation(
        id=f"c{number}",
        language="zh" if number % 2 else "en",
        department="cardiology",
        turns=(
            Turn(
                role="patient",
                text=f"我胸痛{number}天了。"
                if number % 2
                else f"My chest hurts for {number} days.",
                images=(image,) if number % 2 else (),
            ),
            Turn(role="physician", text="请做心电图。会放射到左肩吗？"),
            Turn(role="patient", text="会的，医生。"),
            Turn(role="physician", text="请立即就诊。"),
        ),
        provenance=Provenance(source="test", licence="CC0-1.0", file="x.jsonl", index=number),
    )


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where DeepSpeed compiles its operators: once for all workers of this run, for no other run.

    In the user's cache, which every checkout shares, older releases of torch wait for ever on the
    lock file of a process that was killed.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            os.environ,
            "TORCH_EXTENSIONS_DIR",
            str(shared / "torch_extensions"),
        )
        yield


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the images that `consultation` refers to."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "images").mkdir()
    for number in range(2):
        image = Image.new("RGB", (120, 90), (40 * number, 90, 120))
        ImageDraw.Draw(image).ellipse((20, 20, 60 + 20 * number, 70), fill=(250, 250, 250))
        image.save(folder / "images" / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Qwen2.5-VL with its tokenizer and processor."""
    folder = tmp_path_factory.mktemp("models") / "base"
    folder.mkdir()
    build_base(SHAPE, lambda: (consultation(i).turns for i in range(20)), folder / "work", folder)
    settings = BaseSettings(
        checkpoint=None, revision=None, build=SHAPE, max_pixels=6272, quantization=None
    )
    write_reference(folder, settings)
    return folder


@pytest.fixture(scope="session")
def adapter(base: Path) -> Path:
    """A fresh LoRA adapter whose B matrices are not zero, so that it changes the policy."""
    import torch

    model = new_adapter(load_base(base), LORA)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.02, generator=generator)
    folder = base.parent / "adapter"
    save_adapter(model, folder)
    return folder
