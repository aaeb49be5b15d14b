"""The engines: what a vLLM server is asked and held to, and how one is started and ended."""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from PIL import Image

from pulsemind import settings
from pulsemind.artifacts import ArtifactError, folder_digest
from pulsemind.model.chat import encode, vision_token_ids
from pulsemind.model.engine import sample
from pulsemind.model.engines import EngineError, Policy, Sampling, keeper, opened, sampling
from pulsemind.model.engines.check import agreement, recomputed
from pulsemind.model.engines.server import started
from pulsemind.model.load import load_adapter, load_base, load_processor, write_reference
from pulsemind.records import Query, Rollout
from tests.conftest import consultation
from tests.unit import vllm_server
from tests.unit.vllm_server import Body, VllmServer, serving

ROOT = Path(__file__).parents[2]
G = 3
GUARD = 300.0
"""Seconds after which a test is stuck."""
PROGRAM = [sys.executable, str(Path(vllm_server.__file__))]


@pytest.fixture(scope="module")
def section() -> settings.CrpoSettings:
    tiny = settings.load(ROOT / "params.yaml", "tiny").stages.crpo
    return tiny.model_copy(
        update={
            "engine": settings.EngineSettings(kind="vllm"),
            "candidates": G,
            "max_new_tokens": 8,
            "max_prompt_length": 200,
            "generation_batch": 2 * G,
        }
    )


@pytest.fixture(scope="module")
def queries() -> list[Query]:
    """An English one without and a Chinese one with an image, then longer ones."""
    return [
        Query(
            id=f"q{i}", language="en", turns=consultation(i).turns[: 1 + 2 * (i // 2)], reference=""
        )
        for i in range(4)
    ]


@pytest.fixture(scope="module")
def processor(base: Path) -> Any:
    return load_processor(base)


@pytest.fixture
def policy(adapter: Path) -> Policy:
    return Policy(folder=adapter, digest=folder_digest(adapter))


def services(**engine: Any) -> settings.Services:
    wanted = settings.load(ROOT / "params.yaml", "tiny").services
    return wanted.model_copy(update={"engine": settings.EngineServer(**engine)})


def prompt_ids(processor: Any, body: Body) -> list[int]:
    """The tokens of a request as a server makes them: from what was sent alone."""
    images, chat = [], []
    for message in body["messages"]:
        parts = []
        for part in message["content"]:
            if part["type"] == "image_url":
                kind, _, data = part["image_url"]["url"].partition(";base64,")
                assert kind == "data:image/png"
                images.append(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
                parts.append({"type": "image"})
            else:
                parts.append(part)
        chat.append({"role": message["role"], "content": parts})
    text = processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    made = processor(text=[text], images=images or None)
    return list(made["input_ids"][0])


def completions(processor: Any) -> Callable[[Body], Body]:
    """A server's answers: candidate c says c + 1 tokens and ends, the last one is cut."""
    end = processor.tokenizer.convert_tokens_to_ids("<|im_end|>")

    def answer(body: Body) -> Body:
        choices = []
        for c in reversed(range(body["n"])):
            ids = [300 + c] * (c + 1) + ([end] if c < body["n"] - 1 else [])
            content = [
                {"token": "x", "logprob": -0.5 - i, "top_logprobs": []} for i in range(len(ids))
            ]
            choices.append(
                {
                    "index": c,
                    "finish_reason": "stop" if ids[-1] == end else "length",
                    "message": {"role": "assistant", "content": "whatever"},
                    "logprobs": {"content": content},
                    "token_ids": ids,
                }
            )
        made = prompt_ids(processor, body)
        return {"id": "1", "object": "chat.completion", "model": body["model"], "choices": choices,
                "prompt_token_ids": made}  # fmt: skip

    return answer


@pytest.fixture
def server(processor: Any) -> Iterator[VllmServer]:
    with serving(completions(processor)) as running:
        yield running


@pytest.fixture
def ask(
    base: Path, data: Path, section: settings.CrpoSettings, queries: list[Query],
    server: VllmServer, policy: Policy, tmp_path: Path,
) -> Callable[..., list[Rollout]]:  # fmt: skip
    """Sample at the server, by a policy or several."""

    def sampled(*policies: Policy) -> list[Rollout]:
        found: list[Rollout] = []
        with opened(base, section, services(base_url=server.url), tmp_path) as engine:
            for i, one in enumerate(policies or (policy,)):
                found += engine.sample(one, data, queries, sampling(section, i))
        return found

    return sampled


def test_rollouts_are_what_the_server_said(ask, queries, data, processor, policy) -> None:
    rollouts = ask()
    end = processor.tokenizer.convert_tokens_to_ids("<|im_end|>")
    by_key = {(r.query_id, r.candidate): r for r in rollouts}
    assert set(by_key) == {(q.id, c) for q in queries for c in range(G)}
    for (query_id, c), rollout in by_key.items():
        query = next(q for q in queries if q.id == query_id)
        own = encode(processor, [query.turns], data, reply=True)["input_ids"][0].tolist()
        assert list(rollout.prompt_ids) == own
        assert rollout.policy == policy.digest
        ids = [300 + c] * (c + 1)
        assert list(rollout.token_ids) == ([*ids, end] if c < G - 1 else ids)
        assert rollout.logprobs == tuple(-0.5 - i for i in range(len(rollout.token_ids)))
        assert rollout.finish_reason == ("stop" if c < G - 1 else "length")
        assert rollout.text == processor.tokenizer.decode(ids).strip()
    # A group comes whole and in order.
    assert [r.candidate for r in rollouts] == [*range(G)] * len(queries)


def test_the_request_says_all_that_shapes_the_distribution(ask, server, processor, section) -> None:
    ask()
    for body in server.bodies:
        assert body["logit_bias"] == {str(i): -100 for i in vision_token_ids(processor)}
        assert (body["n"], body["temperature"], body["top_p"], body["top_k"]) == (G, 1.0, 1.0, -1)
        assert (body["min_p"], body["repetition_penalty"]) == (0.0, 1.0)
        assert body["max_completion_tokens"] == section.max_new_tokens
        assert body["logprobs"] is True
        assert body["return_token_ids"] is True
        assert body["ignore_eos"] is True
        end = processor.tokenizer.convert_tokens_to_ids("<|im_end|>")
        assert body["stop_token_ids"] == [end]
    assert len({body["seed"] for body in server.bodies}) == len(server.bodies)


def test_a_query_draws_by_the_same_seed_wherever_it_stands(ask, server, queries) -> None:
    ask()
    ask()

    def seeds(bodies: list[Body]) -> dict[str, int]:
        return {json.dumps(body["messages"], sort_keys=True): body["seed"] for body in bodies}

    assert seeds(server.bodies[: len(queries)]) == seeds(server.bodies[len(queries) :])


def test_a_policy_is_swapped_under_a_new_name_and_the_old_one_unloaded(
    ask, server, policy, adapter, tmp_path
) -> None:
    other = Policy(folder=tmp_path / "other", digest="0123456789abcdef0123")
    ask(policy, other)
    old, new = f"policy-{policy.digest[:16]}", "policy-0123456789abcdef"
    assert server.swaps == [
        ("load", {"lora_name": old, "lora_path": str(adapter.resolve())}),  # nothing in place
        ("load", {"lora_name": new, "lora_path": str(tmp_path / "other")}),
        ("unload", {"lora_name": old}),
    ]
    assert set(server.adapters) == {new}
    half = len(server.bodies) // 2
    assert {body["model"] for body in server.bodies[:half]} == {old}
    assert {body["model"] for body in server.bodies[half:]} == {new}


def test_what_a_killed_run_left_is_taken_up_or_unloaded(ask, server, policy) -> None:
    name = f"policy-{policy.digest[:16]}"
    server.adapters = {name: "somewhere", "policy-stale": "elsewhere", "another-teams": "theirs"}
    ask()
    assert server.swaps == [("unload", {"lora_name": "policy-stale"})]
    assert set(server.adapters) == {name, "another-teams"}


def test_a_refused_swap_says_why(ask, server) -> None:
    server.refuses = "rank 64 is greater than max_lora_rank 16"
    with pytest.raises(EngineError, match=r"400.*rank 64 is greater"):
        ask()


def test_a_server_that_still_serves_the_old_policy_is_refused(ask, server) -> None:
    server.adapters, server.keeps = {"policy-old": "x"}, True
    with pytest.raises(EngineError, match=r"policy-old.*one run at a time"):
        ask()
    assert not server.bodies


def test_a_prompt_that_differs_from_the_processors_is_an_error(ask, server, processor) -> None:
    right = completions(processor)

    def wrong(body: Body) -> Body:
        said = right(body)
        return {**said, "prompt_token_ids": [*said["prompt_token_ids"][:-1], 5]}

    server.answer = wrong
    with pytest.raises(EngineError, match=r"query q\d: the server's prompt has .* differ first at"):
        ask()


def change(key: str, value: Any) -> Callable[[list[Body]], None]:
    def changed(choices: list[Body]) -> None:
        choices[0][key] = value

    return changed


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda choices: choices.pop(), "2 candidates came back, not 3"),
        (change("index", 0), "3 candidates came back, not 3|candidates"),
        (change("finish_reason", "abort"), "ended by 'abort'"),
        (change("finish_reason", "stop"), "does not end as its finish reason"),
        (change("token_ids", []), "does not end as its finish reason"),
        (change("token_ids", None), "does not end as its finish reason"),
        (change("logprobs", None), "3 tokens, but 0 log-probabilities"),
        (change("token_ids", [300, "vision", 300]), "holds a vision placeholder"),
    ],
)
def test_what_could_not_be_replayed_is_an_error(ask, server, processor, fault, said) -> None:
    right = completions(processor)

    def wrong(body: Body) -> Body:
        answer = right(body)
        fault(answer["choices"])
        vision = vision_token_ids(processor)[0]
        for choice in answer["choices"]:
            ids = choice["token_ids"] or []
            choice["token_ids"] = [vision if i == "vision" else i for i in ids]
        return answer

    server.answer = wrong
    with pytest.raises(EngineError, match=rf"query q\d: .*({said})"):
        ask()


def test_a_server_that_returns_no_token_ids_is_named(ask, server, processor) -> None:
    right = completions(processor)
    server.answer = lambda body: {k: v for k, v in right(body).items() if k != "prompt_token_ids"}
    with pytest.raises(EngineError, match="returns no token ids"):
        ask()


def test_a_group_is_given_while_others_are_sampled(
    base, data, section, queries, policy, server, processor, tmp_path
) -> None:
    right, first_seen, held = completions(processor), threading.Event(), threading.Event()
    place = itertools.count()

    def answer(body: Body) -> Body:
        if next(place):
            held.set()
            assert first_seen.wait(GUARD)
        else:
            assert held.wait(GUARD)  # two are in flight before one is answered
        return right(body)

    server.answer = answer
    with opened(base, section, services(base_url=server.url), tmp_path) as engine:
        rollouts = engine.sample(policy, data, queries, sampling(section, 0))
        next(rollouts)
        first_seen.set()
        assert len(list(rollouts)) == len(queries) * G - 1


def test_a_caller_that_stops_early_ends_the_sampling(
    base, data, section, queries, policy, server, processor, tmp_path
) -> None:
    right, let_go = completions(processor), threading.Event()

    def answer(body: Body) -> Body:
        if len(server.bodies) > 1:
            let_go.wait(GUARD)
        return right(body)

    server.answer = answer
    one_at_once = sampling(section, 0).model_copy(update={"batch": 1})
    with opened(base, section, services(base_url=server.url), tmp_path) as engine:
        rollouts = engine.sample(policy, data, queries, one_at_once)
        next(rollouts)
        rollouts.close()
        let_go.set()
    assert len(server.bodies) <= 2


def test_no_more_groups_are_in_flight_than_the_batch_holds(
    ask, server, processor, queries, section
) -> None:
    right, lock = completions(processor), threading.Lock()
    now, most = 0, 0

    def answer(body: Body) -> Body:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        said = right(body)
        with lock:
            now -= 1
        return said

    server.answer = answer
    ask()
    assert len(server.bodies) == len(queries)
    assert most <= section.generation_batch // G


def test_the_embedded_engine_samples_as_before(
    base, adapter, data, section, queries, policy, tmp_path
) -> None:
    embedded = section.model_copy(update={"engine": settings.EngineSettings(kind="transformers")})
    with opened(base, embedded, services(), tmp_path) as engine:
        found = list(engine.sample(policy, data, queries, sampling(section, 2)))
    direct = sample(
        load_adapter(load_base(base), adapter), load_processor(base), data, queries,
        candidates=G, temperature=1.0, max_new_tokens=8, max_prompt_length=200, batch=2 * G,
        seed=section.seed + 2, policy=policy.digest,
    )  # fmt: skip
    assert found == list(direct)


# Check of engine against trainer.


def test_recomputed_log_probabilities_are_the_engines(
    base, adapter, data, section, queries, policy, tmp_path
) -> None:
    embedded = section.model_copy(update={"engine": settings.EngineSettings(kind="transformers")})
    with opened(base, embedded, services(), tmp_path) as engine:
        rollouts = list(engine.sample(policy, data, queries, sampling(section, 0)))
    model, processor = load_adapter(load_base(base), adapter), load_processor(base)
    options = {"temperature": 1.0, "max_prompt_length": 200}
    # Another batch means other padding, on both sides of a reply's tokens.
    own = recomputed(model, processor, data, queries, rollouts, batch=5, **options)
    found = agreement(rollouts, own)
    assert (found.rollouts, found.tokens) == (
        len(rollouts),
        sum(len(r.token_ids) for r in rollouts),
    )
    assert found.max < 1e-4
    wrong = [rollouts[0].model_copy(update={"prompt_ids": (1, 2)})]
    said = f"query {rollouts[0].query_id}: the rollout's prompt differs"
    with pytest.raises(EngineError, match=said):
        recomputed(model, processor, data, queries, wrong, batch=5, **options)


def test_agreement_by_hand() -> None:
    def rollout(*logprobs: float) -> Rollout:
        return Rollout(
            query_id="q", candidate=0, prompt_ids=(1,), token_ids=(2,) * len(logprobs),
            logprobs=logprobs, text="", finish_reason="length", policy="p",
        )  # fmt: skip

    found = agreement([rollout(-1.0, -2.0), rollout(-0.5)], [[-1.0, -2.25], [-0.25]])
    assert (found.rollouts, found.tokens, found.max) == (2, 3, 0.25)
    assert found.mean == pytest.approx(0.5 / 3)
    with pytest.raises(EngineError, match="2 tokens, and 1 were recomputed"):
        agreement([rollout(-1.0, -2.0)], [[-1.0]])


# Starting and ending a server.


def group_of(pid: int) -> list[int]:
    """Living members of a process group."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, ProcessLookupError):
            continue
    return found


def wait_until(what: Callable[[], bool]) -> None:
    for _ in range(int(GUARD / 0.1)):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def test_a_server_runs_for_the_block_and_no_longer(tmp_path) -> None:
    log = tmp_path / "new" / "server.log"
    with started(PROGRAM, {"GIVEN": "1"}, log, GUARD) as running:
        assert running.base_url.startswith("http://127.0.0.1:")
        assert running.process is not None
        group = running.process.pid
        assert len(group_of(group)) >= 3  # keeper, server, worker
        assert '"--host", "127.0.0.1"' in log.read_text()
        assert running.state().startswith("the server runs")
    assert group_of(group) == []


def test_an_error_in_the_block_ends_the_server_too(tmp_path) -> None:
    groups: list[int] = []

    def interrupted() -> None:
        with started(PROGRAM, {}, tmp_path / "log", GUARD) as running:
            assert running.process is not None
            groups.append(running.process.pid)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert group_of(groups[0]) == []


def test_a_parent_that_is_killed_takes_the_server_with_it(tmp_path) -> None:
    command = [sys.executable, keeper.__file__, *PROGRAM, "--port", "0"]
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys\n"
            "kept = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True,"
            " stdout=subprocess.PIPE)\n"
            "while not kept.stdout.readline().startswith(b'worker'): pass\n"
            "print(kept.pid, flush=True)\n"
            "kept.wait()\n",
            *command,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    group = int(parent.stdout.readline())
    assert len(group_of(group)) >= 3
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: group_of(group) == [])


def test_a_server_that_cannot_start_says_why(tmp_path) -> None:
    with (
        pytest.raises(EngineError, match=r"did not start: the server has ended(.|\n)*no room for"),
        started([*PROGRAM, "--fails", "start"], {}, tmp_path / "log", GUARD),
    ):
        pass


def test_a_command_that_is_not_there_says_so(tmp_path) -> None:
    with (
        pytest.raises(EngineError, match=r"did not start(.|\n)*no-such-program"),
        started(["no-such-program"], {}, tmp_path / "log", GUARD),
    ):
        pass


def test_a_server_that_is_never_healthy_is_given_up(tmp_path) -> None:
    with (
        pytest.raises(EngineError, match=r"not healthy after 2 s \(services.engine.start_seconds"),
        started([*PROGRAM, "--fails", "health"], {}, tmp_path / "log", 2.0),
    ):
        pass


def test_a_server_that_dies_while_sampling_shows_why_and_the_end_of_its_log(
    base, data, section, queries, policy, tmp_path
) -> None:
    where = services(command=PROGRAM, start_seconds=GUARD)
    with opened(base, section, where, tmp_path) as engine:
        assert not (tmp_path / "server.log").exists()  # nothing starts before it is needed
        with pytest.raises(
            EngineError, match=r"query q\d: no connection(.|\n)*worker died\n(.|\n)*stopping"
        ):
            list(engine.sample(policy, data, queries, sampling(section, 0)))


def test_the_server_is_told_what_the_trainer_does(
    base, data, section, queries, policy, tmp_path
) -> None:
    where = services(command=PROGRAM, start_seconds=GUARD)
    with opened(base, section, where, tmp_path) as engine, pytest.raises(EngineError):
        list(engine.sample(policy, data, queries, sampling(section, 0)))
    first = (tmp_path / "server.log").read_text().splitlines()[0]
    words = json.loads(first.removeprefix("arguments "))
    given = dict(zip(words[::2], words[1::2], strict=False))
    assert given["--model"] == str(base.resolve())
    assert given["--dtype"] == "float32"
    assert given["--max-model-len"] == "208"
    assert given["--max-lora-rank"] == "8"
    assert given["--logprobs-mode"] == "raw_logprobs"
    assert given["--generation-config"] == "vllm"
    assert json.loads(given["--mm-processor-kwargs"])["size"]["longest_edge"] == 6272
    assert "--enable-tower-connector-lora" not in words
    assert ("--no-enable-chunked-prefill" in words) == (not torch.cuda.is_available())


# Settings.


def test_a_given_server_is_asked_with_its_key(
    base, data, section, queries, policy, server, tmp_path, monkeypatch
) -> None:
    server.key = "secret"
    where = services(base_url=server.url, api_key_env="ENGINE_TEST_KEY")
    with opened(base, section, where, tmp_path) as engine:
        monkeypatch.delenv("ENGINE_TEST_KEY", raising=False)
        with pytest.raises(EngineError, match="ENGINE_TEST_KEY is not set"):
            list(engine.sample(policy, data, queries, sampling(section, 0)))
        monkeypatch.setenv("ENGINE_TEST_KEY", "wrong")
        with pytest.raises(EngineError, match="401") as raised:
            list(engine.sample(policy, data, queries, sampling(section, 0)))
    assert "secret" not in str(raised.value)
    monkeypatch.setenv("ENGINE_TEST_KEY", "secret")
    with opened(base, section, where, tmp_path) as engine:
        assert list(engine.sample(policy, data, queries, sampling(section, 0)))


def test_a_vllm_engine_needs_a_server_and_a_whole_base(base, section, tmp_path) -> None:
    with (
        pytest.raises(EngineError, match=r"services\.engine\.base_url"),
        opened(base, section, services(), tmp_path),
    ):
        pass
    quantized = settings.BaseSettings(
        checkpoint="x", revision=None, build=None, max_pixels=6272, quantization="nf4"
    )
    write_reference(tmp_path, quantized)
    with (
        pytest.raises(EngineError, match="4-bit"),
        opened(tmp_path, section, services(base_url="http://127.0.0.1:9/v1"), tmp_path),
    ):
        pass
    with (
        pytest.raises(ArtifactError, match="not a base model"),
        opened(tmp_path / "none", section, services(base_url="http://127.0.0.1:9/v1"), tmp_path),
    ):
        pass


def test_an_address_and_a_command_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="either base_url or command"):
        settings.EngineServer(base_url="http://127.0.0.1:9/v1", command=["vllm"])


def test_an_iteration_samples_by_the_settings(section) -> None:
    assert sampling(section, 4) == Sampling(
        candidates=G,
        temperature=1.0,
        max_new_tokens=8,
        max_prompt_length=200,
        batch=2 * G,
        seed=section.seed + 4,
    )
