"""Quality signals of hand-made consultations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulsemind.data.departments import department_names, normalise
from pulsemind.data.licences import terms
from pulsemind.data.signals import languages, signals, uses
from pulsemind.records import Consultation, ImageRef, Modality, Provenance, Turn


def consultation(*texts: str, department: str | None = None, licence: str = "CC0-1.0",
                 images: tuple[ImageRef, ...] = ()) -> Consultation:  # fmt: skip
    turns = [Turn(role=("patient", "physician")[n % 2], text=text) for n, text in enumerate(texts)]
    turns[0] = turns[0].model_copy(update={"images": images})
    where = Provenance(source="own", licence=licence, file="f", index=0)
    return Consultation(
        id="c", language="zh", turns=tuple(turns), department=department, provenance=where
    )


def test_a_chinese_consultation() -> None:
    record = consultation(
        "咳嗽3天。", "有没有发烧？", "38.5度。", "多喝水。", department="呼吸内科",
        images=(ImageRef(path="x.png", kind="xray"),),
    )  # fmt: skip
    found = signals(record)
    assert (found.turns, found.tokens) == (4, 4 + 5 + 2 + 3)
    assert (found.language, found.other_language) == ("zh", 0.0)
    assert (found.physician_turns, found.asking_turns) == (2, 1)
    assert found.department_known
    assert found.modalities == (Modality(kind="xray", source="metadata"),)
    assert found.uses == ("sft2", "crpo_query", "evaluation")
    assert found.licence_flags == ()


def test_an_english_pair_may_serve_stage_1() -> None:
    found = signals(consultation("I have a rash.", "Use a mild soap."))
    assert found.language == "en"
    assert found.asking_turns == 0
    assert found.department is None
    assert found.uses == ("sft1", "sft2", "crpo_query", "evaluation")


def test_words_of_the_turn_name_an_image_without_a_kind() -> None:
    image = (ImageRef(path="x.png"),)
    found = signals(consultation("这是我的胸片。", "肺部清晰。", images=image))
    assert found.modalities == (Modality(kind="xray", source="heuristic"),)


def test_licences_and_reviewers_limit_the_uses() -> None:
    turns = consultation("q", "a").turns
    assert uses(turns, terms("CC0-1.0"), "rejected") == ()
    assert uses(turns, terms("CC0-1.0"), "pending") == ()
    assert uses(turns[:1], terms("CC0-1.0"), "accepted") == ()
    unknown = signals(consultation("q", "a", licence="some words"))
    assert unknown.licence_flags == ("licence_unknown",)


def test_departments_have_one_name() -> None:
    assert len(department_names()) >= 20
    one = {entry.name for entry in map(normalise, ("心内科", "Cardiology", "心血管内科")) if entry}
    assert len(one) == 1
    assert normalise("None") is None
    strange = normalise("Ward of dreams")
    assert strange is not None
    assert (strange.known, strange.name) == (False, "Ward of dreams")


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8), st.text(max_size=20))
def test_signals_never_raise_and_stay_in_range(texts: list[str], department: str) -> None:
    found = signals(consultation(*texts, department=department))
    assert found.turns == len(texts)
    assert 0 <= found.asking_turns <= found.physician_turns == len(texts) // 2
    assert languages(" ".join(texts), "zh")[1] <= 0.5
