"""The last step of a build: parts become the artifact, books are closed, the card is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulsemind.artifacts import folder_digest, json_digest, write_json, write_text
from pulsemind.data.card import html, markdown, quarantine_reasons
from pulsemind.data.choose import CONTAMINATION
from pulsemind.data.ledger import (
    DROPPED,
    QUARANTINE,
    Books,
    Counts,
    SourceCounts,
    books,
    entries,
    write_lines,
)
from pulsemind.data.refine import TALLY, costs_of
from pulsemind.data.sources import ADAPTERS
from pulsemind.data.split import SPLITS
from pulsemind.data.write import About, join
from pulsemind.settings import DatasetSettings, Source


@dataclass(frozen=True)
class Made:
    """What the steps before left: folders of artifacts."""

    parts: Sequence[Path]
    ledgers: Sequence[tuple[str, Path]]
    """Source and folder of every step's books."""
    choice: Path
    refinement: Sequence[Path]
    """The reviewed artifact, then the expanded shards; empty when no source is refined."""


def finish(out: Path, made: Made, settings: DatasetSettings, raw: str) -> Counts:
    """Fill the folder `out`.

    Args:
        raw: digest of the raw data, for the card.

    Raises AccountError when the counts do not add up.
    """
    tests = [source for source in settings.sources if source.use == "benchmark"]
    about, images = join(made.parts, [*SPLITS, *(f"benchmarks/{s.name}" for s in tests)], out)
    for name in (QUARANTINE, DROPPED):
        write_lines(out / name, entries([folder for _, folder in made.ledgers], name))
    by_source = {source.name: Books() for source in settings.sources}
    total = Books()
    for name, folder in made.ledgers:
        by_source[name].add(books(folder))
        total.add(books(folder))
    counts = Counts(
        read=total.read,
        kept=sum(about.sources.values()),
        quarantined=total.quarantined,
        dropped=total.dropped,
        sources={s.name: _counts(s, by_source[s.name], about) for s in settings.sources},
        splits=about.splits,
        contamination=json.loads((made.choice / CONTAMINATION).read_text(encoding="utf-8")),
        blocking={source.name: list(source.overlap) for source in tests},
        images=images,
        images_dropped=total.images_dropped,
    )
    counts.check()
    write_json(out / "benchmarks.json", _protocols(tests, about.splits))
    write_json(out / "counts.json", counts.model_dump())
    write_json(out / "audit.json", _audit(total))
    digests = {"raw data": raw, "settings": json_digest(settings.model_dump())}
    _card(out, counts, about, _audit(total), digests, _refinement(made, settings))
    return counts


def _counts(source: Source, own: Books, about: About) -> SourceCounts:
    return SourceCounts(
        use=source.use,
        licence=source.licence,
        read=own.read,
        kept=about.sources.get(source.name, 0),
        quarantined=own.quarantined,
        dropped=own.dropped,
    )


def _card(
    out: Path,
    counts: Counts,
    about: About,
    audit: dict[str, Any],
    digests: dict[str, str],
    refinement: dict[str, Any],
) -> None:
    digests = digests | {split: folder_digest(out / split) for split in about.splits}
    reasons = quarantine_reasons(out / QUARANTINE)
    for name, page in (("card.md", markdown), ("card.html", html)):
        text = page(
            counts, about.statistics, audit, digests=digests, quarantine=reasons, **refinement
        )
        write_text(out / name, text)


def _refinement(made: Made, settings: DatasetSettings) -> dict[str, Any]:
    """What the card says of expansion and review; nothing when no source is refined."""
    if not made.refinement:
        return {}
    reviewed, *expanded = made.refinement
    tally = json.loads((reviewed / TALLY).read_text(encoding="utf-8"))
    agreement = tally.pop("agreement")
    costs = costs_of(expanded)
    review = tally | {
        "policy": settings.proofread.policy,
        "kappa": agreement["kappa"],
        "kappa_n": agreement["n"],
    }
    expansion = costs | costs["replies"] | {"model": settings.expand.model, "cost": costs["money"]}
    return {"review": review, "expansion": expansion}


def _protocols(tests: Sequence[Source], sizes: dict[str, int]) -> dict[str, dict[str, object]]:
    """`benchmarks.json`: how each evaluation set is evaluated."""
    return {
        source.name: {
            "adapter": source.adapter,
            "kind": ADAPTERS[source.adapter].kind,
            "protocol": ADAPTERS[source.adapter].protocol,
            "n": sizes[f"benchmarks/{source.name}"],
        }
        for source in tests
    }


def _audit(total: Books) -> dict[str, Any]:
    """`audit.json`: what was found where, by kind, never a value.

    `second_pass` is what a second look found; what it was found in has been dropped.
    """
    remaining = "image_personal_data_remains"
    return {
        "found": total.found,
        "second_pass": {place: sum(total.left.get(place, {}).values()) for place in total.found},
        "dropped": {
            "records": total.dropped.get("personal_data_remains", 0)
            + total.dropped.get(remaining, 0),
            "images": total.images_dropped.get(remaining, 0),
        },
    }
