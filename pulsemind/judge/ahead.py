"""The judge's requests in a process of their own, while this one samples.

Both take a core: a client that asks hundreds of requests a second, and a sampler between two
kernels. In one interpreter they would take turns. `python -m pulsemind.judge.ahead` is the other
process: it reads a job, then what is to be judged, a JSON line each, and an empty line as the end;
it writes one line, what that cost and how it ended. When it is told to stop, or its input ends
without the empty line (whoever sampled was killed), it keeps what is answered and drops the rest.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
    """The other process has ended; its last line says why."""


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
        [sys.executable, "-m", "pulsemind.judge.ahead"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TQDM_POSITION": "1"},  # its progress bar stands below ours
        start_new_session=True,  # it ends with its input, not by an interrupt of its own
    ) as process:
        sender = Thread(target=_send, args=(lines, process.stdin, gone), daemon=True)
        sender.start()

        def hand_over(item: Pair | Sample) -> None:
            if gone.is_set():
                raise _Gone("the judge's process has ended")
            lines.put(item.model_dump_json() + "\n")

        try:
            lines.put(job.model_dump_json() + "\n")
            yield hand_over
            lines.put(END)
        except _Gone:
            pass
        except BaseException:
            process.terminate()
            raise
        finally:
            lines.put(None)
            sender.join()
            assert process.stdout is not None
            ended = _ended(process.stdout.read(), process.wait())
            if usage is not None:
                for name, value in ended.usage:
                    setattr(usage, name, value)
    if ended.error:
        raise LlmError(ended.error)


def _send(lines: Queue[str | None], out: IO[bytes], gone: Event) -> None:
    """Write lines until None; when nobody reads any more, only take them away."""
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
    if told:
        return Ended.model_validate_json(told)
    return Ended(usage=Usage(), error=f"the judge's process ended with status {status}")


def _stop(*_: object) -> None:
    raise EOFError


def main() -> None:
    """Be the process."""
    signal.signal(signal.SIGTERM, _stop)
    job = Job.model_validate_json(sys.stdin.buffer.readline())
    usage, error = Usage(), ""
    try:
        with openai.ahead(
            job.settings, job.endpoints, job.concurrency, job.cache, job.images, usage
        ) as ask:
            for line in iter(sys.stdin.buffer.readline, END.encode()):
                if not line:
                    raise EOFError
                item = ITEM.validate_json(line)
                if isinstance(item, Sample):
                    ask(item)
                else:
                    for order in orders(item, job.settings):
                        ask((item, order))
    except EOFError:
        error = "stopped"
    except LlmError as failed:
        error = str(failed)
    except Exception as failed:  # its text may quote what was to be judged
        error = f"the judge's process failed with {type(failed).__name__}"
    sys.stdout.buffer.write(Ended(usage=usage, error=error).model_dump_json().encode())


if __name__ == "__main__":
    main()
