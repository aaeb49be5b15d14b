"""Multiple-choice questions of the MedXpertQA evaluation kit, shared by the sets it ships.

The kit writes `{"id", "question", "label": ["A"]}` with the options inside the question, after
`Answer Choices:`, as `(A) ... (B) ...`.
"""

from __future__ import annotations

import re

from pulsemind.data.sources.reading import BrokenRecord, Raw, language, provenance, record_id
from pulsemind.records import QAItem
from pulsemind.settings import Source

_HEADING = re.compile(r"\n\s*Answer Choices:\s*")
_LETTERS = "ABCDEFGHIJ"


def split_options(text: str) -> tuple[str, dict[str, str]]:
    """Separate the question from its options.

    Letters are looked for in order, so a `(C)` inside an option's text does no harm unless it is
    the very next letter. Raises BrokenRecord when there are fewer than two options.
    """
    parts = _HEADING.split(text)
    if len(parts) < 2:
        raise BrokenRecord("question: no answer choices")
    question, rest = "\n".join(parts[:-1]), parts[-1]
    starts: list[int] = []
    for letter in _LETTERS:
        found = rest.find(f"({letter})", starts[-1] + 3 if starts else 0)
        if found < 0:
            break
        starts.append(found)
    if len(starts) < 2:
        raise BrokenRecord("question: fewer than two answer choices")
    stops = [*starts[1:], len(rest)]
    spans = zip(_LETTERS, starts, stops, strict=False)
    return question.strip(), {letter: rest[a + 3 : b].strip() for letter, a, b in spans}


def choice(
    source: Source, index: int, original_id: str, question: str, options: dict[str, str], key: str
) -> Raw:
    """A multiple-choice item. Raises BrokenRecord when it cannot be answered."""
    if not question.strip():
        raise BrokenRecord("question: empty")
    if key not in options:
        raise BrokenRecord("the right option is not among the options")
    return Raw(
        QAItem(
            id=record_id(source, index),
            benchmark=source.name,
            kind="choice",
            language=language(question + " ".join(options.values())),
            question=question.strip(),
            options=options,
            answer=key,
            provenance=provenance(source, index, original_id),
        )
    )
