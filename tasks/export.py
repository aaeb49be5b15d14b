"""Where an adapter to export comes from: a folder, or a version of the registered model."""

from __future__ import annotations

from pathlib import Path

import mlflow

from pulsemind import artifacts, settings
from pulsemind.artifacts import ArtifactError
from tasks.tracking import connect

BASE = Path("models/base")


def adapter_folder(source: str, work: Path) -> Path:
    """The folder of an adapter, downloaded into `work` when it is a registered model's.

    Args:
        source: a folder, or an MLflow address: `models:/pulsemind@champion`, `models:/pulsemind/3`.

    Raises ArtifactError when the adapter was trained on another base than models/base.
    """
    folder = Path(source)
    if source.startswith("models:/"):
        connect(settings.load())
        folder = Path(mlflow.artifacts.download_artifacts(source, dst_path=str(work)))
    if (folder / artifacts.MANIFEST).is_file():
        trained_on = artifacts.manifest(folder)["made_by"].get("base")
        if trained_on is not None and trained_on != artifacts.digest(BASE):
            raise ArtifactError(f"{source} was trained on another base than {BASE}")
    return folder
