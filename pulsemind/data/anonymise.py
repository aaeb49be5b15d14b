"""The second check for personal data in a dialogue's text: find, replace consistently, look again.

Inside one record the same value becomes the same placeholder everywhere, also where no cue stands
beside it. A full date becomes its distance from the visit (`[DAY-3]`) when the visit is known, so
that the clinical order of things stays. Values never leave this module: the audit holds kinds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache, partial

from pulsemind.data.detectors import Span, mask
from pulsemind.data.english_words import is_eponym, is_unclear, opens_sentence
from pulsemind.data.kinds import Kind
from pulsemind.records import Consultation, QAItem

ROUNDS = 3
PLACEHOLDERS: dict[Kind, str] = {
    "name": "NAME",
    "physician": "PHYSICIAN",
    "id_number": "ID",
    "phone": "PHONE",
    "email": "EMAIL",
    "account": "ACCOUNT",
    "address": "ADDRESS",
    "hospital": "HOSPITAL",
    "record_number": "RECORD",
    "bed_number": "BED",
    "date": "DATE",
    "url": "URL",
    "plate": "PLATE",
}
"""The word in the placeholder of a kind; an age has one of its own, without a number."""
_STRONG = ("email", "url", "id_number", "phone", "account", "address", "hospital", "record_number")
"""Kinds that win over others where spans overlap; then the longer span's kind does."""


def detect(text: str, ner_model: str | None = None, tagger: bool = True) -> list[Span]:
    """Personal data in a text, in order, without overlaps; placeholders are no personal data.

    Without `tagger` by rules and model alone: for names of files, fields and lines of forms, which
    have no sentence around a value that could be weighed, and where taking too much does harm:
    questions of exams with their options, a model's replies.
    """
    from pulsemind.data.recognisers import find  # presidio takes seconds to import

    merged: list[Span] = []
    for span in sorted(find(mask(text), ner_model, tagger)):
        if merged and span.start < merged[-1].stop:
            first = min(merged[-1], span, key=_rank)
            merged[-1] = Span(merged[-1].start, max(merged[-1].stop, span.stop), first.kind)
        else:
            merged.append(span)
    return merged


def _rank(span: Span) -> tuple[bool, int, bool]:
    """Of overlapping spans the kind of the lowest is taken, and all that they cover."""
    return span.kind not in _STRONG, span.start - span.stop, span.kind == "name"


def anonymise_texts(
    texts: Iterable[str],
    visit: date | None = None,
    ner_model: str | None = None,
    tagger: bool = True,
) -> tuple[list[str], Counter[Kind], bool]:
    """Replace personal data in the texts of one record; `ner_model`, `tagger` as for `detect`.

    Returns the new texts, how many values of each kind were replaced, and whether a last look
    found nothing more. Anonymised texts come back unchanged.
    """
    replaced = list(texts)
    counts: Counter[Kind] = Counter()
    names = _Placeholders(visit)
    look = cache(partial(detect, ner_model=ner_model, tagger=tagger))  # most texts never change
    for _ in range(ROUNDS):
        found = _locate(replaced, names, look)
        if not any(found):
            return replaced, counts, True
        replaced = [
            _replace(text, spans, names) for text, spans in zip(replaced, found, strict=True)
        ]
        counts.update(span.kind for spans in found for span in spans)
    return replaced, counts, not any(look(text) for text in replaced)


def locate(texts: Sequence[str], ner_model: str | None = None) -> list[list[Span]]:
    """Where the personal data of one record's texts stands: what `anonymise_texts` replaces first.

    A name that a cue gives away in one text is found in all of them.
    """
    return _locate(texts, _Placeholders(None), partial(detect, ner_model=ner_model))


def _locate(
    texts: Sequence[str], names: _Placeholders, look: Callable[[str], list[Span]]
) -> list[list[Span]]:
    found = [look(text) for text in texts]
    for text, spans in zip(texts, found, strict=True):
        for span in spans:
            names.of(text[span.start : span.stop], span.kind)
    people = names.people()
    if people is None:
        return found
    return [
        sorted([*spans, *_mentions(text, people, spans)])
        for text, spans in zip(texts, found, strict=True)
    ]


def _mentions(text: str, people: re.Pattern[str], spans: list[Span]) -> list[Span]:
    """Known names that no detector saw here."""
    return [
        Span(found.start(), found.end(), "name")
        for found in people.finditer(mask(text))
        if all(found.end() <= s.start or s.stop <= found.start() for s in spans)
        and not _is_a_word(text, found)
    ]


def _is_a_word(text: str, found: re.Match[str]) -> bool:
    """A part of a known name that stands here as an eponym or an ordinary word."""
    if not found.group().isascii():
        return False
    opening = is_unclear(found.group()) and opens_sentence(text, found.start())
    return opening or is_eponym(text, found.end())


def anonymise(
    record: Consultation | QAItem, visit: date | None = None, ner_model: str | None = None
) -> tuple[Consultation | QAItem, Counter[Kind], bool]:
    """`anonymise_texts` over everything a reader sees of a record; images are not touched.

    Questions of exams are left to the rules and the model: the tagger takes options for names.
    """
    if isinstance(record, Consultation):
        texts, counts, clean = anonymise_texts(
            (turn.text for turn in record.turns), visit, ner_model
        )
        turns = tuple(
            turn.model_copy(update={"text": text})
            for turn, text in zip(record.turns, texts, strict=True)
        )
        update: dict[str, object] = {"turns": turns}
        if record.department and detect(record.department, tagger=False):
            update["department"] = None
    else:
        open_answer = [] if record.kind == "choice" else [record.answer]
        parts = [record.question, *record.options.values(), *open_answer]
        texts, counts, clean = anonymise_texts(parts, visit, ner_model, tagger=False)
        options = dict(zip(record.options, texts[1:], strict=False))
        update = {"question": texts[0], "options": options}
        if open_answer:
            update["answer"] = texts[-1]
    original = record.provenance.original_id
    if original and detect(original, tagger=False):
        safe = record.provenance.model_copy(update={"original_id": ""})
        update["provenance"] = safe
    return record.model_copy(update=update), counts, clean


def remaining(record: Consultation | QAItem, ner_model: str | None = None) -> Counter[Kind]:
    """What a fresh look at a record still finds, by kind: the second pass, for the audit."""
    tagger = isinstance(record, Consultation)
    if isinstance(record, Consultation):
        texts = [turn.text for turn in record.turns]
    else:
        texts = [record.question, *record.options.values(), record.answer]
    return Counter(span.kind for text in texts for span in detect(text, ner_model, tagger))


class _Placeholders:
    """Value -> placeholder, for one record."""

    def __init__(self, visit: date | None) -> None:
        self._visit = visit
        self._by_value: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()

    def of(self, value: str, kind: Kind) -> str:
        """The placeholder of a value, new or known. A part of a known name has that name's."""
        if kind == "age_over_89":
            return "[AGE-OVER-89]"
        if kind == "date" and self._visit and (day := _day(value, self._visit)):
            return f"[DAY{(day - self._visit).days:+d}]"
        label, plain = PLACEHOLDERS[kind], re.sub(r"[\s,，.-]+", " ", value).strip().casefold()
        group = "person" if kind in {"name", "physician"} else label
        whole = next((p for (g, v), p in self._by_value.items() if g == group == "person"
                      and (f" {plain} " in f" {v} ")), None)  # fmt: skip
        if whole is not None:
            return whole
        if (group, plain) not in self._by_value:
            self._numbers[label] += 1
            self._by_value[group, plain] = f"[{label}-{self._numbers[label]}]"
        return self._by_value[group, plain]

    def people(self) -> re.Pattern[str] | None:
        """Matches the names found so far, and the longer parts of English ones."""
        forms: set[str] = set()
        for group, value in self._by_value:
            if group != "person":
                continue
            if value.isascii():
                words = [word for word in value.split() if len(word) >= 3]
                forms.add(r"(?i:\b" + r"[\s,.]+".join(map(re.escape, value.split())) + r"\b)")
                for word in words:
                    plain = word.isalpha() and len(word) > 3 and not is_unclear(word)
                    forms.add(
                        rf"(?i:\b{re.escape(word)}\b)"
                        if plain
                        else rf"\b{re.escape(word.capitalize())}\b"
                    )
            elif len(value) >= 2:
                forms.add(re.escape(value))
        if not forms:
            return None
        return re.compile("|".join(sorted(forms, key=lambda f: (-len(f), f))))


def _replace(text: str, spans: list[Span], names: _Placeholders) -> str:
    parts, position = [], 0
    for span in spans:
        parts += [text[position : span.start], names.of(text[span.start : span.stop], span.kind)]
        position = span.stop
    return "".join([*parts, text[position:]])


def _day(value: str, visit: date) -> date | None:
    """The day a date text names; without a year, the one nearest to the visit. None if unclear.

    Of `03/04/2025` the first number is the month, unless it cannot be one.
    """
    word = re.search(r"[A-Za-z]{3,}", value)
    numbers = re.findall(r"\d+", value)
    if len(numbers) == 1 and len(numbers[0]) == 8:
        numbers = [numbers[0][:4], numbers[0][4:6], numbers[0][6:]]
    year = next((int(n) for n in numbers if len(n) == 4), None)
    small = [int(n) for n in numbers if len(n) < 4]
    if word and len(small) == 1:
        small.insert(0, _MONTHS.find(word.group()[:3].lower()) // 3 + 1)
    if len(small) != 2:
        return None
    month, day = small if small[0] <= 12 else reversed(small)
    days = []
    for candidate in [year] if year else [visit.year - 1, visit.year, visit.year + 1]:
        try:
            days.append(date(candidate, month, day))
        except ValueError:
            continue
    return min(days, key=lambda day: abs((day - visit).days), default=None)


_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
