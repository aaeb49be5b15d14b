"""`python -m flows.export` on a real registry and on folders."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from transformers import AutoModelForImageTextToText

from flows import export
from pulsemind import artifacts, settings
from tasks.tracking import connect
from tests.integration.conftest import ROOT


@pytest.fixture
def repository(base: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings, a base, and an adapter trained on it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    with artifacts.writing(Path("models/base"), "base") as folder:
        shutil.copytree(base, folder, dirs_exist_ok=True)
    trained_on = artifacts.digest(Path("models/base"))
    with artifacts.writing(Path("models/crpo"), "adapter", base=trained_on) as folder:
        shutil.copytree(adapter, folder, dirs_exist_ok=True)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command with arguments."""
    monkeypatch.setattr(sys, "argv", ["export", *arguments])
    return export.main()


def register() -> MlflowClient:
    """Register models/crpo as pulsemind, version 1, alias champion."""
    client, experiment = connect(settings.load())
    client.create_registered_model("pulsemind")
    model = client.create_logged_model(experiment, name="pulsemind")
    client.log_model_artifacts(model.model_id, "models/crpo")
    client.finalize_logged_model(model.model_id, "READY")
    client.create_model_version("pulsemind", source=f"models:/{model.model_id}")
    client.set_registered_model_alias("pulsemind", "champion", "1")
    return client


def test_a_registered_model_and_its_folder_give_the_same_export(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    assert run(monkeypatch, "merged", "models:/pulsemind@champion", "out/alias") == 0
    assert run(monkeypatch, "merged", "models/crpo", "out/folder") == 0
    assert run(monkeypatch, "adapter", "models:/pulsemind/1", "out/adapter") == 0
    assert artifacts.manifest(Path("out/alias")) == artifacts.manifest(Path("out/folder"))
    assert "out/adapter" in capsys.readouterr().out
    AutoModelForImageTextToText.from_pretrained("out/alias")

    assert run(monkeypatch, "merged", "models:/pulsemind@nobody", "out/none") == 1
    assert "nobody" in capsys.readouterr().err


def test_an_adapter_of_another_base_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with artifacts.writing(Path("models/base"), "base") as folder:
        artifacts.write_json(folder / "base.json", {"checkpoint": "a", "max_pixels": 6272})
    assert run(monkeypatch, "merged", "models/crpo", "out/model") == 1
    assert "trained on another base" in capsys.readouterr().err
    assert not Path("out").exists()
