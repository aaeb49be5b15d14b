"""How well does anonymisation work? `python -m bench.anonymise [--quick] [--part held]`.

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
from typing import Any

from bench.table import check, report
from examples.personal_data import LabelledText, Part, texts
from pulsemind.data.anonymise import locate
from pulsemind.data.detectors import Span


def main() -> int:
    """Measure, print the table and the checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one text a template, few images")
    parser.add_argument("--part", choices=("develop", "held"), action="append")
    parser.add_argument("--misses", action="store_true", help="print what was missed (made up)")
    arguments = parser.parse_args()
    parts: list[Part] = arguments.part or ["develop", "held"]
    rows, checks = [], []
    for part in parts:
        labelled = texts(part, copies=1) if arguments.quick else texts(part)
        tally = Tally(arguments.misses)
        locate(["我叫张伟"])  # loads what is slow to load
        began = time.process_time()
        for item in labelled:
            tally.add(item, locate([item.text])[0])
        speed = len(labelled) / (time.process_time() - began)
        rows += tally.rows(part)
        checks += tally.checks(f"{part} texts", speed)
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
            hit = not covered.intersection(wanted) if label.kind == "keep" else covered.issuperset(wanted)
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
                print("  not planted:", span.kind, repr(item.text[span.start : span.stop]), "|", item.text)

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
            check(f"{what}: recall of English names without a cue", share(uncued), 0.95, least=True),
            check(f"{what}: clinical content kept", share(kept), 0.995, least=True),
            check(f"{what}: precision", self.right.total() / max(1, self.predicted.total()), 0.9, True),
            check(f"{what}: texts/s on a core", speed, 50, least=True),
        ]


if __name__ == "__main__":
    sys.exit(main())
