"""The counterparts' answers to the CRPO queries: made once, kept as an artifact."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from pulsemind import artifacts, settings
from pulsemind.records import Answer, Query
from tasks.answers import generator
from tasks.stage import Produced, produced
from tasks.tracking import tracked

QUERIES, COUNTERPARTS = Path("data/dataset/queries"), Path("data/counterparts")


@task
def answer_as_counterparts(key: str) -> Produced:
    """Every counterpart answers every query."""
    wanted = settings.load()
    section = wanted.stages.counterparts
    queries = list(artifacts.read_shards(QUERIES, Query))
    with tracked("counterparts", key, wanted) as run:
        with artifacts.writing(COUNTERPARTS, "answers") as folder:
            for model in section.models:
                generate = generator(
                    model, section.decoding, section.max_prompt_length, wanted.services
                )
                texts = generate(queries)
                answers = (
                    Answer(query_id=query.id, model=model.name, text=text)
                    for query, text in zip(queries, texts, strict=True)
                )
                artifacts.write_shards(folder / model.name, answers)
        run.metrics({"queries": len(queries), "counterparts": len(section.models)})
    return produced(COUNTERPARTS)
