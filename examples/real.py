"""The chain on real public sets: `python -m examples.real FOLDER`, or `make demo-real DATA=FOLDER`.

Runs the tiny-real profile of the committed code in a worktree of its own (`work/real`), so that
neither the settings nor the results of this one change.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pulsemind import settings

PROFILE = "tiny-real"
WORKTREE = Path("work/real")
ORIGIN = """\
CMtMedQA_test.json and huatuo26M_test.json: github.com/SupritYoung/Zhongjing, folder data
medqa_input.jsonl and medmcqa_input.jsonl: github.com/TsinghuaC3I/MedXpertQA, folder eval/data"""


def main() -> int:
    """Check the folder, lay out the worktree, run `dvc repro` there and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="holds the sets, a folder each")
    folder = parser.parse_args().folder
    wanted = sorted({s.path for s in settings.load(profile=PROFILE).stages.dataset.sources})
    missing = [path for path in wanted if folder is None or not (folder / path).is_file()]
    if missing:
        print(f"demo-real needs DATA=FOLDER with these files; missing: {', '.join(missing)}")
        print(ORIGIN)
        return 2
    _worktree()
    for path in wanted:
        target = WORKTREE / "data" / "real" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, target)
    params = WORKTREE / "params.yaml"
    text = params.read_text(encoding="utf-8")
    params.write_text(text.replace("profile: tiny\n", f"profile: {PROFILE}\n", 1), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(WORKTREE.absolute())}
    for command in (["flows.local", "dvc", "repro"], ["pulsemind.report.summary"]):
        subprocess.run([sys.executable, "-m", *command], cwd=WORKTREE, env=environment, check=True)
    return 0


def _worktree() -> None:
    if subprocess.run(["git", "diff", "--quiet", "HEAD"], check=False).returncode:
        print("note: uncommitted changes are not part of this run")
    if WORKTREE.is_dir():
        commands = [["git", "-C", str(WORKTREE), "checkout", "--quiet", "--force", "--detach"]]
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        )
        commands[0].append(head.stdout.strip())
    else:
        commands = [
            ["git", "worktree", "prune"],
            ["git", "worktree", "add", "--quiet", "--detach", str(WORKTREE), "HEAD"],
        ]
    for command in commands:
        subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
