"""The judge's requests in a process of their own, while this one samples.

Both take a core: a client that asks hundreds of requests a second, and a sampler between two
kernels. In one interpreter they would take turns. `main` is the other process: it reads a job, then
what is to be judged, a JSON line each, and an empty line as the end; it writes one line, what that
cost and how it ended. When it is told to stop, or nobody reads what it writes any more (whoever
sampled was killed), it keeps what is answered and drops the rest.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import IO

from pydantic import TypeAdapter

from pulsemind.judge import openai
from pulsemind.judge.pairs import Pair, Sample, orders
from pulsemind.llm import LlmError, Usage, most_in_flight
from pulsemind.records import Record
from pulsemind.settings import Endpoint, Judge

COMMAND = [sys.executable, "-c", "from pulsemind.judge.ahead import main; main()"]
END = "\n"
WAITING = 4
"""What may wait to be sent, for each place in flight."""
ITEM: TypeAdapter[Pair | Sample] = TypeAdapter(Pair | Sample)


class Job(Record):
    """What the process is told first; the keys of endpoints are in its environment."""

    settings: Judge
    endpoints: dict[str, Endpoint]
    concurrency: int
    cache: Path
    images: Path | None


class Ended(Record):
    """What the process says last."""

    usage: Usage
    error: str = ""


class _Gone(LlmError):
    """The other process reads no more; its last line says why."""


@contextmanager
def judging(
    settings: Judge,
    endpoints: Mapping[str, Endpoint],
    concurrency: int,
    cache: Path,
    images: Path | None,
    usage: Usage | None,
) -> Iterator[Callable[[Pair | Sample], None]]:
    """Judge in another process what the function given is called with; as `judge.judging`."""
    job = Job(
        settings=settings,
        endpoints=dict(endpoints),
        concurrency=concurrency,
        cache=cache.absolute(),
        images=None if images is None else images.absolute(),
    )
    lines: Queue[str | None] = Queue(WAITING * most_in_flight(endpoints, concurrency))
    gone = Event()
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TQDM_POSITION": "1"},  # its progress bar stands below ours
        start_new_session=True,  # it ends when we say so or end, not by an interrupt of its own
    ) as process:
        assert process.stdout is not None
        sender = Thread(target=_send, args=(lines, process.stdin, gone), daemon=True)
        sender.start()

        def hand_over(item: Pair | Sample) -> None:
            if gone.is_set():
                raise _Gone("the judge's process has ended")
            lines.put(item.model_dump_json() + "\n")

        try:
            lines.put(job.model_dump_json() + "\n")
            with suppress(_Gone):
                yield hand_over
            lines.put(END)
            told = process.stdout.read()
        except BaseException:
            process.terminate()
            raise
        finally:
            lines.put(None)
            sender.join()
    ended = _ended(told, process.returncode)
    if usage is not None:
        usage.count(ended.usage)
    if ended.error:
        raise LlmError(ended.error)


def _send(lines: Queue[str | None], out: IO[bytes], gone: Event) -> None:
    """Write lines until None; when nobody reads any more, only take them away."""
    line: str | None = ""
    try:
        with out:
            while (line := lines.get()) is not None:
                out.write(line.encode())
                out.flush()
    except BrokenPipeError:
        gone.set()
        while line is not None:
            line = lines.get()


def _ended(told: bytes, status: int) -> Ended:
    """The last line of the process, or what can be said without it."""
    with suppress(ValueError):
        return Ended.model_validate_json(told)
    return Ended(usage=Usage(), error=f"the judge's process ended with status {status}")


def main() -> None:
    """Be the process."""
    signal.signal(signal.SIGTERM, _stop)
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # only the last line goes out there
    Thread(target=_watch, args=(out,), daemon=True).start()
    usage, error = Usage(), ""
    try:
        _judge(usage)
    except EOFError:
        error = "stopped"
    except LlmError as failed:
        error = str(failed)
    except Exception as failed:  # its text may quote what was to be judged
        error = f"the judge's process failed with {type(failed).__name__}"
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.close(sys.stdin.fileno())  # whoever still hands over learns of the end; the line may be long
    with suppress(BrokenPipeError), os.fdopen(out, "wb") as told:
        told.write(Ended(usage=usage, error=error).model_dump_json().encode())


def _judge(usage: Usage) -> None:
    """Read the job and what is to be judged. Raises EOFError when that stops before its end."""
    job = Job.model_validate_json(sys.stdin.buffer.readline() or _stop())
    with openai.ahead(
        job.settings, job.endpoints, job.concurrency, job.cache, job.images, usage
    ) as ask:
        for line in iter(sys.stdin.buffer.readline, END.encode()):
            item = ITEM.validate_json(line or _stop())
            if isinstance(item, Sample):
                ask(item)
            else:
                for order in orders(item, job.settings):
                    ask((item, order))


def _watch(out: int) -> None:
    """Stop this process when the other end of a pipe is closed."""
    ends = select.poll()
    ends.register(out, 0)
    ends.poll()
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(*_: object) -> bytes:
    raise EOFError
