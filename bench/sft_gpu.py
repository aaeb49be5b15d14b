"""One stage-2 step with images at the sizes of Qwen2.5-VL, on random weights.

bf16, LoRA rank 64, one row of about 4,500 tokens of which two images are more than half. Speed and
memory do not depend on the weights' values. The ways differ in how many layers are checkpointed
(computed again in the backward pass) and whether layers are compiled.
"""

from __future__ import annotations

import gc
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import send_to_device
from peft.helpers import disable_input_dtype_casting
from PIL import Image
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from bench.table import check
from pulsemind.model.attention import set_attention
from pulsemind.model.load import new_adapter, no_gradients_into_images
from pulsemind.model.memory import Workload, predict
from pulsemind.model.shapes import published_config, shape_of
from pulsemind.records import Consultation, ImageRef, Provenance, Turn
from pulsemind.settings import Lora
from pulsemind.sft.collate import Collator
from pulsemind.sft.layers import checkpoint_layers, compile_layers
from pulsemind.sft.speed import model_flops, peak_flops, peak_memory
from pulsemind.sft.trainer import token_loss

LORA = Lora(
    rank=64,
    alpha=128,
    dropout=0.1,
    targets=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    vision=False,
    projector=False,
)
STEPS = 8
"""The first three warm up."""
SIDE = 1008
"""Pixels a side of an image: 1,296 tokens."""


@dataclass(frozen=True)
class Way:
    """How the layers are trained."""

    every: int
    """Of how many layers one is checkpointed."""
    compile: bool
    least: float | None
    """The model FLOPs utilisation asked for."""

    def __str__(self) -> str:
        again = "all layers" if self.every == 1 else f"one layer in {self.every}"
        return f"checkpointed: {again}{', compiled' if self.compile else ''}"


LEAST_MEMORY = Way(every=1, compile=False, least=None)
WAYS = {
    "7b": [LEAST_MEMORY, Way(every=4, compile=True, least=0.4)],
    "32b": [LEAST_MEMORY],
    "72b": [LEAST_MEMORY],
}
"""What is tried at each size."""


def configuration(name: str, processor: Any) -> Qwen2_5_VLConfig:
    """The published shape with the processor's special tokens."""
    config = published_config(f"Qwen/Qwen2.5-VL-{name.upper()}-Instruct")
    for kind in ("image", "video"):
        token = processor.tokenizer.convert_tokens_to_ids(f"<|{kind}_pad|>")
        setattr(config, f"{kind}_token_id", token)
    return config


def example(folder: Path) -> Consultation:
    """A dialogue of four turns with two images."""
    (folder / "images").mkdir()
    Image.effect_noise((SIDE, SIDE), 50).convert("RGB").save(folder / "images" / "a.png")
    image = ImageRef(path="images/a.png", kind="xray")
    return Consultation(
        id="bench",
        language="zh",
        department="unknown",
        turns=(
            Turn(role="patient", text="胸痛三天" * 60, images=(image, image)),
            Turn(role="physician", text="请做心电图" * 90),
            Turn(role="patient", text="会的医生" * 30),
            Turn(role="physician", text="请立即就诊" * 60),
        ),
        provenance=Provenance(source="bench", licence="CC0-1.0", file="none", index=0),
    )


def on_gpu(name: str, processor: Any) -> Any:
    """A base of the size on this GPU, in bf16, with random weights."""
    if not torch.cuda.is_available():
        raise SystemExit("--gpu needs a GPU")
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    with torch.device("cuda"):
        torch.set_default_dtype(torch.bfloat16)
        model = Qwen2_5_VLForConditionalGeneration._from_config(
            configuration(name, processor), attn_implementation="sdpa"
        )
        torch.set_default_dtype(torch.float32)
    set_attention(model, "varlen")
    no_gradients_into_images(model)
    return model


def at_size(name: str, processor: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Time the steps of a size on this GPU, each way of it; its table rows and its checks."""
    model = new_adapter(on_gpu(name, processor), LORA)
    parts = [steps(name, way, model, processor) for way in WAYS[name]]
    return [row for rows, _ in parts for row in rows], [c for _, checks in parts for c in checks]


def steps(
    name: str, way: Way, model: Any, processor: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Time training steps of a model with adapter where it is; its table row and its checks."""
    gpu = torch.cuda.is_available()
    checkpoint_layers(model, way.every)
    if way.compile:
        compile_layers(model)
    with tempfile.TemporaryDirectory() as folder:
        record = example(Path(folder))
        index = model.get_base_model().model.get_rope_index
        row = {"text": record.model_dump_json(), "turns": len(record.turns)}
        batch = Collator(processor, Path(folder), index, borders=gpu)([[row]])
    seconds = timed(model, batch)
    work, peak = batch["work"], peak_flops()
    result: dict[str, Any] = {
        "what": f"{name} shape, {work.tokens} tokens, {work.patches} patches", "how": str(way),
        "tokens/s": work.tokens / seconds, "peak GiB": peak_memory(),
    }  # fmt: skip
    checks = []
    if not way.compile:  # a compiled layer keeps less than the prediction says
        planned = Workload(
            batch=1, length=work.tokens, loss_tokens=work.learned, images=2, pixels=SIDE**2,
            bf16=gpu, gradient_checkpointing=True, zero=0, gpus=1,
            quantization=None, checkpoint_every=way.every, gpu=gpu,
        )  # fmt: skip
        predicted = predict(shape_of(model.config), LORA, planned).total / 2**30
        result["predicted GiB"] = predicted
        if gpu:
            off = abs(predicted / result["peak GiB"] - 1)
            what = f"{name}: memory, prediction off by"
            checks.append(check(what, off, 0.1, least=False))
    if peak:
        result["MFU"] = model_flops(model)(work) / seconds / peak
        if way.least:
            checks.append(check(f"{name}: MFU, {way}", result["MFU"], way.least, least=True))
    return [result], checks


def timed(model: Any, batch: dict[str, Any]) -> float:
    """Seconds of a training step on a batch, the first steps left out."""
    gpu = torch.cuda.is_available()
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4)
    inputs = {k: v for k, v in batch.items() if k not in ("records", "work")}
    inputs = send_to_device(inputs, model.device)
    labels = inputs.pop("labels")
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    ends = []
    for _ in range(STEPS):
        with (
            torch.autocast(model.device.type, torch.bfloat16, enabled=gpu),
            disable_input_dtype_casting(model, active=gpu),
        ):
            loss = token_loss(model(**inputs), labels)
            loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        if gpu:
            torch.cuda.synchronize()
        ends.append(time.perf_counter())
    return (ends[-1] - ends[2]) / (STEPS - 3)
