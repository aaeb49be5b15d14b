# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""Labels on report forms and overlays, and the kind of what stands after them."""

from __future__ import annotations

from pulsemind.data.kinds import Kind

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
