"""The vocabulary of the pipeline: every record that passes from one stage to the next.

Read this file first. All records are frozen pydantic models; they are stored as JSON lines
(`pulsemind.artifacts.write_shards`) and read back with `pulsemind.artifacts.read_shards`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Role = Literal["patient", "physician"]
Language = Literal["zh", "en"]
Outcome = Literal["win", "tie", "loss"]
Expansion = Literal["expanded", "original_kept", "not_expanded"]
"""What became of a physician reply in the expansion; None before it, and on patient turns."""

Order = Literal["candidate_first", "counterpart_first"]
Dimension = Literal["proactiveness", "accuracy", "usefulness", "language_quality"]
DIMENSIONS: tuple[Dimension, ...] = (
    "proactiveness",
    "accuracy",
    "usefulness",
    "language_quality",
)
"""The four dimensions of comparison (PulseMind paper, CRPO)."""

ImageKind = Literal[
    "ultrasound",
    "medical_record",
    "ct_mri",
    "xray",
    "pathology",
    "endoscopy",
    "laboratory",
    "examination_report",
    "prescription",
    "surgical_record",
    "other",
]
"""Image kinds of MediScope (SPEC section 3), with X-ray apart from CT and MRI."""


class Record(BaseModel):
    """Base of all records: immutable, unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageRef(Record):
    """An image of a dialogue.

    `path` is relative: to the raw file's folder before collection, to the artifact's folder
    after it (`images/ab/<sha256>.png`, content-addressed).
    """

    path: str
    kind: ImageKind = "other"
    sha256: str = ""
    phash: str = Field(default="", pattern=r"^([0-9a-f]{16})?$")
    """64-bit perceptual hash, once the image is cleaned."""


class Turn(Record):
    """One utterance of a dialogue, with the images shown in it."""

    role: Role
    text: str
    images: tuple[ImageRef, ...] = ()
    expansion: Expansion | None = None


class Provenance(Record):
    """Where a record comes from. `file` and `index` point into the raw data."""

    source: str
    licence: str
    file: str
    index: int = Field(ge=0)
    original_id: str = ""


class Modality(Record):
    """What an image shows, and whether its metadata or the rule of `data.modality` says so."""

    kind: ImageKind
    source: Literal["metadata", "heuristic"]


Use = Literal["sft1", "sft2", "crpo_query", "evaluation"]
"""What a record may be used for; the split says what it is used for."""

LicenceFlag = Literal["research_only", "no_derivatives", "share_alike", "licence_unknown"]


class Signals(Record):
    """Facts about a consultation that later stages select by and the card counts.

    `tokens` are those of `data.text`: a Chinese character, a word, a number. `other_language` is
    the share (0 to 1) of the other language in the Chinese characters and Latin words.
    `department` is a name of the table in `data/words/departments.txt`, or the label as it came
    when `department_known` is false. `asking_turns` counts the physician's turns that ask.
    """

    turns: int = Field(ge=0)
    tokens: int = Field(ge=0)
    language: Language
    other_language: float = Field(ge=0, le=0.5)
    department: str | None
    subspecialty: str | None
    department_known: bool
    modalities: tuple[Modality, ...]
    physician_turns: int = Field(ge=0)
    asking_turns: int = Field(ge=0)
    uses: tuple[Use, ...]
    licence_flags: tuple[LicenceFlag, ...]


class Consultation(Record):
    """A dialogue between a patient and a physician; a stage-1 pair is one of two turns."""

    id: str
    language: Language
    turns: tuple[Turn, ...]
    department: str | None = None
    provenance: Provenance
    signals: Signals | None = None

    def text(self) -> str:
        """All turns' text, one line a turn."""
        return "\n".join(turn.text for turn in self.turns)

    def images(self) -> tuple[ImageRef, ...]:
        """All images in the order of the dialogue."""
        return tuple(image for turn in self.turns for image in turn.images)


class QAItem(Record):
    """A question of a QA benchmark.

    `options` maps letters to option texts and is empty for the other kinds; `answer` is the letter
    of the right option, or the reference text. A closed question has a yes, a no or one of the
    alternatives it names for an answer, an open one a phrase.
    """

    id: str
    benchmark: str
    kind: Literal["choice", "closed", "open"]
    language: Language
    question: str
    options: dict[str, str] = {}
    answer: str
    images: tuple[ImageRef, ...] = ()
    provenance: Provenance


class Review(Record):
    """One physician's decision on one task of the review queue; a line of `decisions.jsonl`.

    `task` and `reviewed` are id and digest of what was shown; a decision on an older version of a
    task is not applied. `reviewer` is a pseudonym. `edited` maps turn numbers to new texts.
    `empathy` and `ethics` say whether the reviewed (or edited) dialogue meets them; nothing goes
    on that fails ethics.
    """

    task: str
    reviewed: str
    reviewer: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    time: AwareDatetime
    decision: Literal["accept", "edit", "reject"]
    reason: str = Field(default="", max_length=2000)
    edited: dict[int, str] = {}
    empathy: bool
    ethics: bool

    @model_validator(mode="after")
    def _whole(self) -> Review:
        if self.decision == "reject" and not self.reason.strip():
            raise ValueError("a rejection needs a reason")
        if (self.decision == "edit") != bool(self.edited):
            raise ValueError("an edit, and nothing else, has edited turns")
        if not all(text.strip() for text in self.edited.values()):
            raise ValueError("an edited turn is empty")
        if self.decision != "reject" and not self.ethics:
            raise ValueError("what fails ethics can only be rejected")
        return self


class Quarantined(Record):
    """A raw record that could not be read: which file, which record, and why."""

    file: str
    index: int
    reason: str


class Query(Record):
    """A dialogue up to and including a patient turn, and the physician's real reply to it."""

    id: str
    language: Language
    turns: tuple[Turn, ...]
    reference: str
    department: str | None = None


class Answer(Record):
    """One model's reply to one query."""

    query_id: str
    model: str
    text: str


class Rollout(Record):
    """A candidate reply sampled from the policy.

    `logprobs[i]` is the log-probability of `token_ids[i]` under the sampling policy at
    its temperature; `policy` is the digest of the adapter that sampled it; `candidate` counts
    from 0 to G-1 inside a query's group.
    """

    query_id: str
    candidate: int = Field(ge=0)
    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    text: str
    finish_reason: Literal["stop", "length"]
    policy: str


class Verdict(Record):
    """A judge's comparison of one reply with a counterpart's, seen from the candidate's side.

    `outcomes` and `overall` are None when the judge gave no usable answer (`unjudged`).
    """

    query_id: str
    candidate: int = Field(ge=0)
    counterpart: str
    order: Order
    judge: str
    outcomes: dict[Dimension, Outcome] | None
    overall: Outcome | None
    reason: str = ""


class Scores(Record):
    """A judge's absolute scores of one reply, 1 (worst) to 5 (best) per dimension."""

    query_id: str
    candidate: int = Field(ge=0)
    judge: str
    scores: dict[Dimension, float] | None
