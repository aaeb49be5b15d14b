"""The head of the report in words: is the new model better, on what, and how sure are we.

A model is called better (worse) when the whole interval of its win rate among decided comparisons
lies above (below) one half, and "not distinguishable" otherwise (ours; SPEC 6). Where the
evaluation corrects for many comparisons (Holm), its corrected p decides for the dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence

from pulsemind.evaluation.statistics import ASPECTS, POOLED
from pulsemind.report.page import asking, figures
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.parts import Answer, Claim, Picture, Tone, interval, percent
from pulsemind.report.page.shapes import Pairwise
from pulsemind.report.page.words import decided, named, of_test, within, won

EVEN = 0.5
UNDECIDED = "not distinguishable"
FEW = 30
"""Decided comparisons below which the answer says that there are few."""
_ORDER = ("overall", *ASPECTS[:-1])


def verdict(row: Pairwise, confidence: float) -> tuple[Tone, str]:
    """What a win rate says: better, worse, not distinguishable, or nothing."""
    if row.win_rate is None or row.low is None or row.high is None:
        return "missing", "nothing decided"
    chance = row.p_holm is not None and row.p_holm > 1 - confidence
    if row.low > EVEN and not chance:
        return "better", "better"
    if row.high < EVEN and not chance:
        return "worse", "worse"
    return "even", UNDECIDED


def _why_even(row: Pairwise) -> str:
    if row.low is not None and row.high is not None and row.low <= EVEN <= row.high:
        return "the interval holds 50 %"
    return f"corrected for many comparisons it may be chance, p = {row.p_holm or 0.0:.2f}"


def headline(inputs: Inputs, aspect: str = "overall") -> Pairwise | None:
    """The result over all benchmarks against the model that the answer is about."""
    rows = inputs.evaluation.pairwise if inputs.evaluation else []
    found = [r for r in rows if r.against == inputs.against and r.aspect == aspect]
    return min(found, key=lambda row: row.benchmark != POOLED, default=None)


def answer(inputs: Inputs) -> Answer:
    """The head; says that nothing was evaluated when there is no evaluation."""
    row = headline(inputs)
    if row is None:
        return Answer(
            tone="missing",
            word="Not evaluated",
            better="No consultation was judged, so nothing can be said about the new model.",
            on_what="Run `python -m flows.evaluate`, then this report again.",
            how_sure=[],
            claims=[],
            promotion=_promotion(inputs),
        )
    tone, word = verdict(row, inputs.about.confidence)
    return Answer(
        tone=tone,
        word=word.capitalize() + of_test(inputs),
        better=_better(inputs, row, tone) + _but(inputs, tone),
        on_what=_on_what(inputs),
        how_sure=_how_sure(inputs, row),
        claims=[c for aspect in _ORDER if (c := _claim(inputs, aspect))],
        picture=_picture(inputs),
        promotion=_promotion(inputs),
        within=within(inputs),
        test=inputs.test,
        asks=asking.sentence(inputs),
    )


def _better(inputs: Inputs, row: Pairwise, tone: Tone) -> str:
    who, other = named(row.model), named(row.against)
    start = f"{who} ({row.model})" if who != row.model else who
    if inputs.tiny or inputs.offline:
        how = "by a fixed rubric" if inputs.offline else "with a toy model"
        start = f"in this test run, {how}, {start}"
    start = start[0].upper() + start[1:]
    end = f"{other} ({row.against})" if other != row.against else other
    says = {
        "better": f"{start} is judged better than {end}.",
        "worse": f"{start} is judged worse than {end}.",
        "even": f"{start} and {end} cannot be told apart: {_why_even(row)}.",
    }
    return says.get(tone, f"No comparison with {end} was decided.")


def _but(inputs: Inputs, tone: Tone) -> str:
    """The dimensions that go against the answer, said beside it."""
    against = {"better": "worse", "worse": "better"}.get(tone, "")
    found = _dimensions(inputs).get(against)
    return f" But it is {against} in {_list(found)}." if found else ""


def _on_what(inputs: Inputs) -> str:
    groups = _dimensions(inputs)
    parts = [
        f"{title} in {_list(groups[tone])}"
        for tone, title in (("better", "better"), ("worse", "worse"), ("even", UNDECIDED))
        if tone in groups
    ]
    rows = inputs.evaluation.pairwise if inputs.evaluation else []
    sets = dict.fromkeys(r.benchmark for r in rows if r.benchmark != POOLED)
    where = f"On consultations ({_list(list(sets))}; exam questions have a table of their own)"
    return f"{where}: {'; '.join(parts)}." if parts else f"{where}; no dimension was judged."


def _chance(row: Pairwise) -> str:
    """What the interval says of chance, in words."""
    if row.low is None or row.high is None:
        return "No comparison was decided."
    if row.low > EVEN or row.high < EVEN:
        side = "above" if row.low > EVEN else "below"
        return f"The whole interval lies {side} 50 %: chance alone hardly explains that."
    return "The interval reaches to both sides of 50 %: either model may be the better one."


def _dimensions(inputs: Inputs) -> dict[str, list[str]]:
    """The dimensions by what is said of them."""
    groups: dict[str, list[str]] = {}
    for aspect in ASPECTS[:-1]:
        if row := headline(inputs, aspect):
            tone, _ = verdict(row, inputs.about.confidence)
            groups.setdefault(tone, []).append(aspect.replace("_", " "))
    return groups


def _how_sure(inputs: Inputs, row: Pairwise) -> list[str]:
    over = f" from {row.cases} consultations" if row.cases else ""
    said = [
        "The judge sees two replies to the same patient and says which is better; 50 % is even. "
        f"The new model wins {won(row)} of the {decided(row)} decided comparisons "
        f"({percent(row.win_rate)}, {100 * inputs.about.confidence:.0f} % interval "
        f"{interval(row.low, row.high)} %), that is {_of_all(row)}. {_chance(row)}",
        f"{row.n} comparisons{over} were judged; "
        f"{percent(row.tie.value if row.tie else None)} of them are ties.{_by_dimension(inputs)}",
        f"Judge: {row.judge}{_order(inputs, row)}",
    ]
    if inputs.offline:
        said.append(
            "The interval speaks of chance, not of what the rubric cannot see: whether a question "
            "fits the patient, and in most cases whether a drug is right. Where it was the reward "
            "of the training too, it favours the new model."
        )
    if decided(row) < FEW:
        said.append(f"Only {decided(row)} comparisons were decided: too few to rely on.")
    if row.unjudged:
        said.append(f"{row.unjudged} comparisons have no usable verdict and are left out.")
    return said


def _of_all(row: Pairwise) -> str:
    return f"{won(row)} of all {row.n} ({percent(row.win.value if row.win else None)})"


def _by_dimension(inputs: Inputs) -> str:
    """In how many comparisons each dimension was decided, and whether that is little."""
    found = {a.replace("_", " "): decided(r) for a in _ORDER[1:] if (r := headline(inputs, a))}
    few = [name for name, count in found.items() if count < FEW]
    said = ", ".join(f"{name} in {count}" for name, count in found.items())
    little = f"; little can be said of {_list(few)}" if few else ""
    return f" By dimension, decided are {said}{little}." if found else ""


def _order(inputs: Inputs, row: Pairwise) -> str:
    """What the order of the two replies does to the judge."""
    if inputs.offline:
        return (
            " (a fixed rubric, not for reporting): it scores each reply by itself, so that their "
            "order cannot change its verdict."
        )
    if row.swap_disagreement is None:
        return "; the order of the two replies was not swapped."
    return (
        f"; it contradicts itself in {percent(row.swap_disagreement)} of the comparisons when "
        "the two replies change places."
    )


def _picture(inputs: Inputs) -> Picture | None:
    points = [
        (aspect.replace("_", " "), row.low, row.win_rate, row.high)
        for aspect in _ORDER
        if (row := headline(inputs, aspect))
        and row.win_rate is not None
        and row.low is not None
        and row.high is not None
    ]
    if not points:
        return None
    says = "; ".join(f"{name} {percent(rate)}" for name, _, rate, _ in points)
    return Picture(figures.scale("answer", points), f"Win rates with intervals: {says}")


def _claim(inputs: Inputs, aspect: str) -> Claim | None:
    row = headline(inputs, aspect)
    if row is None:
        return None
    tone, word = verdict(row, inputs.about.confidence)
    known = row.win_rate is not None and row.low is not None and row.high is not None
    return Claim(
        what=aspect.replace("_", " "),
        tone=tone,
        word=word,
        evidence=f"{won(row)} wins, {decided(row) - won(row)} losses, {row.n - decided(row)} ties; "
        f"of the decided {percent(row.win_rate)} won, interval {interval(row.low, row.high)} %"
        + (f"; only {decided(row)} decided" if decided(row) < FEW else "")
        if known
        else f"{row.n} judged, none decided",
    )


def _promotion(inputs: Inputs) -> Claim | None:
    decision = inputs.promotion
    if decision is None:
        return None
    if decision.outcome == "first":
        name = f", version {decision.candidate}," if decision.candidate else ""
        beaten = f"There was no champion before it, so this one{name} became champion unopposed."
        return Claim("promotion", "", "first version: nothing to compare with", beaten)
    version = f"version {decision.candidate} " if decision.candidate else ""
    word = f"{version}is champion" if decision.promoted else f"{version}not promoted"
    tone: Tone = "better" if decision.promoted else "even"
    return Claim("promotion", tone, word, decision.reason)


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
