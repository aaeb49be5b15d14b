"""Drug names in a text, Chinese and English: a word list, and the endings that name drug classes.

The endings are those of the international non-proprietary names (WHO stems) and of their Chinese
forms; the word list is ours. Foods and body substances that end alike are exempt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_ENGLISH_STEMS = (
    "cillin mycin micin oxacin azole prazole conazole nidazole pril sartan olol dipine statin "
    "gliptin gliflozin glutide mab tinib ciclib ciclovir vir cycline tidine setron triptan profen "
    "oxicam coxib sone solone azepam azolam zolam barbital caine formin thiazide semide parin "
    "xaban grel fibrate lukast terol tropium dronate triptyline oxetine faxine platin taxel "
    "rubicin sporine limus oxetine gabalin racetam peridone apine prednisone dryl"
)
_ENGLISH = re.compile(
    rf"\b(?:[a-z]{{2,}}(?:{'|'.join(_ENGLISH_STEMS.split())})|(?:cef|ceph|sulfa)[a-z]{{3,}})s?\b"
)
_NOT_ENGLISH = frozenset({"elixir", "reservoir", "cholesterol", "menthol", "person", "unison"})
_HAN = "\u4e00-\u9fff"
_CHINESE_STEMS = (
    "西林 霉素 沙星 拉唑 硝唑 康唑 普利 沙坦 洛尔 地平 他汀 列汀 列净 列奈 列酮 鲁肽 单抗 替尼 "
    "噻嗪 洛韦 那韦 他韦 布韦 环素 替丁 司琼 曲坦 普坦 洛芬 昔康 昔布 米松 尼松 "
    "尼龙 西泮 唑仑 卡因 双胍 塞米 肝素 沙班 格雷 贝特 鲁司特 特罗 膦酸 雷他定 "
    "巴比妥 拉西坦 西平 舍曲林 司他 莫司"
)
_FORMS = (
    "颗粒 胶囊 口服液 注射液 软膏 乳膏 滴眼液 滴耳液 滴丸 糖浆 冲剂 "
    "喷雾剂 气雾剂 缓释片 肠溶片 分散片 泡腾片 咀嚼片 胶丸 洗剂"
)
_NOT_TABLETS = "胸 切 图 照 刀 影 名 线 平 拍 附 薯 贴 尿 玻 涂 光 睾"
_CHINESE = re.compile(
    rf"[{_HAN}]{{1,4}}?(?P<stem>{'|'.join(_CHINESE_STEMS.split())})"
    rf"|[{_HAN}]{{2,5}}?(?P<form>{'|'.join(_FORMS.split())})"
    rf"|[{_HAN}]{{3,5}}(?<![{_NOT_TABLETS}])(?P<tablet>[片丸])(?![{_HAN}])"
)
# Where a name cannot begin: what stands before it belongs to the sentence.
_LEADING = re.compile(
    rf"^[{_HAN}]*(?:服用|使用|应用|口服|注射|静滴|外用|涂抹|涂|给予|可以|建议|考虑|试试|配合|加上|[用服吃给和与或及的了打选停是有叫含]|一[种些]|这[种个])"
)


@dataclass(frozen=True)
class Drug:
    """A drug named at `start` of a normalised text; `known` is one name for all its synonyms."""

    start: int
    name: str
    known: str


@cache
def _list() -> tuple[re.Pattern[str], dict[str, str]]:
    text = files("pulsemind").joinpath("data/words/guard_drugs.txt").read_text(encoding="utf-8")
    lines = [line.lower().split(",") for line in text.splitlines() if not line.startswith("#")]
    same = {name.strip(): names[0].strip() for names in lines for name in names if name.strip()}
    english = [name for name in same if name.isascii()]
    chinese = [name for name in same if not name.isascii()]
    return re.compile(rf"(?<![a-z])(?:{_any_of(english)})(?![a-z\d])|{_any_of(chinese)}"), same


def _any_of(names: Iterable[str]) -> str:
    """A pattern of names, the longest first; their first characters spare most of the tries."""
    begun: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: (-len(name), name)):
        begun.setdefault(name[0], []).append(re.escape(name[1:]))
    tails = (f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in begun.items())
    return f"(?=[{re.escape(''.join(begun))}])(?:{'|'.join(tails)})"


def drugs(plain: str) -> Iterator[Drug]:
    """The drugs named in a normalised text (`quantities.normal`): the list first, then endings."""
    pattern, same = _list()
    rest = list(plain)
    for found in pattern.finditer(plain):
        start, stop = found.span()
        rest[start:stop] = "\x00" * (stop - start)
        yield Drug(start, found.group(), same[found.group()])
    masked = "".join(rest)
    for found in _ENGLISH.finditer(masked):
        if found.group() not in _NOT_ENGLISH:
            yield Drug(found.start(), found.group(), found.group().removesuffix("s"))
    for found in _CHINESE.finditer(masked):
        lead = _LEADING.match(found.group())
        begin = lead.end() if lead else 0
        name = found.group()[begin:]
        ending = found[str(found.lastgroup)]
        if len(name) > len(ending):
            # Where a name begins is a guess in unspaced Chinese; its last syllables are not.
            yield Drug(found.start() + begin, name, name[-len(ending) - 2 :])
