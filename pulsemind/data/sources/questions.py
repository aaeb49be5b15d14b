"""Questions of the QA sets: options and right answers in their many spellings, and as dialogues.

The MedXpertQA evaluation kit, which also ships MedQA, MedMCQA and MMLU, writes
`{"id", "question", "label": ["A"]}` with the options inside the question, after `Answer Choices:`,
as `(A) ... (B) ...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pulsemind.data.sources.files import Shard
from pulsemind.data.sources.reading import (
    BrokenRecord,
    Raw,
    exchange,
    language,
    provenance,
    record_id,
)
from pulsemind.records import Consultation, ImageRef, QAItem

_HEADING = re.compile(r"\s*Answer Choices:\s*")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTER = re.compile(r"\s*\(?([A-Za-z])\)?\s*[.:]?\s*")
_NAMES = (("letter", "content"), ("key", "value"))


def choice(
    shard: Shard,
    index: int,
    question: str,
    options: dict[str, str],
    answer: Any,
    original_id: str = "",
    images: Iterable[ImageRef] = (),
) -> Raw:
    """A multiple-choice item.

    Args:
        options: by letter; empty ones are left out. Two may be equal, as in 21 of MedMCQA.
        answer: the letter or the text of the right option, or a list of one of these.

    Raises BrokenRecord when it cannot be answered.
    """
    filled = {letter: text.strip() for letter, text in options.items() if text.strip()}
    if len(filled) < 2:
        raise BrokenRecord("options: fewer than two")
    return _question(shard, index, question, filled, _key(answer, filled), original_id, images)


def open_question(
    shard: Shard,
    index: int,
    question: str,
    answer: str,
    original_id: str = "",
    images: Iterable[ImageRef] = (),
    closed: bool = False,
) -> Raw:
    """An item answered in words, a closed one by yes, no or an alternative that it names.

    Raises BrokenRecord when question or answer is empty.
    """
    if not answer.strip():
        raise BrokenRecord("answer: empty")
    raw = _question(shard, index, question, {}, answer.strip(), original_id, images)
    return Raw(raw.record.model_copy(update={"kind": "closed"})) if closed else raw


def is_closed(answer_type: str, answer: str) -> bool:
    """Whether a question is closed: as its `answer_type` says, else by a yes / no answer."""
    if answer_type.strip():
        return answer_type.strip().upper() == "CLOSED"
    return answer.strip().rstrip(".。").lower() in {"yes", "no", "是", "否", "有", "没有", "不是"}


def options_of(value: Any) -> dict[str, str]:
    """Options by letter, from a mapping by letter, a list of texts, or a list of mappings with
    `letter` and `content` (MedXpertQA's kit) or `key` and `value`.

    Raises BrokenRecord for anything else.
    """
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        letter, text = next((n for n in _NAMES if all(n[0] in e for e in value)), ("", ""))
        pairs = [(entry.get(letter), entry.get(text)) for entry in value]
    elif isinstance(value, list):
        pairs = list(zip(_LETTERS, value, strict=False)) if len(value) <= len(_LETTERS) else []
    else:
        pairs = []
    options = {
        key.strip().upper(): str(text)
        for key, text in pairs
        if isinstance(key, str) and isinstance(text, str | int | float)
    }
    if not options or len(options) < len(pairs) or any(key not in _LETTERS for key in options):
        raise BrokenRecord("options: not texts by letter")
    return options


def split_options(text: str) -> tuple[str, dict[str, str]]:
    """Separate a question of the evaluation kit from its options.

    Letters are looked for in order, so a `(C)` inside an option's text does no harm unless it is
    the very next letter. Raises BrokenRecord when there are fewer than two options.
    """
    parts = _HEADING.split(text)
    if len(parts) < 2:
        raise BrokenRecord("question: no answer choices")
    question, rest = "\n".join(parts[:-1]), parts[-1]
    starts: list[int] = []
    for letter in _LETTERS[:10]:
        found = rest.find(f"({letter})", starts[-1] + 3 if starts else 0)
        if found < 0:
            break
        starts.append(found)
    if len(starts) < 2:
        raise BrokenRecord("question: fewer than two answer choices")
    stops = [*starts[1:], len(rest)]
    spans = zip(_LETTERS, starts, stops, strict=False)
    return question.strip(), {letter: rest[a + 3 : b].strip() for letter, a, b in spans}


def stem(text: str) -> str:
    """A question without the `Answer Choices: (A) ...` that repeats its options."""
    parts = _HEADING.split(text)
    return "\n".join(parts[:-1]) if len(parts) > 1 else text


def as_consultation(item: QAItem) -> Consultation:
    """A question as training data: the patient asks it with its options, the physician answers.

    The reply to a multiple-choice question is the right option as `B. text`.
    """
    options = [f"{letter}. {text}" for letter, text in sorted(item.options.items())]
    answer = f"{item.answer}. {item.options[item.answer]}" if item.options else item.answer
    return Consultation(
        id=item.id,
        language=item.language,
        turns=exchange("\n".join([item.question, *options]), answer, item.images),
        provenance=item.provenance,
    )


def _key(answer: Any, options: dict[str, str]) -> str:
    """The letter of the right option. Raises BrokenRecord when there is not exactly one."""
    if isinstance(answer, list):
        if len(answer) != 1:
            raise BrokenRecord("answer: not exactly one right option")
        answer = answer[0]
    if not isinstance(answer, str):
        raise BrokenRecord("answer: neither a letter nor an option's text")
    letter = _LETTER.fullmatch(answer)
    if letter and letter[1].upper() in options:
        return letter[1].upper()
    same = [k for k, text in options.items() if text.casefold() == answer.strip().casefold()]
    if len(same) != 1:
        raise BrokenRecord("answer: the right option is not among the options")
    return same[0]


def _question(
    shard: Shard,
    index: int,
    question: str,
    options: dict[str, str],
    answer: str,
    original_id: str,
    images: Iterable[ImageRef],
) -> Raw:
    if not question.strip():
        raise BrokenRecord("question: empty")
    return Raw(
        QAItem(
            id=record_id(shard, index),
            benchmark=shard.source.name,
            kind="choice" if options else "open",
            language=language(question + " ".join(options.values())),
            question=question.strip(),
            options=options,
            answer=answer,
            images=tuple(images),
            provenance=provenance(shard, index, original_id),
        )
    )
