"""Ask the registered champion about a consultation with an image; run it after `make demo`."""

from __future__ import annotations

from pathlib import Path

import mlflow

from pulsemind import settings
from pulsemind.artifacts import read_shards
from pulsemind.model.engine import answer
from pulsemind.model.load import load_adapter, load_base, load_processor
from pulsemind.records import Query

wanted = settings.load()
mlflow.set_tracking_uri(wanted.services.tracking_uri)
champion = f"models:/{wanted.stages.registry.name}@champion"
adapter = Path(mlflow.artifacts.download_artifacts(champion))
model = load_adapter(load_base(Path("models/base")), adapter)
queries = read_shards(Path("data/dataset/queries"), Query)
query = next(q for q in queries if any(turn.images for turn in q.turns))
evaluate = wanted.stages.evaluate
print(query.turns[-1].text)
print(answer(model, load_processor(Path("models/base")), Path("data/dataset"), [query],
             evaluate.decoding, evaluate.max_prompt_length)[0])  # fmt: skip
