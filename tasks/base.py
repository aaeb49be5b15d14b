"""The base model: built here, or noted by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prefect import task

from pulsemind import artifacts, settings
from pulsemind.records import Consultation, Turn
from tasks.stage import Produced, produced
from tasks.tracking import tracked

BASE, WORK = Path("models/base"), Path("work/base")
TEXTS = (Path("data/dataset/stage1/train"), Path("data/dataset/stage2/train"))


@task
def make_base(key: str) -> Produced:
    """Build the small model and its tokenizer when the profile has a shape, else note the name."""
    from pulsemind.model.build import build_base
    from pulsemind.model.load import write_reference

    wanted = settings.load()
    base = wanted.stages.base
    with tracked("base", key, wanted) as run, artifacts.writing(BASE, "base") as folder:
        if base.build is not None:
            run.metrics(build_base(base.build, _dialogues, WORK, folder))
        write_reference(folder, base)
    return produced(BASE)


def _dialogues() -> Iterator[tuple[Turn, ...]]:
    for shards in TEXTS:
        for record in artifacts.read_shards(shards, Consultation):
            yield record.turns
