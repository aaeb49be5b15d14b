# ruff: noqa: E501 - patterns and tables stand on one line
"""People's names in Chinese text that their place gives away, whatever their characters.

What stands after a label (姓名：, 一助：), before a sex (患者格桑卓玛，女), has the dot of minority and
foreign names, or is a nickname said to be one. `chinese.py` finds the rest, by family name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pulsemind.data.chinese_words import (
    HAN,
    NO_GIVEN_NAME,
    is_word,
    looks_like_name,
    surname_length,
)
from pulsemind.data.detectors import Span
from pulsemind.data.finder import finder
from pulsemind.data.kinds import Kind
from pulsemind.data.wordlists import words

_END = rf"(?=[\s，,。.;；:：/、)）（(!！]|$|[^{HAN}·]|签)"
_DOTTED = rf"(?:(?<![{HAN}·])|(?<=[是叫者名为人]))[{HAN}]{{1,5}}[·•・][{HAN}]{{1,6}}(?:[·•・][{HAN}]{{1,6}})?(?![·•・])"
_WITH_DOT = finder(_DOTTED)
_PERSON_LABEL = (
    "(?:患者|产妇|病人|家长|家属|父亲|母亲|婴儿|受检[者人]|联系人)?姓\\s*名|联系人|收件人|收货人|寄件人|户名|持卡人|委托人|受托人|代理人|监护人"
    "|就诊人|受检者|被保险人|投保人|申请人|经办人|家属签[名字]|患者签[名字]|曾用名|小名|乳名|大名|昵称"
)
_STAFF_LABEL = (
    f"(?:主治|主管|经治|责任|值班|住院|管床|送检|申请|开单|报告|审核|检查|记录|转诊|接诊|麻醉|手术|带教|首诊|开方|诊断|器械|巡回|随访|会诊)"
    f"(?:医师|医生|大夫|护士|技师|人)|护士长|药师|术者|主刀|[一二三]助|第[一二三]助手|麻醉|[{HAN}]{{2}}者(?=\\s*[:：])|签名|签字|核对|调配|发药|复核"
)
_LABELLED = finder(
    rf"(?:(?P<person>{_PERSON_LABEL})|(?P<patient>患者|病人|患儿|产妇)(?=\s*[:：])|(?P<staff>{_STAFF_LABEL}))\s*[:：]\s*(?P<v>{_DOTTED}|[{HAN}]{{2,4}}(?:\s?[/、]\s?[{HAN}]{{2,4}})*){_END}"
)
_SAID_TO_BE_NAMED = finder(
    rf"(?:小名|乳名|大名|昵称|外号|网名|孩子叫|宝宝叫|宝贝叫|儿子叫|女儿叫|名字[叫是]|名叫|我叫|{_PERSON_LABEL})(?!做|什么|啥|我|你|他|她|不|了|醒|起|喊|唤)(?P<v>[{HAN}]{{2,4}}?){_END}"
)
_BEFORE_SEX = finder(
    rf"(?:患者|患儿|病人|伤者|产妇|兹有|姓\s*名\s*[:：]?|^|\n)\s*(?P<v>{_DOTTED}|[{HAN}]{{2,4}})\s?[，,、\s]\s?(?:性别\s*[:：]?\s*)?[男女](?=[，,、。\s]|$)"
)
_IN_BRACKETS = finder(rf"(?:患儿|患者|病人|孩子)(?P<v>([{HAN}])\2)?[（(](?P<w>[{HAN}]{{2,4}})[）)]")
_FAMILY = finder(rf"(?:免贵|我|本人|患者)姓(?P<v>[{HAN}]{{1,2}}?)(?=[，,。！!\s]|$)")
_NICKNAME = finder(
    rf"(?:隔壁床?|邻居|同事|同学|工友|室友|病友|战友|朋友|对面)的?(?P<v>[老小阿大][{HAN}])(?=[说也讲问推介就在得有是吃用])"
)
_CUED = finder(
    rf"(?:患者|病人|患儿|伤者|产妇|孕妇|兹有|随访|备注|转来|联系人|收件人|户名|委托人|受托人|就诊人|监护人|委托|我是|我[爸妈爷奶姐哥弟妹]|妈妈|爸爸|闺蜜|同事|同学|邻居|邻床|老公|老婆|儿子|女儿|婆婆|公公|丈夫|妻子|昨天|昨晚|前天|今天|上次)"
    rf"(?P<v>[{HAN}]{{2,4}}?)(?=[，,。;；（(、\s：:！!]|$|男|女|的?(?:妈妈?|爸爸?|家长|家属|母亲|父亲)|也|说|告诉|推荐|介绍|今年|今天)"
)
_TITLED = finder(
    rf"(?:(?<![{HAN}])|(?<=[的请找由让给问是跟]))(?P<v>[{HAN}]{{2,3}})(?=教授|主任|医师|医生|大夫|主治|护士)"
)
_LATIN = finder(
    r"(?:姓名|患者|病人|我叫|名叫|联系人|收件人|户名|就诊人|监护人|医[生师]|大夫|教授)\s*[:：是为]?\s*(?P<v>[A-Z][a-zß-öø-ÿ'’-]+(?:[ ·][A-Z][a-zß-öø-ÿ'’.-]*){1,3})"
)
_FOLK = "大阿根发旺财宝妹弟哥囡仔喜柱栓锁拴钢丫妞桃杏槐椿豆米麦保存留招来娣菊香狗牛毛娃石老五六七八九三四满幺姑秋冬收粮仓银水木火土山田河路村庄"
"""Characters of given names that are everyday ones, beside a cue."""
_MEDICAL = re.compile("症|治疗|预防|诊断|检查|护理|饮食|病|药|炎|癌|瘤|术|疗|痛")
_NOBODY = re.compile(
    "同护|护照|邮箱|微信|拼音|描述|情况|主诉|电话|手机|号码|地址|无此人|无人|身份|证件|多大|多少|大姨|大便|小便|等$|了$|宝[宝贝]|妈妈|爸爸|爷爷|奶奶|姥姥|外婆|外公|姐姐|哥哥|弟弟|妹妹|叔叔|阿姨|如果|什么|怎么|本人|自己|家[属人长]|不详|未知|同上|未[签填]|[保匿][密名]|待定|没有|暂无|您好|你好|谢谢|是[的否]|建议|请问|[父母]子|[父母]女|夫妻|配偶"
    "|[男女老成青中少]年|[男女]性|患[者儿]|病[人史]|外籍|藏族|汉族|回族|麻醉|[全局]麻|腰麻|硬膜|已婚|未婚|医[生师院]|大夫|科$|[性型期级]$|^[是为]|明确|正常|阳性|阴性|左侧|右侧"
)


def detect_cued(text: str) -> Iterator[Span]:
    """Names in a masked text that a label or their place gives away; spans may overlap."""
    for found in _LABELLED.finditer(text):
        for name in re.finditer(r"[^/、\s]+", found.group("v")):
            if found.group("patient") and is_word(name.group()):
                continue
            if may_be_anyone(name.group(), found.group("person") is not None):
                start = found.start("v") + name.start()
                kind: Kind = "physician" if found.group("staff") else "name"
                yield Span(start, start + len(name.group()), kind)
    for pattern in (_SAID_TO_BE_NAMED, _BEFORE_SEX, _NICKNAME, _FAMILY):
        for found in pattern.finditer(text):
            family = pattern in (_NICKNAME, _FAMILY)
            if _is_family(found.group("v")[-1:]) if family else may_be_anyone(found.group("v")):
                yield Span(*found.span("v"), "name")
    for found in _IN_BRACKETS.finditer(text):
        if is_person(found.group("w")):
            yield Span(*found.span("w"), "name")
            if found.group("v"):
                yield Span(*found.span("v"), "name")
    for found in _WITH_DOT.finditer(text):
        if not _MEDICAL.search(found.group()):
            yield Span(*found.span(), "name")
    for found in _CUED.finditer(text):
        if is_person(found.group("v")):
            yield Span(*found.span("v"), "name")
    for found in _TITLED.finditer(text):
        if is_person(found.group("v"), alone=True):
            yield Span(*found.span("v"), "physician")
    for found in _LATIN.finditer(text):
        yield Span(*found.span("v"), "name")


def _is_family(character: str) -> bool:
    return surname_length(character, rare=True) > 0


def is_nobody(value: str) -> bool:
    """Whether a value holds a word that stands in place of a name, or one of medicine."""
    return bool(_NOBODY.search(value) or _MEDICAL.search(value)) or value in words("not_names.txt")


def may_be_anyone(value: str, whatever: bool = True) -> bool:
    """No word that stands after labels in place of a name; a family name first where asked."""
    return (
        not _NOBODY.search(value)
        and value not in words("not_names.txt")
        and (whatever or surname_length(value, rare=True) > 0)
        and (
            "·" in value
            or not ((len(value) > 2 or not whatever) and NO_GIVEN_NAME.search(value[1:]))
        )
    )


def is_person(value: str, alone: bool = False) -> bool:
    """A family name, rare ones too, with characters that make no word of their own.

    Args:
        alone: a rare family name may have but one character after it.
    """
    length = surname_length(value, rare=True)
    given = value[length:]
    if not looks_like_name(value, rare=True) or _NOBODY.search(value) or is_word(value):
        return False
    listed = is_listed(given)
    if surname_length(value) == 0 and not listed:
        return False
    if len(given) == 1:
        return listed and (alone or surname_length(value) > 0)
    return listed or not (is_word(given, 20) or (length == 1 and is_word(value[:2], 100)))


def is_listed(given: str) -> bool:
    """Whether all characters are ones of given names."""
    return all(_listed(character) for character in given)


def _listed(character: str) -> bool:
    return character in _FOLK or any(character in line for line in words("given_zh.txt"))
