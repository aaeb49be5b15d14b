"""What a 4-bit base costs in loss: `python -m bench.quantized [--quick]`, after `make demo`.

Trains stage 2 of the profile in use from a fresh adapter, on the base as it is and on the same base
in 4 bits, with the same seeds, and measures the loss on the held-out dialogues (nats a physician
token) before and after. Runs on a GPU when there is one, where the profile may be a large one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

from bench.table import check, report
from pulsemind import artifacts, settings
from pulsemind.settings import SftSettings
from pulsemind.sft.train import SftResult, train

BASE, DATA = Path("models/base"), Path("data/dataset")
LIMIT = 0.05
"""Nats a token that the 4-bit base may cost after training."""


def with_quantization(value: str | None, folder: Path) -> Path:
    """The demo's base in a folder of its own, held as `value` says."""
    folder.mkdir()
    for file in BASE.resolve().iterdir():
        if file.name != "base.json":
            (folder / file.name).symlink_to(file)
    reference = json.loads((BASE / "base.json").read_text(encoding="utf-8"))
    artifacts.write_json(folder / "base.json", {**reference, "quantization": value})
    return folder


def run(section: SftSettings, base: Path, folder: Path) -> tuple[SftResult, float]:
    """One training run and its seconds."""
    (folder / "out").mkdir(parents=True)
    start = time.perf_counter()
    result = train(
        section, base, None, DATA, "stage2", folder / "work", folder / "out", lambda s, v: None
    )
    return result, time.perf_counter() - start


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed and 20 steps")
    quick = parser.parse_args().quick
    section = settings.load().stages.sft2.model_copy(update={"snapshots": []})
    if quick:
        section = section.model_copy(update={"steps": 20})
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        bases = {v or "full": with_quantization(v, work / f"base-{v}") for v in (None, "nf4")}
        for seed in range(1, 2 if quick else 4):
            for name, base in bases.items():
                seeded = section.model_copy(update={"seed": seed})
                result, seconds = run(seeded, base, work / f"{name}-{seed}")
                rows.append(
                    {
                        "base": name,
                        "seed": seed,
                        "loss of the base": result.base.loss,
                        "loss after training": result.after.loss,
                        "low": result.after.low,
                        "high": result.after.high,
                        "tokens": result.after.tokens,
                        "seconds": seconds,
                    }
                )
    after = {
        name: mean(row["loss after training"] for row in rows if row["base"] == name)
        for name in bases
    }
    cost = check("nats a token that 4 bits cost", after["nf4"] - after["full"], LIMIT, least=False)
    return report("quantized", rows, [cost], f"stage 2, {section.steps} steps from a new adapter")


if __name__ == "__main__":
    sys.exit(main())
