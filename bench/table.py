"""What every bench shares: the checks, the table, the JSON file."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pulsemind.artifacts import write_json

PACKAGES = (
    "torch", "transformers", "peft", "accelerate", "trl", "prefect", "mlflow", "dvc",
    "presidio-analyzer", "jieba", "rensa", "datasketch", "rapidocr", "onnxruntime",
)  # fmt: skip


def check(what: str, value: float, limit: float, least: bool) -> dict[str, Any]:
    """A check of a bench: `value` must be at least, or at most, `limit`."""
    holds = value >= limit if least else value <= limit
    sign = ">=" if least else "<="
    return {"what": f"{what} {sign} {limit}", "value": value, "limit": limit, "holds": holds}


def versions() -> dict[str, str]:
    """Versions of the packages that results depend on; those not installed are left out."""
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def report(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    checks: Sequence[dict[str, Any]],
    note: str = "",
    out: Path | None = None,
) -> int:
    """Print rows and checks, write `out`, or `bench/out/NAME.json`; 1 when a check fails."""
    console = Console(width=160)
    table = Table(title=name, caption=note or None)
    for column in rows[0]:
        table.add_column(column, justify="left" if isinstance(rows[0][column], str) else "right")
    for row in rows:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(table)
    for entry in checks:
        mark = "holds" if entry["holds"] else "FAILS"
        console.print(f"{mark}: {entry['what']} (seen {entry['value']:.3f})")
    machine = {"cores": os.cpu_count(), "system": platform.platform(terse=True)}
    torch = sys.modules.get("torch")  # what has not used it has no need of 0.5 GB for a name
    if torch and torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    content = {"name": name, "note": note, "versions": versions(), "machine": machine}
    console.print(" ".join(f"{package}=={number}" for package, number in versions().items()))
    write_json(
        out or Path(f"bench/out/{name}.json"),
        {**content, "rows": list(rows), "checks": list(checks)},
    )
    return 0 if all(entry["holds"] for entry in checks) else 1
