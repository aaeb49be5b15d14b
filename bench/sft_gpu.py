"""A stage-2 step at a real size on this GPU: `python -m bench.sft_gpu 7b [32b] [--out FILE]`

One stage-2 step with images at the sizes of Qwen2.5-VL, on random weights.

bf16, gradient checkpointing, LoRA rank 64, one row of about 4,096 tokens of which two images are
more than half. Speed and memory do not depend on the weights' values.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from bench.table import check, report
from pulsemind.model.build import build_processor, train_tokenizer
from pulsemind.model.load import new_adapter, no_gradients_into_images
from pulsemind.model.memory import Workload, predict
from pulsemind.model.shapes import published_config, shape_of
from pulsemind.records import Consultation, ImageRef, Provenance, Turn
from pulsemind.settings import Lora
from pulsemind.sft.collate import Collator
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
STEPS = 6
"""The first two warm up."""
SIDE = 1008
"""Pixels a side of an image: 1,296 tokens."""


LEAST = {"7b": 0.4, "32b": None, "72b": None}
"""Sizes, and the model FLOPs utilisation asked of them."""


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


def at_size(name: str, processor: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Time the steps of a size on this GPU; its table row and its checks."""
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
    return steps(name, model, processor)


def steps(
    name: str, model: Any, processor: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Time training steps of a model where it is; its table row and its checks."""
    device, bf16 = model.device, model.dtype == torch.bfloat16
    no_gradients_into_images(model)
    shape = shape_of(model.config)
    model = new_adapter(model, LORA)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4)
    with tempfile.TemporaryDirectory() as folder:
        record = example(Path(folder))
        index = model.get_base_model().model.get_rope_index
        row = {"text": record.model_dump_json(), "turns": len(record.turns)}
        batch = Collator(processor, Path(folder), index)([[row]])
    work, labels = batch["work"], batch["labels"].to(device)
    inputs = {
        k: v.to(device) if isinstance(v, torch.Tensor) else v
        for k, v in batch.items()
        if k not in ("records", "work", "labels")
    }
    ends = []
    for _ in range(STEPS):
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss = token_loss(model(**inputs), labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        ends.append(time.perf_counter())
    seconds = (ends[-1] - ends[1]) / (STEPS - 2)
    row = {
        "what": f"{name} shape, {work.tokens} tokens, {work.patches} patches", "how": str(device),
        "tokens/s": work.tokens / seconds, "peak GiB": peak_memory(),
    }  # fmt: skip
    planned = Workload(
        batch=1, length=work.tokens, loss_tokens=work.learned, images=2, pixels=SIDE**2,
        bf16=bf16, gradient_checkpointing=True, zero=0, gpus=1,
        quantization=None, gpu=torch.cuda.is_available(),
    )  # fmt: skip
    row["predicted GiB"] = predict(shape, LORA, planned).total / 2**30
    if not torch.cuda.is_available():
        return [row], []
    off = abs(row["predicted GiB"] / row["peak GiB"] - 1)
    checks = [check(f"{name}: memory, prediction off by", off, 0.1, least=False)]
    peak, least = peak_flops(), LEAST[name]
    if peak:
        row["MFU"] = model_flops(model)(work) / seconds / peak
        if least:
            checks.append(check(f"{name}: MFU", row["MFU"], least, least=True))
    return [row], checks


def main() -> int:
    """Measure, print, write; 1 when a check does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="+", choices=sorted(LEAST))
    parser.add_argument("--out", type=Path, help="where to write the result")
    options = parser.parse_args()
    processor = build_processor(
        train_tokenizer(["胸痛三天。请做心电图，会的医生，请立即就诊"], 400)
    )
    parts = [at_size(size, processor) for size in options.sizes]
    rows, checks = ([entry for part in parts for entry in part[i]] for i in (0, 1))
    return report("sft_gpu", rows, checks, torch.cuda.get_device_name(), options.out)


if __name__ == "__main__":
    sys.exit(main())
