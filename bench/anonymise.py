"""How well does anonymisation work? `python -m bench.anonymise [--quick] [--part PART]`.

On the labelled set of `examples/personal_data.py` and `examples/personal_images.py`. A piece of
personal data counts as found when every letter and digit of it is replaced (texts), or at most 2 %
of its ink is left (images). What must stay counts as kept when nothing of it is touched.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image, ImageFilter

from bench.table import check, report
from examples.personal_data import COPIES, WRITTEN, LabelledText, Part, texts, written
from examples.personal_images import images
from pulsemind.data.anonymise import locate
from pulsemind.data.detectors import Span
from pulsemind.data.pixels import clean_image

IMAGES: dict[str, int] = {"develop": 80, "held": 48}
PARTS = ["develop", "held", *WRITTEN]
INK_LEFT = 0.02
"""Share of the ink of a value that may stay."""


def main() -> int:
    """Measure, print the table and the checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one text a template, few images")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--texts", action="store_true", help="leave the images out")
    parser.add_argument("--misses", action="store_true", help="print what was missed (made up)")
    arguments = parser.parse_args()
    parts: list[str] = arguments.part or PARTS
    rows, checks = [], []
    for part in parts:
        labelled = (
            written(part)
            if part in WRITTEN
            else texts(cast(Part, part), copies=1 if arguments.quick else COPIES)
        )
        tally = Tally(arguments.misses)
        locate(["我叫张伟"])  # loads what is slow to load
        began = time.process_time()
        for item in labelled:
            tally.add(item, locate([item.text])[0])
        speed = len(labelled) / (time.process_time() - began)
        rows += tally.rows(part)
        checks += tally.checks(f"{part} texts", speed)
        if not arguments.texts and part in IMAGES:
            count = 8 if arguments.quick else IMAGES[part]
            more_rows, more_checks = measure_images(cast(Part, part), count, arguments.misses)
            rows += more_rows
            checks += more_checks
    return report("anonymise", rows, checks, "found and kept are shares; texts are made up")


class Tally:
    """Counts by kind and language."""

    def __init__(self, show: bool) -> None:
        self.planted: Counter[tuple[str, str]] = Counter()
        self.found: Counter[tuple[str, str]] = Counter()
        self.named: Counter[tuple[str, str]] = Counter()
        self.predicted: Counter[tuple[str, str]] = Counter()
        self.right: Counter[tuple[str, str]] = Counter()
        self._show = show

    def add(self, item: LabelledText, spans: list[Span]) -> None:
        """Compare what was found in a text with its labels."""
        covered = {place for span in spans for place in range(span.start, span.stop)}
        for label in item.labels:
            key = (label.kind if label.cued else f"{label.kind}, no cue", item.language)
            telling = str.isnumeric if label.kind == "age_over_89" else str.isalnum
            wanted = [n for n in range(label.start, label.stop) if telling(item.text[n])]
            hit = (
                not covered.intersection(wanted)
                if label.kind == "keep"
                else covered.issuperset(wanted)
            )
            self.planted[key] += 1
            self.found[key] += hit
            overlapping = [s for s in spans if s.start < label.stop and label.start < s.stop]
            self.named[key] += any(s.kind == label.kind for s in overlapping)
            if not hit and self._show:
                seen = [(s.kind, item.text[s.start : s.stop]) for s in overlapping]
                print(*key, repr(item.text[label.start : label.stop]), seen, "|", item.text)
        for span in spans:
            personal = any(
                label.kind != "keep" and span.start < label.stop and label.start < span.stop
                for label in item.labels
            )
            self.predicted[span.kind, item.language] += 1
            self.right[span.kind, item.language] += personal
            if not personal and self._show:
                print(
                    "  not planted:",
                    span.kind,
                    repr(item.text[span.start : span.stop]),
                    "|",
                    item.text,
                )

    def rows(self, part: str) -> list[dict[str, Any]]:
        """The table: one row a kind and language."""
        return [
            {
                "part": part,
                "kind": kind,
                "language": language,
                "planted": count,
                "found or kept": self.found[kind, language] / count,
                "kind agrees": self.named[kind, language] / count if kind != "keep" else 1.0,
                "precision": self.right[kind, language] / max(1, self.predicted[kind, language]),
            }
            for (kind, language), count in sorted(self.planted.items())
        ]

    def checks(self, what: str, speed: float) -> list[dict[str, Any]]:
        """Recall, what is kept, precision, speed."""

        def share(keys: list[tuple[str, str]]) -> float:
            return sum(self.found[k] for k in keys) / max(1, sum(self.planted[k] for k in keys))

        uncued = [k for k in self.planted if k == ("name, no cue", "en")]
        kept = [k for k in self.planted if k[0] == "keep"]
        rest = [k for k in self.planted if k not in uncued and k not in kept]
        return [
            check(f"{what}: recall", share(rest), 0.99, least=True),
            check(
                f"{what}: recall of English names without a cue", share(uncued), 0.95, least=True
            ),
            check(f"{what}: clinical content kept", share(kept), 0.995, least=True),
            check(
                f"{what}: precision", self.right.total() / max(1, self.predicted.total()), 0.9, True
            ),
            check(f"{what}: texts/s on a core", speed, 50, least=True),
        ]


def measure_images(part: Part, count: int, show: bool) -> tuple[list[dict[str, Any]], list[Any]]:
    """Clean the labelled images and see what of their print is left."""
    planted: Counter[tuple[str, str]] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    refused = 0
    began = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, item in enumerate(images(part, count)):
            raw = folder / f"{number}.png"
            item.picture.save(raw)
            result = clean_image(raw, folder, 64, item.overlay)
            refused += result.status != "kept"
            if result.status != "kept":
                if show:
                    print(number, item.name, item.language, result.status, dict(result.remaining))
                continue
            with Image.open(folder / result.path) as opened:
                clean = np.asarray(opened.convert("RGB"), np.int16)
            before = np.asarray(item.picture, np.int16)
            for piece in item.printed:
                left = ink_left(before, clean, piece.ink)
                hit = left >= 1 - INK_LEFT if piece.kind == "keep" else left <= INK_LEFT
                key = ("keep" if piece.kind == "keep" else item.name, item.language)
                planted[key] += 1
                found[key] += hit
                if not hit and show:
                    print(
                        number, item.name, item.language, piece.kind, piece.text, f"{left:.2f} left"
                    )
    seconds = time.process_time() - began
    rows = [
        {"part": f"{part}, pixels", "kind": kind, "language": language, "planted": total,
         "found or kept": found[kind, language] / total, "kind agrees": "", "precision": ""}
        for (kind, language), total in sorted(planted.items())
    ]  # fmt: skip
    personal = [key for key in planted if key[0] != "keep"]
    kept = [key for key in planted if key[0] == "keep"]
    recall = sum(found[k] for k in personal) / max(1, sum(planted[k] for k in personal))
    stays = sum(found[k] for k in kept) / max(1, sum(planted[k] for k in kept))
    return rows, [
        check(f"{part} pixels: recall", recall, 0.99, least=True),
        check(f"{part} pixels: clinical content kept", stays, 0.995, least=True),
        check(f"{part} pixels: share of images refused", refused / count, 0.1, least=False),
        check(f"{part} pixels: images/s on a core", count / seconds, 0.05, least=True),
    ]


def ink_left(before: Any, after: Any, ink: Image.Image) -> float:
    """Share of a piece of print that looks as before.

    The paint is black: only pixels of the print and right beside it that were light can tell.
    """
    region = np.asarray(ink.filter(ImageFilter.MaxFilter(5))) > 127
    telling = region & (before.max(axis=2) > 90)
    same = np.abs(before - after).max(axis=2) < 12
    return float(same[telling].mean()) if telling.any() else 0.0


if __name__ == "__main__":
    sys.exit(main())
