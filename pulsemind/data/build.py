"""The dataset artifact from raw data, in steps over shards.

    cut        a source -> shards of checked records
    prepare    a shard  -> anonymous records and images            (all shards side by side)
    keys       a shard  -> arrays for comparing                    (all shards side by side)
    choose     all keys -> which records stay, and in which split  (one process)
    write      shards   -> files of the splits                     (all side by side)

Each step leaves an artifact in the work folder; nothing depends on how many workers there are.

The artifact:
    stage1/train, stage1/validation       Consultation, two turns each
    stage2/train, stage2/validation       Consultation
    queries                               Query, for CRPO; their consultations are in no other split
    benchmarks/NAME, benchmarks.json      Consultation or QAItem; how each is evaluated
    images/ab/SHA256.png|.jpg             anonymous copies
    quarantine.jsonl, dropped.jsonl, audit.json, counts.json, card.md, card.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulsemind.artifacts import digest, manifest, writing
from pulsemind.data.choose import Shard, choose
from pulsemind.data.collect import check_sources
from pulsemind.data.cut import cut, shards_of
from pulsemind.data.decontaminate import index
from pulsemind.data.finish import finish
from pulsemind.data.jobs import Job, Run, in_order
from pulsemind.data.keys import make_keys, read_records
from pulsemind.data.ledger import Counts, books
from pulsemind.data.prepare import RECORDS, prepare
from pulsemind.data.write import Chosen, write
from pulsemind.settings import DatasetSettings, Source


def build(
    raw: Path, out: Path, work: Path, settings: DatasetSettings, stamp: str, run: Run = in_order
) -> Counts:
    """Fill the folder `out` with the dataset made from the raw data in `raw`.

    Args:
        work: for the steps' artifacts; with it a build that was stopped goes on.
        stamp: digest of the raw data.
        run: runs the jobs of a step.

    Raises ValueError or FileNotFoundError when a source cannot work, AccountError when the counts
    do not add up. What is wrong with single records never raises; it is in the quarantine.
    """
    check_sources(raw, settings)
    # Evaluation sets first: everything else is compared with them.
    sources = sorted(settings.sources, key=lambda source: source.use != "benchmark")
    run([
        Job(cut, (raw, s, settings, work / "cut" / s.name), (stamp,), work / "cut" / s.name)
        for s in sources
    ])  # fmt: skip
    shards = [shard for source in sources for shard in _shards(source, work)]
    run([
        Job(prepare, (shard.cut, raw, settings, shard.prepared), (shard.digest,), shard.prepared)
        for shard in shards
    ])  # fmt: skip
    tests = [shard for shard in shards if shard.source.use == "benchmark"]
    training = shards[len(tests) :]
    sets = work / "benchmarks"
    run([_index_job(tests, settings, sets)])
    run([_keys_job(shard, settings, None) for shard in tests])
    run([_keys_job(shard, settings, sets) for shard in training])
    candidates = [Shard(s.source, s.prepared / RECORDS, s.keys) for s in shards]
    inputs = tuple(digest(folder) for s in shards for folder in (s.prepared, s.keys))
    run([Job(choose, (candidates, settings, work / "choice"), inputs, work / "choice")])
    parts = list(_parts(shards, settings, work))
    run(parts)
    folders = [(shard.source.name, shard.prepared) for shard in shards]
    folders += [(source.name, work / "choice" / source.name) for source in sources]
    return finish(out, [part.writes for part in parts], folders, work / "choice", settings, stamp)


@dataclass(frozen=True)
class _Work:
    """Where the artifacts of a shard lie."""

    source: Source
    number: str
    digest: str
    folder: Path

    @property
    def cut(self) -> Path:
        return self.folder / "cut" / self.source.name / f"{self.number}.jsonl"

    @property
    def prepared(self) -> Path:
        return self.folder / "prepared" / self.source.name / self.number

    @property
    def keys(self) -> Path:
        return self.folder / "keys" / self.source.name / self.number


def _shards(source: Source, work: Path) -> Iterator[_Work]:
    for number, inputs in shards_of(work / "cut" / source.name).items():
        yield _Work(source, number, inputs, work)


def _index_job(tests: Sequence[_Work], settings: DatasetSettings, out: Path) -> Job:
    names = [source for source in settings.sources if source.use == "benchmark"]
    paths = [(names.index(shard.source), shard.prepared / RECORDS) for shard in tests]
    inputs = tuple(digest(shard.prepared) for shard in tests)
    return Job(index_benchmarks, (paths, names, settings, out), inputs, out)


def index_benchmarks(
    shards: Sequence[tuple[int, Path]], sources: Sequence[Source], settings: DatasetSettings, out: Path
) -> None:
    """Write the index of the evaluation sets as the artifact `out`; a shard names its set."""
    sets = [
        [record for n, path in shards if n == number for record in read_records(path, source)[0]]
        for number, source in enumerate(sources)
    ]
    with writing(out, "benchmarks") as folder:
        index(sets, settings.contamination_ngram).save(folder)


def _keys_job(shard: _Work, settings: DatasetSettings, sets: Path | None) -> Job:
    inputs = (digest(shard.prepared), *([digest(sets)] if sets else []))
    args = (shard.prepared / RECORDS, shard.source, settings, sets, shard.keys)
    return Job(make_keys, args, inputs, shard.keys)


def _parts(shards: Sequence[_Work], settings: DatasetSettings, work: Path) -> Iterator[Job]:
    """Jobs that write the splits: neighbouring shards of a source, up to a full shard of records."""
    choices = manifest(work / "choice")["files"]
    group: list[tuple[int, _Work]] = []
    held = number = 0
    for position, shard in enumerate(shards):
        size = books(shard.prepared).kept
        other = group and group[0][1].source != shard.source
        if group and (other or held + size > settings.shard_records):
            yield _part(group, settings, choices, work, number)
            group, held, number = [], 0, number + 1
        group.append((position, shard))
        held += size
    if group:
        yield _part(group, settings, choices, work, number)


def _part(
    group: Sequence[tuple[int, _Work]],
    settings: DatasetSettings,
    choices: dict[str, str],
    work: Path,
    number: int,
) -> Job:
    chosen = [
        Chosen(s.prepared / RECORDS, s.prepared, work / "choice" / f"{position:05d}.npy")
        for position, s in group
    ]
    inputs = tuple(digest(s.prepared) + choices[f"{position:05d}.npy"] for position, s in group)
    out = work / "parts" / f"{number:05d}"
    return Job(write, (chosen, group[0][1].source, settings, out), inputs, out)
