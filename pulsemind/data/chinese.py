# ruff: noqa: E501 - patterns and tables stand on one line
"""People's names in Chinese text.

jieba splits rare names and joins common words to them, so three ways go together: what jieba tags
as a person and begins with a family name; a family name with characters of given names; and
whatever stands between a cue (我叫, 姓名, 李医生, ", 男,") and a word end. Words that only look like
names (何首乌, 徐长卿) are in `not_names.txt`. jiojio finds a little more but takes 2.1 GB a process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pulsemind.data.chinese_words import (
    EPONYM_AFTER,
    HAN,
    POLITE,
    TITLE,
    is_word,
    is_word_before_word,
    looks_like_name,
    surname_length,
    surname_places,
)
from pulsemind.data.detectors import Span
from pulsemind.data.finder import finder
from pulsemind.data.kinds import Kind
from pulsemind.data.tokens import Places, Token
from pulsemind.data.wordlists import words

_IS_HAN = re.compile(f"[{HAN}]")
_ANY_TITLE = finder(f"(?={TITLE}|{POLITE})")
_ZH_TITLED = finder(rf"[{HAN}]{{1,4}}(?P<title>{TITLE}|{POLITE})")
_PLAIN_SURNAMES = frozenset("王李张刘陈杨赵吴周徐孙朱郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖蔡潘袁董蒋")
_VERBLIKE_SURNAMES = frozenset("时向成关位管常于任查应祝")
_WORDLIKE_SURNAMES = frozenset("时向成关位管单查常于任方包白万左高卫费应")

_RELATIVE = (
    "儿子|女儿|父亲|母亲|妈妈|爸爸|丈夫|妻子|老公|老婆|孩子|宝宝|爷爷|奶奶|姥姥|外婆|外公|哥哥|姐姐|弟弟|妹妹"
    "|爱人|对象|同事|朋友|邻居|老伴|我爸|我妈|我哥|我姐|我弟|我妹|其子|其女|其妻|其夫|孙子|孙女|亲属|家属"
)
_CUE = re.compile(
    "(?:我叫|我是|本人|名叫|名字[叫是]|姓名|患者|病人|患儿|收件人|联系人|监护人|签字人?|主治|主管|主诊|管床|审核|报告|检查|记录|复核"
    "|医生|医师|大夫|教授|主任|护士长?|技师|药师|您好|你好|陪诊的是|隔壁床的|同病房的|挂号的是|请"
    f"|(?:{_RELATIVE}))[叫]?(?:是|为|[:：])?[\s]{{0,2}}$"
)
_PHYSICIAN_CUE = re.compile(
    "主治|主管|主诊|管床|审核|报告|检查|记录|复核|医生|医师|大夫|教授|主任|护士|技师|药师"
)
_LABEL = re.compile("[:：叫]\s*$")
_AFTER = re.compile(
    rf"$|[^{HAN}]|男|女|今|昨|前天|明天|是|在|的|有|岁|说|问|和|与|跟|讲|告诉|来|去|住|做|吃|于|您|你|先生|女士|{TITLE}|签字|同志|夫妇|家|也|已"
)
# Endings of drug names: jieba takes their beginnings for people.
_DRUG = finder(
    "(?:司特|他汀|沙坦|洛尔|地平|西林|霉素|普利|拉唑|替丁|沙星|磺胺|环素|芬酸|洛芬|格列|双胍|列酮|列汀|列净|单抗"
    "|替尼|韦林|夫定|昔布|西泮|唑仑|普坦|必利|立酮|曲唑|咪唑|硝唑|康唑|甲酯|酸钠|酸钙|酸钾|瓜霜|巴坦|格隆|溴铵|氯铵|特罗|哌酮|曲松|呋辛|他啶|吡肟|培南|托品|替普|那非|度胺|替康|他滨|紫杉|氮平|利培|喹硫|巴喷|丙戊|曲马|格列|骨化|甘精|门冬|地特|德谷|达格|卡格|铂|韦[片胶酯]|林格)"
)
_HISTORY = re.compile("(?:[病伤族往术孕育经婚敏]|个人)史")
_SEX_AFTER = re.compile(r"\s*[，,、]?\s*(?:性别\s*[:：]?\s*)?[男女](?![朋友士儿婿方科性])")


@cache
def _given_characters() -> frozenset[str]:
    return frozenset("".join(words("given_zh.txt")))


def name_places(block: str) -> Places:
    """Where `detect_chinese` will ask for the tokens of a run of text."""
    begun = [
        (start, start + asked)
        for start, surname in surname_places(block)
        if (asked := _asked(block, start, surname))
    ]
    titles = (found.start() for found in _ANY_TITLE.finditer(block))
    return begun + [(title - 4, title) for title in titles if _could_end_before(block, title)]


def _asked(block: str, start: int, surname: int) -> int:
    """From a family name on, the number of places whose tokens decide whether a person begins here.

    After a cue or a beginning, or with characters of given names, the token behind the name counts
    too; else only the first one, which jieba may tag as a person. 0: none can make it one.
    """
    one, two = (looks_like_name(block[start : start + surname + given]) for given in (1, 2))
    if not (one or two):
        return 0
    listed = two and _is_given(block[start + surname : start + surname + 2])
    if listed or _opens(block, start) or _CUE.search(block[max(0, start - 10) : start]):
        return surname + 2 + two
    return int(two or surname > 1 or block[start] in _PLAIN_SURNAMES)


def _opens(text: str, start: int) -> bool:
    return start == 0 or not _IS_HAN.match(text, start - 1)


def _is_given(characters: str) -> bool:
    return all(character in _given_characters() for character in characters)


def _could_end_before(block: str, title: int) -> bool:
    before = (block[start:title] for start in range(max(0, title - 4), title))
    return any(len(word) == surname_length(word) or looks_like_name(word) for word in before)


def detect_chinese(text: str, tokens: list[Token]) -> Iterator[Span]:
    """People's names in a masked text; spans may overlap."""
    drugs = [found.start() for found in _DRUG.finditer(text)]
    for span in (*_tagged(tokens), *_by_characters(text, tokens), *_titled(text, tokens)):
        eponym = EPONYM_AFTER.match(text, span.stop)
        if (
            not eponym
            and not any(span.start < ending <= span.stop for ending in drugs)
            and not is_word_before_word(text[span.start : span.stop])
        ):
            yield span


def _tagged(tokens: list[Token]) -> Iterator[Span]:
    """Words that jieba tags as a person's name; two-character ones only with a plain family name.

    Without a cue two characters are more often a word (毛巾, 阳光) than a person.
    """
    for start, stop, word, flag in tokens:
        plain = len(word) > 2 or word[:1] in _PLAIN_SURNAMES
        if flag.startswith("nr") and plain and looks_like_name(word):
            yield Span(start, stop, "name")


def _by_characters(text: str, tokens: list[Token]) -> Iterator[Span]:
    """Family names with one or two characters more, where the place or the characters say so."""
    words_at = {start: (stop, word, flag) for start, stop, word, flag in tokens}
    inside = {n: token for token in tokens for n in range(token[0] + 1, token[1])}
    for start, surname in surname_places(text):
        stops = [
            stop
            for stop in (start + surname + 2, start + surname + 1)
            if stop <= len(text) and looks_like_name(text[start:stop])
        ]
        if (
            not stops
            or _is_inside_word(start, inside)
            or _HISTORY.search(text, max(0, start - 2), start + 1)
        ):
            continue
        cue = _CUE.search(text[max(0, start - 10) : start])
        for stop in stops:
            if _is_name_here(text, start, stop, surname, cue, words_at, inside):
                physician = cue is not None and _PHYSICIAN_CUE.match(cue.group())
                yield Span(start, stop, "physician" if physician else "name")
                break


def _is_name_here(
    text: str,
    start: int,
    stop: int,
    surname: int,
    cue: re.Match[str] | None,
    words_at: dict[int, tuple[int, str, str]],
    inside: dict[int, Token],
) -> bool:
    """Whether family name and characters at `text[start:stop]` are a person."""
    _end, first, flag = words_at.get(start, (start, "", ""))
    word = text[start:stop]
    listed = _is_given(word[surname:])
    opens = _opens(text, start)
    closes = _AFTER.match(text, stop) is not None
    if _SEX_AFTER.match(text, stop) and (opens or cue):
        return True
    if cue and _LABEL.search(text[:start]) and (closes or listed):
        return True
    everyday = (
        len(first) > surname and not flag.startswith("nr") and is_word(first, 100 if listed else 1)
    )
    if everyday or _is_inside_word(stop, inside):
        return False
    if stop - start - surname == 2:
        wordlike = word[0] in _WORDLIKE_SURNAMES and not (opens or cue or flag.startswith("nr"))
        return (listed and not wordlike) or (cue is not None and closes)
    return (
        closes
        and (listed or cue is not None)
        and (opens or cue is not None)
        and not (opens and cue is None and word[0] in _WORDLIKE_SURNAMES and flag[:2] != "nr")
    )


def _is_inside_word(place: int, inside: dict[int, Token]) -> bool:
    """Whether a word of jieba's dictionary goes across a place; its guesses do not count."""
    token = inside.get(place)
    return token is not None and is_word(token[2]) and not token[3].startswith("nr")


def _titled(text: str, tokens: list[Token]) -> Iterator[Span]:
    """Family name, perhaps a given name, and a title: 李医生, 王建国主任, 张女士."""
    starts = {start for start, _, _, _ in tokens}
    tagged = {(start, stop) for start, stop, _, flag in tokens if flag.startswith("nr")}
    for found in _ZH_TITLED.finditer(text):
        title = found.start("title")
        kind: Kind = "physician" if re.fullmatch(TITLE, found.group("title")) else "name"
        for length in (4, 3, 2, 1):
            start = title - length
            word = text[start:title] if start >= found.start() else ""
            given = len(word) - surname_length(word)
            if not word or start not in starts or not surname_length(word) or given > 2:
                continue
            opens = _opens(text, start)
            either = _VERBLIKE_SURNAMES if given == 0 else _WORDLIKE_SURNAMES
            wordlike = word[0] in either and (start, title) not in tagged and not opens
            if not wordlike and (given == 0 or looks_like_name(word)):
                yield Span(start, title, kind)
                break
