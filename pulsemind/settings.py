"""`params.yaml` -> one frozen `Settings`. Imports neither torch nor any tool.

Every key must be present and well typed: a misspelt, missing or ill-typed one is an error that
names its path. Values live in `params.yaml` alone (there are no defaults here), so that DVC sees
every one of them. The line under a field is its documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML

from pulsemind.records import Dimension


class SettingsError(ValueError):
    """`params.yaml` is wrong; the text names each path and what is wrong there."""


class Section(BaseModel):
    """Base of all sections: frozen, unknown keys forbidden, no silent conversion of types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


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
    command: list[str] = []
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
    `[accelerate, launch, --num_processes, "8"]`; empty: SFT trains in the task's own process."""
    dask: str | None
    """Address of a Dask scheduler (`tcp://host:8786`) whose workers build the dataset, or null for
    processes of this machine. They need this checkout, its environment and its data at the same
    path."""


class RawSettings(Section):
    """The raw data the chain starts from."""

    source: str
    """`examples` generates the sample data; else a folder whose files are copied as they are."""
    consultations: int = Field(ge=1)
    """Sample consultations to generate."""
    seed: int
    """Seed of the sample data."""


Split = Literal["train", "validation", "dev", "test"]
OverlapRule = Literal["text", "ngram", "question", "image", "question_and_image"]


class Source(Section):
    """One raw file, or several of one shape, and what their records are for."""

    name: str
    """Name in the reports; a benchmark is known by it downstream."""
    adapter: str
    """An adapter of `pulsemind.data.sources`."""
    path: str
    """The file, relative to `data/raw`, or a pattern for several: `medmcqa/train-*.parquet`."""
    use: Literal["consultations", "stage1", "benchmark"]
    """Stage-2 and CRPO dialogues, stage-1 text, or an evaluation set. Any set can be training
    data: a question becomes a dialogue of two turns."""
    licence: str
    """Licence of the set, for the card."""
    records: list[int] | None
    """[start, stop) of the raw records, or null for all: keeps halves of one file apart."""
    split: Split | None
    """The split wanted, or null for all records. It is read from the record, else from the file's
    name; records of another split are counted as `other_split`, and one that tells no split is
    quarantined."""
    images: str | None
    """Folder of the images, relative to `data/raw`; null where the adapter says they lie."""
    encoding: Literal["utf-8", "gb18030"]
    """How the text of JSON and CSV files is written; a byte-order mark does no harm."""
    refine: bool
    """Whether these are consultations of our own: replies are expanded, dialogues proofread, and a
    dialogue that shows another one's image is quarantined as a mix-up of patients."""
    captions: bool
    """Whether it is a set of image captions: those outside 10 to 1024 tokens and those whose image
    the set has shown before are dropped (L 2.1.4); instruction data keep both."""
    overlap: list[OverlapRule]
    """Of an evaluation set: the overlaps for which a training record is dropped
    (`data.decontaminate`); the card counts the others too. Empty for training data."""


class ExpandSettings(Section):
    """Expansion of physician replies by a chat model (SPEC section 3)."""

    endpoint: str | None
    """Name in `services.endpoints`, or null: replies pass through, marked `not_expanded`."""
    model: str
    """Model name at the endpoint."""
    retries: int = Field(ge=0)
    """Times a rewrite that fails a guard is asked again before the original is kept."""
    temperature: float = Field(ge=0)
    max_tokens: int = Field(ge=16)
    """Tokens of an answer at most."""
    price_in: float = Field(ge=0)
    """Price of a million tokens sent, in the currency of your bill."""
    price_out: float = Field(ge=0)
    """Price of a million tokens answered."""
    seed: int
    """Seed sent with every request."""


class ProofreadSettings(Section):
    """Physicians' review of the dialogues (SPEC section 3)."""

    policy: Literal["off", "accepted", "wait"]
    """`off`: nothing is queued and everything goes on, unreviewed; `accepted`: of what is queued
    only accepted and edited dialogues go on; `wait`: as `accepted`, but the build stops until
    everything queued is decided. Write "off" in quotes."""
    sample: float = Field(ge=0, le=1)
    """Share of the dialogues that is queued; the others go on unreviewed."""
    double: float = Field(ge=0, le=1)
    """Share of the queued dialogues that needs two reviewers."""


class AnonymiseSettings(Section):
    """The second check for personal data (SPEC section 3)."""

    ner_model: str | None
    """Folder or hub name of a token-classification model (safetensors) that is asked as well."""
    image_max_pixels: int = Field(ge=1)
    """Images of more pixels (width x height) are refused before they are decoded."""


class DatasetSettings(Section):
    """Dataset build (SPEC section 3)."""

    sources: list[Source]
    """In order of trust: of two near duplicates the one from the earlier source is kept."""
    seed: int
    """Seed of the split."""
    image_min_side: int = Field(ge=1)
    """Images with a shorter side are dropped (L 2.1.4)."""
    anonymise: AnonymiseSettings
    near_duplicate_similarity: float = Field(gt=0, le=1)
    """Jaccard similarity of shingles from which two texts are near duplicates."""
    contamination_ngram: int = Field(ge=1)
    """A training text that shares a run of this many tokens with an evaluation text is dropped."""
    contamination_image_distance: int = Field(ge=0, le=64)
    """pHash distance up to which a training image counts as an evaluation image."""
    shard_records: int = Field(ge=1)
    """Records in a shard at most; a shard is one worker's task and one file."""
    shard_images: int = Field(ge=1)
    """Images in a shard while they are read and cleaned (about half a second each)."""
    validation_share: float = Field(gt=0, lt=1)
    """Share of the training records held out to watch the SFT loss."""
    query_share: float = Field(gt=0, lt=1)
    """Share of the consultations set aside for CRPO queries (not used for SFT)."""
    queries: int = Field(ge=1)
    """CRPO queries at most; one patient turn each."""
    expand: ExpandSettings
    proofread: ProofreadSettings


class Pretraining(Section):
    """Next-token training of a freshly built model on the training dialogues."""

    steps: int = Field(ge=10)
    batch: int = Field(ge=1)
    length: int = Field(ge=16)
    """Tokens a row; dialogues are packed one after another."""
    learning_rate: float = Field(gt=0)
    seed: int


class TinyModel(Section):
    """Shape of a small Qwen2.5-VL, built on the spot."""

    vocabulary: int = Field(ge=300)
    hidden: int = Field(ge=16)
    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    key_value_heads: int = Field(ge=1)
    intermediate: int = Field(ge=16)
    vision_hidden: int = Field(ge=16)
    vision_layers: int = Field(ge=1)
    seed: int
    """Seed of the random weights."""
    pretraining: Pretraining


class BaseSettings(Section):
    """The frozen base model."""

    checkpoint: str | None
    """Name or path of a Qwen2.5-VL checkpoint, or null to build one."""
    revision: str | None
    """Revision of a named checkpoint."""
    build: TinyModel | None
    """The shape to build when there is no checkpoint."""
    max_pixels: int = Field(ge=3136)
    """Images are scaled down to at most this many pixels, in training and in evaluation."""
    quantization: Literal["nf4"] | None
    """`nf4` holds the language model in 4 bits wherever it is loaded (package `bitsandbytes`,
    docs/memory.md), null as it is. A 4-bit base is not sharded by ZeRO-3 and not merged into."""

    @model_validator(mode="after")
    def _one_of_both(self) -> BaseSettings:
        if (self.checkpoint is None) == (self.build is None):
            raise ValueError("give either checkpoint or build, the other one null")
        return self


class Lora(Section):
    """The adapter (P "Implementation Details": rank 64, dropout 0.1)."""

    rank: int = Field(ge=1)
    alpha: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    targets: list[str]
    """Names of the language model's linear layers that get an adapter."""
    vision: bool
    """Whether the vision tower's linear layers get one too."""
    projector: bool
    """Whether the projector's (the merger behind the vision tower) get one too."""


class SftSettings(Section):
    """One SFT stage (SPEC section 4)."""

    lora: Lora
    """A new adapter's shape in stage 1; stage 2 goes on with stage 1's adapter."""
    steps: int = Field(ge=1)
    """Optimiser steps."""
    batch: int = Field(ge=1)
    """Rows a device takes at once."""
    global_batch: int = Field(ge=1)
    """Rows an optimiser step, all devices and accumulation together: the result does not depend
    on how many devices share them."""
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    max_length: int = Field(ge=16)
    """Tokens a row; a longer dialogue is cut at a turn boundary."""
    packing: bool
    """Whether a row holds several dialogues, which do not see each other, or one."""
    attention: Literal["sdpa", "eager", "flex_attention", "flash_attention_2", "varlen"]
    """Attention implementation of the model; `varlen` is PyTorch's own variable-length kernel, for
    GPUs in bf16, `flash_attention_2` needs the package flash-attn."""
    bf16: bool
    gradient_checkpointing: bool
    checkpoint_every: int = Field(ge=1)
    """With gradient checkpointing, of how many layers one keeps only its input and is computed
    again: 1, all of them, takes the least memory, more take less time."""
    compile: bool
    """Whether layers are compiled, one by one (`torch.compile`): worth its half minute on a GPU;
    not with ZeRO-3."""
    zero: Literal[0, 2, 3]
    """DeepSpeed ZeRO stage: 2 shards gradients and optimiser, 3 the weights as well; 0: none."""
    loaders: int = Field(ge=0)
    """Processes a device that prepare batches; 0: the training process does."""
    save_every: int = Field(ge=1)
    """Steps between checkpoints to resume from."""
    save_minutes: float | None = Field(gt=0)
    """Minutes after which one is written in any case, or null."""
    keep: int = Field(ge=1)
    """Checkpoints on the disk; one more while a new one is written."""
    validation: int = Field(ge=1)
    """Held-out dialogues whose loss is measured, drawn at random from what is there."""
    evaluate_every: int | None = Field(ge=1)
    """Steps between measurements, or null: only before and after training."""
    patience: int | None = Field(ge=1)
    """Measurements without a lower loss after which training stops, the best adapter being the
    result, or null."""
    snapshots: list[int]
    """Steps whose adapter is kept in the artifact (the counterparts of a tiny profile)."""
    seed: int

    @model_validator(mode="after")
    def _sizes_fit(self) -> SftSettings:
        if self.global_batch % self.batch:
            raise ValueError("global_batch must be a multiple of batch")
        if self.patience and not self.evaluate_every:
            raise ValueError("patience needs evaluate_every")
        if self.compile and self.zero == 3:
            raise ValueError("compile needs whole weights on each GPU: zero 0 or 2")
        if self.attention == "varlen" and not self.bf16:
            raise ValueError("attention varlen needs bf16")
        return self


class Judge(Section):
    """A judge of replies."""

    kind: Literal["offline", "openai"]
    """`offline` is a rule-based rubric, not for reporting; `openai` any compatible endpoint."""
    model: str
    """Model name at the endpoint."""
    endpoint: str
    """Name in `services.endpoints`."""
    orders: Literal["both", "random"]
    """Judge a pair in both orders, or in one drawn at random."""
    dimensions: list[Dimension] = Field(min_length=1)
    """What is compared or scored, besides the overall verdict."""
    retries: int = Field(ge=0)
    """Times an unusable answer (refused, malformed, cut) is asked for again."""
    seed: int
    """Seed of the drawn orders and of the requests."""


class QASettings(Section):
    """Reading the answers of the QA sets (docs/qa.md)."""

    similarity_model: str | None
    """Sentence-embedding checkpoint (name or folder) for choices that no rule reads, or null: the
    lexical measure."""
    similarity_floor: float = Field(ge=-1, le=1)
    """Cosine from which the likest option counts."""
    similarity_lead: float = Field(ge=0, le=2)
    """By how much it must be ahead of the next."""
    open_judge: bool
    """Open answers by `evaluate.judge` (kind openai); else by the lexical measure."""


class Decoding(Section):
    """How replies are generated where the reply itself counts (not CRPO's sampling)."""

    temperature: float = Field(ge=0)
    top_k: int = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    repetition_penalty: float = Field(gt=0)
    max_new_tokens: int = Field(ge=1)
    batch: int = Field(ge=1)
    """Prompts generated together."""
    seed: int


class Counterpart(Section):
    """A frozen model whose answers the policy is compared with."""

    name: str
    adapter: str | None
    """Adapter folder on top of the base, or null."""
    endpoint: str | None
    """Name in `services.endpoints`, or null."""
    model: str | None
    """Model name at the endpoint."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Counterpart:
        if (self.adapter is None) == (self.endpoint is None):
            raise ValueError("give either adapter or endpoint, the other one null")
        return self


class CounterpartSettings(Section):
    """The counterparts (P: C = 5), which never change during training."""

    models: list[Counterpart] = Field(min_length=1)
    decoding: Decoding
    max_prompt_length: int = Field(ge=16)
    """Tokens; a longer dialogue loses its earliest turns."""


class Weights(Section):
    """What the dimensions count for in R, whose mean they weight; the paper's are equal."""

    proactiveness: float = Field(ge=0)
    accuracy: float = Field(ge=0)
    usefulness: float = Field(ge=0)
    language_quality: float = Field(ge=0)

    @model_validator(mode="after")
    def _one_counts(self) -> Weights:
        if not any(self.model_dump().values()):
            raise ValueError("at least one dimension must count")
        return self


class Guards(Section):
    """Replies that are paid the lowest reward whatever the judge says (ours)."""

    truncated: bool
    """Those that did not end within `max_new_tokens`."""
    repetition: float = Field(ge=0, le=1)
    """Those in which more than this share of the runs of four tokens stood before; 1 is off."""


class Correction(Section):
    """What makes up for an engine whose probabilities are not the trainer's."""

    kind: Literal["none", "token", "sequence"]
    """`none` trusts the engine: its recorded log-probabilities are the old policy's. Else the
    trainer computes its own, and a token, or a whole candidate, counts p_trainer / p_engine times
    (truncated importance sampling)."""
    cap: float = Field(ge=1)
    """Most that it counts."""


class EngineSettings(Section):
    """What samples CRPO's candidates."""

    kind: Literal["transformers", "vllm"]
    """`transformers`: in the task's own process; `vllm`: a server (`services.engine`)."""


class CrpoSettings(Section):
    """CRPO (SPEC section 5)."""

    iterations: int = Field(ge=1)
    staleness: Literal[0, 1]
    """Updates that the policy which samples an iteration lacks: 1 samples while the update before
    it still runs, with the policy that this update started from."""
    queries: int = Field(ge=1)
    """Queries an iteration (rollout batch = queries x candidates)."""
    candidates: int = Field(ge=2)
    """G, candidates sampled a query."""
    temperature: float = Field(gt=0)
    max_new_tokens: int = Field(ge=1)
    max_prompt_length: int = Field(ge=16)
    """Tokens; a longer dialogue loses its earliest turns."""
    generation_batch: int = Field(ge=1)
    """Sequences sampled together."""
    engine: EngineSettings
    reward: Literal["comparison", "absolute"]
    """CRPO's comparison reward, or GRPO's mean of absolute scores (P Table 4c)."""
    judge: Judge
    tie_value: float = Field(ge=0, le=1)
    """Reward of a tie; the paper's is 0."""
    weights: Weights
    guards: Guards
    oversample: float = Field(ge=1)
    """Queries sampled and judged for each one trained on: groups without variance, which teach
    nothing, give way to those with (DAPO's dynamic sampling); 1 is off."""
    alarm: float = Field(gt=0, le=1)
    """Fall of a dimension, in shares of won comparisons, that raises an alarm while R rises."""
    learning_rate: float = Field(gt=0)
    kl: float = Field(ge=0)
    """Weight of the KL term to the SFT adapter."""
    clip: float = Field(gt=0)
    """epsilon of the clipped loss."""
    loss: Literal["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo"]
    """TRL's name of how token losses are made and averaged; `grpo`: clipped, averaged in a reply,
    then over replies. For `cispo`, `clip` is the largest ratio."""
    correction: Correction
    advantage: Literal["group", "batch", "none"]
    """Standard deviation that R's distance from its group's mean is divided by; the paper's is
    the group's."""
    batch: int = Field(ge=1)
    """Sequences a device and micro-batch."""
    global_batch: int = Field(ge=1)
    """Sequences an optimiser step (all devices and accumulation together)."""
    epochs: int = Field(ge=1)
    """Passes over a rollout batch."""
    bf16: bool
    gradient_checkpointing: bool
    zero: Literal[0, 2, 3]
    """DeepSpeed ZeRO stage (3 shares the weights, 2 gradients and optimiser only), or 0; needs
    `services.launch`."""
    save_every: int | None = Field(ge=1)
    """Optimiser steps between checkpoints inside an update, or null for none."""
    seed: int

    @model_validator(mode="after")
    def _one_judged_dimension_counts(self) -> CrpoSettings:
        counts = self.weights.model_dump()
        if not any(counts[dimension] for dimension in self.judge.dimensions):
            raise ValueError("crpo.weights must count at least one of judge.dimensions")
        return self


class RecordedAnswers(Section):
    """A model whose answers are files (formats: docs/evaluation.md)."""

    name: str
    files: dict[str, str]
    """File by benchmark, below `data/recorded`; benchmarks it does not name are not compared."""


class OfficialVerdicts(Section):
    """A verdict file of the official PulseMind scripts, whose figure is shown beside ours."""

    benchmark: str
    model: str
    """The model that is number 1 in the file."""
    against: str
    file: str
    """Below `data/recorded`."""


class EvaluateSettings(Section):
    """Evaluation (SPEC section 6)."""

    baselines: list[Counterpart]
    """Models to compare the policy with, besides the SFT model and the counterparts."""
    recorded: list[RecordedAnswers]
    """Further ones, whose recorded answers stand in for them."""
    official: list[OfficialVerdicts]
    judge: Judge
    qa: QASettings
    decoding: Decoding
    bootstrap: int = Field(ge=100)
    """Bootstrap resamples of an interval."""
    confidence: float = Field(gt=0, lt=1)
    max_prompt_length: int = Field(ge=16)
    """Tokens; a longer dialogue loses its earliest turns."""
    seed: int

    @model_validator(mode="after")
    def _open_answers_have_a_judge(self) -> EvaluateSettings:
        if self.qa.open_judge and self.judge.kind != "openai":
            raise ValueError("qa.open_judge needs a judge of kind openai")
        return self


class Promote(Section):
    """When a candidate becomes champion (docs/promotion.md)."""

    threshold: float = Field(ge=0, lt=1)
    """The whole interval of the win rate over the champion must lie above this."""
    qa_margin: float = Field(ge=0, le=1)
    """Most that the accuracy on a QA set may fall, as a share."""


class RegisterSettings(Section):
    """MLflow registration."""

    name: str
    """Registered model's name."""
    against: str
    """The win rate over this model goes onto the registered version."""
    promote: Promote


class ReportSettings(Section):
    """The report that people read (docs/report.md)."""

    cases: int = Field(ge=0)
    """Consultations in the case viewer, drawn over departments and outcomes."""
    image_side: int = Field(ge=16)
    """Pixels; images of those cases are scaled down to this width and height."""
    seed: int
    """Seed of the draws."""


class Profile(Section):
    """The stages of one profile, in the order of the chain."""

    raw: RawSettings
    dataset: DatasetSettings
    base: BaseSettings
    sft1: SftSettings
    sft2: SftSettings
    counterparts: CounterpartSettings
    crpo: CrpoSettings
    evaluate: EvaluateSettings
    registry: RegisterSettings = Field(alias="register")
    """Called `register` in the file, a name that pydantic keeps for itself."""
    report: ReportSettings


class Settings(Section):
    """All settings: the profile in use, and the services."""

    profile: str
    """Name of the profile in use."""
    services: Services
    stages: Profile
    """The sections of that profile."""


def profiles(path: Path = Path("params.yaml")) -> list[str]:
    """Names of all profiles in the file."""
    return list(_read(path)["profiles"])


def load(path: Path = Path("params.yaml"), profile: str | None = None) -> Settings:
    """Read and check the settings of one profile (default: the one the file names).

    Raises SettingsError naming each wrong path, as `profiles.tiny.crpo.kl: ...`.
    """
    content = _read(path)
    unknown = set(content) - {"profile", "services", "defaults", "profiles"}
    if unknown:
        raise SettingsError(f"{path}: unknown key {', '.join(sorted(unknown))}")
    name = str(profile or content.get("profile"))
    if name not in content["profiles"]:
        known = ", ".join(content["profiles"])
        raise SettingsError(f"{path}: profile: there is no profile {name!r}; there are {known}")
    try:
        return Settings.model_validate(
            {"profile": name, "services": content["services"], "stages": content["profiles"][name]}
        )
    except ValidationError as error:
        lines = [f"{_where(name, problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise SettingsError(f"{path}:\n  " + "\n  ".join(lines)) from None


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError(f"{path}: no such file; run from the top of the repository")
    content = YAML(typ="safe").load(path)
    if not isinstance(content, dict) or not isinstance(content.get("profiles"), dict):
        raise SettingsError(f"{path}: needs a mapping with `profiles`")
    return content


def _where(profile: str, location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location]
    if parts and parts[0] == "stages":
        parts = ["profiles", profile, *parts[1:]]
    return ".".join(parts)
