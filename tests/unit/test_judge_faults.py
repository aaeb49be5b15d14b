"""The judge against a server that fails one attempt in five, killed twice (bench/judge_faults.py).

How full the requests in flight are kept is a question of speed: the bench asks it.
"""

from __future__ import annotations

import pytest

from bench.judge_faults import LIMIT, measure, requests_a_candidate
from pulsemind.records import DIMENSIONS


@pytest.mark.parametrize("queries", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_no_verdict_is_lost_and_no_stored_answer_paid_again(queries: int) -> None:
    found = measure(queries)
    assert found["pairs"] == 40 * queries
    assert 0.05 < found["faults"] < 0.4
    assert found["verdicts_lost"] == 0
    assert found["stored_asked_again"] == 0
    # What was in flight at a kill is the only thing that may cost twice.
    assert found["paid_again_in_flight_at_a_kill"] <= 2 * LIMIT


def test_one_request_answers_all_dimensions() -> None:
    needed = requests_a_candidate()
    assert needed["one_by_one"] == len(DIMENSIONS) * needed["ours"]
