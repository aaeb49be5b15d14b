"""The chat door against a real local HTTP server that speaks the OpenAI chat API."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest

from pulsemind.llm import LlmError, Message, Request, complete_all
from pulsemind.settings import Endpoint
from tests.unit.chat_server import ChatServer, serving

SECRET = "key-that-must-not-show"
PROMPT = "words-of-a-patient"


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


def endpoints(server: ChatServer) -> dict[str, Endpoint]:
    return {"judge": Endpoint(base_url=server.url, api_key_env="TEST_KEY")}


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
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        complete_all(cut_short(), endpoints(server), 1, tmp_path)
    assert complete_all([request("a")], endpoints(server), 1, tmp_path) == ["echo a"]
    assert len(server.bodies) == 1


def test_a_limit_is_waited_out(server: ChatServer, tmp_path: Path) -> None:
    server.statuses = [429, 503]
    assert complete_all([request("a")], endpoints(server), 1, tmp_path) == ["echo a"]
    assert len(server.bodies) == 3


def test_a_refused_request_has_no_answer(server: ChatServer, tmp_path: Path) -> None:
    server.statuses = [400]
    found = complete_all([request("a"), request("b")], endpoints(server), 1, tmp_path)
    assert found == [None, "echo b"]


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
