"""The end table, the machine-readable summary, and the plots."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from pulsemind.evaluation.results import Evaluation, QAResult
from pulsemind.evaluation.statistics import pairwise_results
from pulsemind.records import DIMENSIONS
from pulsemind.report import plots
from pulsemind.report.metrics import CrpoMetrics, SummaryRegistry
from pulsemind.report.summary import show, summarise
from tests.unit.test_evaluation_statistics import SETTINGS, verdicts

STEP = {
    "reward": 0.25,
    "reward_std": 0.1,
    "zero_variance": 0.5,
    "outcomes": {d: {"win": 0.2, "tie": 0.5, "loss": 0.3} for d in DIMENSIONS},
    "swap_disagreement": 0.0,
    "unjudged": 0,
    "length": 21.5,
    "guarded": 2,
    "alarms": [],
}
CRPO = {"judge": "offline", "iterations": [STEP, STEP | {"reward": 0.5, "alarms": ["accuracy"]}]}


def qa(low: float, high: float, chance: float | None, name: str = "choice") -> QAResult:
    return QAResult(
        benchmark=name,
        n=60,
        accuracy=(low + high) / 2,
        low=low,
        high=high,
        abstained=3,
        chance=chance,
        scorer="s",
        rules={},
    )


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    given = {
        name: [*verdicts(f"{name}#0", "win", "win"), *verdicts(f"{name}#1", "tie", "loss")]
        for name in ("one", "two")
    }
    results = pairwise_results(given, "policy", SETTINGS)
    evaluation = Evaluation(pairwise=results, qa=[qa(0.2, 0.4, 0.25), qa(0.1, 0.3, None, "open")])
    files = {
        "dataset": {"read": 10, "kept": 6, "quarantined": 1, "dropped": {"exact": 3}, "more": 1},
        "sft1": {
            "train_loss_first": 5.0,
            "train_loss_last": 2.0,
            "validation_loss": 2.5,
            "steps": 9,
            "base": {"loss": 3.25, "low": 3.0, "high": 3.5, "dialogues": 17, "tokens": 99},
            "before": {"loss": 3.25, "low": 3.0, "high": 3.5, "dialogues": 17, "tokens": 99},
            "after": {"loss": 2.5, "low": 2.25, "high": 2.75, "dialogues": 17, "tokens": 99},
        },
        "sft2": {
            "train_loss_first": 2.0,
            "train_loss_last": 1.0,
            "validation_loss": None,
            "steps": 9,
        },
        "crpo": CRPO,
        "evaluation": evaluation.model_dump(),
    }
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def summary(metrics: Path) -> dict[str, object]:
    registry = SummaryRegistry(name="pulsemind", version=3, alias="candidate")
    made = summarise(metrics, "tiny", "sft", registry, {"crpo": 1.5, "sft1": None})
    return dict(json.loads(made.model_dump_json()))


def shown(metrics: Path) -> str:
    console = Console(file=io.StringIO(), width=160)
    show(metrics, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_summary_has_exactly_the_agreed_keys(metrics: Path) -> None:
    found = summary(metrics)
    evaluation = found.pop("evaluation")
    assert found == {
        "profile": "tiny",
        "dataset": {"read": 10, "kept": 6, "quarantined": 1, "dropped": {"exact": 3}},
        "sft": {"stage1_loss": 2.5, "stage2_loss": 1.0},
        "crpo": {"reward": [0.25, 0.5]},
        "qa": {"choice": pytest.approx(0.3), "open": pytest.approx(0.2)},
        "registry": {"name": "pulsemind", "version": 3, "alias": "candidate"},
        "seconds": {"crpo": 1.5, "sft1": None},
    }
    assert isinstance(evaluation, dict)
    assert set(evaluation) == {"win_rate", "low", "high", "n", "judge"}
    # Pooled over both sets: two wins, two losses (a tie and a loss in two orders is a loss).
    assert (evaluation["win_rate"], evaluation["n"], evaluation["judge"]) == (0.5, 4, "offline")


def test_table_says_everything(metrics: Path) -> None:
    (metrics / "summary.json").write_text(json.dumps(summary(metrics)), encoding="utf-8")
    text = shown(metrics)
    for part in (
        "tiny profile",
        "offline judge, not for reporting",
        "dropped: exact",
        "quarantined",
        "2.500",
        "3.000 to 3.500",
        "2.250 to 2.750",
        "0.250",
        "20.0 % -> 20.0 %",
        "proactiveness",
        "policy against sft on all",
        "about chance",
        "25.0 %",
        "20.0 to 40.0",
        "pulsemind version 3 @candidate",
        "from cache",
    ):
        assert part in text, part
    assert "do not add up" not in text


def test_counts_that_do_not_add_up_are_called_out(metrics: Path) -> None:
    (metrics / "dataset.json").write_text(
        '{"read": 10, "kept": 6, "quarantined": 1, "dropped": {}}', encoding="utf-8"
    )
    assert "do not add up" in shown(metrics)


def test_an_empty_folder_shows_what_was_not_run(tmp_path: Path) -> None:
    assert shown(tmp_path).count("not run") == 4
    assert summarise(tmp_path, "tiny", "sft", None, {}).evaluation is None


def test_a_file_of_another_shape_is_named(metrics: Path) -> None:
    (metrics / "sft1.json").write_text('{"loss": 1}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"sft1\.json is no SftLoss"):
        shown(metrics)


def test_plots_are_written_and_repeatable(metrics: Path) -> None:
    results = Evaluation.model_validate_json((metrics / "evaluation.json").read_text()).pairwise
    draw = {
        "sft": lambda path: plots.sft_loss({"stage 1": [(1, 5.0), (2, 4.0)]}, path),
        "crpo": lambda path: plots.crpo(CrpoMetrics.model_validate(CRPO), path),
        "rates": lambda path: plots.win_rates(results, path),
        "empty": lambda path: plots.win_rates([], path),
    }
    for name, one in draw.items():
        one(metrics / "a" / f"{name}.png")
        one(metrics / "b" / f"{name}.png")
        first, second = ((metrics / f / f"{name}.png").read_bytes() for f in "ab")
        assert first == second
        with Image.open(metrics / "a" / f"{name}.png") as image:
            assert len(image.convert("RGB").getcolors(1 << 24) or []) > 2
