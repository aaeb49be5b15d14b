# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""What personal data looks like: a table of kinds, patterns and checks.

Clinical quantities must survive: every pattern of digits asks for a cue, a check digit or a shape
that no quantity has. Names are in `names.py`, labels of report forms in `labels.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from pulsemind.data.accounts import ACCOUNTS
from pulsemind.data.addresses import ADDRESSES, STATE
from pulsemind.data.beds import BEDS
from pulsemind.data.dates import DATES, is_real_date
from pulsemind.data.finder import Finder, finder
from pulsemind.data.kinds import Kind
from pulsemind.data.places_en import PLACES
from pulsemind.data.records import RECORDS


@dataclass(frozen=True)
class Rule:
    """A pattern; group `v`, where there is one, is the value. `check` may refuse a value."""

    kind: Kind
    pattern: Finder
    check: Callable[[str], bool]


def identity_number_is_valid(number: str) -> bool:
    """Check digit of a Chinese identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    digits = re.sub(r"[\s-]", "", number)
    if not re.fullmatch(r"\d{17}[\dXx]", digits):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))
    return "10X98765432"[total % 11] == digits[-1].upper()


_IDENTITY = r"aadha+r|PAN(?:\s+card)?|NRIC|FIN|MyKad|IC|NINO|national\s+insurance|CPF|RG|DNI|NIE|CURP|RFC|NSS|INE|cedula|cédula|RUT|Emirates\s+ID|Iqama|civil\s+ID|BSN|SIN|SSN|PESEL|CNP|OIB|CNIC|NID|HKID|TFN|IHI|NHI|DVA|Medicare|Medicaid|PPS(?:N)?|CHI|H&C|health\s*card|OHIP|RAMQ|PHN|ID\s*card|voter\s+ID|ration\s+card|ABHA|ayushman|resident\s+registration|identity\s+card|personal\s+(?:number|code|ID)|tax\s+(?:number|ID|file)|citizen(?:ship)?\s+ID|military\s+ID|visa|green\s+card|NPI|DEA|GMC|NMC|social\s+(?:security|insurance)|work\s+permit|birth\s+certificate|driver['’]?s?|driving\s+licen[cs]e|DL"
_ELDER = "grandmother|grandfather|grandma|grandpa|granny|gran|nan|nana|nanna|granddad|grandad|mother|father|aunt|uncle|husband|wife|patient|pt|neighbou?r|mother-in-law|father-in-law"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_DIGIT_ZH = "[零〇一二两三四五六七八九幺么洞拐勾]"
_DIGIT_EN = "(?:zero|oh|o|nought|one|two|three|four|five|six|seven|eight|nine|double\\s+\\w+|triple\\s+\\w+|hundred|\\d)"


def _always(_: str) -> bool:
    return True


def _is_old(value: str) -> bool:
    digits = re.search(r"\d+", value)
    return digits is None or 90 <= int(digits.group()) <= 125


def _is_internet_address(value: str) -> bool:
    """Four numbers that fit into a byte; small ones alone are the number of a section."""
    numbers = [int(number) for number in value.split(".")]
    return max(numbers) <= 255 and sum(number > 9 for number in numbers) >= 2


def _is_spoken_zh(value: str) -> bool:
    """Seven digits at least written as characters; counting (一二三四五六七) is none."""
    digits = re.sub(r"[^零〇一二两三四五六七八九幺么洞拐勾]", "", value)
    return len(digits) >= 7 and digits not in "零一二三四五六七八九十" and len(set(digits)) > 2


def _is_spoken_en(value: str) -> bool:
    """Seven spelled digits at least; counting and digits alone are none."""
    said = re.findall(r"[a-z]+|\d", value.lower())
    counting = "one two three four five six seven eight nine"
    return sum(word.isalpha() for word in said) >= 5 and " ".join(said[:7]) not in counting


@cache
def rules() -> tuple[Rule, ...]:
    """The table. A kind may have several rows."""

    def rule(
        kind: Kind, pattern: str, check: Callable[[str], bool] = _always, flags: int = 0
    ) -> Rule:
        return Rule(kind, finder(pattern, flags), check)

    anycase = re.IGNORECASE
    return (
        rule("email", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
        rule("email", r"\b[\w.]{2,}\s*(?:\(at\)|\[at\]|\sat\s)\s*\w+\s*(?:\.|\(dot\)|\sdot\s)\s*(?:com|org|net|edu|cn)\b", flags=anycase),
        rule("url", r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|cn|io|co|uk|info|me)(?:/[A-Za-z0-9_./?=&%-]*)?(?![A-Za-z0-9_@])"),
        rule("url", r"(?<![\d.])(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})(?![\d]|\.\d)", _is_internet_address),
        rule("url", r"\b(?:[a-z0-9-]+\.)+(?:example|test|net|cc|top|vip|xyz|app|health|clinic|care|org|us|de|fr|in|au|ca|nz|ie|hk|tw|sg|jp|kr)(?:\.[a-z]{2})?/[A-Za-z0-9_./?=&%#-]*"),
        rule("url", r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]+", flags=anycase),
        rule("id_number", r"(?<!\d)\d{6}[\s-]?\d{8}[\s-]?\d{3}[\dXx](?!\d)", identity_number_is_valid),
        rule("id_number", r"(?:身份证|证件|公民身份|身份|证)(?:证?号码|号)?[\s:：是为]*(?P<v>\d{15,17}[\dXx]?)(?!\d)"),
        rule("id_number", r"(?<!\d)[1-8]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)"),
        rule("id_number", r"(?:身份证|证件)(?:后|尾号?|末)[四六4六]位[\s:：是为]*(?P<v>\d{3,5}[\dXx])"),
        rule("id_number", r"(?<![A-Za-z0-9])[A-Z]{1,2}\d{6}\s?[(（][\dA][)）]"),
        rule("id_number", r"(?<![A-Za-z0-9])[STFGM]\d{7}[A-Z](?![A-Za-z0-9])"),
        rule("id_number", r"(?<![A-Za-z0-9])[A-Z][12]\d{8}(?![A-Za-z0-9])"),
        rule("id_number", r"(?<![A-Za-z0-9])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D](?![A-Za-z0-9])"),
        rule("id_number", rf"(?<![A-Za-z])(?:{_IDENTITY})(?:\s*(?:card|number|num|no\.?|id|#)(?![a-z]))*(?:\s+is)?[\s:：#]*(?P<v>(?-i:(?=(?:[A-Z -]*\d){{5}})[A-Z0-9](?:[A-Z0-9]|[ -](?=[A-Z]?\d)){{5,22}}))(?![A-Za-z0-9])", flags=anycase),
        rule("id_number", r"(?i:identity|id|ssn)\W{0,3}(?:number|no\.?)?[\s:#is]*(?P<v>\d{3}-\d{2}-\d{4}|\d{15,17}[\dXx])(?!\d)"),
        rule("id_number", r"(?:护照|军官证|士兵证|驾驶证|驾照|通行证|居住证|回乡证)(?:号码?)?[\s:：是为]*(?P<v>[A-Z一-龥]{0,2}字?第?[A-Z]?\d{6,18}[A-Z]?)"),
        rule("id_number", r"(?i:passport|driver['’]?s?\s+licen[cs]e)(?i:\s*(?:number|no\.?|#))?(?:\s+is)?[\s:#]*(?P<v>(?=[A-Z]*\d)[A-Z0-9-]{6,18})"),
        rule("id_number", r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
        rule("phone", r"(?<!\d)(?:\+?86[-\s]?)?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}(?!\d)"),
        rule("phone", r"(?<![\d.-])[（(]?0\d{2,3}[)）\-\s]{1,2}\d{3,4}[\s-]?\d{3,4}(?:\s*(?:转|分机|-)\s*\d{2,6})?(?!\d)"),
        rule("phone", r"(?<![\d.])0\d{3,4}[\s-]\d{3}[\s-]?\d{3,4}(?!\d)"),
        rule("phone", r"(?<![\d.])0\d{1,3}[\s-]\d{3,4}[\s-]\d{3,4}(?!\d)"),
        rule("phone", r"(?<![\d.])[48]00[\s-]?\d{3,4}[\s-]?\d{3,4}(?!\d)"),
        rule("phone", r"(?<![\d.-])(?:1[3-9]\d)[\s-]?\d{2,4}[\s-]\d{2,4}[\s-]?\d{2,4}(?!\d)", lambda v: sum(map(str.isdigit, v)) == 11),
        rule("phone", r"(?:电话|手机|短号|小灵通|座机|固话|热线|号码|联系|致电|拨打?|呼|(?<![A-Za-z])(?:call|ring|phone|text|cell|ext\.?|extension|pager|bleep|beep)|分机|(?<![A-Za-z])tel)[^\d\n]{0,6}?(?P<v>\d{4,8}(?:[-转]\d{2,5})?)(?!\d|[.%]|\s*(?:mg|ml|元|次|年|天|days?|times|hours?))", flags=anycase),
        rule("phone", r"(?<![\d.])0\d{2,4}\.\d{3,4}\.\d{3,4}(?![\d]|\.\d)"),
        rule("phone", r"分机[:：]?\s*(?P<v>\d{1,4}-\d{2,5})"),
        rule("phone", r"(?<![\d.])[569]\d{3}\s\d{4}(?![\d]|\.\d|\s\d)"),
        rule("phone", r"(?<![\d.A-Za-z/-])[2-9]\d{9}(?![\d]|\.\d|\s*(?:/|cells|copies|IU|CFU))"),
        rule("phone", r"(?<![\d.])(?:\+|00)\d{1,3}[\s.-]?\(?\d{1,4}\)?(?:[\s.-]?\d{2,4}){2,4}(?:\s*(?:x|ext\.?)\s*\d{2,6})?(?!\d)"),
        rule("phone", r"(?<![\d.-])(?:\+?1[-.\s]?)?(?:\(\d{3}\)[\s.-]?|\d{3}[-.\s])\d{3}[-.\s]\d{4}(?:\s*(?:x|ext\.?)\s*\d{2,6})?(?![\d-])"),
        rule("phone", r"(?:电话|手机|联系方式|tel|phone|mobile|call\s+me|fax)[^\d\n]{0,12}(?P<v>\+?\d[\d\s()-]{5,17}\d)", flags=anycase),
        rule("phone", rf"(?<!{_DIGIT_ZH})(?:{_DIGIT_ZH}[\s,，、.。-]{{0,2}}){{6,14}}{_DIGIT_ZH}(?![年月日个次天岁百千万十])", _is_spoken_zh),
        rule("phone", rf"\b(?:plus\s+)?(?:{_DIGIT_EN}[\s,.-]+){{6,15}}{_DIGIT_EN}\b", _is_spoken_en, anycase),
        rule("phone", r"(?<![\d.])[6-9]\d{4}[ -]\d{5}(?!\d|\.\d)"),
        rule("phone", r"(?<![\d.-])555[-. ]\d{4}(?![\d-]|\.\d)"),
        rule("phone", r"\b(?:call|phone|tel|text|fax|cell|mobile|number|ring|reach|dial|pager|contact|line|landline|whatsapp|extension|ext)\b[^\d\n]{0,25}(?P<v>\d{3}[-. ]\d{4})(?![\d-]|\.\d|\s*(?:mg|ml))", flags=anycase),
        rule("phone", r"(?<![\d.])0\d{2,3}[-\s.]?\d{3,4}[-\s.]?\d{3,4}\s?(?:转|分机|ext\.?|x)\s?\d{1,6}"),
        rule("phone", r"(?<![\d.])(?:\d[\s.\-·]){10}\d(?!\d|\.\d)", lambda v: v[0] == "1"),
        rule("phone", r"(?:电话|手机|座机|号码|联系|微信同号|致电|打|热线|咨询|tel)[^\d\n]{0,8}(?P<v>\d{3,4}[-\s.]\d{3,4}(?:[-\s.]\d{3,4})?(?:\s?转\s?\d+)?)(?!\d|\.\d)", flags=anycase),
        rule("phone", r"(?:分机|内线|短号|小号)[\s:：是]{0,3}(?P<v>\d{3,6})(?!\d|\.\d)"),
        rule("phone", r"(?:后四位|尾号)[\s:：是为]*(?P<v>\d{4})(?!\d)"),
        rule("id_number", r"(?<![A-Za-z0-9])[A-Z]{2}\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D](?![A-Za-z0-9])"),
        rule("id_number", r"(?i:passport|护照|通行证|居留证|永居证|身份证|证件)(?:号码?|号|证)?(?:\s*(?i:number|no\.?|#))?(?:\s+is)?[\s:：#是为]*(?P<v>(?=[A-Z]*\d)[A-Z]{0,3}\d{5,18}[A-Z]?(?:[(（]\d[)）])?)"),
        rule("plate", rf"[{_PROVINCES}][A-HJ-NP-Z]\s?[·•.]\s?[A-HJ-NP-Z0-9]{{3,6}}(?![A-Za-z0-9])"),
        rule("plate", rf"[{_PROVINCES}][A-HJ-NP-Z]\s?[·•.\-]?\s?(?=[A-Z]*\d)[A-HJ-NP-Z0-9]{{4,5}}(?:[挂学警港澳]|[A-HJ-NP-Z0-9](?![A-Za-z0-9]))"),
        rule("plate", rf"[{_PROVINCES}][A-HJ-NP-Z]\s?[·•.\-]?\s?[A-HJ-NP-Z]?\s?[·•.\-]?\s?\d{{5}}(?!\d)"),
        rule("plate", rf"(?i:plates?|licen[cs]e)[^.\n]{{0,50}}?\b(?P<v>{STATE}\s[A-Z0-9]{{2,4}}-?[A-Z0-9]{{2,4}})\b"),
        rule("plate", r"(?<![A-Z0-9])[A-Z]{2}\d{2}\s[A-Z]{3}(?![A-Za-z0-9])", lambda v: v[:2] not in {"CT", "MR", "US", "BP"}),
        rule("plate", r"(?<![A-Z0-9])\d[A-Z]{3}\d{3}(?![A-Za-z0-9])"),
        rule("plate", rf"\b(?i:car|vehicle|truck|pickup|van|suv|sedan|motorcycle|motorbike|bike|scooter|taxi|cab|ambulance|lorry|minivan|jeep|bus|parked|rego?|plates?|tags?)\W+(?:(?i:is|was|a|an|the|number|no\.?|plates?|tags?|reg(?:istration)?|in|grey|gray|white|black|blue|red|silver|green)\W+){{0,4}}(?P<v>(?:{STATE}\s)?(?=[A-Z -]*\d)(?=[\d -]*[A-Z])[A-Z0-9]{{1,4}}[ -]?[A-Z0-9]{{2,4}}(?:[ -]?[A-Z0-9]{{1,4}})?)\b"),
        rule("plate", r"\b(?i:(?:licen[cs]e|number|car|vehicle|DL)?\s*(?:plates?|tag|reg(?:istration)?)(?:\s*(?:number|no\.?|#))?)(?:\s+(?:is|was|reads?))?[\s:,#]*(?P<v>(?=[A-Z -]*\d)(?=[\d -]*[A-Z])[A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,4}(?:[ -]?[A-Z0-9]{2,3})?)\b"),
        rule("id_number", r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b"),
        *(rule("address", pattern) for pattern in ADDRESSES),
        *(rule(*row) for row in (*ACCOUNTS, *RECORDS, *BEDS, *PLACES)),
        *(rule("date", pattern, is_real_date) for pattern in DATES),
        rule("age_over_89", r"(?<![\d.])(?P<v>\d{2,3})\s*多?(?:周岁|岁)(?!以)", _is_old),
        rule("age_over_89", r"(?:高寿|享年|年近|年过)\s*(?P<v>\d{2,3}|九十|百)", _is_old),
        rule("age_over_89", r"\b(?P<v>ninety(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)\s+hundred(?:\s+and\s+\w+)?)[\s-]+years?[\s-]+old", flags=anycase),
        rule("age_over_89", r"\bin\s+(?:his|her|their|my)\s+(?P<v>90s|nineties)", flags=anycase),
        rule("age_over_89", r"(?P<v>九十[一二三四五六七八九]?|一百[零一二三四五六七八九十]*)\s*(?:周岁|岁)"),
        rule("age_over_89", rf"\b(?:she|he|they|who|[Mm]um|[Mm]om|[Dd]ad|{_ELDER})(?:\s+is|\s+was|['’]s|\s+turned|\s+turns|\s+will\s+be|\s+just\s+turned|,|\s+who\s+is|\s+aged?|\s+at)?\s+(?:(?:only|now|already|almost|nearly|about|over|turning|aged?|just)\s+)?(?P<v>\d{{2,3}})(?!\d|\.\d|[%/]|\s*(?:mg|kg|ml|over|beats|bpm|lbs?|cm|degrees|units?))", _is_old, anycase),
        rule("age_over_89", r"\b(?P<v>aged?\s+(?:of\s+)?\d{2,3})(?![\d%]|\.\d)", _is_old, anycase),
        rule("age_over_89", r"(?<![\d.])(?P<v>\d{2,3})\s*[-/]?\s?(?:[MF]\b|[mf](?=[,.\s]))(?!\s*[A-Z]{2})", _is_old),
        rule("age_over_89", r"(?P<v>九十)(?:好几|几|多|来|有余|出头|开外)"),
        rule("age_over_89", r"(?P<v>九十有[一二三四五六七八九])"),
        rule("age_over_89", r"\bturn(?:ed|s|ing)\s+(?P<v>\d{2,3})\b(?!\s*(?:degrees|mg|%))", _is_old, anycase),
        rule("age_over_89", r"(?<![\d.])(?P<v>\d{2,3})\s?(?:y|yr|yrs|yo)\b(?!\s*ago)", _is_old),
        rule("age_over_89", r"(?<![一二三四五六七八百])(?P<v>九十[一二三四五六七八九])(?=[了多的，,。；\s]|$)"),
        rule("age_over_89", r"\b(?P<v>ninety(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)\s+hundred(?:\s+and\s+\w+)?)(?=\s*(?:,|and\s+(?:she|he|they|still|lives?|has|is)|next|this|now|in\s+(?:the|a|may|june|july|march)|years))(?!\s*(?:mg|percent|per))", flags=anycase),
        rule("age_over_89", r"\b(?P<v>\d{2,3})(?:st|nd|rd|th)\s+birthday", _is_old, anycase),
        rule("age_over_89", r"(?P<v>\d{2,3})\s*(?:高龄|高寿|大寿|虚岁|余岁|多?岁)", _is_old),
        rule("age_over_89", r"(?:都|已经?|今年|快|虚岁|满|有|高龄|现年|生日|年)\s*(?P<v>\d{2,3}|九十[一二三四五六七八九]?|百)\s*(?:了|多了|高龄|周?岁)(?!次|天|年)", _is_old),
        rule("age_over_89", r"(?P<v>九十[一二三四五六七八九多来]?|一百[零一二三四五六七八九十]*|百)\s*(?:高龄|多岁|来岁|虚岁|有[一二三四五六七八九])"),
        rule("age_over_89", r"(?:年龄|\bage[d]?)[\s:：is]*(?P<v>\d{2,3})(?![\d]|\.\d)", _is_old, anycase),
        rule("age_over_89", r"(?<![\d.])(?P<v>\d{2,3})[\s-]*(?:years?|yrs?|y)[\s/.-]*(?:old|of\s+age|o\b|young)", _is_old, anycase),
        rule("age_over_89", r"\b(?:I\s+am|I'm|(?:he|she)\s+is)\s+(?P<v>\d{2,3})(?=\s*(?:[,.;!?]|and\b|$))", _is_old, anycase),
    )  # fmt: skip
