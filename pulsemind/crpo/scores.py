"""Log-probabilities of recorded tokens, without the logits of a whole sequence.

A policy that `scoring` has prepared returns, for the inputs that `pulsemind.crpo.batch` makes, one
number a scored token. Logits exist for a few hundred tokens at a time only: with Qwen's 152,064
entries those of 8 replies of 1,024 tokens would take 5 GB.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import linear

from pulsemind.crpo.batch import PADDING
from pulsemind.sft import zero

CHUNK = 512
"""Tokens whose logits exist at a time."""


class _TokenLogProbs(torch.autograd.Function):
    """log softmax(W h / T)[target] for every token; the slope in h is taken while logits exist.

    d/dh = (W[target] - sum_v p_v W[v]) / T, one vector a token, so that backward needs neither
    logits nor head. The head itself is frozen.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        targets: torch.Tensor,
        temperature: float,
    ) -> torch.Tensor:
        found = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        slope = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for start in range(0, len(hidden), CHUNK):
            part = slice(start, start + CHUNK)
            scores = linear(hidden[part], weight).float().div_(temperature)
            wanted = targets[part].unsqueeze(1)
            normal = scores.logsumexp(-1, keepdim=True)
            found[part] = (scores.gather(1, wanted) - normal).squeeze(1)
            if slope is not None:
                shares = scores.sub_(normal).exp_()
                shares.scatter_add_(1, wanted, torch.full_like(normal, -1.0))
                slope[part] = shares.to(weight.dtype) @ weight / -temperature
        ctx.slope = slope
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (gradient,) = gradients
        slope: torch.Tensor = ctx.slope
        return (gradient.unsqueeze(1) * slope).to(slope.dtype), None, None, None


def token_logprobs(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Log-probabilities (K) in fp32 of `targets` (K) at `temperature`.

    Args:
        hidden: (K, hidden size), what the head gets for each.
        weight: (vocabulary, hidden size), the head; no gradient flows into it.
    """
    result: torch.Tensor = _TokenLogProbs.apply(hidden, weight, targets, temperature)
    return result


def visible(segments: torch.Tensor) -> torch.Tensor | None:
    """Which tokens see which, (R, 1, L, L); None where that is plainly causal.

    Args:
        segments: (R, L) as in `pulsemind.crpo.batch`; padding lies behind everything.
    """
    if int(segments.max()) <= 1:
        return None
    query, key = segments.unsqueeze(2), segments.unsqueeze(1)
    causal = torch.ones(segments.shape[1:] * 2, dtype=torch.bool, device=segments.device).tril()
    return (((key == query) | ((key == 0) & (query != PADDING))) & causal).unsqueeze(1)


def scoring(model: Any, temperature: float) -> None:
    """Give a policy (an adapter on its base) the forward that scores recorded tokens.

    `model(**inputs)` with the collator's `inputs` then returns log-probabilities (K). It goes
    through whatever wraps the policy, as DistributedDataParallel and DeepSpeed need.
    """
    base = model.get_base_model()
    base.set_attn_implementation("sdpa")  # takes masks as they are

    def forward(
        segments: torch.Tensor, places: torch.Tensor, targets: torch.Tensor, **inputs: Any
    ) -> torch.Tensor:
        # The adapter's wrapper adds arguments of its own, all None.
        given = {k: v for k, v in inputs.items() if v is not None}
        given["attention_mask"] = visible(segments)
        hidden = base.model(**given, use_cache=False).last_hidden_state.flatten(0, 1)[places]
        with zero.whole([base.lm_head.weight]):
            return token_logprobs(hidden, base.lm_head.weight, targets, temperature)

    base.forward = forward
