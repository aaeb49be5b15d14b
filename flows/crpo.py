"""CRPO: iterations of rollout -> judge -> update, each a cached task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import flow

from pulsemind import settings
from pulsemind.artifacts import digest
from tasks import crpo as work
from tasks.stage import Produced, Stage, once, soon, stage


@flow(name="crpo")
def crpo() -> None:
    """Go on where the last run stopped; every phase that is done and intact is reused."""
    section = settings.load().stages.crpo
    sampling: Callable[[], Produced] | None = None
    with stage("crpo") as this, work.engine() as engine, work.beside() as runner:

        def rollout(i: int) -> tuple[Any, ...]:
            key = _key(this, "rollout", i, digest(work.sampler(i, section.staleness)))
            return work.roll_out, key, i, key, engine

        for i in range(section.iterations):
            if sampling is None:
                once(*rollout(i))
            else:
                sampling()
            rollouts = digest(work.phase(i, "rollouts"))
            once(work.judge, _key(this, "judge", i, rollouts), i, this.signature)
            # One update behind, the next rollout needs nothing that this update leaves.
            ahead = section.staleness and i + 1 < section.iterations
            sampling = soon(runner, *rollout(i + 1)) if ahead else None
            inputs = digest(work.policy(i)), rollouts, digest(work.phase(i, "verdicts"))
            once(work.update_policy, _key(this, "update", i, *inputs), i, this.signature)
        once(work.finish, this.signature, section.iterations, this.signature)


def _key(this: Stage, name: str, i: int, *inputs: str) -> str:
    """A phase depends on the code, the settings and what the phases before it left."""
    data = [digest(work.BASE), digest(work.SFT), *this.inputs("data/")]
    return this.key(name, i, *data, *inputs, ignore=("iterations", "alarm"))


if __name__ == "__main__":
    crpo()
