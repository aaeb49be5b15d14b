"""What is done to the layers of a Qwen2.5-VL before it is trained: checkpointing, compiling."""

from __future__ import annotations

from typing import Any


def checkpoint_layers(model: Any, every: int) -> None:
    """Compute the first of every `every` layers again in the backward pass instead of keeping it.

    Args:
        model: with adapter. Its vision tower keeps nothing, being frozen, or all.
        every: 1: all layers are, which needs the least memory.
    """
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    for number, layer in enumerate(_text_layers(model)):
        layer.gradient_checkpointing = number % every == 0


def compile_layers(model: Any) -> None:
    """Compile each layer of language model and vision tower at its first use (ours).

    Layer by layer, since all have one shape and are compiled once; what lies between them, and
    the choice of a checkpointed layer, stays as it is.
    """
    for layer in (*_text_layers(model), *model.get_base_model().model.visual.blocks):
        layer.compile()


def _text_layers(model: Any) -> Any:
    return model.get_base_model().model.language_model.layers
