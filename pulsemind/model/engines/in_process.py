"""The embedded engine: transformers in the task's own process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pulsemind.model.engine import sample
from pulsemind.model.engines.base import Engine, Policy, Sampling
from pulsemind.model.load import load_adapter, load_base, load_processor
from pulsemind.records import Query, Rollout
from pulsemind.settings import CrpoSettings, EngineServer


class InProcess:
    """Loads the model for each policy and keeps nothing: the update needs the memory."""

    def __init__(self, base: Path, bf16: bool) -> None:
        self._base, self._bf16 = base, bf16

    def sample(
        self, policy: Policy, data: Path, queries: Sequence[Query], sampling: Sampling
    ) -> Iterator[Rollout]:
        """See `Engine`; on a CPU in fp32 equal arguments give equal rollouts, bit for bit."""
        processor = load_processor(self._base)
        model = load_adapter(load_base(self._base, self._bf16), policy.folder)
        return sample(
            model, processor, data, queries, policy=policy.digest, **sampling.model_dump()
        )


@contextmanager
def opened(base: Path, settings: CrpoSettings, where: EngineServer, work: Path) -> Iterator[Engine]:
    """The engine; it uses neither a server nor a folder."""
    yield InProcess(base, settings.bf16)
