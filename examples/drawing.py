"""Draw the six kinds of images of the sample data, clearly different in look.

Reports are 640x480 with print of 24 px and more, so that OCR reads them; the others are 480x360.
Layout, shapes and noise vary from image to image, or a perceptual hash could not tell them apart.
"""

from __future__ import annotations

import functools
import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from examples.clinic import Condition
from pulsemind.records import ImageKind, Language

FONT = Path(__file__).with_name("fonts") / "NotoSansCJKsc-subset.otf"
SCAN = (480, 360)
PAGE = (640, 480)
Colour = tuple[int, int, int]
Field = NDArray[np.float32]


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The shipped font (a subset of Noto Sans CJK SC) at a size in pixels."""
    return ImageFont.truetype(str(FONT), size)


def draw(
    kind: ImageKind,
    condition: Condition,
    language: Language,
    rng: random.Random,
    header: list[str],
) -> Image.Image:
    """Draw an image of a kind for a condition; `header` are lines to print into it.

    Ultrasound and X-ray burn the header in as white overlay; pathology and endoscopy show none.
    Raises KeyError for a kind that is not drawn here.
    """
    if kind == "laboratory":
        return _page(header, _laboratory(condition, language, rng), language, rng, "#f8fafc")
    if kind == "prescription":
        return _page(header, _prescription(condition, language, rng), language, rng, "#fdf3c4")
    scan = {
        "xray": _xray,
        "ultrasound": _ultrasound,
        "pathology": _pathology,
        "endoscopy": _endoscopy,
    }[kind](condition, rng)
    if kind in ("xray", "ultrasound"):
        _overlay(scan, header, rng)
    return scan


def _laboratory(condition: Condition, language: Language, rng: random.Random) -> list[str]:
    zh = language == "zh"
    rows = list(condition.labs) + rng.sample(_USUAL, rng.randint(1, 2))
    lines = ["检验报告单" if zh else "LABORATORY REPORT", "", ""]
    for chinese, english, low, high, unit, normal in rows:
        value = round(rng.uniform(low, high), 2 if high < 1 else 1)
        mark = "" if (chinese, english, low, high, unit, normal) in _USUAL else " ↑"
        lines.append(f"{chinese if zh else english}  {value}{mark}  {unit}  ({normal})")
    return lines


_USUAL: list[tuple[str, str, float, float, str, str]] = [
    ("血红蛋白", "Hemoglobin", 118, 152, "g/L", "115-155"),
    ("血小板", "Platelets", 140, 310, "10^9/L", "125-350"),
    ("肌酐", "Creatinine", 52, 90, "umol/L", "45-105"),
    ("丙氨酸转氨酶", "ALT", 12, 38, "U/L", "7-40"),
]


def _prescription(condition: Condition, language: Language, rng: random.Random) -> list[str]:
    words, times = condition.words[language], rng.randint(1, 3)
    if language == "zh":
        return ["处方笺", "", "Rp.", words["drug"], f"每日{times}次  共{words['course']}"]
    return ["PRESCRIPTION", "", "Rp.", words["drug"], f"{times} x daily for {words['course']}"]


def _page(
    header: list[str], lines: list[str], language: Language, rng: random.Random, paper: str
) -> Image.Image:
    page = Image.new("RGB", PAGE, paper)
    pen = ImageDraw.Draw(page)
    left, top, pitch = rng.randint(24, 120), rng.randint(8, 26), rng.randint(36, 40)
    ink = rng.choice(("#101010", "#102050", "#301010"))
    pen.text((rng.randint(left, 300), top), lines[0], font=font(30), fill=ink)
    y = top + 48
    pen.line((left - 10, y, PAGE[0] - rng.randint(10, 200), y), fill=ink, width=rng.randint(2, 6))
    y += 6
    for text in [*header, None, *lines[2:]]:
        if text is None:
            y += rng.randint(6, 14)
            pen.line((left - 10, y, PAGE[0] - rng.randint(10, 200), y), fill=ink, width=2)
            continue
        if text:
            pen.text((left, y), text, font=font(24), fill=ink)
            y += pitch
    _letterhead(pen, rng)
    return page


def _letterhead(pen: ImageDraw.ImageDraw, rng: random.Random) -> None:
    """Coloured bars at the edges and a stamp at the foot: pages of different clinics differ."""
    colour = rng.choice(("#7aa6c2", "#c28f7a", "#86b58a", "#9a8fc2"))
    pen.rectangle((0, 0, rng.randint(4, 14), PAGE[1]), fill=colour)
    pen.rectangle((PAGE[0] - rng.randint(4, 60), 0, PAGE[0], rng.randint(60, 420)), fill=colour)
    pen.rectangle((rng.randint(14, 300), 462, rng.randint(320, 640), 480), fill=colour)
    x, y, radius = rng.randint(500, 560), rng.randint(330, 420), rng.randint(24, 42)
    box = (x - radius, y - radius, x + radius, y + radius)
    pen.ellipse(box, outline="#c02020", width=4)


def _noise(rng: random.Random, grain: int) -> Field:
    """Smooth noise in 0..1 of the size of a scan; `grain` is about the size of a blob in px."""
    width, height = SCAN
    source = np.random.default_rng(rng.getrandbits(64))
    small = source.random((height // grain + 2, width // grain + 2), dtype=np.float32)
    image = Image.fromarray((small * 255).astype(np.uint8)).resize(SCAN, Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32) / 255


def _grey(values: Field) -> Image.Image:
    return Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8)).convert("RGB")


def _disc(x: float, y: float, wide: float, high: float) -> Field:
    """1 in the middle of an ellipse, falling to 0 at its rim and beyond."""
    ys, xs = np.mgrid[0 : SCAN[1], 0 : SCAN[0]].astype(np.float32)
    inside = 1 - ((xs - x) / wide) ** 2 - ((ys - y) / high) ** 2
    return np.clip(inside, 0, 1).astype(np.float32)


def _xray(condition: Condition, rng: random.Random) -> Image.Image:
    middle, jitter = rng.randint(200, 280), rng.randint(-20, 20)
    light = 0.25 * _noise(rng, rng.randint(30, 90)) + 0.05 * _noise(rng, 2)
    if condition.organ == "chest":
        light += 0.45
        for side in (-1, 1):
            light -= 0.5 * np.sqrt(
                _disc(middle + side * 85, 170 + jitter, 62, rng.randint(100, 135))
            )
        light += 0.5 * _disc(middle + 20, 230 + jitter, 50, 70)
        ill = _disc(middle + rng.choice((-85, 85)), rng.randint(190, 240), 40, 40)
        light += 0.6 * ill
        ribs = _grey(light)
        pen = ImageDraw.Draw(ribs)
        for y in range(60 + jitter, 300, rng.randint(28, 36)):
            pen.arc((middle - 170, y - 30, middle + 170, y + 50), 200, 340, fill="#b8b8b8", width=4)
        return ribs.filter(ImageFilter.GaussianBlur(1.2))
    width, gap = rng.randint(38, 60), rng.randint(170, 210)
    bones = _grey(light)
    pen = ImageDraw.Draw(bones)
    lean = rng.randint(-50, 50)
    shaft = (middle + lean - width, -10, middle + width + lean, gap - 8)
    pen.rounded_rectangle(shaft, 30, fill="#c8c8c8")
    pen.rounded_rectangle((middle - width, gap, middle + width - 10, 380), 26, fill="#bcbcbc")
    if condition.organ == "ankle":
        foot = (middle - width - 130, gap + 60, middle + width, gap + 125)
        pen.rounded_rectangle(foot, 30, fill="#d0d0d0")
        pen.line((middle - width, gap - 60, middle + width, gap - 25), fill="#202020", width=5)
    else:
        pen.ellipse((middle - 25, gap - 60, middle + 45, gap + 10), fill="#e4e4e4")
    return bones.filter(ImageFilter.GaussianBlur(2))


def _ultrasound(condition: Condition, rng: random.Random) -> Image.Image:
    speckle = _noise(rng, 3) * _noise(rng, rng.randint(24, 70)) * rng.uniform(1.0, 1.6)
    x, y = rng.randint(170, 310), rng.randint(160, 260)
    wide, high = rng.randint(40, 85), rng.randint(30, 60)
    hollow = {"gallbladder": 1.0, "ovary": 1.0, "kidney": 0.5, "thyroid": -0.3}[condition.organ]
    light = speckle * (1 - hollow * np.sqrt(_disc(x, y, wide, high)))
    if condition.organ in ("gallbladder", "kidney"):
        light += 1.5 * _disc(x + rng.randint(-15, 15), y + 8, 14, 10)
    ys, xs = np.mgrid[0 : SCAN[1], 0 : SCAN[0]].astype(np.float32)
    top, slope = rng.randint(200, 280), rng.uniform(0.6, 0.95)
    fan = (np.abs(xs - top) < 30 + slope * ys) & (np.hypot(xs - top, ys) < rng.randint(320, 352))
    return _grey(light * fan)


def _pathology(condition: Condition, rng: random.Random) -> Image.Image:
    tissue = _noise(rng, rng.randint(40, 110))[..., None]
    pink, pale = np.array([224, 120, 170]), np.array([250, 226, 240])
    image = Image.fromarray((pink * tissue + pale * (1 - tissue)).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(90, 150)):
        x, y, radius = rng.randrange(480), rng.randrange(360), rng.randint(4, 11)
        tall = radius * (2 if condition.organ == "skin" else 1)
        shade = rng.choice(("#5b2a86", "#6a3d9a", "#4a2377"))
        pen.ellipse((x - radius, y - tall, x + radius, y + tall), fill=shade)
    for _ in range(rng.randint(3, 6)):
        x, y, radius = rng.randrange(480), rng.randrange(360), rng.randint(30, 70)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill="#fff4fa")
    return image


def _endoscopy(condition: Condition, rng: random.Random) -> Image.Image:
    base = {"stomach": (205, 84, 62), "nose": (214, 130, 104), "ear": (226, 186, 150)}
    colour = np.array(base[condition.organ], dtype=np.float32)
    glow = _disc(rng.randint(170, 310), rng.randint(120, 240), 330, 280)[..., None]
    folds = 0.6 + 0.5 * _noise(rng, rng.randint(24, 60))[..., None]
    image = Image.fromarray(np.clip(colour * glow * folds * 1.2, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(3, 7)):
        x, y, radius = rng.randint(120, 360), rng.randint(80, 280), rng.randint(10, 32)
        fill: Colour = (rng.randint(120, 240), rng.randint(20, 90), rng.randint(20, 60))
        pen.ellipse((x - radius, y - radius // 2, x + radius, y + radius // 2), fill=fill)
    x, y = rng.randint(180, 300), rng.randint(130, 230)
    pen.ellipse((x - 34, y - 28, x + 34, y + 28), fill="#1a0806")
    mask = Image.new("L", SCAN, 0)
    ImageDraw.Draw(mask).ellipse((64, 4, 416, 356), fill=255)
    soft = image.filter(ImageFilter.GaussianBlur(2))
    return Image.composite(soft, Image.new("RGB", SCAN, "black"), mask)


def _overlay(scan: Image.Image, header: list[str], rng: random.Random) -> None:
    """Burn lines into the top left corner, and machine settings into the bottom right one."""
    pen = ImageDraw.Draw(scan)
    for number, text in enumerate(header):
        place = (8, 4 + 30 * number)
        pen.text(place, text, font=font(22), fill="white", stroke_width=2, stroke_fill="black")
    settings = f"D{rng.randint(8, 22)}cm G{rng.randint(40, 90)}"
    pen.text((330, 326), settings, font=font(22), fill="#e0e0a0")
