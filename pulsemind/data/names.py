"""People's and hospitals' names in Chinese and English text.

Chinese: jieba's person tags, kept when they begin with a family name and are no medical word, and
cue words (我叫, 姓名, 患者, ...; 李医生, 王女士). English: cue words and titles, since no model
works offline; what a cue finds once is searched in the whole dialogue (`anonymise`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from pulsemind.data.detectors import Span
from pulsemind.data.english import detect_english
from pulsemind.data.patterns import Kind
from pulsemind.data.wordlists import words

_HAN = "\u4e00-\u9fff"
_TITLE = "医生|医师|大夫|主任|教授|护士长|护士|院长|专家"
_POLITE = "先生|女士|小姐|太太|阿姨|大爷|大妈|奶奶|爷爷|同志"
_ZH_CUE = re.compile(
    r"(?:我叫|我是|我名叫|名叫|名字[叫是]|姓名|患者|病人|联系人|家属|主治|主管|主诊|医生|医师|大夫"
    r"|(?:儿子|女儿|父亲|母亲|妈妈|爸爸|丈夫|妻子|老公|老婆|孩子|宝宝)[叫]?)[\s:：是叫]{0,3}"
    rf"(?=[{_HAN}])"
)
_ZH_TITLED = re.compile(rf"[{_HAN}]{{1,4}}(?P<title>{_TITLE}|{_POLITE})")
_HOSPITAL = re.compile(rf"[{_HAN}0-9]{{2,24}}?(?:医院|卫生院|卫生所|保健院|诊所|门诊部|医学中心)")
_HOSPITAL_CORE = re.compile(
    "第[一二三四五六七八九十0-9]+(?:人民|附属|中心|临床)?医院|协和|同济|华西|湘雅|瑞金|中山医院|积水潭"
    "|[0-9]{3}医院|解放军"
)
_HOSPITAL_OF_CITY = re.compile(
    rf"(?:(?![我在去到从于是的您请往了由院来过问家住])[{_HAN}]){{2,3}}[市县]"
    "(?:第[一二三四五六七八九十]|人民|中心|中医|中西医结合|妇幼|保健|儿童|肿瘤|口腔|胸科|眼科|精神|卫生){1,3}院?医?院"
)
_AFTER_NAME = frozenset("，。！？；、：,.!?;: \n\t（）()男女今的是在有岁")
_PLAIN_SURNAMES = frozenset("王李张刘陈杨赵吴周徐孙朱郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖蔡潘袁董蒋")
_WORDLIKE_SURNAMES = frozenset("时向成关位管单查常于任方包白万左高卫费应")
_NO_GIVEN_NAME = re.compile(
    "[谢您你我他们的了着些者会吗呢吧不是有在巾抹敷汁粉区叶科号喝吃服侧胸丁面]"
    "|(?:汤|散|丸|片|剂|素|炎|症|癌|病|药|酸|霉|菌|痛|血|肝|肾|胃|肠|胆|脾|肺|心|酮|唑|星|林|汀|胺|肽"
    f"|子|光|性|者|右|{_TITLE}|{_POLITE}|医|生|师)$"
)
_NO_HOSPITAL_NAME = re.compile("[的在去哪好到看查就还不最里怎么家]|治疗|检查|综合|或|咨询")
def overlay_words() -> frozenset[str]:
    """Lower-case words that overlays of scanners and report forms carry."""
    return words("overlay.txt")


def detect_names(masked: str) -> Iterator[Span]:
    """Names of people and hospitals in a masked text; spans may overlap."""
    yield from detect_english(masked)
    if re.search(rf"[{_HAN}]{{2}}", masked):
        tokens = _tokens(masked)
        yield from _tagged(tokens)
        yield from _cued(masked, tokens)
        yield from _titled(masked, tokens)
        yield from _hospitals(masked, tokens)


Token = tuple[int, int, str, str]  # start, stop, word, part of speech


def _tokens(text: str) -> list[Token]:
    """jieba's words with their parts of speech."""
    import jieba.posseg

    logging.getLogger("jieba").setLevel(logging.WARNING)
    tokens, position = [], 0
    for word, flag in jieba.posseg.cut(text):
        tokens.append((position, position + len(word), word, flag))
        position += len(word)
    return tokens


def _surname_length(word: str) -> int:
    surnames = words("surnames_zh.txt")
    return 2 if len(word) > 1 and word[:2] in surnames else 1 if word[:1] in surnames else 0


def _looks_like_name(word: str) -> bool:
    """Family name, one or two characters more, and no medical or everyday word."""
    given = len(word) - _surname_length(word)
    return (
        _surname_length(word) > 0
        and 1 <= given <= 2
        and bool(re.fullmatch(f"[{_HAN}]+", word))
        and word not in words("not_names.txt")
        and not _NO_GIVEN_NAME.search(word[1:])
    )


def _tagged(tokens: list[Token]) -> Iterator[Span]:
    """Words that jieba tags as a person's name; two-character ones only with a plain family name.

    Without a cue two characters are more often a word (毛巾, 阳光) than a person.
    """
    for start, stop, word, flag in tokens:
        plain = len(word) > 2 or word[:1] in _PLAIN_SURNAMES
        if flag.startswith("nr") and plain and _looks_like_name(word):
            yield Span(start, stop, "name")


def _cued(text: str, tokens: list[Token]) -> Iterator[Span]:
    """A family name straight after a cue; jieba's word ends tell where the name ends."""
    ends = {start: stop for start, stop, _, _ in tokens}
    for cue in _ZH_CUE.finditer(text):
        start = cue.end()
        surname = _surname_length(text[start : start + 2])
        if not surname:
            continue
        kind: Kind = "physician" if re.match("主|医|大夫", cue.group()) else "name"
        stop = ends.get(start, start + surname)
        if stop - start == surname:
            stop = ends.get(stop, stop)
        for end in (stop, start + surname + 2, start + surname + 1):
            closed = end >= len(text) or text[end] in _AFTER_NAME
            labelled = cue.group()[-1] in ":：叫" or cue.group().startswith(("姓名", "我叫"))
            if (closed or (labelled and end in ends)) and _looks_like_name(text[start:end]):
                yield Span(start, end, kind)
                break


def _titled(text: str, tokens: list[Token]) -> Iterator[Span]:
    """Family name, perhaps a given name, and a title: 李医生, 王建国主任, 张女士."""
    starts = {start for start, _, _, _ in tokens}
    tagged = {(start, stop) for start, stop, _, flag in tokens if flag.startswith("nr")}
    for found in _ZH_TITLED.finditer(text):
        title = found.start("title")
        kind: Kind = "physician" if re.fullmatch(_TITLE, found.group("title")) else "name"
        for length in (4, 3, 2, 1):
            start = title - length
            word = text[start:title] if start >= found.start() else ""
            given = len(word) - _surname_length(word)
            if not word or start not in starts or not _surname_length(word) or given > 2:
                continue
            opens = start == 0 or not re.match(f"[{_HAN}]", text[start - 1])
            wordlike = word[0] in _WORDLIKE_SURNAMES and (start, title) not in tagged and not opens
            if not wordlike and (given == 0 or _looks_like_name(word)):
                yield Span(start, title, kind)
                break


def _hospitals(text: str, tokens: list[Token]) -> Iterator[Span]:
    """A hospital with a place in its name, or a well-known or numbered one; generic ones stay."""
    for found in _HOSPITAL_OF_CITY.finditer(text):
        yield Span(found.start(), found.end(), "hospital")
    for found in _HOSPITAL.finditer(text):
        inside = [t for t in tokens if found.start() <= t[0] and t[1] <= found.end()]
        begin = next((t[0] for t in inside if _is_place(t)), None)
        core = _HOSPITAL_CORE.search(found.group())
        if begin is None and core is None:
            continue
        start = begin if begin is not None else found.start() + (core.start() if core else 0)
        if _NO_HOSPITAL_NAME.search(text[start : found.end()]):
            continue
        yield Span(start, found.end(), "hospital")


def _is_place(token: Token) -> bool:
    _, _, word, flag = token
    named = flag in {"ns", "nt"} or re.fullmatch(rf"[{_HAN}]{{2,}}[省市县]", word)
    generic = word in words("generic_places.txt") or re.fullmatch(".[市县区镇]|.{0,2}医院", word)
    return bool(named) and not generic
