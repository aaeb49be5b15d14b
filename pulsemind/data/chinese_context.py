# ruff: noqa: E501 - patterns and tables stand on one line
"""People in Chinese text that a role, a title or the shape of a line gives away, without a label.

`chinese_cues.py` has the labels and what a name may be; `chinese.py` finds by family name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pulsemind.data.chinese_at import is_drug
from pulsemind.data.chinese_cues import is_nobody, is_person
from pulsemind.data.chinese_words import (
    HAN,
    is_common_word,
    is_plain_word,
    is_word,
    is_word_before_word,
    surname_length,
)
from pulsemind.data.chinese_world import is_world_name
from pulsemind.data.detectors import Span
from pulsemind.data.english_cues import LOW, UP
from pulsemind.data.english_words import is_listed, is_no_word
from pulsemind.data.finder import Finder, finder
from pulsemind.data.kinds import Kind
from pulsemind.data.wordlists import words

Sureness = Literal[
    "anyone", "named", "person", "rare", "family", "pet name", "child", "nickname", "latin"
]
"""anyone: whatever is no word; named: a family name first; person: given name checked as well."""

_END = rf"(?=[\s，,。.;；:：/、)）（(!！?？】」”\"'-]|$|[^{HAN}·]|签)"
_OPEN = rf"(?<![{HAN}·])"
_RELATIVE = (
    "[我他她其您你俺咱]?(?:妈妈?|娘|爸爸?|爹|爷爷|奶奶|姥姥|姥爷|外公|外婆|老公|老婆|丈夫|妻子|爱人|老伴|儿子|女儿|闺女|儿媳妇?|女婿|婆婆|公公|岳父|岳母|丈母娘|哥哥?|姐姐?|弟弟?|妹妹?|嫂子|姐夫|妹夫|弟媳|侄子|侄女|外甥女?|孙子|孙女|外孙女?|舅舅?|舅妈|姑姑|姑妈|姨妈?|叔叔?|婶婶?|伯伯|伯父|大伯|表[哥姐弟妹]|堂[哥姐弟妹]|干妈|干爹|养父|养母|继父|继母"
    "|孩子|宝宝|娃|小孩|双胞胎|长子|次子|长女|次女|之子|之女|之妻|之夫|之母|之父|[其该]子|[其该]女|[其该]妻|[其该]夫|[其该]母|[其该]父|配偶|家属|亲属|监护人|陪护|陪同人?|护工|保姆|月嫂|司机|同伴|同学|同事|同乡|工友|战友|室友|病友|朋友|闺蜜|男友|女友|男朋友|女朋友|未婚夫|未婚妻|邻居|房东|房客|老乡|徒弟|师傅|班主任|老师|辅导员|村医|联系人|那口子|当家的|孩[他她]?[爸妈]|屋里人|掌柜的|个[仔女]|阿[仔女爸妈公婆伯叔姨哥姐]|老豆|老母|后爸|后妈|老爹|老娘|老爸|老妈|大儿|小儿|大女|小女|大孙|小孙|外公外婆|老伙计|翻译)"
)
_ROLE = "患者|病人|患儿|患方|伤者|死者|逝者|产妇|孕妇|孕产妇|产妇|新生儿|婴儿|伤员|儿童|老人|长者|职工|员工|工人|学生|学员|同学|教师|居民|村民|社员|战士|被保险人|投保人|受益人|参保人|申请人|申诉人|投诉人|举报人|当事人|被告|原告|委托人|受托人|被?鉴定人|被害人|受害人|被扶养人|监护人|法定代理人|见证人|担保人|保证人|收养人|签收人|护送人|送诊人|陪诊人?|陪护人?|翻译|客户|车主|户主|租客|宿主|佢|转来|转诊|操作员|操作人|登录人|供者|受者|捐献者|献血者|志愿者|受试者|会员|用户|客户|顾客|读者|网友|乘客|驾驶员|肇事者|报警人|报案人|证人|户主|业主|租客|租户|本人|我叫|我是|叫做?|名叫|名字叫|名字是|大名|小名|乳名|名唤|唤作|人称|备注|署名|落款|抬头|户名|开户名|姓名为?|兹有|兹证明|今有|现有|证明|尊敬的|亲爱的|敬爱的|致|找|关于|转告|通知|告知|提醒|请|替|由(?!于)"
_STAFF = "记录人|记录者|记录|记账|值班|夜班|白班|晚班|中班|早班|前夜|后夜|大夜|小夜|大夜|责护|主班|当班|接班|交班|接诊|首诊|主诊|主刀|一助|二助|三助|助手|术者|台上|台下|巡回|器械|洗手|麻醉|主麻|副麻|会诊|查房|带教|进修|规培|实习|责任|管床|经治|主管|主治|住院|上级|审方|审核|复核|核对|调配|调剂|发药|配药|煎药|取血|输血|采血|抽血|采样|送检|检验|检测|初检|复检|初筛|阅片|诊断|报告|书写|打印|登记|分诊|导诊|接线|随访|回访|客服|经办|承办|处理|办理|接待|联络|开单|开方|开具|申请|执行|操作|签发|签署|签字|签名|见证|监督|负责|护理|监护|跟台|转运|转出|转入|接收|交接"
_TITLE = "医生|医师|大夫|主任|副主任|教授|护士长?|护师|药师|技师|主治|院长|科长|专家|博士|主管|所长|站长|站医|村医|治疗师|营养师|心理师|咨询师|助产士|检验师|康复师|校医"
_POLITE = "先生|女士|小姐|太太|阿姨|大爷|大妈|大娘|大叔|大婶|大哥|大姐|大嫂|奶奶|爷爷|同志|同学|老师|师傅|老人家?|老先生|老太太?|小朋友|宝宝|宝贝|叔叔|叔|婶|伯伯|伯|哥|姐|嫂|姨|姑娘|小姐姐|小哥|家长|家属|妈妈?|爸爸?|夫妇|夫妻|夫人|教练|老板|经理|总|警官|局长|书记|主席"
_AFTER = r"(?=[\s，,。.;；:：/、)）（(!！?？】\"'A-Z-]|$|的|是|说|讲|告诉|已|未|于|因|在|今|昨|拟|自诉|诉|系|与|和|及|同意|签|陪同|等(?=人|[，,。紧])|发现|反映|反应|要求|代述|代诉|称|否认|拒绝|来院|来电|咨询|询问|表示|认为|建议|当时|夜间|处(?=[，,。])|老人|等人|电话|手机|身份证|住院|[男女]|\d)"
_LATIN = rf"[{UP}][{LOW}A-Z.'’-]+"
_CONTEXTS: tuple[tuple[Kind, Sureness, str], ...] = (
    ("name", "anyone", rf"(?:^|[\s，,。；;：:、（(【])(?:患者|患儿|病人|产妇|伤者)?\s?(?P<v>[{HAN}]{{2,5}})\s?[，,、/\s（(|]\s?(?:性别\s*[:：]?\s*)?[男女](?:性|婴|童|孩)?(?=[，,、。；;\s/|)）]|$|\d)"),
    ("name", "named", rf"(?:^|[\s，,。；;：:、（(【])(?:患者|患儿|病人)?\s?(?P<v>[{HAN}]{{2,4}})\s?[，,、/（(\s]\s?(?:年龄)?\d{{1,3}}\s?(?:岁|周岁|月龄|个月)"),
    ("name", "anyone", rf"(?:[她他它]|其|[俺我咱]?娘|孩子|宝宝|娃|老人|女儿|儿子|闺女|小孩)(?:大名|小名|名字|乳名|名|叫做?|唤作?)(?:叫|是|为)?(?!字)(?P<v>[{HAN}]{{2,4}}?){_END}"),
    ("name", "family", rf"(?<![同百贵老改随冠夫母])姓(?P<v>[{HAN}]{{1,2}}?)(?=[，,。！!\s的]|$|电话|手机|叫|名)"),
    ("name", "named", rf"(?:{_RELATIVE})(?:叫|是|为|名叫)?[\s:：（(]{{0,2}}(?P<v>[{HAN}]{{2,4}}?){_AFTER}"),
    ("name", "named", rf"(?:{_ROLE})[\s:：“\"（(]{{0,2}}(?P<v>[{HAN}]{{2,4}}?)(?:{_AFTER}|(?={_TITLE}|{_POLITE}))"),
    ("physician", "named", rf"(?:{_STAFF})(?:医生|医师|大夫|护士|护师|药师|技师|人员?|者|员)?(?:签[名字章])?[\s:：（(]{{0,3}}(?P<v>[{HAN}]{{2,4}}?)(?:{_AFTER}|(?={_TITLE}))"),
    ("physician", "person", rf"(?:医生|医师|大夫|护士长?|护师|药师|技师|主任|教授|院长)[:：\s]{{0,2}}(?P<v>[{HAN}]{{2,4}}?){_AFTER}"),
    ("physician", "person", rf"(?:[{HAN}]科|病房|病区|门诊|药房|医院|卫生院|诊所|中心|医务室|[一二三四五六]线)\s{{0,2}}(?P<v>[{HAN}]{{2,4}}?)(?=\s*(?:{_TITLE}|\d|$|\n|,|，\s*(?:电话|分机|于)))"),
    ("physician", "person", rf"(?:{_OPEN}|(?<=[的请找由让给问是跟和与去看科院室到]))(?P<v>[{HAN}]{{2,4}}?)\s?(?=(?:{_TITLE})(?!们|会))"),
    ("name", "person", rf"(?:{_OPEN}|(?<=[的请找由让给问是跟和与去看床叫]))(?P<v>[{HAN}]{{2,4}}?)\s?(?=(?:{_POLITE}))"),
    ("name", "rare", rf"(?:\d|[A-Z]|[一二三四五六七八九十])\s*号?\s*(?:病|加)?床[\s，,:：、-]{{0,3}}(?:患者|病人|的|是)?(?P<v>[{HAN}]{{2,6}}?){_AFTER}"),
    ("name", "person", rf"(?:床位?号?|房间?|病房|[室房栋])\s*[:：]?\s*[A-Z\d+-]{{0,6}}(?:室|房|床|号)?\s{{0,4}}(?P<v>[{HAN}]{{2,6}}?){_AFTER}"),
    ("name", "anyone", rf"(?:^|[\s，,。；;：:、（(]|村民|居民|患者|职工)(?P<v>[{HAN}]{{2,5}}?)\s?[，,（(\s]\s?[{HAN}]{{1,4}}族(?=[，,、。；;\s）)男女人])"),
    ("name", "anyone", rf"(?:^|[\s，,；;。（(])(?:交班?|接班?|母亲?|父亲?|长?子|长?女|丈?夫|妻子?|兄|弟|姐|妹|代|医|护|患|户主|成员)\s?(?:[:：]\s*|(?<=[母父子女夫妻])\s)(?P<v>[{HAN}]{{2,4}}){_END}"),
    ("physician", "anyone", r"(?m:^)\s*(?:医生|医师|大夫|护士|药师|坐席|客服)\s?(?P<v>[一-龥]{2,4})(?=\s*[:：])"),
    ("physician", "rare", rf"(?:{_STAFF})?(?:医生|医师|大夫|护士长?|药师|技师|护师)[:：\s]{{0,2}}(?P<v>[{HAN}]{{2,3}})(?=[，,。；;、）)\n]|$)"),
    ("name", "rare", rf"{_OPEN}(?P<v>[{HAN}]{{2,4}})(?=[（(](?:[{HAN}]{{1,6}}(?:科|部|处|室|组|班|区|中心|院|所|队|族)|总务|后勤|财务|行政|保卫|食堂|男|女|[{HAN}]?\d|已|未)[{HAN}\d]{{0,4}}[)），,])"),
    ("name", "person", rf"[（(](?P<v>[{HAN}]{{2,4}})[)）]"),
    ("name", "rare", rf"(?:系|为|是|乃)(?P<v>[{HAN}]{{2,3}})(?=之[子女妻夫父母弟妹兄姐])"),
    ("name", "named", rf"[{HAN}](?<![病老家本别他大世古成众])人\s?[:：]?\s?(?P<v>[{HAN}]{{2,4}}?){_END}"),
    ("name", "nickname", rf"(?:喊我|叫我|称我|称呼我|都叫她|都叫他|喊她|喊他)(?P<v>[小阿老大][{HAN}]{{1,2}}?|([{HAN}])\2)(?=就|好|吧|即|都|[，,。！\s]|$)"),
    ("name", "family", rf"(?<=\s)(?P<v>[{HAN}])\s?(?=收[\s，,。\d])"),
    ("name", "rare", rf"(?:——|—|－－|--)\s*(?P<v>[{HAN}]{{2,4}}?)(?=记|书|留|敬|上|字|$|\n|\s|\d|[）)])"),
    ("name", "family", rf"(?:{_OPEN}|(?<=[写是找叫请问见跟给的门居床室房号属友事人]))(?![床室房号和来全由国都才空光原商养强黑解占经从为时成])(?P<v>[{HAN}]{{1,2}})(?=(?:医生|大夫|主任|护士|教授|先生|女士|小姐|太太|大姐|大哥|大嫂|大爷|大妈|大叔|阿姨|师傅|老师|老板|经理|警官|护工|奶奶|爷爷|伯伯|叔叔|婶婶|同学|某))"),
    ("name", "anyone", rf"(?:收件人|收货人|联系人|取件人|姓名|寄件人|购药人|就诊人|预约人|乘机人|持证人)\s{{1,3}}(?P<v>[{HAN}·]{{2,6}}){_END}"),
    ("name", "person", rf"(?:收件人?|收货人?|联系人?|取件人?|姓名|寄件人?|就诊人?|预约人?|户名|卡主|车主|机主|号主)(?:为|是|叫)?(?P<v>[{HAN}]{{2,4}}?){_AFTER}"),
    ("name", "person", rf"{_OPEN}(?P<v>[{HAN}]{{2,4}})\s?[（(]?(?:收|亲启|启|敬上|叩上|拜上|留|字|家属|[电手][话机]|身份证|住院号|病历号|门诊号|就诊卡|床号|\d{{1,3}}床|1[3-9]\d{{9}})(?=[\s，,。）)：:\d]|$)"),
    ("name", "anyone", rf"(?:(?<=\s)|^|(?<=[。：:；;，,、]))\d{{1,2}}\s?[.、．)）]\s?(?P<v>[{HAN}]{{2,4}})(?=\s*(?:[\s，,；;、]*\d{{1,2}}\s?[.、．)）]|$|\n|[（(]))"),
    ("name", "person", rf"(?m:^)\s*(?P<v>[{HAN}]{{2,4}})\s*(?=[，,：:]|$)"),
    ("name", "person", rf"(?:——|—|－－|--)\s*(?P<v>[{HAN}]{{2,4}})\s*(?=$|\n|\d)"),
    ("name", "child", rf"(?:{_OPEN}|(?<=[个是我的]))(?P<v>[{HAN}]{{3}})(?=(?:妈妈?|爸爸?|奶奶|爷爷|姥姥|家长)(?![{HAN}]?都))"),
    ("name", "pet name", rf"{_OPEN}(?P<v>[小阿][{HAN}]|([{HAN}])\2)(?=(?:妈妈?|爸爸?|奶奶|爷爷|姥姥|外婆|他妈|她妈|同学|家长)(?![{HAN}]{{0,1}}都))"),
    ("name", "nickname", rf"(?:小名|乳名|昵称|宝宝|宝贝|孩子|娃)(?:叫|是|名叫|名)?[“\"「（(：:\s]{{0,2}}(?P<v>[小阿大][{HAN}]{{1,2}}|([{HAN}])\2)(?=[，,。\s”\"」）)的今发咳吃拉]|$)"),
    ("name", "latin", rf"(?P<v>(?:{_LATIN}|[A-Z]\.?)(?:[ ·.]{{1,2}}{_LATIN}){{0,4}})\s?(?=医生|医师|先生|女士|大夫|教授|护士|主任|太太|小姐|同学|老师|博士|专家)"),
    ("name", "latin", rf"(?:姓名|名字|名|叫|患者|病人|患儿|我叫|名叫|叫做?|联系人|收件人|户名|就诊人|监护人|医[生师]|大夫|教授|尊敬的|家属|我是|丈夫|妻子|老公|老婆|外教|外籍|护照姓名|英文名)\s*[:：是为]?\s*(?P<v>{_LATIN}(?:[ ·]{_LATIN}){{0,4}})"),
)  # fmt: skip
_PATTERNS: tuple[tuple[Kind, Sureness, Finder], ...] = tuple(
    (kind, sureness, finder(pattern)) for kind, sureness, pattern in _CONTEXTS
)
_SYLLABLES = frozenset(
    "孟楞措卡南温罕岩咪涛班苦撒迪色和音敖额宝根毕策顺勒堆培穷阿埃艾安巴白拜班保贝比毕宾波伯勃布才茨措次崔达旦德登迪丁顿多朵杜尔法菲弗甘冈嘎戈哥格贡古哈海汗赫黑胡吉加贾江姜金晋喀卡坎康柯科克孔库拉来兰朗勒雷里丽力利列林龙隆卢鲁罗洛玛马买迈麦曼芒梅米密敏明摩莫默木穆姆娜纳乃南内尼妮努诺帕潘培佩平婆普奇恰强钦琼丘曲热仁日茹若萨塞赛桑沙莎山尚绍沈诗松苏索塔台泰坦汤特提田汀图吐托瓦旺万维卫温翁乌西希夏香辛雄许雅亚延央扬耶叶伊依义英永尤友雨玉约云扎泽则孜藏增扎珍芝扎珠朱卓宗祖佐琪斯其合者瓜图仓顿珠益贵依姆孜汉帕丁艳江提孜力木拉"
)
"""Characters that write names of minorities and foreigners."""


_NO_PERSON_AFTER = re.compile(
    "[液酶素肽胺唑汀啶酯钠钾钙片丸散汤颗胶注氏征病术法]|综合|反射|试验|分[级期型]"
)


def detect_in_context(text: str) -> Iterator[Span]:
    """People in a masked text; spans may overlap."""
    for kind, sureness, pattern in _PATTERNS:
        for found in pattern.finditer(text):
            if _accepts(sureness, found.group("v")) and not _NO_PERSON_AFTER.match(
                text, found.end("v")
            ):
                yield Span(*found.span("v"), kind)


def _accepts(sureness: Sureness, value: str) -> bool:
    if sureness == "latin":
        return len(value) > 2 and is_name_in_latin(value)
    if sureness == "family":
        return surname_length(value, rare=True) == len(value)
    if is_nobody(value) or is_drug(value) or value[1:] in words("not_names.txt"):
        return False
    if is_word_before_word(value):
        return False
    if is_world_name(value) and not is_common_word(value):
        return True
    if sureness == "pet name" or is_person(value, alone=True):
        return True
    if is_plain_word(value):
        return False
    if sureness == "nickname":
        return True
    if len(value) > 1 and all(character in _SYLLABLES for character in value):
        return True
    if sureness == "child":
        return surname_length(value) == 1
    surname = surname_length(value, rare=sureness == "rare")
    named = surname > 0 and 0 < len(value) - surname < 3
    return (sureness == "anyone" or (sureness in ("named", "rare") and named)) and not _holds_words(
        value
    )


def is_name_in_latin(value: str) -> bool:
    """Whether letters beside a cue in Chinese are a name: no abbreviation, no drug, no plain word."""
    parts = [part for part in re.split(r"[ ·.]+", value) if len(part) > 1]
    shaped = [
        part
        for part in parts
        if not re.search(r"[a-z][A-Z]", re.sub("^(?:Mc|Mac|De|Van|Le|La|O['’])", "", part))
    ]
    return any((is_no_word(part) and not part[1:].isupper()) or is_listed(part) for part in shaped)


def _holds_words(value: str) -> bool:
    """Whether a run of characters is two words of the language, or a word and a character."""
    return any(
        is_word(value[:cut], 50) and (is_word(value[cut:], 50) or cut == len(value) - 1)
        for cut in range(2, len(value))
    ) or (surname_length(value, rare=True) == 0 and is_word(value[1:], 50))
