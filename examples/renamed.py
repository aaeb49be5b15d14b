"""Copies of labelled texts with other names, hospitals and placeholders in the same places.

The tagger (`train_tagger.py`) shall learn what stands around a name, not the names: a copy has
rare family names, characters that are no family name, names of the whole world and names that are
words, and some values are placeholders already, as in a second look.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import yaml

from examples.personal_data import Label, LabelledText
from pulsemind.data.anonymise import PLACEHOLDERS
from pulsemind.data.known_names import family_names, given_names
from pulsemind.data.wordlists import words

RENAMED = {"name": 0.8, "physician": 0.8, "hospital": 0.5}
"""Share of the values of a kind that are replaced by others."""
PLACEHOLDER_SHARE = 0.2
COMMON_CHARACTER = 300
"""jieba's count from which a character is common enough to stand in a name."""
COMMON_WORD = 50
_PARTICLES = frozenset({"van", "de", "der", "da", "bin", "binti", "al"})
_HAN = re.compile("[\u4e00-\u9fff]")


def renamed(item: LabelledText, rng: random.Random) -> LabelledText:
    """A copy of a text; the same value becomes the same one everywhere in it."""
    text, position = "", 0
    labels: list[Label] = []
    values: dict[str, str] = {}
    for label in sorted(item.labels, key=lambda label: label.start):
        value = item.text[label.start : label.stop]
        text += item.text[position : label.start]
        position = label.stop
        if value not in values:
            change = rng.random() < RENAMED.get(label.kind, 0)
            values[value] = _another(label.kind, value, rng) if change else value
        word = next((w for kind, w in PLACEHOLDERS.items() if kind == label.kind), None)
        if word and rng.random() < PLACEHOLDER_SHARE:
            text += f"[{word}-{rng.randint(1, 9)}]"
            continue
        stop = len(text) + len(values[value])
        labels.append(Label(label.kind, len(text), stop, label.cued))
        text += values[value]
    whole = text + item.text[position:]
    return LabelledText(whole, item.language, item.template, tuple(labels))


def _another(kind: str, value: str, rng: random.Random) -> str:
    chinese = _HAN.match(value) is not None
    if kind == "hospital":
        return _hospital_zh(rng) if chinese else _hospital_en(rng)
    return _name_zh(value, rng) if chinese else _name_en(value, rng)


def _name_zh(value: str, rng: random.Random) -> str:
    """A name as long as `value`, sometimes a character longer or shorter; longer ones stay."""
    if len(value) > 3:
        return value
    chance = rng.random()
    if len(value) > 1 and chance < 0.13:
        if chance < 0.05:
            return rng.choice("阿小老大") + _given(1, rng)
        return (rng.choice(_families()) if rng.random() < 0.5 else "") + rng.choice(_words_zh())
    family = rng.choice(rng.choice((_families(), _rare_families(), _characters())))
    if len(value) == 1:
        return family[:1]
    length = rng.choice((1, 2)) if rng.random() < 0.3 else len(value) - 1
    return family + _given(length, rng)


def _given(length: int, rng: random.Random) -> str:
    return "".join(
        rng.choice(_given_characters() if rng.random() < 0.6 else _characters())
        for _ in range(length)
    )


def _name_en(value: str, rng: random.Random) -> str:
    """Each word another name in the same case; initials and particles stay."""
    parts = re.split(r"([^A-Za-zÀ-ɏ'’]+)", value)
    if len(parts) == 1 and value[:1].isupper() and rng.random() < 0.25:
        return rng.choice(_pool("words_en"))
    made = []
    for number, part in enumerate(parts):
        if len(part) < 2 or not part[0].isalpha() or part in _PARTICLES:
            made.append(part)
            continue
        given = (number == 0 and len(parts) > 1) == (rng.random() < 0.85)
        name = rng.choice(_given_en() if given else _families_en())
        made.append(_cased(name, part))
    if len(parts) > 1 and rng.random() < 0.08:
        made[0] = rng.choice(_pool("words_en"))
    return "".join(made)


def _cased(name: str, like: str) -> str:
    if like.isupper():
        return name.upper()
    return name if like.islower() else name.capitalize()


def _hospital_zh(rng: random.Random) -> str:
    town = rng.choice(("", _given(2, rng) + rng.choice(("省", "市", "县", "区", "镇", "")),
                       rng.choice(_pool("places_zh"))))  # fmt: skip
    return town + rng.choice(_pool("places_zh")) + rng.choice(_pool("kinds_zh"))


def _hospital_en(rng: random.Random) -> str:
    places, chance = _pool("places_en"), rng.random()
    if chance < 0.25:
        called = rng.choice(("St ", "St. ", "Saint ")) + rng.choice(_given_en()).capitalize()
        called += rng.choice(("'s", ""))
    elif chance < 0.6:
        called = rng.choice(_families_en()).capitalize()
    else:
        second = rng.choice(places)
        called = rng.choice(places) + rng.choice((second.lower(), f" {second}", ""))
    return f"{called} {rng.choice(_pool('kinds_en'))}"


@cache
def _pool(name: str) -> list[str]:
    content = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    value: str = content[name]
    return value.split("|") if "|" in value else value.split()


@cache
def _families() -> list[str]:
    return sorted(words("surnames_zh.txt"))


@cache
def _rare_families() -> list[str]:
    return sorted(words("surnames_rare_zh.txt"))


@cache
def _given_characters() -> list[str]:
    return sorted("".join(words("given_zh.txt")))


@cache
def _characters() -> list[str]:
    return [word for word, count in _jieba() if len(word) == 1 and count > COMMON_CHARACTER]


@cache
def _words_zh() -> list[str]:
    return [word for word, count in _jieba() if len(word) == 2 and count > COMMON_WORD]


@cache
def _jieba() -> list[tuple[str, int]]:
    import jieba

    jieba.initialize()
    counts: dict[str, int] = jieba.dt.FREQ
    return sorted((w, n) for w, n in counts.items() if n and all(map(_HAN.match, w)))


@cache
def _given_en() -> list[str]:
    return sorted(given_names())


@cache
def _families_en() -> list[str]:
    return sorted(family_names())
