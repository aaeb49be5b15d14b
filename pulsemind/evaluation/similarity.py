"""How like a reply is to each option: by a sentence-embedding model, or by shared words.

The second stage of reading a choice (P Evaluation Strategy; SPEC 6). Both measures abstain unless
the best option is like enough and clearly ahead: the paper's "highest similarity" always picks one,
which makes an option of an empty or a refused answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulsemind.judge.units import tokens

LEXICAL_FLOOR, LEXICAL_LEAD = 0.75, 0.15
LONGEST = 2000
"""Characters of a reply that are embedded: its end, where answers stand."""
_NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|without|none|neither|nor)\b|n't\b|不|没|无|非|未", re.IGNORECASE
)


@dataclass(frozen=True)
class Similarity:
    """A measure: scores of a reply against texts, and from where on a score decides."""

    name: str
    scores: Callable[[str, Sequence[str]], Sequence[float]]
    floor: float
    lead: float


def token_f1(first: Sequence[str], second: Sequence[str]) -> float:
    """F1 of two bags of tokens, 0 to 1; 0 when either is empty."""
    left = list(second)
    shared = 0
    for token in first:
        if token in left:
            left.remove(token)
            shared += 1
    return 2 * shared / (len(first) + len(second)) if shared else 0.0


def _shared_words(reply: str, texts: Sequence[str]) -> list[float]:
    """Token F1, and 0 where only one of both has a number or letter: "vitamin C" is not "D"."""
    given = tokens(reply)
    scores = []
    for text in texts:
        wanted = tokens(text)
        telling = {t for t in {*given} ^ {*wanted} if re.fullmatch(r"[a-z]|[\d.]+", t)}
        if text.isascii():  # an article and a pronoun
            telling -= {"a", "i"}
        scores.append(0.0 if telling else token_f1(given, wanted))
    return scores


LEXICAL = Similarity("shared words", _shared_words, LEXICAL_FLOOR, LEXICAL_LEAD)


def likest(text: str, options: Mapping[str, str], measure: Similarity | None = None) -> str | None:
    """The option a reply is clearly most like, or None.

    It must reach the measure's floor and lead, and both or neither must contain a negation.
    """
    if not text or len(options) < 2:
        return None
    measure = measure or LEXICAL
    letters = sorted(options)
    scores = measure.scores(text, [options[letter] for letter in letters])
    ranked = sorted(zip(scores, letters, strict=True), reverse=True)
    if ranked[0][0] < measure.floor or ranked[0][0] - ranked[1][0] < measure.lead:
        return None
    best = ranked[0][1]
    return best if negated(text) == negated(options[best]) else None


def negated(text: str) -> bool:
    """Whether a text contains a negation, in English or Chinese."""
    return _NEGATION.search(text) is not None


def embedding(path: str, floor: float, lead: float) -> Similarity:
    """Cosine of sentence embeddings, -1 to 1; the model is loaded at the first use.

    Args:
        path: any transformers or sentence-transformers checkpoint, by name or folder. Pooling is
            what its `1_Pooling/config.json` says (mean or cls), mean without one.
    """
    loaded: list[_Embedder] = []

    def scores(reply: str, texts: Sequence[str]) -> list[float]:
        if not loaded:
            loaded.append(_Embedder(path))
        return loaded[0].cosines(reply[-LONGEST:], texts)

    return Similarity(path, scores, floor, lead)


class _Embedder:
    def __init__(self, path: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(path)
        self._model: Any = AutoModel.from_pretrained(path).eval()
        self._first_token = _pools_first_token(path)

    def cosines(self, reply: str, texts: Sequence[str]) -> list[float]:
        import torch

        longest = min(512, getattr(self._model.config, "max_position_embeddings", 512) - 2)
        batch = self._tokenizer(
            [reply, *texts], padding=True, truncation=True, max_length=longest, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden = self._model(**batch).last_hidden_state
        if self._first_token:
            vectors = hidden[:, 0]
        else:
            mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            vectors = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        vectors = torch.nn.functional.normalize(vectors, dim=-1)
        return [float(score) for score in vectors[1:] @ vectors[0]]


def _pools_first_token(path: str) -> bool:
    from transformers.utils import cached_file

    file = cached_file(
        path, "1_Pooling/config.json", _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )  # fmt: skip
    if file is None:
        return False
    with open(file, encoding="utf-8") as opened:
        return bool(json.load(opened).get("pooling_mode_cls_token"))
