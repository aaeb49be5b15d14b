"""What a physician asks about: questions in a reply, and the slots of a history they cover.

A question is a sentence that `data.asking` calls one. A slot is a heading of the usual medical
history (onset, site, severity, ...); a question covers those whose words it has, in Chinese or
English. Rules, ours: they read surface words, so that a figure made of them stands beside the
judge's and never in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from pulsemind.data.asking import asks
from pulsemind.judge.units import atoms, sentences

Slot = Literal[
    "onset", "site", "severity", "character", "accompanying", "trigger", "history", "medication",
    "allergy", "examination", "person", "habits", "family", "course",
]  # fmt: skip
SLOTS: tuple[Slot, ...] = get_args(Slot)
OVERLAP = 0.3
"""Share of the shorter question's content from which two questions without a slot are one."""

_WORDS: Mapping[Slot, str] = {
    "onset": r"多久|多长时间|什么时候|何时|几天|几个?[月年周]|多少天|开始|起病|持续"
    r"|\bhow long\b|\bwhen\b|\bsince\b|\bstart\w*|\bbeg[iau]n\b|\bonset\b|\bdays?\b|\bweeks?\b",
    "site": r"哪里|哪儿|哪个部位|什么部位|什么位置|哪一侧|左侧|右侧|哪边|放射"
    r"|\bwhere\b|\bwhich (?:side|part|area)\b|\blocat\w*|\bradiat\w*|\bspread\w*",
    "severity": r"严重|厉害|程度|多高|多少度|几度|几分|影响(?:睡眠|工作|生活)|剧烈"
    r"|\bhow (?:bad|severe|strong|high)\b|\bsever\w*|\bscale\b|\btemperature\b",
    "character": r"什么样的|怎样的|性质|什么颜色|颜色|刺痛|胀痛|绞痛|钝痛|隐痛|干咳|有痰|形状"
    r"|\bwhat (?:kind|sort|type)\b|\bsharp\b|\bdull\b|\bburning\b|\bcolou?r\b|\bdescribe\b",
    "accompanying": r"伴有|伴随|(?:其他|别的|其它)症状"
    r"|有没有(?:发烧|发热|咳|恶心|呕吐|头|腹|胸)"
    r"|(?:发烧|发热|恶心|呕吐|腹泻|胸闷|头晕|咳嗽|出血)(?:吗|没有|么)"
    r"|\bother symptoms?\b|\bany (?:fever|cough|nausea|vomiting|pain|bleeding|dizziness|"
    r"swelling|rash)\b|\balso (?:have|feel)\b|\bfever\b",
    "trigger": r"诱因|加重|缓解|减轻|什么情况下|受凉|劳累|饭后|运动后|活动后|吃了什么"
    r"|\bworse\b|\bbetter\b|\brelie\w+|\btrigger\w*|\bafter (?:eating|meals?|exercise)\b",
    "history": r"以前|既往|病史|曾经|过去|得过|手术|慢性病|高血压|糖尿病|基础病"
    r"|\bhistory\b|\bbefore\b|\bprevious\w*|\bever (?:had|been)\b|\bsurger\w*|\bdiabet\w*"
    r"|\bhypertens\w*|\bchronic\b",
    "medication": r"用药|吃药|服药|吃(?:了|过)?什么药|用(?:了|过)?什么药|药物|治疗过|怎么治疗"
    r"|\bmedic(?:ation|ine)s?\b|\bdrugs?\b|\btaking\b|\btreat(?:ed|ment)\b|\btried\b",
    "allergy": r"过敏|\ballerg\w*",
    "examination": r"检查|化验|结果|报告|片子|ct|b超|彩超|核磁|心电图|血常规|血压"
    r"|\btests?\b|\bresults?\b|\bscan\w*|\bx-?ray\w*|\bexam\w*|\bultrasound\b"
    r"|\bblood pressure\b",
    "person": r"年龄|多大|几岁|岁数|性别|男|女|体重|怀孕|孕|月经|末次|哺乳"
    r"|\bhow old\b|\bage\b|\bweigh\w*|\bpregnan\w*|\bperiods?\b|\bbreastfe\w*",
    "habits": r"饮食|睡眠|抽烟|吸烟|喝酒|饮酒|作息|大便|小便|排便|运动|工作性质|熬夜|辛辣"
    r"|\bsmok\w*|\balcohol\b|\bdrink\b|\bdiet\b|\bsleep\w*|\bexercise\b|\bbowel\b|\burin\w*",
    "family": r"家里人|家族|父母|遗传|家人|\bfamily\b|\bparents?\b|\brelatives?\b",
    "course": r"现在(?:怎么样|情况)|好(?:转|些|点)|变化|反复|复发|频率|几次|多少次"
    r"|\bhow (?:often|many times|frequent\w*)\b|\bimprov\w*|\bgetting\b|\brecur\w*"
    r"|\bcome and go\b",
}
_PATTERNS = {slot: re.compile(words, re.IGNORECASE) for slot, words in _WORDS.items()}


def questions(text: str) -> list[str]:
    """The sentences of a reply that ask the patient for information."""
    return [sentence for sentence in sentences(text) if asks(sentence)] if asks(text) else []


def slots(asked: Iterable[str]) -> frozenset[Slot]:
    """The slots that questions cover; a question may cover several, or none that is known."""
    found = " \n ".join(asked)
    return frozenset(slot for slot, words in _PATTERNS.items() if words.search(found))


def same_matter(first: list[str], second: list[str]) -> bool:
    """Whether two sets of questions ask about one thing: a shared slot, or shared words.

    Words decide only where one side covers no slot.
    """
    if not first or not second:
        return False
    known = slots(first), slots(second)
    if all(known):
        return bool(known[0] & known[1])
    content = atoms(" ".join(first)), atoms(" ".join(second))
    fewer = min(map(len, content))
    return fewer > 0 and len(content[0] & content[1]) >= OVERLAP * fewer
