# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""What an exact date looks like in Chinese and English text; `patterns.py` puts it into its table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

_MONTH = (
    "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    "|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?"
)
MONTHS = f"{_MONTH}|{_MONTH.upper()}"
_YEAR = r"(?:19|20)\d{2}"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_WEEKDAY = r"(?:\b(?:(?:[Mm]on|[Tt]ue(?:s)?|[Ww]ed(?:nes|s)?|[Tt]hu(?:rs?)?|[Ff]ri|[Ss]at(?:ur)?|[Ss]un)(?:day)?|MON|TUE|WED|THU|FRI|SAT|SUN)\.?,?\s+)?"
_DAY_ZH = "[一二三四五六七八九十廿卅]{1,3}"
_HOUR = "上午|下午|早上|晚上|中午|凌晨|傍晚|夜里|那天|当天|出院|入院|住院|手术|复查|复诊|做的|做了|去的|来的|开始|之前|以前|之后|以后|左右|拍|查|发|预约|就诊|[前后去来到]"
_MONTHS_ABROAD = (
    "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
    "|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|dezembro"
)
_FULL_MONTH = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
)
_ORDINAL_EN = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|twenty[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|thirtieth|thirty[- ]first"
DATES = (
    rf"\b(?:{MONTHS})[-/.]\d{{1,2}}[-/.](?:{_YEAR}|\d{{2}})(?!\d)",
    rf"\b(?:{MONTHS})\.?,?\s+['’]\d{{2}}(?!\d)",
    r"(?<![\d./-])(?:0?[1-9]|[12]\d|3[01])-(?:0?[1-9]|[12]\d|3[01])-2\d(?![\d-]|\.\d|\s*(?:mg|ml))",
    r"(?<![\d./-])(?:2\d)\.(?:0?[1-9]|1[0-2])\.(?:0?[1-9]|[12]\d|3[01])(?![\d-]|\.\d|\s*(?:mg|ml|cm|mm|%))",
    r"周[一二三四五六日天]\s?[（(，,]?\s?(?P<v>(?:0?[1-9]|[12]\d|3[01])[日号])",
    rf"(?<![\d./-])(?:0?[1-9]|1[0-2])/{_DAY}(?=\s?(?:[上下中]午|早上|晚上|凌晨|傍晚|夜间))",
    r"\b(?:the\s+)?\d{1,2}(?:st|nd|rd|th)\s+(?:inst|ult|prox)\b",
    rf"(?:月{_DAY}|月\d[日号]|月[1-3]\d[日号]?)[日号]?\s?(?:至|到|-|－|—|~|～|、|和)\s?(?P<v>{_DAY}[日号])",
    r"(?i:\b(?:fitted|installed|inserted|placed|removed|applied|started|stopped|commenced|completed|faxed|mailed|emailed|called|scanned|delivered|dispensed|expired|issued|renewed|cancelled|rescheduled|confirmed|ordered|sent|posted|received|reviewed|operated|extubated|intubated|transferred|readmitted|referred|vaccinated|swabbed|tested)\s+(?:on\s+)?)(?P<v>(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01]))(?=\s*(?:[,.;)&]|$|\n|by\b|at\b|and\b|with\b|to\b|for\b|-))(?<!/4)(?<!/5)(?<!/6)(?<!/10)",
    r"(?i:\b(?:test|scan|mri|ct|x-?rays?|xr|echo|ultrasound|uss|mammogram|colonoscopy|ogd|egd|labs?|bloods?|surgery|op|visit|appt|appointment|clinic|dose|shot|vaccine|jab|injection|cycle|chemo|infusion|refill|fill|script|note|call|message|email|letter|delivery|period|lmp|birthday)\s+(?:on\s+)?)(?P<v>(?:0?[1-9]|1[0-2])/(?:1[3-9]|2\d|3[01])|(?:1[3-9]|2\d|3[01])/(?:0?[1-9]|1[0-2]))(?=\s*(?:[,.;:)&]|$|\n|at\b|and\b|with\b|to\b|for\b|-|w/|@))",
    rf"(?<![\d/.])(?P<v>(?P<m>0?[1-9]|1[0-2])/{_DAY})(?=\s?(?:-|–|—|to|thru|through|until|till|至|到)\s?(?P=m)/{_DAY}(?![\d/]))",
    rf"(?<![\d/.])(?P<m>0?[1-9]|1[0-2])/{_DAY}\s?(?:-|–|—|to|thru|through|until|till|至|到)\s?(?P<v>(?P=m)/{_DAY})(?![\d/])",
    r"(?i:\b(?:since|seen|visit|admitted|admission|discharged?|surgery|due|appt|appointment|until|till|through|f/u|on|from|to|by|for|before|after|starting|started|exp|expires|stock|back|closed|off|leave|booked|moved|rebooked|clinic|review|collected|drawn|taken|received|reported|dated?|sent|called|phoned|next|last)\b(?:\s+(?:on|is|was|date|of|in|for))*\s*[:=]?\s*)(?P<v>(?:1[3-9]|2\d|3[01])/(?:0?[1-9]|1[0-2]))(?![\d/%]|\.\d|\s*(?i:tab|mg|ml|pain|points?|\())",
    r"(?i:\b(?:dob|d\.o\.b\.?|date\s+of\s+birth|born|birth\s?date|birthday|bday)(?:\s+(?:is|was|on))?[\s:：]*)(?P<v>\d{1,2}([./-])\d{1,2}\2\d{2,4})(?!\d)",
    r"(?<![\d/.-])(?:(?:1[3-9]|2\d|3[01])/0[1-9]|0[1-9]/(?:0[1-9]|1[1-9]|2\d|3[01]))(?![\d/%]|\.\d|\s*(?:mg|ml|tab|reps?))",
    r"(?i:\b(?:from|on|to|since|until|till|by|for|before|after|around|of|appointment|appt|booked|moved|visit|seen|until|through|starting|due|between|and)\s+)(?P<v>(?:march|may|mar)\.?\s+(?:the\s+)?\d{1,2}(?:st|nd|rd|th)?)\b(?!\.\d|%|\s*(?:mg|ml))",
    r"\b(?:jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec)\.?\s+(?:the\s+)?\d{1,2}(?:st|nd|rd|th)?\b(?!\.\d|%|\s*(?:mg|ml))",
    r"(?<!\d)\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b",
    r"(?<!\d)(?:1[0-2]|0?[1-9])\s?月\s?(?:0?[1-9]|[12]\d|3[01])(?![\d个%次片粒支针天年岁斤余多]|\.\d|\s?(?:mg|ml|kg|-\d))",
    r"[廿卅二十〇零一三四五六七八九]{2,3}年[正冬腊一二三四五六七八九十]{1,2}月(?:初?[一二三四五六七八九十廿卅]{1,3})[日号]?",
    r"(?<![一二三四五六七八九十个])(?:十[一二]?|[一二三四五六七八九])月(?:[廿卅][一二三四五六七八九]?)[日号]?",
    rf"(?:(?:上|下|本|这)?周[一二三四五六日天末]?|星期[一二三四五六日天]|礼拜[一二三四五六日天]|时间[为是]|日期[为是]|定[于在]|改[到至期]|约[在到的了]?|截[止至]|(?<![降低掉升减增达跌涨])直?到|起于|自|从|等到|安排在?|排[在到期]?|预计|计划|拟于?|将于|已于|复查|复诊|随访|拆线|手术日?|入院|出院|住院|抽血|采样|采集|接种|末次月经|LMP|预产期|生于|出生|生日|有效期至?|到期|失效|过期|记录|更新|发布|签字|签署|填写|打印)[\s:：（(]{{0,2}}(?P<v>(?:0?[1-9]|1[0-2])[/.-]{_DAY})(?![\d/%-]|\.\d|\s*(?:级|分|片|mg|ml|次|cm|mm|kg|g\b|周|个|天|岁|年|倍|℃|度|×|x|万|元|IU|U\b|h\b|克|PD|以[上下]|至|±|左右))(?<!/10)",
    rf"(?<![\d./-])(?:0?[1-9]|1[0-2])[/.]{_DAY}(?=\s*(?:[01]?\d|2[0-3])[:：][0-5]\d|(?:上|下|中)午|早|晚|凌晨|\s?(?:进舱|出舱|入舱|进仓|出仓|入院|住院|出院|手术|复查|复诊|拆线|抽血|接种|出生|生日|预产|移植|化疗|放疗|入组|回访|随访|取报告|拿报告|拿结果|开奶|转科|转院|到期|截止|开刀|做手术|开始停|之前|以前|之后|以后))",
    rf"(?<!\d)(?:{_YEAR}|\d{{2}})年(?:0?[1-9]|1[0-2])月{_DAY}(?!\d)",
    rf"(?<![\d.]){_YEAR}[\s.-]+(?:{MONTHS})\.?[\s.-]+{_DAY}(?:st|nd|rd|th)?(?!\d)",
    r"(?<![\d-])(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])-\d{2}(?![\d-]|\s*(?:mg|ml))",
    r"(?<![\d-])(?:0[1-9]|[12]\d|3[01])-(?:0[1-9]|1[0-2])-\d{2}(?![\d-]|\s*(?:mg|ml))",
    rf"(?<![\d/.-])(?:0?[1-9]|1[0-2])/{_DAY}(?=,?\s*(?:@|at)?\s*(?:(?:[01]?\d|2[0-3])[:：][0-5]\d|(?:1[0-2]|[1-9])\s?[ap]\.?m\b))",
    r"(?i:\b(?:w/c|w/e|week\s+(?:of|commencing|ending|beginning)|wk\s+of|clinic|exp|expiry|expires|rv|r/v|f/u|fu|rtc|sched(?:uled)?|booked|bkd|rebooked|moved\s+to|dos|dob|lmp|edd|edc|adm|d/c|dc['’]?d|disch|tx|rx'?d|fill(?:ed)?|refill(?:ed)?|dispensed|signed|dated?|post-?op|pre-?op|last\s+(?:dose|seen|visit|bm)|next\s+(?:appt|visit|dose)|expected|planned\s+for|closed|out\s+until|back|away|out|due|leave|holiday|swap|rota)\b[\s:=]*)(?P<v>(?:0?[1-9]|1[0-2]|[12]\d|3[01])/(?:0?[1-9]|1[0-2]|[12]\d|3[01]))(?![\d/%]|\s*(?i:tab|mg|ml|pain|cm|mm|\())(?<!/10)",
    rf"\b(?i:(?:the\s+)?(?:{_ORDINAL_EN})\s+(?:day\s+)?of\s+(?:{MONTHS}))\b(?:,?\s+{_YEAR})?",
    rf"\b(?i:(?:{_FULL_MONTH})\s+(?:the\s+)?(?:{_ORDINAL_EN}))\b(?:,?\s+{_YEAR})?",
    r"\b(?i:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+(?:the\s+)?(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)\b",
    rf"(?<![\dA-Za-z]){_DAY}[-/.\s](?:i{{1,3}}|iv|vi{{0,3}}|ix|xi{{0,2}}|I{{1,3}}|IV|VI{{0,3}}|IX|XI{{0,2}})[-/.\s]{_YEAR}(?!\d)",
    rf"(?<![\d.])\d{{2}}(?:{_MONTH.upper()})\d{{2,4}}(?!\d)",
    r"(?<![\d/.])(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?=[上下中]午|早上|晚上|凌晨|傍晚|[号日])",
    r"[廿二十〇零一三四五六七八九]{2,3}年[正冬腊一二三四五六七八九十]{1,2}月(?:初?[一二三四五六七八九十廿]{1,3})[日号]?",
    r"(?i:\b(?:DOB|date\s+of\s+birth|born|birth\s*date))\s*[:：]?\s*(?P<v>\d{8}|\d{6})(?!\d)",
    rf"(?<!\d)\d{{1,2}}(?:er|º|\.)?\s+(?:de\s+)?(?i:{_MONTHS_ABROAD})\b(?:\s+(?:de\s+)?{_YEAR})?",
    r"\b(?:[Mm]on|[Tt]ues?|[Ww]ed|[Tt]hu(?:rs)?|[Ff]ri|[Ss]at|[Ss]un)(?:day|nesday|rsday|urday)?,?\s+\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?(?![\d/])",
    r"(?<![\d.])(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.(?:1[5-9]|2\d|3[0-5])(?![\d]|\.\d|\s*(?:mg|ml|cm|mm))",
    r"[贰零〇壹叁肆伍陆柒捌玖]{4}年[零壹贰叁肆伍陆柒捌玖拾]{1,3}月(?:[零壹贰叁肆伍陆柒捌玖拾]{1,4}[日号])?",
    r"(?<![一二三四五六七八九十个])(?:十[一二]|[一二三四五六七八九十])月(?:十[一二三四五六七八九]|二十[一二三四五六七八九]?|廿[一二三四五六七八九]?|三十一?)(?![个天月年岁多余斤次一二三四五六七八九十])",
    r"(?:上次|上回|那次|这次|就诊|复查|复诊|检查|从|自)(?:是|于|在)?\s*(?P<v>(?:0?[1-9]|1[0-2])\.(?:[0-2]\d|3[01]|[1-9]))(?=[\s，,。日号来去做看我到]|$)",
    rf"(?<!\d)(?:{_YEAR}|\d{{2}})\s*年\s*\d{{1,2}}\s*月(?:\s*\d{{1,2}}\s*[日号]?)?",
    rf"[二〇○零一三四五六七八九]{{4}}年{_DAY_ZH}月(?:{_DAY_ZH}[日号])?",
    rf"[一二三四五六七八九十]{{1,2}}月{_DAY_ZH}[日号]",
    r"(?:农历|阴历|旧历|闰)?(?:正|腊|冬|[一二三四五六七八九十]{1,2})月(?:初[一二三四五六七八九十]|[廿卅][一二三四五六七八九]?)",
    rf"(?:农历|阴历|旧历|闰|(?=[正腊冬]))(?:正|腊|冬|{_DAY_ZH}|\d{{1,2}})月(?:初|二十|三十|十|廿)?[一二三四五六七八九十\d]{{0,2}}",
    r"(?:本|这个|上个?|下个?|当)月(?:\d{1,2}|[一二三四五六七八九十]{1,3})[日号](?!楼|床|诊|门|线|病)",
    r"(?:(?:日期|时间|记录|入院|出院|手术|检查|复查|就诊|首诊|术后|于)\s*[:：]?\s*)(?P<v>\d{2}\.(?:0?[1-9]|1[0-2])\.(?:0?[1-9]|[12]\d|3[01]))(?![\d]|\.\d)",
    rf"(?<![\d.])\d{{2}}\.(?:0?[1-9]|1[0-2])\.{_DAY}(?=\s+\d{{1,2}}[:：]\d{{2}})",
    rf"(?:日期|时间|入院|出院|手术|就诊|复诊|复查|预约|于|出生)\s*[:：]?\s*(?P<v>(?:0?[1-9]|1[0-2])[/-]{_DAY})(?![\d/%-]|\.\d|\s*(?:级|分|片|mg|ml|次))(?<!/5)(?<!/10)",
    r"(?i:\b(?:LMP|DOB|DOS|EDD|EDC|date|dated|since|seen|visit|admitted|admission|discharged?|surgery|due|appt|appointment|until|through|f/u|on|born|drawn|collected|starting|started|exp|expires)\b(?:\s+(?:on|is|was|date|of|in|for))*\s*[:=]?\s*)(?P<v>(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01]))(?![\d/%]|\s*(?i:tab|mg|ml|pain|\())(?<!/10)",
    r"(?i:\b(?:from|by|before|after|till|last|next|back|again|and|to|taken|done|given)\s+)(?P<v>(?:0?[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01]))(?![\d/%]|\s*(?i:tab|mg|ml|pain|\())(?<!/10)",
    rf"(?i:\b(?:from|on|since|by|until|till|before|after|dated?|dob|born|am|vom|le)\b[\s:]*)(?P<v>{_DAY}\.(?:0?[1-9]|1[0-2])\.)(?=\s*[a-zà-ü\d,;)]|\s*\n)",
    r"(?<!\d)\d{1,2}\s*月\s*\d{1,2}\s*[日号]",
    rf"(?<![\d./-])(?:0?[1-9]|1[0-2])[./-]{_DAY}[号日](?!楼|床|线)",
    rf"(?<![\d第A-Za-z./~～至到-]){_DAY}号(?={_HOUR})",
    rf"(?<![\d.]){_YEAR}([-/.])\d{{1,2}}\1\d{{1,2}}(?![\d])",
    rf"(?<![\d./-]){_YEAR}[-/](?:0?[1-9]|1[0-2])(?![\d/-]|\.\d)",
    rf"(?<![\d./-])(?:0?[1-9]|1[0-2])/{_YEAR}(?![\d/])",
    rf"(?<![\d.]){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d|\.\d)",
    r"(?<![\d-])\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?![\d-])",
    rf"(?<![\d/])(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])/{_YEAR}(?!\d)",
    r"(?<![\d/.])(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])/\d{2}(?![\d/]|\.\d)",
    rf"(?<![\d-])(?:0?[1-9]|[12]\d|3[01])-(?:0?[1-9]|[12]\d|3[01])-{_YEAR}(?!\d)",
    rf"(?<![\d.])(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|[12]\d|3[01])\.{_YEAR}(?![\d]|\.\d)",
    rf"{_WEEKDAY}\b(?:{MONTHS})\.?\s+(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?(?:\s*,?\s*{_YEAR})?(?!\d|\.\d|%|\s*(?:mg|mcg|g|ml|mL|tablets?|times|of)\b)",
    r"\b(?:january|february|april|june|july|august|september|october|november|december)\s+(?:the\s+)?\d{1,2}(?:st|nd|rd|th)?\b(?!\.\d|%)",
    rf"(?<!\d)\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?i:january|february|march|april|june|july|august|september|october|november|december)\b(?:,?\s+{_YEAR})?(?!\d)",
    rf"(?<!\d)\d{{1,2}}[-/.]?(?:{MONTHS})[-/.]?(?:{_YEAR}|\d{{2}})(?!\d)",
    rf"{_WEEKDAY}(?:\b[Tt]he\s+)?(?<!\d)\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{MONTHS})\b\.?(?:,?\s+(?:{_YEAR}|['’]\d{{2}}))?(?!\d)",
    rf"\b(?:{MONTHS})\.?,?\s+(?:of\s+)?{_YEAR}(?!\d)",
    r"(?i:\b(?:on|for|by|until|since|from))\s+(?P<v>the\s+\d{1,2}(?:st|nd|rd|th))(?=\s*(?:[,.;?!)]|$|and\b|at\b|of\s+(?:this|last|next)|but\b))",
)
"""Patterns; group `v`, where there is one, is the date."""


def is_real_date(value: str) -> bool:
    """Refuses what cannot be a date, as 13月 or day 45."""
    numbers = [int(n) for n in re.findall(r"\d+", value)]
    if len(numbers) == 3 and numbers[0] > 31:
        try:
            return bool(date(*numbers))
        except ValueError:
            return False
    if "月" in value and value[0].isdigit():
        month, *day = numbers[1:] if "年" in value and numbers else numbers or [1]
        return 1 <= month <= 12 and all(1 <= d <= 31 for d in day)
    if len(numbers) == 3 and re.fullmatch(r"\d{1,2}([/.-])\d{1,2}\1\d{2}", value):
        return all(1 <= n <= 31 for n in numbers[:2])
    return all(
        1 <= n <= 31 or n >= 1900 or "年" in value or "'" in value or "’" in value for n in numbers
    )


_DATED_LINE = re.compile(
    rf"(?m:^)[ \t*•-]*(?P<v>(?:0?[1-9]|1[0-2])[/.-]{_DAY}|{_DAY}/(?:0?[1-9]|1[0-2]))(?=[ \t]+[^\d\s%]|[:：])"
)


def detect_dated_lines(text: str) -> Iterator[tuple[int, int]]:
    """Places of dates without a year that begin two lines at least: 3/11 拆线, 3/12 换药."""
    lines = list(_DATED_LINE.finditer(text)) if text.count("\n") else []
    if len(lines) > 1:
        yield from (found.span("v") for found in lines)
