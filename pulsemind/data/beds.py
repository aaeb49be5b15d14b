# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""What beds, rooms and wards look like; `patterns.py` puts them into its table."""

from __future__ import annotations

from pulsemind.data.kinds import Row
from pulsemind.data.known_names import is_ordinary
from pulsemind.data.wordlists import words

_PLANTS = "Kingfisher|Swallow|Heron|Owl|Eagle|Wren|Sparrow|Lark|Puffin|Otter|Badger|Squirrel|Hedgehog|Swan|Kite|Osprey|Skylark|Curlew|Raven|Phoenix|Unicorn|Dragon|Tiger|Giraffe|Elephant|Panda|Koala|Turtle|Coral|Lagoon|River|Lake|Forest|Meadow|Garden|Spring|Summer|Autumn|Nightingale|Florence|Seacole|Churchill|Victoria|Elizabeth|Alexandra|Albert|Trafalgar|Wellington|Elm|Oak|Maple|Cedar|Willow|Rowan|Beech|Birch|Ash|Holly|Hawthorn|Hazel|Laurel|Sycamore|Chestnut|Larch|Alder|Juniper|Magnolia|Primrose|Bluebell|Rose|Lavender|Poppy|Heather|Jasmine|Orchid|Iris|Fern|Ivy|Tulip|Daisy|Lily|Sunflower|Snowdrop|Kestrel|Falcon|Robin|Dolphin|Starfish|Rainbow|Sunrise|Butterfly|Penguin|Lion|Acorn|Ocean|Harbour|Lighthouse"
_THING = "机位?|仓|舱|手术间|术间|诊室|诊间|抢救间|留观床?|观察床|椅|床位|透析位?|输液位|座|监护位|隔离间|产房|待产室|单间|号位"


def _names_a_ward(value: str) -> bool:
    """Whether a ward is called by a word of its own: no field of medicine, no ordinary word."""
    return value in _PLANTS.split("|") or not (
        is_ordinary(value)
        or value in words("clinics_en.txt")
        or value in words("not_english_names.txt")
    )


BEDS: tuple[Row, ...] = (
    ("bed_number", r"\b[Bb](?:ed|ED)[-\s]?(?P<v>[A-Z]?\d{1,3}[A-Z]?)\b(?!\s*(?:days?|hours?|weeks?|months?|times|nights?|h\b|%)|-|\.\d)"),
    ("bed_number", r"\b(?:ITU|ICU|HDU|NNU|SCBU|AMU|MAU|SAU|EAU|CDU|ACU|[Rr]esus|[Mm]ajors|[Mm]inors|[Ss]ide\s+[Rr]m|[Cc]ubicle)\s?[-#]?\s?(?P<v>[A-Z]?\d{1,2})\b(?!\s*(?:days?|hours?|h\b|weeks?|/|%|mg|ml)|\.\d)"),
    ("bed_number", r"\b(?i:rooms|beds|bays|chairs|cubicles)\s+(?P<v>\d{1,4}[A-Z]?)\b(?=\s*(?:,|and|&|to|-|/))"),
    ("bed_number", r"\b(?i:rooms|beds|bays|chairs|cubicles)\s+\d{1,4}[A-Z]?\s*(?:,|and|&|to|-|/)\s*(?P<v>\d{1,4}[A-Z]?)\b"),
    ("bed_number", r"(?<![\w.-])(?P<v>\d{1,2}[NSEW]-\d{1,3}[A-Z]?)(?![\w-]|\.\d)"),
    ("bed_number", r"(?P<v>[A-Z]{1,4}-?\d{1,3})\s?号?(?=病?床(?!次|旁|头))"),
    ("bed_number", r"(?:加床|病房|病室|房间|抢救室|监护室|产房)\s?(?P<v>\d{1,4})(?!\d|\s*(?:[年月天日次张个人台间岁级%：:]|小时|分钟|mg|ml)|\.\d)"),
    ("bed_number", r"(?<![\d.])(?P<v>\d{3,4})(?=室(?![间性外上颤速]))"),
    ("bed_number", r"[A-Z][a-z]+\s+in\s+(?!19|20)(?P<v>\d{2,4}[A-Z]?)(?=\s+(?:c/o|is|was|has|had|needs|wants|for|still|now|asking|asked|refus\w+|fell|complain\w+|requests?|requesting)\b)"),
    ("bed_number", r"\b[Bb]ed\s+(?P<v>[A-H])\b(?=\s*(?:[-–—,:.;)(]|$|\n|is\b|has\b))"),
    ("bed_number", r"\b(?i:loc(?:ation)?|unit|ward|floor|area|placement|bed|room)\s*[:：]?\s*(?P<v>\d{1,2}[A-Z]{1,2}-\d{1,3}[A-Z]?|[A-Z]{1,4}\d{0,2}-\d{1,3}[A-Z]?)\b(?!\s*(?:mg|ml))"),
    ("bed_number", r"\b(?i:bed|room|rm|cubicle|bay|side\s?room|chair|slot|cot|trolley)\s+(?P<v>[A-Z]?\d{1,3}[A-Z]?(?:-\d)?)(?=\s*[-–—:=]\s*(?:[A-Z]|empty|vacant|closed|clean|blocked|free|new|transfer|awaiting|pt|no\b))"),
    ("bed_number", r"(?m:^)[ \t]*(?P<v>[A-Z]?\d{1,3}-\d{1,2}|[A-Z]?\d{2,3}[A-Z]?|[A-Z]\d{1,2})[ \t]*[-–—:.)]?[ \t]+(?=[A-Z][A-Za-z'’-]+(?:[ \t]+[A-Z][A-Za-z'’-]+)?[ \t]*(?:[-–—:,(]|\d{1,3}\s?(?:yo|y/o|y\b|[MF]\b)))(?=[^\n]*(?:\n|$))"),
    ("bed_number", r"[A-Z][a-z]+\s+in\s+(?P<v>[A-Z]\d{1,2})(?=\s+(?:found|is|was|has|had|needs|wants|for|on|still|now|asking|asked|refus\w+|fell|complain\w+)\b|,)"),
    ("bed_number", r"床[位号]?号?[\s:：是为]{0,3}(?P<v>[加临抢留]\s?-?\d{1,3})"),
    ("bed_number", r"(?<![\d.])(?P<v>[A-Z]?\d{1,3}(?:-\d{1,2})?)\s*号?\s*(?:病床|床(?!次|旁|头))"),
    ("bed_number", r"(?<![\d.])(?P<v>[A-Z]?\d{1,4}(?:-\d{1,2})?)\s*(?:号病房|病房|病室|病区|房间|诊室|号房)"),
    ("bed_number", r"(?<![\d.])(?P<v>(?:[A-Z]|\d)[\d-]{0,4}\d)\s*(?:房)(?![颤性间室扑缺早水角])"),
    ("bed_number", r"(?P<v>[加临抢]\s?-?\d{1,3}|[一二三四五六七八九十]{1,3})\s*(?:号?病?床)(?!次|旁|头|上|边)"),
    ("bed_number", r"(?:床位?号?|房号?|房间号?|病房号?|病区|诊室|病室|包间)\s*(?:[:：]|是|为|[ \t])[ \t]*(?P<v>[A-Za-z]{0,4}-?\d[\dA-Za-z+-]{0,7})(?!\d|[:：./%]|\s*(?:年|月|天|次|张|mg|个|人|小时))"),
    ("bed_number", r"(?P<v>[甲乙丙丁]-?\d{1,3})(?=[室床房号])"),
    ("bed_number", r"[一-龥]科\s?(?P<v>\d{2})(?=[\s　床，,。]|$)"),
    ("bed_number", r"(?i:\bbeds)\s+(?P<v>\d{1,3})\b"),
    ("bed_number", r"(?i:\bbeds)\s+\d{1,3}\s*(?:and|&|,|/|to|-)\s*(?P<v>\d{1,3})\b"),
    ("bed_number", r"(?<![\d.])(?P<v>[A-Z]?\d{1,3}\+\d{1,2})(?=\s*床)"),
    ("bed_number", r"(?<![A-Za-z])(?P<v>(?:[A-Z]?[CN]?ICU|CCU|PICU|RICU|MICU|SICU|HDU|PACU|ED|ER|LDR|OR)\s?[-#]?\s?\d{1,3}[A-Z]?)(?:床)?(?![\dA-Za-z]|\.\d|\s*(?:mg|mcg|g\b|ml|tab|x\b))"),
    ("bed_number", r"床(?:位号?|号)[\s:：是为]*(?P<v>[A-Z]?\d{1,4}(?:-\d{1,3})?)"),
    ("bed_number", r"\b(?i:ward|room|rm\.?|bay|cubicle|cube|unit|trolley|chair|stretcher|side\s?room|isolation|theatre|OR)\s*(?:(?i:number|no\.?|#)|[:：])?\s*(?P<v>\d{2,4}[A-Z]?(?:-[A-Z\d]{1,2})?|\d[A-Z](?:-\d{1,2})?|[A-Z]-?\d{1,3}(?:-\d{1,2})?)\b(?!\s*(?:air|degrees|%|L\b|hours?|days?|mg|ml|units?|x\b|\.\d))"),
    ("bed_number", r"(?i:\b(?:ward|side\s?room|cubicle|bay|trolley|isolation\s+room|theatre|dialysis\s+(?:chair|station)))\s*(?:(?i:number|no\.?|#)|[:：])?\s*(?P<v>[A-Z]?\d{1,2}|[A-H])\b(?!\s*(?:%|L\b|hours?|days?|mg|ml|am\b|pm\b))"),
    ("bed_number", r"(?i:\broom)\s*(?:(?i:number|no\.?|#)|[:：])?\s*(?P<v>\d{1,2})\b(?=\s*(?:[,.;)]|$|\n|asked|asks|bed|is|wants|needs|has|on|at|for|with|of|and\b))"),
    ("bed_number", r"(?m:^|[.:;,]\s)\s*(?P<v>\d{1,2}[A-Z]?|[A-Z]\d{1,2})\s*[-–—]\s*(?:empty|vacant|closed|cleaning|awaiting|new\s+admission|[A-Z][a-z]+(?:\s[A-Z][a-z]+)?(?:,|\s*\())"),
    ("bed_number", r"(?i:\bbed)\s*(?i:number|no\.?|#)\s*(?:is|:)?\s*(?P<v>[A-Z]?-?\d{1,4}[A-Z]?(?:-\d{1,2})?)"),
    ("bed_number", r"(?i:\bbed)\s*[:：]?\s*(?P<v>[A-Z]?\d{1,4}[A-Z]?)\b(?!\s*(?:days?|hours?|weeks?|months?|times|nights?|h\b|-))"),
    ("bed_number", r"(?<![\d.第])(?P<v>[一二三四五六七八九十]{1,3}|\d{1,2}[A-Z]?|[A-Z]\d{1,2})(?=病区|疗区|护理单元)"),
    ("bed_number", rf"(?<![\d.])(?P<v>[A-Z]?\d{{1,3}}[A-Z]?|[一二三四五六七八九十]{{1,3}})\s?号?(?={_THING})(?<=[号\d])"),
    ("bed_number", r"(?:手术间|术间|机位|透析机|抢救床|留观床?|观察床|监护床|仓位|舱位|座位号?|床旁)[\s:：]{0,2}(?P<v>[A-Z]?-?\d{1,3})(?![\d%a-z]|\.\d|\s*(?:年|月|天|次|张|个|人|小时|分钟))"),
    ("bed_number", r"\b(?i:room|rm\.?|bay|cubicle|suite|unit|bed|chair|slot|cot|crib|incubator|isolette|gurney|stretcher|trolley|theatre|recovery|chamber)\s*(?:(?i:number|no\.?|#)|[:：])?\s*(?P<v>[A-Z]{1,4}-\d{1,3}[A-Z]?|\d{1,3}-\d{1,3}[A-Z]?|[A-Z]{1,2}\d{1,3}(?:-\d{1,2})?|\d{1,3}[A-Z])\b(?!\s*(?:air|%|L\b|hours?|days?|mg|ml|units?|weeks?|months?|times)|\.\d)"),
    ("bed_number", r"\b(?i:room|theatre|bay|suite)\s*\((?P<v>[A-Z]?\d{1,3}(?:\.\d{1,3})?[A-Z]?)\)"),
    ("bed_number", r"\b(?i:cot|crib|incubator|isolette|gurney|chair|couch|recliner|booth|bunk|berth)\s+(?:(?i:number|no\.?)\s*|#)?(?P<v>\d{1,3})\b(?!\s*(?:%|hours?|days?|mg|ml|minutes?|times|x\b|reps?|per)|\.\d)"),
    ("bed_number", r"\b(?P<v>[A-Z][a-z]{2,})(?=\s+[Ww]ard\b)", _names_a_ward),
    ("bed_number", r"\b[Ww]ard(?:\s*[:：]\s*|\s+)(?P<v>[A-Z][a-z]{2,})\b", _names_a_ward),
)  # fmt: skip
"""Kind, pattern and check; group `v`, where there is one, is the value."""
