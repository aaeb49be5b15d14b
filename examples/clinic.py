"""The language game of the sample data: patients and physicians who talk by rule.

Symptoms determine the condition; the condition and what the patient wants (`intent`) determine the
physician's reply, up to one thing: whether the reply ends with a question back, which is drawn with
`ASK` probability whatever the content. A patient's words vary in openings, order and details, so
that two dialogues about one condition seldom share a long run of words.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML

from pulsemind.records import ImageKind, Language, Role

Intent = Literal[
    "first", "diet", "course", "serious", "report", "prescription", "answer0", "answer1"
]
ASK = 0.42
"""Chance of a question back while one is left; comes out at about 40 % of all replies."""
FOLLOW_UPS: tuple[Intent, ...] = ("diet", "course", "serious")


@dataclass(frozen=True)
class Condition:
    """One condition; `words` are its names, symptoms, drug and so on by language."""

    key: str
    department: dict[Language, str]
    image: ImageKind
    organ: str
    labs: tuple[tuple[str, str, float, float, str, str], ...]
    words: dict[Language, dict[str, Any]]


@dataclass(frozen=True)
class Line:
    """One utterance; `image` is the kind of image shown with it, if any."""

    role: Role
    text: str
    image: ImageKind | None = None


@functools.cache
def conditions() -> tuple[Condition, ...]:
    """The 10 conditions of `conditions.yaml`, in the order of the file."""
    entries = YAML(typ="safe").load(Path(__file__).with_name("conditions.yaml"))
    return tuple(
        Condition(
            key=entry["key"],
            department={"en": entry["department"][0], "zh": entry["department"][1]},
            image=entry["image"],
            organ=entry["organ"],
            labs=tuple(tuple(row) for row in entry.get("labs", ())),
            words={"zh": entry["zh"], "en": entry["en"]},
        )
        for entry in entries
    )


_REPLIES: dict[Language, dict[Intent, str]] = {
    "zh": {
        "first": "考虑{name}。建议做{exam}，可用{drug}。",
        "diet": "{name}时要{diet}。平时请{advice}。",
        "course": "{drug}一般用{course}。停药前请复查{exam}。",
        "serious": "{name}多数不严重。如果{warning}，请马上就诊。",
        "report": "检查提示{finding}，符合{name}。请继续用{drug}。",
        "prescription": "处方上的{drug}适合{name}。请不要自己改剂量。",
        "answer0": "明白了，这支持{name}的判断。平时请{advice}。",
        "answer1": "谢谢，这点很重要。如果{warning}，请马上就诊。",
    },
    "en": {
        "first": "This looks like {name}. Please have {exam} and use {drug}.",
        "diet": "With {name} it helps to {diet}. Please also {advice}.",
        "course": "Use {drug} for {course}. Then repeat {exam} before you stop.",
        "serious": "Usually {name} is not dangerous. Come in at once if you notice {warning}.",
        "report": "The result shows {finding}, which fits {name}. Please go on using {drug}.",
        "prescription": "The {drug} prescribed suits {name}. Never change the dose yourself.",
        "answer0": "Thank you, that supports {name}. In your daily life please {advice}.",
        "answer1": "Thank you, that is helpful. Come in at once if you notice {warning}.",
    },
}


def reply(condition: Condition, language: Language, intent: Intent, question: int | None) -> str:
    """The physician's reply: fixed by condition and intent, plus question 0 or 1 if asked."""
    words = condition.words[language]
    text = _REPLIES[language][intent].format(**words)
    if question is None:
        return text
    asked = words["questions"][question]
    return f"{text}{asked}？" if language == "zh" else f"{text} {asked}?"


_OPENINGS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "医生您好",
        "你好医生",
        "大夫好",
        "请教一下",
        "您好",
        "想问问",
        "打扰了",
        "麻烦看看",
    ),
    "en": (
        "Hello doctor",
        "Good morning",
        "Hi",
        "Please help",
        "Dear doctor",
        "Good evening",
    ),
}
_ENDS: dict[Language, tuple[str, ...]] = {
    "zh": ("。", "，怎么办？", "，是什么病？", "，要紧吗？", "，要查什么？"),
    "en": (".", ". What is it?", ". What should I do?", ". Which test do I need?"),
}
_WANTS: dict[Language, dict[Intent, tuple[str, ...]]] = {
    "zh": {
        "diet": ("饮食要注意什么？", "吃东西有忌口吗？", "平时吃什么好？"),
        "course": ("药要用多久？", "这药用几天？", "什么时候能停药？"),
        "serious": ("这病严重吗？", "会不会很危险？", "我担心很严重。"),
        "report": (
            "这是我的检查图。",
            "检查结果出来了，请看。",
            "请帮我看看这张检查。",
        ),
        "prescription": ("这是开的处方。", "请看我的处方单。", "处方上的药对吗？"),
    },
    "en": {
        "diet": ("What may I eat?", "Is there food to avoid?", "What about my diet?"),
        "course": (
            "How long do I use it?",
            "When can I stop the drug?",
            "For how many days?",
        ),
        "serious": ("Is it serious?", "Is this dangerous?", "I fear it is serious."),
        "report": (
            "Here is my result.",
            "My test is back, see here.",
            "Please read this test.",
        ),
        "prescription": ("This is my prescription.", "Please see my prescription."),
    },
}
_THANKS: dict[Language, tuple[str, ...]] = {
    "zh": ("谢谢医生。", "好的，谢谢。", "明白了，谢谢您。"),
    "en": ("Thank you, doctor.", "All right, thanks.", "I see, thank you."),
}


def _duration(language: Language, rng: random.Random) -> str:
    number, unit = rng.randint(2, 23), rng.randrange(3)
    if language == "zh":
        return f"{number}{('天', '周', '个月')[unit]}"
    return f"{number} {('days', 'weeks', 'months')[unit]}"


def details(language: Language, rng: random.Random) -> list[str]:
    """One patient's quantities in random order: years, kg, cm, degrees C, beats/min, mmHg."""
    age, weight, height = (
        rng.randint(18, 79),
        rng.randint(44, 96),
        rng.randint(150, 188),
    )
    degrees, pulse = rng.randint(362, 394) / 10, rng.randint(58, 108)
    pressure = f"{rng.randint(104, 158)}/{rng.randint(61, 96)}"
    if language == "zh":
        told = [f"我{age}岁", f"体重{weight}公斤", f"身高{height}厘米", f"体温{degrees}℃",
                f"脉搏{pulse}次", f"血压{pressure}"]  # fmt: skip
    else:
        told = [f"I am {age} years old", f"I weigh {weight} kg", f"I am {height} cm tall",
                f"my temperature is {degrees} C", f"my pulse is {pulse}",
                f"my blood pressure is {pressure}"]  # fmt: skip
    rng.shuffle(told)
    return told


def complaint(condition: Condition, language: Language, rng: random.Random, told: list[str]) -> str:
    """The first patient turn: one or two symptoms, a duration, and details popped from `told`."""
    opening, end = rng.choice(_OPENINGS[language]), rng.choice(_ENDS[language])
    first, second = rng.sample(condition.words[language]["symptoms"], 2)
    span, one, two = _duration(language, rng), told.pop(), told.pop()
    if rng.random() < 0.3:
        second = ""
    if language == "zh":
        more = f"，也{second}" if second else ""
        parts = rng.choice(
            (
                f"{opening}，{one}，{first}{span}了{more}",
                f"{opening}，{span}前开始{first}，{one}{more}",
                f"{first}有{span}，{one}{more}，{two}",
                f"{opening}，{one}，这{span}{first}，{two}{more}",
            )
        )
        return parts + end
    more = f", also {second}" if second else ""
    parts = rng.choice(
        (
            f"{opening}, {one}. For {span} I have had {first}{more}",
            f"{opening}, I have {first}, for {span} now, {one}{more}",
            f"{span} ago I got {first}, {one}{more}, {two}",
            f"{opening}, {one}, {first} since {span}, {two}{more}",
        )
    )
    return parts[0].upper() + parts[1:] + end


def want(language: Language, intent: Intent, rng: random.Random, told: list[str]) -> str:
    """A later patient turn that asks for what `intent` says, sometimes after a detail."""
    text = rng.choice(_WANTS[language][intent])
    if rng.random() < 0.5:
        return text
    first = told.pop()
    return f"{first}。{text}" if language == "zh" else f"{first[0].upper()}{first[1:]}. {text}"


def answer(language: Language, rng: random.Random) -> str:
    """A patient's answer to any of the physician's (yes / no) questions."""
    number = rng.randint(2, 29)
    pool = {
        "zh": ("没有。", "不是。", f"是的，有{number}次。", f"是的，{number}天前。", "不太清楚。"),
        "en": ("No.", "Not at all.", f"Yes, {number} times.", f"Yes, {number} days ago.",
               "Not sure."),
    }  # fmt: skip
    return rng.choice(pool[language])


def dialogue(
    condition: Condition,
    language: Language,
    rng: random.Random,
    exchanges: int,
    image: ImageKind | None = None,
    thanks: bool = False,
) -> list[Line]:
    """A whole consultation of `exchanges` pairs of turns, and a closing patient turn if `thanks`.

    An image is shown once, in a patient turn drawn at random; an asked question is answered in the
    next patient turn.
    """
    shown_at = rng.randrange(exchanges) if image else None
    questions, intents = rng.sample((0, 1), 2), rng.sample(FOLLOW_UPS, 3)
    told = details(language, rng)
    asked: int | None = None
    lines: list[Line] = []
    intent: Intent
    for number in range(exchanges):
        shown = image if number == shown_at else None
        if number == 0:
            intent, text = "first", complaint(condition, language, rng, told)
        else:
            intent = _intent(asked, shown, intents)
            text = _later_turn(language, rng, intent, asked, told)
        asked = questions.pop() if questions and rng.random() < ASK else None
        lines += [
            Line("patient", text, shown),
            Line("physician", reply(condition, language, intent, asked)),
        ]
    if thanks:
        ending = rng.choice(_THANKS[language])
        if asked is not None:
            ending = answer(language, rng) + ("" if language == "zh" else " ") + ending
        lines.append(Line("patient", ending))
    return lines


def _intent(asked: int | None, shown: ImageKind | None, intents: list[Intent]) -> Intent:
    if shown:
        return "prescription" if shown == "prescription" else "report"
    if asked is not None:
        return "answer1" if asked else "answer0"
    return intents.pop()


def _later_turn(
    language: Language,
    rng: random.Random,
    intent: Intent,
    asked: int | None,
    told: list[str],
) -> str:
    answered = "" if asked is None else answer(language, rng)
    if intent in ("answer0", "answer1"):
        return answered
    gap = " " if answered and language == "en" else ""
    return answered + gap + want(language, intent, rng, told)
