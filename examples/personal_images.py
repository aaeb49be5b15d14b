# ruff: noqa: E501 - patterns and tables stand on one line
"""Labelled images for measuring anonymisation: what is printed where, personal or not.

Report forms and scanner overlays in the layouts that go wrong: tilted, blurred, faint, small, in two
columns, label and value apart, characters below one another, white on black. The held part has
layouts and values of its own. Everyone on them is made up.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from examples.drawing import font
from examples.personal_data import Part, Values
from pulsemind.records import Language

Mask = NDArray[np.bool_]


@dataclass
class Printed:
    """A piece of print: its kind (`keep` for what must stay), text, and where its ink is."""

    kind: str
    text: str
    ink: Image.Image


@dataclass
class LabelledImage:
    """A picture with all that is printed on it; `overlay` for scans."""

    name: str
    language: Language
    overlay: bool
    picture: Image.Image
    printed: list[Printed] = field(default_factory=list)
    colour: str = "black"

    def write(self, x: float, y: float, text: str, kind: str, size: int) -> float:
        """Print at a place; returns the x behind it. Plain labels have the kind "" ."""
        for target, colour in ((self.picture, self.colour),):
            ImageDraw.Draw(target).text((x, y), text, font=font(size), fill=colour)
        if kind:
            ink = Image.new("L", self.picture.size, 0)
            ImageDraw.Draw(ink).text((x, y), text, font=font(size), fill=255)
            self.printed.append(Printed(kind, text, ink))
        return x + font(size).getlength(text)

    def change(self, how: Callable[[Image.Image], Image.Image], moves: bool) -> None:
        """Filter the picture; where pixels move, the ink moves with them."""
        self.picture = how(self.picture)
        if moves:
            for piece in self.printed:
                piece.ink = how(piece.ink)


Row = tuple[str, str, str]
"""Label, kind, value."""


def images(part: Part, count: int, seed: int = 7) -> list[LabelledImage]:
    """So many labelled images, layouts and languages in turn; equal for equal arguments."""
    layouts = _HELD if part == "held" else _DEVELOP
    made = []
    for number in range(count):
        language: Language = "zh" if number % 2 else "en"
        rng = random.Random(f"{seed}-{part}-image-{number}")
        made.append(layouts[number // 2 % len(layouts)](language, Values(part, language, rng), rng))
    return made


def _rows(language: Language, values: Values, rng: random.Random) -> list[Row]:
    """A report's head in any order, then its results."""
    zh = language == "zh"
    head = [
        ("姓名" if zh else "Name", "name"),
        ("住院号" if zh else "MRN", "record_number"),
        ("电话" if zh else "Phone", "phone"),
        ("检查日期" if zh else "Exam date", "date"),
        ("医生" if zh else "Physician", "physician"),
    ]
    if zh:
        head.append(("身份证号", "id_number"))
    rng.shuffle(head)
    rows: list[Row] = [(label, kind, printable(values, kind)) for label, kind in head[:5]]
    names = (
        ("白细胞", "血红蛋白", "血小板", "肌酐")
        if zh
        else ("WBC", "Hemoglobin", "Platelets", "Creatinine")
    )
    rows += [(name, "keep", f"{rng.randint(30, 190) / 10}") for name in rng.sample(names, 3)]
    return rows


def printable(values: Values, kind: str) -> str:
    """A value all of whose characters the shipped font has."""
    while True:
        value = values.personal(kind)
        if all(character.isascii() or has_glyph(character) for character in value):
            return value


def has_glyph(character: str) -> bool:
    """Whether the shipped font can draw a character."""
    drawn = font(24).getmask(character)
    return bytes(drawn) != bytes(font(24).getmask("\u0378"))


def _page(language: Language, name: str, size: tuple[int, int] = (760, 520)) -> LabelledImage:
    return LabelledImage(name, language, False, Image.new("RGB", size, "#f8f8f4"))


def _form(
    language: Language, values: Values, rng: random.Random, name: str = "form", size: int = 24
) -> LabelledImage:
    page = _page(language, name)
    colon = "：" if language == "zh" else ": "
    y = 20.0
    page.write(200, y, "检验报告单" if language == "zh" else "LABORATORY REPORT", "keep", size + 4)
    for label, kind, value in _rows(language, values, rng):
        y += size * 1.9
        x = page.write(40, y, label + (colon if kind != "keep" else "  "), "", size)
        page.write(x, y, value, kind, size)
    return page


def _tilted(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    page = _form(language, values, rng, "tilted")
    angle = rng.uniform(2, 7) * rng.choice((-1, 1))
    page.change(
        lambda i: i.rotate(
            angle, Image.Resampling.BICUBIC, fillcolor=0 if i.mode == "L" else (248, 248, 244)
        ),
        moves=True,
    )
    return page


def _blurred(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    page = _form(language, values, rng, "blurred")
    page.change(lambda i: i.filter(ImageFilter.GaussianBlur(1.6)), moves=False)
    return page


def _faint(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    page = _form(language, values, rng, "faint")
    page.change(lambda i: Image.blend(i, Image.new("RGB", i.size, "#f0f0ec"), 0.82), moves=False)
    return page


def _small(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    return _form(language, values, rng, "small print", size=13)


def _apart(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    """Label and value far apart, as in tables."""
    page = _page(language, "label and value apart")
    y = 20.0
    for label, kind, value in _rows(language, values, rng):
        page.write(40, y, label, "", 24)
        page.write(330, y, value, kind, 24)
        y += 52
    return page


def _two_columns(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    page = _page(language, "two columns", (980, 420))
    colon = "：" if language == "zh" else ": "
    for number, (label, kind, value) in enumerate(_rows(language, values, rng)):
        place = (30 + 480 * (number % 2), 30 + 66 * (number // 2))
        x = page.write(*place, label + (colon if kind != "keep" else "  "), "", 22)
        page.write(x, place[1], value, kind, 22)
    return page


def _below(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    """The value under its label."""
    page = _page(language, "value below label", (980, 420))
    for number, (label, kind, value) in enumerate(_rows(language, values, rng)):
        place = (30 + 310 * (number % 3), 30 + 120 * (number // 3))
        page.write(*place, label, "", 20)
        page.write(place[0], place[1] + 32, value, kind, 24)
    return page


def _column(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    """Chinese characters below one another; English print turned by a quarter."""
    page = _form(language, values, rng, "upright column")
    if language == "zh":
        name = printable(values, "name")
        ink = Image.new("L", page.picture.size, 0)
        for number, character in enumerate(f"姓名：{name}"):
            place = (690, 30 + 36 * number)
            ImageDraw.Draw(page.picture).text(place, character, font=font(30), fill="black")
            if number > 2:
                ImageDraw.Draw(ink).text(place, character, font=font(30), fill=255)
        page.printed.append(Printed("name", name, ink))
        return page
    page.change(lambda i: i.rotate(90, expand=True), moves=True)
    return page


def _scan(language: Language, values: Values, rng: random.Random, name: str) -> LabelledImage:
    source = np.random.default_rng(rng.getrandbits(32))
    grain = Image.fromarray((source.random((90, 120)) * 90).astype(np.uint8)).resize((720, 540))
    fan = Image.new("L", (720, 540), 0)
    ImageDraw.Draw(fan).pieslice((60, -300, 660, 480), 40, 140, fill=255)
    black = Image.new("L", (720, 540), 0)
    scan = Image.composite(grain.filter(ImageFilter.GaussianBlur(1)), black, fan).convert("RGB")
    return LabelledImage(name, language, True, scan, colour="#e8e8e8")


def _ultrasound(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    """White on black: a name with no label, numbers, a hospital, the machine's settings."""
    scan = _scan(language, values, rng, "overlay")
    name = printable(values, "name")
    scan.write(14, 10, name.upper() if language == "en" else name, "name", 22)
    scan.write(14, 42, printable(values, "record_number"), "record_number", 20)
    day = values.day()
    scan.write(520, 10, f"{day:%Y-%m-%d}", "date", 20)
    scan.write(14, 500, f"D {rng.randint(8, 22)}cm  G {rng.randint(40, 90)}", "keep", 18)
    scan.write(560, 500, "LT KIDNEY" if language == "en" else "左肾", "keep", 18)
    return scan


def _xray(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    """Family name first, sex and age beside it, small print."""
    scan = _scan(language, values, rng, "radiograph")
    if language == "en":
        given, family = printable(values, "name").split(" ", 1)
        scan.write(14, 10, f"{family.upper()}^{given.upper()}", "name", 17)
    else:
        scan.write(14, 10, printable(values, "name"), "name", 19)
    scan.write(14, 40, f"{values.day():%m/%d/%Y}", "date", 17)
    behind = scan.write(14, 66, "ID ", "", 17)
    scan.write(behind, 66, values.digits(7), "record_number", 17)
    scan.write(600, 10, "L", "", 30)
    scan.write(540, 505, f"{rng.randint(50, 120)} kV  {rng.randint(2, 20)} mAs", "keep", 17)
    return scan


def _faint_tilted(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    page = _tilted(language, values, rng)
    page.change(lambda i: Image.blend(i, Image.new("RGB", i.size, "#f0f0ec"), 0.6), moves=False)
    page.name = "tilted and faint"
    return page


def _dark(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    """A form in white on blue, as a screen shows it."""
    page = _page(language, "white on blue")
    page.picture.paste("#183a6b", (0, 0, *page.picture.size))
    page.colour = "white"
    y = 24.0
    for label, kind, value in _rows(language, values, rng):
        x = page.write(60, y, f"{label}: ", "", 22)
        page.write(x + 10, y, value, kind, 22)
        y += 48
    return page


def _photo(language: Language, values: Values, rng: random.Random) -> LabelledImage:
    """A form photographed: slightly turned, noisy, unevenly lit."""
    page = _form(language, values, rng, "photograph", size=22)
    angle = rng.uniform(-4, 4)
    noise = np.random.default_rng(rng.getrandbits(32))

    def light(image: Image.Image) -> Image.Image:
        pixels = np.asarray(image, np.float32) * np.linspace(1, 0.55, image.width)[None, :, None]
        return Image.fromarray(
            np.clip(pixels + noise.normal(0, 9, pixels.shape), 0, 255).astype(np.uint8)
        )

    page.change(
        lambda i: i.rotate(
            angle, Image.Resampling.BICUBIC, fillcolor=0 if i.mode == "L" else (248, 248, 244)
        ),
        moves=True,
    )
    page.change(light, moves=False)
    return page


_DEVELOP = (
    _form,
    _tilted,
    _blurred,
    _faint,
    _small,
    _apart,
    _two_columns,
    _below,
    _column,
    _ultrasound,
)
_HELD = (_xray, _faint_tilted, _dark, _photo, _two_columns, _apart, _ultrasound, _small)
