"""Dialogues to chat messages and tokens. The one place that knows Qwen's chat format."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from pulsemind.records import Turn

ROLES = {"patient": "user", "physician": "assistant"}
IGNORED = -100
"""Label of tokens without loss (torch's convention)."""


def system_prompt() -> str:
    """The system prompt of every consultation (`pulsemind/prompts/physician.txt`)."""
    return (resources.files("pulsemind") / "prompts" / "physician.txt").read_text("utf-8").strip()


def messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Chat messages of a dialogue: system prompt, then a message a turn, images before the text."""
    result = [{"role": "system", "content": [{"type": "text", "text": system_prompt()}]}]
    for turn in turns:
        parts: list[dict[str, str]] = [{"type": "image"} for _ in turn.images]
        parts.append({"type": "text", "text": turn.text})
        result.append({"role": ROLES[turn.role], "content": parts})
    return result


def open_images(turns: Sequence[Turn], folder: Path) -> list[Image.Image]:
    """The dialogue's images in order, as RGB; paths are relative to the artifact `folder`."""
    images = []
    for turn in turns:
        for reference in turn.images:
            with Image.open(folder / reference.path) as image:
                images.append(image.convert("RGB"))
    return images


def render(processor: Any, turns: Sequence[Turn], reply: bool) -> str:
    """The dialogue in the processor's chat format; with `reply` it ends where the reply starts."""
    text = processor.apply_chat_template(
        messages(turns), tokenize=False, add_generation_prompt=reply
    )
    return str(text)


def encode(
    processor: Any, dialogues: Sequence[Sequence[Turn]], folder: Path, reply: bool
) -> dict[str, Any]:
    """Tokens and pixels of a batch of dialogues, padded on the processor's side.

    Returns the processor's tensors: `input_ids` and `attention_mask` of shape (batch, length), and
    with images `pixel_values`, `image_grid_thw` and `mm_token_type_ids`.
    """
    texts = [render(processor, turns, reply) for turns in dialogues]
    images = [image for turns in dialogues for image in open_images(turns, folder)]
    batch = processor(text=texts, images=images or None, padding=True, return_tensors="pt")
    return dict(batch)


def vision_token_ids(processor: Any) -> list[int]:
    """Ids of the vision placeholder tokens, which a policy must never sample."""
    names = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    return [processor.tokenizer.convert_tokens_to_ids(name) for name in names]


def reply_spans(processor: Any, ids: Sequence[int]) -> list[tuple[int, int]]:
    """[start, stop) of every physician turn in `ids`, its end-of-turn token included.

    A turn starts after `<|im_start|>assistant\\n`; one without its end token ends with `ids`.
    """
    tokenizer = processor.tokenizer
    header = tokenizer.encode("<|im_start|>assistant\n", add_special_tokens=False)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    spans, position, ids = [], 0, list(ids)
    while position <= len(ids) - len(header):
        if ids[position : position + len(header)] != header:
            position += 1
            continue
        start = position + len(header)
        stop = ids.index(end, start) + 1 if end in ids[start:] else len(ids)
        spans.append((start, stop))
        position = stop
    return spans
