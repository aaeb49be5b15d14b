# ruff: noqa: E501 - patterns and tables stand on one line
"""Labelled texts for measuring anonymisation: every piece of personal data and what must stay.

`texts("develop")` and `texts("held")` draw from different templates and pools. `written()` are whole
texts: `personal_data_held.yaml`, made before their author read the tables for English and patterns,
and `personal_texts/`, by somebody who has not seen the detectors.
Everyone in them is made up. Templates and pools: `personal_data.yaml`.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from examples.people import check_digit
from pulsemind.records import Language

Part = Literal["develop", "held"]
COPIES = 6
"""Texts made of each template."""
WRITTEN = {
    "written": "personal_data_held.yaml",
    "set-1": "personal_texts/set-1.yaml",
    "set-2": "personal_texts/set-2.yaml",
    "set-3": "personal_texts/set-3.yaml",
    "set-4": "personal_texts/set-4.yaml",
    "set-5": "personal_texts/set-5.yaml",
    "set-6": "personal_texts/set-6.yaml",
    "set-7": "personal_texts/set-7.yaml",
    "held-7": "personal_texts/held-7.yaml",
    "set-8": "personal_texts/set-8.yaml",
    "held-8": "personal_texts/held-8.yaml",
    "set-9": "personal_texts/set-9.yaml",
}
"""Files of whole texts."""
HELD = ("held-8",)
"""Those held apart: nobody mends by them, the tagger does not learn them."""


@dataclass(frozen=True)
class Label:
    """`text[start:stop]` is personal data of a kind, or clinical content (kind `keep`)."""

    kind: str
    start: int
    stop: int
    cued: bool = True
    """False: a name beside which nothing says that it is one."""


@dataclass(frozen=True)
class LabelledText:
    """A text with the places of its personal data and of the clinical content to keep."""

    text: str
    language: Language
    template: int
    labels: tuple[Label, ...]


@cache
def _content() -> dict[str, Any]:
    path = Path(__file__).with_suffix(".yaml")
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def texts(part: Part, seed: int = 7, copies: int = COPIES) -> list[LabelledText]:
    """The labelled texts of a part, Chinese and English, equal for equal arguments."""
    made = []
    for language in ("zh", "en"):
        values = Values(part, language, random.Random(f"{seed}-{part}-{language}"))
        for number, template in enumerate(_content()[part][language].splitlines()):
            made += [_fill(template, language, number, values) for _ in range(copies)]
    return made


def written(name: str = "written") -> list[LabelledText]:
    """The texts of one of `WRITTEN`, Chinese and English; the place in the file is their number."""
    path = Path(__file__).parent / WRITTEN[name]
    content: dict[Language, list[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        _read(marked, language, number)
        for language, items in content.items()
        for number, marked in enumerate(items)
    ]


def clinical() -> list[LabelledText]:
    """Clinical texts without any personal data, Chinese and English."""
    path = Path(__file__).parent / "personal_texts" / "clinical.yaml"
    content: dict[Language, list[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        LabelledText(text, language, number, ())
        for language, items in content.items()
        for number, text in enumerate(items)
    ]


def _read(marked: str, language: Language, number: int) -> LabelledText:
    """`{kind:value}`, `{kind!:value}` without a cue, `[to keep]` out of a marked text."""
    text, labels = "", []
    for piece in re.split(r"(\{\w+!?:[^}]+\}|\[[^\]]+\])", marked):
        if not piece or piece[0] not in "{[":
            text += piece
            continue
        head, _, value = (
            piece[1:-1].partition(":") if piece[0] == "{" else ("keep", "", piece[1:-1])
        )
        kind, cued = head.rstrip("!"), not head.endswith("!")
        labels.append(Label(kind, len(text), len(text) + len(value), cued))
        text += value
    return LabelledText(text, language, number, tuple(labels))


def _fill(template: str, language: Language, number: int, values: Values) -> LabelledText:
    text, labels, last = "", [], ""
    for piece in re.split(r"(\{\w+!?\}|\[[^\]]+\])", template):
        if not piece or piece[0] not in "{[":
            text += piece
            continue
        kind, cued = piece[1:-1].rstrip("!"), not piece.endswith("!}")
        if piece[0] == "[":
            kind, value = "keep", values.clinical(kind)
        elif kind == "same":
            kind, value, cued = "name", last, True
        else:
            value = last = values.personal(kind, cued)
        labels.append(Label(kind, len(text), len(text) + len(value), cued))
        text += value
    return LabelledText(text, language, number, tuple(labels))


class Values:
    """Draws values of a part and language: from its pools, or made up in one of its formats."""

    def __init__(self, part: Part, language: Language, rng: random.Random) -> None:
        self._pools: dict[str, str] = _content()["pools"][part]
        self._held, self._zh, self._rng = part == "held", language == "zh", rng
        self._suffix = "_zh" if self._zh else "_en"

    def pool(self, name: str) -> str:
        """One value of a pool, the language's own where there are two."""
        values = self._pools[name if name in self._pools else name + self._suffix]
        return self._rng.choice(values.split("|") if "|" in values else values.split())

    def digits(self, count: int) -> str:
        """A number of so many digits that does not begin with 0."""
        return str(self._rng.randrange(10 ** (count - 1), 10**count))

    def day(self) -> date:
        """A day of 2023 to 2025."""
        return date(2023, 1, 1) + timedelta(days=self._rng.randrange(1000))

    def personal(self, kind: str, cued: bool = True) -> str:
        """A value of a kind of personal data; of names without a cue some are given names alone."""
        if kind == "name" and not cued and not self._zh:
            given, family = self.pool("given"), self.pool("family")
            forms = [f"{given} {family}"] * 5 + [f"{family}, {given}", f"{given} {family}".upper()]
            return self._rng.choice(
                [*forms, given, f"{given} {self._rng.choice('ABCDE')}. {family}"]
            )
        made: str = getattr(self, f"_{'name' if kind == 'physician' else kind}")()
        return made

    def clinical(self, what: str) -> str:
        """A clinical value: from a pool of that name, made up, or the word itself."""
        number = self._rng.randint
        if self._zh:
            table = {
                "age": f"{number(2, 89)}岁",
                "dose": f"{number(1, 20) * 5}mg",
                "bp": f"{number(95, 170)}/{number(55, 99)}mmHg",
                "temp": f"{number(36, 40)}.{number(0, 9)}℃",
                "pulse": f"{number(55, 120)}次/分",
                "weight": f"{number(4, 99)}kg",
                "size": f"{number(4, 19)}mm×{number(4, 19)}mm",
                "gcs": f"{number(3, 15)}分",
                "volume": f"{number(500, 2500)}ml",
            }
        else:
            table = {
                "age": self._rng.choice(
                    (f"{number(2, 89)} years old", f"{number(2, 89)}-year-old")
                ),
                "dose": f"{number(1, 20) * 5} mg",
                "bp": f"{number(95, 170)}/{number(55, 99)}",
                "temp": f"{number(36, 40)}.{number(0, 9)} C",
                "pulse": f"HR {number(55, 120)}",
                "weight": f"{number(4, 99)} kg",
                "size": f"{number(4, 19)} x {number(4, 19)} mm",
                "gcs": f"{number(3, 15)}",
                "room": f"{number(2, 9)}",
                "clock": f"{number(0, 23):02d}:{number(0, 59):02d}",
            }
        if what in table:
            return table[what]
        pool = {"freq": "frequency", "drug": "drug", "disease": "disease", "lab": "lab"}
        name = pool.get(what, what)
        known = name in self._pools or name + self._suffix in self._pools
        return self.pool(name) if known else what

    def _name(self) -> str:
        if self._zh:
            return self.pool("surname") + self.pool("given")
        return f"{self.pool('given')} {self.pool('family')}"

    def _id_number(self) -> str:
        if not self._zh:
            return f"{self.digits(3)}-{self.digits(2)}-{self.digits(4)}"
        seventeen = (
            f"{self._rng.choice((110199, 310199, 440199))}{self.day():%Y%m%d}{self.digits(3)}"
        )
        return seventeen + check_digit(seventeen)

    def _phone(self) -> str:
        if self._zh:
            mobile = f"13{self._rng.randint(0, 9)}0013{self.digits(4)}"
            spaced = f"{mobile[:3]} {mobile[3:7]} {mobile[7:]}"
            landline = f"0{self.digits(2)}-{self.digits(8)}"
            forms = [f"+86 {mobile}", f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}", f"(0{self.digits(2)}){self.digits(8)}"]  # fmt: skip
            return self._rng.choice([mobile, spaced, *forms] if self._held else [mobile, landline])
        area, last = self._rng.randint(201, 989), f"01{self._rng.randrange(100):02d}"
        held = [f"{area}.555.{last}", f"+1 ({area}) 555-{last}", f"+44 20 7946 {self.digits(4)}"]
        return self._rng.choice(
            held if self._held else [f"({area}) 555-{last}", f"{area}-555-{last}"]
        )

    def _email(self) -> str:
        handle = f"{self.pool('given_en')}{self._rng.choice('._')}{self.digits(2)}".lower()
        return f"{handle}@{'mail.example.org' if self._held else 'example.com'}"

    def _url(self) -> str:
        if self._held:
            return f"www.example.net/{self.digits(5)}/ct.html"
        return f"https://example.com/share?id={self.digits(7)}"

    def _account(self) -> str:
        handle = f"{self.pool('given_en').lower()}_{self.digits(3)}"
        if self._held:
            handle = self._rng.choice((f"wx{self.digits(6)}", f"{handle}x"))
        elif self._zh:
            handle = self._rng.choice((handle, self.digits(9), f"{self.digits(16)}"))
        else:
            handle = f"@{handle}"
        return handle

    def _plate(self) -> str:
        letters = "ABCDEFGHJK"
        first, second = self._rng.choice(letters), self._rng.choice(letters)
        if self._zh:
            province = self._rng.choice("沪苏浙赣" if self._held else "京粤川鄂")
            dot = "·" if self._held else ""
            new_energy = "D" if self._held and self._rng.random() < 0.5 else ""
            return f"{province}{first}{dot}{new_energy}{second}{self.digits(4)}"
        return f"{first}{second}{self.digits(2)} {first}{letters[1]}{second}" if self._held else (
            f"{self._rng.randint(1, 9)}{first}{second}{letters[3]}{self.digits(3)}")  # fmt: skip

    def _address(self) -> str:
        number = self._rng.randint
        if self._zh:
            street = f"{self.pool('city')}{self.pool('district')}{self.pool('road')}"
            if self._held:
                return street + f"{number(2, 199)}弄{number(1, 30)}号{number(101, 902)}"
            return street + f"{number(2, 199)}号{number(1, 19)}栋{number(101, 1802)}室"
        flat = (
            f" Apt {number(1, 40)}{self._rng.choice('ABC')}," if self._rng.random() < 0.4 else ","
        )
        return f"{number(11, 9890)} {self.pool('street')}{flat} {self.pool('town')}"

    def _hospital(self) -> str:
        return self.pool("city") + self.pool("hospital") if self._zh else self.pool("hospital")

    def _record_number(self) -> str:
        if self._held:
            return self._rng.choice((f"{self.digits(6)}", f"M{self.digits(7)}", f"{self.digits(4)}-{self.digits(4)}"))  # fmt: skip
        return self._rng.choice((self.digits(8), f"ZY{self.digits(7)}"))

    def _bed_number(self) -> str:
        number = self._rng.randint(2, 58)
        return f"{number:02d}-{number % 4 + 1}" if self._held and self._zh else str(number)

    def _date(self) -> str:
        day = self.day()
        zh_forms = (
            (f"{day:%Y/%m/%d}", f"{day.year}.{day.month}.{day.day}", f"{day.year % 100}年{day.month}月{day.day}号")
            if self._held
            else (f"{day:%Y-%m-%d}", f"{day.year}年{day.month}月{day.day}日", f"{day.month}月{day.day}号")
        )  # fmt: skip
        en_forms = (
            (f"{day.day} {day:%b} {day.year}", f"{day:%m-%d-%Y}", f"{day:%b} {day.day}", f"{day:%m/%d/%y}")
            if self._held
            else (f"{day:%B} {day.day}, {day.year}", f"{day:%m/%d/%Y}", f"{day:%Y-%m-%d}", f"{day:%B} {day.day}")
        )  # fmt: skip
        return self._rng.choice(zh_forms if self._zh else en_forms)

    def _age_over_89(self) -> str:
        age = self._rng.randint(90, 104)
        if self._zh:
            return (
                self._rng.choice((f"{age}岁", "九十三岁", "九十六岁")) if self._held else f"{age}岁"
            )
        forms = (f"{age} years old", f"{age} y/o") if self._held else (f"{age}-year-old", f"{age} years old")  # fmt: skip
        return self._rng.choice(forms)
