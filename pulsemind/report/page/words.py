"""What a newcomer must be told in words: caveats, names, and what the figures are shares of."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pulsemind.evaluation.statistics import POOLED
from pulsemind.judge import note
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.paper import index, paper
from pulsemind.report.page.parts import Cell, percent
from pulsemind.report.page.shapes import Pairwise

_PROTOCOLS = {"replay": "every answer judged", "last_turn": "the last answer judged"}


def natural(name: str) -> list[str | int]:
    """Sort key by which numbers in names are compared as numbers: step-80 before step-120."""
    parts = re.split(r"(\d+)", name)  # every second part is a number
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def in_order(inputs: Inputs, names: Iterable[str]) -> list[str]:
    """Models, each once: the one that the answer is about first, then by name."""
    return sorted(set(names), key=lambda name: (name != inputs.against, natural(name)))


def opponents(inputs: Inputs) -> list[str]:
    """All models that the new one was compared with."""
    rows = inputs.evaluation.pairwise if inputs.evaluation else []
    return in_order(inputs, (row.against for row in rows))


def decided(row: Pairwise) -> int:
    """Comparisons that are no tie: the denominator of the win rate."""
    return round(row.n * (1 - row.tie.value)) if row.tie else 0


def won(row: Pairwise) -> int:
    """Comparisons that the new model won."""
    return round(row.n * row.win.value) if row.win else 0


def decided_of(row: Pairwise) -> Cell:
    """The denominators of the win rate and of the shares of all."""
    return Cell(f"{decided(row)} of {row.n}", small=f"{row.unjudged} unjudged" * bool(row.unjudged))


def order_changes(judge: str, share: float | None) -> Cell:
    """How often a verdict changes when the replies change places; a rubric's cannot."""
    return Cell("cannot", "soft", "fixed rubric") if note(judge) else Cell(percent(share))


def named(model: str) -> str:
    """A model of the chain in words."""
    return {"crpo": "the new model", "sft": "the model before reinforcement learning"}.get(
        model, model
    )


def _same_judge(inputs: Inputs) -> bool:
    return inputs.about.train_judge == inputs.about.judge


def within(inputs: Inputs) -> str:
    """The caveats that belong to the verdict itself; empty when there are none."""
    judge = "the rubric" if inputs.offline else "the judge"
    said = [f"{judge} also trained the model"] if _same_judge(inputs) else []
    if inputs.tiny:
        said.append(f"{inputs.about.profile} profile, shows that the chain works, not quality")
    elif inputs.offline:
        said.append("not for reporting")
    return "; ".join(said)


def of_test(inputs: Inputs) -> str:
    """What makes a verdict that of a test run, to stand behind its word; empty when nothing."""
    how = "by the offline rubric" if inputs.offline else "with a toy model"
    return f" {how} (test run)" if inputs.test else ""


def rubric_sees(inputs: Inputs) -> str:
    """What the offline judge looks at (`pulsemind.judge.offline`); empty for any other."""
    return (
        "The judge here is a fixed rubric: it sees words and doses shared with the real "
        "physician's reply, "
        "kinds of advice, a question that shares words with the case, and form; it sees no images "
        "and understands no medicine, negation or synonyms."
    ) * inputs.offline


def warnings(inputs: Inputs) -> list[str]:
    """What a reader must know before any number; empty when there is nothing."""
    found = []
    if inputs.tiny:
        found.append(
            f"Profile {inputs.about.profile}: a small random model on sample data. The figures "
            "show that the chain works; they say nothing about medical quality."
        )
    if inputs.offline:
        found.append("Offline judge, not for reporting: a fixed rubric, neither a person nor a "
                     "language model, compared the replies.")  # fmt: skip
    same = _same_judge(inputs)
    if same:
        found.append(
            f"The judge that grades ({inputs.about.judge}) also trained the model: it may reward "
            "what it was taught to like. Confirm with another judge or with experts."
        )
    said = inputs.evaluation.warnings if inputs.evaluation else []
    told = {note(inputs.about.judge)} if inputs.offline else set()  # above, in more words
    found += [
        text
        for text in said
        if text not in told and not (same and "judge" in text and "train" in text)
    ]
    for number, step in enumerate(inputs.crpo.iterations if inputs.crpo else []):
        if step.alarms:
            found.append(f"CRPO iteration {number}: {', '.join(step.alarms)} fell while the reward "
                         "rose.")  # fmt: skip
    return found


def legend(inputs: Inputs) -> list[str]:
    """The names that stand in the head, explained."""
    said = [
        "crpo: the new model, sft trained on by reinforcement learning from comparisons (CRPO)",
        "sft: the model before that, fine-tuned on physicians' answers (SFT)",
        "decided: one of the two replies won (win rates are shares of these, not of all)",
    ]
    rows = inputs.evaluation.pairwise if inputs.evaluation else []
    sets = dict.fromkeys(row.benchmark for row in rows if row.benchmark != POOLED)
    return said + [f"{name}: {_benchmark(inputs, name)}" for name in sets]


def others(inputs: Inputs) -> str:
    """Who else the new model was compared with, and who is left out; for below their figures."""
    names = [name for name in opponents(inputs) if named(name) == name]
    said = (
        f"The other {len(names)} ({', '.join(names)}) are the counterparts, which CRPO was trained "
        "against, and any baselines; the names are those of the settings."
    ) * bool(names)
    left = [f"{name} is {first} under another name" for name, first in inputs.twins.items()]
    twins = f"Left out of all tables: {'; '.join(left)} (the same weights)." if left else ""
    return " ".join(filter(None, (said, twins)))


def _benchmark(inputs: Inputs, name: str) -> str:
    printed = paper().win_rates.benchmarks
    place = index(name, printed)
    what = "" if place is None else printed[place].what
    protocol = str(inputs.benchmarks.get(name, {}).get("protocol", ""))
    return ", ".join(filter(None, (what or "consultations", _PROTOCOLS.get(protocol, ""))))
