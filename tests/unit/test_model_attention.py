"""Attention by name: borders of packed rows; the variable-length kernel where there is a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Qwen2_5_VLConfig

from pulsemind.model.attention import borders, set_attention, varlen
from pulsemind.model.load import load_base
from pulsemind.settings import Lora
from tests.unit.memory_meter import adapted, batch_of, small_config

LORA = Lora(
    rank=8, alpha=16, dropout=0.0, targets=["q_proj", "v_proj"], vision=False, projector=False
)
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="the kernel is for GPUs")


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=3))
def test_borders_are_the_cumulative_lengths(rows: list[list[int]]) -> None:
    width = max(map(sum, rows))
    for row in rows:
        row[-1] += width - sum(row)  # padding goes on counting behind the last dialogue
    positions = torch.stack([torch.cat([torch.arange(n) for n in row]) for row in rows])
    ends, longest = borders(positions)
    lengths = [n for row in rows for n in row]
    assert ends.tolist() == [sum(lengths[:at]) for at in range(len(lengths) + 1)]
    assert ends.dtype == torch.int32
    assert longest == max(lengths)


def test_a_row_that_continues_another_is_a_sequence_of_its_own() -> None:
    ends, longest = borders(torch.tensor([[3, 4, 0, 1], [0, 1, 2, 3]]))
    assert ends.tolist() == [0, 2, 4, 8]
    assert longest == 4


def test_the_cpu_has_no_such_kernel(base: Path) -> None:
    with pytest.raises(ValueError, match="varlen needs a GPU"):
        set_attention(load_base(base), "varlen")


def test_masks_and_caches_are_refused() -> None:
    rows = torch.zeros(1, 2, 4, 8)
    with pytest.raises(ValueError, match="no padding mask"):
        varlen(None, rows, rows, rows, torch.ones(1, 4))
    with pytest.raises(ValueError, match="no key-value cache"):
        varlen(None, rows[:, :, 3:], rows, rows, None)


def model_on_gpu() -> tuple[Qwen2_5_VLConfig, Any]:
    """A random model in bf16, in evaluation."""
    config = small_config(256, 688, 4, heads=4, narrow=2, vocabulary=1000)
    torch.manual_seed(1)
    model = adapted(config, LORA, torch.bfloat16, torch.bfloat16)
    return config, model.to("cuda").eval()


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether logits in bf16 agree as far as two kernels can."""
    return bool((one.float() - other.float()).abs().max() < 0.05 * other.float().std())


@GPU
@torch.no_grad()
def test_packed_rows_are_the_dialogues_one_by_one() -> None:
    _, model = model_on_gpu()
    lengths = [70, 33, 25]
    ids = torch.randint(10, 900, (1, sum(lengths)), device="cuda")
    positions = torch.cat([torch.arange(n) for n in lengths]).to("cuda").expand(4, 1, -1)
    masked = model(input_ids=ids, position_ids=positions, use_cache=False).logits
    set_attention(model, "varlen")
    found = borders(positions[0])
    packed = model(input_ids=ids, position_ids=positions, use_cache=False, row_borders=found).logits
    alone = torch.cat(
        [
            model(
                input_ids=part,
                position_ids=torch.arange(part.shape[1], device="cuda").expand(4, 1, -1),
                use_cache=False,
            ).logits
            for part in ids.split(lengths, dim=1)
        ],
        dim=1,
    )
    assert close(packed, alone)
    assert close(packed, masked)


@GPU
@torch.no_grad()
def test_images_are_seen_through_the_same_windows() -> None:
    config, model = model_on_gpu()
    inputs = {k: v.to("cuda") for k, v in batch_of(config, 2, 120, (16, 16)).items()}
    inputs["input_ids"][:, 80:] = torch.randint(10, 900, (2, 40), device="cuda")
    windows = model(**inputs, use_cache=False).logits
    set_attention(model, "varlen")
    assert close(model(**inputs, use_cache=False).logits, windows)
