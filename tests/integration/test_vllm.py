"""CRPO with a real vLLM server: policies are swapped, a judge is asked, nothing is restarted.

`make test-vllm` sets up the server's environment and runs this file.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest

from pulsemind import settings
from pulsemind.artifacts import digest, folder_digest, read_shards
from pulsemind.crpo import loop
from pulsemind.crpo.update import update
from pulsemind.llm import Usage
from pulsemind.model.chat import vision_token_ids
from pulsemind.model.engines import Policy, opened
from pulsemind.model.engines.check import Agreement, agreement, recomputed
from pulsemind.model.engines.server import Running
from pulsemind.model.engines.vllm import SERVED, Vllm
from pulsemind.model.load import load_adapter, load_base, load_processor
from pulsemind.records import Answer, Query, Rollout, Verdict
from tests.conftest import consultation
from tests.integration.conftest import ROOT, Environment, checkout
from tests.integration.conftest import run as flow
from tests.integration.test_crpo_flow import lay_out

PYTHON = Path(os.environ.get("PULSEMIND_VLLM_PYTHON", ROOT / ".venv-vllm/bin/python"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not PYTHON.is_file(), reason=f"there is no vLLM at {PYTHON}: `make test-vllm` sets it up"
    ),
]
COMMAND = [
    # Without `env` a server on a CPU takes most of the memory for its cache.
    *("env", "VLLM_CPU_KVCACHE_SPACE=1", str(PYTHON.absolute())),
    *("-m", "vllm.entrypoints.openai.api_server", "--enforce-eager"),
    # A random model likes to emit white space for ever.
    *("--structured-outputs-config", '{"backend": "guidance", "disable_any_whitespace": true}'),
]
ITERATIONS = 3
PROMPT = 160
"""Tokens of the longest prompt of the flow's."""
FLOW = (sys.executable, "-m", "flows.local", sys.executable, "-m", "flows.crpo")
KEY = "PULSEMIND_TEST_ENGINE_KEY"


@dataclass
class Iteration:
    """What an iteration leaves."""

    policy: Policy
    rollouts: list[Rollout]
    after: Policy
    usage: Usage
    unjudged: int
    served: set[str]
    process: int


@dataclass
class Run:
    """Three iterations at one server, and what it took to make them."""

    iterations: list[Iteration]
    queries: list[Query]
    section: settings.CrpoSettings
    server: Running
    old_names: dict[str, int]
    """The status that each former policy's name answers."""


@pytest.fixture(scope="module")
def section() -> settings.CrpoSettings:
    """The tiny profile's settings, with a vLLM engine and judge."""
    tiny = settings.load(ROOT / "params.yaml", "tiny").stages.crpo
    judge = {"kind": "openai", "model": SERVED, "endpoint": "judge", "orders": "both"}
    return tiny.model_copy(
        update={
            "queries": 4,
            "candidates": 4,
            "oversample": 1.0,
            "max_new_tokens": 160,  # so that some of a random model's replies end: rewards differ
            "max_prompt_length": 6000,  # of the judge's prompts too: it is the same server
            "generation_batch": 16,
            "engine": settings.EngineSettings(kind="vllm"),
            "judge": tiny.judge.model_copy(update=judge),
            "learning_rate": 0.01,
            "batch": 8,
            "global_batch": 16,
        }
    )


@pytest.fixture(scope="module")
def queries() -> list[Query]:
    """Dialogues of one and three turns, half of them with an image."""
    records = [consultation(i) for i in range(4)]
    return [
        Query(id=f"q{i}", language=r.language, turns=r.turns[: 1 + 2 * (i // 2)], reference="ref")
        for i, r in enumerate(records)
    ]


@pytest.fixture(scope="module")
def run(
    base: Path,
    adapter: Path,
    data: Path,
    section: settings.CrpoSettings,
    queries: list[Query],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Run]:
    """The iterations; the server runs until the module's end."""
    work = tmp_path_factory.mktemp("vllm")
    services = settings.load(ROOT / "params.yaml", "tiny").services.model_copy(
        update={"engine": settings.EngineServer(command=COMMAND, start_seconds=900.0)}
    )
    counterparts = [
        Answer(query_id=query.id, model=name, text=text)
        for query in queries
        for name, text in (("terse", "请就诊。"), ("asking", "Where does it hurt?"))
    ]
    policy, done, names = Policy(folder=adapter, digest=folder_digest(adapter)), [], []
    with opened(base, section, services, work) as engine, pytest.MonkeyPatch.context() as patch:
        assert isinstance(engine, Vllm)
        for i in range(ITERATIONS):
            rollouts = list(
                loop.rollout(section, base, policy.folder, policy.digest, data, queries, i, engine)
            )
            server = engine.running(policy)
            patch.setenv(KEY, server.key)
            served = _served(server)
            names.append(next(name for name in served if name != SERVED))
            usage = Usage()
            judge = settings.Endpoint(
                servers=[settings.Server(base_url=server.base_url, api_key_env=KEY)],
                timeout=900.0,
                length_limits=True,
            )
            judged = loop.judge(
                section, queries, rollouts, counterparts, {"judge": judge}, 16,
                work / "responses", data, usage,
            )  # fmt: skip
            rewards, figures = loop.rewards_of(section, judged, rollouts)
            after = work / f"policy-{i + 1}"
            after.mkdir()
            update(
                section, base, policy.folder, adapter, data, queries, rollouts, rewards,
                work / "trainer", after, lambda step, values: None,
            )  # fmt: skip
            new = Policy(folder=after, digest=folder_digest(after))
            assert server.process is not None
            done.append(
                Iteration(
                    policy, rollouts, new, usage, figures.unjudged, served, server.process.pid
                )
            )
            policy = new
        old = {name: _status(server, name) for name in names[:-1]}
        yield Run(done, queries, section, server, old)


def _client(server: Running) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=server.key, max_retries=0)


def _served(server: Running) -> set[str]:
    with _client(server) as client:
        return {model.id for model in client.models.list()}


def _status(server: Running, model: str) -> int:
    with _client(server) as client:
        try:
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": "?"}])
        except openai.APIStatusError as error:
            return error.status_code
    return 200


def _agreement(
    run: Run,
    base: Path,
    data: Path,
    rollouts: list[Rollout],
    adapter: Path,
    queries: list[Query] | None = None,
) -> Agreement:
    own = recomputed(
        load_adapter(load_base(base), adapter), load_processor(base), data, queries or run.queries,
        rollouts, temperature=run.section.temperature,
        max_prompt_length=run.section.max_prompt_length, batch=16,
    )  # fmt: skip
    return agreement(rollouts, own)


def test_engine_and_trainer_agree_at_every_iteration(run: Run, base: Path, data: Path) -> None:
    """Prompt ids are equal (`recomputed` refuses others), log-probabilities to 1e-4 in fp32."""
    for iteration in run.iterations:
        found = _agreement(run, base, data, iteration.rollouts, iteration.policy.folder)
        print(found)
        assert found.rollouts == 16
        assert found.max <= 1e-4


def test_the_new_policy_samples_and_nothing_of_the_old_is_served(
    run: Run, base: Path, data: Path
) -> None:
    for iteration in run.iterations:
        assert len(iteration.served) == 2  # the base and one policy
        assert {r.policy for r in iteration.rollouts} == {iteration.policy.digest}
    policies = [iteration.served - {SERVED} for iteration in run.iterations]
    assert len(set.union(*policies)) == ITERATIONS  # a new name every time
    assert list(run.old_names.values()) == [404] * (ITERATIONS - 1)
    for before, iteration in zip(run.iterations, run.iterations[1:], strict=False):
        stale = _agreement(run, base, data, iteration.rollouts, before.policy.folder)
        assert stale.max > 1e-3  # the old adapter would have said something else


def test_one_server_all_along(run: Run) -> None:
    assert len({iteration.process for iteration in run.iterations}) == 1


def test_the_judge_at_the_server_loses_no_verdict(run: Run) -> None:
    assert [iteration.unjudged for iteration in run.iterations] == [0] * ITERATIONS
    assert all(iteration.usage.requests for iteration in run.iterations)


def test_rollouts_are_whole_and_hold_no_vision_token(run: Run, base: Path) -> None:
    processor = load_processor(base)
    forbidden = set(vision_token_ids(processor))
    end = processor.tokenizer.convert_tokens_to_ids("<|im_end|>")
    for iteration in run.iterations:
        keys = {(r.query_id, r.candidate) for r in iteration.rollouts}
        assert len(keys) == 16
        assert len({r.token_ids for r in iteration.rollouts}) > 8  # n draws, not one copied
        for rollout in iteration.rollouts:
            assert not forbidden & set(rollout.token_ids)
            assert (rollout.token_ids[-1] == end) == (rollout.finish_reason == "stop")
            assert len(rollout.token_ids) <= run.section.max_new_tokens


def test_the_flow_starts_a_server_swaps_its_policies_and_ends_it(
    run: Run,
    environment: Environment,
    base: Path,
    adapter: Path,
    data: Path,
    tmp_path: Path,
) -> None:
    """`flows.crpo` through Prefect, with a judge at a vLLM server that runs elsewhere.

    A step of the server has room for one and a half groups' prompts: more come at once.
    """
    checkout(environment, tmp_path)
    at_judge = {"base_url": run.server.base_url, "api_key_env": KEY}
    room = PROMPT + run.section.max_new_tokens
    services = {
        "engine": {
            "command": [*COMMAND, "--max-num-batched-tokens", str(room)],
            "start_seconds": 600.0,
        },
        "endpoints": {"judge": {**at_judge, "timeout": 600.0, "length_limits": True}},
    }
    sizes = {"iterations": ITERATIONS, "max_prompt_length": PROMPT}
    section = {**run.section.model_dump(mode="json"), **sizes}
    lay_out(tmp_path, base, adapter, data, section, services)
    # The server is one for CPUs, whatever this machine has.
    given = {**environment, KEY: run.server.key, "CUDA_VISIBLE_DEVICES": ""}
    print(flow(given, tmp_path, *FLOW))

    queries = list(read_shards(tmp_path / "data/dataset/queries", Query))
    phases = [tmp_path / f"work/crpo/iteration-000{i}" for i in range(ITERATIONS)]
    policies = [tmp_path / "models/sft2", *(phase / "adapter" for phase in phases)]
    for phase, policy in zip(phases, policies, strict=False):
        rollouts = list(read_shards(phase / "rollouts", Rollout))
        assert {r.policy for r in rollouts} == {digest(policy)}
        found = _agreement(run, base, data, rollouts, policy, queries)
        print(found)
        assert found.rollouts == 16
        assert found.max <= 1e-4
        verdicts = list(read_shards(phase / "verdicts", Verdict))
        assert [bool(v.outcomes) for v in verdicts] == [True] * 64
    log = (tmp_path / "work/crpo/engine/server.log").read_text(encoding="utf-8")
    # A server that is started begins the log anew: this one served all three policies.
    assert log.count('"POST /v1/load_lora_adapter HTTP/1.1" 200') == ITERATIONS
    assert log.count('"POST /v1/unload_lora_adapter HTTP/1.1" 200') == ITERATIONS - 1
    (port,) = set(re.findall(r"http://127\.0\.0\.1:(\d+)", log))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)), timeout=60)
