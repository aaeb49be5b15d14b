"""The dataset build at size: `python -m bench.dataset [--records N] [--workers N] [--quick]`.

Generates stage-1 records in Huatuo-26M's shape, half Chinese, with planted exact and near
duplicates (1 to 20 % of the words changed), builds them with so many worker processes and prints
rate, peak memory, recall and precision of the near duplicates; then deduplicates the same texts
with datasketch, tokens and threshold the same. What the steps took is extrapolated to 26 million.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
from datasketch import MinHash, MinHashLSH

from bench.table import check, report
from pulsemind import settings
from pulsemind.data.build import Digests, Refining, build
from pulsemind.data.collect import collect
from pulsemind.data.dedup import duplicates
from pulsemind.data.expand import Service
from pulsemind.data.jobs import Job, Run, in_processes
from pulsemind.data.keys import PERMUTATIONS, Keys, bands_for, bands_of, signatures_of, whole_text
from pulsemind.data.ledger import Counts, Dropped
from pulsemind.data.sources import Raw
from pulsemind.data.text import fingerprints, token_hashes, tokens
from pulsemind.settings import DatasetSettings

FULL = 26_000_000
THRESHOLD = 0.8
WORDS_ZH = (  # noqa: SIM905 - a list of 100 strings is not easier to read
    "血压 头痛 咳嗽 发热 检查 建议 休息 饮食 药物 治疗 症状 医院 复查 疼痛 睡眠 "
    "情绪 皮肤 过敏 感染 炎症 胃部 肝脏 肾脏 心脏 肺部 关节 腰部 颈椎 血糖 血脂 "
    "运动 清淡 辛辣 手术 随访 化验 影像 结果 正常 异常 轻度 中度 反复 持续 缓解 "
    "加重 早晨 夜间 儿童 老人 孕期 月经 注意 避免 观察 口服 外用 疗程 剂量 不适 "
    "恶心 呕吐 腹泻 便秘 乏力 头晕 耳鸣 视力 口腔 牙齿 咽喉 鼻塞 流涕 胸闷 气短 "
    "心慌 水肿 尿频 尿急 麻木 抽筋 瘙痒 红肿 出血 伤口 愈合 营养 蛋白 维生素 "
    "补钙 贫血 免疫 疫苗 体重 减轻 增加 规律 作息 压力 焦虑 "
).split()
WORDS_EN = (  # noqa: SIM905 - a list of 100 strings is not easier to read
    "pressure headache cough fever exam advise rest diet drug therapy symptom clinic review "
    "pain sleep mood skin allergy infection stomach liver kidney heart lung joint back neck "
    "sugar lipid exercise light spicy surgery visit assay imaging result normal mild moderate "
    "recurrent lasting relief worse morning night child elder pregnancy period avoid observe "
    "oral topical course dose nausea vomiting diarrhoea tired dizzy vision mouth tooth throat "
    "nose chest breath palpitation swelling urine numb cramp itch red bleeding wound healing "
    "protein vitamin calcium anaemia immune vaccine weight regular stress anxiety "
).split()


def main() -> int:
    """Generate, build, compare, print; returns 1 when a check does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--compared", type=int, default=100_000, help="records for datasketch")
    parser.add_argument("--workers", type=int, help="processes; else as the settings say")
    parser.add_argument("--quick", action="store_true", help="20,000 records, 10,000 compared")
    arguments = parser.parse_args()
    number, compared = arguments.records, arguments.compared
    if arguments.quick:
        number, compared = 20_000, 10_000
    loaded = settings.load(profile="tiny")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        raw = Path(folder) / "raw"
        raw.mkdir()
        planted = generate(raw / "pairs.json", number, seed=7)
        section = _settings(loaded.stages.dataset)
        workers = arguments.workers or loaded.services.workers
        seconds: dict[str, float] = {}
        out, work = Path(folder) / "dataset", Path(folder) / "work"
        with PeakMemory() as memory:
            run = _timed(in_processes(workers), seconds)
            refining = Refining(Service({}, 1, work / "responses"), work / "review")
            counts = build(raw, out, work, section, Digests("raw", "code"), refining, run)
        near = _near_dropped(out / "dropped.jsonl")
        texts = list(_texts(raw, section, compared))
    ours, theirs, found = compare(texts, section)
    recall, precision = _quality(planted, near, counts)
    rows = [
        {"step": step, "seconds": s, "records/s/core": number / s / _cores(step, workers)}
        for step, s in seconds.items()
    ]
    alone = ((f"dedup alone, {len(texts)} texts", ours), ("the same with datasketch", theirs))
    rows += [{"step": what, "seconds": s, "records/s/core": len(texts) / s} for what, s in alone]
    core_seconds = sum(s * _cores(step, workers) for step, s in seconds.items())
    core_hours = core_seconds * FULL / number / 3600
    note = (
        f"{number} records read, {counts.kept} kept; peak {memory.peak / 2**30:.2f} GiB in all "
        f"processes, workers {workers}; 26 million at the same rates: {core_hours:.1f} core-hours "
        "(steps side by side scale with the records; `choose` sorts, and took "
        f"{seconds['choose']:.0f} s here); both found {found[0]} and {found[1]} duplicates"
    )
    checks = [
        check("peak memory, GiB", memory.peak / 2**30, 2.0, least=False),
        check("recall of planted near duplicates at 0.8", recall, 0.95, least=True),
        check("precision of near duplicates", precision, 0.99, least=True),
        check("dedup, times faster than datasketch", theirs / ours, 10.0, least=True),
    ]
    return report("dataset", rows, checks, note)


def generate(path: Path, number: int, seed: int) -> dict[int, tuple[int, float]]:
    """Write a list of pairs; returns the planted copies: row -> (row it repeats, Jaccard)."""
    rng = random.Random(seed)
    recent: list[tuple[int, list[str], str]] = []
    planted = {}
    with path.open("w", encoding="utf-8") as handle:
        handle.write("[")
        for row in range(number):
            draw = rng.random()
            if draw < 0.07 and recent:
                of, original, join = rng.choice(recent)
                words = _changed(original, rng) if draw < 0.05 else original
                planted[row] = (of, _jaccard(join.join(words), join.join(original)))
            else:
                join = rng.choice(["", " "])
                words = rng.choices(WORDS_EN if join else WORDS_ZH, k=rng.randint(40, 110))
                recent.append((row, words, join))
                if len(recent) > 5000:
                    recent.pop(rng.randrange(2500))
            half = len(words) // 3
            pair = {"instruction": [join.join(words[:half])], "output": [join.join(words[half:])]}
            handle.write(("," if row else "") + json.dumps(pair, ensure_ascii=False))
        handle.write("]")
    return planted


def _changed(words: Sequence[str], rng: random.Random) -> list[str]:
    """The words with 1 to 20 % of them replaced."""
    other = list(words)
    for place in rng.sample(range(len(words)), max(1, round(len(words) * rng.uniform(0.01, 0.2)))):
        other[place] = rng.choice(WORDS_EN if words[0].isascii() else WORDS_ZH)
    return other


def compare(texts: Sequence[str], section: DatasetSettings) -> tuple[float, float, tuple[int, int]]:
    """Seconds of our deduplication and of datasketch's on the same texts, and what each found."""
    start = time.perf_counter()
    shards = [
        _compared(texts[at : at + section.shard_records], section)
        for at in range(0, len(texts), section.shard_records)
    ]
    ours = sum(1 for _ in duplicates(shards, texts.__getitem__, THRESHOLD))
    middle = time.perf_counter()
    theirs = _datasketch(texts)
    return middle - start, time.perf_counter() - middle, (ours, theirs)


def _datasketch(texts: Sequence[str]) -> int:
    """Duplicates found by MinHash LSH, candidates verified; shingles are runs of three tokens."""
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    kept: dict[int, set[str]] = {}
    found = 0
    for row, text in enumerate(texts):
        own = _shingles(text)
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([shingle.encode() for shingle in own])
        alike = (kept[other] for other in index.query(signature))
        if any(len(own & other) >= THRESHOLD * len(own | other) for other in alike):
            found += 1
        else:
            index.insert(row, signature)
            kept[row] = own
    return found


class PeakMemory:
    """The most memory that this process and its children held together; shared pages once."""

    def __enter__(self) -> PeakMemory:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._stop.wait(0.5):
            total = 0
            for process in [own, *own.children(recursive=True)]:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue  # it ended meanwhile
            self.peak = max(self.peak, total)


def _settings(section: DatasetSettings) -> DatasetSettings:
    source = next(s for s in section.sources if s.adapter == "huatuo26m")
    own = source.model_copy(update={"name": "pairs", "path": "pairs.json"})
    changes = {"sources": [own], "near_duplicate_similarity": THRESHOLD}
    return section.model_copy(update=changes)


def _timed(run: Run, seconds: dict[str, float]) -> Run:
    def timed(jobs: Sequence[Job]) -> None:
        start = time.perf_counter()
        run(jobs)
        if jobs:
            seconds[jobs[0].step.__name__] = time.perf_counter() - start

    return timed


def _cores(step: str, workers: int) -> int:
    return workers if step in {"prepare", "make_keys", "write"} else 1


def _near_dropped(path: Path) -> set[int]:
    with path.open(encoding="utf-8") as handle:
        dropped = map(Dropped.model_validate_json, handle)
        return {entry.index for entry in dropped if entry.rule == "duplicate_near"}


def _quality(
    planted: dict[int, tuple[int, float]], near: set[int], counts: Counts
) -> tuple[float, float]:
    """Recall among planted near duplicates at the threshold or over; precision of the found."""
    wanted = {row for row, (_, jaccard) in planted.items() if THRESHOLD <= jaccard < 1}
    return len(wanted & near) / len(wanted), len(near & planted.keys()) / max(1, len(near))


def _texts(raw: Path, section: DatasetSettings, number: int) -> Iterator[str]:
    """The texts of the first records, streamed as the build reads them."""
    for item in islice(collect(raw, section.sources[0]), number):
        assert isinstance(item, Raw), "every generated record can be read"
        yield whole_text(item.record)


def _compared(texts: Sequence[str], section: DatasetSettings) -> Keys:
    """The keys that deduplication looks at; the others empty."""
    found = token_hashes(texts)
    signatures = signatures_of(found, section.seed)
    none = np.zeros(0, np.int64)
    return Keys(
        index=np.arange(len(texts)),
        line=none,
        original=none.astype(np.uint64),
        text=fingerprints(found),
        bands=bands_of(signatures, bands_for(THRESHOLD)),
        sketch=signatures.astype(np.uint8),
        phashes=none.astype(np.uint64),
        contents=none.astype(np.uint64),
        images=none,
        answered=none,
        split=none.astype(np.int8),
        share=none.astype(np.float64),
        overlap=none.astype(np.int16),
    )


def _shingles(text: str) -> set[str]:
    words = tokens(text)
    return {" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))}


def _jaccard(first: str, second: str) -> float:
    one, two = _shingles(first), _shingles(second)
    return len(one & two) / len(one | two)


if __name__ == "__main__":
    sys.exit(main())
