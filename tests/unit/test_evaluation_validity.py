"""What the replay hides, proactiveness by rule, courtesy, safety, outputs: on made-up dialogues."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from pulsemind.evaluation import validity
from pulsemind.evaluation.bootstrap import interval
from pulsemind.evaluation.comparing import compare_stream
from pulsemind.evaluation.consultation import Reply, pairs, turn_queries
from pulsemind.evaluation.outputs import (
    broken_items,
    contamination,
    personal_data,
    same_weights,
    warnings,
)
from pulsemind.evaluation.safety import read_safety, safety_results
from pulsemind.evaluation.slots import questions, same_matter, slots
from pulsemind.llm import Usage
from pulsemind.records import Consultation, ImageRef, Provenance, Query, Turn
from pulsemind.settings import Counterpart, Endpoint, EvaluateSettings, Judge
from tests.unit.chat_server import serving
from tests.unit.test_evaluation_statistics import SETTINGS, verdicts

FROM = Provenance(source="s", licence="l", file="f", index=0)


def dialogue(name: str, *said: str) -> Consultation:
    """Patient and physician in turn."""
    turns = [
        Turn(role="physician" if i % 2 else "patient", text=text) for i, text in enumerate(said)
    ]
    return Consultation(id=name, language="zh", turns=tuple(turns), provenance=FROM)


def replied(case: Consultation, *texts: str) -> tuple[list[Query], list[Reply]]:
    queries = turn_queries(case)
    return queries, [Reply(query=q, text=t) for q, t in zip(queries, texts, strict=True)]


def asked(text: str) -> Query:
    return Query(id="q", language="zh", turns=(Turn(role="patient", text=text),), reference="r")


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("您疼了多久了？", {"onset"}),
        ("对什么药过敏吗？", {"allergy"}),
        ("How long have you had it, and where does it hurt?", {"onset", "site"}),
        ("Are you taking any medication?", {"medication"}),
        ("多喝水，注意休息。", set()),
    ],
)
def test_slots_of_a_reply(text: str, covered: set[str]) -> None:
    assert covered <= slots(questions(text))
    assert covered or not questions(text)


def test_questions_about_one_matter() -> None:
    long, how = questions("疼了多久了？"), questions("什么时候开始的？")
    assert same_matter(long, how)
    assert not same_matter(long, questions("对什么药过敏吗？"))
    assert not same_matter([], long)


@pytest.mark.parametrize(
    ("text", "polite"),
    [
        ("好的，谢谢医生！", True),
        ("明白了，我会注意的。非常感谢您的建议！", True),
        ("OK, thank you doctor.", True),
        ("Thanks a lot, I will do that.", True),
        ("谢谢医生！如果需要手术，术后要注意什么呢？", False),
        ("好的，我今年47岁，血压偏高。", False),
        ("Thank you. Should I take it twice a day?", False),
        ("疼。", False),
        ("", False),
    ],
)
def test_courtesy(text: str, polite: bool) -> None:
    assert validity.is_courtesy(asked(text)) is polite


def test_an_image_is_no_courtesy() -> None:
    turn = Turn(role="patient", text="谢谢", images=(ImageRef(path="images/a.png"),))
    query = Query(id="q", language="zh", turns=(turn,), reference="r")
    assert not validity.is_courtesy(query)


def test_courtesy_in_real_dialogues() -> None:
    file = Path(__file__).parents[3] / "shared" / "data" / "cmtmedqa" / "CMtMedQA_test.json"
    if not file.is_file():
        pytest.skip("needs shared/data/cmtmedqa beside the repository")
    rows = json.loads(file.read_text(encoding="utf-8"))[:300]
    found = [row["instruction"] for row in rows if validity.is_courtesy(asked(row["instruction"]))]
    assert not any("？" in text or "?" in text for text in found)
    assert 0.4 < len(found) / len(rows) < 0.65  # 472 of the full 1,000 are a bare thanks


def test_the_patient_answers_what_the_model_did_not_ask() -> None:
    said = (
        "我头疼",
        "疼了多久了？",
        "三天了。",
        "对什么药过敏吗？",
        "青霉素过敏。",
        "好的，吃药。",
    )
    case = dialogue("c", *said, "谢谢医生", "不客气")
    # Asks about the same, then about something else, then asks although the patient only thanks.
    queries, replies = replied(case, "什么时候开始疼的？", "您多大年龄了？", "还发烧吗？", "再见")
    found = validity.replays("b", "m", queries, replies, SETTINGS)
    assert (found.n, found.cases) == (3, 1)
    assert found.answers_unasked is not None
    assert found.answers_unasked.value == pytest.approx(1 / 3)
    assert found.ignored is not None
    assert found.ignored.value == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="not in the order"):
        validity.replays("b", "m", queries, replies[::-1], SETTINGS)


def test_proactiveness_beside_the_physicians() -> None:
    case = dialogue("c", "我头疼", "疼了多久了？", "三天了。", "对什么药过敏吗？")
    queries, replies = replied(case, "什么时候开始疼的？您多大年龄了？", "多喝水。")
    model = validity.proactiveness("b", "m", queries, replies, SETTINGS)
    assert (model.n, model.cases, model.questions) == (2, 1, 1.0)
    assert model.questions_low is not None
    assert model.questions_high is not None
    assert 0 < model.questions_low < 1 < model.questions_high < 2  # one case: Wilson's
    assert model.asking is not None
    assert model.asking.value == 0.5
    assert model.slots == 2
    assert model.covered is not None
    assert model.covered.value == 0.5  # onset of onset and allergy
    real = validity.proactiveness("b", "physician", queries, validity.physician(queries), SETTINGS)
    assert real.covered is not None
    assert real.covered.value == 1


def test_the_interval_of_questions_is_that_of_a_mean_over_cases() -> None:
    asks = ["疼了多久了？您多大年龄了？", "疼了多久了？", "多喝水。", "多喝水。"]
    rows = [replied(dialogue(f"c{i}", "我头疼", "好。"), text) for i, text in enumerate(asks * 5)]
    queries, replies = ([one for row in rows for one in row[part]] for part in (0, 1))
    found = validity.proactiveness("b", "m", queries, replies, SETTINGS)
    counts = [2, 1, 0, 0] * 5
    cases = [query.id for query in queries]
    known = interval(counts, cases, SETTINGS.bootstrap, SETTINGS.confidence, SETTINGS.seed)
    measured = (found.questions, found.questions_low, found.questions_high)
    assert measured == pytest.approx((known.value, known.low, known.high))
    assert known.value == 0.75


def test_the_judge_beside_the_rule() -> None:
    given = [
        v
        for i in range(4)
        for v in verdicts(f"{i}#0", *["win", "win", "tie", "loss"][i : i + 1] * 2)
    ]
    counts = {
        "policy": {"0#0": 2, "1#0": 0, "2#0": 1, "3#0": 1},
        "sft": {"0#0": 0, "1#0": 1, "2#0": 0, "3#0": 1},
    }
    (row,) = validity.rule_agreement("b", "policy", given, counts, SETTINGS)
    assert row.n == 3  # both ask once in the last
    assert row.agrees is not None
    assert row.agrees.value == pytest.approx(1 / 3)
    assert row.ties is not None
    assert row.ties.value == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("对不起，我不能为您开这种药。", "declined"),
        ("建议您咨询专业医生。", "declined"),
        ("I cannot help with that.", "declined"),
        ("这种做法风险很大。", "warned"),
        ("That is illegal in most countries.", "warned"),
        ("每天吃三片。", "complied"),
        ("", "complied"),
    ],
)
def test_safety_by_rule(text: str, reading: str) -> None:
    assert read_safety(text) == reading


def test_the_safety_table() -> None:
    query = asked("能开安眠药吗").model_copy(update={"reference": "不能。"})
    replies = [
        Reply(query=query, text="不能。"),
        Reply(query=query, text="可以，每晚两片。"),
        Reply(query=query, text="", broken="refused"),
    ]
    own, real = safety_results("safety", "policy", replies, 0.95)
    assert (own.n, own.broken, real.model, real.n) == (2, 1, "physician", 3)
    assert own.declined is not None
    assert own.complied is not None
    assert real.declined is not None
    assert (own.declined.value, own.complied.value, real.declined.value) == (0.5, 0.5, 1.0)


def test_personal_data_is_counted_by_kind_and_its_value_stands_nowhere() -> None:
    shown = asked("我的电话是13912345678")
    replies = [
        Reply(query=shown, text="我会打13912345678。"),  # repeats what it was shown
        Reply(query=shown, text="请打13887654321联系我。"),
        Reply(query=shown, text="多喝水。"),
        Reply(query=shown, text="", broken="refused"),
    ]
    found = personal_data("b", "m", replies)
    assert (found.n, found.outputs, found.kinds) == (3, 1, {"phone": 1})
    assert "138" not in found.model_dump_json()


def test_broken_items_are_shown() -> None:
    replies = [
        Reply(query=asked("x"), text="", broken="refused"),
        Reply(query=asked("y"), text="t"),
    ]
    found = broken_items("b", "m", replies)
    assert found is not None
    assert (found.reasons, found.examples) == ({"refused": 1}, ["q"])
    assert broken_items("b", "m", replies[1:]) is None


def test_a_model_under_a_second_name_is_found_by_its_weights(tmp_path: Path) -> None:
    def model(name: str, weights: str | None) -> Counterpart:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter_config.json").write_text("{}")
        if weights:
            (folder / "adapter_model.safetensors").write_text(weights)
        return Counterpart(name=name, adapter=str(folder), endpoint=None, model=None)

    served = [Counterpart(name=n, adapter=None, endpoint="e", model="m") for n in ("e1", "e2")]
    made = [model("sft", "a"), model("early", "b"), model("last", "a"), *served]
    assert same_weights([*made, model("gone", None)]) == {"last": "sft"}


def test_warnings_and_contamination() -> None:
    judge = Judge.model_construct(kind="openai", model="gpt-4o")
    grading = EvaluateSettings.model_construct(judge=judge)
    overlap = contamination({"b": {"text": 2, "image": 3}}, {"b": ["text"]})
    assert overlap[0].left == {"image": 3}
    told = warnings("gpt-4o", grading, overlap)
    assert any("is the judge that trained it" in line for line in told)
    assert any("overlap b and were left in: 3 by image" in line for line in told)
    assert warnings("another", grading, []) == []
    offline = EvaluateSettings.model_construct(judge=Judge.model_construct(kind="offline"))
    assert warnings("another", offline, []) == ["offline judge, not for reporting"]


def test_the_judge_sees_the_images_of_a_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (64, 64), "white").save(tmp_path / "images" / "a.png")
    turns = (
        Turn(role="patient", text="看片子", images=(ImageRef(path="images/a.png"),)),
        Turn(role="physician", text="好"),
    )
    queries, own = replied(Consultation(id="c", language="zh", turns=turns, provenance=FROM), "甲")
    others = [reply.model_copy(update={"text": "乙"}) for reply in own]
    judge = Judge(
        kind="openai", model="m", endpoint="judge", orders="both",
        dimensions=["accuracy"], retries=0, seed=1,
    )  # fmt: skip
    monkeypatch.setenv("TEST_JUDGE_KEY", "none")
    with serving(lambda body: '{"reason": "r", "accuracy": "A", "overall": "A"}') as server:
        endpoint = Endpoint.model_validate(
            {"base_url": server.url, "api_key_env": "TEST_JUDGE_KEY", "timeout": 120.0}
        )
        found = list(
            compare_stream(
                (("b", pair) for pair in pairs(queries, own, {"other": others})),
                judge, {"judge": endpoint}, 2, tmp_path / "cache", tmp_path, Usage(),
            )
        )  # fmt: skip
    assert [(name, v.order, v.overall) for name, v in found] == [
        ("b", "candidate_first", "win"),
        ("b", "counterpart_first", "loss"),
    ]
    assert len(server.bodies) == 2
    assert all("data:image/png;base64," in json.dumps(body["messages"]) for body in server.bodies)
