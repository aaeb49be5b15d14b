"""The card's beginning and end: summary, sources and splits, uses, limits, digests."""

from __future__ import annotations

from pulsemind.data.card.facts import Facts
from pulsemind.data.card.figures import median
from pulsemind.data.card.parts import Cell, Part, Points, Section, Table, number, percent
from pulsemind.data.licences import terms

_SPLITS = {
    "stage1/train": "text training, stage 1",
    "stage1/validation": "watches the loss of stage 1",
    "stage2/train": "multimodal training, stage 2",
    "stage2/validation": "watches the loss of stage 2",
    "queries": "starting points for reinforcement learning (CRPO); in no other split",
}
_USES = {
    "sft1": "stage-1 fine-tuning",
    "sft2": "stage-2 fine-tuning",
    "crpo_query": "CRPO query",
    "evaluation": "evaluation",
}
_FLAGS = {
    "research_only": "research or non-commercial use only; a model trained on it is bound too",
    "no_derivatives": "no derivatives; not for training, since this build rewrites text",
    "share_alike": "share alike; may bind what is published of the data",
    "licence_unknown": "licence not in the table; clear it before any use",
}


def summary(facts: Facts) -> Section:
    """A few sentences that a reader can stop after."""
    counts, dialogues = facts.counts, facts.consultations
    shown = sum(dialogues.modalities.values())
    named = facts.review is not None and facts.review.reviewed > 0
    parts: list[Part] = [
        f"This build read {number(counts.read)} raw records from {len(counts.sources)} sources and "
        f"kept {number(counts.kept)} ({percent(counts.kept, counts.read)}). "
        f"{number(counts.quarantined)} could not be used and {number(facts.dropped)} were removed "
        "by a rule; each of them is listed with its reason.",
        f"At its heart are {number(dialogues.records)} consultations between patients and "
        f"physicians with {number(shown)} images, in {len(dialogues.departments)} departments, of "
        f"{median(dialogues.turns)} turns at the median. "
        f"{number(facts.pairs.records)} question-answer pairs serve the first training stage, and "
        f"{number(facts.benchmarks.records)} items are kept apart for evaluation.",
        f"The privacy check found and removed {number(facts.found)} pieces of personal data; a "
        f"second look at what is kept found {number(facts.remaining)}. "
        + (
            f"Physicians decided on {number(facts.review.reviewed)} dialogues."
            if named and facts.review
            else "No physician has reviewed the dialogues of this build."
        ),
    ]
    return Section("summary", "In short", parts)


def sources(facts: Facts) -> Section:
    """Where the records come from, under which licence, and where they went."""
    rows = [
        (n, _use(s.use), s.licence, s.read, s.quarantined, sum(s.dropped.values()), s.kept)
        for n, s in facts.counts.sources.items()
    ]
    header = ("source", "for", "licence", "read", "quarantined", "dropped", "kept")
    splits = [
        (name, n, _SPLITS.get(name, "evaluation"), ", ".join(_sources_of(facts, name)))
        for name, n in facts.counts.splits.items()
    ]
    return Section(
        "sources",
        "Sources and splits",
        [
            Table("Sources, in order of trust, with their licences", header, rows),
            Table("Splits", ("split", "records", "for", "sources (records)"), splits),
        ],
    )


def uses(facts: Facts) -> Section:
    """What the records may be used for, and what nobody must use them for."""
    groups = (facts.consultations, facts.pairs)
    rows: list[tuple[Cell, ...]] = [
        (label, *(group.uses.get(use, 0) for group in groups)) for use, label in _USES.items()
    ]
    flags = [
        (name, source.licence, "; ".join(_FLAGS[flag] for flag in found))
        for name, source in facts.counts.sources.items()
        if (found := terms(source.licence).flags)
    ]
    parts: list[Part] = [
        "A record may be used for something when a physician answers a patient in it, its licence "
        "allows it, and no reviewer has rejected it or still has it waiting. The split decides "
        "what it is used for, one thing only.",
        Table("Records that may serve", ("use", "consultations", "stage-1 pairs"), rows),
        Points("This data must not be used", _forbidden(facts), "warning"),
    ]
    if flags:
        parts.append(Table("Licences to mind", ("source", "licence", "what it means"), flags))
    return Section("uses", "Uses", parts)


def limits(facts: Facts) -> Section:
    """What a reader should know before relying on the numbers."""
    items = [
        "Departments, image kinds marked as heuristic, languages and questions are found by rules, "
        "not by people; the rules are documented with the code.",
        "Anonymisation by machine lowers the risk and does not end it: names without any cue in "
        "the text, rare conditions and free descriptions can still point to a person.",
        "Removing overlaps covers the benchmarks of this build only, at the thresholds of its "
        "settings; paraphrases below them stay.",
        "Departments, ages, regions and hospitals are not balanced; a model will be weaker where "
        "the charts above show little.",
        "Images are flat pictures. Volumes, video and full slides are not represented.",
    ]
    if facts.review is None or not facts.review.reviewed:
        items.insert(0, "No physician has checked the medical content of this build.")
    if facts.expansion is not None and facts.expansion.expanded:
        items.insert(0, "Replies marked as expanded hold words of a language model.")
    if facts.consultations.unknown_departments.total or facts.consultations.department_absent:
        n = facts.consultations.unknown_departments.total + facts.consultations.department_absent
        items.append(f"{number(n)} consultations have no department known to the table.")
    return Section("limits", "Known limits", [Points("", items)])


def digests(facts: Facts) -> Section:
    """Fingerprints that tie this page to files."""
    if not facts.digests:
        return Section("digests", "Fingerprints", ["None were handed to this card."])
    text = (
        "SHA-256 of what this card describes. Equal fingerprints mean equal data; the same raw "
        "data and settings give them again."
    )
    rows = list(facts.digests.items())
    return Section("digests", "Fingerprints", [text, Table("", ("of", "SHA-256"), rows)])


def _forbidden(facts: Facts) -> list[str]:
    items = [
        "to diagnose or treat anyone, or as a source of medical advice: it serves to build and "
        "examine models, and what physicians say in it is neither checked for today's patient nor "
        "complete;",
        "to find out who a patient, a physician or a hospital is, alone or joined with other data;",
        "to train on the splits kept for evaluation, or on the queries in supervised training;",
        "to draw conclusions about how frequent an illness is: these are the consultations that "
        "were at hand, not a sample of a population.",
    ]
    flags = {
        flag for source in facts.counts.sources.values() for flag in terms(source.licence).flags
    }
    if "research_only" in flags:
        items.append("commercially: at least one source allows research only (see below);")
    if "licence_unknown" in flags:
        items.append("at all, as far as sources with an unknown licence are concerned (see below).")
    return items


def _sources_of(facts: Facts, split: str) -> list[str]:
    found = facts.statistics.total([split]).sources
    return [f"{name} ({number(n)})" for name, n in sorted(found.items())]


def _use(use: str) -> str:
    names = {"consultations": "consultations", "stage1": "stage 1", "benchmark": "evaluation"}
    return names.get(use, use)
