"""DeepSpeed ZeRO behind transformers' Trainer: start it, configure it, reach sharded weights.

With stage 3 every process holds a share of every weight. Weights that PEFT adds are sharded when
training starts; reading them afterwards needs `gathered`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch


def start(stage: int) -> None:
    """Join the other training processes for ZeRO; does nothing for stage 0.

    Must come before the model is loaded. Raises ValueError outside a launcher.
    """
    if not stage:
        return
    if "LOCAL_RANK" not in os.environ:
        raise ValueError(
            f"zero: {stage} needs training processes: set services.launch, for one process too, "
            "as [torchrun, --nproc_per_node, '1']"
        )
    if torch.cuda.is_available():
        return  # transformers does the rest
    os.environ["DS_ACCELERATOR"] = "cpu"
    os.environ["ACCELERATE_USE_DEEPSPEED"] = "true"
    import deepspeed
    from accelerate import PartialState

    # Left to themselves, accelerate and transformers take each process of a CPU for the only one.
    deepspeed.init_distributed(dist_backend="gloo")
    PartialState(backend="gloo")


def configuration(stage: int, batch: int, accumulation: int, bf16: bool) -> dict[str, Any]:
    """DeepSpeed's settings. Sizes are numbers: "auto" counts one process on a CPU."""
    return {
        "train_micro_batch_size_per_gpu": batch,
        "gradient_accumulation_steps": accumulation,
        "train_batch_size": batch * accumulation * int(os.environ["WORLD_SIZE"]),
        "bf16": {"enabled": bf16},
        "gradient_clipping": 1.0,
        "zero_allow_untested_optimizer": True,
        "zero_optimization": {
            "stage": stage,
            "overlap_comm": torch.cuda.is_available(),
            "contiguous_gradients": True,
            **({"stage3_gather_16bit_weights_on_model_save": True} if stage == 3 else {}),
        },
    }


@contextmanager
def gathered(model: Any) -> Iterator[None]:
    """Make the trainable weights whole, for reading; all processes enter the context together.

    Without ZeRO stage 3 they are whole anyway.
    """
    with whole([p for p in model.parameters() if p.requires_grad]):
        yield


@contextmanager
def whole(parameters: Sequence[torch.Tensor]) -> Iterator[None]:
    """Make these weights whole, for reading; all processes enter the context together."""
    sharded = [p for p in parameters if hasattr(p, "ds_id")]
    if not sharded:
        yield
        return
    import deepspeed

    with deepspeed.zero.GatheredParameters(sharded):
        yield


def size(parameter: torch.Tensor) -> int:
    """Elements of a weight, whole or sharded."""
    return int(getattr(parameter, "ds_numel", parameter.numel()))
