"""How long is an iteration of CRPO? `python -m bench.crpo_loop [--quick] [--rounds N]`

One iteration (rollout, judge, update) of ours against TRL's GRPOTrainer with an asynchronous reward
function that asks the same judge the same number of requests through the same client: same tiny
model and adapter, queries, tokens, loss, optimiser step and threads. TRL samples the whole batch at
once and is given its cheapest way to train on it: one optimiser step, so that it computes no old
log-probabilities. Beside it the lower bound of any overlap: max(rollout alone, judging alone) +
update. What an iteration needs but is no work (loading, starting the process that asks the judge,
trainer, artifacts, Prefect's three tasks) has a column of its own. The judge is a server of this
machine, a process, that takes 300 ms.
Rounds alternate; the table has every round, the checks take the medians.

At the end the rollout is killed in the middle of judging and begun again: what it asks twice was in
flight. `--quick`: 8 queries, one round.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench.chat_judge import asked, serving
from bench.crpo_sides import (
    CANDIDATES,
    COUNTERPARTS,
    IN_FLIGHT,
    LATENCY,
    Case,
    Clock,
    alone,
    make_case,
    ours,
    rolled_out,
    trl,
)
from bench.table import check, report


def prefect_seconds() -> float:
    """What Prefect adds to an iteration: three cached tasks that do nothing, in a running flow."""
    from prefect import flow, task

    from tasks.stage import once

    seconds: list[float] = []

    @task
    def nothing(number: int) -> dict[str, str]:
        return {}

    @flow
    def iteration() -> None:
        for first in (0, 3):  # the first three warm up
            start = time.perf_counter()
            for number in range(first, first + 3):
                once(nothing, f"{os.getpid()}-{number}", number)
            seconds.append(time.perf_counter() - start)

    iteration()
    return seconds[-1]


def crash(case: Case, url: str, folder: Path) -> dict[str, float]:
    """Kill a rollout while the judge answers, run it again; how many requests both asked."""
    needed = len(case.queries) * CANDIDATES * COUNTERPARTS
    command = [sys.executable, "-m", "bench.crpo_loop", "--client", url, str(folder)]
    before = asked(url)
    for killed in (True, False):
        client = subprocess.Popen([*command, str(len(case.queries))], stderr=subprocess.DEVNULL)
        while killed and asked(url) - before < needed // 2 and client.poll() is None:
            time.sleep(0.02)
        if killed:
            client.kill()
        if client.wait() and not killed:
            raise RuntimeError("the second run failed")
    return {"requests": float(needed), "asked in two runs": float(asked(url) - before)}


def measure(
    queries: int, rounds: int, folder: Path, url: str
) -> tuple[list[Any], dict[str, float]]:
    """Every round's seconds, and what the crash cost."""
    case = make_case(folder, url, queries)
    found: list[dict[str, Any]] = []
    sides: dict[str, Callable[[Case, Path], dict[str, float]]] = {
        "ours": ours, "alone": alone, "trl": trl,
    }  # fmt: skip
    for number in range(rounds + 1):
        for name, side in sides.items():
            seconds = side(case, folder / f"cache-{number}-{name}")
            if number:  # the first round warms up
                found.append({"side": name, **seconds})
    return found, crash(case, url, folder)


def main() -> int:
    """Measure, print and write; 1 when a check does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="8 queries, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", nargs=3, metavar=("URL", "FOLDER", "QUERIES"))
    options = parser.parse_args()
    if options.client:
        url, folder, queries = options.client
        case = make_case(Path(folder), url, int(queries))
        rolled_out(case, Path(folder) / "cache-crash", Clock())
        return 0
    queries, rounds = (8, 1) if options.quick else (32, options.rounds)
    with tempfile.TemporaryDirectory() as name, serving(LATENCY) as url:
        os.environ["PREFECT_HOME"] = f"{name}/prefect"
        os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
        found, crashed = measure(queries, rounds, Path(name), url)
        prefect = prefect_seconds()
    return tell(found, crashed, prefect, queries)


def tell(found: list[Any], crashed: dict[str, float], prefect: float, queries: int) -> int:
    """The table and the checks."""

    def of(side: str, *names: str) -> float:
        return median(sum(f[n] for n in names) for f in found if f["side"] == side)

    work = of("ours", "rollout and judge", "verdicts", "update")
    bound = max(of("alone", "rollout"), of("alone", "judge")) + of("ours", "update")
    columns = ["rollout", "judge", "rollout and judge", "verdicts", "update", "all", "fixed"]
    rows = [
        {"side": f["side"]} | {c: f.get(c, float("nan")) for c in [*columns, "tokens"]}
        for f in found
    ]
    again = crashed["asked in two runs"] - crashed["requests"]
    checks = [
        check("work of an iteration, of TRL's", work / of("trl", "all"), 0.8, least=False),
        check("work of an iteration, of the bound", work / bound, 1.15, least=False),
        check("fixed cost, seconds", of("ours", "fixed") + prefect, 3.0, least=False),
        check("asked twice after a kill", again, IN_FLIGHT, least=False),
    ]
    note = (
        f"{queries} queries x {CANDIDATES} x {COUNTERPARTS} counterparts, {IN_FLIGHT} in flight at "
        f"{LATENCY} s; {torch.get_num_threads()} threads; seconds; Prefect {prefect:.2f} s; "
        f"medians of {sum(f['side'] == 'ours' for f in found)} rounds; bound {bound:.2f} s"
    )
    return report("crpo_loop", rows, checks, note)


if __name__ == "__main__":
    sys.exit(main())
