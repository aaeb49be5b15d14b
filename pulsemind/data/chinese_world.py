# ruff: noqa: E501 - patterns stand on one line
"""Names of minorities, neighbours and foreigners in Chinese text, without a family name of the Han.

Tibetan, Mongol, Uyghur, Kazakh and Yi names are put together of parts (次仁 and 卓嘎, 帕提 and 古丽):
two parts, or a part and a last character, are a name wherever they stand. Japanese ones are a family
name with characters of given names, Vietnamese women have 氏 in the middle. Names in scripts that
are neither Latin, Greek nor Han are taken as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pulsemind.data.chinese_words import HAN, is_common_word, is_plain_word
from pulsemind.data.detectors import Span
from pulsemind.data.finder import Finder, finder
from pulsemind.data.wordlists import words

_LAST = "措毛姆吉卓加杰太布甲珍嘎玛宗央增巴旺堆朗仓桑郎尼娜孜汗罕汉姆木江提力尔曼兰娅雅别克惹莫呷洛作牛且古丽都夫"
"""Last characters of a name after one part."""
_NOT_AFTER = re.compile(
    "[花药胶片丸散草氏病征汤素酮酯胺唑汀苷碱酸酶钠钾钙嘧啶]|浩特|木齐|鲁木|综合"
)
"""What follows a part that is none of a person: 格桑花, 呼和浩特."""
_PLACES = re.compile(
    "呼和浩特|呼伦贝尔|乌兰察布|乌兰浩特|锡林郭勒|鄂尔多斯|巴彦淖尔|乌鲁木齐|吐鲁番|吉木萨尔|吉木乃|巴音郭楞|克孜勒|日喀则|达坂|木垒|阿克苏|阿勒泰|伊犁|伊宁|喀什|和田|塔城|库尔勒|德令哈|海西|果洛|玉树|甘孜|阿坝|凉山|巴塘|德格|白玉|米林|乌拉特|乌拉盖|达拉特|苏尼特|达尔罕|满都拉图|巴林|翁牛特|科尔沁|扎赉特|扎鲁特|扎兰屯|扎囊|阿荣旗|达茂|莫力达瓦|鄂温克|鄂伦春|维吾尔|哈萨克|柯尔克孜|塔吉克|乌孜别克|达斡尔|索伦|加查|尼木|曲水|旺角|阿拉善|额济纳|江孜|拉孜|乌恰|沙雅|库车|拜城|叶城|莎车|麦盖提|巴楚|伽师|疏勒|尼勒克|特克斯|昭苏|巩留|察布查尔|霍城|托里|裕民|额敏|布尔津|哈巴河|青河|富蕴|吉隆坡|斯里兰卡|孟加拉|巴基斯坦|阿富汗|吉尔吉斯|乌兹别克|塔什干|阿拉木图"
)
VIETNAMESE = finder(
    rf"(?P<v>[阮黎范黄潘裴武邓吴杜胡杨丁郑段农岑邝陈李梁韦]氏(?P<g>[{HAN}]{{1,2}}))"
)
_GIVEN_VN = frozenset(
    "碧秋霞兰花梅红玉清芳翠金银雪莺燕鸾香莲桃草云月明贤和顺恒幸英娥锦绣美丽芝琼瑶珠宝珍妙灵蓉菊竹松柳凤仙娟娇妮娜安平柔淑贞静巧爱春夏冬莉茉青姮垂映恩慈惠福禄寿新雅艳映水海江河山泰方诗韵心善意庄绒线银针"
)
_GIVEN_JP = "子美香奈菜代江枝惠郎太介助男夫雄一二三司之树真人和也斗翔平吾哉彦彰明洋治隆宏浩健诚勇进修茂实保信贵幸安纪由绘里加沙织希优结衣爱莉花葵阳凛樱咲麻理智直义孝光秀俊晴斋衡作藏郎哲裕文武刚登学昭正辉良友亚未来千春夏秋冬雪梨月音琴乃野々"
_NOT_JAPANESE = re.compile(
    "^(?:桥本|高木|川崎|福田|中山|清水|小林|上野)(?:病|氏|甲|区|路|街|镇|县|市)"
)
_OTHER_SCRIPTS = finder(
    r"[А-ЯЁІЇЄҐ][а-яёіїєґ'’-]+(?:[ \t]+[А-ЯЁІЇЄҐ](?:[а-яёіїєґ'’-]+|\.)){0,3}"
    r"|[가-힣]{2,4}(?:[ \t][가-힣]{2,4})?|[ぁ-ゖァ-ヺー]{2,8}(?:[ \t・][ぁ-ゖァ-ヺー]{2,8})|[ァ-ヺー]{2,10}(?=さん|様|先生)"
    r"|[\u0600-\u06ff]{2,}(?:[ \t][\u0600-\u06ff]{2,}){1,3}|[\u0e00-\u0e7f]{2,}(?:[ \t][\u0e00-\u0e7f]{2,})|[\u0900-\u097f]{2,}[ \t][\u0900-\u097f]{2,}|[\u0f40-\u0fbc][\u0f00-\u0fbc]{3,}|[\u1820-\u18aa]{2,}(?:\s[\u1820-\u18aa]{2,})?"
)
"""Names in Cyrillic, Korean, Japanese, Arabic, Thai, Hindi, Tibetan and Mongol script."""


@cache
def _composed() -> Finder:
    parts = "|".join(sorted(words("world_zh.txt"), key=len, reverse=True))
    return finder(
        rf"(?:{parts})(?:(?:{parts})+[{_LAST}]?|[{_LAST}](?![{HAN}])|[{_LAST}]{{1,2}}(?=[，,。；;、：:（(）)\s的]|$))"
    )


@cache
def _japanese() -> Finder:
    families = "|".join(sorted(words("japanese_zh.txt"), key=len, reverse=True))
    return finder(
        rf"(?P<f>{families})\s?(?P<g>[{_GIVEN_JP}]{{1,3}}?(?=[{HAN}]?)(?:[{_GIVEN_JP}])?)"
    )


def detect_world(text: str) -> Iterator[Span]:
    """Such names in a masked text; spans may overlap."""
    for found in _composed().finditer(text):
        if not (
            _NOT_AFTER.match(text, found.end())
            or _PLACES.search(text, max(0, found.start() - 2), found.end() + 3)
            or is_plain_word(found.group())
        ):
            yield Span(*found.span(), "name")
    for found in VIETNAMESE.finditer(text):
        given = [c for c in found.group("g") if c in _GIVEN_VN]
        if (
            given
            and found.group("g")[0] in _GIVEN_VN
            and not re.search(
                f"[{HAN}]{{0,3}}[汤丸散丹膏饮方]", text[found.end() : found.end() + 4]
            )
        ):
            yield Span(found.start(), found.end() - (len(found.group("g")) > len(given)), "name")
    for found in _japanese().finditer(text):
        if len(found.group("g")) > 1 and not (
            _NOT_JAPANESE.search(found.group())
            or is_common_word(found.group("g"))
            or _NOT_AFTER.match(text, found.end())
        ):
            yield Span(*found.span(), "name")
    for found in _OTHER_SCRIPTS.finditer(text):
        yield Span(*found.span(), "name")


@cache
def _parts() -> frozenset[str]:
    return words("world_zh.txt") | words("foreign_zh.txt")


def is_world_name(value: str) -> bool:
    """Whether a value beside a cue is wholly made of such parts, or begins with a Japanese family name."""
    return (
        value in _parts()
        or _composed().pattern.fullmatch(value) is not None
        or (value[-1:] in _LAST and value[:-1] in _parts())
        or _japanese().pattern.fullmatch(value) is not None
        or any(
            value.startswith(name) and len(value) - len(name) < 3
            for name in (value[:2], value[:3])
            if name in words("japanese_zh.txt")
        )
    )
