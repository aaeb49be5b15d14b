# ruff: noqa: E501 - tables stand on one line
"""Hospitals' names in Chinese text; English ones are in the table of `patterns.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pulsemind.data.chinese_words import HAN, is_common_word, is_word
from pulsemind.data.detectors import Span
from pulsemind.data.finder import finder
from pulsemind.data.tokens import Places, Token
from pulsemind.data.wordlists import words

_HEADS = "医院|卫生[院所室站]|卫生(?:服务)?(?:中心|站)|保健[院所站]|保健中心|诊所|诊疗[所室]|诊疗中心|门诊[部所]|医务[室所]|医疗[室站]|医学中心|医疗中心|体检[站部]|体检中心|健康(?:管理)?中心|健检中心|康复(?:医学)?中心|康养(?:医学)?中心|疗养院|休养院|护理院|护理中心|养老院|养老(?:服务)?中心|养护院|养护中心|颐养院|颐养中心|老年公寓|敬老院|福利院|福利中心|月子中心|月子会所|托养中心|救助中心|救助站|救护站|救护中心|急救中心|急救站|血站|血液中心|采血点|采血站|献血屋|献血站|疾控中心|疾病预防控制中心|防治[院所站]|防保所|检验所|检验中心|检[测验化]站|检测所|检测中心|影像中心|透析中心|血透中心|精神卫生中心|心理咨询中心|接种门诊|接种点|接种站|鉴定中心|鉴定所|大?药房|药店|药堂|药局|药行|药铺|国医堂|中医堂|[中国]?医馆|推拿馆|理疗馆|艾灸馆|正骨馆|眼科中心|视光中心|戒毒所|干休所|分院|院区|总院|附[一二三四]院|安宁疗护中心|安养院|服务中心|服务站|疗护院|产后中心|助产所|制剂室|义诊点|方舱"
_BRANCH = rf"(?:[（(]?[{HAN}0-9]{{1,8}}?(?:店|分店|院区|分院|分部|门市|门诊)[)）]?)?"
_CHAINS = finder(
    rf"(?:老百姓|益丰|大参林|一心堂|同仁堂|海王星辰|国大|漱玉平民|健之佳|叮当|养天和|桐君阁|德生堂|国药|华氏|第一医药|高济|好药师|好医生|百姓缘|立健|成大方圆|九芝堂|胡庆余堂|雷允上|童涵春|怡康|众友|人民同泰|泰诺林|天天好|康佰家|健民|正和祥|全亿|爱心|便民|百姓|仁和|惠仁堂|瑞人堂|千金|湘雅堂|本草|康爱多)大?药[房店行]{_BRANCH}"
    rf"|(?:(?<![{HAN}])|(?<=[的在去到从是找往]))(?!健康|保健|平安|民生|卫生)[{HAN}]{{1,3}}[康堂仁健民泰安和济寿春芝生元德源丰信诚心]大?药[房店]{_BRANCH}"
)
_SHORT = finder(
    rf"(?:北大|北医|郑大|浙大|川大|中大|山大|武大|重医|蚌医|温医|福医|广医|南医|南方医|哈医|中国医|吉大|青大|苏大|南大|西安交大|交大|新医|贵医|昆医|遵医|安医|皖医|河医|山医|徐医|桂医|西南医|暨大|天医|首医|川医|大医|锦医|承医|滨医|潍医|济医|泰医|兰大|宁医|内医|石大|厦大|汕大|深大|同济|华西|湘雅|协和)大?(?:第?[一二三四五六]附?属?(?:医?院)|附属?[一二三四五]?(?:医?院))(?:[{HAN}]{{1,4}}院区)?"
    rf"|(?:爱尔|华厦|普瑞|何氏)眼科(?:医院)?(?:[{HAN}]{{1,6}}院)?|美年大?健康(?:体检(?:中心)?)?|爱康国宾(?:体检(?:中心)?)?|慈铭体检(?:中心)?|(?:和睦家|明德|嘉会|百汇|瑞尔|拜博|通策|佳美|马泷)(?:医院|齿科|口腔|医疗)"
    rf"|(?:孙逸仙纪念|昆华|省立|千佛山|毓璜顶|邵逸夫|何贤|威尔斯亲王|玛丽|伊利沙伯|长庚|荣民总)医院|(?<=[在去到从])浙[一二](?![{HAN}]?[个点些])"
)
_HOSPITAL = finder(rf"[{HAN}0-9]{{2,24}}?(?:{_HEADS}){_BRANCH}")
_HOSPITAL_CORE = re.compile(
    "第[一二三四五六七八九十0-9]+(?:人民|附属|中心|临床)?医院|协和|同济|华西|湘雅|瑞金|中山医院|积水潭"
    "|[0-9]{3}医院|解放军|空军|海军|陆军|武警|总医院"
)
_HOSPITAL_OF_CITY = finder(
    rf"(?:(?![我在去到从于是的您请往了由院来过问家住])[{HAN}]){{2,3}}[市县]"
    "(?:第[一二三四五六七八九十]|人民|中心|中医|中西医结合|妇幼|保健|儿童|肿瘤|口腔|胸科|眼科|精神|卫生){1,3}院?医?院"
)
_KNOWN = (
    "协和|湘雅|华西|同济|瑞金|天坛|安贞|阜外|积水潭|宣武|友谊|同仁|仁济|华山|中山|鼓楼|齐鲁|西京|唐都|盛京|珠江|邵逸夫"
    "|广安门|东直门|望京|西苑|龙华|曙光|长海|长征"
)
_HOSPITAL_BY_NAME = finder(
    rf"(?:{_KNOWN})(?:附?[一二三]院|医院)|(?<=[在去到从])(?:协和|湘雅|华西|积水潭|阜外)(?![{HAN}]{{0,2}}(?:路|街))"
)
_COMMUNITY = finder(
    rf"(?:(?![我在去到从于是的您请往了由院来过问家住])[{HAN}]){{2,20}}(?:市|(?<![社小地市城辖郊片院病])区|县|镇|乡|街道|州|旗|盟|村)(?:[{HAN}]{{0,10}}?)(?:{_HEADS}){_BRANCH}"
)
_BEFORE_PLACE = re.compile(
    rf"(?:^|[^{HAN}]|[在去到于往寄送])(?P<v>(?![年月日号岁个天次])[{HAN}]{{1,6}})$"
)
_NO_PLACE = re.compile(
    "的|不同|城市|一线|同城|当地|我们|本地|附近|外地|哪|什么|你们|咱们|他们|其他|别的|大城|一家|各|某|周边|上级|就近|所在|[一二三]级|三甲"
)
_NAMED = finder(
    rf"(?:^|(?<=[^{HAN}\d])|(?<=[在去到于往从送由回住是的转至经向自叫找问给和与])|(?<=单位)|(?<=机构)|(?<=地址)|(?<=来自)|(?<=这里)|(?<=联系)|(?<=咨询)|(?<=就诊于)|(?<=预约)|(?<=选择)|(?<=感谢)|(?<=关注))(?P<v>(?![年月日号岁个天次])[{HAN}]{{2,18}}?(?:{_HEADS}){_BRANCH})(?![{HAN}]?(?:看看|检查|治疗)的)"
)
_WAY_THERE = re.compile(rf"^[{HAN}]{{0,8}}[从到去在往](?![化江])")
"""What stands before a place in a sentence: 老人昨天从."""
_GENERIC = re.compile(
    "人民|中心|中医|西医|结合|妇幼|保健|儿童|儿科|肿瘤|口腔|胸科|眼科|精神|卫生|专科|综合|大型|大|小|三甲|二甲|三级|二级|一级|甲等|当地|正规|公立|私立|民营|私人|专业|权威|知名|著名|有名|附近|就近|本地|外地|市级|省级|县级|区级|市|省|县|区|镇|乡|村|街道|社区|普通|国立|国家|医院|医学|附属|大学|医科|第[一二三四五六七八九十]|肛肠|男科|妇科|妇产|产科|皮肤|性病|传染|骨科|骨伤|脑科|脑病|心脏|心血管|泌尿|内科|外科|整形|美容|不孕不育|生殖|结核|肝病|肾病|糖尿|甲状腺|白癜风|癫痫|风湿|康复|疼痛|耳鼻喉|烧伤|职业|防治|专门|较|规模|条件|设备|技术|先进|好|个|家|这|那|所|本|我|你|您|贵|各|某|其|他|她|的|一|再|请|来|先|也|就|可|能|还|都|病|科|症|院|网上|线上|定点|急救|急诊|住院|门诊|私|药房|药店|健康|管理|体检|检验|检测|检查|鉴定|司法|血液|献血|采血|老年|养老|护理|月子|母婴|视光|国医|名医|中药|西药|平价|连锁|大众|便民|惠民|爱心|服务|医疗|卫生室|预防|接种|心理|影像|诊疗|理疗|推拿|针灸|透析|血透|救助|急诊科|分院|总院|院区|社会|福利|特需|国际部|联合|合作|基层|乡村|农村|城乡|校|工厂|单位|公司|学校|牙|齿|医美|美甲"
)
_NO_HOSPITAL_NAME = re.compile("[的在去哪好到看查就还不最里怎么家]|治疗|检查|综合|或|咨询")


_KIND = re.compile(rf"(?:{_HEADS}){_BRANCH}$")


def hospital_places(block: str) -> Places:
    """Where `detect_hospitals` will ask for the tokens of a run of text."""
    return [found.span() for found in _HOSPITAL.finditer(block)]


def detect_hospitals(text: str, tokens: list[Token]) -> Iterator[Span]:
    """A hospital with a place in its name, or a well-known or numbered one; generic ones stay."""
    for pattern in (_HOSPITAL_OF_CITY, _HOSPITAL_BY_NAME, _COMMUNITY):
        for found in pattern.finditer(text):
            if not _NO_PLACE.search(found.group()):
                yield Span(found.start(), found.end(), "hospital")
    for pattern in (_CHAINS, _SHORT):
        for found in pattern.finditer(text):
            yield Span(*found.span(), "hospital")
    for found in _NAMED.finditer(text):
        start = found.end("v") - len(_WAY_THERE.sub("", found.group("v")))
        if has_name_of_its_own(text[start : found.end("v")]):
            yield Span(start, found.end("v"), "hospital")
    for found in _HOSPITAL.finditer(text):
        inside = [t for t in tokens if found.start() <= t[0] and t[1] <= found.end()]
        begin = next((t[0] for t in inside if _is_place(t)), None)
        core = _HOSPITAL_CORE.search(found.group())
        if begin is None and core is None:
            continue
        start = begin if begin is not None else found.start() + (core.start() if core else 0)
        if _NO_HOSPITAL_NAME.search(text[start : found.end()]):
            continue
        yield Span(_begin(text, start), found.end(), "hospital")


def has_name_of_its_own(value: str) -> bool:
    """Whether something is left of it that is no common part of such names, and no plain word."""
    kind = _KIND.search(value)
    rest = _GENERIC.sub("", value[: kind.start()] if kind else value)
    return (
        len(rest) > 1
        and not _NO_HOSPITAL_NAME.search(value)
        and not _NO_PLACE.search(value)
        and not is_word(rest, 300)
        and not any(is_common_word(rest[n : n + 2]) for n in range(len(rest) - 1))
    )


def _begin(text: str, start: int) -> int:
    """Where the name of a hospital begins whose place begins at `start`: at the next boundary."""
    before = _BEFORE_PLACE.search(text, max(0, start - 9), start)
    return before.start("v") if before else start


def _is_place(token: Token) -> bool:
    _, _, word, flag = token
    named = flag in {"ns", "nt"} or re.fullmatch(rf"[{HAN}]{{2,}}[省市县]", word)
    generic = word in words("generic_places.txt") or re.fullmatch(".[市县区镇]|.{0,2}医院", word)
    return bool(named) and not generic
