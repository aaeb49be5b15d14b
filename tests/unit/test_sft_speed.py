"""The model FLOPs of a step against torch's own counter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pulsemind.model.load import load_base, load_processor, new_adapter
from pulsemind.sft.collate import Collator
from pulsemind.sft.speed import model_flops
from pulsemind.sft.trainer import token_loss
from tests.conftest import LORA, consultation


@pytest.mark.parametrize("vision", [False, True])
@pytest.mark.parametrize("number", [0, 1])
def test_the_formula_counts_what_torch_counts(
    base: Path, data: Path, number: int, vision: bool
) -> None:
    """Of text exactly; torch counts the masked half of attention too."""
    every = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    lora = LORA.model_copy(update={"vision": vision, "targets": every})
    model = new_adapter(load_base(base), lora)
    model.set_attn_implementation("eager")
    collator = Collator(load_processor(base), data, model.get_base_model().model.get_rope_index)
    record = consultation(number)
    batch = collator([[{"text": record.model_dump_json(), "turns": len(record.turns)}]])
    inputs = {k: v for k, v in batch.items() if k not in ("records", "work", "labels")}
    with FlopCounterMode(display=False) as counter:
        token_loss(model(**inputs), batch["labels"]).backward()
    counts = {str(op): n for op, n in counter.get_flop_counts()["Global"].items()}
    flops, work = model_flops(model), batch["work"]
    linear = sum(n for op, n in counts.items() if op in ("aten.mm", "aten.addmm"))
    formula = flops(work) - work.squares * flops.square
    if number == 0:  # the first layer passes no gradient on to the frozen embeddings
        first = [
            p.numel()
            for n, p in model.named_parameters()
            if re.search(r"language_model\.layers\.0\.self_attn\.[qkv]_proj", n)
            and ("base_layer.weight" in n or "lora_A" in n)
        ]
        assert len(first) == 6
        assert linear == formula - 2 * work.tokens * sum(first)
    else:  # the projector, much of this small tower, sees one patch in four
        assert 0.75 * formula < linear < formula
    if number == 0:
        attention = sum(n for op, n in counts.items() if op == "aten.bmm")
        assert attention == pytest.approx(2 * work.squares * flops.square)


def test_work_adds_up(base: Path, data: Path) -> None:
    model = load_base(base)
    collator = Collator(load_processor(base), data, model.model.get_rope_index)
    rows = [[{"text": consultation(n).model_dump_json(), "turns": 4}] for n in (0, 1)]
    first, second = (collator([row])["work"] for row in rows)
    both = collator([[*rows[0], *rows[1]]])["work"]
    assert both == first + second
    assert (both.dialogues, both.patches > 0) == (2, True)
    assert first.squares == first.tokens**2
    assert torch.equal(collator([rows[0]])["labels"].ne(-100).sum(), torch.tensor(first.learned))
