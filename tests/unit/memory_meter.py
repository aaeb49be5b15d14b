"""Measures what a real Qwen2.5-VL holds: sizes of tensors, what autograd keeps, peaks."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from pulsemind.model.load import no_gradients_into_images
from pulsemind.settings import Lora


class Meter(TorchDispatchMode):
    """Bytes of the storages that live, and their peak, since it was entered.

    Every new storage is seen when an operation returns it and forgotten when it is freed.
    """

    def __init__(self, known: Any) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.seen: dict[int, Any] = {}
        for tensor in known:
            storage = tensor.untyped_storage()
            self.seen[id(storage)] = storage

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor):
                self._add(value.untyped_storage())
        self.peak = max(self.peak, self.now)
        return result

    def _add(self, storage: Any) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self.seen:
            return

        def freed(_: Any) -> None:
            self.now -= size
            del self.seen[key]

        self.now += size
        self.seen[key] = weakref.ref(storage, freed)


class Kept:
    """Bytes of the storages that autograd saved and still holds, parameters excepted."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.parameters = {id(s): s for s in (p.untyped_storage() for p in model.parameters())}
        self.storages: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def pack(self, tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if id(storage) not in self.parameters:
            self.storages[id(storage)] = storage
        return tensor

    def bytes(self) -> int:
        return sum(storage.nbytes() for storage in self.storages.values())


def small_config(
    hidden: int,
    intermediate: int,
    layers: int,
    heads: int,
    narrow: int,
    vocabulary: int,
    vision: int = 128,
) -> Qwen2_5_VLConfig:
    """A Qwen2.5-VL of any size, with four blocks of width `vision` in its vision tower."""
    head = hidden // heads
    third = head // 6
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": vocabulary,
            "hidden_size": hidden,
            "intermediate_size": intermediate,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": narrow,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [head // 2 - 2 * third, third, third],
            },
            "bos_token_id": None,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
        vision_config={
            "depth": 4,
            "hidden_size": vision,
            "intermediate_size": 2 * vision,
            "num_heads": 4,
            "out_hidden_size": hidden,
            "fullatt_block_indexes": [3],
        },
        image_token_id=5,
        video_token_id=6,
        vision_start_token_id=3,
        vision_end_token_id=4,
        tie_word_embeddings=False,
    )


def adapted(config: Qwen2_5_VLConfig, lora: Lora, dtype: torch.dtype, adapter: torch.dtype) -> Any:
    """A random model with an adapter on the language model's layers, ready to train."""
    model = Qwen2_5_VLForConditionalGeneration(config).to(dtype)
    no_gradients_into_images(model)
    wanted = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=rf".*language_model.*\.({'|'.join(lora.targets)})",
    )
    model = get_peft_model(model, wanted)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(adapter)
    model.config.use_cache = False
    return model.train()


@contextmanager
def weightless(model: Any) -> Iterator[None]:
    """Give a model built on the meta device tensors that have a size and no content."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        for module in model.modules():
            for table in (module._parameters, module._buffers):
                for name, value in table.items():
                    if value is None:
                        continue
                    made = torch.empty(value.shape, dtype=value.dtype, device="cpu")
                    if isinstance(value, torch.nn.Parameter):
                        made = torch.nn.Parameter(made, requires_grad=value.requires_grad)
                    table[name] = made
        yield


def batch_of(
    config: Qwen2_5_VLConfig, batch: int, length: int, grid: tuple[int, int] | None
) -> dict[str, Any]:
    """Token ids in positions as the collator gives them, one image of `grid` patches a row."""
    ids = torch.full((batch, length), 10)
    inputs = {
        "input_ids": ids,
        "position_ids": torch.arange(length).view(1, 1, -1).expand(4, batch, -1),
    }
    if grid:
        patches = grid[0] * grid[1]
        ids[:, 1 : 1 + patches // 4] = config.image_token_id
        inputs["pixel_values"] = torch.randn(batch * patches, 3 * 2 * 14 * 14)
        inputs["image_grid_thw"] = torch.tensor([[1, *grid]] * batch)
    return inputs


def step(
    model: Any, inputs: dict[str, Any], loss_tokens: int, autocast: bool = False
) -> tuple[int, int]:
    """One forward and backward pass: bytes that autograd kept, and peak bytes of activations.

    The peak is counted above the weights; the adapter's gradients are in it.
    """
    kept, meter = Kept(model), Meter([*model.parameters(), *model.buffers(), *inputs.values()])
    context = torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext()
    with meter:
        with torch.autograd.graph.saved_tensors_hooks(kept.pack, lambda t: t), context:
            output = model(**inputs, logits_to_keep=loss_tokens)
            logits = output.logits.flatten(0, 1).float()
            loss = torch.nn.functional.cross_entropy(
                logits, inputs["input_ids"][:, -loss_tokens:].flatten(), reduction="sum"
            )
        del output, logits
        saved = kept.bytes()
        loss.backward()
    return saved, meter.peak
