"""`python -m flows.audit` on an evaluation's artifact; the experts' page in a real browser."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from flows import audit as command
from pulsemind import artifacts, settings
from pulsemind.evaluation.audit.results import AuditResult
from pulsemind.evaluation.consultation import Reply, last_turn_queries, pair_up
from pulsemind.judge import compare
from tasks import audit
from tests.conftest import consultation
from tests.integration.conftest import ROOT
from tests.integration.test_review_page import ARGUMENTS, BROWSERS, CHROMIUM, PATIENCE

MODELS = {"crpo": "请立即就诊，并做心电图检查。", "sft": "好的。", "other": "请立即就诊。"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which an evaluation of three models has run."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    wanted = settings.load()
    data, out = Path("data/dataset"), Path("data/evaluation")
    cases = [consultation(i) for i in range(20)]
    artifacts.write_json(
        data / "benchmarks.json", {"talks": {"kind": "consultation", "protocol": "last_turn"}}
    )
    artifacts.write_shards(data / "benchmarks" / "talks", cases)
    (data / "images").mkdir()
    for number in range(2):
        Image.new("RGB", (80, 60), (90, 90, 40 * number)).save(data / f"images/{number}.png")
    queries = last_turn_queries(cases)
    replies = {name: [Reply(query=q, text=text) for q in queries] for name, text in MODELS.items()}
    with artifacts.writing(out, "evaluation") as folder:
        pairs = [
            p for o in ("sft", "other") for p in pair_up(queries, replies["crpo"], replies[o], o)
        ]
        verdicts = compare(pairs, wanted.stages.evaluate.judge, {}, 1, Path("work"))
        artifacts.write_shards(folder / "verdicts" / "talks", verdicts)
        for name, said in replies.items():
            artifacts.write_shards(folder / "replies" / name / "talks", said)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["audit", *arguments])
    return command.main()


def result() -> AuditResult:
    return AuditResult.model_validate_json(audit.RESULT.read_text(encoding="utf-8"))


def test_measure_export_import_and_measure_again(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "measure", "--own", "other") == 0
    said = capsys.readouterr().out
    assert "offline judge, not for reporting" in said
    assert "position: not found" in said
    first = result()
    assert (first.pairs, first.own, first.consistency) == (40, ("other",), [])
    assert first.swap_disagreement.value == 0  # the offline judge knows no order
    assert {b.kind: b.status for b in first.biases}["position"] == "not found"
    assert {s.model for s in first.scores} == set(MODELS)
    assert audit.PAGE.read_text(encoding="utf-8").startswith("# Audit of the judge offline")

    assert run(monkeypatch, "import", "none.csv") == 1
    assert "flows.audit export" in capsys.readouterr().err
    assert run(monkeypatch, "export", "--share", "0.2", "--experts", "2", "--each", "2") == 0
    sheets = [audit.SHEETS / f"expert-{i}.csv" for i in (1, 2)]
    assert str(sheets[0]) in capsys.readouterr().out
    for number, sheet in enumerate(sheets):
        fill(sheet, f"dr-{number}")
    sheets[1].write_text(sheets[1].read_text("utf-8-sig").replace("dr-1", "dr 1", 1), "utf-8-sig")
    assert run(monkeypatch, "import", *map(str, sheets)) == 1
    error = capsys.readouterr().err
    assert "expert-2.csv, row 2: column expert" in error
    assert "nothing was imported" in error
    assert not audit.AGREEMENTS.exists()
    fill(sheets[1], "dr-1")
    for _ in range(2):  # a second import changes nothing
        assert run(monkeypatch, "import", *map(str, sheets)) == 0
    assert run(monkeypatch, "measure") == 0
    again = result()
    relative = [c for c in again.consistency if c.strategy == "relative" and c.benchmark == "all"]
    assert all(c.figure.value == 1 and c.experts == 2 for c in relative)
    assert again.kappas
    checked = next(b for b in again.biases if b.kind == "length").experts
    assert checked is not None
    assert checked.excess.value == 0


def fill(sheet: Path, expert: str) -> None:
    """Agree with everything."""
    with sheet.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        row["expert"] = expert
        row |= {k: "yes" for k in row if k.startswith("agree_")}
    with sheet.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_what_is_not_there_is_said(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "measure", "--own", "nobody") == 1
    assert "no model 'nobody' was compared" in capsys.readouterr().err
    assert run(monkeypatch, "export", "--share", "2") == 1
    assert "share to draw" in capsys.readouterr().err
    shutil.rmtree("data/evaluation")
    assert run(monkeypatch, "measure") == 1
    assert "run the evaluate stage first" in capsys.readouterr().err


@pytest.mark.skipif(CHROMIUM is None, reason=f"no browser: none of {', '.join(BROWSERS)}")
def test_an_experts_page_saves_what_the_import_reads(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, "export", "--share", "0.05") == 0
    tasks = [json.loads(line) for line in audit.TASKS.read_text(encoding="utf-8").splitlines()]
    saved = repository / "saved.csv"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE
        )
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((audit.SHEETS / "expert-1.html").resolve().as_uri())
        page.click("#save")
        assert "pseudonym" in page.inner_text("#note")
        page.fill("#expert", "dr-9")
        for task in tasks:
            for aspect in task["shown"]:
                value = "no" if aspect == "overall" and task["strategy"] == "relative" else "yes"
                page.click(f"button[data-name='{aspect}'][data-value='{value}']")
            if task["strategy"] == "relative":
                page.click("button[data-name='better'][data-value='tie']")
            page.click("#next")
        with page.expect_download() as download:
            page.click("#save")
        download.value.save_as(saved)
        browser.close()
    assert errors == []
    assert run(monkeypatch, "import", str(saved)) == 0
    lines = audit.AGREEMENTS.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(tasks)
    assert {json.loads(line)["better"] for line in lines} == {"", "tie"}
