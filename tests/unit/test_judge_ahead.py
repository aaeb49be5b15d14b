"""Judging while something else makes what is to be judged: nothing lost, nothing piled up."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from pulsemind.crpo.loop import judge, judging_ahead
from pulsemind.judge import Pair, Sample, ahead, compare, judging, score
from pulsemind.judge.ahead import COMMAND, Job
from pulsemind.llm import (
    LlmError,
    Message,
    Reply,
    Request,
    Usage,
    answering,
    complete_all,
    open_cache,
)
from pulsemind.records import DIMENSIONS, Answer, Query, Rollout, Turn
from pulsemind.settings import CrpoSettings, Endpoint
from tests.unit.chat_server import ChatServer, serving
from tests.unit.crpo_job import SETTINGS
from tests.unit.test_judge import EN, ZH, better, pair, preference
from tests.unit.test_judge import judge as judge_settings

GUARD = 120.0
"""Seconds after which a test that hangs is told to fail."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("TEST_KEY", "k")
    with serving(better) as running:
        yield running


def places(server: ChatServer, **limits: Any) -> dict[str, Endpoint]:
    values = {"base_url": server.url, "api_key_env": "TEST_KEY", "cool_down": 0.2}
    return {"judge": Endpoint.model_validate({**values, **limits})}


def pairs(count: int) -> list[Pair]:
    return [pair(EN if i % 2 else ZH, f"GOOD {i}", "bad", i) for i in range(count)]


@pytest.mark.parametrize("orders", ["both", "random"])
def test_what_was_judged_ahead_is_found(server: ChatServer, tmp_path: Path, orders: str) -> None:
    settings, wanted = judge_settings("openai", orders), pairs(6)
    wanted.append(wanted[0].model_copy(update={"candidate": 9}))  # the same text again
    with judging(settings, places(server), 2, tmp_path) as hand_over:
        for one in wanted:
            hand_over(one)
    asked = len(server.bodies)
    assert asked == (12 if orders == "both" else 6)
    found = compare(wanted, settings, places(server), 2, tmp_path)
    assert len(server.bodies) == asked
    with serving(better) as other:
        alone = compare(wanted, settings, places(other), 2, tmp_path / "other")
    assert found == alone


def test_scores_are_asked_ahead_too(server: ChatServer, tmp_path: Path) -> None:
    server.answer = lambda body: preference("A").replace('"A"', "4").replace("overall", "x")
    settings = judge_settings("openai")
    samples = [Sample(query=EN, candidate=i, text=f"reply {i}") for i in range(3)]
    with judging(settings, places(server), 2, tmp_path) as hand_over:
        for sample in samples:
            hand_over(sample)
    asked = len(server.bodies)
    assert asked == 6  # the answer has a field too many: each is asked for once more
    assert [s.scores for s in score(samples, settings, places(server), 2, tmp_path)] == [None] * 3
    assert len(server.bodies) == asked


def test_the_offline_judge_does_nothing_ahead(tmp_path: Path) -> None:
    with judging(judge_settings("offline"), {}, 2, tmp_path / "cache") as hand_over:
        hand_over(pairs(1)[0])
    assert not (tmp_path / "cache").exists()


def request(text: str) -> Request:
    message = Message(role="user", text=text)
    return Request(
        endpoint="judge", model="m", messages=(message,), temperature=0.0, max_tokens=9, seed=1
    )


def test_replies_belong_to_their_requests(server: ChatServer, tmp_path: Path) -> None:
    server.answer = lambda body: "echo " + body["messages"][0]["content"]
    server.delay = lambda body: 0.2 if body["messages"][0]["content"] == "0" else 0.0
    with answering(places(server), 4, tmp_path) as ask:
        futures = [ask(request(str(i))) for i in range(20)]
    assert [f.result().text for f in futures] == [f"echo {i}" for i in range(20)]


def test_requests_do_not_pile_up(server: ChatServer, tmp_path: Path) -> None:
    """Whoever hands over waits while the judge has four times its places waiting."""
    go, handed = threading.Event(), []
    full = threading.Event()

    def answer(body: Any) -> str:
        go.wait(GUARD)
        return "x"

    def make() -> None:
        with answering(places(server), 1, tmp_path) as ask:
            for i in range(30):
                if i == 4:
                    full.set()
                ask(request(str(i)))
                handed.append(i)

    server.answer = answer
    maker = threading.Thread(target=make)
    maker.start()
    assert full.wait(GUARD)
    assert len(handed) <= 4  # the fifth is not taken before the first is answered
    go.set()
    maker.join(GUARD)
    assert len(handed) == 30
    assert len(server.bodies) == 30


def test_when_the_maker_fails_answers_are_kept_and_the_rest_is_dropped(
    server: ChatServer, tmp_path: Path
) -> None:
    go = threading.Event()

    def answer(body: Any) -> str:
        if body["messages"][0]["content"] != "first":
            go.wait(GUARD)
        return "x"

    waiting: list[Future[Reply]] = []

    def make() -> None:
        with answering(places(server), 2, tmp_path) as ask:
            assert ask(request("first")).result(GUARD).text == "x"
            waiting.extend(ask(request(str(i))) for i in range(4))
            raise RuntimeError("sampling")

    server.answer = answer
    with pytest.raises(RuntimeError, match="sampling"):
        make()
    assert len(waiting) == 4
    assert all(future.cancelled() for future in waiting)
    go.set()
    assert complete_all([request("first")], places(server), 1, tmp_path)[0].text == "x"
    assert [b["messages"][0]["content"] for b in server.bodies].count("first") == 1


def test_an_error_of_the_judge_is_told_at_the_end(server: ChatServer, tmp_path: Path) -> None:
    server.statuses = [401] * 50
    with (
        pytest.raises(LlmError, match="401"),
        judging(judge_settings("openai"), places(server), 1, tmp_path) as hand_over,
    ):
        hand_over(pairs(1)[0])


def test_a_failure_of_the_maker_stops_the_judge(server: ChatServer, tmp_path: Path) -> None:
    """What is handed over and not answered is dropped, however much it is."""
    go, heard = threading.Event(), threading.Event()

    def answer(body: Any) -> str:
        heard.set()
        go.wait(GUARD)
        return better(body)

    server.answer = answer

    def make() -> None:
        with judging(judge_settings("openai"), places(server), 1, tmp_path) as hand_over:
            for one in pairs(3):
                hand_over(one)
            assert heard.wait(GUARD)
            raise RuntimeError("sampling")

    with pytest.raises(RuntimeError, match="sampling"):
        make()
    assert len(server.bodies) == 1
    go.set()


def test_when_the_maker_is_killed_the_judge_ends_and_keeps_what_it_has(
    server: ChatServer, tmp_path: Path
) -> None:
    """Nobody reads the pipe any more: also when all has been handed over."""
    go = threading.Event()

    def answer(body: Any) -> str:
        if len(server.bodies) > 2:
            go.wait(GUARD)
        return better(body)

    server.answer = answer
    job = Job(
        settings=judge_settings("openai"), endpoints=places(server), concurrency=1,
        cache=tmp_path, images=None,
    )  # fmt: skip
    few = pairs(3)
    lines = [job.model_dump_json(), *(one.model_dump_json() for one in few), ""]
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(("\n".join(lines) + "\n").encode())
    process.stdin.flush()
    until = time.monotonic() + GUARD
    while stored(tmp_path) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    process.stdout.close()
    assert process.wait(GUARD) == 0
    process.stdin.close()
    go.set()
    asked = len(server.bodies)
    compare(few[:1], judge_settings("openai"), places(server), 1, tmp_path)
    assert len(server.bodies) == asked  # kept


def hand_over_many(server: ChatServer, folder: Path, usage: Usage, **limits: Any) -> int:
    """Hand over more than queue and pipe hold; how much was taken."""
    taken = 0
    settings = judge_settings("openai")
    with judging(settings, places(server, **limits), 2, folder, usage=usage) as hand_over:
        for number in range(400):
            hand_over(pair(EN, f"GOOD {number} " + "word " * 400, "bad", number))
            taken += 1
    return taken


def test_a_judge_that_fails_holds_up_nobody(server: ChatServer, tmp_path: Path) -> None:
    usage = Usage(requests=5)
    budget = {"requests": 20, "tokens": None, "money": None}
    with pytest.raises(LlmError, match=r"budget\.requests is 20"):
        hand_over_many(server, tmp_path, usage, budget=budget)
    assert usage.requests == 25


def test_what_the_judge_says_last_may_be_long(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than a pipe holds, while much is still to be sent."""
    program = (
        "import os, sys; from pulsemind.judge.ahead import Ended; from pulsemind.llm import Usage;"
        "sys.stdin.buffer.readline(); os.close(0);"
        "print(Ended(usage=Usage(seconds=[0.123456789] * 20_000), error='x').model_dump_json())"
    )
    monkeypatch.setattr(ahead, "COMMAND", [sys.executable, "-c", program])
    usage = Usage()
    with pytest.raises(LlmError, match=r"^x$"):
        hand_over_many(server, tmp_path, usage)
    assert len(usage.seconds) == 20_000
    monkeypatch.setattr(ahead, "COMMAND", [sys.executable, "-c", "print('no such line')"])
    with pytest.raises(LlmError, match="ended with status 0"):
        hand_over_many(server, tmp_path, usage)


def stored(folder: Path) -> int:
    with open_cache(folder) as store:
        return sum(key.startswith("reply:") for key in store)


def test_an_unforeseen_failure_quotes_nobody(
    server: ChatServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    unfit = pairs(1)[0].model_copy(update={"candidate": "a patient's words"})
    with (
        pytest.raises(LlmError) as caught,
        judging(judge_settings("openai"), places(server), 1, tmp_path, tmp_path) as hand_over,
        warnings.catch_warnings(action="ignore"),
    ):
        hand_over(unfit)
    assert str(caught.value) == "the judge's process failed with ValidationError"
    assert "words" not in capfd.readouterr().err


# The rollout's side.


def iteration(count: int) -> tuple[CrpoSettings, list[Query], list[Rollout], list[Answer]]:
    settings = SETTINGS.model_copy(update={"judge": judge_settings("openai")})
    turns = (Turn(role="patient", text="It hurts."),)
    queries = [
        Query(id=f"q{i}", language="en", turns=turns, reference=f"r{i}") for i in range(count)
    ]
    rollouts = [
        Rollout(
            query_id=query.id, candidate=g, prompt_ids=(1,), token_ids=(2,), logprobs=(0.0,),
            text=f"GOOD {query.id} {g}", finish_reason="stop", policy="p",
        )
        for query in queries
        for g in range(2)
    ]  # fmt: skip
    answers = [Answer(query_id=q.id, model="other", text="bad") for q in queries]
    return settings, queries, rollouts, answers


def test_the_judge_answers_while_candidates_are_sampled(server: ChatServer, tmp_path: Path) -> None:
    settings, queries, rollouts, answers = iteration(3)
    heard = threading.Semaphore(0)

    def answer(body: Any) -> str:
        heard.release()
        return better(body)

    def sampling() -> Iterator[Rollout]:
        yield rollouts[0]
        yield rollouts[1]  # its verdict is asked for before the third is sampled
        assert heard.acquire(timeout=GUARD)
        yield from rollouts[2:]

    server.answer = answer
    arguments = (settings, queries)
    rest = (answers, places(server), 2, tmp_path, tmp_path)
    asked, usage, errors = Usage(), Usage(), []
    with judging_ahead(*arguments, *rest, asked, errors.append) as passing:
        assert list(passing(sampling())) == rollouts
    assert not errors
    assert len(server.bodies) == 12
    verdicts = judge(*arguments, rollouts, *rest, usage)
    assert len(server.bodies) == 12
    assert [v.candidate for v in verdicts] == [0, 0, 1, 1] * 3
    assert all(v.outcomes == dict.fromkeys(DIMENSIONS, "win") for v in verdicts)
    usage.asked_before(Usage.model_validate_json(asked.model_dump_json()))
    assert (usage.requests, usage.cached, len(usage.seconds)) == (12, 0, 12)


def test_a_judge_that_fails_does_not_stop_the_sampling(server: ChatServer, tmp_path: Path) -> None:
    settings, queries, rollouts, answers = iteration(4)
    server.statuses = [401] * 1000
    rest = (answers, places(server), 1, tmp_path, tmp_path)
    errors: list[LlmError] = []
    with judging_ahead(settings, queries, *rest, Usage(), errors.append) as passing:
        assert list(passing(rollouts)) == rollouts
    assert len(errors) == 1
    server.statuses = []
    assert len(judge(settings, queries, rollouts, *rest)) == 16


def test_a_missing_counterpart_is_told_before_anything_is_sampled(
    server: ChatServer, tmp_path: Path
) -> None:
    settings, queries, _, answers = iteration(2)
    with (
        pytest.raises(ValueError, match="other has no answer to query q1"),
        judging_ahead(
            settings, queries, answers[:1], places(server), 1, tmp_path, tmp_path, Usage(), print
        ),
    ):
        raise AssertionError("not reached")
