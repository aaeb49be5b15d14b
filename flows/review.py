"""The review queue: `python -m flows.review serve | status | export FILE | import FILE`.

The dataset stage writes the queue (`proofread.policy` in params.yaml); physicians work on it on the
page that `serve` shows, or in Label Studio by way of `export` and `import`. Decisions are an input
of the dataset stage: it runs again once there are new ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from pulsemind.data.review import labelstudio
from pulsemind.data.review.apply import status
from pulsemind.data.review.decisions import append
from pulsemind.data.review.server import server
from pulsemind.records import Quarantined, Review

QUEUE = Path("data/review")


def main() -> int:
    """Do what the command line says; 1 when there is no queue or an import has broken entries."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="show the review page on this machine")
    serving.add_argument("--port", type=int, default=0, help="0 takes a free one")
    commands.add_parser("status", help="how far the review is")
    exporting = commands.add_parser("export", help="write the queue as Label Studio tasks")
    exporting.add_argument("file", type=Path)
    importing = commands.add_parser("import", help="read decisions from a Label Studio export")
    importing.add_argument("file", type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.command == "serve":
            return _serve(arguments.port)
        if arguments.command == "export":
            return _export(arguments.file)
        if arguments.command == "import":
            return _import(arguments.file)
        return _status()
    except FileNotFoundError:
        print(f"no queue in {QUEUE}: set proofread.policy and run the dataset stage first")
        return 1


def _serve(port: int) -> int:
    httpd, address = server(QUEUE, port)
    print(f"Open {address} in a browser on this machine; Ctrl-C ends. Decisions are saved at once.")
    try:
        httpd.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        httpd.server_close()
    return 0


def _status() -> int:
    tally = status(QUEUE)
    states = ", ".join(
        f"{tally.states[s]} {s}" for s in ("accepted", "edited", "rejected", "pending")
    )
    Console().print(
        f"{tally.states.total()} dialogues: {states}; {tally.outdated} decisions outdated, "
        f"{len(tally.broken)} unreadable. Agreement of two reviewers (Cohen's kappa): "
        f"{tally.agreement()}"
    )
    return 0


def _export(file: Path) -> int:
    count = labelstudio.write_tasks(QUEUE, file)
    interface = file.with_suffix(".xml")
    interface.write_text(labelstudio.INTERFACE, encoding="utf-8")
    print(f"{count} tasks in {file}, the labelling interface in {interface} (docs/review.md)")
    return 0


def _import(file: Path) -> int:
    found = list(
        labelstudio.from_annotations(json.loads(file.read_text(encoding="utf-8")), file.name)
    )
    count = append(QUEUE, (entry for entry in found if isinstance(entry, Review)))
    broken = [entry for entry in found if isinstance(entry, Quarantined)]
    for entry in broken:
        print(f"{entry.file}, task {entry.index}: {entry.reason}")
    print(f"{count} decisions added, {len(broken)} entries could not be used")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
