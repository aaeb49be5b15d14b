"""Ablations: figures against scipy and counts by hand, the table and the picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console
from scipy import stats

from pulsemind.evaluation.ablation import COUNTERPARTS, Ablation, About, Item, published
from pulsemind.evaluation.arms import (
    SAME,
    agreement,
    compare_arms,
    head_to_head,
    items_of,
    p_text,
    rate,
    sentence,
    sign_flip,
    signal,
    signal_point,
)
from pulsemind.records import Outcome
from pulsemind.report import ablation as report
from tests.unit.test_evaluation_statistics import SETTINGS, verdicts

WORSE: list[Outcome] = ["loss", "loss", "tie", "loss", "win", "loss", "tie", "loss"]
BETTER: list[Outcome] = ["win", "win", "win", "tie", "win", "win", "win", "loss"]


def items(arm: str, seed: int | None, outcomes: list[Outcome | None]) -> list[Item]:
    """One item a dialogue, against one counterpart."""
    return [
        Item(arm=arm, seed=seed, against="c", case=f"b/{i}", query=f"b/{i}#0", outcome=outcome)
        for i, outcome in enumerate(outcomes)
    ]


def test_sign_flip_is_scipys_permutation_test() -> None:
    values = np.random.default_rng(5).normal(0.4, 1.0, 11)
    expected = stats.permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    found = sign_flip(list(values), [str(i) for i in range(11)], 50_000, 1)
    assert found == pytest.approx(expected, abs=0.01)
    # Two values of one dialogue count as their sum.
    both = [value / 2 for value in values for _ in range(2)]
    twice = sign_flip(both, [str(i // 2) for i in range(22)], 50_000, 1)
    assert twice == pytest.approx(expected, abs=0.01)


def test_sign_flip_of_nothing_and_of_no_difference() -> None:
    with pytest.raises(ValueError, match="needs values"):
        sign_flip([], [], 100, 1)
    assert sign_flip([0.0] * 9, list("abcdefghi"), 100, 1) == 1.0


def test_sign_flip_keeps_its_level() -> None:
    random = np.random.default_rng(11)
    cases = [str(i) for i in range(25)]
    wrong = sum(
        sign_flip(list(random.choice([-1.0, 0.0, 1.0], 25)), cases, 400, i) <= 0.05
        for i in range(400)
    )
    assert wrong <= stats.binom.ppf(0.9999, 400, 0.05)


def test_both_orders_of_a_pair_are_one_item() -> None:
    found = items_of("b", "CRPO", 1, [*verdicts("q1#0", "win", "loss"), *verdicts("q2#0", None)])
    assert [(item.case, item.query, item.outcome) for item in found] == [
        ("b/q1", "b/q1#0", "tie"),
        ("b/q2", "b/q2#0", None),
    ]


def test_rates_are_counts() -> None:
    found = rate(items("CRPO", 1, [*BETTER, None]), 1, COUNTERPARTS, SETTINGS)
    assert (found.n, found.cases, found.unjudged) == (8, 8, 1)
    assert (found.wins, found.ties, found.losses) == (6, 1, 1)
    assert found.win_rate is not None
    assert found.win_rate.value == pytest.approx(6 / 7)
    assert found.score.value == pytest.approx(6.5 / 8)
    assert found.win_rate.low < 6 / 7 <= found.win_rate.high
    with pytest.raises(ValueError, match="no reply is judged"):
        rate(items("CRPO", 1, [None]), 1, COUNTERPARTS, SETTINGS)


def test_seeds_are_averaged_item_by_item() -> None:
    ours = items("B", 1, ["win", "tie"]) + items("B", 2, ["tie", "tie"])
    theirs = items("A", 1, ["loss", "win"]) + items("A", 2, ["loss", "tie"])
    found = compare_arms(ours, theirs, None, COUNTERPARTS, SETTINGS)
    # (0.75 - 0) and (0.5 - 0.75)
    assert found.difference.value == pytest.approx((0.75 - 0.25) / 2)
    assert (found.n, found.cases, found.seed) == (2, 2, None)
    assert found.words == SAME
    one_unjudged = items("A", 1, [None, "win"]) + items("A", 2, ["loss", "tie"])
    assert compare_arms(ours, one_unjudged, None, COUNTERPARTS, SETTINGS).n == 1


def test_a_clear_difference_is_said_in_words_and_the_other_way_round() -> None:
    many = 6
    better, worse = items("B", 1, BETTER * many), items("A", 1, WORSE * many)
    found = compare_arms(better, worse, 1, COUNTERPARTS, SETTINGS)
    back = compare_arms(worse, better, 1, COUNTERPARTS, SETTINGS)
    assert found.words == back.words == "B is better"
    assert found.difference.value == pytest.approx(-back.difference.value)
    assert found.difference.low > 0 > back.difference.high
    assert "48 pairs of replies from 48 dialogues" in sentence(found)
    assert (p_text(0.0005), p_text(0.0494)) == ("p < 0.001", "p = 0.049")
    with pytest.raises(ValueError, match="no item is judged for both"):
        compare_arms(better, items("A", 1, [None]), 1, COUNTERPARTS, SETTINGS)


def test_no_difference_at_all_is_no_certainty() -> None:
    same: list[Outcome | None] = ["tie"] * 40
    found = compare_arms(items("B", 1, same), items("A", 1, same), 1, "c", SETTINGS)
    share = stats.binomtest(0, 40).proportion_ci(0.95, method="wilson").high
    assert (found.difference.low, found.difference.high) == pytest.approx((-share, share))


def test_head_to_head_is_the_score_less_the_others() -> None:
    found = head_to_head(items("B", 1, ["win", "tie", "loss", "win"]), 1, "A", SETTINGS)
    assert found.difference.value == pytest.approx((1 + 0 - 1 + 1) / 4)
    assert (found.arm, found.against, found.opponents) == ("B", "A", "each other")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["win", "tie", "loss"]), min_size=1, max_size=12))
def test_an_arm_is_not_distinguishable_from_itself(outcomes: list[Outcome | None]) -> None:
    found = compare_arms(items("B", 1, outcomes), items("A", 1, outcomes), 1, "c", SETTINGS)
    assert (found.difference.value, found.p_value, found.words) == (0.0, 1.0, SAME)
    assert found.difference.low <= 0 <= found.difference.high


def test_signals_have_one_scale() -> None:
    one = signal_point([[1.0, 3.0, 5.0, None], [2.0, 2.0, 2.0]], 1.0, 5.0)
    scaled = signal_point([[0.0, 0.5, 1.0], [0.25, 0.25, 0.25]], 0.0, 1.0)
    assert one == scaled
    assert one.reward == pytest.approx((1.5 + 0.75) / 6)
    assert one.spread == pytest.approx(np.std([0, 0.5, 1], ddof=1) / 2)
    assert one.variance == pytest.approx(np.var([0, 0.5, 1], ddof=1) / 2)
    assert one.zero_variance == 0.5
    both = signal("CRPO", 1, [one, signal_point([[0.0, 0.0]], 0.0, 1.0)])
    assert both.zero_variance == 0.75
    with pytest.raises(ValueError, match="no candidate"):
        signal_point([[None, None]], 0.0, 1.0)


def test_agreement_is_the_mean_of_scipys_correlations() -> None:
    random = np.random.default_rng(2)
    pairs = [(list(random.random(8)), list(random.random(8))) for _ in range(12)]
    flat = [([0.5, 0.5], [0.1, 0.9]), ([None, 0.2], [0.1, 0.9])]  # these tell nothing
    found = agreement([*pairs, *flat], ("GRPO", "CRPO"), SETTINGS)
    assert found is not None
    assert found.groups == 12
    expected = np.mean([stats.pearsonr(a, b).statistic for a, b in pairs])
    assert found.correlation.value == pytest.approx(expected)
    assert agreement(flat, ("GRPO", "CRPO"), SETTINGS) is None


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("data", [("Public", 26.4), ("Public + MediScope", 65.2)]),
        ("rl", [("SFT", 65.2), ("SFT + RL", 76.0)]),
        ("reward", [("GRPO", 54.7), ("CRPO", 76.0)]),
    ],
)
def test_the_papers_figures(kind: str, row: list[tuple[str, float]]) -> None:
    figures = published(kind)  # type: ignore[arg-type]
    assert [(f.arm, f.value) for f in figures if f.benchmark == "PulseMind Benchmark"] == row
    assert len(figures) == 10
    assert all("Table 4" in f.source for f in figures)


def result() -> Ablation:
    """A small ablation of the reward."""
    point = signal_point([[0.0, 0.5, 1.0]], 0.0, 1.0)
    met = [items("GRPO", s, WORSE) for s in (1, 2)] + [items("CRPO", s, BETTER) for s in (1, 2)]
    first = compare_arms(met[2] + met[3], met[0] + met[1], None, COUNTERPARTS, SETTINGS)
    return Ablation(
        kind="reward",
        profile="tiny",
        judge="offline",
        seeds=[1, 2],
        arms=[About(name="GRPO", what="one"), About(name="CRPO", what="other")],
        rates=[
            rate(met[0] + met[1], None, COUNTERPARTS, SETTINGS),
            *(rate(part, part[0].seed, COUNTERPARTS, SETTINGS) for part in met),
            rate(met[2] + met[3], None, COUNTERPARTS, SETTINGS),
            rate(items("CRPO", 1, ["tie"]), None, "GRPO", SETTINGS),
        ],
        comparisons=[first],
        signals=[signal(arm, s, [point, point]) for arm in ("GRPO", "CRPO") for s in (1, 2)],
        agreement=agreement([([0.0, 1.0], [0.0, 0.5])], ("GRPO", "CRPO"), SETTINGS),
        qa=[],
        published=published("reward"),
        conclusion=sentence(first),
        notes=["offline judge, not for reporting"],
    )


def test_the_table_shows_figures_intervals_and_the_paper() -> None:
    out = io.StringIO()
    report.show(result(), Console(file=out, width=160))
    text = out.getvalue()
    for wanted in ("85.7 %", "12/2/2", "54.7 %", "76.0 %", "offline judge", "correlation"):
        assert wanted in text, wanted


def test_the_picture_is_equal_for_equal_results(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        report.plot(result(), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.width > 600


def test_the_result_reads_back(tmp_path: Path) -> None:
    found = result()
    assert Ablation.model_validate_json(found.model_dump_json()) == found
