"""Train the tagger of the anonymisation on the labelled texts. `python -m examples.train_tagger`.

Writes `pulsemind/data/personal.crfsuite.gz`, which is kept with the code: run it after the
texts, `tagger_features.py` or the word lists changed. All labelled texts but those held apart are
learnt, each with copies under other names, and clinical texts without personal data. Equal texts
and versions make an equal file. Some seven minutes on one core.
"""

from __future__ import annotations

import argparse
import gzip
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pycrfsuite
from tqdm import tqdm

from examples.personal_data import HELD, WRITTEN, LabelledText, clinical, texts, written
from examples.renamed import renamed
from pulsemind.data.detectors import mask
from pulsemind.data.tagger import MODEL, OUTSIDE
from pulsemind.data.tagger_features import Token, features, tokens

COPIES = 3
"""Copies of a text under other names."""
SETTINGS = {"c1": 0.05, "c2": 0.05, "max_iterations": 90}
"""Weights of the penalties that keep features few (L1) and small (L2), and when to stop."""


def main() -> None:
    """Train and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=MODEL, help="where to write it")
    out: Path = parser.parse_args().out
    trainer = pycrfsuite.Trainer(verbose=False)
    for item in tqdm(list(_learnt(random.Random(7))), desc="texts", unit="text"):
        masked = mask(item.text)
        found = tokens(masked)
        if found:
            trainer.append(features(masked, found), labels(item, found))
    trainer.set_params(SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        trainer.train(str(path))
        content = gzip.compress(path.read_bytes(), mtime=0)
    partial = out.with_suffix(".partial")
    partial.write_bytes(content)
    partial.rename(out)
    print(f"{out}: {len(content):,} bytes")


def _learnt(rng: random.Random) -> Iterator[LabelledText]:
    yield from clinical()
    labelled = texts("develop", copies=2)
    for part in WRITTEN:
        labelled += written(part) if part not in HELD else []
    for item in labelled:
        yield item
        if item.labels:
            yield from (renamed(item, rng) for _ in range(COPIES))


def labels(item: LabelledText, found: list[Token]) -> list[str]:
    """The kind of personal data of each token, or `OUTSIDE`."""
    personal = [label for label in item.labels if label.kind != "keep"]
    return [
        next(
            (
                label.kind
                for label in personal
                if token.start < label.stop and label.start < token.stop
            ),
            OUTSIDE,
        )
        for token in found
    ]


if __name__ == "__main__":
    main()
