"""Expansion through a real local chat server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulsemind.data.expand import Costs, Expanded, Service, expand
from pulsemind.records import Consultation, Provenance, Turn
from pulsemind.settings import Endpoint, ExpandSettings
from tests.unit.chat_server import Body, ChatServer, serving

BEFORE = "嗯，多喝水，体温38.5度先物理降温，不要吃头孢。"
GOOD = "多喝水，体温38.5度时建议先物理降温，不要吃头孢。如果精神差请就诊。"
BAD = "多喝水，体温39度先物理降温，不要吃头孢。"


def settings(endpoint: str | None = "chat", retries: int = 1) -> ExpandSettings:
    return ExpandSettings.model_validate(
        {"endpoint": endpoint, "model": "m", "retries": retries, "temperature": 0.3,
         "max_tokens": 256, "price_in": 1.0, "price_out": 2.0, "seed": 1}
    )  # fmt: skip


def dialogue(reply: str = BEFORE, asked: str = "孩子发烧了。") -> Consultation:
    return Consultation(
        id="c",
        language="zh",
        turns=(Turn(role="patient", text=asked), Turn(role="physician", text=reply)),
        provenance=Provenance(source="own", licence="x", file="f", index=0),
    )


def run(
    server: ChatServer, folder: Path, wanted: ExpandSettings, record: Consultation
) -> tuple[Expanded, Costs]:
    endpoint = Endpoint(base_url=server.url, api_key_env="NO_KEY")
    costs = Costs()
    service = Service({"chat": endpoint}, 4, folder)
    (found,) = expand([record], wanted, service, costs)
    return found, costs


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_KEY", "k")


def reply(text: str) -> str:
    return json.dumps({"reply": text}, ensure_ascii=False)


def test_a_rewrite_that_passes_the_guards_is_taken(tmp_path: Path) -> None:
    with serving(lambda body: reply(GOOD)) as server:
        found, costs = run(server, tmp_path, settings(), dialogue())
    assert (found.record.turns[1].text, found.record.turns[1].expansion) == (GOOD, "expanded")
    assert [(pair.before, pair.after) for pair in found.pairs] == [(BEFORE, GOOD)]
    assert costs.replies == {"expanded": 1}
    assert len(server.bodies) == 1


def test_a_failing_rewrite_is_asked_again_with_what_failed(tmp_path: Path) -> None:
    answers = iter([reply(BAD), reply(GOOD)])
    with serving(lambda body: next(answers)) as server:
        found, costs = run(server, tmp_path, settings(), dialogue())
    assert found.record.turns[1].text == GOOD
    assert len(found.pairs[0].failed) == 1
    assert costs.failures["number_lost"] == 1
    again = json.dumps(server.bodies[1], ensure_ascii=False)
    assert "38.5" in again


@pytest.mark.parametrize("answer", [reply(BAD), "no JSON", reply("给张伟打电话13800138000")])
def test_when_nothing_passes_the_original_stays_marked(tmp_path: Path, answer: str) -> None:
    with serving(lambda body: answer) as server:
        found, costs = run(server, tmp_path, settings(retries=2), dialogue())
    turn = found.record.turns[1]
    assert (turn.text, turn.expansion) == (BEFORE, "original_kept")
    assert len(server.bodies) == 3
    assert len(found.pairs[0].failed) == 3
    assert costs.replies == {"original_kept": 1}


def test_without_an_endpoint_replies_pass_through_marked() -> None:
    costs = Costs()
    (found,) = expand([dialogue()], settings(None), Service({}, 1, Path("unused")), costs)
    assert found.record.turns[1].text == BEFORE
    assert found.record.turns[1].expansion == "not_expanded"
    assert found.pairs == ()
    assert costs.report(settings(None))["replies"] == {"not_expanded": 1}


def test_a_dialogue_with_personal_data_is_not_sent(tmp_path: Path) -> None:
    with serving(lambda body: reply(GOOD)) as server:
        found, _ = run(
            server, tmp_path, settings(), dialogue(asked="我的电话13800138000，孩子发烧了。")
        )
    assert server.bodies == []
    assert found.record.turns[1].expansion == "original_kept"


def test_a_second_run_pays_for_nothing_and_reports_the_same(tmp_path: Path) -> None:
    def answer(body: Body) -> str:
        return reply(GOOD)

    with serving(answer) as server:
        first = run(server, tmp_path, settings(), dialogue())
        second = run(server, tmp_path, settings(), dialogue())
    assert len(server.bodies) == 1
    assert first[0] == second[0]
    assert first[1].report(settings()) == second[1].report(settings())
