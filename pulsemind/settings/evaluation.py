"""Evaluation, registration and report (SPEC section 6)."""

from __future__ import annotations

from pydantic import Field, model_validator

from pulsemind.settings.answers import Counterpart, Decoding, Judge
from pulsemind.settings.section import Section


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
