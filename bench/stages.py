"""The fixed cost of a stage: imports, Prefect, MLflow; no work. `python -m bench.stages [--quick]`

Each stage's flow module is imported in a fresh process, which then runs an empty flow with one
empty task on a temporary Prefect server and opens and closes an MLflow run on sqlite, as every
stage does. `--quick` measures one stage.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from pulsemind.artifacts import write_json

LIMIT = 10.0
"""Seconds a stage may cost before it does anything."""
OUT = Path("bench/out/stages.json")
PARTS = ("imports", "prefect", "mlflow")
PACKAGES = ("torch", "transformers", "prefect", "mlflow", "dvc")
EMPTY_STAGE = """
import importlib, json, sys, time

start = time.perf_counter()
importlib.import_module(sys.argv[1])
imported = time.perf_counter()
from prefect import flow, task

@task
def nothing():
    return {}

@flow
def empty():
    nothing()

empty()
ran = time.perf_counter()
from pulsemind import settings
from tasks.tracking import connect

client, experiment = connect(settings.load())
run = client.create_run(experiment)
client.set_terminated(run.info.run_id)
print(json.dumps([imported - start, ran - imported, time.perf_counter() - ran]))
"""


def measure(module: str, folder: str) -> dict[str, Any]:
    """Seconds of an empty stage that imports a flow module: in all, and by part.

    Args:
        folder: keeps Prefect's and MLflow's databases from one stage to the next.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    environment |= {
        "PREFECT_HOME": f"{folder}/prefect",
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": f"{folder}/results",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
    }
    command = [sys.executable, "-c", EMPTY_STAGE, module]
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    seconds = time.perf_counter() - start
    parts = json.loads(done.stdout.splitlines()[-1])
    rounded = {name: round(value, 1) for name, value in zip(PARTS, parts, strict=True)}
    return {"module": module, "seconds": round(seconds, 1), **rounded}


def main() -> int:
    """Measure, print and write; returns 1 when a stage costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the CRPO stage only")
    quick = parser.parse_args().quick
    stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
    modules = list(dict.fromkeys(stage["cmd"].split()[2] for stage in stages.values()))
    with tempfile.TemporaryDirectory() as folder:
        measure(modules[0], folder)  # makes the databases, which a stage finds ready
        rows = [measure(module, folder) for module in (["flows.crpo"] if quick else modules)]
    checks = [
        {
            "what": f"fixed cost of {row['module']}, seconds",
            "value": row["seconds"],
            "limit": LIMIT,
            "holds": row["seconds"] <= LIMIT,
        }
        for row in rows
    ]
    _print(rows)
    write_json(
        OUT,
        {
            "name": "stages",
            "versions": {name: version(name) for name in PACKAGES},
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "rows": rows,
            "checks": checks,
        },
    )
    return 0 if all(check["holds"] for check in checks) else 1


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table("module", *PARTS, "in all", title=f"Seconds a stage costs; limit {LIMIT:.0f}")
    for row in rows:
        figures = [f"{row[name]:.1f}" for name in (*PARTS, "seconds")]
        table.add_row(row["module"], *figures, style="" if row["seconds"] <= LIMIT else "red")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
