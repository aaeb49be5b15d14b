"""Numbers with their units, Chinese and English, in one canonical form.

"0.5克", "500 mg" and "五百毫克" are the same quantity, and so are "3-5天" and "三到五天" (two
quantities each). Units and synonyms are the usual ones of the field; the table is ours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_DOSE = "mg ml iu tablet capsule sachet ampoule bottle drop pill puff spoon patch dose"
_SCHEDULE = "time day week month year hour minute course item"
DOSE_UNITS = frozenset(_DOSE.split())
"""Units that only a dose has. Grams count in mg, litres in ml."""
SCHEDULE_UNITS = frozenset({*_SCHEDULE.split(), ""})  # "" is a number without unit
"""Units that belong to a prescription when they stand in a sentence about a drug."""

# name, factor to it, synonyms. Lower case, after NFKC (µ becomes μ, ℃ becomes °c).
_TABLE = """
mg 1 mg 毫克 milligram milligrams
mg 0.001 μg ug mcg 微克 microgram micrograms
mg 1000 g gm 克 gram grams
mg 1000000 kg 公斤 千克 kilogram kilograms kilo kilos
jin 1 斤
ml 1 ml 毫升 cc milliliter milliliters millilitre millilitres
ml 100 dl 分升
ml 1000 l 升 liter liters litre litres
iu 1 iu u 国际单位 单位 unit units
mmol 1 mmol 毫摩尔 毫摩
μmol 1 μmol umol 微摩尔 微摩
mmhg 1 mmhg 毫米汞柱
celsius 1 °c 摄氏度 度
fahrenheit 1 °f 华氏度
% 1 % percent
mm 1 mm 毫米 millimeter millimeters millimetre millimetres
mm 10 cm 厘米 公分 centimeter centimeters centimetre centimetres
mm 1000 m 米 meter meters metre metres
hour 1 h hr hrs 小时 钟头 hour hours
minute 1 min mins 分钟 minute minutes
second 1 秒 秒钟 sec secs second seconds
day 1 d 天 日 day days
week 1 周 星期 礼拜 wk wks week weeks
month 1 月 month months
year 1 年 yr yrs year years
age 1 岁 周岁 years-old year-old years-of-age
time 1 次 回 遍 time times x
tablet 1 片 tablet tablets tab tabs
capsule 1 粒 颗 胶囊 capsule capsules cap caps
sachet 1 袋 包 sachet sachets packet packets
ampoule 1 支 ampoule ampoules vial vials
bottle 1 瓶 盒 bottle bottles box boxes
drop 1 滴 drop drops gtt
pill 1 丸 pill pills
puff 1 喷 吸 揿 puff puffs spray sprays
spoon 1 勺 匙 teaspoon teaspoons tablespoon tablespoons tsp tbsp
patch 1 贴 帖 patch patches
dose 1 剂 付 副 dose doses
course 1 疗程 course courses
degree 1 级 期 grade stage
item 1 个
"""
_UNITS = {
    alias: (name, Decimal(factor))
    for name, factor, *aliases in (line.split() for line in _TABLE.strip().splitlines())
    for alias in aliases
}
_HAN_UNITS = {alias for alias in _UNITS if "\u4e00" <= alias[0] <= "\u9fff"}
_LATIN = "|".join(sorted(map(re.escape, set(_UNITS) - _HAN_UNITS), key=len, reverse=True))
_HAN = "|".join(sorted(_HAN_UNITS - {"个"}, key=len, reverse=True))
_ONE_UNIT = rf"(?:(?:{_LATIN})(?![a-z])|个?(?:{_HAN})|个)"
_UNIT = rf"{_ONE_UNIT}(?:\s?[/每]\s?{_ONE_UNIT})*"
UNIT_AFTER = re.compile(rf"[^\S\n]?(?:{_UNIT})", re.IGNORECASE)
"""A unit right behind a number of a text as it is written."""

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_WORDS = {word: value for value, word in enumerate(_COUNTED.split())} | {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "ninety": 90,
}
_ENGLISH = "|".join(sorted(_WORDS, key=len, reverse=True))
_HAN_NUMBER = r"[零〇一二两三四五六七八九十百千万]+(?:点[零一二三四五六七八九]+)?"
_NUMBER = rf"(?:\d+(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|半|{_HAN_NUMBER}|\b(?:half|{_ENGLISH})\b)"
_RANGE = r"\s?(?:[-–—~～/×]|至|到|\bto\b|\bor\b|或)\s?"
_QUANTITY = re.compile(
    rf"(?<![a-z\d.])(?P<percent>百分之)?(?P<first>{_NUMBER})"
    rf"(?:(?:{_RANGE})(?P<second>{_NUMBER}))?(?P<half>个半|半)?[\s-]?(?P<unit>{_UNIT})?"
    rf"(?P<more>半)?"
)
_TERM = re.compile(r"(?<![a-z\d])(?=[a-z\d-]*\d)(?=[a-z\d-]*[a-z])[a-z][a-z\d]*(?:-?\d+[a-z]*)+")
_MARKER = re.compile(r"(?:(?<=^)|(?<=[\n。；;：:!！?？\s]))[(（]?\d{1,2}(?:[、)）]|\.(?!\d))")
_CIRCLED = re.compile("[①-⑳❶-❿]")
# Whole phrases in other words, first; the result is read as a quantity.
_PHRASES = [
    (re.compile(pattern), text)
    for pattern, text in (
        (r"\bonce\b(?=\s(?:a|per|every|each|daily|weekly|more)\b)", "1 time"),
        (r"每次", " 1 time "),
        (r"每[天日]|\b(?:daily|(?:a|per|each|every) day)\b|(?<=[a-z\d])/d(?:ay)?\b", " 1 day "),
        (r"日(?=\s?(?:\d|[一二两三四五六])\s?次)(?<![一每])", " 1 day "),
        (r"每周|每个?星期|\b(?:weekly|(?:a|per|each|every) week)\b", " 1 week "),
        (r"每个?月|\b(?:monthly|(?:a|per|each|every) month)\b", " 1 month "),
        (r"\btwice\b", "2 time"),
        (r"\bthrice\b", "3 time"),
        (r"\bq\.?d\b\.?", " 1 day 1 time "),
        (r"\bb\.?i\.?d\b\.?", " 1 day 2 time "),
        (r"\bt\.?i\.?d\b\.?", " 1 day 3 time "),
        (r"\bq\.?i\.?d\b\.?", " 1 day 4 time "),
        (r"\bq(\d{1,2})h\b", r" \1 h "),
        (r"\b(\d+|" + _ENGLISH + r")[\s-]years?[\s-](?:old|of[\s-]age)\b", r"\1 years-old"),
        (r"\ban? (?=(?:day|week|month|year|hour|tablet|capsule|pill|drop|dose)\b)", "1 "),
    )
]


@dataclass(frozen=True, order=True)
class Quantity:
    """A number with its canonical unit ("" without one, "term" for words such as B12)."""

    value: str
    unit: str

    def __str__(self) -> str:
        return f"{self.value} {self.unit}".strip()


@dataclass(frozen=True)
class Found:
    """A quantity at `start` of `spelt(normal(text))`, and the words that say it."""

    start: int
    quantity: Quantity
    words: str


def normal(text: str) -> str:
    """The form in which texts are compared: NFKC, lower case, list markers blanked."""
    plain = unicodedata.normalize("NFKC", _CIRCLED.sub(" ", text)).lower().replace("µ", "μ")
    return _MARKER.sub(lambda found: " " * len(found.group()), plain)


def quantities(text: str) -> Iterator[Found]:
    """All quantities of a text, in order; offsets are those of `spelt(normal(text))`."""
    plain = spelt(normal(text))
    taken = [m.span() for m in _TERM.finditer(plain)]
    for start, stop in taken:
        yield Found(start, Quantity(plain[start:stop].replace("-", ""), "term"), plain[start:stop])
    masked = list(plain)
    for start, stop in taken:
        masked[start:stop] = "\x00" * (stop - start)
    for found in _QUANTITY.finditer("".join(masked)):
        yield from _read(found)


def spelt(plain: str) -> str:
    """Write phrases such as "twice daily" and "每日" as quantities."""
    for pattern, text in _PHRASES:
        plain = pattern.sub(text, plain)
    return plain


def _read(found: re.Match[str]) -> Iterator[Found]:
    unit = found["unit"]
    if unit is None and not found["first"][0].isdigit():
        # A bare Chinese numeral is mostly part of a word (一般); a bare English one counts from 2.
        word = found["first"] not in _WORDS or found["first"] in {"one", "zero"}
        if word and not found["percent"]:
            return
    if unit in {"个", "item"} and number(found["first"]) == 1:
        return
    name, factor = _canonical("%" if found["percent"] else unit)
    for group in ("first", "second"):
        if found[group] is None:
            continue
        value = number(found[group])
        if (found["half"] or found["more"]) and group == "first":
            value += Decimal("0.5")
        yield Found(
            found.start(group), Quantity(_plain(value * factor), name), found.group().strip()
        )


def _canonical(unit: str | None) -> tuple[str, Decimal]:
    if unit is None:
        return "", Decimal(1)
    first, *others = re.split(r"\s?[/每]\s?", unit)
    name, factor = _UNITS[first if first in _UNITS else first.removeprefix("个")]
    for other in others:
        per, scale = _UNITS[other if other in _UNITS else other.removeprefix("个")]
        name, factor = f"{name}/{per}", factor / scale
    return name, factor


def number(text: str) -> Decimal:
    """The value of a number in digits, Chinese numerals or an English word."""
    if text in {"半", "half"}:
        return Decimal("0.5")
    if text[0].isdigit():
        return Decimal(text.replace(",", ""))
    if text in _WORDS:
        return Decimal(_WORDS[text])
    whole, _, decimals = text.partition("点")
    value = Decimal(_han(whole))
    if decimals:
        value += Decimal("0." + "".join(str(_DIGITS[c]) for c in decimals))
    return value


def _han(text: str) -> int:
    if not set(text) & {"万", *_SCALES}:
        return int("".join(str(_DIGITS[c]) for c in text))
    total = part = digit = 0
    for char in text:
        if char == "万":
            total, part, digit = (total + part + digit) * 10_000 or 10_000, 0, 0
        elif char in _SCALES:
            part, digit = part + (digit or 1) * _SCALES[char], 0
        else:
            digit = _DIGITS[char]
    return total + part + digit


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
