"""The dataset card: sums that merge, and pages that show the books."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pulsemind.data.card import Statistics, html, markdown
from pulsemind.data.ledger import Counts, SourceCounts
from pulsemind.records import Consultation, ImageRef, Provenance, QAItem, Turn

AUDIT = {
    "found": {"text": {"name": 1234, "phone": 2}, "pixels": {"name": 5}},
    "second_pass": {"text": 3, "pixels": 0},
    "dropped": {"records": 3, "images": 0},
}


def record(number: int, department: str | None = "心内科", texts: int = 4) -> Consultation:
    turns = tuple(
        Turn(
            role=("patient", "physician")[n % 2],
            text=f"发烧{number}天，怎么办？" if n % 2 else "Rest.",
            images=(ImageRef(path=f"{n}.png", kind="xray"),) if n == 0 and number % 3 == 0 else (),
        )
        for n in range(texts)
    )
    where = Provenance(source="own", licence="CC0-1.0", file="f", index=number)
    return Consultation(
        id=str(number), language="zh", turns=turns, department=department, provenance=where
    )


def item(number: int) -> QAItem:
    where = Provenance(source="qa", licence="MIT", file="f", index=number)
    return QAItem(id=str(number), benchmark="qa", kind="open", language="en", question="Why?",
                  answer="So.", provenance=where)  # fmt: skip


def counts(**changes: object) -> Counts:
    own = SourceCounts(use="consultations", licence="CC0-1.0", read=1010, kept=1000, quarantined=3,
                       dropped={"duplicate_near": 5, "contamination_ngram": 2})  # fmt: skip
    values = {
        "read": 1010, "kept": 1000, "quarantined": 3, "images": 321, "images_dropped": {},
        "dropped": {"duplicate_near": 5, "contamination_ngram": 2}, "sources": {"own": own},
        "splits": {"stage2/train": 990, "benchmarks/qa": 10},
        "contamination": {"qa": {"ngram": 2, "image": 777}}, "blocking": {"qa": ["ngram"]},
    }  # fmt: skip
    return Counts.model_validate({**values, **changes})


def statistics(department: str | None = "心内科") -> Statistics:
    found = Statistics()
    for number in range(20):
        found.add("stage2/train", record(number, department))
    found.add("benchmarks/qa", item(0))
    return found


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["a", "b"])), max_size=20),
       st.integers(0, 20))  # fmt: skip
def test_sums_merge_to_one_pass(added: list[tuple[int, str]], cut: int) -> None:
    whole, first, second = Statistics(), Statistics(), Statistics()
    for place, (number, split) in enumerate(added):
        one = item(number) if number % 7 == 0 else record(number, f"ward {number}", number % 5 + 1)
        whole.add(split, one)
        (first if place < cut else second).add(split, one)
    second.merge(first)
    assert second.model_dump() == whole.model_dump()
    again = Statistics.model_validate_json(whole.model_dump_json())
    assert again.model_dump() == whole.model_dump()


def test_both_pages_show_the_books() -> None:
    for page in (html(counts(), statistics(), AUDIT), markdown(counts(), statistics(), AUDIT)):
        for number in ("1,010", "1,000", "321", "1,241", "(777)"):
            assert number in page
        for word in ("duplicate_near", "CC0-1.0", "cardiology", "The paper"):
            assert word in page


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    page = html(counts(), statistics("<script>alert(1)</script>"), AUDIT)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "url(" not in page


def test_review_and_expansion_are_told() -> None:
    review = {"policy": "accepted", "queued": 40, "accepted": 17, "edited": 4, "rejected": 2,
              "pending": 17, "kappa": 0.4321, "kappa_n": 12}  # fmt: skip
    expansion = {"model": "some-model", "expanded": 88, "original_kept": 9, "not_expanded": 0,
                 "requests": 99, "tokens_in": 1000, "tokens_out": 2000, "cost": 1.25}  # fmt: skip
    page = markdown(counts(), statistics(), AUDIT, review=review, expansion=expansion)
    for shown in ("0.43", "some-model", "88", "17"):
        assert shown in page
    assert "No physician has checked" in markdown(counts(), statistics(), AUDIT)
