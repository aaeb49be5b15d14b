"""Given and family names of the whole world in Latin letters, and what is an ordinary English word.

Names: Faker's, of some eighty countries and regions; the family names of the US census (`names`);
`words/names_world.txt` for languages that both lack. Ordinary words: the dictionary of `spylls`.
All are read from the installed packages, some 70 MB in a process, nothing is fetched.
"""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from pulsemind.data.wordlists import words

_LEAST = 3
"""Letters of a name that a list must have; shorter ones are words and abbreviations."""


def folded(name: str) -> str:
    """A name in small letters without accents, as the lists are compared."""
    plain = unicodedata.normalize("NFKD", name.replace("’", "'").casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(_PLAIN)


_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "ð": "d", "þ": "th"})


@cache
def given_names() -> frozenset[str]:
    """Given names of many countries, folded."""
    return _of_faker("first", "middle") | _own("names_world.txt")


@cache
def family_names() -> frozenset[str]:
    """Family names of many countries, folded."""
    census = resources.files("names").joinpath("dist.all.last").read_text(encoding="utf-8")
    counted = (line.split(maxsplit=1)[0] for line in census.splitlines() if line)
    listed = frozenset(folded(name) for name in counted if len(name) >= _LEAST)
    return listed | _of_faker("last") | _own("names_world.txt")


@lru_cache(maxsize=1 << 15)
def is_ordinary(word: str) -> bool:
    """Whether a word is one of the English language when written in small letters."""
    bare = word.lower().replace("’", "'")
    return bool(_dictionary().lookup(bare))


@cache
def _dictionary() -> Any:
    from spylls.hunspell import Dictionary

    with resources.as_file(resources.files("spylls.hunspell").joinpath("data", "en")) as folder:
        return Dictionary.from_files(str(folder / "en_US"))


def _own(name: str) -> frozenset[str]:
    return frozenset(folded(word) for word in words(name))


@cache
def _of_faker(*which: str) -> frozenset[str]:
    """Names of Faker's lists whose attribute says `first`, `middle` or `last`."""
    import faker.providers.person as people

    found: set[str] = set()
    for module in pkgutil.iter_modules(people.__path__):
        provider = importlib.import_module(f"{people.__name__}.{module.name}").Provider
        for attribute in dir(provider):
            values = getattr(provider, attribute)
            if any(part in attribute for part in which) and isinstance(values, (tuple, dict, list)):
                found.update(
                    part for name in values if isinstance(name, str) for part in name.split()
                )
    return frozenset(folded(n) for n in found if len(n) >= _LEAST and n[0].isupper() and n[0] < "ɐ")
