# ruff: noqa: E501 - patterns and tables stand on one line
"""People in Chinese text beside a role, a relative, a bed or a word of address, wherever the name ends.

Each cue says that a name may begin behind it, or that a family name stands before it; `name_at`
finds the end. `chinese_context.py` has the cues that need a sign or the end of a line after the name.
"""

from __future__ import annotations

from collections.abc import Iterator

from pulsemind.data.chinese_at import Trust, name_at
from pulsemind.data.chinese_words import HAN, is_common_word, is_word, surname_length
from pulsemind.data.detectors import Span
from pulsemind.data.finder import Finder, finder
from pulsemind.data.kinds import Kind

_GAP = r"[\s:：“\"‘'「『【（(\[]{0,3}(?:叫|名叫|名字叫|名|是|为|即|系)?[:：“\"‘'「]?"
_KIN = (
    "妈妈?|爸爸?|爹|娘|爷爷|奶奶|姥姥|姥爷|外公|外婆|阿公|阿婆|阿妈|阿爸|老公|老婆|丈夫|妻子|爱人|老伴儿?|先生|太太|媳妇|儿子|女儿|闺女|儿媳妇?|女婿|婆婆|公公|岳父|岳母|丈人|丈母娘|哥哥?|姐姐?|弟弟?|妹妹?|嫂子?|姐夫|妹夫|弟媳妇?|侄儿?子?|侄女|外甥女?|孙子|孙女|外孙女?|舅舅?|舅妈|姑姑|姑妈|姑父|姨妈?|小姨|叔叔?|婶婶?|伯伯|伯父|伯母|大伯|表[哥姐弟妹]|堂[哥姐弟妹]"
    "|母亲|父亲|兄长?|长子|次子|长女|次女|幼子|幼女|其子|其女|其妻|其夫|其母|其父|其兄|其弟|其姐|其妹|配偶|同伴|同学|同事|同乡|同屋|同桌|工友|战友|室友|舍友|病友|队友|好友|朋友|闺蜜|男友|女友|男朋友|女朋友|未婚[夫妻]|邻居|邻床|房东|老乡|徒弟|师父|师傅|班主任|班长|辅导员|导师|领导|老板|保姆|护工|月嫂|阿姨|司机|教练|翻译|网友"
)
_ROLE = (
    "患者|病人|患儿|患方|病患|伤者|死者|逝者|产妇|孕妇|孕产妇|宝妈|宝爸|新生儿|婴儿|男婴|女婴|伤员|老人|老人家|长者|老汉|大爷|大娘|职工|员工|工人|学生|学员|教师|居民|村民|社员|战士|战士|官兵|牧民|渔民|农民|民工|旅客|乘客|游客|司机|外教|留学生|嫌犯|在押人员|服刑人员|戒毒人员"
    "|被保险人|投保人|受益人|参保人|申请人|申诉人|投诉人|举报人|当事人|被告|原告|上诉人|委托人|受托人|被?鉴定人|被害人|受害人|被扶养人|监护人|代理人|代表人|见证人|担保人|保证人|收养人|签收人|领取人|领药人|取药人|取件人|代取人|借阅人|借用人|归还人|护送人|送诊人|陪诊人?|陪护人?|陪同人?|照护人|照料人|付款人|缴费人|收款人|汇款人|缴款人|开户人|持卡人|登记人|报告人|通报人|联系人|联络人|负责人|责任人|经手人|经办人|发件人|收件人|寄件人|收货人|发货人|下单人|订餐人|预约人|挂号人|就诊人|受检人|受检者|体检者|检查者|受试者|研究者|志愿者|献血者|捐献者|捐赠者|供者|受者|供体|受体|密接者?|密接人员|接触者|次密接|确诊者|感染者|携带者|接种者|受种者|服务对象|随访对象|帮扶对象|失能老人|会员|用户|客户|顾客|读者|车主|户主|业主|租客|租户|机主|号主|卡主|驾驶员|肇事者|报警人|报案人|证人|目击者|施救者|呼救人|来电人|来访者|咨询者|求助者|求诊者|应聘者|考生|选手|运动员|球员"
    "|家属|家长|亲属|患属|家人|亲友"
)
_STAFF = "记录人?|记录者|值班|总值班|一线|二线|三线|夜班|白班|晚班|中班|早班|前夜|后夜|大夜|小夜|责护|责任护士|主班|当班|接班|交班|接诊|首诊|主诊|主刀|术者|[一二三]助|第[一二三]助手|助手|台上|台下|巡回|器械|洗手|麻醉|主麻|副麻|会诊|查房|带教|进修|规培|实习|管床|经治|主管|主治|上级|审方|审核|复核|核对|调配|调剂|发药|配药|煎药|取血|输血|采血|抽血|采样|送检|检验|检测|初检|复检|初筛|阅片|诊断|报告|书写|打印|登记|分诊|导诊|接线|随访|回访|客服|经办|承办|办理|接待|联络|开单|开方|开具|申请|执行|操作|签发|签署|签字|签名|签章|盖章|见证|监督|负责|护理|监护|跟台|转运|转出|转入|接收|交接|转诊|出诊|巡诊|驻村|家庭|签约|村医|校医|厂医|队医|船医|军医|兽医|急救|出车|随车|担架|陪检|调度|坐席|主持|汇报|整理|录入|质控|院感|营养|心理|康复|针灸|推拿|导管室|内镜|超声|放射|影像|病理|药房|药剂|护士站|分管|代管|代班|替班|换班"
_STAFF_NOUN = "医生|医师|大夫|护士长?|护师|药师|技师|主任|教授|院长|科长|研究员|研究者|治疗师|咨询师|助产士|医助|助理|秘书|人员|同志|老师|专员|经理|组长|队长|站长|所长|医士|护理员|检验员|药剂员|主管|主治"
_BEFORE: tuple[tuple[Kind, Trust, str], ...] = (
    ("name", "plain", rf"(?:{_ROLE}){_GAP}"),
    ("name", "sure", rf"(?:{_ROLE})(?:[ \t]+|[:：][ \t]?)"),
    ("name", "slight", rf"(?:{_KIN}){_GAP}"),
    ("name", "plain", rf"(?:{_KIN})(?:叫|名叫|名字叫|姓名|[（(:：“\"「])"),
    (
        "name",
        "plain",
        rf"(?:本人|我叫|我是|俺叫|俺是|名叫|名字叫|名字是|叫做|名唤|人称|落款|署名|抬头|户名|姓名|曾用名|别名|兹有|兹证明|今有|现有|授权|委托|尊敬的|亲爱的|报的是|登记的是|写的是|叫的是|挂的是|签的是|应为|误为|误写成?|误录为|更正为|改为|改名|更名为?|原名|真名|中文名|汉名|汉语名|藏名|蒙名|艺名|学名|大名|小名|乳名|代签|代领|密接){_GAP}",
    ),
    (
        "name",
        "slight",
        r"(?:致|找|转告|通知|告知|提醒|联系|替|帮|陪|送|接|问|跟|叫|让|请|由|与|同|和|向|给|喊|等|催|扶|抱着|背着|带|谢谢|感谢|麻烦|见过|认识|住着|轮到|换成|还有|叫号|呼叫|下一位|过号)[:：]?",
    ),
    (
        "name",
        "sure",
        r"(?:\d|[A-Z]|[一二三四五六七八九十])\s*号?\s*(?:病|加)?床[\s，,:：、-]{0,3}(?:的|是|患者|病人|那位|新收|新入)?",
    ),
    (
        "name",
        "plain",
        rf"(?:医院|[{HAN}]科|中心|公司|单位|学校|大学|村|社区|小区|诊所|卫生院|卫生室|药房|药店)的(?=[{HAN}]{{2,4}}[，,。；;：:！!\s])",
    ),
    (
        "physician",
        "sure",
        rf"[{HAN}]{{1,3}}科(?=[{HAN}]{{2,3}}(?:[，,。\s]{{0,2}}(?:\d{{4}}|$|\n)|[，,]\s?(?:电话|分机)))",
    ),
    ("name", "slight", r"(?:[我咱俺他她你]家|家里)(?:的|那个|这个)?"),
    ("physician", "plain", rf"(?:{_STAFF})(?:{_STAFF_NOUN})(?:签[名字章])?[\s:：（(]{{0,3}}"),
    ("physician", "plain", rf"(?:{_STAFF})(?:签[名字章])?[\s]{{0,2}}[:：][\s]{{0,3}}"),
    ("physician", "slight", rf"(?:{_STAFF}|{_STAFF_NOUN})[\s（(]{{0,2}}"),
)
_CUES: tuple[tuple[Kind, Trust, Finder], ...] = tuple(
    (kind, trust, finder(cue)) for kind, trust, cue in _BEFORE
)

_ADDRESS = "姐夫|姐|哥|嫂子|嫂|叔叔|叔|婶婶|婶|姨|伯伯|伯|爷爷|爷|奶奶|大爷|大妈|大娘|大叔|大婶|大哥|大姐|大嫂|老汉|老太太?|老爷子|老先生|老师|老板|师傅|师父|同学|同志|女士|先生|小姐|太太|夫人|阿姨|阿婆|阿公|经理|店长|警官|法官|律师|队长|班长|书记|村长|司机|教练|总|董|局|妈妈?|爸爸?|家(?:的|里|属|人)|姓"
_MEDICAL = "医生|医师|大夫|主任|副主任|教授|护士长?|护师|药师|技师|主治|院长|科长|博士|主管|所长|站长|医|护|导|工"
OPENS = rf"(?:(?<![{HAN}])|(?<=[我的请找由让给问是跟和与去看到叫喊见谢下了个位被把听说对向为替帮托催等家那这及或联系同有户员])|(?<=麻烦)|(?<=今天)|(?<=昨天)|(?<=明天)|(?<=值班))"
_GUARD = "(?<![老小大表堂师学先后前每各本贵某此该何任同百异改随冠妈爸])"
_TITLED: tuple[tuple[Kind, Finder], ...] = (
    (
        "name",
        finder(
            rf"{OPENS}(?=(?P<v>[{HAN}]{{1,2}}?){_GUARD}(?:{_ADDRESS})(?![{HAN}]?(?:病|综合|征)))"
        ),
    ),
    (
        "physician",
        finder(
            rf"{OPENS}(?<!谢)(?=(?P<v>[{HAN}]{{1,2}}?)(?:{_MEDICAL})(?:[，,。；;：:！!？?、\s”\"’）)说讲让叫给开建看在来查下写签值的就也又早晚今昨约要是不没吧啊呢吗您]|$))"
        ),
    ),
    (
        "physician",
        finder(rf"(?=(?P<v>[{HAN}]{{1,2}}?)姓[{HAN}]{{0,4}}(?:医|护|大夫|主任|教授|药师|技师))"),
    ),
    (
        "name",
        finder(
            rf"(?=(?P<v>[{HAN}]{{1,2}}?)姓(?:患|病|男|女|老|产|孕|青|少|儿|居|村|司|学|工|家|旅|乘|游|妇|市民|员工|顾客|客))"
        ),
    ),
)
_SURNAME_SAID = finder(
    rf"(?<![同百贵老改随冠夫母异何])姓(?P<v>[{HAN}]{{1,2}}?)(?![名氏甚什啥啦])(?=[{HAN}]|[，,。；;！!\s）)”\"]|$)"
)
_DOUBLE = finder(rf"(?<![{HAN}])(?P<v>[{HAN}]{{3,4}})(?=[，,。；;：:！!？?、\s”\"）)]|$)")
_HANDLED = finder(
    rf"(?:(?<![{HAN}])|(?<=[科室院部站组台班房店]))(?P<v>[{HAN}]{{2,4}}?)(?=经手|经办|签收|签发|代签|代办|代领|代取|敬上|谨上|留字|手书|亲笔|执笔|主笔|接听|接电话|值守|值班|当班|陪护|陪同|护送|押运|主刀|主讲|主持|签字|签名)"
)
_OWNED = finder(
    rf"(?:(?<![{HAN}])|(?<=[把看见拿取找问是替给帮叫催查]))(?=(?P<v>[{HAN}]{{2,4}})的(?:妈妈?|爸爸?|爷爷|奶奶|儿子|女儿|老公|老婆|家[属人长]|父母|[父母]亲|主治|管床|保单|病历|病例|片子|报告|化验|检查单|检查结果|医保|身份证|护照|手机|电话|号码?|微信|床位?|药|快递|住院|出院|手术|挂号|预约|单子|处方|胶片|CT|B超|[A-Z]{{2,3}}\b))"
)


def detect_roles(text: str) -> Iterator[Span]:
    """People in a masked text that a role or a word of address gives away; spans may overlap."""
    for kind, trust, cue in _CUES:
        for found in cue.finditer(text):
            if trust == "slight" and is_word(text[found.end() - 1 : found.end() + 1], 100):
                continue  # the cue's last character belongs to a word: 由于, 同时
            stop = name_at(text, found.end(), trust)
            if stop > found.end():
                yield Span(found.end(), stop, kind)
    for kind, pattern in _TITLED:
        for found in pattern.finditer(text):
            if _is_family(text, *found.span("v")):
                yield Span(*found.span("v"), kind)
    yield from _owners(text)


def _owners(text: str) -> Iterator[Span]:
    """Who says a family name, signs, or has what is spoken of."""
    for found in _SURNAME_SAID.finditer(text):
        if surname_length(found.group("v"), rare=True) == len(found.group("v")):
            yield Span(*found.span("v"), "name")
    for found in _HANDLED.finditer(text):
        if name_at(found.group("v"), 0, "sure") == len(found.group("v")) or _is_short(
            found.group("v")
        ):
            yield Span(*found.span("v"), "name")
    for found in _DOUBLE.finditer(text):
        if surname_length(found.group("v")) == 2 and name_at(found.group("v"), 0, "sure") == len(
            found.group("v")
        ):
            yield Span(*found.span("v"), "name")
    for found in _OWNED.finditer(text):
        if name_at(found.group("v"), 0, "plain") == len(found.group("v")):
            yield Span(*found.span("v"), "name")


def _is_short(value: str) -> bool:
    """Two characters of a name that make a seldom word (慎行)."""
    return (
        len(value) == 2
        and surname_length(value, rare=True) == 1
        and is_word(value)
        and not is_common_word(value)
    )


_GRAMMAR = frozenset(
    "由原全和经从都先后来同与对应能可该被才又再且当始终即便就因于是有在向为以及其各每某本但如若未已将"
)
"""Family names that before a word of address are grammar: 由家属陪同, 原姓名."""


def _is_family(text: str, start: int, stop: int) -> bool:
    """A family name that makes no frequent word with what stands before or after it."""
    value = text[start:stop]
    if surname_length(value, rare=True) != len(value) or value in _GRAMMAR:
        return False
    plain = surname_length(value) > 0
    joined = text[start : stop + 1], text[start : stop + 2], text[max(0, start - 1) : stop]
    return not any(is_common_word(word) for word in joined if len(word) > len(value) or not plain)
