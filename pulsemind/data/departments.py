"""Department labels as hospitals and public sets write them -> one name, Chinese and English."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

_BETWEEN = re.compile(r"\s*(?:[/\\|>→:;()\[\]—–、·]+|\s[-_]+\s|(?<=[\u3400-\u9fff])[-_]+)\s*")
_ABSENT = frozenset(
    (
        *("", "none", "null", "nan", "n/a", "unknown", "other"),
        *("不详", "不明", "未知", "无", "其他", "其它"),
    )
)
_PREFIX = re.compile(r"^(?:department|dept\.?|division|section|clinic)\s+of\s+(?:the\s+)?")
_SUFFIX = re.compile(r"\s+(?:department|dept\.?|clinic|division|outpatients?|ward)$|门诊部?$|病区$")


@dataclass(frozen=True)
class Department:
    """A department, or one of its sub-specialties when `subspecialty` is set.

    `zh` is the Chinese name of the narrower of the two. `known` is false for a label that the table
    lacks: its name is the label as it came.
    """

    name: str
    zh: str = ""
    subspecialty: str | None = None
    known: bool = True
    broad: bool = False


@lru_cache(maxsize=4096)
def normalise(label: str | None) -> Department | None:
    """The department that a raw label means; None when the label says nothing.

    A label may name a department, a sub-specialty, or both ("外科/骨科", "Neurology - Stroke").
    The first part that is not broad decides. A part after it that the table lacks is its
    sub-specialty, as it came.
    """
    if label is None or (text := _plain(label)) in _ABSENT:
        return None
    return _normalise(text, unicodedata.normalize("NFKC", label).strip())


def chinese_names() -> dict[str, str]:
    """Chinese names of all departments and sub-specialties, by English name."""
    return {entry.subspecialty or entry.name: entry.zh for entry in _entries().values()}


def department_names() -> tuple[str, ...]:
    """The English names of the departments, in the order of the table."""
    return tuple(dict.fromkeys(entry.name for entry in _entries().values()))


def _normalise(text: str, label: str) -> Department:
    table = _entries()
    if found := table.get(text) or table.get(_bare(text)):
        return found
    parts = [part for part in _BETWEEN.split(text) if part and part not in _ABSENT]
    known = [(i, e) for i, p in enumerate(parts) if (e := table.get(p) or table.get(_bare(p)))]
    if not known:
        return Department(label, known=False)
    at, chosen = next(((i, e) for i, e in known if not e.broad), known[0])
    if chosen.subspecialty is not None:
        return chosen
    places = dict(known)
    for i in range(at + 1, len(parts)):
        narrower = places.get(i)
        if narrower is None:
            return Department(chosen.name, parts[i], parts[i])
        if narrower.name == chosen.name and narrower.subspecialty:
            return narrower
    return chosen


def _plain(label: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", label).lower().replace("&", " and ").split())


def _bare(text: str) -> str:
    """Without the words around a name: "department of", "clinic", 门诊."""
    return _SUFFIX.sub("", _PREFIX.sub("", text))


@cache
def _entries() -> dict[str, Department]:
    """Every name of the table, plain, with the department it means; the first of two wins."""
    table: dict[str, Department] = {}
    for entry, names in _rows():
        for name in names:
            table.setdefault(_plain(name), entry)
    return table


def _rows() -> Iterator[tuple[Department, list[str]]]:
    folder = resources.files("pulsemind.data") / "words"
    name = ""
    for line in (folder / "departments.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        english, chinese, others = (cell.strip() for cell in line.split("|"))
        broad = english.endswith("*")
        english = english.removesuffix("*")
        names = [english, chinese, *(other.strip() for other in others.split(";") if other.strip())]
        if line[0] == " ":
            yield Department(name, chinese, english), names
        else:
            name = english
            yield Department(name, chinese, broad=broad), names
