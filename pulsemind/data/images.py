"""All images of a stream of records through the OCR workers, each content once."""

from __future__ import annotations

import multiprocessing
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pulsemind.artifacts import file_digest
from pulsemind.data.anonymise import detect
from pulsemind.data.image_files import MAX_PIXELS
from pulsemind.data.patterns import Kind
from pulsemind.data.pixels import ImageResult, clean_image
from pulsemind.records import ImageKind
from pulsemind.settings import AnonymiseSettings

_SCENES: frozenset[ImageKind] = frozenset(
    ("ultrasound", "ct_mri", "xray", "pathology", "endoscopy")
)
"""Kinds that are no documents; text on them is an overlay."""


@dataclass
class Images:
    """Hands images to the workers and remembers what became of each content."""

    pool: ProcessPoolExecutor
    out: Path
    min_side: int
    settings: AnonymiseSettings | None = None
    file_names: Counter[Kind] = field(default_factory=Counter)
    _results: dict[tuple[str, bool], ImageResult] = field(default_factory=dict)
    _named: set[Path] = field(default_factory=set)

    def clean(self, wanted: Iterable[tuple[Path, ImageKind]]) -> dict[Path, ImageResult]:
        """Results by path. A path that is no file is `unreadable`."""
        keys: dict[Path, tuple[str, bool]] = {}
        waiting: dict[tuple[str, bool], Future[ImageResult]] = {}
        for path, kind in wanted:
            if path in keys or not path.is_file():
                continue
            key = keys[path] = (file_digest(path), kind in _SCENES)
            self._count_name(path)
            if key not in self._results and key not in waiting:
                waiting[key] = self.pool.submit(
                    clean_image, path, self.out, self.min_side, key[1],
                    self.settings.image_max_pixels if self.settings else MAX_PIXELS,
                    self.settings.ner_model if self.settings else None,
                )  # fmt: skip
        self._results.update((key, future.result()) for key, future in waiting.items())
        return {path: self._results[key] for path, key in keys.items()}

    def found(self, where: Literal["pixels", "metadata", "later", "remaining"]) -> Counter[Kind]:
        """Personal data found so far, by kind: by the first look at the `pixels`, in `metadata`,
        by `later` looks, and what was `remaining` in images that were refused for it."""
        total: Counter[Kind] = Counter()
        for result in self._results.values():
            total.update(getattr(result, where))
        return total

    def _count_name(self, path: Path) -> None:
        if path not in self._named:
            self._named.add(path)
            self.file_names.update(span.kind for span in detect(re.sub("_+", " ", path.stem)))


@contextmanager
def open_images(
    out: Path, min_side: int, workers: int, settings: AnonymiseSettings | None = None
) -> Iterator[Images]:
    """Workers for the images of one artifact; they start with the first image."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield Images(pool, out, min_side, settings)
