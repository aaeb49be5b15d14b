"""A vLLM server as engine: policies are swapped by name, nothing is restarted between them.

Every policy is loaded under a name of its own, made of its digest, and the one before it is
unloaded. Never in place: vLLM keys its prefix cache by the adapter's name, so that under one name
blocks of the old policy would be reused (vllm-project/vllm #42125).

Log-probabilities are vLLM's raw ones at temperature 1: of the model alone, as a trainer computes
them. At other temperatures they are those it draws from, without the forbidden vision tokens.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import openai
import torch
from anyio.from_thread import start_blocking_portal
from safetensors import safe_open
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from tqdm import tqdm

from pulsemind.model.engines import wire
from pulsemind.model.engines.base import Engine, EngineError, Policy, Sampling
from pulsemind.model.engines.server import Running, started
from pulsemind.model.load import load_processor, read_reference
from pulsemind.records import Query, Rollout
from pulsemind.settings import CrpoSettings, EngineServer

PREFIX = "policy-"
"""Begins the name of every adapter that an engine loads."""
SERVED = "base"
"""Name of the base model at a server that we start."""
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Adapter ranks that vLLM has room for."""
ADMIN_TIMEOUT = 600.0
"""Seconds to load or unload an adapter."""
ATTEMPTS = 3
"""Of what meets a passing fault, with growing waits in between."""


@contextmanager
def opened(base: Path, settings: CrpoSettings, where: EngineServer, work: Path) -> Iterator[Engine]:
    """The engine; a server of ours starts when it first samples, and ends here.

    Raises EngineError when the settings name no server, or the base is one that vLLM would not
    hold as the trainer does.
    """
    if where.base_url is None and not where.command:
        raise EngineError(
            "crpo.engine.kind is vllm: give services.engine.base_url (a server that runs) or "
            "services.engine.command (one to start)"
        )
    if read_reference(base).quantization:
        raise EngineError(
            "a 4-bit base (base.quantization) is not the same at a vLLM server: set "
            "crpo.engine.kind to transformers, or base.quantization to null"
        )
    with ExitStack() as open_until_the_end:
        yield Vllm(base, settings, where, work, open_until_the_end)


class Vllm:
    """Samples at one vLLM server, which belongs to one run at a time."""

    def __init__(
        self, base: Path, settings: CrpoSettings, where: EngineServer, work: Path, stack: ExitStack
    ) -> None:
        self._base, self._settings, self._where = base, settings, where
        self._work, self._stack = work, stack
        self._processor: Any = None
        self._running: Running | None = None

    def running(self, policy: Policy) -> Running:
        """The server, started or found when it is first asked for; `policy` says how much room
        adapters need."""
        if self._running is None:
            self._processor = load_processor(self._base)
            if self._where.base_url is not None:
                key = _key(self._where.api_key_env)
                self._running = Running(self._where.base_url.rstrip("/"), key)
            else:
                command = [*self._where.command, *self._options(policy)]
                self._running = self._stack.enter_context(
                    started(
                        command,
                        {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_NO_USAGE_STATS": "1"},
                        self._work / "server.log",
                        self._where.start_seconds,
                    )
                )
        return self._running

    def sample(
        self, policy: Policy, data: Path, queries: Sequence[Query], sampling: Sampling
    ) -> Iterator[Rollout]:
        """See `Engine`. Sampling goes on while the caller works on what it was given; a caller
        that stops early ends it."""
        running = self.running(policy)
        name = serve(running, policy)
        groups: SimpleQueue[list[Rollout] | None] = SimpleQueue()
        with start_blocking_portal() as portal:
            work = portal.start_task_soon(
                self._sample_all, running, name, policy, data, queries, sampling, groups.put
            )
            work.add_done_callback(lambda _: groups.put(None))
            try:
                with tqdm(total=len(queries), desc="rollout", unit="query") as bar:
                    while (group := groups.get()) is not None:
                        bar.update()
                        yield from group
                work.result()
            finally:
                work.cancel()

    async def _sample_all(
        self,
        running: Running,
        name: str,
        policy: Policy,
        data: Path,
        queries: Sequence[Query],
        sampling: Sampling,
        put: Callable[[list[Rollout]], None],
    ) -> None:
        """Ask for every query's group, `sampling.batch` sequences at once."""
        waiting = iter(queries)
        async with openai.AsyncOpenAI(
            base_url=running.base_url,
            api_key=running.key,
            max_retries=ATTEMPTS - 1,
            timeout=self._where.timeout,
        ) as client:

            async def work() -> None:
                for query in waiting:
                    asked = wire.prompt(self._processor, query, data, sampling.max_prompt_length)
                    body = wire.body(self._processor, asked, data, sampling, name)
                    completion = await _ask(client, body, query.id, running)
                    put(wire.group(self._processor, asked, completion, sampling, policy.digest))

            try:
                async with asyncio.TaskGroup() as workers:
                    for _ in range(max(1, sampling.batch // sampling.candidates)):
                        workers.create_task(work())
            except BaseExceptionGroup as errors:
                raise errors.exceptions[0] from None

    def _options(self, policy: Policy) -> list[str]:
        """Arguments of the server: the base as the trainer sees it, room for this policy."""
        reference, settings = read_reference(self._base), self._settings
        rank = json.loads((policy.folder / "adapter_config.json").read_text("utf-8"))["r"]
        with safe_open(policy.folder / "adapter_model.safetensors", "pt") as adapter:
            vision = any(".visual." in name for name in adapter.keys())  # noqa: SIM118
        temperature_one = settings.temperature == 1.0
        options: dict[str, str | int] = {
            "--model": reference.checkpoint or str(self._base.resolve()),
            "--served-model-name": SERVED,
            "--dtype": "bfloat16" if settings.bf16 else "float32",
            "--max-model-len": settings.max_prompt_length + settings.max_new_tokens,
            "--max-num-seqs": max(settings.generation_batch, settings.candidates),
            "--logprobs-mode": "raw_logprobs" if temperature_one else "processed_logprobs",
            "--generation-config": "vllm",
            "--mm-processor-kwargs": json.dumps({"size": wire.image_size(self._processor)}),
            "--max-lora-rank": min((r for r in RANKS if r >= rank), default=rank),
            "--max-loras": 2,  # the next policy is loaded before the old one is unloaded
            "--seed": settings.seed,
        }
        if reference.revision:
            options["--revision"] = reference.revision
        flags = ["--enable-lora", *(["--enable-tower-connector-lora"] if vision else [])]
        if not torch.cuda.is_available():
            # On a CPU vLLM (0.32) dies of a prompt in chunks that has a seed ("CPU Generator does
            # not use offset"): as soon as more prompts arrive than fit one of its steps.
            flags.append("--no-enable-chunked-prefill")
        return [*(str(word) for option in options.items() for word in option), *flags]


def serve(running: Running, policy: Policy) -> str:
    """Make the server serve this policy and no other; returns its name there.

    Loads it under its own name, unless a run that was killed has done so, unloads every other
    policy, and looks at what is served in the end. Raises EngineError when that is not it.
    """
    name = PREFIX + policy.digest[:16]
    swap = Retrying(  # as a whole: what an attempt has done, the next one finds
        retry=retry_if_exception_type(openai.APIConnectionError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(max=10),
        reraise=True,
    )
    try:
        after = swap(_swap, running, name, policy.folder)
    except openai.APIStatusError as error:
        raise EngineError(
            f"the server refuses to swap policies ({error.status_code}: {error.message}); it must "
            "run with --enable-lora, room for the adapter's rank, and "
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, and see the adapter under the same path"
        ) from None
    except openai.OpenAIError as error:
        raise EngineError(
            f"no answer to a swap of policies ({type(error).__name__}): {running.state()}"
        ) from None
    if after != {name}:
        raise EngineError(
            f"the server should serve {name} and serves {', '.join(sorted(after)) or 'no policy'}: "
            "a vLLM server belongs to one run at a time"
        )
    return name


def _swap(running: Running, name: str, folder: Path) -> set[str]:
    """Load what is missing, unload what is not wanted; returns the policies served then."""
    with openai.OpenAI(
        base_url=running.base_url, api_key=running.key, max_retries=0, timeout=ADMIN_TIMEOUT
    ) as client:
        before = _policies(client)
        if name not in before:
            body = {"lora_name": name, "lora_path": str(folder.resolve())}
            client.post("/load_lora_adapter", cast_to=str, body=body)
        for old in sorted(before - {name}):
            client.post("/unload_lora_adapter", cast_to=str, body={"lora_name": old})
        return _policies(client)


def _policies(client: openai.OpenAI) -> set[str]:
    return {model.id for model in client.models.list() if model.id.startswith(PREFIX)}


async def _ask(
    client: openai.AsyncOpenAI, body: dict[str, Any], query: str, running: Running
) -> Any:
    """One request; errors name the query and never what was asked."""
    try:
        return await client.chat.completions.create(**body)
    except openai.APITimeoutError:
        reason = f"no answer in {client.timeout:g} s (services.engine.timeout)"
    except openai.APIConnectionError:
        reason = "no connection"
    except openai.APIStatusError as error:
        about = error.param or ""  # the message itself may quote what was asked
        reason = f"status {error.status_code}" + (f" for {about}" if about.isidentifier() else "")
    except (openai.OpenAIError, ValueError):
        reason = "not the chat API's answer"
    raise EngineError(f"query {query}: {reason}; {running.state()}")


def _key(variable: str | None) -> str:
    if variable is None:
        return "none"
    key = os.environ.get(variable)
    if not key:
        raise EngineError(
            f"services.engine.api_key_env: environment variable {variable} is not set"
        )
    return key
