"""`examples/load_champion.py` on a small base and adapter, from a real registry."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import mlflow
import pytest

from pulsemind.artifacts import write_shards
from pulsemind.evaluation.consultation import turn_queries
from tests.conftest import consultation
from tests.integration.conftest import ROOT
from tests.integration.test_export import register
from tests.integration.test_export import repository as repository  # a fixture


def test_the_champion_answers_about_an_image(
    repository: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register()
    write_shards(repository / "data/dataset/queries", turn_queries(consultation(1)))
    shutil.copytree(data / "images", repository / "data/dataset/images")
    before = mlflow.get_tracking_uri()
    try:
        runpy.run_path(str(ROOT / "examples" / "load_champion.py"))
    finally:
        mlflow.set_tracking_uri(before)
    assert "我胸痛1天了。" in capsys.readouterr().out
