"""Registration, promotion and rollback on a real MLflow store; only the models' talk is made up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML

from flows import rollback
from pulsemind import artifacts, settings
from pulsemind.artifacts import ArtifactError
from pulsemind.records import Provenance, QAItem, Query
from pulsemind.settings import Counterpart
from tasks import evaluate, register, registry
from tasks.registry import CHAMPION, PINNED, PREVIOUS, ROLLED_BACK, Registered, RegistryError
from tasks.tracking import connect
from tests.conftest import consultation
from tests.integration.conftest import ROOT, Environment, commit_all

CASES, ITEMS = 40, 50
CHANGES: tuple[tuple[type, str], ...] = (
    (MlflowClient, "create_registered_model"),
    (MlflowClient, "log_model_artifacts"),
    (MlflowClient, "create_model_version"),
    (MlflowClient, "update_model_version"),
    (Registered, "alias"),
    (Registered, "tag"),
)
Skill = Callable[[int], bool]


def number(query: Query) -> int:
    """The case's or item's number: queries are called c<number>#<turn> and q<number>."""
    return int(query.id[1:].partition("#")[0])


def generator(model: Counterpart, *_: object) -> Callable[[Sequence[Query]], list[str]]:
    """A model that answers well whatever stands in its adapter folder, and badly all else."""
    good = json.loads((Path(str(model.adapter)) / "good.json").read_text())

    def answer(queries: Sequence[Query]) -> list[str]:
        if any(number(q) in good["broken"] and q.id[0] == "q" for q in queries):
            raise ValueError("an item that breaks it")
        return [q.reference if number(q) in good[q.id[0]] else "嗯" for q in queries]

    return answer


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, environment: Environment) -> Path:
    """A repository with settings, benchmarks, a base, and an empty MLflow store."""
    folder = tmp_path_factory.mktemp("registry")
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / ".gitignore").write_text("/work/\n/data/\n/models/\n/metrics/\n")
    commit_all(environment, folder)
    (folder / "work").mkdir()
    MlflowClient(f"sqlite:///{folder}/work/mlflow.db").search_experiments()
    about = {
        "choice": {"kind": "qa", "protocol": "qa", "adapter": "medqa"},
        "talks": {"kind": "consultation", "protocol": "last_turn", "adapter": "cmtmedqa"},
    }
    data = folder / "data" / "dataset"
    artifacts.write_json(data / "benchmarks.json", about)
    artifacts.write_json(data / "manifest.json", {"digest": "0" * 64})
    cases = (consultation(i) for i in range(CASES))
    artifacts.write_shards(data / "benchmarks" / "talks", cases)
    artifacts.write_shards(data / "benchmarks" / "choice", map(item, range(ITEMS)))
    with artifacts.writing(folder / "models" / "base", "base") as base:
        artifacts.write_json(base / "base.json", {"checkpoint": "a"})
    return folder


def item(index: int) -> QAItem:
    """A question whose answer is B."""
    return QAItem(
        id=f"q{index}",
        benchmark="choice",
        kind="choice",
        language="en",
        question=f"Which letter comes second? ({index})",
        options={"A": "the first one", "B": "the other"},
        answer="B",
        provenance=Provenance(source="s", licence="l", file="f", index=index),
    )


@pytest.fixture
def repository(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh copy of it as the working directory; nested tasks run as plain functions."""
    folder = tmp_path / "repository"
    shutil.copytree(template, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("PULSEMIND_RUN", "night")
    monkeypatch.setattr(evaluate, "generator", generator)
    monkeypatch.setattr(register, "once", lambda task, key, *arguments: task.fn(*arguments))
    return folder


def train(talks: Skill, qa: Skill = lambda i: i < 40, broken: Sequence[int] = ()) -> None:
    """Make models/crpo an adapter with these skills, and its evaluation."""
    good = {
        "c": list(filter(talks, range(CASES))),
        "q": list(filter(qa, range(ITEMS))),
        "broken": list(broken),
    }
    base = artifacts.digest(Path("models/base"))
    with artifacts.writing(Path("models/crpo"), "adapter", base=base) as folder:
        artifacts.write_json(folder / "good.json", good)
    own = Counterpart(name="crpo", adapter="models/crpo", endpoint=None, model=None)
    evaluate.answer_with(own, evaluate.EVALUATION / "replies" / "crpo", qa=True, key="own")


def run(key: str) -> dict[str, Any]:
    """Register models/crpo under a key; returns the decision."""
    register.register_adapter.fn(key, "answers")
    return dict(json.loads(register.PROMOTION.read_text()))


def put(key: str, value: object) -> None:
    """Change a setting of the register section."""
    params = YAML(typ="safe").load(Path("params.yaml"))
    params["profiles"]["tiny"]["register"][key] = value
    with Path("params.yaml").open("w", encoding="utf-8") as handle:
        YAML().dump(params, handle)


def model() -> Registered:
    wanted = settings.load()
    return Registered(connect(wanted)[0], wanted.stages.registry.name)


def state() -> dict[str, Any]:
    """Aliases, and each version's tags and description, without times and run ids."""
    known = model()
    found = known.client.search_model_versions(f"name='{known.name}'")
    versions = {
        int(v.version): (
            {k: t for k, t in v.tags.items() if k not in ("pulsemind.decision_run", ROLLED_BACK)},
            v.description,
        )
        for v in found
    }
    aliases = known.client.get_registered_model(known.name).aliases
    return {"aliases": {k: int(v) for k, v in aliases.items()}, "versions": versions}


def never(index: int) -> bool:
    return False


def always(index: int) -> bool:
    return True


def test_the_first_is_champion_and_a_better_one_takes_its_place(repository: Path) -> None:
    train(never)
    first = run("one")
    assert (first["outcome"], first["promoted"], first["champion"]) == ("first", True, None)
    assert state()["aliases"] == {"candidate": 1, "champion": 1}

    train(always)
    second = run("two")
    assert (second["outcome"], second["promoted"]) == ("better", True)
    assert second["low"] > 0.5
    assert second["n"] == CASES
    assert second["note"] == "offline judge, not for reporting"
    assert second["qa"][0]["n"] == ITEMS
    found = state()
    assert found["aliases"] == {"candidate": 2, "champion": 2}
    tags, description = found["versions"][2]
    assert tags["pulsemind.decision"] == "better"
    assert tags["pulsemind.compared_with"] == "1"
    assert tags[PREVIOUS] == "1"
    assert float(tags["pulsemind.low"]) == pytest.approx(second["low"], abs=1e-4)
    assert "offline judge, not for reporting" in tags["pulsemind.judge"]
    assert "Promoted: better" in description
    assert f"n = {CASES}" in description
    summary = json.loads(register.SUMMARY.read_text())
    assert summary["registry"] == {"name": "pulsemind", "version": 2, "alias": "candidate"}
    known = model()
    whole = known.client.download_artifacts(
        known.tags(2)["pulsemind.decision_run"], "promotion.json", str(repository)
    )
    assert json.loads(Path(whole).read_text()) == second


def test_a_worse_one_is_refused(repository: Path) -> None:
    train(always)
    run("one")
    train(never)
    decision = run("two")
    assert (decision["outcome"], decision["promoted"]) == ("worse", False)
    found = state()
    assert found["aliases"] == {"candidate": 2, "champion": 1}
    tags, description = found["versions"][2]
    assert tags["pulsemind.promoted"] == "false"
    assert "Not promoted: worse" in description
    assert PREVIOUS not in tags


def test_what_cannot_be_told_apart_is_refused_by_that_word(repository: Path) -> None:
    train(lambda i: i % 2 == 0)
    run("one")
    train(lambda i: i % 2 == 1)
    decision = run("two")
    assert decision["outcome"] == "not distinguishable"
    assert "not distinguishable" in model().tags(2)["pulsemind.reason"]
    train(lambda i: i % 2 == 0, lambda i: i < 41)  # talks exactly as the champion does
    decision = run("three")
    assert decision["reason"].startswith("not distinguishable: none of 40 judged pairs was decided")
    assert state()["aliases"] == {"candidate": 3, "champion": 1}


def test_a_better_talker_that_forgets_its_facts_is_refused(repository: Path) -> None:
    train(never, always)
    run("one")
    train(always, lambda i: i < 48)
    decision = run("two")
    assert (decision["outcome"], decision["promoted"]) == ("QA fell", False)
    assert "choice falls by 4.0 points" in decision["reason"]
    assert state()["aliases"]["champion"] == 1
    train(always, lambda i: i < 49)
    assert run("three")["promoted"]


def test_a_broken_item_of_either_is_no_error(repository: Path) -> None:
    train(never, broken=[3])
    run("one")
    train(always, broken=[5, 7])
    decision = run("two")
    assert (decision["outcome"], decision["promoted"]) == ("more broken", False)
    assert "2 broken replies, the champion has 1" in decision["reason"]
    assert decision["qa"][0]["n"] == ITEMS - 3  # what both answered
    assert "2 of the candidate, 1 of the champion" in state()["versions"][2][1]
    train(always, broken=[5])
    decision = run("three")
    assert (decision["outcome"], decision["qa"][0]["n"]) == ("better", ITEMS - 2)


def test_the_same_candidate_again_changes_nothing(repository: Path) -> None:
    train(never)
    run("one")
    train(always)
    decision = run("two")
    before = state()
    assert run("two") == decision
    assert state() == before
    assert run("other settings")["outcome"] == "same"
    assert state() == before


def test_the_threshold_of_the_settings_decides(repository: Path) -> None:
    train(never)
    run("one")
    put("promote", {"threshold": 0.999, "qa_margin": 0.02})
    train(always)
    assert run("two")["outcome"] == "not distinguishable"


def test_a_champion_of_another_base_is_not_compared(repository: Path) -> None:
    train(never)
    run("one")
    with artifacts.writing(Path("models/base"), "base") as base:
        artifacts.write_json(base / "base.json", {"checkpoint": "b"})
    train(always)
    decision = run("two")
    assert (decision["outcome"], decision["promoted"]) == ("other base", False)
    assert "version 1, was trained on another base" in decision["reason"]
    assert state()["aliases"] == {"candidate": 2, "champion": 1}


def test_an_altered_champion_is_not_believed(repository: Path) -> None:
    train(never)
    run("one")
    (stored,) = (repository / "work" / "mlartifacts").rglob("good.json")
    stored.write_text("{}")
    train(always)
    with pytest.raises(ArtifactError, match="models:/pulsemind/1 is not the adapter"):
        run("two")
    assert state()["aliases"]["champion"] == 1


def test_rolling_back(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rollback.main() == 1
    assert "no champion" in capsys.readouterr().err
    train(never)
    run("one")
    assert rollback.main() == 1
    assert "version 1 of pulsemind replaced no other" in capsys.readouterr().err
    train(always)
    run("two")
    assert rollback.main() == 0
    assert "champion was version 2, is version 1 again" in capsys.readouterr().out
    assert state()["aliases"] == {"candidate": 2, "champion": 1}
    assert ROLLED_BACK in model().tags(2)
    # What was rolled back by hand does not come back by itself.
    decision = run("two")
    assert decision["outcome"] == "rolled back"
    assert ROLLED_BACK in decision["reason"]
    assert state()["aliases"]["champion"] == 1
    # A third one is compared with the champion that is back.
    train(always, lambda i: i < 45)
    assert run("three")["champion"] == 1
    assert model().tags(3)[PREVIOUS] == "1"


def test_no_way_back_to_a_version_that_is_gone(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(never)
    run("one")
    train(always)
    run("two")
    model().client.delete_model_version("pulsemind", "1")
    assert rollback.main() == 1
    assert "version 1 of pulsemind" in capsys.readouterr().err
    assert state()["aliases"]["champion"] == 2


def test_a_champion_that_somebody_else_moved_is_not_overruled(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(never)
    run("one")
    train(lambda i: i < 5)
    run("two")
    model().alias(CHAMPION, 1)
    train(always)
    judged = register.judged

    def meanwhile(*arguments: Any) -> Any:
        model().alias(CHAMPION, 2)
        return judged(*arguments)

    monkeypatch.setattr(register, "judged", meanwhile)
    with pytest.raises(RegistryError, match="became version 2 while version 3"):
        run("three")
    left = model().tags(3)
    assert not {"pulsemind.promoted", "pulsemind.decision", PREVIOUS} & set(left)
    assert state()["aliases"]["champion"] == 2
    monkeypatch.setattr(register, "judged", judged)
    assert run("three")["champion"] == 2
    assert model().tags(3)[PREVIOUS] == "2"


class Killed(BaseException):
    """What the process would not survive."""


def test_a_registration_killed_anywhere_ends_in_the_same_state(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before every single change of the registry, one after another, and run again."""
    wanted: dict[str, Any] = {}
    stop, ended = 0, False
    while not ended:
        put("name", f"model-{stop}")  # each one has a registered model of its own
        train(never)
        run("one")
        train(always)
        if stop == 0:
            run("two")
            wanted = state()
            assert wanted["aliases"] == {"candidate": 2, "champion": 2}
        else:
            with monkeypatch.context() as patch:
                killing(patch, stop)
                try:
                    run("two")
                    ended = True  # there are fewer changes than that
                except Killed:
                    pass
            run("two")
        assert state() == wanted, f"killed at change {stop}"
        stop += 1
    assert stop > 8


def killing(patch: pytest.MonkeyPatch, count: int) -> None:
    """Stop before change number `count`."""
    left = count

    def wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            return original(*arguments, **named)

        return call

    for owner, name in CHANGES:
        patch.setattr(owner, name, wrapped(getattr(owner, name)))


def test_what_was_pinned_is_the_opponent_until_the_champion_is_another(repository: Path) -> None:
    train(never)
    run("one")
    train(always)
    run("two")
    assert json.loads(model().tags(2)[PINNED]) == {"champion": 1, "key": "two"}
    assert registry.opponent(model(), 2, "two") == 1
    assert registry.opponent(model(), 2, "new key") == 2
