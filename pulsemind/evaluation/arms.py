"""What two arms of an ablation differ by, with intervals and a paired test.

An arm is one way of training, run with several seeds. All arms answer the same dialogues and meet
the same opponents, so they are compared item by item: an item is one reply to one query against
one opponent, its score 1 (win), 0.5 (tie) or 0 (loss). Seeds are averaged within an item, and
items of one dialogue belong together, both in the bootstrap and in the sign-flip test; what is
left to chance is the choice of dialogues. What the choice of seed does is seen from the seeds'
own figures. All choices here are ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean

import numpy as np

from pulsemind.evaluation.ablation import (
    Agreement,
    Comparison,
    Item,
    Rate,
    Signal,
    SignalPoint,
)
from pulsemind.evaluation.results import Estimate
from pulsemind.evaluation.statistics import (
    aspect_outcome,
    case_of,
    interval,
    item_outcome,
    wilson,
)
from pulsemind.records import Outcome, Verdict
from pulsemind.settings import EvaluateSettings

EACH_OTHER = "each other"
SAME = "not distinguishable"
_SCORE: Mapping[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


def items_of(benchmark: str, arm: str, seed: int | None, verdicts: Sequence[Verdict]) -> list[Item]:
    """The items that an arm's verdicts on a benchmark amount to, both orders taken together."""
    groups: dict[tuple[str, str], list[Outcome | None]] = defaultdict(list)
    for verdict in verdicts:
        outcome = aspect_outcome(verdict, "overall")
        groups[verdict.counterpart, verdict.query_id].append(outcome)
    return [
        Item(
            arm=arm,
            seed=seed,
            against=against,
            case=f"{benchmark}/{case_of(query)}",
            query=f"{benchmark}/{query}",
            outcome=item_outcome(outcomes),
        )
        for (against, query), outcomes in groups.items()
    ]


def rate(items: Sequence[Item], seed: int | None, against: str, settings: EvaluateSettings) -> Rate:
    """Count items of one arm. Raises ValueError when there is none that is judged.

    Args:
        seed: the one that all items are of, or None for several.
        against: what the opponents are called.
    """
    arm = items[0].arm if items else "an arm"
    judged = [(item.case, item.outcome) for item in items if item.outcome is not None]
    if not judged:
        raise ValueError(f"{arm} against {against}: no reply is judged")
    decided = [(case, float(o == "win")) for case, o in judged if o != "tie"]
    count = {o: sum(found == o for _, found in judged) for o in _SCORE}
    return Rate(
        arm=arm,
        seed=seed,
        against=against,
        n=len(judged),
        cases=len({case for case, _ in judged}),
        wins=count["win"],
        ties=count["tie"],
        losses=count["loss"],
        unjudged=len(items) - len(judged),
        win_rate=_interval(decided, settings) if decided else None,
        score=_interval([(case, _SCORE[outcome]) for case, outcome in judged], settings),
    )


def compare_arms(
    ours: Sequence[Item],
    theirs: Sequence[Item],
    seed: int | None,
    opponents: str,
    settings: EvaluateSettings,
) -> Comparison:
    """The difference of two arms that met the same opponents on the same queries.

    Args:
        seed: as in `rate`.
        opponents: what they are called.

    Raises ValueError when no item of one arm has its like in the other.
    """
    left, right = _scores(ours), _scores(theirs)
    cases = {(item.against, item.query): item.case for item in ours}
    pairs = [(cases[key], left[key] - right[key]) for key in left if key in right]
    names = ours[0].arm if ours else "nobody", theirs[0].arm if theirs else "nobody"
    return _comparison(names, seed, opponents, pairs, settings)


def head_to_head(
    items: Sequence[Item], seed: int | None, against: str, settings: EvaluateSettings
) -> Comparison:
    """The same for an arm that met the other one itself: its score less the other's."""
    cases = {(item.against, item.query): item.case for item in items}
    pairs = [(cases[key], 2 * score - 1) for key, score in _scores(items).items()]
    names = items[0].arm if items else "nobody", against
    return _comparison(names, seed, EACH_OTHER, pairs, settings)


def sign_flip(values: Sequence[float], clusters: Sequence[str], resamples: int, seed: int) -> float:
    """Two-sided p-value for a mean of 0: the signs of whole clusters are flipped at random.

    Exact in level for any number of resamples (the observed value counts as one of them).
    Raises ValueError when there are no values.
    """
    if not values or len(values) != len(clusters):
        raise ValueError("needs values, and one cluster name for each")
    names = {name: index for index, name in enumerate(dict.fromkeys(clusters))}
    sums = np.bincount([names[name] for name in clusters], weights=values, minlength=len(names))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(resamples, len(sums)))
    drawn = np.abs(signs @ sums)
    return float((1 + np.sum(drawn >= abs(sums.sum()) - 1e-9)) / (1 + resamples))


def agreement(
    pairs: Sequence[tuple[Sequence[float | None], Sequence[float | None]]],
    arms: tuple[str, str],
    settings: EvaluateSettings,
) -> Agreement | None:
    """Mean correlation within groups of two rewards for the same candidates; None without any."""
    found: list[tuple[str, float]] = []
    for number, (first, second) in enumerate(pairs):
        known = [
            (a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None
        ]
        columns = np.array(known, dtype=np.float64).reshape(-1, 2)
        if len(columns) > 1 and columns.std(axis=0).min() > 0:
            found.append((str(number), float(np.atleast_2d(np.corrcoef(columns.T))[0, 1])))
    if not found:
        return None
    return Agreement(arms=arms, groups=len(found), correlation=_signed(found, settings))


def signal_point(
    groups: Sequence[Sequence[float | None]], lowest: float, highest: float
) -> SignalPoint:
    """What one iteration's rewards amount to, brought to a scale from 0 to 1.

    Args:
        groups: R of the candidates of each query; a candidate without a reward does not count.
        lowest, highest: the reward's range.

    Raises ValueError when no candidate has a reward.
    """
    scaled = [[(r - lowest) / (highest - lowest) for r in g if r is not None] for g in groups]
    known = [reward for group in scaled for reward in group]
    if not known:
        raise ValueError("no candidate has a reward")
    variances = [float(np.var(group, ddof=1)) for group in scaled if len(group) > 1]
    return SignalPoint(
        reward=mean(known),
        spread=mean(variance**0.5 for variance in variances) if variances else 0.0,
        variance=mean(variances) if variances else 0.0,
        zero_variance=mean(float(len(set(group)) < 2) for group in scaled),
    )


def signal(arm: str, seed: int, points: Sequence[SignalPoint]) -> Signal:
    """A policy's reward signal over its iterations."""
    return Signal(
        arm=arm,
        seed=seed,
        spread=mean(point.spread for point in points),
        variance=mean(point.variance for point in points),
        zero_variance=mean(point.zero_variance for point in points),
        iterations=list(points),
    )


def sentence(found: Comparison) -> str:
    """A comparison in words, with its figures."""
    low, high = (100 * value for value in (found.difference.low, found.difference.high))
    return (
        f"{found.arm} and {found.against}, against {found.opponents}: {found.words}; difference in "
        f"score {100 * found.difference.value:+.1f} points ({low:+.1f} to {high:+.1f}), "
        f"{p_text(found.p_value)}, {found.n} pairs of replies from {found.cases} dialogues"
    )


def p_text(value: float) -> str:
    """A p-value to three digits; never `p = 0`, which no test gives."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _scores(items: Sequence[Item]) -> dict[tuple[str, str], float]:
    """Mean score over seeds by opponent and query; an item unjudged in one seed is left out."""
    found: dict[tuple[str, str], list[Outcome | None]] = defaultdict(list)
    for item in items:
        found[item.against, item.query].append(item.outcome)
    return {
        key: mean(_SCORE[o] for o in outcomes if o is not None)
        for key, outcomes in found.items()
        if None not in outcomes
    }


def _comparison(
    names: tuple[str, str],
    seed: int | None,
    opponents: str,
    pairs: Sequence[tuple[str, float]],
    settings: EvaluateSettings,
) -> Comparison:
    arm, against = names
    if not pairs:
        raise ValueError(f"{arm} and {against}, against {opponents}: no item is judged for both")
    difference = _signed(pairs, settings)
    cases, values = [case for case, _ in pairs], [value for _, value in pairs]
    p_value = sign_flip(values, cases, settings.bootstrap, settings.seed)
    better = arm if difference.value > 0 else against
    return Comparison(
        arm=arm,
        against=against,
        opponents=opponents,
        seed=seed,
        n=len(pairs),
        cases=len(set(cases)),
        difference=difference,
        p_value=p_value,
        words=SAME if p_value > 1 - settings.confidence else f"{better} is better",
    )


def _interval(pairs: Sequence[tuple[str, float]], settings: EvaluateSettings) -> Estimate:
    cases, values = [case for case, _ in pairs], [value for _, value in pairs]
    return interval(values, cases, settings.bootstrap, settings.confidence, settings.seed)


def _signed(pairs: Sequence[tuple[str, float]], settings: EvaluateSettings) -> Estimate:
    """Mean and interval of values from -1 to 1, whole dialogues drawn.

    When all dialogues have one mean no resample differs, which is no certainty: then as many of
    them may be at either end as Wilson's interval allows when none was seen there.
    """
    by_case: dict[str, list[float]] = defaultdict(list)
    for case, value in pairs:
        by_case[case].append(value)
    means = [mean(values) for values in by_case.values()]
    if max(means) - min(means) < 1e-12:
        share = wilson(0, len(means), settings.confidence).high
        value = means[0]
        return Estimate(
            value=value, low=value - (value + 1) * share, high=value + (1 - value) * share
        )
    found = _interval([(case, (value + 1) / 2) for case, value in pairs], settings)
    return Estimate(**{end: 2 * value - 1 for end, value in found.model_dump().items()})
