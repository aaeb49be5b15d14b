# ruff: noqa: E501 - patterns stand on one line
"""What people are called by those who know them, in Chinese text: 小李, 老查, 我家糖糖."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pulsemind.data.chinese_cues import is_listed, is_nobody
from pulsemind.data.chinese_roles import OPENS
from pulsemind.data.chinese_words import HAN, is_common_word, is_word, surname_length
from pulsemind.data.detectors import Span
from pulsemind.data.finder import finder

_WHO = "隔壁|邻居|同事|司机|护士|室友|病友|同学|工友|战友|床的|朋友|门卫|保安|护工|厨师|老板|领导|客服|师傅|教练|老乡|舍友|同桌|组长|班长|队长|店长|村里|楼上|楼下|对门|对面"
_NICK = finder(
    rf"(?:{OPENS}|(?<={_WHO}))(?P<v>[小老阿][{HAN}](?:子|儿)?)(?=[，,。！!？?、：:\s”\"]|$|[说讲问来去在帮给也都就又把被跟和要想刚昨今已没不让叫打发住接送推介告请的吧呀啊呢上前这那]|你|他|她|我)"
)
_PLAIN = frozenset(
    "王李张刘陈杨赵吴周徐孙朱郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖蔡潘袁董蒋沈余吕丁魏薛阎姚卢姜崔钟谭陆汪范"
)
_NICK_INSIDE = finder(
    rf"(?<=[{HAN}])(?P<v>[小老][{HAN}])(?=[，,。！!？?、：:\s”\"]|$|[说讲问来去在帮给也都就又把被跟和要想刚昨今明已没不让叫打发住接送推介告请的吧呀啊呢上前这那年])"
)
_CALLED = finder(
    rf"(?:室友|舍友|闺蜜|朋友|好友|同事|同学|邻居|姐妹|工友|病友|男友|女友|老婆|老公|妹妹|弟弟|姐姐|哥哥)(?P<v>[阿小][{HAN}])(?![{HAN}]?(?:便|腹))"
)
_MASKED = finder(rf"(?P<v>[{HAN}][*＊×]{{1,2}}[{HAN}]?)(?![{HAN}]{{3}})")
_NICK_NO = re.compile(
    "小[时便腹肠脑腿米麦雪白黄车单乔柴金常葛叶孔平康高毛包曲管甘谷贝田温段路关向成项]|老[年人是家师板公婆化于时常高金白黄方万成路关]|阿[胶司莫奇托是]"
)
_PET = finder(
    rf"(?:(?:接收人|接送人|送检人|取件人|联系人|陪护人|监护人|经手人|客服|导诊|护士|助理|医助|管家|顾问|客服专员|坐席|[我咱俺他她你您]家|宝宝|宝贝|孩子|闺女|女儿|儿子|孙子|孙女|外孙女?)[（(“\"]?(?P<v>([{HAN}])\2|[小大阿][{HAN}](?!便|腹|腿|脑|肠|时|孩|区|米|麦)|[{HAN}][宝儿仔妞](?!宝|童|科|子))|(?<![{HAN}])(?P<w>小[{HAN}]))(?=[这今昨前最近现已从半刚才晚早夜上下\d，,。！!？?、说咳烧吐拉吃喝睡哭发也又就还都的是有在）)”\"：:]|$)"
)


def detect_nicknames(text: str) -> Iterator[Span]:
    """Nicknames and pet names in a masked text; spans may overlap."""
    for found in _NICK.finditer(text):
        if surname_length(found.group("v")[1]) and not _NICK_NO.match(found.group("v")):
            yield Span(*found.span("v"), "name")
    for found in _NICK_INSIDE.finditer(text):
        before = text[found.start() - 1 : found.start() + 1]
        if found.group("v")[1] in _PLAIN and not is_word(before):
            yield Span(*found.span("v"), "name")
    for found in _PET.finditer(text):
        group = "v" if found.group("v") else "w"
        value = found.group(group)
        if (
            not is_common_word(value)
            and not is_nobody(value)
            and (group == "v" or (is_listed(value[1]) and not is_word(value, 50)))
        ):
            yield Span(*found.span(group), "name")
    for found in _CALLED.finditer(text):
        if not is_common_word(found.group("v")) and is_listed(found.group("v")[1]):
            yield Span(*found.span("v"), "name")
    for found in _MASKED.finditer(text):
        if surname_length(found.group("v")[0]):
            yield Span(*found.span("v"), "name")
