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
    """Make these weights whole, for reading; all processes enter the context together.

    DeepSpeed has some of them whole already, inside the forward pass of a module that uses them.
    """
    sharded: list[Any] = [p for p in parameters if hasattr(p, "ds_id")]
    if not sharded:
        yield
        return
    import deepspeed
    from deepspeed.runtime.zero.partition_parameters import ZeroParamStatus

    sharded = [p for p in sharded if p.ds_status == ZeroParamStatus.NOT_AVAILABLE]

    with deepspeed.zero.GatheredParameters(sharded):
        yield


def size(parameter: torch.Tensor) -> int:
    """Elements of a weight, whole or sharded."""
    return int(getattr(parameter, "ds_numel", parameter.numel()))


def partitions(optimizer: Any) -> list[torch.Tensor] | None:
    """This process's flat shares of the trained weights; None for an optimiser without ZeRO."""
    for name in ("fp32_partitioned_groups_flat", "single_partition_of_fp32_groups"):
        if hasattr(optimizer, name):
            return list(getattr(optimizer, name))
    return None


def set_state(optimizer: Any, parameter: torch.Tensor, key: str, value: torch.Tensor) -> None:
    """Set one moment of one weight to `value` (whole), each process its share.

    The flat shares must have the moment already, as zeros.
    """
    from deepspeed.utils import safe_set_full_optimizer_state

    if not hasattr(parameter, "ds_id"):  # stage 2 links weights and moments after a step otherwise
        optimizer._lazy_init_hp_params_optimizer_state()
    safe_set_full_optimizer_state(parameter, value.to(parameter.device), key)


def whole_state(parameter: torch.Tensor, key: str) -> torch.Tensor:
    """One moment of one weight, gathered from the shares; all processes call this together."""
    from deepspeed.utils import safe_get_full_optimizer_state

    found = safe_get_full_optimizer_state(parameter, key)
    if found is None:
        raise RuntimeError(f"DeepSpeed has no {key} of a trained weight")
    result: torch.Tensor = found
    return result
