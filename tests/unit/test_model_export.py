"""Exported models load, and say what base and adapter say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from pulsemind import artifacts
from pulsemind.artifacts import ArtifactError
from pulsemind.model.chat import encode
from pulsemind.model.export import export_adapter, export_merged
from pulsemind.model.load import (
    load_adapter,
    load_base,
    load_processor,
    new_adapter,
    save_adapter,
)
from tests.conftest import LORA, consultation

TOLERANCE = 1e-4
"""Nats: fp32 sums in another order."""


@torch.no_grad()
def logprobs(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    """Log-probabilities of every next token of a batch."""
    logits = model.eval()(**batch).logits[:, :-1].log_softmax(-1)
    return torch.as_tensor(logits.gather(-1, batch["input_ids"][:, 1:, None]).squeeze(-1))


@pytest.fixture
def batch(base: Path, data: Path) -> dict[str, Any]:
    """Two dialogues, one with an image."""
    dialogues = [consultation(i).turns for i in (0, 1)]
    batch = encode(load_processor(base), dialogues, data, reply=False)
    assert "pixel_values" in batch
    return batch


@pytest.fixture
def expected(base: Path, adapter: Path, batch: dict[str, Any]) -> torch.Tensor:
    """What base and adapter say; clearly something else than the base alone."""
    alone = logprobs(load_base(base), batch)
    adapted = logprobs(load_adapter(load_base(base), adapter), batch)
    assert (alone - adapted).abs().max() > 100 * TOLERANCE
    return adapted


def test_a_merged_model_says_what_base_and_adapter_say(
    base: Path, adapter: Path, batch: dict[str, Any], expected: torch.Tensor, tmp_path: Path
) -> None:
    out = tmp_path / "merged"
    export_merged(base, adapter, out, shard_bytes=200_000)
    model = AutoModelForImageTextToText.from_pretrained(out, use_safetensors=True)
    torch.testing.assert_close(logprobs(model, batch), expected, atol=TOLERANCE, rtol=0)
    assert len(list(out.glob("model-*-of-*.safetensors"))) > 1
    assert artifacts.intact(out)
    processor = AutoProcessor.from_pretrained(out)
    ours = load_processor(base)
    assert processor.chat_template == ours.chat_template
    assert processor.tokenizer.get_vocab() == ours.tokenizer.get_vocab()
    assert processor.image_processor.size == ours.image_processor.size
    assert model.generation_config.eos_token_id == processor.tokenizer.eos_token_id


def test_merging_equals_pefts_in_every_part_of_the_model(base: Path, tmp_path: Path) -> None:
    everywhere = LORA.model_copy(update={"vision": True, "projector": True})
    model = new_adapter(load_base(base), everywhere)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.02, generator=generator)
    save_adapter(model, tmp_path / "adapter")
    export_merged(base, tmp_path / "adapter", tmp_path / "merged")
    ours = AutoModelForImageTextToText.from_pretrained(tmp_path / "merged").state_dict()
    theirs = model.merge_and_unload().state_dict()
    plain = load_base(base).state_dict()
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, atol=1e-6, rtol=1e-6)
    changed = {name for name, tensor in plain.items() if not torch.equal(ours[name], tensor)}
    assert {"model.visual.merger.mlp.0.weight", "model.visual.blocks.0.attn.qkv.weight"} <= changed


def test_files_keep_the_names_and_the_number_format_of_the_base(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    small = tmp_path / "base"
    shutil.copytree(base, small)
    weights = {k: v.bfloat16() for k, v in load_file(small / "model.safetensors").items()}
    save_file(weights, small / "model.safetensors", metadata={"format": "pt"})
    export_merged(small, adapter, tmp_path / "out", shard_bytes=100_000)
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"]) == set(weights)
    assert index["metadata"]["total_size"] == sum(w.numel() * 2 for w in weights.values())
    for name, file in index["weight_map"].items():
        with safe_open(tmp_path / "out" / file, framework="pt") as handle:
            assert handle.get_tensor(name).dtype == torch.bfloat16, name


def test_an_exported_adapter_loads_on_the_base(
    base: Path, adapter: Path, batch: dict[str, Any], expected: torch.Tensor, tmp_path: Path
) -> None:
    out = tmp_path / "exported"
    export_adapter(base, adapter, out)
    model = PeftModel.from_pretrained(load_base(base), str(out))
    assert torch.equal(logprobs(model, batch), expected)
    assert AutoProcessor.from_pretrained(out).chat_template
    assert artifacts.intact(out)


def test_an_exported_adapter_names_the_published_base(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    named = tmp_path / "named"
    reference = json.loads((base / "base.json").read_text())
    artifacts.write_json(named / "base.json", {**reference, "checkpoint": str(base)})
    export_adapter(named, adapter, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)
    export_merged(named, adapter, tmp_path / "merged")  # weights are read where they lie
    assert (tmp_path / "merged" / "config.json").read_bytes() == (base / "config.json").read_bytes()


def test_a_4_bit_base_is_refused(base: Path, adapter: Path, tmp_path: Path) -> None:
    small = tmp_path / "base"
    reference = json.loads((base / "base.json").read_text())
    artifacts.write_json(small / "base.json", {**reference, "quantization": "nf4"})
    with pytest.raises(ArtifactError, match=r"base\.quantization to null"):
        export_merged(small, adapter, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("key", ["use_dora", "use_rslora"])
def test_another_kind_of_adapter_is_refused(
    base: Path, adapter: Path, tmp_path: Path, key: str
) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(adapter, odd)
    config = json.loads((odd / "adapter_config.json").read_text())
    (odd / "adapter_config.json").write_text(json.dumps({**config, key: True}))
    with pytest.raises(ArtifactError, match=f"no plain LoRA \\({key}\\)"):
        export_merged(base, odd, tmp_path / "out")


def test_an_adapter_of_another_base_is_refused_and_leaves_nothing(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(adapter, odd)
    weights = load_file(odd / "adapter_model.safetensors")
    deeper = {key.replace("layers.1.", "layers.7."): value for key, value in weights.items()}
    save_file(deeper, odd / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ArtifactError, match=r"does not fit the base.*layers\.7"):
        export_merged(base, odd, tmp_path / "out")
    wider = {k: v.repeat(1, 2) if "lora_A" in k else v for k, v in weights.items()}
    save_file(wider, odd / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ArtifactError, match="its change"):
        export_merged(base, odd, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["odd"]


def test_a_folder_without_an_adapter_is_an_error(base: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no adapter"):
        export_merged(base, tmp_path, tmp_path / "out")
