"""What was taken out or replaced: funnel, benchmark overlaps, personal data."""

from __future__ import annotations

import re
from pathlib import Path

from pulsemind.data.card.facts import Facts
from pulsemind.data.card.parts import (
    Bar,
    Cell,
    Chart,
    Part,
    Section,
    Table,
    number,
    percent,
    ranking,
)
from pulsemind.data.card.statistics import LabelCounts
from pulsemind.records import Quarantined

RULES = {
    "contamination_text": "its text is, nearly, that of an evaluation set",
    "contamination_ngram": "it asks in the words of an evaluation set",
    "contamination_question": "it asks a question of an evaluation set",
    "contamination_image": "one of its images is in an evaluation set",
    "contamination_question_and_image": "it asks a question of an evaluation set about its image",
    "duplicate_image": "an earlier caption has the same image",
    "answer_withheld": "the source does not tell the answer",
    "safety_row": "it belongs to the set's safety part",
    "duplicate_exact": "another record has the same words",
    "duplicate_near": "another record has nearly the same words",
    "personal_data_remains": "a second look at its text still found personal data",
    "image_personal_data_remains": "a second look at an image still found personal data",
    "image_too_small": "an image is too small to read",
    "not_test_split": "the source keeps it for another use",
    "other_split": "the source keeps it for another use",
    "caption_length": "its caption is too short or too long",
    "review_rejected": "a physician rejected it",
    "review_pending": "no physician has reviewed it yet",
}
"""What the rules of `dropped.jsonl` mean, for a reader."""
OVERLAPS = {
    "text": "whole text",
    "ngram": "run of words",
    "question": "question",
    "image": "image",
    "question_and_image": "question and image",
}
"""The rules of `data.decontaminate`, for a reader."""
_PLACES = {"text": "text", "pixels": "pixels", "metadata": "metadata", "file_name": "file name"}
_REASONS = 30


def quarantine_reasons(path: Path) -> dict[str, int]:
    """Quarantined records by reason, streamed from a `quarantine.jsonl`; numbers become "N"."""
    reasons = LabelCounts()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            entry = Quarantined.model_validate_json(line)
            reasons.add(re.sub(r"(?<![\w-])\d+(?![\w-])", "N", entry.reason))
    counted = dict(ranking(reasons.counts)[:_REASONS])
    rest = reasons.total - sum(counted.values())
    return {**counted, "other reasons": rest} if rest else counted


def removal(facts: Facts) -> list[Section]:
    """Removal funnel, contamination, personal data."""
    return [
        Section("funnel", "From raw records to this data set", _funnel(facts)),
        Section("contamination", "Overlap with the benchmarks", _contamination(facts)),
        Section("privacy", "Personal data", _privacy(facts)),
    ]


def _funnel(facts: Facts) -> list[Part]:
    counts = facts.counts
    steps = _steps(facts)
    left, bars = counts.read, [Bar("read", counts.read, lost=0)]
    for label, n, _ in steps:
        left -= n
        bars.append(Bar(label, left, lost=n))
    rows: list[tuple[str, int, str, str]] = [
        ("read", counts.read, percent(counts.read, counts.read), ""),
        *((label, n, percent(n, counts.read), why) for label, n, why in steps),
        ("kept", counts.kept, percent(counts.kept, counts.read), ""),
    ]
    parts: list[Part] = [
        "Every raw record that was read is kept, quarantined (it could not be used at all) or "
        "dropped by a rule; the build stops when the three do not add up. Each removed record is "
        "listed with file, position and reason in quarantine.jsonl or dropped.jsonl.",
        Chart("Records left after each step", "records", bars, counts.read),
        Table("The same in numbers", ("step", "records", "of those read", "why"), rows),
    ]
    if counts.images_dropped:
        images = [
            (f"image dropped: {k}", n, RULES.get(k, "")) for k, n in _sorted(counts.images_dropped)
        ]
        parts.append(
            Table("Images taken out of records that stay", ("rule", "images", "why"), images)
        )
    return parts


def _steps(facts: Facts) -> list[tuple[str, int, str]]:
    """Removal steps: label, records removed, meaning."""
    counts = facts.counts
    reasons = dict(facts.quarantine or {})
    if sum(reasons.values()) != counts.quarantined:
        reasons = {}
    broken = [(f"quarantined: {k}", n, "cannot be used") for k, n in ranking(reasons)]
    if not broken and counts.quarantined:
        broken = [("quarantined", counts.quarantined, "cannot be used")]
    return broken + [(f"dropped: {k}", n, RULES.get(k, "")) for k, n in _sorted(counts.dropped)]


def _contamination(facts: Facts) -> list[Part]:
    found, blocking = facts.counts.contamination, facts.counts.blocking
    if not blocking:
        return ["This build holds no evaluation set, so there was nothing to compare with."]
    rows: list[tuple[str | int, ...]] = [
        (
            name,
            facts.counts.splits.get(f"benchmarks/{name}", 0),
            *(_overlap(found.get(name, {}).get(rule, 0), rule in rules) for rule in OVERLAPS),
        )
        for name, rules in sorted(blocking.items())
    ]
    removed = sum(n for k, n in facts.counts.dropped.items() if k.startswith("contamination_"))
    return [
        "Training records were compared with every evaluation set of this build by five rules; "
        f"{number(removed)} overlapped one by a rule that counts for it and were removed from "
        "training. The evaluation sets themselves are untouched. Numbers in brackets are records "
        "that a rule would remove which does not count for the set. A record may fall under "
        "several rules. Sets that are not listed were not compared with.",
        Table(
            "Training records that overlap an evaluation set",
            ("evaluation set", "its items", *OVERLAPS.values()),
            rows,
        ),
    ]


def _overlap(n: int, blocks: bool) -> Cell:
    return n if blocks else f"({number(n)})"


def _privacy(facts: Facts) -> list[Part]:
    found, second = facts.audit["found"], facts.audit["second_pass"]
    places = [*(p for p in _PLACES if p in found), *(p for p in found if p not in _PLACES)]
    kinds = sorted({kind for place in places for kind in found[place]})
    rows: list[tuple[str | int, ...]] = [
        (kind.replace("_", " "), *(n := [found[p].get(kind, 0) for p in places]), sum(n))
        for kind in kinds
    ]
    rows.append(("all", *(sum(found[p].values()) for p in places), facts.found))
    rows.append(("left at the second look", *(second.get(p, 0) for p in places), facts.remaining))
    out = facts.audit.get("dropped", {})
    return [
        "The sources are meant to arrive de-identified; this is a second check by machine. What it "
        "found was replaced in text, painted over in images, and left out of metadata and file "
        "names. The table counts kinds and holds no value. The last row is what a second look "
        "still found; the records and images it was found in were removed.",
        Table(
            "Personal data found and removed",
            ("kind", *(_PLACES.get(p, p) for p in places), "together"),
            rows,
        ),
        f"{number(out.get('records', 0))} records and {number(out.get('images', 0))} images were "
        "removed because something remained after cleaning.",
    ]


def _sorted(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items())
