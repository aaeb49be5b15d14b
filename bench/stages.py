"""The fixed cost of a stage: imports, Prefect, MLflow; no work. `python -m bench.stages [--quick]`

Each stage's flow module is imported in a fresh process, which then runs an empty flow with one
empty task and opens and closes an MLflow run on sqlite, as every stage does. One Prefect server
serves all stages, as under `make demo` (`flows.local`); the last row has a temporary server of its
own, as under a bare `dvc repro`. `--quick` measures one stage.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from prefect.server.api.server import SubprocessASGIServer
from ruamel.yaml import YAML

from bench.table import check, report

LIMIT = 10.0
"""Seconds a stage may cost before it does anything."""
PARTS = ("imports", "prefect", "mlflow")
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


def measure(module: str, environment: dict[str, str], server: str) -> dict[str, Any]:
    """Seconds of an empty stage that imports a flow module: in all, and by part.

    Args:
        environment: names the databases, and a running Prefect server if there is one.
        server: whose server that is, for the table.
    """
    command = [sys.executable, "-c", EMPTY_STAGE, module]
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    seconds = time.perf_counter() - start
    parts = dict(zip(PARTS, json.loads(done.stdout.splitlines()[-1]), strict=True))
    return {"module": module, "server": server, **parts, "seconds": seconds}


def main() -> int:
    """Measure, print and write; returns 1 when a stage costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the CRPO stage only")
    quick = parser.parse_args().quick
    stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
    modules = list(dict.fromkeys(stage["cmd"].split()[2] for stage in stages.values()))
    if quick:
        modules = ["flows.crpo"]
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "PREFECT_HOME": f"{folder}/prefect",
            "PREFECT_RESULTS_LOCAL_STORAGE_PATH": f"{folder}/results",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        }
        os.environ.pop("PREFECT_API_URL", None)
        alone = dict(os.environ)
        measure(modules[0], alone, "")  # makes the databases, which a stage finds ready
        with SubprocessASGIServer() as server:
            shared = {**alone, "PREFECT_API_URL": server.api_url}
            rows = [measure(module, shared, "shared") for module in modules]
        checks = [
            check(f"fixed cost of {row['module']}, seconds", row["seconds"], LIMIT, least=False)
            for row in rows
        ]
        return report("stages", [*rows, measure(modules[-1], alone, "own")], checks)


if __name__ == "__main__":
    sys.exit(main())
