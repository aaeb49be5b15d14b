"""Loads what was saved: base model, processor and adapters.

`models/base` is an artifact whose `base.json` says where the weights are: in the folder itself (a
model built here) or under a name or path elsewhere, with its revision. Weights are read from
safetensors only, and no remote code runs.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, Literal

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForImageTextToText, AutoProcessor, BitsAndBytesConfig
from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled

from pulsemind.artifacts import ArtifactError, write_json
from pulsemind.records import Record
from pulsemind.settings import BaseSettings, Lora

REFERENCE = "base.json"


class BaseReference(Record):
    """Where the base model's weights are, and how it looks at images."""

    checkpoint: str | None
    """Name or path of a checkpoint; None means the artifact's own folder."""
    revision: str | None
    max_pixels: int
    """Larger images are scaled down."""
    quantization: Literal["nf4"] | None
    """4 bits a weight when it is loaded (the files stay as they are), or None."""


def write_reference(folder: Path, settings: BaseSettings) -> None:
    """Write the `base.json` of a base artifact."""
    reference = BaseReference(
        checkpoint=settings.checkpoint,
        revision=settings.revision,
        max_pixels=settings.max_pixels,
        quantization=settings.quantization,
    )
    write_json(folder / REFERENCE, reference.model_dump())


def read_reference(base: Path) -> BaseReference:
    """The `base.json` of a base artifact. Raises ArtifactError when it has none."""
    path = base / REFERENCE
    if not path.is_file():
        raise ArtifactError(f"{base} is not a base model: it has no {REFERENCE}")
    return BaseReference.model_validate_json(path.read_text(encoding="utf-8"))


def _source(base: Path) -> tuple[BaseReference, str, dict[str, Any]]:
    reference = read_reference(base)
    options: dict[str, Any] = {"trust_remote_code": False}
    if reference.revision:
        options["revision"] = reference.revision
    return reference, reference.checkpoint or str(base), options


def load_processor(base: Path) -> Any:
    """The base model's processor (tokenizer, image processor, chat template), padding left."""
    reference, name, options = _source(base)
    processor = AutoProcessor.from_pretrained(name, **options)
    processor.tokenizer.padding_side = "left"
    processor.image_processor.size["longest_edge"] = reference.max_pixels
    return processor


def load_base(base: Path, bf16: bool = False) -> Any:
    """The base model, frozen by whoever adds an adapter; on the GPU when there is one.

    Under a distributed launch each process takes its own GPU (`LOCAL_RANK`). With quantization
    `nf4` the language model's linear layers are held in 4 bits (QLoRA, arXiv 2305.14314); vision
    tower, embeddings and head are not.

    Raises ArtifactError when a 4-bit base cannot be had: without bitsandbytes, or under ZeRO-3.
    """
    reference, name, options = _source(base)
    dtype = torch.bfloat16 if bf16 else torch.float32
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if reference.quantization:
        options |= {"quantization_config": _nf4(dtype), "device_map": {"": device}}
    model = AutoModelForImageTextToText.from_pretrained(
        name, dtype=dtype, use_safetensors=True, **options
    )
    no_gradients_into_images(model)
    if reference.quantization:
        _same_in_evaluation(model)
    elif device.type == "cuda":
        model = model.to(device)
    return model


def no_gradients_into_images(model: Any) -> None:
    """Keep transformers from sending gradients through a vision tower that does not learn.

    Turning gradient checkpointing on makes the output of every input embedding require gradients,
    the patch embedding's too: the whole tower would be kept, recomputed and gone through backward
    for nothing. Only the re-entrant kind of checkpointing needs that, which is not used here.
    """
    model.model.visual.get_input_embeddings = lambda: None


def _same_in_evaluation(model: Any) -> None:
    """Keep bitsandbytes from changing 4-bit weights when the model is evaluated.

    On CPUs with AVX-512 BF16 it rounds their scales to bf16 at the first evaluation and leaves them
    so; what an adapter learns would depend on when it was evaluated.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _nf4(dtype: torch.dtype) -> BitsAndBytesConfig:
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ArtifactError(
            "base.quantization: nf4 needs bitsandbytes: pip install 'pulsemind[quantized]'"
        )
    if is_deepspeed_zero3_enabled():
        raise ArtifactError("a 4-bit base is not sharded: set zero to 0 or 2 for it")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=["model.visual", "lm_head"],  # of 4-bit models too
    )


def new_adapter(model: Any, lora: Lora) -> PeftModel:
    """Add a fresh LoRA adapter (P: rank 64, dropout 0.1) to the parts that the settings name.

    The vision tower has layers of the same names as the language model; patterns tell them apart.
    """
    parts = [rf"language_model\..*\.({'|'.join(lora.targets)})"]
    if lora.vision:
        parts.append(r"visual\.blocks\..*\.(qkv|proj|gate_proj|up_proj|down_proj)")
    if lora.projector:
        parts.append(r"visual\.merger\.mlp\.[02]")
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=rf".*\.({'|'.join(parts)})",
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config)
    if not isinstance(adapted, PeftModel):
        raise TypeError("peft gave no PeftModel")
    return adapted


def load_adapter(model: Any, adapter: Path, trainable: bool = False) -> PeftModel:
    """Put a saved adapter on the base. Raises ArtifactError when there is none in safetensors."""
    if not (adapter / "adapter_model.safetensors").is_file():
        raise ArtifactError(f"{adapter} holds no adapter (adapter_model.safetensors)")
    loaded = PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable)
    if not isinstance(loaded, PeftModel):
        raise TypeError("peft gave no PeftModel")
    return loaded


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Save the adapter named `default` as safetensors, without the machine's paths in it."""
    model.peft_config["default"].base_model_name_or_path = "models/base"
    # Embeddings are never trained; looking for them would ask the hub for the base's config.
    model.save_pretrained(str(folder), selected_adapters=["default"], save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's model card template says nothing
