"""`params.yaml` -> one frozen `Settings`. Imports neither torch nor any tool.

Every key must be present and well typed: a misspelt, missing or ill-typed one is an error that
names its path. Values live in `params.yaml` alone (there are no defaults here), so that DVC sees
every one of them. The line under a field is its documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from ruamel.yaml import YAML

from pulsemind.settings.answers import Counterpart, CounterpartSettings, Decoding, Judge
from pulsemind.settings.crpo import Correction, CrpoSettings, EngineSettings, Guards, Weights
from pulsemind.settings.data import (
    AnonymiseSettings,
    DatasetSettings,
    ExpandSettings,
    OverlapRule,
    ProofreadSettings,
    RawSettings,
    Source,
    Split,
)
from pulsemind.settings.evaluation import (
    EvaluateSettings,
    OfficialVerdicts,
    Promote,
    QASettings,
    RecordedAnswers,
    RegisterSettings,
    ReportSettings,
)
from pulsemind.settings.model import BaseSettings, Lora, Pretraining, TinyModel
from pulsemind.settings.section import Section
from pulsemind.settings.services import Budget, Endpoint, EngineServer, Server, Services
from pulsemind.settings.sft import SftSettings

__all__ = [
    "AnonymiseSettings",
    "BaseSettings",
    "Budget",
    "Correction",
    "Counterpart",
    "CounterpartSettings",
    "CrpoSettings",
    "DatasetSettings",
    "Decoding",
    "Endpoint",
    "EngineServer",
    "EngineSettings",
    "EvaluateSettings",
    "ExpandSettings",
    "Guards",
    "Judge",
    "Lora",
    "OfficialVerdicts",
    "OverlapRule",
    "Pretraining",
    "Profile",
    "Promote",
    "ProofreadSettings",
    "QASettings",
    "RawSettings",
    "RecordedAnswers",
    "RegisterSettings",
    "ReportSettings",
    "Section",
    "Server",
    "Services",
    "Settings",
    "SettingsError",
    "SftSettings",
    "Source",
    "Split",
    "TinyModel",
    "Weights",
    "load",
    "profiles",
]


class SettingsError(ValueError):
    """`params.yaml` is wrong; the text names each path and what is wrong there."""


class Profile(Section):
    """The stages of one profile, in the order of the chain."""

    raw: RawSettings
    dataset: DatasetSettings
    base: BaseSettings
    sft1: SftSettings
    sft2: SftSettings
    counterparts: CounterpartSettings
    crpo: CrpoSettings
    evaluate: EvaluateSettings
    registry: RegisterSettings = Field(alias="register")
    """Called `register` in the file, a name that pydantic keeps for itself."""
    report: ReportSettings


class Settings(Section):
    """All settings: the profile in use, and the services."""

    profile: str
    """Name of the profile in use."""
    services: Services
    stages: Profile
    """The sections of that profile."""


def profiles(path: Path = Path("params.yaml")) -> list[str]:
    """Names of all profiles in the file."""
    return list(_read(path)["profiles"])


def load(path: Path = Path("params.yaml"), profile: str | None = None) -> Settings:
    """Read and check the settings of one profile (default: the one the file names).

    Raises SettingsError naming each wrong path, as `profiles.tiny.crpo.kl: ...`.
    """
    content = _read(path)
    unknown = set(content) - {"profile", "services", "defaults", "profiles"}
    if unknown:
        raise SettingsError(f"{path}: unknown key {', '.join(sorted(unknown))}")
    name = str(profile or content.get("profile"))
    if name not in content["profiles"]:
        known = ", ".join(content["profiles"])
        raise SettingsError(f"{path}: profile: there is no profile {name!r}; there are {known}")
    try:
        return Settings.model_validate(
            {"profile": name, "services": content["services"], "stages": content["profiles"][name]}
        )
    except ValidationError as error:
        lines = [f"{_where(name, problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise SettingsError(f"{path}:\n  " + "\n  ".join(lines)) from None


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; run from the top of the repository")
    content = YAML(typ="safe").load(path)
    if not isinstance(content, dict) or not isinstance(content.get("profiles"), dict):
        raise SettingsError(f"{path}: needs a mapping with `profiles`")
    return content


def _where(profile: str, location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location]
    if parts and parts[0] == "stages":
        parts = ["profiles", profile, *parts[1:]]
    return ".".join(parts)
