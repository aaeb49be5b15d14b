"""Export a trained model: `python -m flows.export merged models:/pulsemind@champion FOLDER`.

`merged` writes the base with the adapter merged in, `adapter` the adapter alone; docs/export.md
says how to serve either. The model is a folder (`models/crpo`) or a version of the registered
model, by alias or number. It is no stage of the chain: nothing depends on it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from mlflow.exceptions import MlflowException

from pulsemind.artifacts import ArtifactError
from pulsemind.model.export import export_adapter, export_merged
from tasks.export import BASE, adapter_folder


def main() -> int:
    """Do what the command line says; 1, with the reason, when it cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["adapter", "merged"])
    parser.add_argument("model", help="a folder, or models:/NAME@ALIAS, or models:/NAME/VERSION")
    parser.add_argument("out", type=Path, help="folder to write; replaced when it exists")
    arguments = parser.parse_args()
    export = export_merged if arguments.kind == "merged" else export_adapter
    try:
        with tempfile.TemporaryDirectory() as work:
            export(BASE, adapter_folder(arguments.model, Path(work)), arguments.out)
    except (ArtifactError, MlflowException) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments.model} is in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
