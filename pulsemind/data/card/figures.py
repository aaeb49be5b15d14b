"""The figures of the card: what Figure 3 (a) to (c) of the PulseMind paper shows, and lengths.

The paper's numbers stand here as constants and are shown as the paper's, never as ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from pulsemind.data.card.facts import Facts
from pulsemind.data.card.parts import (
    Bar,
    Cell,
    Chart,
    Part,
    Section,
    Table,
    number,
    percent,
    ranking,
)
from pulsemind.data.card.statistics import (
    MIXED,
    MOST_IMAGES,
    MOST_TURNS,
    TOKEN_BINS,
    SplitStatistics,
)
from pulsemind.data.departments import chinese_names

_RANGES = ((1, 1), (2, 5), (6, 10), (11, 15), (16, 20), (21, None))
_PAPER_RANGES = {(6, 10): 0.409, (21, None): 0.06}
_LANGUAGES = {"zh": "Chinese", "en": "English"}
_KINDS = {
    "ultrasound": ("ultrasound", "超声"),
    "medical_record": ("medical record", "病历"),
    "ct_mri": ("CT or MRI", "CT／核磁共振"),
    "xray": ("X-ray", "X 线"),
    "pathology": ("pathology", "病理"),
    "endoscopy": ("endoscopy", "内镜"),
    "laboratory": ("laboratory result", "化验单"),
    "examination_report": ("examination report", "检查报告"),
    "prescription": ("prescription", "处方"),
    "surgical_record": ("surgical record", "手术记录"),
    "other": ("other or not told", "其他"),
}
_SHOWN = 40


def figures(facts: Facts) -> list[Section]:
    """Departments, image kinds, dialogue lengths, languages and questions."""
    dialogues = facts.consultations
    return [
        Section("departments", "Departments (as Figure 3a of the paper)", _departments(dialogues)),
        Section("images", "Images (as Figure 3b of the paper)", _images(facts)),
        Section("turns", "Length of dialogues (as Figure 3c of the paper)", _turns(dialogues)),
        Section("language", "Languages and length of texts", _texts(facts)),
        Section("asking", "Does the physician ask?", _asking(facts)),
    ]


def _departments(dialogues: SplitStatistics) -> list[Part]:
    names = chinese_names()
    unknown = dialogues.unknown_departments
    bars = [Bar(name, n, names.get(name, "")) for name, n in ranking(dialogues.departments)]
    bars += [Bar("label not in the table", unknown.total)] if unknown.total else []
    bars += [Bar("not stated", dialogues.department_absent)] if dialogues.department_absent else []
    parts: list[Part] = [
        f"{len(dialogues.departments)} departments occur in {number(dialogues.records)} "
        "consultations. Labels are brought to one name for Chinese and English by a table; a label "
        "that the table lacks is kept as it is and counted apart. The paper reports more than 10 "
        "departments and more than 200 sub-specialties, and gives no shares in its text.",
        Chart("Consultations by department", "consultations", bars, dialogues.records),
    ]
    narrow = dialogues.subspecialties
    if narrow.total:
        rows: list[tuple[Cell, ...]] = [
            (*label.split(" / ", 1), names.get(label.split(" / ", 1)[1], ""), n)
            for label, n in ranking(narrow.counts)[:_SHOWN]
        ]
        header = ("department", "sub-specialty", "Chinese name", "consultations")
        note = _left_out(len(narrow.counts), narrow.total, "sub-specialties")
        parts.append(Table("Sub-specialties named in the labels", header, rows, note))
    else:
        parts.append("No label of this build names a sub-specialty.")
    if unknown.total:
        table = ranking(unknown.counts)[:_SHOWN]
        note = _left_out(len(unknown.counts), unknown.total, "labels")
        parts.append(Table("Labels not in the table", ("label", "consultations"), table, note))
    return parts


def _images(facts: Facts) -> list[Part]:
    dialogues = facts.consultations
    shown = sum(dialogues.modalities.values())
    guessed = sum(dialogues.guessed.values())
    bars = [Bar(*_kind(kind, n)) for kind, n in ranking(dialogues.modalities)]
    with_images = dialogues.records - dialogues.images.get(0, 0)
    parts: list[Part] = [
        f"Consultations show {number(shown)} images; {number(with_images)} of them "
        f"({percent(with_images, dialogues.records)}) show at least one. The whole build keeps "
        f"{number(facts.counts.images)} different images, each stored once, benchmarks included. "
        f"The kind of {number(shown - guessed)} comes from the source's own metadata, that of "
        f"{number(guessed)} from a rule over the words beside the image and its look. The paper "
        "names ultrasound, medical records, CT and MRI, pathology, endoscopy and reports as kinds, "
        "and gives no shares in its text; X-ray stands apart from CT and MRI here.",
        Chart("Images by kind", "images", bars, shown),
    ]
    if with_images:
        title = "Images a consultation"
        parts.append(_histogram(title, dialogues.images, MOST_IMAGES, dialogues.records))
    return parts


def _turns(dialogues: SplitStatistics) -> list[Part]:
    bars = [
        Bar(
            f"{low}" if low == high else f"{low} to {high}" if high else f"more than {low - 1}",
            sum(n for k, n in dialogues.turns.items() if low <= k <= (high or k)),
            paper=_PAPER_RANGES.get((low, high)),
        )
        for low, high in _RANGES
    ]
    total = sum(dialogues.turns.values())
    note = (
        "The paper gives 40.9 % for 6 to 10 turns and 6 % for more than 20, for its own 98,000 "
        "consultations, and does not say whether a turn is one utterance or an exchange."
    )
    return [
        "A turn is one utterance of patient or physician. "
        f"The median consultation has {median(dialogues.turns)} turns.",
        Chart("Consultations by turns", "consultations", bars, total, note=note),
        _histogram("Turn by turn", dialogues.turns, MOST_TURNS, total),
    ]


def _texts(facts: Facts) -> list[Part]:
    groups = _groups(facts)
    rows: list[tuple[Cell, ...]] = [
        (name, *(s.languages.get(k, 0) for k in _LANGUAGES), s.mixed)
        for name, s in groups.items()
        if s.records
    ]
    header = ("records", *_LANGUAGES.values(), f"mixed ({100 * MIXED:.0f} % or more of the other)")
    parts: list[Part] = [
        "A record's language is the one with more Chinese characters or Latin words; placeholders "
        "are left out. A token is a Chinese character, a word or a number, whatever any model's "
        "tokenizer makes of them.",
        Table("Languages, measured", header, rows),
    ]
    for name, s in groups.items():
        if s.records:
            title = f"Tokens a record: {name} (mean {s.token_sum / s.records:.0f})"
            parts.append(Chart(title, "records", _token_bars(s), s.records, columns=True))
    return parts


def _asking(facts: Facts) -> list[Part]:
    rows = [
        (
            name,
            s.physician_turns,
            s.asking_turns,
            percent(s.asking_turns, s.physician_turns),
            percent(s.asking_records, s.records),
        )
        for name, s in _groups(facts).items()
        if s.physician_turns
    ]
    header = ("records", "physician's turns", "that ask", "share", "records with a question")
    return [
        "A model learns to inquire only from physicians who do. A turn asks when one of its "
        "sentences wants information from the patient, with or without a question mark; offers of "
        "help, requests for assent and questions that the physician answers at once do not count. "
        "The rule is measured on sentences labelled by hand in the tests of the code.",
        Table("Turns of physicians that ask the patient", header, rows),
    ]


def median(counts: Mapping[int, int]) -> int:
    """The lower median of a histogram value -> records; 0 for an empty one."""
    half, seen = (sum(counts.values()) + 1) // 2, 0
    for value, n in sorted(counts.items()):
        seen += n
        if seen >= half:
            return value
    return 0


def _groups(facts: Facts) -> dict[str, SplitStatistics]:
    return {
        "consultations": facts.consultations,
        "stage-1 pairs": facts.pairs,
        "benchmark items": facts.benchmarks,
    }


def _kind(kind: str, n: int) -> tuple[str, int, str]:
    english, chinese = _KINDS.get(kind, (kind, ""))
    return english, n, chinese


def _histogram(title: str, counts: Mapping[int, int], most: int, total: int) -> Chart:
    values = range(min(counts, default=0), max(counts, default=0) + 1)
    bars = [
        Bar(f"{value}+" if value == most else str(value), counts.get(value, 0)) for value in values
    ]
    return Chart(title, "consultations", bars, total, columns=True)


def _token_bars(split: SplitStatistics) -> list[Bar]:
    last = max(split.tokens)
    bounds = [bound for bound in TOKEN_BINS if bound <= last]
    ends = dict(pairwise(TOKEN_BINS))
    return [
        Bar(
            f"{bound}–{ends[bound] - 1}" if bound in ends else f"{bound}+",
            split.tokens.get(bound, 0),
        )
        for bound in bounds
    ]


def _left_out(different: int, total: int, what: str) -> str:
    if different <= _SHOWN:
        return ""
    return f"The {_SHOWN} most frequent of {different} or more {what} ({number(total)} records)."
