"""What is said of every output, whatever it was asked: personal data, broken items, warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pulsemind.artifacts import file_digest
from pulsemind.data.anonymise import detect
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.results import BrokenItems, ContaminationResult, PersonalDataResult
from pulsemind.judge import judge_name, note
from pulsemind.settings import Counterpart, EvaluateSettings

EXAMPLES = 5
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
"""The files that make a model out of the base."""


def personal_data(
    benchmark: str, model: str, replies: Iterable[Reply], ner_model: str | None = None
) -> PersonalDataResult:
    """What the anonymisation's rules find in a model's replies, by kind, never a value.

    The tagger is not asked: what it takes too much would be false alarms here. What stands in the
    dialogue that the model was shown is no finding: it repeats it.
    """
    kinds: Counter[str] = Counter()
    n = outputs = 0
    for reply in replies:
        if reply.broken:
            continue
        n += 1
        shown = "\n".join(turn.text for turn in reply.query.turns)
        found = [
            span.kind
            for span in detect(reply.text, ner_model, tagger=False)
            if reply.text[span.start : span.stop] not in shown
        ]
        kinds.update(found)
        outputs += bool(found)
    kinds_found = dict(sorted(kinds.items()))
    return PersonalDataResult(
        benchmark=benchmark, model=model, n=n, outputs=outputs, kinds=kinds_found
    )


def broken_items(benchmark: str, model: str, replies: Iterable[Reply]) -> BrokenItems | None:
    """The items that a model has no reply to; None when there are none."""
    reasons: Counter[str] = Counter()
    examples: list[str] = []
    for reply in replies:
        if reply.broken:
            reasons[reply.broken] += 1
            if len(examples) < EXAMPLES:
                examples.append(reply.query.id)
    if not reasons:
        return None
    return BrokenItems(
        benchmark=benchmark, model=model, reasons=dict(sorted(reasons.items())), examples=examples
    )


def same_weights(models: Sequence[Counterpart]) -> dict[str, str]:
    """Models whose adapter is, byte for byte, that of one named before: name -> the first name.

    Models at an endpoint are left out: their weights cannot be seen.
    """
    first: dict[tuple[str, ...], str] = {}
    found: dict[str, str] = {}
    for model in models:
        files = [Path(model.adapter or "") / name for name in ADAPTER]
        if model.adapter and all(file.is_file() for file in files):
            name = first.setdefault(tuple(map(file_digest, files)), model.name)
            if name != model.name:
                found[model.name] = name
    return found


def contamination(
    found: Mapping[str, Mapping[str, int]], blocking: Mapping[str, list[str]]
) -> list[ContaminationResult]:
    """The dataset stage's overlap with each benchmark (`metrics/dataset.json`)."""
    return [
        ContaminationResult(
            benchmark=name,
            found=dict(rules),
            blocking=list(blocking.get(name, [])),
            left={r: n for r, n in rules.items() if n and r not in blocking.get(name, [])},
        )
        for name, rules in sorted(found.items())
    ]


def warnings(
    trained: str, grading: EvaluateSettings, overlap: Iterable[ContaminationResult]
) -> list[str]:
    """What a reader of the figures must know first; `trained` is the judge that CRPO asked."""
    told = []
    judge = judge_name(grading.judge)
    if judge == trained:
        told.append(
            f"the judge that grades the policy ({judge}) is the judge that trained it: its "
            "preferences are what the policy was taught, so the win rate is an upper bound"
        )
    if note(judge):
        told.append(note(judge))
    for row in overlap:
        if row.left:
            rules = ", ".join(f"{n} by {rule}" for rule, n in sorted(row.left.items()))
            told.append(f"training records overlap {row.benchmark} and were left in: {rules}")
    return told
