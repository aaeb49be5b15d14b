"""The review queue: tasks, decisions, what goes on, agreement, Label Studio, the server's door."""

from __future__ import annotations

import http.client
import json
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pulsemind.data.expand import Expanded
from pulsemind.data.review import labelstudio
from pulsemind.data.review.agreement import cohen
from pulsemind.data.review.apply import ReviewPending, Tally, proofread
from pulsemind.data.review.decisions import append, load
from pulsemind.data.review.queue import Task, read_tasks
from pulsemind.data.review.server import server
from pulsemind.records import Consultation, Quarantined, Review
from pulsemind.settings import ProofreadSettings
from tests.unit.review_queue import expanded, settings, three


def go(
    folder: Path, items: list[Expanded], wanted: ProofreadSettings
) -> tuple[dict[str, Consultation], dict[str, str], Tally]:
    """Run the proofreading; returns what goes on, what was dropped by which rule, the tally."""
    dropped: dict[str, str] = {}
    tally = Tally()

    def drop(record: Consultation, rule: str) -> None:
        dropped[record.id] = rule

    stream = ((item, folder) for item in items)
    kept = proofread(stream, folder / "queue", wanted, 7, drop, tally)
    return {record.id: record for record in kept}, dropped, tally


def tasks(folder: Path) -> dict[str, Task]:
    return {task.consultation: task for task in read_tasks(folder / "queue")}


def review(task: Task, decision: str, reviewer: str = "dr-1", **more: object) -> Review:
    reason = "wrong" if decision == "reject" else ""
    return Review.model_validate(
        {"task": task.id, "reviewed": task.digest, "reviewer": reviewer, "decision": decision,
         "time": datetime.now(UTC), "reason": reason, "empathy": True, "ethics": True, **more}
    )  # fmt: skip


def test_without_a_policy_everything_goes_on_unreviewed(tmp_path: Path) -> None:
    kept, dropped, tally = go(tmp_path, three(tmp_path), settings("off"))
    assert (len(kept), dropped, tally.unreviewed) == (3, {}, 3)
    assert not (tmp_path / "queue").exists()


def test_only_what_reviewers_let_through_goes_on(tmp_path: Path) -> None:
    items = three(tmp_path)
    kept, dropped, _ = go(tmp_path, items, settings())
    assert kept == {}
    assert set(dropped.values()) == {"review_pending"}
    queue = tasks(tmp_path)
    append(
        tmp_path / "queue",
        [
            review(queue["a"], "accept"),
            review(queue["b"], "reject"),
            review(queue["c"], "edit", edited={1: "Please walk slowly."}),
        ],
    )
    kept, dropped, tally = go(tmp_path, items, settings())
    assert dropped == {"b": "review_rejected"}
    assert kept["a"] == items[0].record
    assert kept["c"].turns[1].text == "Please walk slowly."
    assert tally.states == {"accepted": 1, "rejected": 1, "edited": 1}


def test_waiting_says_what_to_do_and_leaves_the_queue(tmp_path: Path) -> None:
    with pytest.raises(ReviewPending, match=r"3 of 3 queued dialogues.*flows\.review serve"):
        go(tmp_path, three(tmp_path), settings("wait"))
    assert len(tasks(tmp_path)) == 3


def test_the_last_decision_counts_and_an_outdated_one_does_not(tmp_path: Path) -> None:
    items = three(tmp_path)
    go(tmp_path, items, settings())
    task = tasks(tmp_path)["a"]
    append(tmp_path / "queue", [review(task, "reject"), review(task, "accept")])
    assert "a" in go(tmp_path, items, settings())[0]
    newer = expanded("a", "I cough.", "Rest.", "Another rewrite.", items[0].record.images())
    _, dropped, tally = go(tmp_path, [newer, *items[1:]], settings())
    assert (dropped["a"], tally.outdated) == ("review_pending", 1)
    assert tasks(tmp_path)["a"].id == task.id


def test_of_two_reviewers_a_rejection_wins_and_one_is_not_enough(tmp_path: Path) -> None:
    items = three(tmp_path)
    twice = settings(double=1.0)
    go(tmp_path, items, twice)
    queue = tasks(tmp_path)
    assert {task.wanted for task in queue.values()} == {2}
    append(tmp_path / "queue", [review(task, "accept") for task in queue.values()])
    assert go(tmp_path, items, twice)[0] == {}
    second = [review(queue["a"], "accept", "dr-2"), review(queue["b"], "reject", "dr-2")]
    append(tmp_path / "queue", second)
    kept, dropped, tally = go(tmp_path, items, twice)
    assert set(kept) == {"a"}
    assert dropped == {"b": "review_rejected", "c": "review_pending"}
    assert tally.agreement().n == 2


def test_broken_lines_are_reported_and_torn_ones_end(tmp_path: Path) -> None:
    items = three(tmp_path)
    go(tmp_path, items, settings())
    path = tmp_path / "queue" / "decisions.jsonl"
    path.write_text('{"task": "secret"}\n{"torn')
    append(tmp_path / "queue", [review(tasks(tmp_path)["a"], "accept")])
    decisions, broken = load(tmp_path / "queue")
    assert len(decisions) == 1
    assert [entry.index for entry in broken] == [0, 1]
    assert not any("secret" in entry.reason for entry in broken)


def test_kappa_by_hand() -> None:
    """20 + 15 of 50 alike: p_o 0.7; marginals 25/25 and 30/20: p_e 0.5; kappa 0.4 (Cohen 1960)."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = cohen(pairs)
    assert found.observed == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)
    assert found.low is not None
    assert found.high is not None
    assert 0.1 < found.low < 0.4 < found.high < 0.7
    assert cohen([("y", "y")] * 5).kappa is None
    assert str(cohen([])) == "n/a (n = 0)"


def test_label_studio_there_and_back(tmp_path: Path) -> None:
    items = three(tmp_path)
    go(tmp_path, items, settings())
    interface = ElementTree.fromstring(labelstudio.INTERFACE)
    assert labelstudio.write_tasks(tmp_path / "queue", tmp_path / "tasks.json") == 3
    exported = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    for node in interface.iter():  # every $name of the interface is in the data
        for value in node.attrib.values():
            assert not value.startswith("$") or value[1:] in exported[0]["data"]

    def chosen(name: str, *choices: str) -> dict[str, object]:
        return {"from_name": name, "type": "choices", "value": {"choices": list(choices)}}

    def written(name: str, text: str) -> dict[str, object]:
        return {"from_name": name, "type": "textarea", "value": {"text": [text]}}

    results = [
        [chosen("decision", "accept"), chosen("checks", "empathy", "ethics")],
        [chosen("decision", "reject"), written("reason", "harmful")],
        [chosen("decision", "edit"), chosen("checks", "ethics"), written("edit_0", "Walk slowly.")],
    ]
    for task, result in zip(exported, results, strict=True):
        about = {"id": 1, "completed_by": 5, "created_at": "2026-11-21T10:00:00.000000Z"}
        task["annotations"] = [
            {**about, "was_cancelled": True, "result": []},
            {**about, "was_cancelled": False, "result": result},
        ]
    exported.append({"data": {}, "annotations": [{"result": [], "created_at": "now"}]})
    found = list(labelstudio.from_annotations(exported, "export.json"))
    reviews = [entry for entry in found if isinstance(entry, Review)]
    assert found[3:] == [
        Quarantined(file="export.json", index=3, reason="not an annotated task of ours")
    ]
    assert [(r.decision, r.reviewer, r.empathy, r.ethics) for r in reviews] == [
        ("accept", "ls-5", True, True),
        ("reject", "ls-5", False, False),
        ("edit", "ls-5", False, True),
    ]
    append(tmp_path / "queue", reviews)
    kept, dropped, _ = go(tmp_path, items, settings())
    assert (kept["c"].turns[1].text, dropped) == ("Walk slowly.", {"b": "review_rejected"})


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A running server's address."""
    go(tmp_path, three(tmp_path), settings())
    httpd, found = server(tmp_path / "queue")
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def ask(address: str, path: str, method: str = "GET", body: str = "", **headers: str) -> int:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    connection.putrequest(method, f"{parts.path}{path}", skip_host=True)
    named = {"Host": parts.netloc, "Content-Length": str(len(body))}
    for name, value in {**named, **{k.replace("_", "-"): v for k, v in headers.items()}}.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_server_answers_only_its_own_page(address: str, tmp_path: Path) -> None:
    parts = urlsplit(address)
    assert parts.hostname == "127.0.0.1"
    assert ask(address, "") == 200
    assert ask(address.replace(parts.path, "/wrong/"), "") == 403
    assert ask(address, "", Host="evil.example") == 403
    picture = next(t for task in tasks(tmp_path).values() for t in task.turns if t.images)
    assert ask(address, picture.images[0].path) == 200
    for path in (
        "../decisions.jsonl",
        "images/../tasks.jsonl",
        "tasks.jsonl",
        "images//etc/passwd",
    ):
        assert ask(address, path) == 404


def test_no_other_page_can_post_a_decision(address: str, tmp_path: Path) -> None:
    task = tasks(tmp_path)["a"]
    body = {"task": task.id, "reviewed": task.digest, "reviewer": "dr", "decision": "accept",
            "reason": "", "edited": {}, "empathy": True, "ethics": True}  # fmt: skip
    text, origin = json.dumps(body), f"http://{urlsplit(address).netloc}"

    def post(text: str, **headers: str) -> int:
        return ask(address, "api/decision", "POST", text, **headers)

    json_type = "application/json"
    assert post(text, Content_Type=json_type) == 403
    assert post(text, Content_Type=json_type, Origin="http://evil.example") == 403
    assert post(text, Content_Type="text/plain", Origin=origin) == 415
    assert post("{", Content_Type=json_type, Origin=origin) == 400
    assert (
        post(json.dumps({**body, "reviewed": "old"}), Content_Type=json_type, Origin=origin) == 409
    )
    assert load(tmp_path / "queue")[0] == {}
    assert post(text, Content_Type=json_type, Origin=origin) == 200
    assert load(tmp_path / "queue")[0][task.id]["dr"].decision == "accept"
