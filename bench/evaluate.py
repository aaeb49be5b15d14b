"""The judge's endpoint kept busy by an evaluation. `python -m bench.evaluate [--quick]`

1,237 consultations (237 led through turn by turn, 1,000 with their last turn) in two benchmarks,
the policy against six models and, apart, against one. Each pair is shown in both orders to a judge
that takes 300 ms an answer, 64 in flight, in a process of its own. Capacity = requests x latency /
in flight: the time that the endpoint alone would need; set against the time in which the evaluation
reads replies, pairs, judges and writes verdicts. Then a run that is killed (SIGKILL) half way and
started again: stored answers that are asked for again; and a third run, which asks nothing.
Requests that had no answer on the disk at the kill are asked again: those in flight, and those
whose answer had just come and gave its place to another.
`--quick`: a tenth of the consultations.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.chat_judge import asked, serving
from bench.table import check, report
from pulsemind import artifacts
from pulsemind.evaluation.comparing import compare_stream
from pulsemind.evaluation.consultation import Reply, pairs, questions
from pulsemind.evaluation.statistics import pairwise_results
from pulsemind.llm import Usage, open_cache
from pulsemind.records import Consultation, Provenance, Turn, Verdict
from pulsemind.settings import Endpoint, Judge, load

LATENCY, IN_FLIGHT = 0.3, 64
CASES = {"meddiagnose": ("replay", 237), "cmtmedqa": ("last_turn", 1000)}
TURNS = 4
"""Exchanges of a consultation."""
OPPONENTS = 6
"""As in the evaluation stage: the SFT model and five counterparts."""
GUARD = 600
"""Seconds after which a run that hangs is given up."""


def fill(folder: Path, share: float, opponents: int) -> None:
    """Consultations and all models' replies, as the evaluation stage leaves them."""
    for name, (protocol, count) in CASES.items():
        made = list(_cases(name, max(1, round(count * share))))
        artifacts.write_shards(folder / name / "cases", made)
        for model in ("policy", *(f"other-{n}" for n in range(opponents))):
            said = (
                Reply(query=query, text=f"{model} says {number} 多喝水，三天后复查。" * 8)
                for number, query in enumerate(questions(made, protocol))
            )
            artifacts.write_shards(folder / name / model, said)


def _cases(name: str, count: int) -> Iterator[Consultation]:
    for number in range(count):
        turns = [
            Turn(
                role="physician" if turn % 2 else "patient",
                text=f"{name} {number} {turn}：头疼三天，夜里加重，没有发烧，血压有点高。" * 3,
            )
            for turn in range(2 * TURNS)
        ]
        where = Provenance(source=name, licence="none", file="bench", index=number)
        yield Consultation(
            id=f"{name}-{number:06d}", language="zh", turns=tuple(turns), provenance=where
        )


def evaluate(folder: Path, url: str) -> dict[str, Any]:
    """What the evaluation stage does with replies: pair, judge, write, count; its figures."""
    os.environ["BENCH_KEY"] = "none"
    endpoint = Endpoint.model_validate({"base_url": url, "api_key_env": "BENCH_KEY"})
    section = load(profile="72b").stages.evaluate
    judge = Judge(
        kind="openai", model="m", endpoint="judge", orders="both",
        dimensions=list(section.judge.dimensions), retries=0, seed=1,
    )  # fmt: skip
    usage, start = Usage(), time.perf_counter()
    shown = (
        (name, pair)
        for name, (protocol, _) in CASES.items()
        for pair in pairs(
            questions(artifacts.read_shards(folder / name / "cases", Consultation), protocol),
            artifacts.read_shards(folder / name / "policy", Reply),
            {
                other.name: artifacts.read_shards(other, Reply)
                for other in sorted((folder / name).glob("other-*"))
            },
        )
    )
    found = compare_stream(
        shown, judge, {"judge": endpoint}, IN_FLIGHT, folder / "cache", None, usage
    )
    artifacts.write_shards(folder / "verdicts", (verdict for _, verdict in found))
    judged = time.perf_counter() - start
    verdicts = artifacts.read_shards(folder / "verdicts", Verdict)
    rows = pairwise_results({"all": verdicts}, "policy", section)
    return {
        "verdicts": sum(2 * (r.n + r.unjudged) for r in rows if r.aspect == "overall"),
        "seconds": time.perf_counter() - start,
        "judged": judged,
        "requests": usage.requests,
    }


def measure(share: float) -> dict[str, float]:
    """Against six models, against one, and a run of the latter that is killed and goes on."""
    with tempfile.TemporaryDirectory() as name, serving(LATENCY) as url:
        figures: dict[str, float] = {
            "consultations": sum(max(1, round(n * share)) for _, n in CASES.values())
        }
        for opponents in (OPPONENTS, 1):
            folder = Path(name) / str(opponents)
            fill(folder, share, opponents)
            found = _run(folder, url)
            capacity = found["verdicts"] * LATENCY / IN_FLIGHT
            figures |= {
                f"requests_{opponents}": found["verdicts"],
                f"capacity_seconds_{opponents}": capacity,
                f"judging_seconds_{opponents}": found["judged"],
                f"counting_seconds_{opponents}": found["seconds"] - found["judged"],
                f"share_of_capacity_{opponents}": capacity / found["judged"],
            }
        fill(Path(name) / "killed", share, 1)
        return figures | _killed(Path(name) / "killed", url, round(figures["requests_1"]))


def _killed(folder: Path, url: str, total: int) -> dict[str, float]:
    """A run that is killed when half is asked, the run after it, and one more."""
    before = asked(url)
    process = _start(folder, url)
    until = time.monotonic() + GUARD
    while asked(url) - before < total / 2:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the run ended before it could be killed")
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(2 * LATENCY)  # what was in flight ends
    with open_cache(folder / "cache") as store:
        stored = sum(str(key).startswith("reply:") for key in store)
    first = asked(url) - before
    second = _run(folder, url)
    after = asked(url) - before - first
    third = _run(folder, url)
    again = asked(url) - before - first - after
    return {
        "asked_before_the_kill": first,
        "stored_at_the_kill": stored,
        "asked_after_the_kill": after,
        "stored_asked_again": stored + after - total,
        "unanswered_asked_again": first + after - total,
        "asked_by_a_third_run": again,
        "verdicts_lost": 2 * total - second["verdicts"] - third["verdicts"],
    }


def _start(folder: Path, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.evaluate", "--client", url, str(folder)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def _run(folder: Path, url: str) -> dict[str, float]:
    """One evaluation in a process of its own; its figures, the start of Python left out."""
    process = _start(folder, url)
    if process.wait(timeout=GUARD):
        raise RuntimeError(f"the evaluation ended with status {process.returncode}")
    return dict(json.loads((folder / "result.json").read_text(encoding="utf-8")))


def main() -> int:
    """Measure, print and write; returns 1 when a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the consultations")
    parser.add_argument("--client", nargs=2, metavar=("URL", "FOLDER"))
    arguments = parser.parse_args()
    if arguments.client:
        url, folder = arguments.client[0], Path(arguments.client[1])
        artifacts.write_json(folder / "result.json", evaluate(folder, url))
        return 0
    row: dict[str, float] = measure(0.1 if arguments.quick else 1.0)
    checks = [
        check(
            "share of the endpoint's capacity",
            row[f"share_of_capacity_{OPPONENTS}"],
            0.95,
            least=True,
        ),
        check("stored answers asked again", row["stored_asked_again"], 0, least=False),
        check(
            "without an answer on the disk at the kill, asked again",
            row["unanswered_asked_again"],
            2 * IN_FLIGHT,
            least=False,
        ),
        check("asked by a third run", row["asked_by_a_third_run"], 0, least=False),
        check("verdicts lost", row["verdicts_lost"], 0, least=False),
    ]
    rows = [{"figure": name, "value": value} for name, value in row.items()]
    return report("evaluate", rows, checks)


if __name__ == "__main__":
    sys.exit(main())
