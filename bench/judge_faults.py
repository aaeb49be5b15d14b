"""The judge against a bad server, killed twice. `python -m bench.judge_faults [--quick]`

A local HTTP server takes 300 ms an answer and fails one attempt in five: 429 with Retry-After, 500,
silence, cut JSON, a cut answer, a wrong schema, a refusal. A process judges pairs in both orders;
when a third and two thirds are answered it is killed with SIGKILL and started again. Measured at
the server: verdicts lost, answers asked again although stored, answers paid twice because they were
in flight at a kill, requests in flight over time (to the last second, in which the last ones that
failed wait to be asked again; and while as many are left as there are places). Then, without
faults, the requests of a candidate against those of a judge that asks for one dimension at a time.
`--quick`: 200 pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.table import check, report
from pulsemind.artifacts import json_digest, write_json
from pulsemind.judge import Pair, compare
from pulsemind.llm import Usage, open_cache, reply_key
from pulsemind.records import DIMENSIONS, Dimension, Query, Turn, Verdict
from pulsemind.settings import Endpoint, Judge

LIMIT = 16
"""Requests in flight."""
LATENCY, TIMEOUT, FAULTS = 0.3, 1.0, 0.2
KINDS = ("429", "500", "silence", "cut_json", "cut_answer", "wrong_schema", "refusal")
RETRIES = 5
PAID = {"cut_answer", "wrong_schema", "refusal", "good"}
"""What a provider would bill."""


@dataclass
class BadJudge:
    """The server's state: what it was asked and what it answered, by request."""

    faults: float
    url: str = ""
    attempts: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    """By kind."""
    open: int = 0
    changes: list[tuple[float, int]] = field(default_factory=list)
    """When the number of open requests changed, and to what."""
    good: list[float] = field(default_factory=list)
    """When a good answer was given: one a verdict, at the end."""

    def enter(self, by: int) -> None:
        """One more request, or one less."""
        self.open += by
        self.changes.append((time.monotonic(), self.open))

    async def complete(self, request: Request) -> Response:
        """The chat endpoint."""
        try:
            body = await request.json()
        except ClientDisconnect:  # killed while it asked
            return Response()
        key = reply_key("judge", body)
        self.attempts[key] += 1
        kind = self._kind(key)
        self.enter(+1)
        try:
            await asyncio.sleep(TIMEOUT if kind == "silence" else LATENCY)
        finally:
            self.enter(-1)
        if kind == "silence":  # the client has gone by now
            await asyncio.sleep(1)
        self.answers[kind] += 1
        if kind == "good":
            self.good.append(time.monotonic())
        if kind in PAID:
            self.paid[key] += 1
        return respond(kind, body)

    def _kind(self, key: str) -> str:
        """Drawn by request and attempt, the same in every run of the bench."""
        drawn = int(json_digest([key, self.attempts[key]]), 16) % 1_000_000 / 1_000_000
        return KINDS[int(drawn / self.faults * len(KINDS))] if drawn < self.faults else "good"


def respond(kind: str, body: dict[str, Any]) -> Response:
    """The answer of a kind; a good one prefers the reply that says `better`."""
    if kind in {"429", "500"}:
        headers = {"Retry-After": "1"} if kind == "429" else {}
        return JSONResponse({"error": {"message": "no"}}, int(kind), headers)
    shown = body["messages"][1]["content"]
    first = "A" if shown.index("better") < shown.index("<<<REPLY B") else "B"
    schema = body["response_format"]["json_schema"]["schema"]
    verdict = json.dumps({"reason": "r"} | dict.fromkeys(schema["required"][1:], first))
    texts = {"cut_answer": verdict[:30], "wrong_schema": '{"verdict": "A"}', "refusal": None}
    message = {"role": "assistant", "content": texts.get(kind, verdict)}
    if kind == "refusal":
        message["refusal"] = "no"
    finish = "length" if kind == "cut_answer" else "stop"
    choice = {"index": 0, "finish_reason": finish, "message": message}
    used = {"prompt_tokens": 500, "completion_tokens": 60, "total_tokens": 560}
    whole = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "usage": used}
    text = json.dumps({**whole, "choices": [choice]})
    return Response(text[:60] if kind == "cut_json" else text, media_type="application/json")


@contextmanager
def serving(faults: float) -> Iterator[BadJudge]:
    """Run the server on a free port of this machine, in a thread."""
    judge = BadJudge(faults)
    app = Starlette(routes=[Route("/v1/chat/completions", judge.complete, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    judge.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    try:
        yield judge
    finally:
        server.should_exit = True
        thread.join()


def judged(url: str, folder: Path, pairs: list[Pair], *dimensions: Dimension) -> dict[str, Any]:
    """Judge the pairs, all answers kept in a folder; verdicts and figures."""
    os.environ["BENCH_KEY"] = "none"
    endpoint = Endpoint.model_validate(
        {"base_url": url, "api_key_env": "BENCH_KEY", "timeout": TIMEOUT, "attempts": 12}
    )
    settings = Judge(
        kind="openai", model="m", endpoint="judge", orders="both",
        dimensions=list(dimensions), retries=RETRIES, seed=1,
    )  # fmt: skip
    usage = Usage()
    verdicts = compare(pairs, settings, {"judge": endpoint}, LIMIT, folder, usage=usage)
    return {"verdicts": [v.model_dump() for v in verdicts], "figures": usage.metrics()}


def make_pairs(queries: int, candidates: int, counterparts: int) -> list[Pair]:
    """Pairs of which every second candidate is the better one."""
    return [
        Pair(
            query=Query(
                id=f"q{q}",
                language="en",
                turns=(Turn(role="patient", text=f"Complaint {q}."),),
                reference=f"Advice {q}.",
            ),
            candidate=g,
            text=f"candidate {g}, {'better' if g % 2 else 'worse'}",
            counterpart=f"c{c}",
            counterpart_text=f"counterpart {c}, {'worse' if g % 2 else 'better'}",
        )
        for q in range(queries)
        for g in range(candidates)
        for c in range(counterparts)
    ]


def measure(queries: int) -> dict[str, Any]:
    """40 pairs a query, judged by a process that is killed twice; what came of it."""
    with tempfile.TemporaryDirectory() as name, serving(FAULTS) as judge:
        folder = Path(name)
        total = 2 * len(make_pairs(queries, 8, 5))
        kills = [total // 3, 2 * total // 3]
        stored: set[str] = set()
        spans: list[Shares] = []
        fed: list[Shares] = []
        asked_again = in_flight = 0
        for kill in [*kills, None]:
            before, since = Counter(judge.attempts), len(judge.changes)
            client = _client(judge.url, folder, queries)
            while client.poll() is None and (kill is None or judge.answers["good"] < kill):
                time.sleep(0.05)
            if kill is not None:
                client.kill()
                in_flight += judge.open
            status = client.wait()
            if (status == 0) != (kill is None):
                raise RuntimeError(f"the client ended with status {status}")
            changes = judge.changes[since:]
            spans.append(_shares(changes, changes[-1][0] - (0.0 if kill else 1.0)))
            fed.append(_shares(changes, changes[-1][0] if kill else judge.good[-LIMIT]))
            asked_again += sum((judge.attempts - before)[key] for key in stored)
            stored = _stored(folder / "cache")
            time.sleep(TIMEOUT + 1)  # what was open at the kill ends
        result = json.loads((folder / "result.json").read_text())
    wrong = sum(not _right(Verdict.model_validate(v)) for v in result["verdicts"])
    return {
        "pairs": total // 2,
        "verdicts_lost": total - len(result["verdicts"]) + wrong,
        "faults": 1 - judge.answers["good"] / judge.answers.total(),
        "requests_paid": judge.paid.total(),
        "stored_asked_again": asked_again,
        "paid_again_in_flight_at_a_kill": (judge.paid - Counter(list(judge.paid))).total(),
        "in_flight_at_the_kills": in_flight,
        "in_flight_to_the_last_second": _mean(spans, 1),
        "in_flight_while_enough_are_left": _mean(fed, 1),
        "time_at_the_limit_while_enough_are_left": _mean(fed, 2),
        **{k: v for k, v in result["figures"].items() if k.startswith("seconds.")},
    }


def requests_a_candidate() -> dict[str, Any]:
    """Requests of a judge that asks for all dimensions at once, and of one asked one by one."""
    pairs = make_pairs(1, 8, 5)
    counts = []
    for asked in ([DIMENSIONS], [(dimension,) for dimension in DIMENSIONS]):
        with tempfile.TemporaryDirectory() as folder, serving(0.0) as judge:
            for dimensions in asked:
                judged(judge.url, Path(folder), pairs, *dimensions)
            counts.append(judge.attempts.total() / 8)
    return {"ours": counts[0], "one_by_one": counts[1], "ratio": counts[0] / counts[1]}


def _client(url: str, folder: Path, queries: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.judge_faults", "--client", url, str(folder)]
    return subprocess.Popen([*command, str(queries)], stderr=subprocess.DEVNULL)


def _stored(cache: Path) -> set[str]:
    with open_cache(cache) as store:
        return set(store)


Shares = tuple[float, float, float]


def _shares(changes: list[tuple[float, int]], end: float) -> Shares:
    """Of a run from its first request to `end`: the seconds, the mean of the open requests by the
    limit, and the share of time with at least 95 % of the limit open."""
    length = mean = full = 0.0
    for (start, count), (stop, _) in pairwise(changes):
        lasted = max(0.0, min(stop, end) - start)
        length += lasted
        mean += lasted * count / LIMIT
        full += lasted * (count >= 0.95 * LIMIT)
    return length, mean / length, full / length


def _mean(spans: list[Shares], column: int) -> float:
    return sum(span[0] * span[column] for span in spans) / sum(span[0] for span in spans)


def _right(verdict: Verdict) -> bool:
    expected = "win" if verdict.candidate % 2 else "loss"
    return verdict.outcomes == dict.fromkeys(DIMENSIONS, expected)


def main() -> int:
    """Measure, print and write; returns 1 when a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 pairs")
    parser.add_argument("--client", nargs=3, metavar=("URL", "FOLDER", "QUERIES"))
    arguments = parser.parse_args()
    if arguments.client:
        url, folder, queries = arguments.client
        pairs = make_pairs(int(queries), 8, 5)
        found = judged(url, Path(folder) / "cache", pairs, *DIMENSIONS)
        write_json(Path(folder) / "result.json", found)
        return 0
    row, needed = measure(5 if arguments.quick else 50), requests_a_candidate()
    rows = [{"figure": name, "value": value} for name, value in {**row, **needed}.items()]
    twice = row["paid_again_in_flight_at_a_kill"]
    checks = [
        check("verdicts lost", row["verdicts_lost"], 0, least=False),
        check("stored answers asked again", row["stored_asked_again"], 0, least=False),
        check("paid again, in flight at a kill", twice, 2 * LIMIT, least=False),
        check(
            "in flight to the last second, of the limit",
            row["in_flight_to_the_last_second"],
            0.95,
            least=True,
        ),
        check(
            "in flight while as many are left as the limit",
            row["in_flight_while_enough_are_left"],
            0.95,
            least=True,
        ),
        check("requests a candidate, of one by one", needed["ratio"], 0.25, least=False),
    ]
    return report("judge_faults", rows, checks)


if __name__ == "__main__":
    sys.exit(main())
