"""Attention implementations by name, one of them ours: `varlen`, PyTorch's variable-length kernel.

`varlen` needs no package besides PyTorch. Attention is computed within the dialogues of packed rows
and within the windows of the vision tower, in one call each, and nowhere else. transformers' own
`sdpa` builds a mask of length x length for packed rows, and calls once a window.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import flash_attention_mask

WHOLE_ROWS = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
"""Kernels for rows of one sequence each, the fastest on Hopper GPUs first."""
_REGISTERED = "flash_varlen"
"""transformers hands borders over to implementations whose name says flash."""


def set_attention(model: Any, name: str) -> None:
    """Make a Qwen2.5-VL, with or without adapter, use the attention implementation `name`.

    Args:
        name: `varlen`, or one of transformers' own.

    Raises ValueError when it cannot be used here.
    """
    if name != "varlen":
        try:
            model.set_attn_implementation(name)
        except ImportError as error:
            raise ValueError(f"attention: {name} cannot be used here: {error}") from None
        return
    if model.device.type != "cuda":
        raise ValueError("attention: varlen needs a GPU (PyTorch has no such kernel for the CPU)")
    AttentionInterface.register(_REGISTERED, varlen)
    AttentionMaskInterface.register(_REGISTERED, flash_attention_mask)
    # Not by set_attn_implementation: it looks for a package of the name.
    for config in (model.config, model.config.text_config, model.config.vision_config):
        config._attn_implementation = _REGISTERED


def borders(position_ids: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Where the dialogues of packed rows begin and end, all rows laid end to end.

    Args:
        position_ids: (B, L), starting anew at 0 with each dialogue; the first of a row starts it.

    Returns (N + 1) int32 cumulative lengths of the N dialogues, and the longest length.
    """
    starts = position_ids == 0
    starts[:, 0] = True
    begin = starts.flatten().nonzero().flatten()
    ends = torch.cat([begin, begin.new_tensor([position_ids.numel()])]).to(torch.int32)
    return ends, int(ends.diff().max())


def varlen(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    position_ids: torch.Tensor | None = None,
    row_borders: tuple[torch.Tensor, int] | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    is_causal: bool | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' attention interface over `torch.nn.attention.varlen`.

    Args:
        query: (B, H, L, D); `key` and `value` (B, K, L, D) with K dividing H.
        attention_mask: must be None: padding lies behind the dialogues (`Collator`).
        position_ids: (B, L) as for `borders`; None: each row is one sequence.
        cu_seq_lens_q: borders, where the caller has them (the vision tower has).
        is_causal: None: as the module says.

    Returns (B, L, H, D). Raises ValueError for a mask or a cache, which training has not.
    """
    from torch.nn.attention.varlen import varlen_attn  # not in older releases of PyTorch

    batch, heads, length, width = query.shape
    if attention_mask is not None or key.shape[2] != length:
        raise ValueError("attention: varlen is for training: no padding mask, no key-value cache")
    if cu_seq_lens_q is None or max_length_q is None:
        if row_borders is None:
            if position_ids is None:
                position_ids = torch.arange(length, device=query.device).expand(batch, length)
            row_borders = borders(position_ids)
        cu_seq_lens_q, max_length_q = row_borders
    repeats = heads // key.shape[1]
    key, value = (x.repeat_interleave(repeats, dim=1) for x in (key, value))
    causal = module.is_causal if is_causal is None else is_causal
    if cu_seq_lens_q.numel() - 1 == batch:  # every row is one sequence: there are faster kernels
        with sdpa_kernel(WHOLE_ROWS, set_priority=True):
            whole = scaled_dot_product_attention(query, key, value, is_causal=causal, scale=scaling)
        return whole.transpose(1, 2), None
    query, key, value = (
        x.transpose(1, 2).reshape(batch * length, heads, width) for x in (query, key, value)
    )
    result = varlen_attn(
        query,
        key,
        value,
        cu_seq_lens_q,
        cu_seq_lens_q,
        max_length_q,
        max_length_q,
        scale=scaling,
        window_size=(-1, 0) if causal else (-1, -1),
    )
    assert isinstance(result, torch.Tensor)
    return result.view(batch, length, heads, width), None
