"""What no single module can promise: layers, light imports, one declaration of the chain."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports
from prefect.cli.deploy._models import (
    ConcurrencyLimitSpec,
    DeploymentConfig,
    PrefectYamlModel,
    RawScheduleConfig,
    WorkPoolConfig,
)
from pydantic import BaseModel
from ruamel.yaml import YAML

from pulsemind import settings

ROOT = Path(__file__).parents[1]
OURS = ("pulsemind", "tasks", "flows", "examples")
TOOLS = ("prefect", "mlflow", "dvc")
# Code that a stage runs and yet need not depend on:
EXEMPT = {
    "pulsemind.settings": "says how params.yaml is read; the values themselves are `params`",
    "tasks.stage": "decides when a stage runs, not what it makes",
    "tasks.tracking": "tells MLflow what was made",
    **dict.fromkeys(OURS, "the package's name, no code"),
}
# Code that no import shows: text files that the package reads.
READ_AS_TEXT = ("pulsemind/prompts",)
# None of these patterns matches its own source.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(?:home|root|Users|work/(?:main|shared))/\w",
    "a registry's address": r"pypi[.]org|pythonhosted[.]|--(?:extra-)?index[-]url|--find[-]links",
    "code from a checkpoint": r"trust_remote_code['\"]?\s*[=:]\s*True",
    "unpickling": r"\bpickle[.]loads?\b|allow_pickle\s*=\s*True|weights_only\s*=\s*False",
}


def read(name: str) -> Any:
    """A YAML file of the repository."""
    return YAML(typ="safe").load(ROOT / name)


def loaded(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@cache
def imports() -> grimp.ImportGraph:
    """Who imports whom among our modules, imports inside functions included."""
    return grimp.build_graph(*OURS, exclude_type_checking_imports=True, cache_dir=None)


def test_the_layers_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_settings_import_without_torch_or_any_tool() -> None:
    heavy = {"torch", "transformers", "numpy", "PIL", *TOOLS}
    assert not loaded("import pulsemind.settings") & heavy


def test_the_library_imports_where_the_tools_are_not_installed() -> None:
    modules = sorted(m for m in imports().modules if m.partition(".")[0] == "pulsemind")
    # None in sys.modules is a package that cannot be found; TRL imports MLflow where it can.
    absent = f"import sys\nsys.modules.update(dict.fromkeys({TOOLS}))\n"
    assert "torch" in loaded(absent + "import " + ", ".join(modules))


def test_every_flow_imports() -> None:
    flows = sorted(m for m in imports().modules if m.startswith("flows."))
    assert "prefect" in loaded("import " + ", ".join(flows))


@pytest.mark.parametrize("name", settings.profiles(ROOT / "params.yaml"))
def test_every_profile_parses(name: str) -> None:
    assert settings.load(ROOT / "params.yaml", name).profile == name


def test_dvc_takes_the_parameters_of_every_profile() -> None:
    stages = {s for p in read("params.yaml")["profiles"].values() for s in p}
    wanted = {p for s in read("dvc.yaml")["stages"].values() for p in s["params"]}
    assert wanted == {f"profiles.${{profile}}.{stage}" for stage in stages}


def test_prefect_yaml_has_no_unknown_key() -> None:
    content = read("prefect.yaml")
    unknown = _unknown(content, PrefectYamlModel, "")
    for number, deployment in enumerate(content["deployments"]):
        at = f"deployments.{number}."
        unknown += _unknown(deployment, DeploymentConfig, at)
        unknown += _unknown(deployment["work_pool"], WorkPoolConfig, f"{at}work_pool.")
        limit = deployment["concurrency_limit"]
        unknown += _unknown(limit, ConcurrencyLimitSpec, f"{at}concurrency_limit.")
        for schedule in deployment["schedules"]:
            unknown += _unknown(schedule, RawScheduleConfig, f"{at}schedules.")
        path, _, flow = deployment["entrypoint"].partition(":")
        assert f"def {flow}(" in (ROOT / path).read_text(encoding="utf-8")
    assert unknown == []


def _unknown(section: dict[str, Any], model: type[BaseModel], at: str) -> list[str]:
    known = {field.alias or name for name, field in model.model_fields.items()}
    return [f"{at}{key}" for key in section if key not in known]


def commands() -> dict[str, dict[str, Any]]:
    """The stages of dvc.yaml."""
    return dict(read("dvc.yaml")["stages"])


@pytest.mark.parametrize("name", commands())
def test_a_stage_depends_on_the_code_that_its_flow_reaches(name: str) -> None:
    stage = commands()[name]
    module = re.fullmatch(r"python -m (flows\.\w+)(?: \w+)?", stage["cmd"])
    assert module, stage["cmd"]
    reached = {module[1], *imports().find_upstream_modules(module[1])}
    counted = {m for m in reached if m not in EXEMPT and not m.startswith("pulsemind.settings.")}
    missing = {m for m in counted if not any(_below(m, dep) for dep in stage["deps"])}
    assert not missing, f"{name}: runs code that dvc.yaml does not list: {sorted(missing)}"


@pytest.mark.parametrize("name", commands())
def test_a_stage_depends_on_no_code_that_its_flow_does_not_reach(name: str) -> None:
    stage = commands()[name]
    module = stage["cmd"].split()[2]
    reached = {module, *imports().find_upstream_modules(module)}
    code = [dep for dep in stage["deps"] if dep.startswith(tuple(f"{top}" for top in OURS))]
    idle = [
        dep
        for dep in code
        if not dep.startswith(READ_AS_TEXT) and not any(_below(m, dep) for m in reached)
    ]
    assert not idle, f"{name}: dvc.yaml lists code that it does not run: {idle}"


def test_what_stages_need_not_depend_on_exists() -> None:
    assert set(EXEMPT) <= imports().modules


def _below(module: str, dependency: str) -> bool:
    path = Path(module.replace(".", "/"))
    declared = Path(dependency)
    return declared.with_suffix("") == path or declared in (path, *path.parents)


def test_no_file_holds_what_must_not_be_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout: what belongs to the repository is unknown")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        if not (ROOT / name).is_file():
            continue
        text = (ROOT / name).read_bytes().decode("utf-8", errors="ignore")
        found += [f"{name}: {what}" for what, at in FORBIDDEN.items() if re.search(at, text)]
    assert found == []
