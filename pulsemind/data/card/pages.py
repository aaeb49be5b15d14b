"""The card as pages: one HTML file that needs no other, and the same in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pulsemind.data.card import overview
from pulsemind.data.card.facts import ExpansionFacts, Facts, ReviewFacts
from pulsemind.data.card.figures import figures
from pulsemind.data.card.parts import Card, Part, markdown_cell, number, percent
from pulsemind.data.card.people import people
from pulsemind.data.card.removal import removal
from pulsemind.data.card.statistics import Statistics
from pulsemind.data.ledger import Counts


def html(
    counts: Counts,
    statistics: Statistics,
    audit: Mapping[str, Any],
    *,
    review: Mapping[str, Any] | None = None,
    expansion: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
    quarantine: Mapping[str, int] | None = None,
) -> str:
    """The card as one HTML page without scripts or anything from elsewhere.

    Args:
        audit: `found` (place -> kind -> count), `second_pass` (place -> count), `dropped`.
        review: the fields of `facts.ReviewFacts`; None when there was no review.
        expansion: the fields of `facts.ExpansionFacts`; None when nothing was expanded.
        digests: what -> SHA-256.
        quarantine: reason -> records (`quarantine_reasons`).

    Raises pydantic.ValidationError when `review` or `expansion` is ill-typed.
    """
    made = card(_facts(counts, statistics, audit, review, expansion, digests, quarantine))
    return _render("page.html.jinja", made)


def markdown(
    counts: Counts,
    statistics: Statistics,
    audit: Mapping[str, Any],
    *,
    review: Mapping[str, Any] | None = None,
    expansion: Mapping[str, Any] | None = None,
    digests: Mapping[str, str] | None = None,
    quarantine: Mapping[str, int] | None = None,
) -> str:
    """The card as Markdown; arguments and errors as for `html`. Charts become tables."""
    made = card(_facts(counts, statistics, audit, review, expansion, digests, quarantine))
    return _render("page.md.jinja", made)


def card(facts: Facts) -> Card:
    """The content of both pages."""
    dialogues = facts.consultations
    return Card(
        title="Dataset card",
        lead="Medical consultations, prepared for training and evaluating a multimodal model. "
        "Every number on this page was computed by this build, except those marked as the paper's "
        "(PulseMind, arXiv 2601.07344).",
        figures=(
            (dialogues.records, "consultations"),
            (facts.counts.images, "different images"),
            (facts.pairs.records, "stage-1 pairs"),
            (facts.benchmarks.records, "benchmark items"),
            (len(dialogues.departments), "departments"),
            (facts.found, "pieces of personal data removed"),
        ),
        sections=(
            overview.summary(facts),
            overview.uses(facts),
            overview.sources(facts),
            *figures(facts),
            *removal(facts),
            *people(facts),
            overview.limits(facts),
            overview.digests(facts),
        ),
    )


def _facts(
    counts: Counts,
    statistics: Statistics,
    audit: Mapping[str, Any],
    review: Mapping[str, Any] | None,
    expansion: Mapping[str, Any] | None,
    digests: Mapping[str, str] | None,
    quarantine: Mapping[str, int] | None,
) -> Facts:
    return Facts(
        counts=counts,
        statistics=statistics,
        audit=audit,
        review=None if review is None else ReviewFacts.model_validate(review),
        expansion=None if expansion is None else ExpansionFacts.model_validate(expansion),
        digests=digests or {},
        quarantine=quarantine,
    )


def _render(template: str, made: Card) -> str:
    environment = Environment(
        loader=PackageLoader("pulsemind.data.card"),
        autoescape=template.endswith(".html.jinja"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "what": _what,
        "cell": markdown_cell,
    }
    return environment.get_template(template).render(card=made)


def _what(part: Part) -> str:
    return "Text" if isinstance(part, str) else type(part).__name__
