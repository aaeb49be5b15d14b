"""Raw data and the dataset build (SPEC section 3)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pulsemind.settings.section import Section


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
