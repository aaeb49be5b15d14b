"""One stage-2 step with images at the sizes of Qwen2.5-VL-7B and -32B, on random weights.

bf16, gradient checkpointing, LoRA rank 64, one row of about 4,096 tokens of which two images are
more than half. Speed and memory do not depend on the weights' values.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from bench.table import check
from pulsemind.model.load import new_adapter
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


@dataclass(frozen=True)
class Size:
    """A language model's shape; the vision tower is the same in all but its width outwards."""

    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    intermediate: int
    vision_intermediate: int
    utilisation: float | None
    """Least model FLOPs utilisation that is asked for."""


SIZES = {
    "7b": Size(3584, 28, 28, 4, 18944, 3420, 0.4),
    "32b": Size(5120, 64, 40, 8, 27648, 3456, None),
}


def configuration(size: Size, processor: Any) -> Qwen2_5_VLConfig:
    """The model's configuration with the processor's special tokens."""
    token = processor.tokenizer.convert_tokens_to_ids
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 152064, "hidden_size": size.hidden, "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads, "num_key_value_heads": size.key_value_heads,
            "intermediate_size": size.intermediate, "max_position_embeddings": 128_000,
            "rope_parameters": {
                "rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24],
            },
            "tie_word_embeddings": False,
        },
        vision_config={
            "depth": 32, "hidden_size": 1280, "intermediate_size": size.vision_intermediate,
            "num_heads": 16, "out_hidden_size": size.hidden, "patch_size": 14,
            "spatial_merge_size": 2, "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31],
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=False,
    )  # fmt: skip


def example(folder: Path) -> Consultation:
    """A dialogue of four turns with two images of 1008 x 1008 pixels, 1,296 tokens each."""
    (folder / "images").mkdir()
    Image.effect_noise((1008, 1008), 50).convert("RGB").save(folder / "images" / "a.png")
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
    with torch.device("cuda"):
        torch.set_default_dtype(torch.bfloat16)
        model = Qwen2_5_VLForConditionalGeneration._from_config(
            configuration(SIZES[name], processor), attn_implementation="sdpa"
        )
        torch.set_default_dtype(torch.float32)
    return steps(name, model, processor, SIZES[name].utilisation)


def steps(
    name: str, model: Any, processor: Any, least: float | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Time training steps of a model where it is; its table row and its checks."""
    device = model.device
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
        token_loss(model(**inputs), labels).backward()
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
    peak = peak_flops()
    if not peak:
        return [row], []
    row["MFU"] = model_flops(model)(work) / seconds / peak
    return [row], [check(f"{name}: MFU", row["MFU"], least, least=True)] if least else []
