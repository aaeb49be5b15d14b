"""A command with one Prefect server for all of it: `python -m flows.local dvc repro`.

Without a server every flow starts a temporary one of its own, which costs more than all else that a
stage costs before it works. Where PREFECT_API_URL names a server, that one is used.
"""

from __future__ import annotations

import os
import subprocess
import sys

from prefect.server.api.server import SubprocessASGIServer


def main(command: list[str]) -> int:
    """Run the command; returns its exit status."""
    if "PREFECT_API_URL" in os.environ:
        return subprocess.run(command, check=False).returncode
    with SubprocessASGIServer() as server:
        environment = {**os.environ, "PREFECT_API_URL": server.api_url}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
