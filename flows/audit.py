"""The judge's audit: `python -m flows.audit measure | export | import FILE...` (docs/audit.md).

It reads what the evaluate stage left and is no stage of the chain: the experts' part takes weeks,
and absolute scores of every reply cost as much as the evaluation did.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pulsemind import settings
from pulsemind.artifacts import ArtifactError
from tasks import audit


def main() -> int:
    """Do what the command line says; 1, with the reasons, when it cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure", help="write metrics/audit.json and audit.md")
    measuring.add_argument(
        "--own", nargs="*", default=[], metavar="MODEL",
        help="compared models that are the judge itself, besides those of the same name",
    )  # fmt: skip
    exporting = commands.add_parser("export", help="write sheets and pages for experts")
    exporting.add_argument("--share", type=float, default=0.1, help="of the pairs (paper: 0.1)")
    exporting.add_argument("--experts", type=int, default=1, help="how many sheets")
    exporting.add_argument("--each", type=int, default=1, help="experts that see one task")
    importing = commands.add_parser("import", help="read filled sheets or saved pages")
    importing.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    wanted = settings.load()
    try:
        if arguments.command == "measure":
            return _measure(wanted, arguments.own)
        if arguments.command == "export":
            for path in audit.export(wanted, arguments.share, arguments.experts, arguments.each):
                print(path)
            return 0
        return _import(arguments.files)
    except (ArtifactError, ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1


def _measure(wanted: settings.Settings, own: list[str]) -> int:
    result = audit.measure(wanted, own)
    print(f"judge {result.judge}: {result.note}" if result.note else f"judge {result.judge}")
    for bias in result.biases:
        print(f"{bias.kind}: {bias.status}: {bias.text}")
    print(f"{audit.RESULT} and {audit.PAGE} hold the figures")
    return 0


def _import(files: list[Path]) -> int:
    count, bad = audit.take_in(files)
    for row in bad:
        print(row, file=sys.stderr)
    if bad:
        print(f"{len(bad)} rows cannot be used: nothing was imported", file=sys.stderr)
        return 1
    print(f"{count} answers imported; `python -m flows.audit measure` counts them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
