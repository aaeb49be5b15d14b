# ruff: noqa: E501 - a pattern stands on one line, whatever its length
"""What a postal address looks like, Chinese and in Latin letters; `patterns.py` has it in its table."""

from __future__ import annotations

_PLACE = "(?:(?![我住在址是到去了的往离为叫]|家(?![口界庄村屯湾桥沟寨坪园营集镇乡巷港岗堡坝河坡塘山店嘴窑])|来(?![宾安凤])|自(?![贡强立])|从(?![化江])|于(?![都洪田家]))[一-龥])"
_ADMIN = "省|自治区|自治州|地区|市|区|县|旗|盟|州|镇|乡|街道"
_ROAD = "路|街|大街|大道|胡同|巷|弄|村|屯|庄|寨|小区|花园|家园|新村|苑|公寓|里|广场|工业园|园区|社区|坊|坪|湾|桥|公路|国道|道|墩|塘|岭|苏木|嘎查|村委会|居委会|村民?小?组|组|街坊|片区"
_ESTATE = (
    "大厦|广场|大楼|花园|公寓|小区|[苑楼城]|中心|名[邸苑城居]|家园|新[村城苑]|花[苑城]|雅[苑居]|[华雅御]庭|庭院|府邸?|湾|宿舍|社区|[大家]院|家属[院区楼]"
    "|国际|天地|半岛|山庄|别墅|豪[庭苑]|水岸|春天|世家|佳[苑园]|嘉[苑园]|园|居|阁|轩|院|里|厂|公司|学校|校区|大学|酒店|宾馆|饭店|旅馆|民宿|超市|商场|商城|写字楼|车站|市场|银行|工地|仓库|平房|招待所|厂房|门面|药房|驿站"
)
_COUNT = "[一二三四五六七八九十百]{1,3}"
_SIDE = rf"(?:[东南西北中]{{0,2}}(?:\d{{1,2}}|{_COUNT})?[段横])?[东南西北中]?"
_HOUSE = (
    rf"(?:附|甲|乙|丙)?(?:[A-Za-z]?\d{{1,5}}(?:[-－之]\d{{1,4}})*[A-Za-z甲乙丙]?|[A-Z]|{_COUNT}|[东西南北])\s*"
    rf"(?:号楼|号院|号[东西南北左右]?|支?弄|栋|幢|座|楼|单元|室|房|层|组|队|户|门|巷|条|胡同|排|期|梯|宅|铺|区|社|连|团)(?:[东西南北]?侧)?"
)
_BARE = r"[-－之]?\s?[A-Za-z]?\d{1,5}(?:[-－]\d{1,4})*(?!\d|[.%a-zA-Z:：]|\s*(?:岁|年|月|日|元|mg|ml|次|片|天))"
_TAIL = rf"(?:\s*(?:{_HOUSE}|[（(]?{_PLACE}{{1,12}}?(?:{_ESTATE})[)）]?(?:\s*{_HOUSE})+))*(?:\s*{_PLACE}{{0,10}}(?:{_ESTATE})(?![一-龥]))?(?:\s*{_BARE})?(?:[，,\s]\s*(?:邮编|邮政编码)?[:：\s]*\d{{6}}(?!\d))?"
_PROVINCE = "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|台北|高雄|内蒙古?|广西|西藏|宁夏|新疆|香港|九龙|新界|澳门"
_STREET = (
    "Street|St|Avenue|Ave|Av|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Ter|Square|Sq"
    "|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Crescent|Cres|Close|Row|Walk|Trail|Trl|Loop|Alley|Plaza|Pike|Mews|Gardens?|Grove"
    "|Park|Yard|Hill|Green|View|Heights|Hts|Rise|Vale|Wharf|Quay|Bank|Mount|Meadows?|Fields?|Point|Ridge|Run|Path|Pass|Cove|Bend|Landing|Crossing|Commons?|Estate|Bypass|Expressway|Parade|Pde|Esplanade|Promenade|Villas?|Cottages?|Croft|Drove|Gate|Glade|Glen|Dale|Side|End|Chase|Brae|Wynd|Broadway|Turnpike|Freeway|Creek|Hollow|Knoll|Manor|Oval|Passage|Springs?|Valley|Village|Vista|Walkway|Woods?|Nagar|Marg|Colony|Sector|Layout|Extension|Chowk|Salai"
)
_STREET_WORD = r"(?:[A-Z][a-zÀ-ÿ'’]+(?:-[A-Za-z]+)?|Mc[A-Z][a-z]+|[A-Z]\.?|[NSEW]{2}\.?|\d{1,3}(?:st|nd|rd|th)|of|the|de|la|del|and)"
POSTCODE_UK = r"[A-Z]{1,2}\d[A-Z\d]?\s\d[ABD-HJLNP-UW-Z]{2}"
_EIRCODE = r"[AC-FHKNPRTV-Y]\d[\dW]\s?[AC-FHKNPRTV-Y\d]{4}"
STATE = r"(?:A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[TA]|W[AVIY]|NSW|VIC|QLD|TAS|ACT|ON|QC|BC|AB|MB|SK|NS)"
_ZIP = rf"(?:\d{{5}}(?:-\d{{4}})?|\d{{6}}\b|\d{{4}}\b|{POSTCODE_UK}\b|{_EIRCODE}\b|[A-Z]\d[A-Z]\s?\d[A-Z]\d\b)"
_CITY = r"(?:(?:St|Ft|Mt)\.?\s)?[A-Z][a-zÀ-ÿ'’]+(?:[-\s](?:[a-z]{2,4}[-\s])?[A-Z][a-zÀ-ÿ'’]+){0,2}"
_TOWN = rf"(?:,?\s+(?:{_ZIP}\s+)?{_CITY}(?:,\s+{_CITY}){{0,2}}(?:,?\s+{STATE}\b)?(?:,?\s+{_ZIP})?)"
_ADDRESS_ENDS = r"\s(?:and|but|for|in\s+case|who|with|since|because|where|when|has|have|is|was)\b"
_FLAT = r"(?:,?\s*(?i:apt|apartment|suite|unit|flat|ste|room|rm|floor|fl|lot|bldg|building|#)\.?\s*#?\w+)"
_NUMBER = r"\d{1,5}(?:[A-Za-z]\b|[-/]\d{1,4}|\s1/2)?"
ADDRESSES = (
    rf"(?:{_PROVINCE})(?:省|自治区|市)?{_PLACE}{{1,8}}?(?:市|州|盟|地区)(?!场){_PLACE}{{1,8}}?(?:旗|县|市|区)(?:{_PLACE}{{1,6}}?(?:镇|乡|街道|苏木|村|嘎查))*(?![医卫中人民妇])(?:(?=[人，,。；;、）)\s])|(?=$))",
    r"(?:来自|家在|老家在?|户籍地?|籍贯|户口在?|出生于|现居|常住)[\s:：是为]*(?P<v>[一-龥]{2,8}?(?:省|市|州|盟)[一-龥]{1,8}?(?:市|区|县|旗|镇|乡|村)(?:[一-龥]{1,6}?(?:镇|乡|村|街道))?)(?![医卫中人民妇])",
    rf"\b(?i:flat|apt|apartment|unit|villa|plot|lot)\.?\s+#?\w{{1,4}},\s+(?:\d{{1,4}}[A-Za-z]?\s+)?(?:{_STREET_WORD}\s+){{1,3}}(?:{_STREET}|House|Hall|Lodge|Tower|Towers|Mansions?|Apartments|Residences?|Building|Flats)\b(?:,\s+{_CITY}(?:,\s+{_CITY})?)?(?:,?\s+{POSTCODE_UK})?",
    r"\b(?:No\.?\s?)?\d{1,4}(?:[/-]\d{1,4}[A-Za-z]?)?,?\s+(?:(?:\d{1,3}(?:st|nd|rd|th)|[A-Z][A-Za-z'’-]+\.?)\s?){1,5}(?:,\s*(?:(?:\d{1,3}(?:st|nd|rd|th)|[A-Z][A-Za-z'’-]+\.?)\s?){1,4}){1,5}[,\s–-]+\d{5,6}(?!\d)",
    rf"(?:{_PLACE}{{2,8}}?(?:{_ADMIN}))*{_PLACE}{{1,12}}(?:{_ROAD}){_SIDE}\s*{_HOUSE}{_TAIL}",
    rf"{_PLACE}{{2,7}}?(?:省|自治区|市)\s*{_PLACE}{{1,7}}?(?:市|州|区|县)\s*{_PLACE}{{1,7}}?(?:区|县|镇|乡|街道|村)(?:{_PLACE}{{0,7}}?(?:镇|乡|街道|村|社区|{_ROAD}))*(?:[一-龥]{{1,4}}?(?:庄|屯|寨|村))?{_TAIL}",
    rf"(?:{_PROVINCE})(?:省|市)?{_PLACE}{{1,20}}?(?:{_ROAD}|{_ADMIN}|{_ESTATE})\s*{_HOUSE}{_TAIL}",
    rf"(?:家?住在?|住址|地址|现住|寄[到往]|送[到往])[\s:：是为]*(?P<v>{_PLACE}{{2,20}}?(?:{_ESTATE}|{_ROAD})\s*(?:{_HOUSE}|[A-Z]?\d{{1,5}}){_TAIL})",
    r"(?:家住在?|住在|住址|地址|现住|户籍|籍贯|老家)[\s:：是为]*(?P<v>[一-龥]{2,6}?(?:省|市|县)[一-龥\d]{0,30})",
    r"(?:地址|住址|现住址?|户籍地?|家庭住址|收货地址|通讯地址|联系地址|户口所在地|现居住?地?)\s*[:：]\s*(?P<v>[一-龥A-Za-z0-9][一-龥A-Za-z0-9\-－()（）#·]{3,50})",
    rf"(?:{_PLACE}{{2,8}}?(?:省|市|州|区|县)){{2,4}}{_PLACE}{{2,30}}?(?:{_ESTATE})楼?\s*(?:{_HOUSE}|{_BARE}){_TAIL}",
    r"邮(?:编|政编码|码)[:：\s]*\d{6}(?!\d)",
    rf"(?:\b(?i:flat|apt|apartment|unit|suite|floor|block|lot|villa|room)\.?\s*#?\w{{1,5}},?\s+)?(?:(?:The\s)?(?:[A-Z][a-z'’]+\s){{1,3}}(?:House|Court|Hall|Lodge|Building|Tower|Towers|Mansions?|Cottage|Farm|Heights|Apartments|Residences?|Villas?|Barn|Mill|Forge|Rectory|Vicarage|Bungalow),\s+)?\b{_NUMBER}{_FLAT}?,?\s+(?:{_STREET_WORD}\s+){{1,4}}(?:{_STREET})\b\.?(?:\s+(?:[NSEW]{{1,2}}|North|South|East|West))?{_FLAT}?{_TOWN}?",
    rf"\b{_NUMBER}\s+(?:[a-z]+\s+){{1,2}}(?:street|avenue|ave|road|rd|lane|drive|boulevard|blvd|court|terrace|crescent|close)\b(?:,?\s+(?:apt|unit|flat|#)\.?\s*\w+)?",
    rf"(?i:\baddress(?:es)?(?:\s+(?:is|are|to))?|\b(?:lives?|living|resid(?:es?|ing))\s+(?:at|on|in)|\blocated\s+at)[:\s]+(?:it\s+is\s+)?(?P<v>\d{{1,5}}\s+(?:(?!{_ADDRESS_ENDS})[^.;\n]){{3,70}})",
    r"\b(?i:apt|apartment|suite|zip(?:\s*code)?|post(?:al)?\s*code|eircode|pin\s*code)\.?[\s:#]*(?P<v>(?=\w*\d)[A-Z0-9]{1,7}(?:\s\d[A-Z]{2})?)\b",
    rf"(?:\d{{1,4}}\s+)?\b[A-Z]\w+(?:straße|strasse|str\.|gasse|platz|weg|allee|straat|laan|gatan|gata|vägen|veien|vej|katu|tie|utca|ulica)\s+\d{{1,4}}[a-z]?{_FLAT}?{_TOWN}?",
    rf"\b\d{{1,4}},?\s+(?:[Rr]ue|[Vv]ia|[Cc]alle|[Aa]venida|[Rr]ua|[Vv]iale|[Pp]lace|[Aa]venue|[Bb]oulevard|[Jj]alan|[Jj]l\.)\s+(?:d[eu]s?\s+(?:la\s+)?)?[A-Z]\w+{_TOWN}?",
    rf"\b(?:[Cc]alle|[Vv]ia|[Rr]ua|[Aa]v(?:enid)?a\.?|[Jj]alan|[Jj]l\.|[Uu]l\.)\s+(?:[A-Z][\wÀ-ÿ]+\s*){{1,3}},?\s*(?:[Nn][º°o]\.?\s*)?\d{{1,4}}{_TOWN}?",
    rf"\b(?i:P\.?\s?O\.?\s*Box|post\s+office\s+box|GPO\s+Box|Private\s+Bag)\s+\d+{_TOWN}?",
    rf"(?:\b[A-Z0-9][\w'’-]*(?:\s[A-Z0-9][\w'’-]*){{0,4}},\s+){{0,4}}(?:\b(?:Co\.?\s)?[A-Z][a-z]+(?:\s[A-Z][a-z]+)?,?\s+)?\b(?:{POSTCODE_UK}|{_EIRCODE})\b",
    rf"\b[A-Z][a-z]+(?:\s[A-Z][a-z]+)?,?\s+{STATE}\s+\d{{5}}(?:-\d{{4}})?\b",
    r"\b(?i:house|h\.?\s?no|plot|door|d\.?\s?no|villa)\.?\s*(?i:no\.?|number|#)?\s*\d[\w/-]*,\s+(?:[A-Z][\w.]*\s?){1,4}(?:,\s+(?:[A-Z][\w.]*\s?){1,3}){0,3}(?:[-\s]+\d{6})?",
)  # fmt: skip
"""Patterns; group `v`, where there is one, is the address."""
