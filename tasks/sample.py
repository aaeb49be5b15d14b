"""Sample data, or the user's own folder, into data/raw."""

from __future__ import annotations

import shutil
from pathlib import Path

from prefect import task

from pulsemind import settings
from pulsemind.artifacts import file_digest, write_json, write_text
from tasks.stage import Produced, produced

RAW = Path("data/raw")
MANIFEST = RAW / "manifest.json"
DECISIONS = Path("data/review/decisions.jsonl")
"""What reviewers decide is an input of the dataset stage; nobody has decided anything at first."""

RECORDED = Path("data/recorded/README.txt")
"""Recorded answers and verdicts are an input of the evaluation; there are none at first."""
HINT = "Files that `evaluate.recorded` and `evaluate.official` name: see docs/evaluation.md.\n"


@task
def fill_raw() -> Produced:
    """Generate the sample data, or copy the folder that `raw.source` names, whole or not at all."""
    from examples.generate import generate

    wanted = settings.load().stages.raw
    temporary = RAW.with_name(".raw")
    shutil.rmtree(temporary, ignore_errors=True)
    if wanted.source == "examples":
        temporary.mkdir(parents=True)
        generate(temporary, wanted.consultations, wanted.seed)
    else:
        _copy(Path(wanted.source), temporary)
    shutil.rmtree(RAW, ignore_errors=True)
    temporary.rename(RAW)
    DECISIONS.parent.mkdir(exist_ok=True)
    DECISIONS.touch()
    write_text(RECORDED, HINT)
    return produced(MANIFEST)


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise FileNotFoundError(f"raw.source: no folder {source}; see docs/data.md for its layout")
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    files = sorted(p for p in target.rglob("*") if p.is_file())
    inventory = {p.relative_to(target).as_posix(): file_digest(p) for p in files}
    write_json(target / MANIFEST.name, {"files": inventory})
