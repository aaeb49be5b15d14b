"""The clipped policy loss and what goes into it, as plain functions of log-probabilities.

TRL's names and TRL's arithmetic (`trl.GRPOTrainer`, tests hold both together); the loss of a
micro-batch is scaled so that the sum over a step's micro-batches, averaged over the processes, is
the loss of the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from pulsemind.settings import Correction, CrpoSettings

EPSILON = 1e-4
"""Added to the standard deviation of rewards (TRL)."""
SAPO_UP, SAPO_DOWN = 1.0, 1.05
"""Temperatures of SAPO for good and bad candidates (arXiv 2511.20347)."""


@dataclass(frozen=True)
class Tokens:
    """The scored tokens of a micro-batch of B candidates, K in all."""

    owners: torch.Tensor
    """(K): the candidate of each token, 0 to B-1."""
    lengths: torch.Tensor
    """(B)"""

    def sums(self, values: torch.Tensor) -> torch.Tensor:
        """Sum of `values` (K) for each candidate (B)."""
        zeros = torch.zeros(len(self.lengths), dtype=values.dtype, device=values.device)
        return zeros.index_add(0, self.owners, values)


def advantages(
    rewards: Mapping[str, Sequence[float | None]], scale: Literal["group", "batch", "none"]
) -> dict[str, list[float]]:
    """How much better than its group's mean each candidate is (SPEC 5):

    A_g = (R_g - mean(R)) / (std(R) + EPSILON), with the sample standard deviation of the group
    (`scale`: or of the batch, or without dividing).

    Args:
        rewards: R of every candidate by query; None is unscorable: it counts in no mean and its
            advantage is 0.
        scale: whose standard deviation the distance is divided by.
    """
    names = list(rewards)
    table = torch.tensor(
        [[float("nan") if r is None else r for r in rewards[n]] for n in names], dtype=torch.float64
    )
    away = table - table.nanmean(dim=1, keepdim=True)
    if scale == "group":
        away = away / (_deviation(table, dim=1).unsqueeze(1) + EPSILON)
    elif scale == "batch":
        away = away / (_deviation(table.flatten(), dim=0) + EPSILON)
    return dict(zip(names, away.nan_to_num(0.0).tolist(), strict=True))


def _deviation(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Sample standard deviation (n - 1) of the numbers that are there."""
    count = (~values.isnan()).sum(dim)
    squares = (values - values.nanmean(dim=dim, keepdim=True)) ** 2
    return (squares.nansum(dim) / (count - 1).clamp(min=1)).sqrt()


def correction_ratio(
    correction: Correction, old: torch.Tensor, recorded: torch.Tensor, tokens: Tokens
) -> torch.Tensor | float:
    """Truncated importance weights of the tokens (K), at most `correction.cap`.

    The engine sampled, the trainer takes gradients; where they differ in probability, a token (or
    a whole candidate) counts min(p_trainer / p_engine, cap) times: arXiv 2508.03616's TIS.

    Args:
        old: the trainer's log-probabilities under the policy that sampled.
        recorded: the engine's.
    """
    if correction.kind == "none":
        return 1.0
    apart = old - recorded
    if correction.kind == "sequence":
        apart = tokens.sums(apart)[tokens.owners]
    return apart.exp().clamp(max=correction.cap)


def token_losses(
    settings: CrpoSettings, new: torch.Tensor, ratio: torch.Tensor, advantage: torch.Tensor
) -> torch.Tensor:
    """Policy loss of each token (K), without KL and correction.

    Args:
        new: log-probabilities under the policy that learns.
        ratio: its probabilities over the old policy's.
        advantage: of each token's candidate.
    """
    if settings.loss == "cispo":
        return -ratio.clamp(max=settings.clip).detach() * advantage * new
    if settings.loss == "sapo":
        heat = torch.where(advantage > 0, SAPO_UP, SAPO_DOWN)
        return -torch.sigmoid(heat * (ratio - 1)) * 4 / heat * advantage
    clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
    return -torch.min(ratio * advantage, clipped * advantage)


def kl_estimate(new: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Schulman's k3 of KL(policy || reference) for each token: exp(d) - d - 1, never negative.

    The loss takes it times the ratio: the gradient is then that of the KL itself (TRL's default;
    arXiv 2512.02556).
    """
    apart = reference - new
    return apart.exp() - apart - 1


@dataclass(frozen=True)
class Share:
    """What part of an optimiser step a micro-batch is."""

    micro_batches: int
    """Micro-batches a process takes in a step."""
    tokens: float
    """Scored tokens of an average step, over the number of processes."""


def averaged(
    settings: CrpoSettings, losses: torch.Tensor, tokens: Tokens, share: Share
) -> torch.Tensor:
    """The tokens' losses (K) as one number, by the loss's name.

    `grpo`, `sapo`: mean in a candidate, then over candidates. `bnpo`: mean over the micro-batch's
    tokens. `dr_grpo`: sum over candidates x `max_new_tokens`. `dapo`, `cispo`: mean over the tokens
    of an average step.
    """
    if settings.loss in ("dapo", "cispo"):
        return losses.sum() / share.tokens
    if settings.loss == "bnpo":
        mean = losses.mean()
    elif settings.loss == "dr_grpo":
        mean = losses.sum() / (len(tokens.lengths) * settings.max_new_tokens)
    else:
        mean = (tokens.sums(losses) / tokens.lengths).mean()
    return mean / share.micro_batches
