"""What language models and physicians did to the dialogues: expansion and proofreading."""

from __future__ import annotations

from pulsemind.data.card.facts import ExpansionFacts, Facts, ReviewFacts
from pulsemind.data.card.parts import Bar, Chart, Part, Section, Table, number, percent


def people(facts: Facts) -> list[Section]:
    """Expansion and proofreading, also where they did not happen."""
    return [
        Section("expansion", "Replies rewritten by a language model", _expansion(facts.expansion)),
        Section("review", "Review by physicians", _review(facts.review)),
    ]


def _expansion(facts: ExpansionFacts | None) -> list[Part]:
    if facts is None or not (facts.expanded or facts.original_kept):
        return ["No language model rewrote any reply: physicians' words are those of the sources."]
    total = facts.expanded + facts.original_kept + facts.not_expanded
    bars = [
        Bar("expanded", facts.expanded),
        Bar("original kept, the rewrite failed a check", facts.original_kept),
        Bar("not expanded", facts.not_expanded),
    ]
    effort = (
        ("requests", facts.requests),
        ("tokens sent", facts.tokens_in),
        ("tokens received", facts.tokens_out),
    )
    rows: list[tuple[str, str]] = [("model", facts.model or "not stated")]
    rows += [(what, number(n)) for what, n in effort if n is not None]
    if facts.cost is not None:
        rows.append(("cost", f"{facts.cost:.2f} {facts.currency}".strip()))
    return [
        "A language model refined physicians' replies. A rewrite counts only when every number, "
        "unit, drug and negation of the original survives and nothing new is prescribed; otherwise "
        "the original stays.",
        Chart("Physicians' replies", "replies", bars, total),
        Table("Effort", ("", ""), rows),
    ]


def _review(facts: ReviewFacts | None) -> list[Part]:
    if facts is None or not facts.queued:
        return ["No physician has reviewed this build. It must be read as unreviewed."]
    bars = [
        Bar("accepted", facts.accepted),
        Bar("edited", facts.edited),
        Bar("rejected", facts.rejected),
        Bar("pending", facts.pending),
    ]
    parts: list[Part] = [
        f"{number(facts.reviewed)} of {number(facts.queued)} queued dialogues "
        f"({percent(facts.reviewed, facts.queued)}) have a decision"
        + (f", by {number(facts.reviewers)} reviewers" if facts.reviewers else "")
        + (f"; policy: {facts.policy}." if facts.policy else "."),
        Chart("Decisions", "dialogues", bars, facts.queued),
        _agreement(facts),
    ]
    return parts


def _agreement(facts: ReviewFacts) -> str:
    if facts.kappa is None:
        return (
            f"Agreement of two reviewers (Cohen's kappa) is not defined: {facts.kappa_n} double "
            "reviews, or all with the same decision."
        )
    interval = facts.kappa_interval
    spread = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    return (
        f"Agreement of two reviewers: Cohen's kappa {facts.kappa:.2f}{spread} over "
        f"{number(facts.kappa_n)} dialogues that two people reviewed; 1 is full agreement, 0 is "
        "what chance alone gives."
    )
