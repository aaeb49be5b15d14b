"""What samples CRPO's candidates: one interface, one file an engine, and the table of their names.

A new engine is a file with a function like `in_process.opened` and a line in `ENGINES`
(docs/engines.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pulsemind.model.engines import in_process, vllm
from pulsemind.model.engines.base import Engine, EngineError, Policy, Sampling
from pulsemind.model.engines.in_process import InProcess
from pulsemind.settings import CrpoSettings, EngineServer, Services

__all__ = [
    "ENGINES",
    "Engine",
    "EngineError",
    "InProcess",
    "Policy",
    "Sampling",
    "opened",
    "sampling",
]

Opened = Callable[[Path, CrpoSettings, EngineServer, Path], AbstractContextManager[Engine]]
ENGINES: Mapping[str, Opened] = {"transformers": in_process.opened, "vllm": vllm.opened}
"""By `crpo.engine.kind`."""


@contextmanager
def opened(base: Path, settings: CrpoSettings, services: Services, work: Path) -> Iterator[Engine]:
    """The engine of `crpo.engine`. Nothing is loaded or started before it samples; at the end, an
    error's end too, whatever it started is ended.

    Args:
        base: the artifact of the base model.
        work: folder for what an engine leaves behind, as a server's log; made when needed.
    """
    with ENGINES[settings.engine.kind](base, settings, services.engine, work) as engine:
        yield engine


def sampling(settings: CrpoSettings, iteration: int) -> Sampling:
    """How an iteration (0, 1, ...) samples, by the settings."""
    return Sampling(
        candidates=settings.candidates,
        temperature=settings.temperature,
        max_new_tokens=settings.max_new_tokens,
        max_prompt_length=settings.max_prompt_length,
        batch=settings.generation_batch,
        seed=settings.seed + iteration,
    )
