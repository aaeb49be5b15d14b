"""What a Chinese or English text is made of, for rules that compare texts without a model.

Chinese has no spaces: content units are character pairs inside runs that are split at function
characters (which leaves mostly words); English units are words without function words. Numbers
keep their measure, so 0.2 g and 0.2 mg differ. All rules are ours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Sequence

CJK = "\u3400-\u4dbf\u4e00-\u9fff"
_FUNCTION_CHARACTERS = frozenset(
    "的了吗呢吧啊呀么您你我他她它们是有没在和与或及也都就还会能可以要这那哪什很请把被对为到从去来个些"
    "得着过地让给但而且因所如果若则之其于并等内每做好比较更最再又"
)
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an the is are was were be been do does did have has had you your i my me it its this "
        "that these those and or but of in on at to for with from by as if can could will would "
        "should may might there any some how what when where which who why than then so also very "
        "more please we our they them he she his her not no yes",
    )
)
_MEASURE = (
    r"mg/dl|mmol/l|mmhg|mcg|µg|μg|ug|mg|kg|ml|iu|cm|mm|bpm|°c|℃|%|g|l|"
    r"tablets?|capsules?|drops?|puffs?|units?|hours?|days?|weeks?|months?|years?|times?|"
    r"片|粒|滴|支|袋|丸|喷|单位|小时|分钟|天|日|周|个月|月|年|次|岁|毫克|克|毫升|度"
)
_PIECE = re.compile(
    rf"(?P<number>\d+(?:\.\d+)?)(?:\s*(?P<measure>(?:{_MEASURE})(?![a-z])))?"
    rf"|(?P<word>[a-z]+(?:['-][a-z]+)*)|(?P<cjk>[{CJK}]+)"
)
_SENTENCE_END = re.compile(r"(?<=[。！？!?；;\n])|(?<=\.)(?=\s|$)")
_QUESTION = re.compile(r"([?？]|[吗呢么][。.!！]?)[\"'”’)）】]*$")


def normalise(text: str) -> str:
    """NFKC (full-width letters and digits become plain ones) and lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def sentences(text: str) -> list[str]:
    """The sentences, end punctuation kept; a decimal point ends none."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def is_question(sentence: str) -> bool:
    """Whether a sentence asks: it ends in a question mark or a Chinese question particle."""
    return _QUESTION.search(sentence) is not None


def tokens(text: str) -> list[str]:
    """Words, numbers and single Chinese characters, in order; punctuation is none of them."""
    found: list[str] = []
    for piece in _PIECE.finditer(normalise(text)):
        if piece["cjk"]:
            found.extend(piece["cjk"])
        elif piece["number"]:
            found.append(piece["number"])
            if piece["measure"]:
                found.append(piece["measure"])
        else:
            found.append(piece["word"])
    return found


def units(text: str) -> frozenset[str]:
    """The content units: Chinese character pairs, English content words, numbers with measure."""
    found: set[str] = set()
    for piece in _PIECE.finditer(normalise(text)):
        if piece["number"]:
            found.add(piece["number"] + (piece["measure"] or ""))
        elif piece["word"]:
            if piece["word"] not in _FUNCTION_WORDS:
                found.add(_stem(piece["word"]))
        else:
            for run in _content_runs(piece["cjk"]):
                found.update(run[i : i + 2] for i in range(max(1, len(run) - 1)))
    return frozenset(found)


def atoms(text: str) -> frozenset[str]:
    """Like `units`, with single Chinese characters: for looser matching of short texts."""
    found: set[str] = set()
    for unit in units(text):
        found.update(unit if re.match(f"[{CJK}]", unit) else [unit])
    return frozenset(found)


def is_quantity(unit: str) -> bool:
    """Whether a unit is a number, with or without a measure."""
    return unit[:1].isdigit()


def chinese_share(text: str) -> float:
    """Share of Chinese characters among all letters, 0 to 1; 0 for a text without letters."""
    letters = [c for c in text if c.isalpha()]
    return sum(1 for c in letters if re.match(f"[{CJK}]", c)) / len(letters) if letters else 0.0


def _content_runs(run: str) -> list[str]:
    parts, current = [], ""
    for character in run:
        if character in _FUNCTION_CHARACTERS:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part for part in [*parts, current] if part]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word


def repetition(items: Sequence[Hashable]) -> float:
    """Share of the runs of four items (words, token ids) that stood earlier, 0 to 1."""
    runs = [tuple(items[i : i + 4]) for i in range(len(items) - 3)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
