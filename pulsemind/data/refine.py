"""Expansion and proofreading as steps over shards, for the sources whose settings ask for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pulsemind.artifacts import write_json, writing
from pulsemind.data.anonymise import anonymise
from pulsemind.data.expand import Costs, Expanded, Pair, Service, expand
from pulsemind.data.ledger import Ledger
from pulsemind.data.prepare import RECORDS
from pulsemind.data.review.apply import Tally, proofread
from pulsemind.records import Consultation, QAItem
from pulsemind.settings import DatasetSettings

PAIRS, COSTS, TALLY = "pairs.jsonl", "costs.json", "review.json"


def expand_shard(shard: Path, service: Service, settings: DatasetSettings, out: Path) -> None:
    """Write a prepared shard with its physician replies refined as the artifact `out`.

    It holds the records, `pairs.jsonl` with every reply before and after, and `costs.json`.
    """
    costs = Costs()
    with (
        writing(out, "expanded") as folder,
        (folder / RECORDS).open("w", encoding="utf-8") as records,
        (folder / PAIRS).open("w", encoding="utf-8") as pairs,
    ):
        for item in expand(_read(shard / RECORDS), settings.expand, service, costs):
            records.write(item.record.model_dump_json() + "\n")
            pairs.writelines(pair.model_dump_json() + "\n" for pair in item.pairs)
        write_json(folder / COSTS, costs.report(settings.expand))


@dataclass(frozen=True)
class Reviewed:
    """A shard for the reviewers: source and number, the expanded shard, its images' folder."""

    source: str
    number: str
    expanded: Path
    images: Path


def proofread_shards(
    shards: Sequence[Reviewed], queue: Path, settings: DatasetSettings, out: Path
) -> None:
    """Queue what physicians shall review; what may go on is the artifact `out`.

    It holds `SOURCE-NUMBER.jsonl` a shard, each source's books and `review.json`.

    Args:
        queue: tasks are written there, decisions read.

    What a reviewer wrote is anonymised like any text. Raises ReviewPending when the policy is to
    wait and a decision is missing.
    """
    tally = Tally()
    ledgers = {shard.source: Ledger() for shard in shards}
    with writing(out, "reviewed") as folder:
        reading: list[tuple[TextIO, Expanded]] = []

        def items() -> Iterator[tuple[Expanded, Path]]:
            for shard in shards:
                with (folder / f"{shard.source}-{shard.number}.jsonl").open(
                    "w", encoding="utf-8"
                ) as handle:
                    for item in _expanded(shard.expanded):
                        reading[:] = [(handle, item)]
                        yield item, shard.images

        def drop(record: Consultation, rule: str) -> None:
            ledgers[record.provenance.source].drop(record, rule)

        for record in proofread(items(), queue, settings.proofread, settings.seed, drop, tally):
            handle, item = reading[0]
            written: Consultation | QAItem = record
            if record.turns != item.record.turns:
                written, _, clean = anonymise(record, None, settings.anonymise.ner_model)
                if not clean:
                    drop(record, "personal_data_remains")
                    continue
            handle.write(written.model_dump_json() + "\n")
        write_json(folder / TALLY, tally.report())
        for source, ledger in ledgers.items():
            (folder / source).mkdir()
            ledger.write(folder / source)


def costs_of(shards: Sequence[Path]) -> dict[str, Any]:
    """The costs of all expanded shards together."""
    total: dict[str, Any] = {}
    for shard in shards:
        own = json.loads((shard / COSTS).read_text(encoding="utf-8"))
        for name, value in own.items():
            if isinstance(value, dict):
                kinds = total.setdefault(name, {})
                for kind, number in value.items():
                    kinds[kind] = kinds.get(kind, 0) + number
            else:
                total[name] = total.get(name, 0) + value
    return total


def _expanded(shard: Path) -> Iterator[Expanded]:
    """The records of an expanded shard, each with its replies before and after."""
    with (shard / PAIRS).open(encoding="utf-8") as handle:
        pairs = (Pair.model_validate_json(line) for line in handle)
        pair = next(pairs, None)
        for record in _read(shard / RECORDS):
            own = []
            while pair and pair.consultation == record.id:
                own.append(pair)
                pair = next(pairs, None)
            yield Expanded(record, tuple(own))


def _read(path: Path) -> Iterator[Consultation]:
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            yield Consultation.model_validate_json(line)
