"""Builds a small Qwen2.5-VL with its tokenizer: the base model of a machine without one.

It is the real architecture (vision tower, merger, multimodal rotary positions, chat template) with
other sizes, so everything downstream is the code that runs on a published checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from pulsemind.model.chat import render
from pulsemind.model.pretrain import pretrain
from pulsemind.records import Turn
from pulsemind.settings import TinyModel

END_OF_TEXT = "<|endoftext|>"
SPECIAL_TOKENS = [
    END_OF_TEXT,
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
# ChatML with Qwen2.5-VL's image markers.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PATCH, MERGE = 14, 2


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer with Qwen's special tokens on a stream of texts.

    Args:
        texts: the training texts; they are streamed once.
        vocabulary: entries at most, special tokens included.
    """
    tokenizer = Tokenizer(models.BPE())
    # A Chinese character is a token of its own: merges learned from little text would otherwise
    # cut the same phrase differently from one sentence to the next.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{Han}"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token=END_OF_TEXT,
        padding_side="left",
        extra_special_tokens={
            "image_token": "<|image_pad|>",
            "video_token": "<|video_pad|>",
            "vision_bos_token": "<|vision_start|>",
            "vision_eos_token": "<|vision_end|>",
        },
    )


def build_model(shape: TinyModel, tokenizer: PreTrainedTokenizerFast) -> Any:
    """A Qwen2.5-VL of the given shape with random weights, equal for equal seeds."""
    head = shape.hidden // shape.heads
    token = tokenizer.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": shape.hidden,
            "intermediate_size": shape.intermediate,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.key_value_heads,
            "max_position_embeddings": 8192,
            "initializer_range": shape.hidden**-0.5,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [head // 2 - 2 * (head // 6), head // 6, head // 6],
            },
            "bos_token_id": None,
            "eos_token_id": token("<|im_end|>"),
            "pad_token_id": token(END_OF_TEXT),
            "tie_word_embeddings": False,
        },
        vision_config={
            "depth": shape.vision_layers,
            "hidden_size": shape.vision_hidden,
            "intermediate_size": 2 * shape.vision_hidden,
            "num_heads": 2,
            "out_hidden_size": shape.hidden,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "window_size": 4 * PATCH * MERGE,
            "fullatt_block_indexes": [shape.vision_layers - 1],
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(shape.seed)
        model = Qwen2_5_VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = token("<|im_end|>")
    model.generation_config.pad_token_id = token(END_OF_TEXT)
    return model


def build_processor(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLProcessor:
    """Qwen2.5-VL's processor around a tokenizer."""
    pixels = {"shortest_edge": (2 * PATCH * MERGE) ** 2, "longest_edge": 16_384 * PATCH**2}
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(
            size=pixels, patch_size=PATCH, merge_size=MERGE, temporal_patch_size=2
        ),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=CHAT_TEMPLATE,
    )


def build_base(
    shape: TinyModel, dialogues: Callable[[], Iterable[Sequence[Turn]]], work: Path, folder: Path
) -> dict[str, float]:
    """Build and pretrain model, tokenizer and processor into `folder`, a transformers checkpoint.

    Args:
        dialogues: gives the training dialogues; called twice.
        work: scratch folder.

    Returns the number of parameters and the last pretraining loss (nats a token).
    """
    texts = ("\n".join(turn.text for turn in turns) for turns in dialogues())
    processor = build_processor(train_tokenizer(texts, shape.vocabulary))
    model = build_model(shape, processor.tokenizer)
    rendered = (render(processor, turns, reply=False) for turns in dialogues())
    loss = pretrain(model, processor.tokenizer, rendered, shape.pretraining, work)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"parameters": parameters, "pretraining_loss": loss}
