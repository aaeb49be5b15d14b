"""Keeps a server for as long as its parent lives: `python keeper.py COMMAND...`.

Run as a script in a session of its own (it imports nothing of ours). When the pipe at its standard
input closes, because the parent is done or was killed by whatever signal, it ends the whole group:
the server and all that the server started. When the server ends by itself it does the same, so that
no worker of a dead server holds a GPU.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

GRACE = 20.0
"""Seconds between asking the group to end and ending it."""


def main(command: list[str]) -> None:
    """Run the command until it ends or standard input closes; ends this process too."""
    # A handler, not SIG_IGN, which the server would inherit.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_watch, daemon=True).start()
    status = server.wait()
    print(f"keeper: the server ended with exit status {status}", flush=True)
    os.killpg(0, signal.SIGKILL)


def _watch() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
