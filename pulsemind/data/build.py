"""The dataset artifact from raw data, in steps over shards.

    cut        a source -> shards of checked records
    prepare    a shard  -> anonymous records and images            (all shards side by side)
    expand     a shard  -> the same with refined replies            (sources that ask for it)
    proofread  those    -> what the reviewers let through          (one process)
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

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pulsemind.artifacts import digest, file_digest, json_digest, writing
from pulsemind.data.choose import Shard, choose
from pulsemind.data.collect import check_sources
from pulsemind.data.cut import cut, shards_of
from pulsemind.data.decontaminate import index
from pulsemind.data.expand import Service
from pulsemind.data.finish import Made, finish
from pulsemind.data.jobs import Job, Run, in_order
from pulsemind.data.keys import make_keys, read_records
from pulsemind.data.ledger import Counts, books
from pulsemind.data.prepare import RECORDS, prepare
from pulsemind.data.refine import Reviewed, expand_shard, proofread_shards
from pulsemind.data.review.decisions import DECISIONS
from pulsemind.data.write import Chosen, write
from pulsemind.settings import DatasetSettings, Source


@dataclass(frozen=True)
class Refining:
    """Where replies are expanded, and the folder of the review queue."""

    service: Service
    queue: Path


@dataclass(frozen=True)
class Digests:
    """What a build is made from beside its settings."""

    raw: str
    code: str


def build(
    raw: Path,
    out: Path,
    work: Path,
    settings: DatasetSettings,
    digests: Digests,
    refining: Refining,
    run: Run = in_order,
) -> Counts:
    """Fill the folder `out` with the dataset made from the raw data in `raw`.

    Args:
        work: for the steps' artifacts; with it a build that was stopped goes on. What still holds
            names is deleted when the build is done.
        refining: where replies are expanded and dialogues reviewed.
        run: runs the jobs of a step.

    Raises ValueError or FileNotFoundError when a source cannot work, AccountError when the counts
    do not add up, ReviewPending when the settings say to wait for the reviewers, LlmError when the
    endpoint of the expansion cannot be used. What is wrong with single records never raises; it is
    in the quarantine.
    """
    check_sources(raw, settings)
    make = _Jobs(raw, work, settings, digests, refining)
    # Evaluation sets first: everything else is compared with them.
    sources = sorted(settings.sources, key=lambda source: source.use != "benchmark")
    run([make.cut(source) for source in sources])
    shards = [shard for source in sources for shard in _shards(source, work)]
    if not shards:
        raise ValueError(f"the sources in {raw} hold no records")
    run([make.prepare(shard) for shard in shards])
    refined = [shard for shard in shards if shard.source.refine]
    run([make.expand(shard) for shard in refined])
    if refined:
        run([make.proofread(refined)])
    tests = [shard for shard in shards if shard.source.use == "benchmark"]
    run([make.index(tests)])
    run([make.keys(shard) for shard in shards])
    run([make.choose(shards)])
    parts = list(make.parts(shards))
    run(parts)
    folders = [(shard.source.name, shard.prepared) for shard in shards]
    folders += [(s.name, work / "reviewed" / s.name) for s in sources if s.refine]
    folders += [(source.name, work / "choice" / source.name) for source in sources]
    written = [part.writes for part in parts]
    refinement = [work / "reviewed", *(shard.expanded for shard in refined)] if refined else []
    made = Made(written, folders, work / "choice", refinement)
    counts = finish(out, made, settings, digests.raw)
    shutil.rmtree(work / "cut")
    return counts


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
    def expanded(self) -> Path:
        return self.folder / "expanded" / self.source.name / self.number

    @property
    def records(self) -> Path:
        """The records as they are compared and written."""
        if self.source.refine:
            return self.folder / "reviewed" / f"{self.source.name}-{self.number}.jsonl"
        return self.prepared / RECORDS

    @property
    def keys(self) -> Path:
        return self.folder / "keys" / self.source.name / self.number


def _shards(source: Source, work: Path) -> Iterator[_Work]:
    for number, inputs in shards_of(work / "cut" / source.name).items():
        yield _Work(source, number, inputs, work)


@dataclass(frozen=True)
class _Jobs:
    """Makes the jobs of each step."""

    raw: Path
    work: Path
    settings: DatasetSettings
    digests: Digests
    refining: Refining

    def _job(self, step: Callable[..., None], out: Path, inputs: Sequence[Any], *args: Any) -> Job:
        key = json_digest([step.__name__, self.digests.code, *inputs])
        return Job(step, (*args, self.settings, out), key, out)

    @cached_property
    def all(self) -> str:
        """Digest of all settings. Reading images takes hours, so `prepare` names what it needs."""
        return json_digest(self.settings.model_dump())

    def cut(self, source: Source) -> Job:
        settings = self.settings
        inputs = [
            self.digests.raw,
            source.model_dump(),
            settings.shard_records,
            settings.shard_images,
        ]
        return self._job(cut, self.work / "cut" / source.name, inputs, self.raw, source)

    def prepare(self, shard: _Work) -> Job:
        settings = self.settings
        inputs = [shard.digest, settings.image_min_side, settings.anonymise.model_dump()]
        return self._job(prepare, shard.prepared, inputs, shard.cut, self.raw)

    def expand(self, shard: _Work) -> Job:
        inputs = [digest(shard.prepared), self.settings.expand.model_dump()]
        return self._job(
            expand_shard, shard.expanded, inputs, shard.prepared, self.refining.service
        )

    def proofread(self, shards: Sequence[_Work]) -> Job:
        decisions = self.refining.queue / DECISIONS
        settings = self.settings
        inputs = [settings.proofread.model_dump(), settings.seed, settings.anonymise.model_dump()]
        inputs += [file_digest(decisions) if decisions.is_file() else ""]
        inputs += [digest(shard.expanded) for shard in shards]
        reviewed = [Reviewed(s.source.name, s.number, s.expanded, s.prepared) for s in shards]
        out = self.work / "reviewed"
        return self._job(proofread_shards, out, inputs, reviewed, self.refining.queue)

    def index(self, tests: Sequence[_Work]) -> Job:
        names = [source for source in self.settings.sources if source.use == "benchmark"]
        paths = [(names.index(shard.source), shard.records) for shard in tests]
        inputs = [self.all, *(digest(shard.prepared) for shard in tests)]
        return self._job(index_benchmarks, self.work / "benchmarks", inputs, paths, names)

    def keys(self, shard: _Work) -> Job:
        is_test = shard.source.use == "benchmark"
        sets = None if is_test else self.work / "benchmarks"
        inputs = [self.all, file_digest(shard.records), digest(sets) if sets else ""]
        return self._job(make_keys, shard.keys, inputs, shard.records, shard.source, sets)

    def choose(self, shards: Sequence[_Work]) -> Job:
        candidates = [Shard(s.source, s.records, s.keys) for s in shards]
        inputs = [self.all, *(digest(shard.keys) for shard in shards)]
        return self._job(choose, self.work / "choice", inputs, candidates)

    def parts(self, shards: Sequence[_Work]) -> Iterator[Job]:
        """Neighbouring shards of a source together, up to a full shard of records."""
        group: list[tuple[int, _Work]] = []
        held = number = 0
        for position, shard in enumerate(shards):
            size = books(shard.prepared).kept
            other = bool(group) and group[0][1].source != shard.source
            if group and (other or held + size > self.settings.shard_records):
                yield self._part(group, number)
                group, held, number = [], 0, number + 1
            group.append((position, shard))
            held += size
        if group:
            yield self._part(group, number)

    def _part(self, group: Sequence[tuple[int, _Work]], number: int) -> Job:
        choices = self.work / "choice"
        chosen = [
            Chosen(s.records, s.prepared, choices / f"{position:05d}.npy") for position, s in group
        ]
        files = (file for shard in chosen for file in (shard.records, shard.choice))
        inputs = [self.all, *(digest(s.prepared) for _, s in group), *map(file_digest, files)]
        out = self.work / "parts" / f"{number:05d}"
        return self._job(write, out, inputs, chosen, group[0][1].source)


def index_benchmarks(
    shards: Sequence[tuple[int, Path]],
    sources: Sequence[Source],
    settings: DatasetSettings,
    out: Path,
) -> None:
    """Write the index of the evaluation sets as the artifact `out`; a shard names its set."""
    sets = [
        [record for n, path in shards if n == number for record in read_records(path, source)[0]]
        for number, source in enumerate(sources)
    ]
    with writing(out, "benchmarks") as folder:
        index(sets, settings.contamination_ngram).save(folder)
