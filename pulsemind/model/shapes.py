"""Shapes of Qwen2.5-VL: the published ones, and how many parameters a shape has.

Arithmetic only: nothing is built, so a 72B model costs nothing to ask about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import Qwen2_5_VLConfig

_TEXT: dict[str, dict[str, int]] = {
    "7B": {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
    },
    "32B": {
        "hidden_size": 5120,
        "intermediate_size": 27648,
        "num_hidden_layers": 64,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
    },
    "72B": {
        "hidden_size": 8192,
        "intermediate_size": 29568,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
    },
}
_VISION_INTERMEDIATE = {"7B": 3420, "32B": 3456, "72B": 3456}
PUBLISHED = {f"Qwen/Qwen2.5-VL-{size}-Instruct": size for size in _TEXT}
"""Size by the checkpoint's name."""


def published_config(checkpoint: str) -> Qwen2_5_VLConfig:
    """The configuration of a published checkpoint, without asking a hub.

    Raises ValueError for a name that is not in `PUBLISHED`.
    """
    if checkpoint not in PUBLISHED:
        raise ValueError(f"the shape of {checkpoint} is not known; known: {', '.join(PUBLISHED)}")
    size = PUBLISHED[checkpoint]
    text = _TEXT[size]
    return Qwen2_5_VLConfig(
        text_config={
            **text,
            "vocab_size": 152064,
            "max_position_embeddings": 128000,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1_000_000.0,
                "mrope_section": [16, 24, 24],
            },
        },
        vision_config={
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": _VISION_INTERMEDIATE[size],
            "num_heads": 16,
            "out_hidden_size": text["hidden_size"],
        },
        tie_word_embeddings=False,
    )


@dataclass(frozen=True)
class Shape:
    """The sizes of a Qwen2.5-VL that its memory depends on."""

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value_width: int
    """Key-value heads times the head size."""
    head_size: int
    tied: bool
    """Whether input and output embeddings are one matrix."""
    vision_hidden: int
    vision_intermediate: int
    vision_layers: int
    vision_heads: int
    patch: int
    """Side of a patch in pixels."""
    merge: int
    """Patches a side that become one token."""
    patch_values: int
    """Numbers in a patch: channels x frames x side x side."""

    def linears(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of the linear layers of one decoder layer, by name."""
        hidden, inner, narrow = self.hidden, self.intermediate, self.key_value_width
        return {
            "q_proj": (hidden, hidden),
            "k_proj": (hidden, narrow),
            "v_proj": (hidden, narrow),
            "o_proj": (hidden, hidden),
            "gate_proj": (hidden, inner),
            "up_proj": (hidden, inner),
            "down_proj": (inner, hidden),
        }

    def linear_parameters(self) -> int:
        """Weights of all linear layers of the decoder layers: what a 4-bit base quantises."""
        return self.layers * sum(wide * out for wide, out in self.linears().values())

    def text_parameters(self) -> int:
        """Parameters of the language model and its head.

        A decoder layer has its linear layers, biases on q, k and v, two norms; around them stand
        the embeddings, a norm and the head.
        """
        small = self.hidden + 2 * self.key_value_width + 2 * self.hidden
        embeddings = (1 if self.tied else 2) * self.vocabulary * self.hidden
        return self.linear_parameters() + self.layers * small + embeddings + self.hidden

    def vision_parameters(self) -> int:
        """Parameters of the vision tower: patch embedding, blocks, merger (all linears biased)."""
        wide, inner = self.vision_hidden, self.vision_intermediate
        attention = 4 * wide * wide + 4 * wide
        block = attention + 3 * wide * inner + 2 * inner + wide + 2 * wide
        merged = wide * self.merge**2
        merger = wide + merged * merged + merged + merged * self.hidden + self.hidden
        return self.patch_values * wide + self.vision_layers * block + merger

    def parameters(self) -> int:
        """All parameters of the base model."""
        return self.text_parameters() + self.vision_parameters()

    def lora_parameters(self, rank: int, targets: list[str]) -> int:
        """Parameters of an adapter: A (rank, in) and B (out, rank) at each target of each layer.

        Raises ValueError for a target that is no linear layer of the language model.
        """
        linears = self.linears()
        unknown = sorted(set(targets) - set(linears))
        if unknown:
            raise ValueError(f"no linear layer of the language model: {', '.join(unknown)}")
        return self.layers * rank * sum(sum(linears[name]) for name in targets)

    def patches(self, pixels: int) -> int:
        """Patches of an image that the processor has scaled to this many pixels."""
        return -(-pixels // self.patch**2)

    def image_tokens(self, pixels: int) -> int:
        """Tokens that such an image takes in the sequence."""
        return -(-self.patches(pixels) // self.merge**2)


def shape_of(config: Any) -> Shape:
    """The shape of a `Qwen2_5_VLConfig`."""
    text, vision = config.text_config, config.vision_config
    head = text.hidden_size // text.num_attention_heads
    return Shape(
        vocabulary=text.vocab_size,
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        layers=text.num_hidden_layers,
        heads=text.num_attention_heads,
        key_value_width=text.num_key_value_heads * head,
        head_size=head,
        tied=config.tie_word_embeddings,
        vision_hidden=vision.hidden_size,
        vision_intermediate=vision.intermediate_size,
        vision_layers=vision.depth,
        vision_heads=vision.num_heads,
        patch=vision.patch_size,
        merge=vision.spatial_merge_size,
        patch_values=vision.in_channels * vision.temporal_patch_size * vision.patch_size**2,
    )
