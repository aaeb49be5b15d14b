"""Exports a trained model: the adapter alone, or its base with the adapter merged in.

Both are folders that transformers and vLLM load, with processor, tokenizer, chat template and
generation settings. Merging goes tensor by tensor through the base's safetensors files, so that it
takes the memory of one output shard and the adapter, not of the model.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pulsemind import artifacts
from pulsemind.artifacts import ArtifactError
from pulsemind.model.load import BaseReference, load_processor, read_reference

SHARD_BYTES = 4 * 2**30
"""Bytes of a file of merged weights at most, a single larger tensor excepted."""
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
SETTINGS = ("config.json", "generation_config.json")
_PLAIN = {"bias": "none", "use_dora": False, "use_rslora": False, "fan_in_fan_out": False}
_EMPTY = ("rank_pattern", "alpha_pattern", "modules_to_save", "target_parameters")


def export_adapter(base: Path, adapter: Path, out: Path) -> None:
    """Write the adapter as the artifact `out`, with the base's processor beside it.

    `base_model_name_or_path` names the published checkpoint where there is one. Raises
    ArtifactError when `adapter` is none.
    """
    config, weights = _read_adapter(adapter)
    reference = read_reference(base)
    if reference.checkpoint:
        config["base_model_name_or_path"] = reference.checkpoint
        config["revision"] = reference.revision
    with artifacts.writing(out, "exported adapter", **_origin(base, adapter)) as folder:
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        artifacts.write_json(folder / CONFIG, config)
        _write_processor(base, folder)


def export_merged(base: Path, adapter: Path, out: Path, shard_bytes: int = SHARD_BYTES) -> None:
    """Write the base with the adapter merged in as the artifact `out`, a transformers checkpoint.

    A weight W becomes W + alpha / rank * B A (LoRA, arXiv 2106.09685, section 4.1), computed in
    fp32 and stored in the number format of the base, under the base's names.

    Raises ArtifactError for a 4-bit base, for an adapter that is no plain LoRA, and for one that
    does not fit the base.
    """
    reference = read_reference(base)
    _refuse_quantised(reference)
    config, weights = _read_adapter(adapter)
    _refuse_variants(adapter, config)
    scale = config["lora_alpha"] / config["r"]
    source = checkpoint_folder(base, reference)
    with (
        _open(source) as tensors,
        artifacts.writing(out, "merged model", **_origin(base, adapter)) as folder,
    ):
        deltas = _by_name(weights, set(tensors))
        shards = _plan(tensors, shard_bytes)
        places: dict[str, str] = {}
        for number, names in enumerate(shards, start=1):
            file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
            merged = {n: _merge(n, tensors[n].get_tensor(n), deltas.get(n), scale) for n in names}
            save_file(merged, folder / file, metadata={"format": "pt"})
            places |= dict.fromkeys(names, file)
        total = sum(_bytes(tensors[name], name) for name in tensors)
        index = {"metadata": {"total_size": total}, "weight_map": places}
        artifacts.write_json(folder / "model.safetensors.index.json", index)
        for name in SETTINGS:
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
        _write_processor(base, folder)


def checkpoint_folder(base: Path, reference: BaseReference) -> Path:
    """The folder of the base's safetensors files; a published checkpoint is fetched if need be."""
    if reference.checkpoint is None:
        return base
    if Path(reference.checkpoint).is_dir():
        return Path(reference.checkpoint)
    patterns = ["*.safetensors", "*.json"]
    found = snapshot_download(
        reference.checkpoint, revision=reference.revision, allow_patterns=patterns
    )
    return Path(found)


def _refuse_quantised(reference: BaseReference) -> None:
    if reference.quantization:
        raise ArtifactError(
            "the base is held in 4 bits, and an adapter cannot be merged into that. Set "
            "base.quantization to null, make models/base again and merge into the full-precision "
            "weights; the result then differs a little from what was trained and evaluated"
        )


def _read_adapter(adapter: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    for name in (WEIGHTS, CONFIG):
        if not (adapter / name).is_file():
            raise ArtifactError(f"{adapter} holds no adapter ({name})")
    config = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    return config, load_file(adapter / WEIGHTS)


def _refuse_variants(adapter: Path, config: dict[str, Any]) -> None:
    """Only what this module computes may be merged by it."""
    odd = [name for name, plain in _PLAIN.items() if config.get(name, plain) != plain]
    odd += [name for name in _EMPTY if config.get(name)]
    if config.get("peft_type") != "LORA" or odd:
        raise ArtifactError(f"{adapter} is no plain LoRA ({', '.join(odd) or 'peft_type'})")


@contextmanager
def _open(folder: Path) -> Iterator[dict[str, Any]]:
    """The open safetensors file of every tensor, by the tensor's name."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ArtifactError(f"{folder} holds no weights in safetensors")
    with ExitStack() as stack:
        tensors: dict[str, Any] = {}
        for file in files:
            handle = stack.enter_context(safe_open(file, framework="pt"))
            tensors |= dict.fromkeys(handle.keys(), handle)
        yield tensors


@dataclass(frozen=True)
class _Delta:
    """The two factors of one weight's change."""

    a: torch.Tensor
    b: torch.Tensor


def _by_name(weights: dict[str, torch.Tensor], tensors: set[str]) -> dict[str, _Delta]:
    """The adapter's factors by the name that their weight has in the checkpoint.

    Raises ArtifactError when a weight is missing there.
    """
    by_module = {_module(name.removesuffix(".weight")): name for name in tensors}
    deltas = {}
    for key in weights:
        if not key.endswith(".lora_A.weight"):
            continue
        stem = key.removesuffix(".lora_A.weight")
        name = by_module.get(_module(stem.removeprefix("base_model.model.")))
        if name is None:
            raise ArtifactError(f"the adapter does not fit the base: it has no {stem}")
        deltas[name] = _Delta(weights[key], weights[f"{stem}.lora_B.weight"])
    if 2 * len(deltas) != len(weights):
        raise ArtifactError("the adapter holds tensors that are no LoRA factors")
    return deltas


def _module(name: str) -> str:
    """A module's name without the prefixes that differ between checkpoint and built model."""
    for prefix in ("model.", "language_model."):
        name = name.removeprefix(prefix)
    return name


def _bytes(handle: Any, name: str) -> int:
    """Size of a tensor without reading it."""
    part = handle.get_slice(name)
    width = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2}
    if part.get_dtype() not in width:
        raise ArtifactError(f"the base is quantised: {name} holds {part.get_dtype()}")
    return int(math.prod(part.get_shape())) * width[part.get_dtype()]


def _plan(tensors: dict[str, Any], shard_bytes: int) -> list[list[str]]:
    """Names of the tensors of each output file."""
    shards: list[list[str]] = [[]]
    filled = 0
    for name in tensors:
        size = _bytes(tensors[name], name)
        if shards[-1] and filled + size > shard_bytes:
            shards.append([])
            filled = 0
        shards[-1].append(name)
        filled += size
    return shards


def _merge(name: str, weight: torch.Tensor, delta: _Delta | None, scale: float) -> torch.Tensor:
    if delta is None:
        return weight
    change = scale * (delta.b.float() @ delta.a.float())
    if change.shape != weight.shape:
        raise ArtifactError(
            f"the adapter does not fit the base: {name} is {tuple(weight.shape)}, "
            f"its change {tuple(change.shape)}"
        )
    return (weight.float() + change).to(weight.dtype)


def _write_processor(base: Path, folder: Path) -> None:
    processor = load_processor(base)
    processor.save_pretrained(folder)
    # Releases of transformers before 5 look for the image processor under this name.
    processor.image_processor.save_pretrained(folder)


def _origin(base: Path, adapter: Path) -> dict[str, str]:
    """Digests of what went in."""
    return {
        "base": artifacts.folder_digest(base),
        "adapter": artifacts.folder_digest(adapter),
    }
