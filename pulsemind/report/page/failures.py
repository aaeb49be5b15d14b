"""Failure signatures, counted: passive, right but not actionable, context lost, reward collapse.

All rules are ours. Where two models are compared, the same failure is counted for the other model
too: a failure is the new model's only as far as it is more frequent there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from pulsemind.data.asking import asks
from pulsemind.evaluation.consultation import Reply
from pulsemind.evaluation.paired import mcnemar
from pulsemind.evaluation.statistics import case_of, wilson
from pulsemind.report.page import walk
from pulsemind.report.page.answer import headline
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.parts import (
    Cell,
    Example,
    Failure,
    Part,
    Section,
    Table,
    Text,
    clip,
    interval,
    percent,
)

EXAMPLES = 3
TURNS = 5
"""Turns told apart; later ones are counted together."""
FLAT = 0.5
"""Share of groups without variance from which an iteration counts as collapsed."""
Name = tuple[str, ...]
"""(benchmark, query id)."""


@dataclass
class Found:
    """What one walk over the records found: counts, and a few names to show."""

    asked: Counter[str] = field(default_factory=Counter)
    """Replies where the real physician asks, by model; `passive` those in which it does not."""
    passive: Counter[str] = field(default_factory=Counter)
    actionable: Counter[str] = field(default_factory=Counter)
    """`right`: accuracy not lost; `useless`: of those, usefulness lost; `_other`: of the other."""
    turns: dict[int, Counter[str]] = field(default_factory=dict)
    """Overall outcomes by number of the turn."""
    context: Counter[str] = field(default_factory=Counter)
    """Cases of several turns, those `lost` towards the end, those `gained`."""
    examples: dict[str, list[Name]] = field(default_factory=dict)
    texts: dict[Name, dict[str, Reply]] = field(default_factory=dict)
    """Replies to the queries of the examples, by model."""

    def cases(self) -> list[Name]:
        """The cases of all examples: (benchmark, case)."""
        names = [n for group in self.examples.values() for n in group]
        return list(dict.fromkeys((name[0], case_of(name[1])) for name in names))


def search(inputs: Inputs) -> Found:
    """Walk over verdicts and replies. Raises ArtifactError naming a line that is no record."""
    found = Found()
    draws = {what: walk.Few(EXAMPLES, inputs.about.seed) for what in ("passive", "useless", "lost")}
    for benchmark in walk.consultation_sets(inputs):
        judged = walk.items(inputs, benchmark, inputs.against)
        for _, group in groupby(judged, key=lambda item: item.case):
            _look_at_case(list(group), found, draws)
        for model in (inputs.model, inputs.against):
            for reply in walk.replies(inputs, model, benchmark):
                if not walk.missing(reply) and asks(reply.query.reference):
                    found.asked[model] += 1
                    if not asks(reply.text):
                        found.passive[model] += 1
                        if model == inputs.model:
                            draws["passive"].offer(benchmark, reply.query.id)
    found.examples = {what: draw.names() for what, draw in draws.items()}
    _fetch(inputs, found)
    return found


def _look_at_case(case: Sequence[walk.Item], found: Found, draws: dict[str, walk.Few]) -> None:
    for item in case:
        accuracy, usefulness = item.outcomes["accuracy"], item.outcomes["usefulness"]
        if accuracy and usefulness:
            found.actionable["judged"] += 1
            found.actionable["right"] += accuracy != "loss"
            found.actionable["right_other"] += accuracy != "win"
            found.actionable["useless_other"] += accuracy != "win" and usefulness == "win"
            if accuracy != "loss" and usefulness == "loss":
                found.actionable["useless"] += 1
                draws["useless"].offer(item.benchmark, item.query)
        if overall := item.outcomes["overall"]:
            found.turns.setdefault(min(item.turn, TURNS - 1), Counter())[overall] += 1
    judged = [(item, item.outcomes["overall"]) for item in case if item.outcomes["overall"]]
    if len(judged) > 1:
        first, last = judged[0][1], judged[-1][1]
        found.context["cases"] += 1
        found.context["gained"] += first == "loss" and last != "loss"
        if first != "loss" and last == "loss":
            found.context["lost"] += 1
            draws["lost"].offer(case[0].benchmark, judged[-1][0].query)


def _fetch(inputs: Inputs, found: Found) -> None:
    wanted = {name for names in found.examples.values() for name in names}
    for benchmark in {name[0] for name in wanted}:
        for model in (inputs.model, inputs.against):
            for reply in walk.replies(inputs, model, benchmark):
                if (benchmark, reply.query.id) in wanted:
                    found.texts.setdefault((benchmark, reply.query.id), {})[model] = reply


def failures(inputs: Inputs, found: Found | None, shown: dict[Name, str], private: bool) -> Section:
    """The section; `shown` maps (benchmark, case) to its place in the viewer.

    Args:
        private: leave out the examples, which are patients' words.
    """
    parts: list[Part] = []
    if found is None or not walk.consultation_sets(inputs):
        parts.append(Text("Failure signatures of replies: not run (no judged replies).", "missing"))
    else:
        parts += [
            _passive(inputs, found, shown, private),
            _useless(inputs, found, shown, private),
            _lost(inputs, found, shown, private),
            _by_turn(inputs, found),
        ]
    parts.append(_collapse(inputs))
    return Section("failures", "Failure signatures", parts)


def _passive(inputs: Inputs, found: Found, shown: dict[Name, str], private: bool) -> Failure:
    new, old = inputs.model, inputs.against
    judged = _dimension(inputs, "proactiveness")
    return Failure(
        title="Passive answers",
        what="The real physician asks the patient something here; the model does not (by rule, in "
        "Chinese and English).",
        count=_of(found.passive[new], found.asked[new]),
        remark=f"{old}: {_of(found.passive[old], found.asked[old])}.{judged}",
        examples=_examples(inputs, found, "passive", shown, private),
    )


def _dimension(inputs: Inputs, aspect: str) -> str:
    """The judge's view beside the rule's."""
    row = headline(inputs, aspect)
    if row is None or row.loss is None:
        return ""
    return f" The judge: loses on {aspect} in {percent(row.loss.value)} of {row.n} comparisons."


def _useless(inputs: Inputs, found: Found, shown: dict[Name, str], private: bool) -> Failure:
    count = found.actionable
    other = _of(count["useless_other"], count["right_other"])
    return Failure(
        title="Right, but not actionable",
        what=f"Against {inputs.against} the judge does not find the reply less accurate, and yet "
        "less useful.",
        count=_of(count["useless"], count["right"]) if count["judged"] else "not judged",
        remark=f"The same of {inputs.against}: {other}.",
        examples=_examples(inputs, found, "useless", shown, private),
    )


def moved(lost: int, gained: int, confidence: float) -> str:
    """Whether more cases are lost towards the end than gained, by the exact test; "" for none."""
    if lost + gained == 0:
        return ""
    if mcnemar(lost, gained) > 1 - confidence:
        return " The difference may be chance."
    way = "falls behind" if lost > gained else "catches up"
    return f" More than chance: the model {way} as a consultation goes on."


def _lost(inputs: Inputs, found: Found, shown: dict[Name, str], private: bool) -> Failure:
    count = found.context
    remark = f"The reverse, lost at first and not at last: {count['gained']}."
    remark += moved(count["lost"], count["gained"], inputs.about.confidence)
    return Failure(
        title="Context lost over turns",
        what=f"Consultations in which the model does not lose its first answer to "
        f"{inputs.against}, but its last.",
        count=_of(count["lost"], count["cases"]) if count["cases"] else "no case of several turns",
        remark=remark,
        examples=_examples(inputs, found, "lost", shown, private),
    )


def _by_turn(inputs: Inputs, found: Found) -> Part:
    rows = []
    for turn, count in sorted(found.turns.items()):
        decided = count["win"] + count["loss"]
        title = f"{turn + 1}" + (" and later" if turn == TURNS - 1 else "")
        rate = wilson(count["win"], decided, inputs.about.confidence) if decided else None
        rows.append([
            Cell(title), Cell(str(sum(count.values()))), Cell(str(decided)),
            Cell(percent(rate.value if rate else None),
                 small=interval(rate.low, rate.high) if rate else ""),
        ])  # fmt: skip
    header = ["turn", "judged", "decided", "win rate (decided)"]
    note = (
        "The win rate is among the decided, with 95 % intervals (Wilson). Turns, here and in the "
        "cases: those that the physician answers, counted from 1."
    )
    return Table(f"Win rate against {inputs.against} by turn", header, rows, note, folded=True)


def _collapse(inputs: Inputs) -> Part:
    crpo = inputs.crpo
    if crpo is None or not crpo.iterations:
        return Text("Reward collapse: not run (no CRPO).", "missing")
    steps = crpo.iterations
    flat = [number for number, step in enumerate(steps) if step.zero_variance > FLAT]
    alarms = sum(bool(step.alarms) for step in steps)
    first, last = steps[0], steps[-1]
    return Failure(
        title="Reward collapse",
        what="Iterations of CRPO in which more than half of the groups have candidates of equal "
        "reward, from which nothing can be learned.",
        count=_of(len(flat), len(steps)),
        remark=f"Groups without variance: {percent(first.zero_variance)} at first, "
        f"{percent(last.zero_variance)} at last; standard deviation of the reward "
        f"{first.reward_std:.3f} at first, {last.reward_std:.3f} at last. Iterations with an alarm "
        f"(a dimension fell while the reward rose): {alarms}.",
        examples=(),
    )


def _examples(
    inputs: Inputs, found: Found, what: str, shown: dict[Name, str], private: bool
) -> list[Example]:
    if private:
        return []
    made = []
    for name in found.examples.get(what, []):
        texts = found.texts.get(name, {})
        if inputs.model not in texts:
            continue
        query = texts[inputs.model].query
        lines = [("patient", clip(query.turns[-1].text)), ("physician", clip(query.reference))]
        lines += [(model, clip(reply.text) or "(empty)") for model, reply in texts.items()]
        case = (name[0], case_of(name[1]))
        title = f"{name[0]}, {case[1]}, turn {walk.turn_of(name[1]) + 1}"
        made.append(Example(title, lines, shown.get(case, "")))
    return made


def _of(count: int, total: int) -> str:
    return f"{count} of {total} ({percent(count / total)})" if total else "none to count"
