"""QA benchmarks: prompt a model, read its replies, count.

Prompts ask for the letter alone, or for a word or short phrase (after Lingshu Fig. 8, wording
ours), in the item's language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pulsemind.evaluation.answers import match_open, parse_choice
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.results import QAResult
from pulsemind.evaluation.statistics import wilson
from pulsemind.records import Language, QAItem, Query, Turn

LEXICAL_NOTE = "open questions by lexical match (no judge): synonyms count as wrong"
_TASK: Mapping[tuple[str, Language], str] = {
    ("choice", "zh"): "请只回答正确选项的字母。",
    ("choice", "en"): "Answer with the letter of the right option only.",
    ("open", "zh"): "请用一个词或一个短语回答。",
    ("open", "en"): "Answer with one word or a short phrase.",
}


def query(item: QAItem) -> Query:
    """The item as a dialogue of one patient turn; its reference is the right answer."""
    lines = [item.question]
    lines += [f"{letter}. {text}" for letter, text in sorted(item.options.items())]
    lines.append(_TASK[(item.kind, item.language)])
    turn = Turn(role="patient", text="\n".join(lines), images=item.images)
    return Query(id=item.id, language=item.language, turns=(turn,), reference=item.answer)


def qa_results(
    items: Iterable[QAItem], replies: Sequence[Reply], confidence: float
) -> list[QAResult]:
    """Accuracy per benchmark and kind of question, in the order of the benchmarks' names.

    Replies are matched by item id. Raises ValueError when an item has no reply.
    """
    texts = {reply.query.id: reply.text for reply in replies}
    groups: dict[tuple[str, str], list[QAItem]] = {}
    for item in items:
        groups.setdefault((item.benchmark, item.kind), []).append(item)
    missing = sum(item.id not in texts for group in groups.values() for item in group)
    if missing:
        raise ValueError(f"{missing} items have no reply")
    kinds = Counter(benchmark for benchmark, _ in groups)
    return [
        _result(name if kinds[name] == 1 else f"{name}/{kind}", kind, group, texts, confidence)
        for (name, kind), group in sorted(groups.items())
    ]


def _result(
    benchmark: str,
    kind: str,
    items: Sequence[QAItem],
    texts: Mapping[str, str],
    confidence: float,
) -> QAResult:
    rules: Counter[str] = Counter()
    correct = abstained = 0
    for item in items:
        if kind == "choice":
            letter, rule = parse_choice(texts[item.id], item.options)
            correct += letter == item.answer
            abstained += letter is None
            rules[rule] += 1
        else:
            right, how = match_open(texts[item.id], item.answer)
            correct += right
            abstained += how == "none"
            rules[how] += 1
    accuracy = wilson(correct, len(items), confidence)
    return QAResult(
        benchmark=benchmark,
        n=len(items),
        accuracy=accuracy.value,
        low=accuracy.low,
        high=accuracy.high,
        abstained=abstained,
        chance=sum(1 / len(i.options) for i in items) / len(items) if kind == "choice" else None,
        scorer="letter rules, then option text" if kind == "choice" else "lexical match",
        rules=dict(sorted(rules.items())),
        note="" if kind == "choice" else LEXICAL_NOTE,
    )
