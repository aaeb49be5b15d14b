"""The experts' part of the audit: the sample, the sheet there and back, agreement and kappa."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from pulsemind.evaluation.audit import consistency, experts, sample
from pulsemind.evaluation.audit.experts import Agreement, read_agreements
from pulsemind.evaluation.audit.pairs import JudgedPair, judged_pairs, votes
from pulsemind.evaluation.audit.sample import ExpertTask
from pulsemind.evaluation.audit.scores import discrimination, model_scores
from pulsemind.evaluation.audit.table import markdown
from pulsemind.evaluation.audit.whole import audited
from pulsemind.records import DIMENSIONS, Dimension, ImageRef, Outcome, Query, Turn, Verdict
from pulsemind.settings import EvaluateSettings, Judge

JUDGE = Judge.model_construct(kind="offline", model="rubric")
SETTINGS = EvaluateSettings.model_construct(bootstrap=200, confidence=0.95, seed=1, judge=JUDGE)
OUTCOMES: tuple[Outcome, ...] = ("win", "tie", "loss")


def pair(number: int, outcome: Outcome, against: str = "x", benchmark: str = "talks") -> JudgedPair:
    turn = Turn(
        role="patient", text=f"It hurts, {number}.", images=(ImageRef(path="images/a.png"),)
    )
    query = Query(id=f"c{number}#0", language="en", turns=(turn,), reference="Rest.")
    verdicts = tuple(
        Verdict(
            query_id=query.id,
            candidate=0,
            counterpart=against,
            order=order,
            judge="offline",
            outcomes=dict.fromkeys(DIMENSIONS, outcome),
            overall=outcome,
        )
        for order in ("candidate_first", "counterpart_first")
    )
    return JudgedPair(
        benchmark=benchmark,
        query=query,
        model="crpo",
        against=against,
        text="=SUM(A1) </script><b> please rest and drink a lot",
        against_text="please rest",
        verdicts=verdicts,
    )


PAIRS = [
    pair(i, outcome, against)
    for i, (outcome, against, _) in enumerate(product(OUTCOMES, "xy", range(10)))
]
GRADES: dict[tuple[str, str, str], dict[Dimension, float]] = {
    ("talks", p.query.id, model): dict.fromkeys(DIMENSIONS, value)
    for p in PAIRS
    for model, value in ((p.model, 4.0), (p.against, 3.0 + (p.query.id > "c3")))
}
TASKS = {task.id: task for task in sample.tasks(PAIRS, GRADES, 1)}


def test_the_sample_is_a_tenth_of_every_stratum() -> None:
    drawn = sample.draw(PAIRS, 0.1, 7)
    assert len(drawn) == 6
    assert set(Counter((p.against, p.outcome("overall")) for p in drawn).values()) == {1}
    assert drawn == sample.draw(list(reversed(PAIRS)), 0.1, 7)
    assert drawn != sample.draw(PAIRS, 0.1, 8)


@given(st.floats(0.01, 1), st.integers(0, 3))
def test_the_sample_has_its_size_and_no_pair_twice(share: float, seed: int) -> None:
    drawn = sample.draw(PAIRS, share, seed)
    assert len({p.id for p in drawn}) == len(drawn)
    assert 0 <= len(drawn) - share * len(PAIRS) < 1 + 1e-9


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1])
def test_no_other_share(share: float) -> None:
    with pytest.raises(ValueError, match="share to draw"):
        sample.draw(PAIRS, share, 1)


def test_tasks_name_no_model_and_turn_the_answers_about() -> None:
    kinds = Counter(task.strategy for task in TASKS.values())
    assert kinds == {"relative": 60, "absolute": 120}
    swapped = Counter(t.swapped for t in TASKS.values() if t.strategy == "relative")
    assert min(swapped.values()) > 15
    for task in TASKS.values():
        if task.strategy == "relative":
            first = {"win": "answer 1", "loss": "answer 2", "tie": "equal"}[str(task.judged)]
            if task.swapped and task.judged != "tie":
                first = {"answer 1": "answer 2", "answer 2": "answer 1"}[first]
            assert task.shown["overall"].startswith(first)
            assert (task.answers[0] == "please rest") == task.swapped
        else:
            assert task.shown["overall"] in ("4.0", "3.0")
    shown = sample.sheet(list(TASKS.values())) + sample.page(list(TASKS.values()), {})
    assert "crpo" not in shown


def test_every_task_goes_to_as_many_experts_as_wanted() -> None:
    hands = sample.deal(list(TASKS.values()), 4, 2)
    seen = Counter(task.id for hand in hands for task in hand)
    assert set(seen.values()) == {2}
    assert len(seen) == len(TASKS)
    assert {len(hand) for hand in hands} == {len(TASKS) * 2 // 4}
    with pytest.raises(ValueError, match="2 experts a task, but 1"):
        sample.deal([], 1, 2)


def test_a_sheet_runs_nothing_and_a_page_stays_whole() -> None:
    some = list(TASKS.values())[:6]
    rows = list(csv.DictReader(io.StringIO(sample.sheet(some))))
    assert [row["task"] for row in rows] == [task.id for task in some]
    assert not any(str(cell).startswith(sample.FORMULA) for row in rows for cell in row.values()
                   if cell != "-")  # fmt: skip
    html = sample.page(some, {"images/a.png": "data:image/png;base64,AA"})
    assert "</script><b>" not in html
    data = html.split('type="application/json">')[1].split("</script>")[0]
    assert [task["id"] for task in json.loads(data)] == [task.id for task in some]
    assert json.loads(data)[0]["turns"][0]["images"] == ["data:image/png;base64,AA"]


def filled(task: ExpertTask, expert: str, overall: str = "yes", **more: str) -> dict[str, str]:
    row = {"task": task.id, "expert": expert, **{f"agree_{a}": "yes" for a in task.shown}}
    return {**row, "agree_overall": overall, **more}


def written(folder: Path, rows: list[dict[str, str]], name: str = "back.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        names = ["task", "expert", *(f"agree_{a}" for a in [*DIMENSIONS, "overall"]), "better"]
        writer = csv.DictWriter(handle, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


RELATIVE = [task for task in TASKS.values() if task.strategy == "relative"]
ABSOLUTE = [task for task in TASKS.values() if task.strategy == "absolute"]


def test_answers_come_back(tmp_path: Path) -> None:
    rows = [
        filled(RELATIVE[0], "dr-1"),
        filled(RELATIVE[1], "dr-1", "不同意", better="2"),
        filled(ABSOLUTE[0], "dr-1", "N"),
        {"task": RELATIVE[2].id, "expert": ""},  # not answered yet
    ]
    found, bad = read_agreements(written(tmp_path, rows), TASKS)
    assert bad == []
    assert [(a.agrees["overall"], a.better) for a in found] == [
        (True, ""),
        (False, "2"),
        (False, ""),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**filled(RELATIVE[0], "dr-1"), "task": "unknown"}, "no task of the exported sample"),
        (filled(RELATIVE[0], "Dr. Ada Byron"), "a pseudonym"),
        (filled(RELATIVE[0], "dr-1", agree_accuracy=""), "agree_accuracy: '' is neither"),
        (filled(RELATIVE[0], "dr-1", "perhaps"), "agree_overall: 'perhaps' is neither"),
        (filled(RELATIVE[0], "dr-1", "no", better="3"), "better: '3' is none of"),
        (filled(RELATIVE[0], "dr-1", better="1"), "only for a relative verdict that is wrong"),
        (filled(ABSOLUTE[0], "dr-1", "no", better="1"), "only for a relative verdict"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, row: dict[str, str], reason: str) -> None:
    good = filled(RELATIVE[3], "dr-2")
    found, (bad,) = read_agreements(written(tmp_path, [good, row]), TASKS)
    assert len(found) == 1
    assert str(bad).startswith("back.csv, row 3: ")
    assert reason in str(bad)


def test_a_second_answer_another_file_and_other_bytes_are_bad(tmp_path: Path) -> None:
    twice = written(tmp_path, [filled(RELATIVE[0], "a"), filled(RELATIVE[0], "a", "no")])
    assert "a second answer of a" in str(read_agreements(twice, TASKS)[1][0])
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00task")
    assert "not UTF-8" in str(read_agreements(tmp_path / "x.csv", TASKS)[1][0])
    (tmp_path / "y.csv").write_text("name,answer\n1,2\n")
    assert "no column expert, task" in str(read_agreements(tmp_path / "y.csv", TASKS)[1][0])


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reading(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(data)
    found, _ = read_agreements(path, TASKS)
    assert found == []


def answer(task: ExpertTask, expert: str, agrees: bool, better: str = "") -> Agreement:
    words = dict.fromkeys(task.shown, agrees)
    return Agreement(task=task.id, expert=expert, agrees=words, better=better)


def test_a_new_answer_replaces_the_old_one() -> None:
    old = [answer(RELATIVE[0], "a", True), answer(RELATIVE[0], "b", True)]
    both = experts.merged(old, [answer(RELATIVE[0], "a", False)])
    assert [(a.expert, a.agrees["overall"]) for a in both] == [("a", False), ("b", True)]


def test_experts_verdicts_are_the_candidates() -> None:
    by = {
        (judged, swapped): next(t for t in RELATIVE if t.judged == judged and t.swapped == swapped)
        for judged in OUTCOMES
        for swapped in (False, True)
    }
    cases = [
        (by["win", True], True, "", 1),
        (by["win", False], False, "", 0),
        (by["win", False], False, "2", -1),
        (by["win", True], False, "1", -1),
        (by["loss", True], False, "2", 1),
        (by["tie", False], True, "", 0),
        (by["tie", False], False, "1", 1),
    ]
    for task, agrees, better, expected in cases:
        found = experts.verdicts(TASKS, [answer(task, "a", agrees, better)])
        assert found == {task.pair: expected}
    assert experts.verdicts(TASKS, [answer(by["tie", True], "a", False)]) == {}
    assert experts.verdicts(TASKS, [answer(ABSOLUTE[0], "a", True)]) == {}
    task = by["win", False]
    three = [answer(task, "a", True), answer(task, "b", False, "2"), answer(task, "c", True)]
    assert experts.verdicts(TASKS, three) == {task.pair: 1}


def test_consistency_by_hand_and_the_advantage_in_words() -> None:
    given = [
        *(answer(task, "a", index < 54) for index, task in enumerate(RELATIVE)),
        *(answer(task, "a", index < 60) for index, task in enumerate(ABSOLUTE)),
    ]
    rows = {
        (r.strategy, r.benchmark, r.aspect): r
        for r in consistency.consistency(TASKS, given, SETTINGS)
    }
    assert len(rows) == 2 * 2 * 5
    relative, absolute = rows["relative", "all", "overall"], rows["absolute", "all", "overall"]
    assert (relative.figure.n, relative.figure.value) == (60, pytest.approx(0.9))
    assert (absolute.figure.n, absolute.figure.value) == (120, pytest.approx(0.5))
    assert (relative.figure.published, absolute.figure.published) == (0.861, 0.515)
    assert rows["relative", "talks", "accuracy"].figure.published is None
    found = {a.aspect: a for a in consistency.advantage(TASKS, given, SETTINGS)}
    assert found["overall"].figure.value == pytest.approx(0.4)
    assert found["overall"].text == "experts agree more with relative verdicts"
    assert consistency.consistency(TASKS, [], SETTINGS) == []
    assert consistency.advantage(TASKS, [], SETTINGS) == []


def test_kappa_of_two_experts_is_sklearns() -> None:
    said = {"a": [i % 3 > 0 for i in range(60)], "b": [i % 4 > 0 for i in range(60)]}
    given = [answer(t, name, said[name][i]) for i, t in enumerate(RELATIVE) for name in said]
    found = {(k.statistic, k.aspect): k for k in consistency.kappas(TASKS, given, 0.95)}
    cohen = found["cohen", "overall"]
    assert cohen.experts == ("a", "b")
    assert cohen.figure.value == pytest.approx(cohen_kappa_score(said["a"], said["b"]))
    assert found["fleiss", "overall"].figure.n == 60
    assert consistency.kappas(TASKS, given[::2], 0.95) == []


def test_scores_and_what_is_told_apart() -> None:
    scores = model_scores(GRADES, SETTINGS)
    means = {s.model: s.figure for s in scores if s.aspect == "overall"}
    assert means["crpo"].value == pytest.approx(4.0)
    assert means["crpo"].n == 60
    rows = {d.aspect: d for d in discrimination(PAIRS, GRADES, scores, SETTINGS)}
    whole = rows["overall"]
    assert (whole.models, whole.pairs, whole.highest) == (3, 2, pytest.approx(4.0))
    assert whole.spread == pytest.approx(4.0 - min(m.value or 9 for m in means.values()))
    assert whole.relative == 0  # as many wins as losses against both
    assert whole.absolute == 2


def test_pairs_come_from_replies_and_verdicts() -> None:
    first = PAIRS[0]
    queries = {first.query.id: first.query}
    replies = {"crpo": {first.query.id: first.text}, "x": {first.query.id: first.against_text}}
    found = list(judged_pairs("talks", "crpo", queries, replies, first.verdicts))
    assert found == [first]
    (vote,) = votes(found, {"x"}, {first.id: -1})
    assert (vote.longer, vote.own, vote.expert, vote.case) == (1, -1, -1, "talks/c0")
    with pytest.raises(ValueError, match="without that query or its replies"):
        list(judged_pairs("talks", "crpo", queries, {"crpo": replies["crpo"]}, first.verdicts))


def test_the_whole_audit_is_labelled_and_readable() -> None:
    given = [answer(task, name, True) for task in RELATIVE for name in "ab"]
    result = audited(PAIRS, GRADES, {"x"}, TASKS, given, SETTINGS, "tiny", "tiny profile")
    assert result.note == "offline judge, not for reporting · tiny profile"
    text = markdown(result)
    for part in (result.note, "68.0 (GPT-4", "86.1 (PulseMind paper", "self-preference", "fleiss"):
        assert part in text
    assert type(result).model_validate_json(result.model_dump_json()) == result
