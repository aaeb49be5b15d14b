"""The recognisers hung into presidio's engine, which runs them over a text.

Ours do the finding: the table, the names, the tagger, and a token-classification model where one
is set. Presidio adds what it checks by arithmetic (card, IBAN and NHS numbers). It wants a language
model for its own name finding; `_NoLanguageModel` stands in, so none is loaded and none fetched.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, cast, get_args

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    IbanRecognizer,
    NhsRecognizer,
)

from pulsemind.data.detectors import Span, detect_patterns
from pulsemind.data.kinds import Kind
from pulsemind.data.known_names import is_ordinary
from pulsemind.data.names import detect_names
from pulsemind.data.tagger import detect_tagged

LANGUAGE = "en"
"""Presidio wants one; our recognisers look at both languages whatever it is."""
_KINDS: dict[str, Kind] = {
    "CREDIT_CARD": "account",
    "IBAN_CODE": "account",
    "UK_NHS": "id_number",
    "PER": "name",
    "PERSON": "name",
    "NAME": "name",
    "PATIENT": "name",
    "DOCTOR": "physician",
    "STAFF": "physician",
    "HOSP": "hospital",
    "HOSPITAL": "hospital",
    "LOC": "address",
    "ADDRESS": "address",
}
"""Presidio's and token classifiers' labels; others of theirs are left alone."""
TAGGED = 0.5
"""Presidio's score of what the tagger alone finds; of all else it is another."""
_LEFT = re.compile(
    r"[\u4e00-\u9fff]{2,}|[^\W_\u4e00-\u9fff]{3,}(?:[ .'’-]+[^\W_\u4e00-\u9fff]{3,})*"
)
"""What is left of a name, to be taken: two Chinese characters, or words of three letters."""
_ANY_LEFT = re.compile(
    r"[\u4e00-\u9fff]{2,}|[^\W_\u4e00-\u9fff]+(?:[ .,'’#/-]+[^\W_\u4e00-\u9fff]+)*"
)
"""The same of a value with digits."""
_COUNTED = (
    "record_number",
    "id_number",
    "account",
    "phone",
    "plate",
    "bed_number",
    "address",
    "date",
)
DEFAULT_PLACES = 512
"""Tokens a classifier takes that does not say; longer texts are read in overlapping pieces."""
RESERVED_PLACES = 2
"""RoBERTa's kind cannot use the first two of its positions."""


def find(masked: str, ner_model: str | None = None, tagger: bool = True) -> list[Span]:
    """All spans of personal data in a masked text; they may overlap.

    Args:
        ner_model: folder or hub name of a token-classification model, or None.
        tagger: whether the tagger is asked as well.
    """
    found: list[Span] = []
    tagged: list[Span] = []
    for result in analyzer(ner_model, tagger).analyze(masked, language=LANGUAGE):
        kind = _KINDS.get(result.entity_type) or cast(Kind, result.entity_type)
        unsure = result.score == TAGGED
        (tagged if unsure else found).append(Span(result.start, result.end, kind))
    return found + [rest for span in tagged for rest in _beyond(masked, span, found)]


def _beyond(masked: str, span: Span, found: list[Span]) -> Iterator[Span]:
    """The tagger's span, or, where rules found a part of it, the words left over.

    Rules know where a value begins and ends, and of what kind it is.
    """
    over = [s for s in found if s.start < span.stop and span.start < s.stop]
    if not over:
        yield span
        return
    taken = {place for s in over for place in range(s.start, s.stop)}
    left = "".join(masked[n] if n not in taken else "\n" for n in range(span.start, span.stop))
    pattern = _ANY_LEFT if span.kind in _COUNTED else _LEFT
    for rest in pattern.finditer(left):
        if span.kind not in _COUNTED and is_ordinary(rest.group()):
            continue
        yield Span(span.start + rest.start(), span.start + rest.end(), span.kind)


@cache
def analyzer(ner_model: str | None = None, tagger: bool = True) -> AnalyzerEngine:
    """Presidio's engine with our recognisers; made once a process.

    Raises OSError when the model cannot be loaded (safetensors, a fast tokenizer), ValueError when
    it wants code of its own run.
    """
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    kinds = list(get_args(Kind))
    recognisers: list[EntityRecognizer] = [
        _Recogniser("table", kinds, detect_patterns),
        _Recogniser("names", ["name", "physician", "hospital"], detect_names),
        *(made() for made in (CreditCardRecognizer, IbanRecognizer, NhsRecognizer)),
    ]
    if tagger:
        recognisers.append(_Recogniser("tagger", kinds, detect_tagged, TAGGED))
    if ner_model:
        recognisers.append(_Recogniser("model", kinds, _model(ner_model)))
    registry = RecognizerRegistry(recognizers=recognisers, supported_languages=[LANGUAGE])
    return AnalyzerEngine(
        registry=registry, nlp_engine=_NoLanguageModel(), supported_languages=[LANGUAGE]
    )


@cache
def _model(name: str) -> Callable[[str], Iterable[Span]]:
    """A token classifier as a function of a text; a long one is read in overlapping pieces."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    loaded = AutoModelForTokenClassification.from_pretrained(
        name, use_safetensors=True, trust_remote_code=False
    )
    tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, trust_remote_code=False)
    if not tokenizer.is_fast:  # a slow one gives no places, and cannot cut long texts
        raise OSError("the token classifier has no fast tokenizer")
    places = getattr(loaded.config, "max_position_embeddings", None) or DEFAULT_PLACES
    tokenizer.model_max_length = min(tokenizer.model_max_length, places - RESERVED_PLACES)
    classify = pipeline(
        "token-classification", model=loaded, tokenizer=tokenizer, aggregation_strategy="simple",
        stride=tokenizer.model_max_length // 4,
    )  # fmt: skip

    def find_entities(text: str) -> list[Span]:
        return [
            Span(entity["start"], entity["end"], kind)
            for entity in classify(text)
            if (kind := _KINDS.get(entity["entity_group"].upper()))
            and entity["end"] > entity["start"]
        ]

    return find_entities


class _Recogniser(EntityRecognizer):
    """A function that finds spans, in the shape presidio asks for."""

    def __init__(
        self,
        name: str,
        kinds: list[str],
        find_spans: Callable[[str], Iterable[Span]],
        score: float = 1.0,
    ) -> None:
        self._find_spans = find_spans
        self._score = score
        super().__init__(supported_entities=kinds, name=name, supported_language=LANGUAGE)

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """The spans as presidio's results."""
        spans = self._find_spans(text)
        return [RecognizerResult(s.kind, s.start, s.stop, self._score) for s in spans]


class _NoLanguageModel(NlpEngine):
    """Stands where presidio has a language model."""

    def load(self) -> None:
        """Nothing to load."""

    def is_loaded(self) -> bool:
        """Always."""
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """No entities, no words."""
        return NlpArtifacts([], cast(Any, []), [], [], self, language)

    def process_batch(
        self,
        texts: Iterable[str],
        language: str,
        batch_size: int = 1,
        n_process: int = 1,
        **kwargs: Any,
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """`process_text` of each text."""
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:
        """No word is."""
        return False

    def is_punct(self, word: str, language: str) -> bool:
        """No word is."""
        return False

    def get_supported_entities(self) -> list[str]:
        """None of its own."""
        return []

    def get_supported_languages(self) -> list[str]:
        """The one that stands for all."""
        return [LANGUAGE]
