"""CRPO: iterations of rollout -> judge -> update, each a cached task."""

from __future__ import annotations

from prefect import flow

from pulsemind import settings
from pulsemind.artifacts import digest
from tasks import crpo as work
from tasks.stage import once, stage


@flow(name="crpo")
def crpo() -> None:
    """Go on where the last run stopped; every phase that is done and intact is reused."""
    iterations = settings.load().stages.crpo.iterations
    with stage("crpo") as this, work.engine() as engine:
        for i in range(iterations):
            # A phase depends on the code, the settings and what the phase before it left.
            policy = digest(work.policy(i))
            data = [digest(work.BASE), digest(work.SFT), *this.inputs("data/")]

            def key(name: str, *inputs: str, i: int = i, data: list[str] = data) -> str:
                return this.key(name, i, *data, *inputs, ignore=("iterations", "alarm"))

            once(work.roll_out, key("rollout", policy), i, engine)
            rollouts = digest(work.phase(i, "rollouts"))
            once(work.judge, key("judge", rollouts), i, this.signature)
            verdicts = digest(work.phase(i, "verdicts"))
            once(work.update_policy, key("update", policy, rollouts, verdicts), i, this.signature)
        once(work.finish, this.signature, iterations, this.signature)


if __name__ == "__main__":
    crpo()
