"""Child processes that no test leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

import psutil

HANG = 800
"""Seconds after which a process hangs: a guard below pytest's own, not a measure of speed."""


def outputs(process: subprocess.Popen[str], seconds: float = HANG) -> tuple[str, str | None]:
    """Wait for a process that leads a session of its own; what it wrote to its two pipes.

    Whatever ends the wait early (the guard, pytest's time limit, Ctrl-C) ends also all that
    the process started; the guard fails the test and shows what was written until then.
    """
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        written = process.communicate(timeout=120)
        raise AssertionError(f"still running after {seconds} s:\n{written}") from None
    except BaseException:
        kill(process)
        raise


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process, its group, and descendants: torchrun's workers have sessions of their own."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
