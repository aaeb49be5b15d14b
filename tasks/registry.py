"""The model registry: versions, the two aliases, and what is written onto a version.

Every change is one call to MLflow, and all of them can be repeated: a registration that was killed
between two of them ends, run again, in the same state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from pulsemind import artifacts
from pulsemind.artifacts import ArtifactError
from pulsemind.evaluation.promotion import Decision, markdown

CANDIDATE, CHAMPION = "candidate", "champion"
ADAPTER, BASE = "pulsemind.adapter", "pulsemind.base"
"""Tags of a version: the digests of its adapter and of the base that it was trained on."""
PINNED = "pulsemind.pinned"
"""Tag: the champion that a version is compared with, and the registration's key."""
PREVIOUS = "pulsemind.previous_champion"
"""Tag of a promoted version: whom it replaced, and who comes back when it is rolled back."""
ROLLED_BACK = "pulsemind.rolled_back"
"""Tag: when a version was rolled back; it is not promoted again while it is there."""


class RegistryError(RuntimeError):
    """The registry is not in a state that allows what was asked; the text says what to do."""


@dataclass(frozen=True)
class Registered:
    """The registered model of a name, on one server."""

    client: MlflowClient
    name: str

    def champion(self) -> int | None:
        """The version that holds the alias `champion`, or None."""
        try:
            aliases = self.client.get_registered_model(self.name).aliases
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return int(aliases[CHAMPION]) if CHAMPION in aliases else None

    def tags(self, version: int) -> dict[str, str]:
        """A version's tags."""
        return dict(self.client.get_model_version(self.name, str(version)).tags)

    def tag(self, version: int, values: Mapping[str, str]) -> None:
        """Set tags of a version."""
        for key, value in values.items():
            self.client.set_model_version_tag(self.name, str(version), key, value)

    def alias(self, alias: str, version: int) -> None:
        """Move an alias to a version."""
        self.client.set_registered_model_alias(self.name, alias, str(version))


def add(
    model: Registered, experiment: str, run_id: str, folder: Path, tags: Mapping[str, str]
) -> int:
    """The version that holds this adapter for this base: one that is there, or a new one."""
    client, name = model.client, model.name
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    for found in client.search_model_versions(
        f"name='{name}' and tags.`{ADAPTER}`='{tags[ADAPTER]}'"
    ):
        if found.tags.get(BASE) == tags[BASE]:
            return int(found.version)
    logged = client.create_logged_model(
        experiment, name=name, source_run_id=run_id, tags=dict(tags), model_type="adapter"
    )
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    source = f"models:/{logged.model_id}"
    version = client.create_model_version(
        name, source=source, run_id=run_id, tags=dict(tags), model_id=logged.model_id
    )
    return int(version.version)


def opponent(model: Registered, version: int, key: str) -> int | None:
    """The champion that a version is compared with under a key; None when there is none yet.

    It is noted on the version before anything else happens, so that a registration which was killed
    after it had moved the alias does not compare the version with itself when it goes on.
    """
    now = model.champion()
    pinned = json.loads(model.tags(version).get(PINNED, "{}"))
    if pinned.get("key") == key and now in (pinned["champion"], version):
        champion = pinned["champion"]
        return None if champion is None else int(champion)
    if now != version:
        model.tag(version, {PINNED: json.dumps({"champion": now, "key": key})})
    return now


def record(model: Registered, decision: Decision, run_id: str) -> None:
    """Write a decision with its evidence onto the candidate's version, then move the alias.

    The champion's own version keeps what was written when it was promoted.
    Raises RegistryError when the alias has been moved by somebody else in the meantime; nothing is
    written then.
    """
    if decision.outcome == "same":
        return
    version = decision.candidate
    now = model.champion() if decision.promoted else None
    if decision.promoted and now not in (decision.champion, version):
        raise RegistryError(
            f"{model.name}: the champion became version {now} while version {version} was compared "
            f"with {decision.champion or 'nobody'}; run register again"
        )
    figures = {name: getattr(decision, name) for name in ("win_rate", "low", "high")}
    tags = {
        "pulsemind.decision": decision.outcome,
        "pulsemind.promoted": str(decision.promoted).lower(),
        "pulsemind.reason": decision.reason[:1000],
        "pulsemind.compared_with": str(decision.champion or "nobody"),
        "pulsemind.decision_run": run_id,
        "pulsemind.judge": " · ".join(filter(None, (decision.judge, decision.note))),
        "pulsemind.pairs": str(decision.n),
        **{f"pulsemind.{k}": f"{v:.4f}" for k, v in figures.items() if v is not None},
    }
    model.tag(version, tags)
    model.client.update_model_version(model.name, str(version), markdown(decision)[:5000])
    if not decision.promoted:
        return
    if decision.champion is not None:
        model.tag(version, {PREVIOUS: str(decision.champion)})
    model.alias(CHAMPION, version)


def download(model: Registered, version: int, folder: Path) -> Path:
    """A version's adapter in a folder of its own below `folder`.

    Raises ArtifactError when it is not the adapter that was registered.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = f"models:/{model.name}/{version}"
    path = Path(mlflow.artifacts.download_artifacts(source, dst_path=str(folder)))
    expected = model.tags(version).get(ADAPTER)
    if artifacts.folder_digest(path) != expected:
        raise ArtifactError(
            f"{source} is not the adapter that was registered: its files do not give the digest in "
            f"its tag {ADAPTER}; register that adapter again"
        )
    return path


def roll_back(model: Registered) -> tuple[int, int]:
    """Give the alias `champion` back to the version before; returns (from, to).

    Raises RegistryError when there is no champion, or nobody whom it replaced.
    """
    now = model.champion()
    if now is None:
        raise RegistryError(f"{model.name} has no champion: there is nothing to roll back")
    previous = model.tags(now).get(PREVIOUS)
    if previous is None:
        raise RegistryError(
            f"version {now} of {model.name} replaced no other champion: there is none to go back to"
        )
    try:
        model.tags(int(previous))
    except MlflowException:
        raise RegistryError(
            f"version {previous} of {model.name}, the champion before version {now}, has been "
            f"deleted; set the alias {CHAMPION} by hand"
        ) from None
    model.tag(now, {ROLLED_BACK: datetime.now(UTC).isoformat(timespec="seconds")})
    model.alias(CHAMPION, int(previous))
    return now, int(previous)
