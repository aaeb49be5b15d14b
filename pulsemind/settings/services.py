"""Where things run: endpoints, engines, workers. No result depends on it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from pulsemind.settings.section import Section


class Server(Section):
    """One address of an OpenAI-compatible endpoint."""

    base_url: str
    """Address up to and including `/v1`."""
    api_key_env: str
    """Name of the environment variable that holds the key; never the key itself."""
    weight: float = Field(default=1.0, gt=0)
    """Its share of the requests in flight, against the other servers' weights."""


class Budget(Section):
    """What an endpoint may cost in all runs that share the answer cache; null for no limit."""

    requests: int | None = Field(default=None, ge=0)
    """Answers paid for."""
    tokens: int | None = Field(default=None, ge=0)
    """Tokens in and out together."""
    money: float | None = Field(default=None, ge=0)
    """In the currency of the prices."""


class Endpoint(Section):
    """A chat model's address or addresses, its limits and its budget.

    `{base_url: ..., api_key_env: ...}` is short for one server. Here, and nowhere else, keys have
    defaults: no result depends on them.
    """

    servers: list[Server] = Field(min_length=1)
    """Servers of the same models; a failing one is replaced by the others."""
    concurrency: int | None = Field(default=None, ge=1)
    """Requests in flight at once, or null for `services.concurrency`."""
    requests_a_minute: int | None = Field(default=None, ge=1)
    """Rate limit, or null."""
    tokens_a_minute: int | None = Field(default=None, ge=1)
    """Rate limit in tokens in and out, estimated before they are sent, or null."""
    timeout: float = Field(default=120.0, gt=0)
    """Seconds until a request is given up and asked again."""
    attempts: int = Field(default=8, ge=1)
    """Times one request is asked before the run stops."""
    failures: int = Field(default=10, ge=1)
    """Failures in a row after which a server is left out for `cool_down`."""
    cool_down: float = Field(default=30.0, ge=0)
    """Seconds until a server that was left out is tried again."""
    length_limits: bool = False
    """Whether its servers hold strings to the length that a JSON schema gives them: vLLM and SGLang
    do, so that a judge's reason ends; some hosted APIs refuse such a schema."""
    price_in: float = Field(default=0.0, ge=0)
    """Price of a million tokens sent; an endpoint per price."""
    price_out: float = Field(default=0.0, ge=0)
    """Price of a million tokens answered."""
    budget: Budget = Budget()

    @model_validator(mode="before")
    @classmethod
    def _one_server(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "servers" in values:
            return values
        one = {key: values[key] for key in ("base_url", "api_key_env") if key in values}
        return {**{k: v for k, v in values.items() if k not in one}, "servers": [one]}

    @model_validator(mode="after")
    def _money_needs_prices(self) -> Endpoint:
        if self.budget.money is not None and not self.price_in + self.price_out:
            raise ValueError("budget.money needs price_in or price_out")
        return self


class EngineServer(Section):
    """The vLLM server that samples where `crpo.engine.kind` is `vllm`: one that runs, or one to be
    started and stopped. As with endpoints, keys have defaults: no result depends on them."""

    base_url: str | None = None
    """Address of a server that runs, up to and including `/v1`. It serves one run at a time and
    sees the adapters under the same paths (docs/engines.md)."""
    api_key_env: str | None = None
    """Name of the environment variable that holds its key, or null when it asks for none."""
    command: list[str] = Field(default_factory=list)
    """Command that starts one, in an environment of its own, as `[.venv-vllm/bin/python, -m,
    vllm.entrypoints.openai.api_server]`, with options of yours; model, port and more are added."""
    start_seconds: float = Field(default=1800.0, gt=0)
    """Seconds until a server that is started must answer."""
    timeout: float = Field(default=1800.0, gt=0)
    """Seconds until a query's group must be sampled."""

    @model_validator(mode="after")
    def _not_both(self) -> EngineServer:
        if self.base_url is not None and self.command:
            raise ValueError("give either base_url or command")
        return self


class Services(Section):
    """Where things run. Changes no result, so no stage depends on it."""

    tracking_uri: str
    """MLflow tracking URI; the environment's MLFLOW_TRACKING_URI wins over it."""
    experiment: str
    """MLflow experiment."""
    endpoints: dict[str, Endpoint]
    """Chat servers by name; judges and counterparts refer to the name."""
    engine: EngineServer
    """The server that samples, where a server does (`crpo.engine`)."""
    concurrency: int = Field(ge=1)
    """Requests in flight to one endpoint that does not say its own `concurrency`."""
    workers: int = Field(ge=1)
    """Processes of the dataset build on this machine, and of measuring dialogues before SFT."""
    launch: list[str]
    """Command that starts the training processes, as `[torchrun, --nproc_per_node, "8"]` or
    `[accelerate, launch, --num_processes, "8"]`; empty: SFT and CRPO's update train in the task's
    own process."""
    dask: str | None
    """Address of a Dask scheduler (`tcp://host:8786`) whose workers build the dataset, or null for
    processes of this machine. They need this checkout, its environment and its data at the same
    path."""
