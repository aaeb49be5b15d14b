"""params.yaml is read strictly: whatever is wrong is named by its path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pulsemind.settings import SettingsError, load, profiles

PARAMS = Path(__file__).parents[2] / "params.yaml"
Change = Callable[[dict[str, Any]], None]


def altered(folder: Path, change: Change) -> Path:
    """A copy of params.yaml after a change; anchors are resolved, as a reader would see it."""
    content = YAML(typ="safe").load(PARAMS)
    flat = YAML(typ="safe")
    flat.representer.ignore_aliases = lambda _: True
    path = folder / "params.yaml"
    flat.dump(content, path)
    content = flat.load(path)
    change(content)
    flat.dump(content, path)
    return path


def put(path: str, value: Any) -> Change:
    """Set the key at a dotted path."""

    def change(content: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            content = content[int(parent) if parent.isdigit() else parent]
        content[last] = value

    return change


def drop(path: str) -> Change:
    """Remove the key at a dotted path."""

    def change(content: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            content = content[int(parent) if parent.isdigit() else parent]
        del content[last]

    return change


@pytest.mark.parametrize("name", profiles(PARAMS))
def test_every_profile_parses(name: str) -> None:
    assert load(PARAMS, name).profile == name


def test_the_file_names_the_profile_in_use(tmp_path: Path) -> None:
    assert load(altered(tmp_path, put("profile", "72b"))).profile == "72b"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("profiles.tiny.crpo.klx", put("profiles.tiny.crpo.klx", 0.1)),
        ("profiles.tiny.sft1.lora.rnak", put("profiles.tiny.sft1.lora.rnak", 4)),
        ("profiles.tiny.register.alias", put("profiles.tiny.register.alias", "x")),
        (
            "profiles.tiny.dataset.sources.0.licens",
            put("profiles.tiny.dataset.sources.0.licens", ""),
        ),
        ("profiles.tiny.stage3", put("profiles.tiny.stage3", {})),
        ("services.trackinguri", put("services.trackinguri", "x")),
        ("profils", put("profils", {})),
    ],
)
def test_a_misspelt_key_is_named(tmp_path: Path, path: str, change: Change) -> None:
    with pytest.raises(SettingsError) as error:
        load(altered(tmp_path, change))
    assert path in str(error.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("profiles.tiny.crpo.kl", "0.04"),
        ("profiles.tiny.crpo.kl", -0.1),
        ("profiles.tiny.crpo.iterations", 1.5),
        ("profiles.tiny.crpo.iterations", True),
        ("profiles.tiny.crpo.bf16", "no"),
        ("profiles.tiny.crpo.reward", "compare"),
        ("profiles.tiny.crpo.tie_value", 2.0),
        ("profiles.tiny.sft2.lora.targets", "q_proj"),
        ("profiles.tiny.base.max_pixels", None),
        ("services.workers", 0),
    ],
)
def test_an_ill_typed_or_impossible_value_is_named(tmp_path: Path, path: str, value: Any) -> None:
    with pytest.raises(SettingsError) as error:
        load(altered(tmp_path, put(path, value)))
    assert f"{path}:" in str(error.value)


@pytest.mark.parametrize(
    "path", ["profiles.tiny.crpo.kl", "profiles.tiny.register", "services.experiment"]
)
def test_a_missing_key_is_named(tmp_path: Path, path: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(altered(tmp_path, drop(path)))
    assert f"{path}:" in str(error.value)


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        put("profiles.tiny.crpo.kl", "x")(content)
        put("profiles.tiny.sft1.steps", 0)(content)

    with pytest.raises(SettingsError) as error:
        load(altered(tmp_path, change))
    assert "profiles.tiny.crpo.kl:" in str(error.value)
    assert "profiles.tiny.sft1.steps:" in str(error.value)


def test_an_unknown_profile_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        load(altered(tmp_path, put("profile", "huge")))
    for name in ("huge", *profiles(PARAMS)):
        assert name in str(error.value)


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="top of the repository"):
        load(tmp_path / "params.yaml")


def test_an_anchor_carries_a_value_and_a_profile_may_differ(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = PARAMS.read_text(encoding="utf-8")
    assert text.count("    clip: 0.2\n") == 1
    path.write_text(text.replace("    clip: 0.2\n", "    clip: 0.3\n"), encoding="utf-8")
    assert {name: load(path, name).stages.crpo.clip for name in profiles(path)} == dict.fromkeys(
        profiles(path), 0.3
    )
    assert load(path, "tiny").stages.crpo.kl != load(path, "72b").stages.crpo.kl


def test_editing_one_profile_leaves_the_others(tmp_path: Path) -> None:
    changed = altered(tmp_path, put("profiles.tiny.crpo.kl", 0.5))
    assert load(changed, "tiny").stages.crpo.kl == 0.5
    for name in set(profiles(PARAMS)) - {"tiny"}:
        assert load(changed, name) == load(PARAMS, name)


def test_settings_are_frozen_and_hold_no_key() -> None:
    settings = load(PARAMS)
    with pytest.raises(ValueError, match="frozen"):
        settings.stages.crpo.kl = 1.0  # type: ignore[misc]
    for endpoint in settings.services.endpoints.values():
        for server in endpoint.servers:
            assert server.api_key_env.isidentifier()
            assert server.api_key_env.isupper()
