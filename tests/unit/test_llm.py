"""The chat door against a real local HTTP server that speaks the OpenAI chat API."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from pydantic import ValidationError

from pulsemind import llm
from pulsemind.llm import BudgetExceeded, LlmError, Message, Reply, Request, Usage
from pulsemind.settings import Endpoint
from tests.unit.chat_server import Body, ChatServer, serving

SECRET = "key-that-must-not-show"
PROMPT = "words-of-a-patient"
GUARD = 120.0
"""Seconds after which a test that hangs fails."""


def request(text: str = PROMPT, **changes: object) -> Request:
    values: dict[str, object] = {
        "endpoint": "judge",
        "model": "m",
        "messages": (Message(role="user", text=text),),
        "temperature": 0.0,
        "max_tokens": 20,
        "seed": 1,
    }
    return Request.model_validate(values | changes)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TEST_KEY", SECRET)
    with serving(lambda body: "echo " + str(body["messages"][-1]["content"])) as running:
        yield running


def endpoints(server: ChatServer, **limits: Any) -> dict[str, Endpoint]:
    values = {"base_url": server.url, "api_key_env": "TEST_KEY", "cool_down": 0.2}
    return {"judge": Endpoint.model_validate({**values, **limits})}


def complete_all(requests: Iterable[Request], *arguments: Any, **more: Any) -> list[str | None]:
    """The texts of `pulsemind.llm.complete_all`."""
    return [reply.text for reply in llm.complete_all(requests, *arguments, **more)]


def test_answers_come_in_the_order_of_the_requests(server: ChatServer, tmp_path: Path) -> None:
    # The first request is answered last.
    server.delay = lambda body: 0.2 if body["messages"][-1]["content"] == "0" else 0.0
    found = complete_all((request(str(i)) for i in range(8)), endpoints(server), 4, tmp_path)
    assert found == [f"echo {i}" for i in range(8)]
    assert server.most_at_once <= 4


def test_nothing_is_asked_twice(server: ChatServer, tmp_path: Path) -> None:
    first = complete_all([request("a"), request("b")], endpoints(server), 2, tmp_path)
    again = complete_all([request("b"), request("a")], endpoints(server), 2, tmp_path)
    assert again == first[::-1]
    assert len(server.bodies) == 2
    complete_all([request("a", seed=2)], endpoints(server), 2, tmp_path)
    assert len(server.bodies) == 3


def test_equal_requests_at_the_same_time_are_asked_once(server: ChatServer, tmp_path: Path) -> None:
    server.delay = lambda body: 0.1
    found = complete_all([request("a")] * 5 + [request("b")], endpoints(server), 6, tmp_path)
    assert found == ["echo a"] * 5 + ["echo b"]
    assert len(server.bodies) == 2


def test_a_run_that_dies_keeps_what_was_answered(server: ChatServer, tmp_path: Path) -> None:
    def cut_short():
        yield request("a")
        with llm.open_cache(tmp_path) as store:
            until = time.monotonic() + GUARD
            while not any(key.startswith("reply:") for key in store):
                assert time.monotonic() < until
                time.sleep(0.01)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        complete_all(cut_short(), endpoints(server), 1, tmp_path)
    assert complete_all([request("a")], endpoints(server), 1, tmp_path) == ["echo a"]
    assert len(server.bodies) == 1


def test_replies_come_while_requests_are_still_made(server: ChatServer, tmp_path: Path) -> None:
    made = []

    def requests():
        for number in range(100):
            made.append(number)
            yield request(str(number))

    replies = llm.complete_each(requests(), endpoints(server), 2, tmp_path)
    assert next(replies).text == "echo 0"
    assert len(made) < 100
    replies.close()  # what is not answered is dropped
    assert len(server.bodies) < 100


def test_a_reply_that_takes_long_holds_few_others(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later replies are kept behind it up to a limit; then no more requests are pulled."""
    monkeypatch.setattr(llm, "AHEAD", 10)
    go, made = Event(), []

    def requests():
        for number in range(40):
            made.append(number)
            yield request(str(number))

    def answer(body: Body) -> str:
        text = str(body["messages"][-1]["content"])
        if text == "0":
            go.wait(GUARD)
        return text

    server.answer = answer
    replies = llm.complete_each(requests(), endpoints(server), 4, tmp_path)
    with ThreadPoolExecutor(1) as reader:
        first = reader.submit(next, replies)
        until = time.monotonic() + GUARD
        while len(made) < 11 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.5)  # in which all others could be pulled and answered
        assert len(made) == 11  # the reader waits for the first reply
        go.set()
        assert first.result(GUARD).text == "0"
        assert [reply.text for reply in replies] == [str(n) for n in range(1, 40)]


def test_a_limit_is_waited_out(server: ChatServer, tmp_path: Path) -> None:
    server.statuses = [429, 503]
    assert complete_all([request("a")], endpoints(server), 1, tmp_path) == ["echo a"]
    assert len(server.bodies) == 3


def test_a_request_the_server_does_not_take_has_no_answer(
    server: ChatServer, tmp_path: Path
) -> None:
    server.statuses, usage = [400], Usage()
    both = [request("a"), request("b")]
    assert complete_all(both, endpoints(server), 1, tmp_path, usage=usage) == [None, "echo b"]
    assert usage.errors == {"rejected": 1}
    # It is not kept: what was wrong may have been put right.
    assert complete_all(both, endpoints(server), 1, tmp_path) == ["echo a", "echo b"]
    assert len(server.bodies) == 3


def test_when_the_first_requests_are_all_rejected_the_run_stops(
    server: ChatServer, tmp_path: Path
) -> None:
    server.statuses = [400] * 50
    requests = (request(str(i)) for i in range(50))
    with pytest.raises(LlmError, match="first 3 requests were all rejected"):
        complete_all(requests, endpoints(server, failures=3), 1, tmp_path)
    assert len(server.bodies) < 50


@pytest.mark.parametrize("status", [401, 404])
def test_an_unusable_endpoint_stops_the_run_without_quoting(
    server: ChatServer, tmp_path: Path, status: int
) -> None:
    server.statuses = [status]
    with pytest.raises(LlmError, match=f"'judge'.*{status}") as caught:
        complete_all([request()], endpoints(server), 1, tmp_path)
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert PROMPT not in shown


def test_a_missing_key_is_named_by_its_variable(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(LlmError, match="TEST_KEY"):
        complete_all([request()], endpoints(server), 1, tmp_path)


def test_unknown_endpoint(server: ChatServer, tmp_path: Path) -> None:
    with pytest.raises(LlmError, match="no 'other'"):
        complete_all([request(endpoint="other")], endpoints(server), 1, tmp_path)


def test_schema_and_images_are_sent(server: ChatServer, tmp_path: Path) -> None:
    image = tmp_path / "x.png"
    image.write_bytes(b"not really a picture")
    message = Message(role="user", text="see", images=(image,))
    schema = {"type": "object"}
    complete_all(
        [request(messages=(message,), json_schema=schema)], endpoints(server), 1, tmp_path / "c"
    )
    body = server.bodies[0]
    assert body["response_format"]["json_schema"]["schema"] == schema
    parts = body["messages"][0]["content"]
    assert parts[0] == {"type": "text", "text": "see"}
    assert parts[1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert SECRET not in json.dumps(body)


def test_usage_says_what_a_run_cost_and_how_long_it_took(
    server: ChatServer, tmp_path: Path
) -> None:
    server.tokens, server.statuses = (100, 20), [500]
    prices = {"price_in": 10.0, "price_out": 100.0}
    requests = [request("a"), request("b"), request("a")]
    usage = Usage()
    complete_all(requests, endpoints(server, **prices), 1, tmp_path, usage=usage)
    assert (usage.requests, usage.cached, usage.errors) == (3, 1, {"500": 1})
    assert (usage.tokens_in, usage.tokens_out) == (300, 60)
    assert usage.paid == pytest.approx(2 * (100 * 10 + 20 * 100) / 1e6)
    figures = usage.metrics()
    assert figures["errors.500"] == 1
    assert 0 < figures["seconds.p50"] <= figures["seconds.max"]
    again = Usage()
    complete_all(requests, endpoints(server, **prices), 1, tmp_path, usage=again)
    assert (again.tokens_in, again.paid, again.cached, again.seconds) == (300, 0, 3, [])


@pytest.mark.parametrize("header", [("Retry-After", "1"), ("retry-after-ms", "1000")])
def test_a_server_is_not_asked_before_the_time_it_names(
    server: ChatServer, tmp_path: Path, header: tuple[str, str]
) -> None:
    server.retry_after, server.statuses = header, [429]
    start = time.monotonic()
    assert complete_all([request("a")], endpoints(server), 1, tmp_path) == ["echo a"]
    assert time.monotonic() - start >= 1


def test_a_request_that_waits_gives_its_place_to_another(
    server: ChatServer, tmp_path: Path
) -> None:
    server.retry_after, server.statuses = ("Retry-After", "1"), [429]
    complete_all((request(str(i)) for i in range(3)), endpoints(server), 1, tmp_path)
    assert [body["messages"][0]["content"] for body in server.bodies] == ["0", "1", "2", "0"]


def test_a_silent_server_is_timed_out_and_asked_again(server: ChatServer, tmp_path: Path) -> None:
    server.delay = lambda body: 5.0 if len(server.bodies) == 1 else 0.0
    usage = Usage()
    # On a busy machine a later attempt may be timed out as well.
    places = endpoints(server, timeout=1.0, attempts=50, failures=100)
    assert complete_all([request("a")], places, 1, tmp_path, usage=usage) == ["echo a"]
    assert usage.errors["timeout"] >= 1


def test_one_request_that_never_succeeds_stops_the_run(server: ChatServer, tmp_path: Path) -> None:
    server.statuses = [500] * 3
    with pytest.raises(LlmError, match=r"failed 3 times.*500.*run again") as caught:
        complete_all([request()], endpoints(server, attempts=3), 1, tmp_path)
    assert PROMPT not in "".join(traceback.format_exception(caught.value))
    assert len(server.bodies) == 3


def test_rate_limits_hold(server: ChatServer, tmp_path: Path) -> None:
    # 600 a minute: 30 at once, and 9.5 a second.
    start = time.monotonic()
    limits = {"requests_a_minute": 600}
    complete_all((request(str(i)) for i in range(40)), endpoints(server, **limits), 40, tmp_path)
    assert time.monotonic() - start >= 10 / 9.5 * 0.9
    # A request is expected to take some 20 tokens: a second one must wait.
    start = time.monotonic()
    limits = {"tokens_a_minute": 600}
    more = (request(str(i), seed=2) for i in range(3))
    complete_all(more, endpoints(server, **limits), 40, tmp_path)
    assert time.monotonic() - start >= 1


def test_an_endpoint_may_have_its_own_concurrency(server: ChatServer, tmp_path: Path) -> None:
    together = Barrier(3)  # three are asked at once however slow the machine is
    server.delay = lambda body: 0.05 + 0.0 * together.wait(300)
    places = endpoints(server, concurrency=3, timeout=300)
    complete_all((request(str(i)) for i in range(12)), places, 8, tmp_path)
    assert server.most_at_once == 3


def two(server: ChatServer, other: str, **limits: Any) -> dict[str, Endpoint]:
    servers = [
        {"base_url": other, "api_key_env": "TEST_KEY", "weight": 3},
        {"base_url": server.url, "api_key_env": "TEST_KEY"},
    ]
    return {"judge": Endpoint.model_validate({"servers": servers, "cool_down": 0.2, **limits})}


def test_servers_share_by_weight(server: ChatServer, tmp_path: Path) -> None:
    with serving(lambda body: "other") as other:
        together = Barrier(8)  # none is answered before all are asked: what is free is known
        for one in (server, other):
            one.delay = lambda body: 0.0 * together.wait(300)
        places = two(server, other.url, timeout=300)
        complete_all((request(str(i)) for i in range(8)), places, 8, tmp_path)
        assert (len(other.bodies), len(server.bodies)) == (6, 2)


def test_a_dead_server_is_replaced(server: ChatServer, tmp_path: Path) -> None:
    usage = Usage()
    places = two(server, "http://127.0.0.1:9/v1", failures=2, cool_down=60)
    found = complete_all((request(str(i)) for i in range(8)), places, 2, tmp_path, usage=usage)
    assert found == [f"echo {i}" for i in range(8)]
    assert 2 <= usage.errors["connection"] <= 4  # then it is left out


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_with_a_wrong_key_or_model_is_replaced_at_once(
    server: ChatServer, tmp_path: Path, status: int
) -> None:
    with serving(lambda body: "other") as other:
        other.statuses = [status] * 8
        found = complete_all(
            (request(str(i)) for i in range(8)), two(server, other.url), 1, tmp_path
        )
        assert found == [f"echo {i}" for i in range(8)]
        assert len(other.bodies) == 1


def test_a_server_that_comes_back_is_asked_again(server: ChatServer, tmp_path: Path) -> None:
    server.statuses = [503] * 4  # left out after 3; the first probe fails as well
    found = complete_all([request("a")], endpoints(server, failures=3), 1, tmp_path)
    assert found == ["echo a"]
    assert len(server.bodies) == 5


def test_a_server_that_stays_away_stops_the_run_and_says_what_to_do(
    server: ChatServer, tmp_path: Path
) -> None:
    places = endpoints(server, failures=3, attempts=50)
    assert complete_all([request("a")], places, 1, tmp_path) == ["echo a"]
    server.statuses = [503] * 100
    with pytest.raises(LlmError, match=r"no server left.*503.*services\.endpoints\.judge"):
        complete_all([request(str(i)) for i in range(20)], places, 4, tmp_path)
    assert len(server.bodies) < 20
    server.statuses = []
    assert complete_all([request("a"), request("0")], places, 1, tmp_path) == ["echo a", "echo 0"]


def test_an_address_where_nobody_is_stops_the_run_at_once(tmp_path: Path, server: Any) -> None:
    # Were the cool-down waited for, pytest's time limit would end this test.
    values = {"base_url": "http://127.0.0.1:9/v1", "api_key_env": "TEST_KEY", "cool_down": 3600}
    places = {"judge": Endpoint.model_validate(values)}
    with pytest.raises(LlmError, match=r"127\.0\.0\.1:9: connection"):
        complete_all([request(str(i)) for i in range(40)], places, 8, tmp_path)


@pytest.mark.parametrize(
    ("budget", "kind"),
    [({"requests": 3}, "requests"), ({"tokens": 400}, "tokens"), ({"money": 0.4}, "money")],
)
def test_a_budget_stops_the_run_and_a_larger_one_goes_on(
    server: ChatServer, tmp_path: Path, budget: dict[str, Any], kind: str
) -> None:
    server.tokens = (90, 10)
    limits = {"price_in": 1000.0, "price_out": 1000.0}
    requests = [request(f"{i} ".ljust(210), max_tokens=30) for i in range(6)]  # 100 expected
    with pytest.raises(BudgetExceeded, match=rf"endpoints\.judge\.budget\.{kind} is .* spent"):
        complete_all(requests, endpoints(server, **limits, budget=budget), 6, tmp_path)
    paid = len(server.bodies)
    assert paid == (3 if kind == "requests" else 4)
    with pytest.raises(BudgetExceeded):  # the ledger outlives the run
        complete_all(requests, endpoints(server, **limits, budget=budget), 6, tmp_path)
    assert len(server.bodies) == paid
    larger = {kind: value * 10 for kind, value in budget.items()}
    found = complete_all(requests, endpoints(server, **limits, budget=larger), 6, tmp_path)
    assert len(found) == len(server.bodies) == 6
    # What is in the cache costs nothing, even now that the smaller budget is overdrawn.
    assert complete_all(requests, endpoints(server, **limits, budget=budget), 6, tmp_path) == found


def test_money_needs_prices(server: ChatServer) -> None:
    with pytest.raises(ValidationError, match="price_in"):
        endpoints(server, budget={"money": 1.0})


@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        ({"content": "ca", "finish_reason": "length"}, "length"),
        ({"refusal": "I cannot."}, "refused"),
        ({"content": "x", "finish_reason": "content_filter"}, "refused"),
        ({}, "empty"),
    ],
)
def test_how_an_answer_ended_is_told_and_kept(
    server: ChatServer, tmp_path: Path, choice: Body, finish: str
) -> None:
    server.answer = lambda body: choice
    for _ in range(2):
        (reply,) = llm.complete_all([request()], endpoints(server), 1, tmp_path)
        assert (reply.text, reply.finish) == ("ca" if finish == "length" else None, finish)
    assert len(server.bodies) == 1


def test_another_request_may_take_a_requests_place(server: ChatServer, tmp_path: Path) -> None:
    def again(asked: Request, reply: Reply) -> Request | None:
        return request("b") if reply.text == "echo a" else None

    wanted = [request("a"), request("c")]
    for _ in range(2):
        assert complete_all(wanted, endpoints(server), 2, tmp_path, again=again) == [
            "echo b",
            "echo c",
        ]
    assert len(server.bodies) == 3


def test_images_stand_between_the_shared_text_and_the_rest(tmp_path: Path) -> None:
    image = tmp_path / "x.png"
    image.write_bytes(b"p")
    message = Message(role="user", text="a", images=(image,), after="b").wire()
    assert [part["type"] for part in message["content"]] == ["text", "image_url", "text"]
    assert Message(role="user", text="a", after="b").wire()["content"] == "ab"
