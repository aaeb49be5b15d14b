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
from typing import Literal

from pulsemind.data.addresses import ADDRESSES, STATE
from pulsemind.data.dates import DATES, is_real_date
from pulsemind.data.finder import Finder, finder
from pulsemind.data.known_names import is_ordinary
from pulsemind.data.wordlists import words

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


_RECORD_ZH = (
    "住院号码?|病历号码?|病案号|门诊号|就诊卡?号|登记号|检查号|影像号|放射号|超声号|病理号|医保卡?号|社保卡?号"
    "|标本号|条码号|处方号|档案号|流水号|ID号|报告编号|申请单号|X光号|CT号|MR号|挂号单号|社保(?:电脑|卡)?号|电脑号|单号|编号|保单号|工号|标本编号|病人ID|患者ID|号码|卡号"
    "|(?<![批准型字文])(?:[样标体案件订运取排病诊卡单证片图床冻蜡切筛检麻透建母婴孕册学警接报受]|条形|随访|体检|理赔|快递|订单|验证|保险|参保|发票|收据|申请|预约|挂号|排队|透析|手术|麻醉|输血|血袋|献血|接种|疫苗本|健康卡|就医|诊疗|登陆|用户|会员|客户|家庭|医案|器械|设备|腕带)(?:本|件|卡|单|证|片|码|册)?(?:序列)?(?:号码?|编号|ID|No\.?)"
)
_RECORD_EN = (
    r"MRN|(?:medical\s+)?record\s*(?:number|no\.?|#)|patient\s*(?:ID|number|no\.?)|chart\s*(?:number|no\.?|#)"
    r"|hosp(?:ital)?\s*(?:number|no\.?|ID|#)|accession\s*(?:number|no\.?|#)?|account\s*(?:number|no\.?)"
    r"|(?:case|specimen|sample|encounter|visit|policy|member(?:ship)?|claim|episode|NHS|report|exam|referral|order|request|requisition|invoice|receipt|tracking|ticket|booking|confirmation|authori[sz]ation|auth|pre-?auth|serial|barcode|lab|unit|donor|study|trial|subject|enrol+ment|registration|reg|file|reference|ref|folio|employee|staff|badge|student|customer|client|device|implant|lot|UR|URN|HN|PID|FIN|CSN|HAR|EMPI|MPI|PAS|CRN|CHI|RXN|Rx|prescription|script|biopsy|slide|block|path(?:ology)?|cytology|histology|radiology|film|image|scan|consignment|parcel|delivery|voucher|licen[cs]e|certificate|permit|card|pass)\s*(?:number|num|nr|no\.?|№|ID|code|ref(?:erence)?|#)"
    r"|admission\s*(?:number|no\.?)|insurance\s*(?:number|no\.?|ID)|group\s*(?:number|no\.?|#|ID)|medicare\s*(?:number|no\.?|#|ID)|SSN|social\s+security\s+number"
    r"|(?:claim|policy|Rx|ref(?:erence)?|accession|URN?|CRN|CHI|CSN|FIN|PID|invoice|order|ticket|booking|tracking|specimen|sample|case|encounter|file|barcode)(?=\s*[:#]?\s*[A-Z]{0,4}-?\d{2})"
)
_IDENTITY = r"aadha+r|PAN(?:\s+card)?|NRIC|FIN|MyKad|IC|NINO|national\s+insurance|CPF|RG|DNI|NIE|CURP|RFC|NSS|INE|cedula|cédula|RUT|Emirates\s+ID|Iqama|civil\s+ID|BSN|SIN|SSN|PESEL|CNP|OIB|CNIC|NID|HKID|TFN|IHI|NHI|DVA|Medicare|Medicaid|PPS(?:N)?|CHI|H&C|health\s*card|OHIP|RAMQ|PHN|ID\s*card|voter\s+ID|ration\s+card|ABHA|ayushman|resident\s+registration|identity\s+card|personal\s+(?:number|code|ID)|tax\s+(?:number|ID|file)|citizen(?:ship)?\s+ID|military\s+ID|visa|green\s+card|NPI|DEA|GMC|NMC|social\s+(?:security|insurance)|work\s+permit|birth\s+certificate|driver['’]?s?|driving\s+licen[cs]e|DL"
_IS = r"[\s:：#是为号码]*(?:is|was|no\.?|number)?[\s:：#]*"
_HANDLE_ZH = "V信|V号|微信|威信|薇信|v信|vx|wx|QQ|扣扣|抖音|小红书|快手|微博|支付宝|知乎|哔哩哔哩|B站|公众号|陌陌|探探|淘宝|钉钉|飞书|游戏|快手号|视频号|头条|贴吧|豆瓣|虎扑|闲鱼|拼多多|京东|美团|企鹅号|企业微信|企微|KakaoTalk|WhatsApp|Instagram|Facebook|Telegram|推特|脸书|Skype|登录名|用户名|登陆名|昵称|网名"
_HANDLE_EN = "wechat|weixin|instagram|insta|twitter|facebook|snapchat|telegram|tiktok|whatsapp|skype|discord|linkedin|youtube|reddit|user\\s?name|screen\\s?name|handle|kik|venmo|paypal|cash\\s?app|zelle|signal|viber|kakao(?:talk)?|threads|bluesky|mastodon|twitch|steam|gamertag|psn|xbox|pinterest|tumblr|strava|fitbit|mychart|patient\\s+portal|portal|zoom|teams|slack|weibo|qq|douyin|line|messenger|fb|login|log-in|log\\s+in|username|userid|user\\s?id|user"
_ELDER = "grandmother|grandfather|grandma|grandpa|granny|gran|nan|nana|nanna|granddad|grandad|mother|father|aunt|uncle|husband|wife|patient|pt|neighbou?r|mother-in-law|father-in-law"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_HOSPITAL_WORD = (
    r"(?:(?:St|Ste|Mt|Ft)\.|[A-ZÀ-Þ][A-Za-zÀ-ÿ'’]*(?:-[A-ZÀ-Þ][A-Za-zÀ-ÿ]+)*|&|and|of|the|at)"
)
_HOSPITAL_EN = (
    r"Hospitals?|Institute|(?:Women['’]s|Men['’]s|Family|Behaviou?ral|Mental|Community|Sexual|Public|Children['’]s)\s+Health|(?:Medical|Cancer|Heart|Surgery|Surgical|Health(?:care)?|Orthop(?:a)?edics?|Eye|Dental|Dialysis|Renal|Imaging|Diagnostic|Rehab(?:ilitation)?|Wellness|Care|Birth|Birthing|Fertility|Spine|Pain|Sleep|Stroke|Trauma|Burns?|Wound|Infusion|Women['’]s|Children['’]s|P(?:a)?ediatric|Community|Nursing|Treatment|Recovery|Counsel+ing|Psychiatric|Maternity|Radiology|Vascular|Cardiac|Hearing|Vision|Laser|Skin|Allergy|Family)\s+(?:Cent(?:er|re)|Institute|Group|Associates|Unit)"
    r"|Clinics?|Polyclinic|Infirmary|Hospice|(?:Nursing|Care|Rest|Residential)\s+(?:Home|Facility|Centre|Center)|(?:Skilled\s+)?Nursing(?:\s+(?:and|&)\s+\w+)?\s+(?:Facility|Center|Centre|Home)|Rehabilitation(?:\s+(?:Center|Centre|Hospital|Facility))?|Assisted\s+Living|Memory\s+Care|Health\s+System|Healthcare|(?:Medical|Family|Group|Dental|GP|Eye|P(?:a)?ediatric|Veterinary)\s+(?:Practice|Surgery|Clinic|Group|Associates)|Surgery|Practice|Health\s+(?:Centre|Center|Board|Trust|Service|Network|Partners)|Urgent\s+Care|Walk-[Ii]n(?:\s+Centre)?|Pharmacy|Apothecary|Chemists?|Drugstore|Drugs|Opticians?|Laborator(?:y|ies)|Labs|Diagnostics|Associates|Partners|Consultants|Specialists|Physicians|Unit|Lodge|Manor|Imaging|Radiology|Dermatology|Cardiology|Oncology|Orthop(?:a)?edics|Obstetrics|P(?:a)?ediatrics|Urology|Neurology|Dentistry|Dental(?:\s+Care)?|Physiotherapy|Medicine|Legesenter|Krankenhaus|Klinik(?:um)?|Sanatorium|Maternity|NHS(?:\s+Foundation)?(?:\s+Trust)?|Foundation\s+Trust|Hôpital|Ziekenhuis|Sjukhus|Nursing\s+School|Dispensary|Birthing\s+Center|Blood\s+Bank|Day\s+Surgery"
)
_PLACE_WORDS = frozenset(re.findall(r"[A-Z]\w+", _HOSPITAL_EN))
_WEAK_KINDS = frozenset(
    [
        "Surgery",
        "Practice",
        "Medicine",
        "Dermatology",
        "Cardiology",
        "Oncology",
        "Orthopedics",
        "Orthopaedics",
        "Obstetrics",
        "Pediatrics",
        "Paediatrics",
        "Urology",
        "Neurology",
        "Dentistry",
        "Radiology",
        "Imaging",
        "Labs",
        "Drugs",
        "Dental",
        "Care",
        "Diagnostics",
        "Maternity",
        "Associates",
        "Group",
        "Unit",
        "Living",
        "Partners",
        "Consultants",
        "Specialists",
        "Physicians",
        "Lodge",
        "Manor",
    ]
)
"""Names of places as well as of fields: a word beside them must be of no ordinary language."""
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


def _is_no_range(value: str) -> bool:
    """A long number; one in groups has eight digits at least, as no row of results has."""
    return value.isdigit() or sum(map(str.isdigit, value)) >= 8


def _is_no_field_name(value: str) -> bool:
    """Whether a part of words joined by lines is none of ordinary language, as in a handle."""
    return not all(is_ordinary(part) for part in value.split("_") if part)


def _is_internet_address(value: str) -> bool:
    """Four numbers that fit into a byte; small ones alone are the number of a section."""
    numbers = [int(number) for number in value.split(".")]
    return max(numbers) <= 255 and sum(number > 9 for number in numbers) >= 2


def _hospital_en(value: str) -> bool:
    """Whether one of its words is none of everyday and medical language."""
    proper = [
        word
        for word in re.findall(r"[A-ZÀ-Þ][\w'’-]*", value)
        if word not in _CLINICAL_HEADS
        and word not in words("clinics_en.txt")
        and word not in _PLACE_WORDS
    ]
    weak = value.split()[-1] in _WEAK_KINDS
    long = len(value.split()) > 2
    return any(not weak or long or not is_ordinary(word) for word in proper)


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
        rule("url", r"(?<![\d.])(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})(?![\d.])", _is_internet_address),
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
        rule("phone", r"(?:电话|手机|短号|小灵通|座机|固话|热线|号码|联系|致电|拨打?|呼|call|ring|phone|text|cell|ext\.?|extension|pager|bleep|beep|分机|tel)[^\d\n]{0,6}?(?P<v>\d{4,8}(?:[-转]\d{2,5})?)(?!\d|[.%]|\s*(?:mg|ml|元|次|年|天|days?|times|hours?))", flags=anycase),
        rule("phone", r"(?<![\d.])0\d{2,4}\.\d{3,4}\.\d{3,4}(?![\d.])"),
        rule("phone", r"分机[:：]?\s*(?P<v>\d{1,4}-\d{2,5})"),
        rule("phone", r"(?<![\d.])[569]\d{3}\s\d{4}(?![\d.]|\s\d)"),
        rule("phone", r"(?<![\d.A-Za-z/-])[2-9]\d{9}(?![\d.]|\s*(?:/|cells|copies|IU|CFU))"),
        rule("phone", r"(?<![\d.])(?:\+|00)\d{1,3}[\s.-]?\(?\d{1,4}\)?(?:[\s.-]?\d{2,4}){2,4}(?:\s*(?:x|ext\.?)\s*\d{2,6})?(?!\d)"),
        rule("phone", r"(?<![\d.-])(?:\+?1[-.\s]?)?(?:\(\d{3}\)[\s.-]?|\d{3}[-.\s])\d{3}[-.\s]\d{4}(?:\s*(?:x|ext\.?)\s*\d{2,6})?(?![\d-])"),
        rule("phone", r"(?:电话|手机|联系方式|tel|phone|mobile|call\s+me|fax)[^\d\n]{0,12}(?P<v>\+?\d[\d\s()-]{5,17}\d)", flags=anycase),
        rule("account", rf"(?<![A-Za-z])(?:{_HANDLE_ZH})(?!(?<=[A-Za-z])[A-Za-z])(?:号码?|ID|账号|昵称|名)?[\s:：是为叫]*(?P<v>@?[A-Za-z0-9_.-]{{4,}}[A-Za-z0-9_])", flags=anycase),
        rule("account", rf"\b(?:{_HANDLE_EN})(?:\s+(?:as|at|id|name|account|handle))?(?:\s+is)?[\s:：]*(?P<v>@[\w.-]{{2,}}|(?=[a-z._-]*\d)[\w.-]{{4,}})", flags=anycase),
        rule("account", r"(?<![A-Za-z0-9_@.])@[\w一-龥]{2,12}?(?=发|里|上|$|[^\w])"),
        rule("account", r"(?:昵称|网名|微信名|备注名?|群名片?|用户名|账号名?|名称|号叫|ID)(?:是|叫|为|[:：])?\s*[\"“「『'《](?P<v>[^\"”」』'》\n]{1,20})[\"”」』'》]"),
        rule("account", r"(?<![A-Za-z0-9@./_-])(?=[A-Za-z0-9_.]*\d)(?=[A-Z0-9_.]*[a-z])(?![cgmnpr]\.)[A-Za-z][A-Za-z0-9.]*_[A-Za-z0-9_.]*[A-Za-z0-9](?![A-Za-z0-9@])"),
        rule("account", r"(?<![A-Za-z0-9@./_-])[a-z]{2,}[0-9]*_[a-z]{2,}[a-z0-9_]*(?![A-Za-z0-9@(])", _is_no_field_name),
        rule("account", r"\d{1,2}:\d{2}(?:\s?[ap]m)?\]?\s*[-–]?\s*(?P<v>[a-z0-9]+[_.][a-z0-9_.]+)(?=\s?:)"),
        rule("account", r"(?:操作员|操作人|登录人?|用户|账户|工号)\s*[:：]?\s*(?P<v>[a-z][a-z0-9._-]{3,20})(?![A-Za-z])"),
        rule("account", r"(?<![A-Za-z0-9/])[ur]/[A-Za-z0-9_-]{3,25}"),
        rule("account", r"(?<![\d.-])\d{4}(?:[ -]\d{4}){2,4}(?:[ -]?\d{1,4})?(?![\d.])"),
        rule("account", r"\b(?i:user|member|username|login|handle|posting\s+as|posted\s+by|alias|screen\s?name|nickname|nick)(?i:\s+(?:is|as|id|name))?[\s:]+[\"“']?(?P<v>@?(?=[A-Za-z0-9.-]*[_.\d])[A-Za-z][A-Za-z0-9_.-]{3,29}[A-Za-z0-9])"),
        rule("account", r"(?:账号|帐号|用户名|我的号码?)(?:是|为|[:：])\s*(?P<v>(?=[A-Za-z_.-]*[\d_])[A-Za-z][A-Za-z0-9_.-]{4,})(?![A-Za-z0-9])"),
        rule("account", r"\b(?:insta|snap|ig|tiktok|twitter|skype|discord|telegram|kik|venmo|username|handle|zoom)(?:\s*/\s*\w+)?\s*(?:(?:id|name|handle|account)\s*)?(?:\bis\b|[:=])\s*(?P<v>@?[a-z][\w.:-]{3,29}\w)", flags=anycase),
        rule("account", r"(?<![\w@.])@[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])(?![\w@])"),
        rule("account", r"(?:银行卡|信用卡|储蓄卡|卡号|账号|账户|帐号|帐户)(?:号码?)?[\s:：是为]*(?P<v>[A-Za-z0-9_@](?:[A-Za-z0-9_. -]{2,24}[A-Za-z0-9]))"),
        rule("account", r"\b(?:account|card|iban)(?:\s*(?:number|no\.?|#|id))?(?:\s+is)?[\s:]*(?:[a-z ]{0,40}?\s)?(?P<v>@[\w.-]{3,}|(?-i:(?=[A-Z0-9 -]*\d{4})[A-Z0-9](?:[A-Z0-9 -]{4,30}[A-Z0-9])))", flags=anycase),
        rule("plate", rf"[{_PROVINCES}][A-HJ-NP-Z]\s?[·•.\-]?\s?(?=[A-Z]*\d)[A-HJ-NP-Z0-9]{{4,5}}(?:[挂学警港澳]|[A-HJ-NP-Z0-9](?![A-Za-z0-9]))"),
        rule("plate", rf"[{_PROVINCES}][A-HJ-NP-Z]\s?[·•.\-]?\s?[A-HJ-NP-Z]?\s?[·•.\-]?\s?\d{{5}}(?!\d)"),
        rule("plate", rf"(?i:plates?|licen[cs]e)[^.\n]{{0,50}}?\b(?P<v>{STATE}\s[A-Z0-9]{{2,4}}-?[A-Z0-9]{{2,4}})\b"),
        rule("plate", r"(?<![A-Z0-9])[A-Z]{2}\d{2}\s[A-Z]{3}(?![A-Za-z0-9])", lambda v: v[:2] not in {"CT", "MR", "US", "BP"}),
        rule("plate", r"(?<![A-Z0-9])\d[A-Z]{3}\d{3}(?![A-Za-z0-9])"),
        rule("plate", rf"\b(?i:car|vehicle|truck|pickup|van|suv|sedan|motorcycle|motorbike|bike|scooter|taxi|cab|ambulance|lorry|minivan|jeep|bus|parked|rego?|plates?|tags?)\W+(?:(?i:is|was|a|an|the|number|no\.?|plates?|tags?|reg(?:istration)?|in|grey|gray|white|black|blue|red|silver|green)\W+){{0,4}}(?P<v>(?:{STATE}\s)?(?=[A-Z -]*\d)(?=[\d -]*[A-Z])[A-Z0-9]{{1,4}}[ -]?[A-Z0-9]{{2,4}}(?:[ -]?[A-Z0-9]{{1,4}})?)\b"),
        rule("plate", r"\b(?i:(?:licen[cs]e|number|car|vehicle|DL)?\s*(?:plates?|tag|reg(?:istration)?)(?:\s*(?:number|no\.?|#))?)(?:\s+(?:is|was|reads?))?[\s:,#]*(?P<v>(?=[A-Z -]*\d)(?=[\d -]*[A-Z])[A-Z0-9]{1,4}[ -]?[A-Z0-9]{2,4}(?:[ -]?[A-Z0-9]{2,3})?)\b"),
        rule("record_number", rf"(?:{_RECORD_ZH}){_IS}(?P<v>[A-Za-z]{{0,4}}-?\d[\dA-Za-z-]{{2,}})(?!\s*(?:mg|ml|次|片))", flags=anycase),
        rule("record_number", rf"\b(?:{_RECORD_EN}){_IS}(?P<v>[A-Z]{{0,4}}-?\d[\dA-Z-]{{2,}})", flags=anycase),
        rule("id_number", r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b"),
        rule("record_number", r"[一-龥]{1,6}号[\s:：是为]*(?P<v>[A-Z]{1,4}-?\d{3,}[\dA-Z-]*)(?!\s*(?:mg|ml))"),
        rule("record_number", r"(?i:\b(?:no\.?|number|#|donor|sample|specimen|ref|prison|badge))\s*[:.]?\s*(?P<v>[A-Z]{1,4}[ ,.-]?\d{2,}(?:[.,/-]?[\dA-Z]+)*)(?![A-Za-z]|\.\d|\s*(?:mg|ml|cells))", lambda v: sum(map(str.isdigit, v)) >= 4),
        rule("record_number", r"(?<![A-Za-z])(?P<v>(?:MRN|ZY|BL)-?\d{5,})"),
        rule("record_number", r"\b(?i:[A-Za-z]{2,14}\s?(?:no\.?|number|num\.?|nr\.?|#|ID|code|ref(?:erence)?))\s*(?:is|[:.#])?\s*(?P<v>(?=(?:[A-Z/ -]*\d){4})[A-Z0-9][A-Z0-9/-]{3,22})(?![A-Za-z0-9]|\.\d|\s*(?:mg|ml|cells))"),
        rule("record_number", rf"\b(?i:{_RECORD_EN}|file|policy|claim|number|no\.)(?:\s+is)?[\s:#]*(?P<v>(?:[A-Z]{{1,4}}[ -]?)?\d{{2,4}}(?:[ -]\d{{2,4}}){{1,4}}(?:\s?[A-Z]\b)?)(?![\d%/]|\.\d|\s*(?:mg|ml))"),
        rule("record_number", r"(?<![A-Za-z0-9.-])(?P<v>(?!NCT|ISRCTN|NM|NP|NC|CAS|RS|GSE|PMID|ICD|LOINC|ISBN|ISO|H2|Z2|S2|J2|B2)(?=(?:[A-Z/-]*\d){6})(?=[\d/-]*[A-Z])[A-Z0-9]+(?:[-/][A-Z0-9]+)*)(?![A-Za-z0-9%]|\.\d)"),
        rule("record_number", r"(?<![\d.,A-Za-z+-])(?P<v>\d{9,20}|\d{2,6}(?:-\d{2,7}){2,4})(?![\d.%]|\s*(?:/|cells|copies|IU|CFU|mg|ml|×|x10))", _is_no_range),
        rule("bed_number", r"(?<![\d.])(?P<v>[A-Z]?\d{1,3}(?:-\d{1,2})?)\s*号?\s*(?:病床|床(?!次|旁|头))"),
        rule("bed_number", r"(?<![\d.])(?P<v>[A-Z]?\d{1,4}(?:-\d{1,2})?)\s*(?:号病房|病房|病室|病区|房间|诊室|号房)"),
        rule("bed_number", r"(?<![\d.])(?P<v>(?:[A-Z]|\d)[\d-]{0,4}\d)\s*(?:房)(?![颤性间室扑缺早水角])"),
        rule("bed_number", r"(?P<v>[加临抢]\s?-?\d{1,3}|[一二三四五六七八九十]{1,3})\s*(?:号?病?床)(?!次|旁|头|上|边)"),
        rule("bed_number", r"(?:床位?号?|房号?|房间号?|病房号?|病区|诊室|病室|包间)\s*(?:[:：]|是|为|[ \t])[ \t]*(?P<v>[A-Za-z]{0,4}-?\d[\dA-Za-z+-]{0,7})(?!\d|[:：./%]|\s*(?:年|月|天|次|张|mg|个|人|小时))"),
        rule("bed_number", r"(?P<v>[甲乙丙丁]-?\d{1,3})(?=[室床房号])"),
        rule("bed_number", r"[一-龥]科\s?(?P<v>\d{2})(?=[\s　床，,。]|$)"),
        rule("bed_number", r"(?i:\bbeds)\s+(?P<v>\d{1,3})\b"),
        rule("bed_number", r"(?i:\bbeds)\s+\d{1,3}\s*(?:and|&|,|/|to|-)\s*(?P<v>\d{1,3})\b"),
        rule("bed_number", r"(?<![\d.])(?P<v>[A-Z]?\d{1,3}\+\d{1,2})(?=\s*床)"),
        rule("bed_number", r"(?<![A-Za-z])(?P<v>(?:[A-Z]?[CN]?ICU|CCU|PICU|RICU|MICU|SICU|HDU|PACU|ED|ER|LDR|OR)\s?[-#]?\s?\d{1,3}[A-Z]?)(?:床)?(?![\dA-Za-z.])"),
        rule("bed_number", r"床(?:位号?|号)[\s:：是为]*(?P<v>[A-Z]?\d{1,4}(?:-\d{1,3})?)"),
        rule("bed_number", r"\b(?i:ward|room|rm\.?|bay|cubicle|cube|unit|trolley|chair|stretcher|side\s?room|isolation|theatre|OR)\s*(?:(?i:number|no\.?|#)|[:：])?\s*(?P<v>\d{2,4}[A-Z]?(?:-[A-Z\d]{1,2})?|\d[A-Z](?:-\d{1,2})?|[A-Z]-?\d{1,3}(?:-\d{1,2})?)\b(?!\s*(?:air|degrees|%|L\b|hours?|days?|mg|ml|units?|x\b|\.\d))"),
        rule("bed_number", r"(?i:\b(?:ward|side\s?room|cubicle|bay|trolley|isolation\s+room|theatre|dialysis\s+(?:chair|station)))\s*(?:(?i:number|no\.?|#)|[:：])?\s*(?P<v>[A-Z]?\d{1,2}|[A-H])\b(?!\s*(?:%|L\b|hours?|days?|mg|ml|am\b|pm\b))"),
        rule("bed_number", r"(?i:\broom)\s*(?:(?i:number|no\.?|#)|[:：])?\s*(?P<v>\d{1,2})\b(?=\s*(?:[,.;)]|$|\n|asked|asks|bed|is|wants|needs|has|on|at|for|with|of|and\b))"),
        rule("bed_number", r"(?m:^|[.:;,]\s)\s*(?P<v>\d{1,2}[A-Z]?|[A-Z]\d{1,2})\s*[-–—]\s*(?:empty|vacant|closed|cleaning|awaiting|new\s+admission|[A-Z][a-z]+(?:\s[A-Z][a-z]+)?(?:,|\s*\())"),
        rule("bed_number", r"(?i:\bbed)\s*(?i:number|no\.?|#)\s*(?:is|:)?\s*(?P<v>[A-Z]?-?\d{1,4}[A-Z]?(?:-\d{1,2})?)"),
        rule("bed_number", r"(?i:\bbed)\s*[:：]?\s*(?P<v>[A-Z]?\d{1,4}[A-Z]?)\b(?!\s*(?:days?|hours?|weeks?|months?|times|nights?|h\b|-))"),
        *(rule("address", pattern) for pattern in ADDRESSES),
        rule("hospital", rf"\b(?P<v>(?=[A-ZÀ-Þ])(?:{_HOSPITAL_WORD}\s+){{1,5}}(?:{_HOSPITAL_EN})(?:\s+(?:of|at)\s+(?:[A-Z][a-z]+\s?){{1,3}})?)(?![a-z])", _hospital_en),
        rule("hospital", r"\bHM[PY](?:OI)?\s+[A-Z]\w+(?:\s+(?:healthcare|health\s?care|medical)(?:\s+(?:wing|unit|centre|department))?)?"),
        rule("hospital", r"\b(?P<v>(?:St|Saint)\.?\s[A-Z][\w]+['’]s?(?:\s+(?:General|Royal|Memorial|Regional|University|Children['’]s|Mercy))?(?:\s+(?:Hospital|Infirmary|Hospice))?)(?!\s+(?:[Ww]ort|[Vv]alve|Street|Road|Avenue|Lane))"),
        rule("hospital", r"\b(?P<v>(?:[A-Z][\w'’]+\s+){1,3}(?:General|Memorial|Infirmary|Royal|Regional))(?=\s*(?:[,.;)]|$|\n|(?:for|on|in|last|and|yesterday|today|A&E|ED|ER|emergency|since|after|because|where|with)\b))", _hospital_en),
        rule("hospital", r"\b(?P<v>(?:University|Royal|National|Queen|King|Children['’]s|General|Institute|Hospital|Hôpital|Hospices?|Klinikum|Clínica|Clinique|Ospedale|Centre\s+Hospitalier)\s+(?:Hospitals?\s+)?(?:of|de|del|di|du|la|el)\s+(?:the\s+)?(?:[A-ZÀ-Þ][\wÀ-ÿ'’-]+\s?){1,4})", _hospital_en),
        rule("hospital", r"\b(?:Mount\s+Sinai|Mayo|Cedars-Sinai|Johns\s+Hopkins|(?:UPMC|NYU|UCLA|UCSF|MD\s+Anderson|Kaiser|Sutter|Banner|Mercy|Stanford|Duke|Emory|Vanderbilt|Memorial\s+Sloan[\s-]Kettering)(?:\s+[A-Z][a-z]+){0,2})\b(?!\s+(?:score|scale|criteria|classification|stain|procedure|activity|treadmill))"),
        *(rule("date", pattern, is_real_date) for pattern in DATES),
        rule("age_over_89", r"(?<![\d.])(?P<v>\d{2,3})\s*多?(?:周岁|岁)(?!以)", _is_old),
        rule("age_over_89", r"(?:高寿|享年|年近|年过)\s*(?P<v>\d{2,3}|九十|百)", _is_old),
        rule("age_over_89", r"\b(?P<v>ninety(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)\s+hundred(?:\s+and\s+\w+)?)[\s-]+years?[\s-]+old", flags=anycase),
        rule("age_over_89", r"\bin\s+(?:his|her|their|my)\s+(?P<v>90s|nineties)", flags=anycase),
        rule("age_over_89", r"(?P<v>九十[一二三四五六七八九]?|一百[零一二三四五六七八九十]*)\s*(?:周岁|岁)"),
        rule("age_over_89", rf"\b(?:she|he|they|who|[Mm]um|[Mm]om|[Dd]ad|{_ELDER})(?:\s+is|\s+was|['’]s|\s+turned|\s+turns|\s+will\s+be|\s+just\s+turned|,|\s+who\s+is|\s+aged?|\s+at)?\s+(?:(?:only|now|already|almost|nearly|about|over|turning|aged?|just)\s+)?(?P<v>\d{{2,3}})(?!\d|[.%/]|\s*(?:mg|kg|ml|over|beats|bpm|lbs?|cm|degrees|units?))", _is_old, anycase),
        rule("age_over_89", r"\b(?P<v>aged?\s+(?:of\s+)?\d{2,3})(?![\d.%])", _is_old, anycase),
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
        rule("age_over_89", r"(?:年龄|\bage[d]?)[\s:：is]*(?P<v>\d{2,3})(?![\d.])", _is_old, anycase),
        rule("age_over_89", r"(?<![\d.])(?P<v>\d{2,3})[\s-]*(?:years?|yrs?|y)[\s/.-]*(?:old|of\s+age|o\b|young)", _is_old, anycase),
        rule("age_over_89", r"\b(?:I\s+am|I'm|(?:he|she)\s+is)\s+(?P<v>\d{2,3})(?=\s*(?:[,.;!?]|and\b|$))", _is_old, anycase),
    )  # fmt: skip
