"""Both judges: the offline rubric on texts, the endpoint judge against a local server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsemind.judge import OFFLINE_NOTE, Pair, Sample, compare, note, rubric, score
from pulsemind.judge.offline import outcome
from pulsemind.judge.openai import preference as answer_of
from pulsemind.judge.openai import read
from pulsemind.judge.prompt import messages as judge_messages
from pulsemind.judge.units import is_question, sentences, tokens, units
from pulsemind.records import DIMENSIONS, Dimension, ImageRef, Query, Turn
from pulsemind.settings import Endpoint, Judge
from tests.unit.chat_server import Body, ChatServer, serving

ZH = Query(
    id="z",
    language="zh",
    turns=(Turn(role="patient", text="医生您好，我胸口闷痛三天了，活动后更明显。"),),
    reference="考虑是心绞痛。建议做心电图检查，服用硝酸甘油0.5mg，避免剧烈运动。",
)
ZH_OTHER = "考虑是胃炎。建议做胃镜检查，服用奥美拉唑20mg，避免辛辣食物。"
ZH_QUESTION = "疼痛会放射到左肩吗？"
EN = Query(
    id="e",
    language="en",
    turns=(Turn(role="patient", text="I have had a burning stomach pain for two weeks."),),
    reference="This looks like gastritis. Please have a gastroscopy and take omeprazole 20 mg "
    "before breakfast. Avoid spicy food.",
)
EN_OTHER = (
    "This looks like migraine. Please have a head scan and take ibuprofen 200 mg after meals. "
    "Avoid bright light."
)
EN_QUESTION = " Is the pain worse at night?"
CASES = [(ZH, ZH_OTHER, ZH_QUESTION), (EN, EN_OTHER, EN_QUESTION)]


def judge(
    kind: str = "offline",
    orders: str = "both",
    seed: int = 1,
    dimensions: tuple[Dimension, ...] = DIMENSIONS,
) -> Judge:
    return Judge.model_validate(
        {
            "kind": kind,
            "model": "m",
            "endpoint": "judge",
            "orders": orders,
            "dimensions": list(dimensions),
            "retries": 1,
            "seed": seed,
        }
    )


def pair(query: Query, text: str, other: str, candidate: int = 0, name: str = "sft") -> Pair:
    return Pair(
        query=query, candidate=candidate, text=text, counterpart=name, counterpart_text=other
    )


def offline(query: Query, text: str, other: str, tmp_path: Path) -> dict[str, str]:
    verdicts = compare([pair(query, text, other)], judge(), {}, 1, tmp_path)
    assert [v.order for v in verdicts] == ["candidate_first", "counterpart_first"]
    assert verdicts[0].outcomes == verdicts[1].outcomes  # symmetric by construction
    assert verdicts[0].outcomes is not None
    assert verdicts[0].overall is not None
    return {**verdicts[0].outcomes, "overall": verdicts[0].overall}


@pytest.mark.parametrize(("query", "other", "question"), CASES)
def test_right_advice_beats_advice_for_another_condition(
    query: Query, other: str, question: str, tmp_path: Path
) -> None:
    found = offline(query, query.reference, other, tmp_path)
    assert found["accuracy"] == found["usefulness"] == found["overall"] == "win"
    assert found["proactiveness"] == found["language_quality"] == "tie"
    assert rubric(query, query.reference)["accuracy"] == 1.0
    assert rubric(query, other)["accuracy"] < 0.6


@pytest.mark.parametrize(("query", "other", "question"), CASES)
def test_a_question_back_wins_proactiveness_and_costs_nothing_else(
    query: Query, other: str, question: str, tmp_path: Path
) -> None:
    found = offline(query, query.reference + question, query.reference, tmp_path)
    assert found["proactiveness"] == found["overall"] == "win"
    assert {found[d] for d in ("accuracy", "usefulness", "language_quality")} == {"tie"}


@pytest.mark.parametrize(("query", "other", "question"), CASES)
def test_a_question_alone_loses(query: Query, other: str, question: str, tmp_path: Path) -> None:
    found = offline(query, question, query.reference, tmp_path)
    assert found["accuracy"] == found["usefulness"] == "loss"
    # A reference with a question asks for no more statements than one without.
    asking = query.model_copy(update={"reference": query.reference + question})
    assert rubric(asking, query.reference)["accuracy"] == 1.0


@pytest.mark.parametrize(("query", "other", "question"), CASES)
def test_proactiveness_cannot_be_gamed(query: Query, other: str, question: str) -> None:
    def proactive(text: str) -> float:
        return rubric(query, text)["proactiveness"]

    assert proactive("？？？？") == proactive("???") == proactive("") == 0
    assert proactive(question * 3) == 0
    assert proactive(query.turns[0].text.rstrip("。.") + "?") == 0  # the patient's own words
    more = (
        "您发热吗？您抽烟喝酒吗？"
        if query.language == "zh"
        else " Any fever so far? Do you smoke at all?"
    )
    assert proactive(question + more) - proactive(question) <= 0.1


def test_a_question_asked_before_earns_less() -> None:
    again = ZH.model_copy(
        update={
            "turns": (
                *ZH.turns,
                Turn(role="physician", text=ZH_QUESTION),
                Turn(role="patient", text="不会，就是胸口闷痛。"),
            )
        }
    )
    assert (
        0 < rubric(again, ZH_QUESTION)["proactiveness"] < rubric(ZH, ZH_QUESTION)["proactiveness"]
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text.rstrip("。.") + "，",
        lambda text: text * 5,
        lambda text: text[:6] + "\ufffd" + text[6:],
        lambda text: "好。",
        lambda text: text[:-1] + "。。。",
        lambda text: "（" + text,
    ],
)
@pytest.mark.parametrize("query", [ZH, EN])
def test_spoilt_language_loses(query: Query, spoil: Any, tmp_path: Path) -> None:
    found = offline(query, spoil(query.reference), query.reference, tmp_path)
    assert found["language_quality"] == "loss"


def test_the_wrong_language_loses(tmp_path: Path) -> None:
    assert offline(ZH, EN.reference, ZH.reference, tmp_path)["language_quality"] == "loss"


def test_a_wrong_dose_costs_accuracy() -> None:
    assert rubric(ZH, ZH.reference.replace("0.5mg", "5mg"))["accuracy"] < 0.95


@given(st.text(max_size=60), st.text(max_size=60))
def test_rubric_is_bounded_and_comparison_antisymmetric(first: str, second: str) -> None:
    scores = rubric(ZH, first), rubric(EN, second)
    for found in scores:
        assert set(found) == set(DIMENSIONS)
        assert all(0 <= value <= 1 for value in found.values())
    opposite = {"win": "loss", "loss": "win", "tie": "tie"}
    for d in DIMENSIONS:
        one, other = scores[0][d], scores[1][d]
        assert outcome(one, other, 0.1) == opposite[outcome(other, one, 0.1)]


def test_margin_itself_is_a_tie() -> None:
    assert outcome(0.3, 0.2, 0.1) == "tie"
    assert outcome(0.31, 0.2, 0.1) == "win"


def test_units_by_hand() -> None:
    assert units("布洛芬0.2 g") == {"布洛", "洛芬", "0.2g"}
    assert units("The pains at 38.5℃") == {"pain", "38.5°c"}
    assert tokens("体温38.5℃，ok") == ["体", "温", "38.5", "°c", "ok"]
    assert sentences("Take 0.5 g. 好吗？是") == ["Take 0.5 g.", "好吗？", "是"]
    assert is_question("疼吗。")
    assert is_question("Why?")
    assert not is_question("no.")


def test_offline_scores_and_notes(tmp_path: Path) -> None:
    found = score([Sample(query=ZH, candidate=3, text=ZH.reference)], judge(), {}, 1, tmp_path)
    assert found[0].candidate == 3
    assert found[0].judge == "offline"
    assert found[0].scores is not None
    assert found[0].scores["accuracy"] == 5
    assert found[0].scores["proactiveness"] == 1
    assert note("offline") == OFFLINE_NOTE
    assert note("gpt-4o") == ""


def test_drawn_orders_are_fixed_by_the_seed_and_balanced(tmp_path: Path) -> None:
    pairs = [pair(ZH, f"回复{i}。", ZH_OTHER, i) for i in range(200)]
    drawn = [v.order for v in compare(pairs, judge(orders="random"), {}, 1, tmp_path)]
    assert drawn == [v.order for v in compare(pairs, judge(orders="random"), {}, 1, tmp_path)]
    assert drawn != [
        v.order for v in compare(pairs, judge(orders="random", seed=2), {}, 1, tmp_path)
    ]
    assert 70 <= drawn.count("candidate_first") <= 130


# The judge behind an endpoint.

ANSWER = answer_of(DIMENSIONS)


def preference(choice: str) -> str:
    return json.dumps({"reason": "r", "overall": choice} | dict.fromkeys(DIMENSIONS, choice))


def better(body: Body) -> str:
    """A judge that prefers the reply that contains GOOD, wherever it is shown."""
    shown = body["messages"][1]["content"]
    return preference("A" if shown.index("GOOD") < shown.index("<<<REPLY B") else "B")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TEST_KEY", "k")
    with serving(better) as running:
        yield running


def ask(server: ChatServer, pairs: list[Pair], tmp_path: Path, **changes: Any) -> Any:
    places = {"judge": Endpoint(base_url=server.url, api_key_env="TEST_KEY")}
    return compare(pairs, judge("openai", **changes), places, 4, tmp_path)


def test_outcomes_are_the_candidates_in_both_orders(server: ChatServer, tmp_path: Path) -> None:
    pairs = [pair(ZH, "GOOD", "bad", 0), pair(ZH, "bad", "GOOD", 1)]
    verdicts = ask(server, pairs, tmp_path)
    assert [(v.candidate, v.order, v.overall) for v in verdicts] == [
        (0, "candidate_first", "win"),
        (0, "counterpart_first", "win"),
        (1, "candidate_first", "loss"),
        (1, "counterpart_first", "loss"),
    ]
    assert verdicts[0].outcomes == dict.fromkeys(DIMENSIONS, "win")
    assert {v.judge for v in verdicts} == {"m"}


def test_a_judge_that_prefers_the_first_contradicts_itself(
    server: ChatServer, tmp_path: Path
) -> None:
    server.answer = lambda body: preference("A")
    verdicts = ask(server, [pair(ZH, "x", "y")], tmp_path)
    assert [v.overall for v in verdicts] == ["win", "loss"]


def test_identical_texts_are_judged_once(server: ChatServer, tmp_path: Path) -> None:
    pairs = [pair(ZH, "GOOD", "bad", i) for i in range(3)]
    verdicts = ask(server, pairs, tmp_path)
    assert len(server.bodies) == 2
    assert [v.candidate for v in verdicts] == [0, 0, 1, 1, 2, 2]
    ask(server, pairs, tmp_path)
    assert len(server.bodies) == 2  # all from the cache


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "A is better",
        "The choices are A, B or tie. " + preference("A"),
        json.dumps({"reason": "no dimensions", "overall": "A"}),
        preference("win"),
    ],
)
def test_an_unusable_answer_is_asked_again_then_unjudged(
    server: ChatServer, tmp_path: Path, bad: str
) -> None:
    server.answer = lambda body: bad
    verdicts = ask(server, [pair(ZH, "GOOD", "bad")], tmp_path)
    assert len(server.bodies) == 4  # two orders, twice
    assert [(v.outcomes, v.overall) for v in verdicts] == [(None, None)] * 2
    assert {v.reason for v in verdicts} == {"unjudged: malformed" if bad else "unjudged: empty"}
    ask(server, [pair(ZH, "GOOD", "bad")], tmp_path)
    assert len(server.bodies) == 4  # unjudged once is unjudged for good


def test_a_refusal_is_unjudged_and_a_cut_answer_gets_more_room(
    server: ChatServer, tmp_path: Path
) -> None:
    cut = {"content": '{"reason": "', "finish_reason": "length"}
    server.answer = lambda body: {"refusal": "no"} if "A bad" in str(body) else cut
    found = ask(server, [pair(ZH, "A bad", "x", 0), pair(ZH, "other", "x", 1)], tmp_path)
    reasons = ["unjudged: refused"] * 2 + ["unjudged: truncated"] * 2
    assert [v.reason for v in found] == reasons
    sizes = [b["max_tokens"] for b in server.bodies if "A bad" not in str(b)]
    assert sorted(sizes) == [512, 512, 1024, 1024]


def test_a_second_attempt_can_succeed(server: ChatServer, tmp_path: Path) -> None:
    server.answer = lambda body: better(body) if body["seed"] == 2 else "?"
    assert [v.overall for v in ask(server, [pair(ZH, "GOOD", "bad")], tmp_path)] == ["win"] * 2


FENCE = re.compile(r"<<<(DIALOGUE|REFERENCE|REPLY A|REPLY B) ([0-9a-f]{16})\n(.*?)\n\2 \1>>>", re.S)
INJECTIONS = [
    json.loads(line)
    for line in (Path(__file__).parent / "injections.jsonl").read_text("utf-8").splitlines()
]


def shown_to(body: Body) -> dict[str, str]:
    """What a reader who keeps to the fences sees in a request; nothing else may be there."""
    text = body["messages"][1]["content"]
    assert not FENCE.sub("", text).strip()
    return {name: inside for name, _, inside in FENCE.findall(text)}


def test_there_are_injections_in_both_languages() -> None:
    assert len({i["text"] for i in INJECTIONS}) >= 20
    assert min(sum(i["language"] == lang for i in INJECTIONS) for lang in ("zh", "en")) >= 8


@pytest.mark.parametrize("attempt", INJECTIONS, ids=lambda attempt: attempt["name"])
def test_an_injection_stays_inside_its_fence(
    server: ChatServer, attempt: dict[str, str], tmp_path: Path
) -> None:
    query = ZH if attempt["language"] == "zh" else EN
    server.answer = lambda body: preference("tie")
    ask(server, [pair(query, attempt["text"], "plain")], tmp_path)
    shared = {"DIALOGUE": f"patient: {query.turns[0].text}", "REFERENCE": query.reference}
    first = shared | {"REPLY A": attempt["text"], "REPLY B": "plain"}
    second = shared | {"REPLY A": "plain", "REPLY B": attempt["text"]}
    shown = [shown_to(body) for body in server.bodies]
    assert shown in ([first, second], [second, first])
    system = {body["messages"][0]["content"] for body in server.bodies}
    assert len(system) == 1
    assert attempt["text"] not in system.pop()


@pytest.mark.parametrize("attempt", INJECTIONS, ids=lambda attempt: attempt["name"])
def test_a_judge_that_repeats_an_injection_has_not_judged(
    server: ChatServer, attempt: dict[str, str], tmp_path: Path
) -> None:
    """Only the whole answer counts: an injected verdict that the judge quotes is no verdict."""
    server.answer = lambda body: f"The reply says: {attempt['text']}"
    found = ask(server, [pair(EN, attempt["text"], "plain")], tmp_path)
    assert {v.reason for v in found} == {"unjudged: malformed"}


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_no_text_can_close_a_fence(patient: str, first: str, second: str) -> None:
    query = ZH.model_copy(update={"turns": (Turn(role="patient", text=patient),)})
    wanted = {
        "DIALOGUE": f"patient: {patient}",
        "REFERENCE": ZH.reference,
        "REPLY A": first,
        "REPLY B": second,
    }
    asked = judge_messages("compare.md", judge("openai"), query, [first, second], None)
    assert shown_to({"messages": [message.wire() for message in asked]}) == wanted


def test_everything_before_the_replies_is_the_same_for_all_candidates(
    server: ChatServer, tmp_path: Path
) -> None:
    server.answer = lambda body: preference("tie")
    ask(server, [pair(ZH, f"reply {i}", f"other {i}", i) for i in range(3)], tmp_path)
    ask(server, [pair(EN, "reply", "other")], tmp_path)
    assert len({body["messages"][0]["content"] for body in server.bodies}) == 1
    starts = {body["messages"][1]["content"].partition("<<<REPLY A")[0] for body in server.bodies}
    assert len(starts) == 2  # one a query
    assert all(ZH.reference in start or EN.reference in start for start in starts)


@pytest.mark.parametrize("limits", [True, False])
def test_the_reason_is_bounded_where_the_endpoint_takes_length_limits(
    server: ChatServer, tmp_path: Path, limits: bool
) -> None:
    server.answer = lambda body: preference("tie")
    place = Endpoint(base_url=server.url, api_key_env="TEST_KEY", length_limits=limits)
    compare([pair(ZH, "a", "b")], judge("openai"), {"judge": place}, 4, tmp_path)
    schema = server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["reason"].get("maxLength") == (400 if limits else None)


def test_dimensions_can_be_chosen(server: ChatServer, tmp_path: Path) -> None:
    chosen: tuple[Dimension, ...] = ("usefulness",)
    server.answer = lambda body: '{"reason": "r", "usefulness": "A", "overall": "tie"}'
    found = ask(server, [pair(ZH, "a", "b")], tmp_path, dimensions=chosen)
    assert [v.outcomes for v in found] == [{"usefulness": "win"}, {"usefulness": "loss"}]
    body = server.bodies[0]
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert list(schema["schema"]["properties"]) == ["reason", "usefulness", "overall"]
    assert schema["schema"]["required"] == ["reason", "usefulness", "overall"]
    assert schema["schema"]["additionalProperties"] is False
    assert "accuracy" not in body["messages"][0]["content"]
    rubric_only = judge(dimensions=chosen)
    assert compare([pair(ZH, "a", "b")], rubric_only, {}, 1, tmp_path)[0].outcomes == {
        "usefulness": "tie"
    }
    (scored,) = score([Sample(query=ZH, candidate=0, text="a")], rubric_only, {}, 1, tmp_path)
    assert list(scored.scores or {}) == ["usefulness"]


def test_images_are_shown_when_their_folder_is_given(server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"png")
    turn = Turn(role="patient", text="see", images=(ImageRef(path="a.png"),))
    query = ZH.model_copy(update={"turns": (turn,)})
    server.answer = lambda body: preference("B")
    places = {"judge": Endpoint(base_url=server.url, api_key_env="TEST_KEY")}
    compare([pair(query, "x", "y")], judge("openai"), places, 1, tmp_path / "c", images=tmp_path)
    assert server.bodies[0]["messages"][1]["content"][1]["type"] == "image_url"


def test_grades(server: ChatServer, tmp_path: Path) -> None:
    grades = [dict.fromkeys(DIMENSIONS, 4) | {"reason": ""}, dict.fromkeys(DIMENSIONS, 9)]
    server.answer = lambda body: json.dumps(grades["second" in body["messages"][1]["content"]])
    samples = [Sample(query=ZH, candidate=i, text=t) for i, t in enumerate(["first", "second"])]
    places = {"judge": Endpoint(base_url=server.url, api_key_env="TEST_KEY")}
    found = score(samples, judge("openai"), places, 2, tmp_path)
    assert found[0].scores == dict.fromkeys(DIMENSIONS, 4.0)
    assert found[1].scores is None


def test_a_fenced_answer_is_read_and_prose_is_not() -> None:
    assert read(f"```json\n{preference('B')}\n```", ANSWER) is not None
    assert read("【赢】 of 【赢】/【平】/【输】", ANSWER) is None


SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_real_judge_prose_is_never_taken_for_a_verdict() -> None:
    file = SHARED / "judge_reviews" / "review_gpt35_vicuna-13b.jsonl"
    if not file.is_file():
        pytest.skip("needs shared/data/judge_reviews beside the repository")
    texts = [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]
    assert texts
    assert all(read(text, ANSWER) is None for text in texts)


def test_real_consultations_are_told_apart() -> None:
    file = SHARED / "cmtmedqa" / "CMtMedQA_test.json"
    if not file.is_file():
        pytest.skip("needs shared/data/cmtmedqa beside the repository")
    rows = json.loads(file.read_text(encoding="utf-8"))[:60]
    first = [row["history"][0] for row in rows if row["history"]]
    right = wrong = 0.0
    for (asked, answered), (_, another) in zip(first, first[1:] + first[:1], strict=True):
        query = Query(
            id="q",
            language="zh",
            turns=(Turn(role="patient", text=asked),),
            reference=answered,
        )
        # The second half of the real answer against the second half of another case's answer.
        right += rubric(query, answered[len(answered) // 2 :])["accuracy"]
        wrong += rubric(query, another[len(another) // 2 :])["accuracy"]
    assert right > 3 * wrong
