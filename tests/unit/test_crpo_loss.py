"""The parts of the policy loss against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from pulsemind.crpo.batch import PADDING
from pulsemind.crpo.loss import Share, Tokens, advantages, averaged, correction_ratio, kl_estimate
from pulsemind.crpo.scores import CHUNK, token_logprobs, visible
from pulsemind.crpo.trainer import in_order
from pulsemind.settings import Correction
from tests.unit.crpo_job import SETTINGS

TWO = Tokens(owners=torch.tensor([0, 0, 1]), lengths=torch.tensor([2, 1]))
"""Two candidates, of two tokens and of one."""


def test_truncated_importance_weights() -> None:
    """p_trainer / p_engine of 2, 1/2 and 4, at most 3; over a candidate 1 and 4."""
    recorded = torch.tensor([-1.0, -2.0, -3.0])
    old = recorded + torch.tensor([2.0, 0.5, 4.0]).log()
    token = correction_ratio(Correction(kind="token", cap=3.0), old, recorded, TWO)
    assert torch.allclose(token, torch.tensor([2.0, 0.5, 3.0]))
    sequence = correction_ratio(Correction(kind="sequence", cap=3.0), old, recorded, TWO)
    assert torch.allclose(sequence, torch.tensor([1.0, 1.0, 3.0]))
    assert correction_ratio(Correction(kind="none", cap=3.0), old, recorded, TWO) == 1.0


def test_advantages_of_a_group_with_an_unscorable_candidate() -> None:
    """Mean 2 and deviation sqrt(2) of 1 and 3; the third counts nowhere."""
    found = advantages({"q": [1.0, 3.0, None], "flat": [0.5, 0.5, 0.5]}, "group")
    scale = math.sqrt(2) + 1e-4
    assert found["q"] == pytest.approx([-1 / scale, 1 / scale, 0.0])
    assert found["flat"] == [0.0, 0.0, 0.0]
    assert advantages({"q": [1.0, 3.0, None]}, "none")["q"] == [-1.0, 1.0, 0.0]
    # Over both: 1, 3, 2, 2 have mean 2 and deviation sqrt(2/3).
    whole = advantages({"q": [1.0, 3.0], "r": [2.0, 2.0]}, "batch")
    assert whole["q"][1] == pytest.approx(1 / (math.sqrt(2 / 3) + 1e-4))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("grpo", ((1 + 2) / 2 + 6) / 2 / 4),
        ("sapo", ((1 + 2) / 2 + 6) / 2 / 4),
        ("bnpo", 9 / 3 / 4),
        ("dr_grpo", 9 / (2 * 12) / 4),
        ("dapo", 9 / 30),
        ("cispo", 9 / 30),
    ],
)
def test_how_token_losses_are_averaged(loss: str, expected: float) -> None:
    """Losses 1, 2 and 6; four micro-batches a step of 30 tokens a process, replies up to 12."""
    settings = SETTINGS.model_copy(update={"loss": loss})
    found = averaged(settings, torch.tensor([1.0, 2.0, 6.0]), TWO, Share(4, 30.0))
    assert float(found) == pytest.approx(expected)


def test_kl_estimate() -> None:
    """Reference twice as likely: 2 - ln 2 - 1; equal: 0."""
    new = torch.tensor([-2.0, -2.0])
    found = kl_estimate(new, new + torch.tensor([math.log(2), 0.0]))
    assert found.tolist() == pytest.approx([1 - math.log(2), 0.0], abs=1e-6)


def test_log_probabilities_and_slopes_in_chunks_are_torchs() -> None:
    generator = torch.Generator().manual_seed(1)
    count = 2 * CHUNK + 3
    hidden = torch.randn(count, 8, generator=generator, dtype=torch.float64, requires_grad=True)
    head = torch.randn(11, 8, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 11, (count,), generator=generator)
    weights = torch.randn(count, generator=generator)
    found = token_logprobs(hidden, head, targets, 0.7)
    (slope,) = torch.autograd.grad((found * weights).sum(), hidden)
    scores = torch.log_softmax(hidden @ head.T / 0.7, -1).gather(1, targets.unsqueeze(1))[:, 0]
    (expected,) = torch.autograd.grad((scores * weights).sum(), hidden)
    assert torch.allclose(found.double(), scores, atol=1e-5)
    assert torch.allclose(slope, expected, atol=1e-5)


def test_candidates_see_their_prompt_and_themselves() -> None:
    segments = torch.tensor([[0, 0, 1, 1, 2, PADDING]])
    seen = visible(segments)
    assert seen is not None
    assert seen[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]
    assert visible(torch.tensor([[0, 1, 1, PADDING]])) is None  # plainly causal


def test_the_order_keeps_steps_and_groups_together() -> None:
    """Two steps of two groups of two; the shorter group of a step first."""
    lengths, groups = [9, 8, 3, 4, 1, 2, 7, 7], [0, 0, 1, 1, 2, 2, 3, 3]
    assert in_order(lengths, groups, 4) == [2, 3, 1, 0, 4, 5, 6, 7]
