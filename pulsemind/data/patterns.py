# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""What personal data looks like: one table of kinds, patterns and checks, one of form labels.

Clinical quantities must survive: every pattern of digits asks for a cue, a check digit or a shape
that no quantity has. Plain `re` is used and not presidio: offline its recognisers find a third of
such data in mixed Chinese and English, and it takes spaCy to import. Names: `names.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

Kind = Literal[
    "name",
    "physician",
    "id_number",
    "phone",
    "email",
    "account",
    "address",
    "hospital",
    "record_number",
    "bed_number",
    "date",
    "age_over_89",
    "url",
    "plate",
]


@dataclass(frozen=True)
class Rule:
    """A pattern; group `v`, where there is one, is the value. `check` may refuse a value."""

    kind: Kind
    pattern: re.Pattern[str]
    check: Callable[[str], bool]


def identity_number_is_valid(number: str) -> bool:
    """Check digit of a Chinese identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    digits = re.sub(r"[\s-]", "", number)
    if not re.fullmatch(r"\d{17}[\dXx]", digits):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))
    return "10X98765432"[total % 11] == digits[-1].upper()


MONTHS = (
    "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    "|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?"
)
_YEAR = r"(?:19|20)\d{2}"
_DATES = (
    rf"(?<!\d){_YEAR}\s*年\s*\d{{1,2}}\s*月(?:\s*\d{{1,2}}\s*[日号])?",
    r"(?<!\d)\d{1,2}\s*月\s*\d{1,2}\s*[日号]",
    rf"(?<![\d.]){_YEAR}([-/.])\d{{1,2}}\1\d{{1,2}}(?![\d])",
    rf"(?<![\d.]){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d|\.\d)",
    rf"(?<![\d/])(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])/{_YEAR}(?!\d)",
    rf"(?<![\d-])(?:0?[1-9]|[12]\d|3[01])-(?:0?[1-9]|[12]\d|3[01])-{_YEAR}(?!\d)",
    rf"(?<![\d.])(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|[12]\d|3[01])\.{_YEAR}(?![\d.])",
    rf"\b(?:{MONTHS})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?:\s*,?\s*{_YEAR})?(?!\d|\.\d|%)",
    rf"(?<!\d)\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{MONTHS})\b\.?(?:,?\s+{_YEAR})?(?!\d)",
    rf"\b(?:{MONTHS})\.?,?\s+{_YEAR}(?!\d)",
)
_RECORD_ZH = (
    "住院号码?|病历号码?|病案号|门诊号|就诊卡?号|登记号|检查号|影像号|放射号|超声号|病理号|医保卡?号|社保卡?号"
    "|标本号|条码号|处方号|档案号|流水号|ID号"
)
_RECORD_EN = (
    r"MRN|(?:medical\s+)?record\s*(?:number|no\.?|#)|patient\s*(?:ID|number|no\.?)|chart\s*(?:number|no\.?|#)"
    r"|hospital\s*(?:number|no\.?|ID)|accession\s*(?:number|no\.?|#)?|account\s*(?:number|no\.?)"
    r"|admission\s*(?:number|no\.?)|insurance\s*(?:number|no\.?|ID)|SSN|social\s+security\s+number"
)
_IS = r"[\s:：#是为号码]*(?:is|was|no\.?|number)?[\s:：#]*"
_ROAD = "路|街|大街|大道|胡同|巷|弄|村|小区|花园|家园|新村|苑|公寓"
_HOUSE = r"\d{1,5}\s*(?:号楼|号院|号|弄|栋|幢|座|楼|单元|室|层)"
_ADMIN = "省|自治区|市|区|县|旗|镇|乡|街道"
_STREET = (
    "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Square"
)
_CLINICAL_HEADS = frozenset(
    [
        "The",
        "A",
        "An",
        "At",
        "In",
        "On",
        "To",
        "From",
        "My",
        "Your",
        "Our",
        "This",
        "That",
        "Any",
        "Every",
        "Each",
        "Local",
        "General",
        "Same",
        "Pain",
        "Fever",
        "Sleep",
        "Eye",
        "Heart",
        "Outpatient",
        "Walk-in",
        "Emergency",
        "Teaching",
        "Nearest",
        "Public",
        "Private",
    ]
)


def _always(_: str) -> bool:
    return True


def _is_old(value: str) -> bool:
    digits = re.search(r"\d+", value)
    return digits is None or 90 <= int(digits.group()) <= 125


def _hospital_en(value: str) -> bool:
    heads = value.split()[:-1]
    return any(head not in _CLINICAL_HEADS for head in heads)


def _real_date(value: str) -> bool:
    """Refuses what cannot be a date, as 13月 or day 45."""
    numbers = [int(n) for n in re.findall(r"\d+", value)]
    if len(numbers) == 3 and numbers[0] > 31:
        try:
            return bool(date(*numbers))
        except ValueError:
            return False
    if "月" in value:
        month, *day = numbers[1:] if numbers[0] > 31 else numbers
        return 1 <= month <= 12 and all(1 <= d <= 31 for d in day)
    return all(1 <= n <= 31 or n >= 1900 for n in numbers)


@cache
def rules() -> tuple[Rule, ...]:
    """The table. A kind may have several rows."""

    def rule(
        kind: Kind, pattern: str, check: Callable[[str], bool] = _always, flags: int = 0
    ) -> Rule:
        return Rule(kind, re.compile(pattern, flags), check)

    anycase = re.IGNORECASE
    return (
        rule("email", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
        rule("url", r"(?:https?://|www\.)[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]+", flags=anycase),
        rule("id_number", r"(?<!\d)\d{6}[\s-]?\d{8}[\s-]?\d{3}[\dXx](?!\d)", identity_number_is_valid),
        rule("id_number", r"身份证(?:号码|号)?[\s:：是为]*(?P<v>\d{15,17}[\dXx]?)"),
        rule("id_number", r"(?i:identity|id|ssn)\W{0,3}(?:number|no\.?)?[\s:#is]*(?P<v>\d{3}-\d{2}-\d{4}|\d{15,17}[\dXx])(?!\d)"),
        rule("phone", r"(?<!\d)(?:\+?86[-\s]?)?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}(?!\d)"),
        rule("phone", r"(?<![\d.-])0\d{2,3}[-\s]\d{7,8}(?!\d)"),
        rule("phone", r"(?<![\d.-])(?:\+?1[-.\s]?)?(?:\(\d{3}\)\s?|\d{3}[-.\s])\d{3}[-.]\d{4}(?![\d-])"),
        rule("phone", r"(?:电话|手机|联系方式|tel|phone|mobile|call\s+me|fax)[^\d\n]{0,12}(?P<v>\+?\d[\d\s()-]{5,17}\d)", flags=anycase),
        rule("account", r"(?:微信|QQ|wechat)(?:号码?|ID)?[\s:：是为]*(?P<v>[A-Za-z0-9_-]{5,})", flags=anycase),
        rule("record_number", rf"(?:{_RECORD_ZH}){_IS}(?P<v>[A-Za-z]{{0,4}}-?\d[\dA-Za-z-]{{2,}})", flags=anycase),
        rule("record_number", rf"\b(?:{_RECORD_EN}){_IS}(?P<v>[A-Z]{{0,4}}-?\d[\dA-Z-]{{2,}})", flags=anycase),
        rule("record_number", r"(?<![A-Za-z])(?P<v>(?:MRN|ZY|BL)-?\d{5,})"),
        rule("bed_number", r"(?<![\d.])(?P<v>[A-Z]?\d{1,3})\s*号?\s*(?:病床|床(?!次|旁|头))"),
        rule("bed_number", r"床(?:位号?|号)[\s:：是为]*(?P<v>[A-Z]?\d{1,4}(?:-\d{1,3})?)"),
        rule("bed_number", r"(?i:\bbed)\s*(?i:number|no\.?|#)\s*(?:is|:)?\s*(?P<v>[A-Z]?\d{1,4}[A-Z]?)"),
        rule("bed_number", r"(?i:\bbed)\s*[:：]?\s*(?P<v>[A-Z]?\d{1,4}[A-Z]?)\b(?!\s*(?:days?|hours?|weeks?|months?|times|nights?|h\b|-))"),
        rule("address", rf"(?:[一-龥]{{2,8}}?(?:{_ADMIN}))*[一-龥]{{1,8}}(?:{_ROAD})\s*{_HOUSE}(?:\s*{_HOUSE})*"),
        rule("address", r"(?:家住在?|住在|住址|地址|现住|户籍)[\s:：是为]*(?P<v>[一-龥]{2,6}?(?:省|市)[一-龥\d]{0,30})"),
        rule("address", rf"\b\d{{1,5}}\s+(?:[A-Z][a-z]+\s+){{1,3}}(?:{_STREET})\b\.?(?:,?\s*(?:Apt|Apartment|Suite|Unit)\.?\s*#?\w+)?(?:,\s*[A-Z][a-z]+(?:\s[A-Z][a-z]+)?(?:,\s*[A-Z]{{2}}(?:\s+\d{{5}})?)?)?"),
        rule("hospital", r"\b(?P<v>(?:(?:[A-Z][A-Za-z'’]+|St\.?)\s+){1,4}(?:Hospital|Medical\s+Cent(?:er|re)|Clinic|Infirmary|Health\s+Cent(?:er|re)))\b", _hospital_en),
        *(rule("date", pattern, _real_date) for pattern in _DATES),
        rule("age_over_89", r"(?<![\d.])(?P<v>\d{2,3})\s*(?:周岁|岁)(?!以)", _is_old),
        rule("age_over_89", r"(?P<v>九十[一二三四五六七八九]?|一百[零一二三四五六七八九十]*)\s*(?:周岁|岁)"),
        rule("age_over_89", r"(?:年龄|\bage[d]?)[\s:：is]*(?P<v>\d{2,3})(?![\d.])", _is_old, anycase),
        rule("age_over_89", r"(?<![\d.])(?P<v>\d{2,3})[\s-]*(?:years?|yrs?|y)[\s/.-]*(?:old|of\s+age|o\b)", _is_old, anycase),
        rule("age_over_89", r"\b(?:I\s+am|I'm|(?:he|she)\s+is)\s+(?P<v>\d{2,3})(?=\s*(?:[,.;!?]|and\b|$))", _is_old, anycase),
    )  # fmt: skip


LABELS: tuple[tuple[Kind | None, str], ...] = (
    ("name", r"患者姓名|姓\s*名|(?:patient\s*)?name|patient(?!\s*(?:id|no))"),
    ("id_number", r"身份证(?:号码?)?|identity\s*(?:no|number)|ID\s*(?:no|number)"),
    (
        "record_number",
        r"住院号|病历号|病案号|门诊号|就诊卡?号|检查号|影像号|登记号|MRN|record\s*(?:no|number)?|patient\s*id|accession(?:\s*(?:no|number))?|\bID",
    ),
    ("phone", r"联系电话|电\s*话|手机号?|phone|tel|mobile"),
    ("date", r"出生日期|(?:检查|报告|送检|采样|打印|就诊|开具)?(?:日期|时间)|D\.?O\.?B\.?|date\s*of\s*birth|(?:exam|study|report)?\s*date"),
    ("physician", r"(?:主治|报告|审核|检查|送检|开方|申请)?(?:医生|医师)|审核者?|报告者|(?:referring\s*)?physician|doctor|radiologist|reported\s*by"),
    ("hospital", r"医院|hospital"),
    ("bed_number", r"床位?号|\bbed(?:\s*(?:no|number))?"),
    ("address", r"地\s*址|住\s*址|address"),
    (None, r"性\s*别|年\s*龄|科\s*室|科\s*别|诊\s*断|标\s*本|sex|gender|age|department|dept|diagnosis|specimen"),
)  # fmt: skip
"""Labels on report forms: what stands after them is of that kind; None only ends a value."""
