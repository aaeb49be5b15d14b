"""Expansion and proofreading as steps over shards: what the sources that ask for it go through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pulsemind.artifacts import write_json, writing
from pulsemind.data.anonymise import anonymise
from pulsemind.data.expand import Costs, Expanded, Pair, Service, expand
from pulsemind.data.ledger import Ledger, write_lines
from pulsemind.data.prepare import RECORDS
from pulsemind.data.review.apply import Tally, proofread
from pulsemind.records import Consultation
from pulsemind.settings import DatasetSettings

PAIRS, COSTS, TALLY = "pairs.jsonl", "costs.json", "review.json"


def expand_shard(shard: Path, service: Service, settings: DatasetSettings, out: Path) -> None:
    """Write a prepared shard with its physician replies refined as the artifact `out`.

    It holds the records, `pairs.jsonl` with every reply before and after, and `costs.json`.
    """
    costs = Costs()
    records, pairs = [], []
    for item in expand(_read(shard / RECORDS), settings.expand, service, costs):
        records.append(item.record.model_dump_json() + "\n")
        pairs += [pair.model_dump_json() + "\n" for pair in item.pairs]
    with writing(out, "expanded") as folder:
        write_lines(folder / RECORDS, records)
        write_lines(folder / PAIRS, pairs)
        write_json(folder / COSTS, costs.report(settings.expand))


def proofread_shards(
    shards: Sequence[tuple[str, Path, Path]],
    queue: Path,
    settings: DatasetSettings,
    out: Path,
) -> None:
    """Queue what physicians shall review, and write what may go on as the artifact `out`.

    Args:
        shards: name, expanded shard, and the folder its images' paths are relative to.
        queue: tasks are written there, decisions read.

    What a reviewer wrote is anonymised like any text. Raises ReviewPending when the policy is to
    wait and a decision is missing.
    """
    tally, ledger = Tally(), Ledger()
    with writing(out, "reviewed") as folder:
        ...
