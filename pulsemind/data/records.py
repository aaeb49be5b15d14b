# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""What numbers of records, samples and orders look like; `patterns.py` puts them into its table."""

from __future__ import annotations

import re

from pulsemind.data.kinds import Row

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
_IS = r"[\s:：#是为号码]*(?:is|was|no\.?|number)?[\s:：#]*"
_IS = r"[\s:：#是为号码]*(?:is|was|no\.?|number)?[\s:：#]*"
_THING_ZH = "蜡块|标本|玻片|切片|样本|样品|病理|处方|腕带|手环|试管|血袋|血样|档案|病历|胶片|光盘|单子|保单|订单|包裹|快递|储物柜|柜|申请|工单|案卷?|卷|受试者|参与者|供者|献血者|存根|收据|发票|回执"


def is_no_reference_range(value: str) -> bool:
    """Whether a number after "ref" is none such as 19-60."""
    ends = re.fullmatch(r"([1-9]\d{0,3}|0)-([1-9]\d{0,3})", value)
    return ends is None or int(ends.group(1)) >= int(ends.group(2))


def is_no_range(value: str) -> bool:
    """A long number; one in groups has eight digits at least, as no row of results has, and is no date."""
    date = re.fullmatch(r"(?:19|20)\d{2}-\d{1,2}-\d{1,2}|\d{1,2}-\d{1,2}-(?:19|20)?\d{2}", value)
    return value.isdigit() or (sum(map(str.isdigit, value)) >= 8 and date is None)


RECORDS: tuple[Row, ...] = (
    ("record_number", rf"(?i)(?:{_RECORD_ZH}){_IS}(?P<v>[A-Za-z]{{0,4}}-?\d[\dA-Za-z-]{{2,}})(?!\s*(?:mg|ml|次|片))"),
    ("record_number", rf"(?i)\b(?:{_RECORD_EN}){_IS}(?P<v>[A-Z]{{0,4}}-?\d[\dA-Z-]{{2,}})", is_no_reference_range),
    ("record_number", r"[一-龥]{1,6}号[\s:：是为]*(?P<v>[A-Z]{1,4}-?\d{3,}[\dA-Z-]*)(?!\s*(?:mg|ml))"),
    ("record_number", r"(?i:\b(?:no\.?|number|#|donor|sample|specimen|ref|prison|badge))\s*[:.]?\s*(?P<v>[A-Z]{1,4}[ ,.-]?\d{2,}(?:[.,/-]?[\dA-Z]+)*)(?![A-Za-z]|\.\d|\s*(?:mg|ml|cells))", lambda v: sum(map(str.isdigit, v)) >= 4),
    ("record_number", r"(?<![A-Za-z])(?P<v>(?:MRN|ZY|BL)-?\d{5,})"),
    ("record_number", r"\b(?i:[A-Za-z]{2,14}\s?(?:no\.?|number|num\.?|nr\.?|#|ID|code|ref(?:erence)?))\s*(?:is|[:.#])?\s*(?P<v>(?=(?:[A-Z/ -]*\d){4})[A-Z0-9][A-Z0-9/-]{3,22})(?![A-Za-z0-9]|\.\d|\s*(?:mg|ml|cells))"),
    ("record_number", rf"\b(?i:{_RECORD_EN}|file|policy|claim|number|no\.)(?:\s+is)?[\s:#]*(?P<v>(?:[A-Z]{{1,4}}[ -]?)?\d{{2,4}}(?:[ -]\d{{2,4}}){{1,4}}(?:\s?[A-Z]\b)?)(?![\d%/]|\.\d|\s*(?:mg|ml))", is_no_reference_range),
    ("record_number", r"(?<![A-Za-z0-9.-])(?P<v>(?!NCT|ISRCTN|NM|NP|NC|CAS|RS|GSE|PMID|ICD|LOINC|ISBN|ISO|H2|Z2|S2|J2|B2)(?=(?:[A-Z/-]*\d){6})(?=[\d/-]*[A-Z])[A-Z0-9]+(?:[-/][A-Z0-9]+)*)(?![A-Za-z0-9%]|\.\d)"),
    ("record_number", r"(?<![\d.,A-Za-z+-])(?P<v>\d{9,20}|\d{2,6}(?:-\d{2,7}){2,4})(?![\d%]|\.\d|\s*(?:/|cells|copies|IU|CFU|mg|ml|×|x10))", is_no_range),
    ("record_number", r"(?i:\b(?:lab|sample|specimen|acc(?:ession)?|case|req|path|file|ref|hosp|chart|unit|nhs|id)\s*(?:no\.?|number|#|№|num)?[\s:]*)(?P<v>\d{2,4}[./]\d{4,9})(?![\d%]|\.\d)"),
    ("record_number", r"(?i:\b(?:subject|participant|patient|pt|study|donor|recipient|proband|screening|randomi[sz]ation|site)\b(?:\s+(?:no\.?|number|id|code|#))?)[\s:#]{1,3}(?P<v>\d{2,4}-\d{3,6})(?![\d%]|\.\d|\s*(?:mg|ml|kcal|steps|units?|g\b|m\b))"),
    ("record_number", r"(?:保单|工单|订单|合同|发票|收据|回执|卡|证|票据|运单|挂单)(?:号码?|编号)?[\s:：是为]{0,3}(?P<v>[A-Z]{0,4}\d{4,}(?:[ -]\d{2,})*)(?![\d%]|\.\d|\s*(?:元|块|mg|ml))"),
    ("record_number", r"(?<![\d*])(?P<v>\d{3,6}[*＊]{3,}\d{2,4}[\dXx]?)(?!\d)"),
    ("record_number", r"(?i:\b(?:chart|file|case|record|folder|notes?|encounter|visit|episode|booking|order|req(?:uisition)?|lab|sample|specimen|acc(?:ession)?|path|study|exam|job|invoice|claim|policy|member|auth|ref|our\s+ref|your\s+ref|re|ticket|incident|report|form|script|rx|prescription|consent|slide|block|unit|donor|serial|s/n|device|implant|pacemaker|pump)\b\.?)[\s:#]{1,3}(?P<v>(?!COVID|SARS|HLA|ICD|CPT|DRG)(?=(?:[A-Z/-]*\d){4})[A-Z]{1,5}[-/ ]?\d[\dA-Z/-]*)(?![A-Za-z%]|\.\d|\s*(?:mg|ml|mcg))"),
    ("record_number", r"(?:编号|文号|案号|认定书?|批复|批件|决定书|通知书|证明|鉴定|备案|许可|合同|协议|号)[\s:：是为第]{0,3}(?P<v>[一-龥]{1,8}[〔\[（(]?(?:19|20)\d{2}[〕\]）)]?[-－第字]{0,2}\d{2,}(?:-\d+)*)号?"),
    ("record_number", rf"(?<![\dA-Za-z.-])(?P<v>[A-Z]{{0,4}}-?\d{{2,}}(?:-\d{{2,}})+|[A-Z]{{1,4}}-?\d{{3,}}|\d{{4,}})(?=\s?号(?:{_THING_ZH}))"),
    ("record_number", r"(?:编号|号码?|编码|条码|代码|ID|№|\bN[oO]\.)[\s:：是为]{0,3}(?P<v>(?!CT|MR|US)[A-Z]{1,8}[ -]?\d{2,}(?:[ -]\d{2,}){0,4})(?![\dA-Za-z%]|\.\d|\s*(?:mg|ml|片|次))"),
    ("record_number", r"(?:№|\bN[oO]\.)[\s:：]{0,3}(?P<v>\d{4,}(?:-\d+)*)(?![\d%]|\.\d)"),
    ("record_number", r"(?:编号|编码|条码|流水|序列|单号|案号|档案|学号|工号|尾号|后[四4六6]位|末[四4六6]位)[号码]{0,2}[\s:：是为]{0,3}(?P<v>\d{4,}(?:[ -]\d{2,})*)(?![\d%]|\.\d)"),
    ("record_number", r"(?i:\b(?:bracelet|wristband|wrist\s?band|armband|id\s?band|sticker|label|tag|barcode|kit|vial|bag|cooler|container|locker|pin|passcode|code|otp|booking|confirmation|reference|quote|quoting|extension\s+id|tube|bottle|box|parcel|crate|pack)\b(?:\s+(?:number|no\.?|id|code|is|was|says|reads|ending(?:\s+in)?|#))*[\s:#]{0,3})(?P<v>(?=[A-Z/-]*\d)(?=(?:[A-Z/-]*\d){4})[A-Z0-9]+(?:[-/][A-Z0-9]+)*)(?![A-Za-z0-9%]|\.\d|\s*(?:mg|ml|mcg|units?))"),
    ("record_number", r"(?<![A-Za-z0-9.-])(?P<v>(?!COVID|SARS|GLP|HLA|ICD|ISO|NCT|EV|CA|IL|CD)[A-Z]{2,5}-\d{2,4}-\d{3,7}(?:-[A-Z0-9]{1,4})?)(?![A-Za-z0-9%]|\.\d)"),
)  # fmt: skip
"""Kind, pattern and check; group `v`, where there is one, is the value."""
