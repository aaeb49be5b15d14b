"""The dialogue act that matters most in a consultation: does the physician ask the patient?

A turn asks when one of its sentences wants information from the patient (symptoms, history, habits,
what was tried), with or without a question mark. It does not ask when it only
- tells the patient what to look into ("查一下是否有感染", "check whether the wound is dry"),
- poses a question to answer it itself ("为什么会这样？因为…"),
- quotes the patient's question, seeks assent ("好吗？", "okay?") or offers help ("anything else?").

Rules, ours; `tests/unit/test_data_asking.py` measures them on sentences labelled by hand.
"""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"[^。！？!?；;\n.]+(?:\.(?=\d)[^。！？!?；;\n.]+)*[？?]*")
_QUOTED = re.compile(r"“[^”]*”|「[^」]*」|\"[^\"]*\"")
_ZH_CUE = re.compile(r"[吗么呢嘛没否无多几哪问诉述说讲何不绍]")
_CLAUSE = re.compile(r"[，,、：:]")

# What looks like a question and is none. Each is matched on one sentence.
_ASSENT = re.compile(
    r"(?:好|行|可以|明白|清楚|懂|理解|知道|对)(?:了|不)?(?:吗|么|吧|嘛)[？?]*$"
    r"|(?:好不好|行不行|可不可以)[？?]*$"
    r"|(?:^|[,，]\s*)(?:ok|okay|all\s*right|alright|right|understood|got it|does that make sense"
    r"|is that (?:ok|okay|clear|all right))\s*\?*$",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"^(?:why don't we|shall we|why not)\b"
    r"|还有(?:什么|其他|其它|别的).{0,8}(?:帮|问|不清楚|不明白)|有什么.{0,6}(?:可以|能).{0,4}帮"
    r"|(?:any|what)(?:thing)?\s+(?:other\s+|else\s+)?(?:questions|(?:else\s+)?i can (?:help|do))"
    r"|anything else\b(?!.*(?:take|taking|notice|hurt))|how (?:can|may) i help",
    re.IGNORECASE,
)
_RHETORICAL = re.compile(
    r"^(?:那么?|所以)?(?:为什么|为何|什么是|怎么办|该?如何|怎样|怎么(?:治|预防|办|治疗|护理|缓解))"
    r"|^.{1,12}(?:是怎么回事|怎么办|是什么(?:病|(?:原因)?(?:引起|导致|造成)?的?)?"
    r"|如何治疗|怎么治疗?|有哪些(?:症状|危害|原因|方法)?)呢?[？?]*$"
    r"|^(?:so\s+)?(?:why|what (?:causes?|is|are)|how (?:can|do|does|is|should))\b",
    re.IGNORECASE,
)
_GENERIC = re.compile(
    r"^(?:so\s+)?how (?:can|should|do) (?:you|i|we|one) (?:prevent|treat|avoid|cure)\b", re.I
)
_TO_YOU = re.compile(
    r"[你您]|孩子|宝宝|\byou(?:r|rs)?\b|\bthe (?:pain|cough|fever|baby|child)\b", re.I
)

# Questions that need no question mark.
_GOVERNED = re.compile(
    r"看看?|检查|查|确[认定诊]|明确|判断|了解|观察|排除|鉴别|评估|复查|测|注意|留意|记录"
    r"|取决于|根据|无论|不管|不论|决定|分清|区分|搞清|弄清|关系到|知道|考虑|如果|要是|若"
)
_ZH_OPEN = re.compile(
    r"请问|(?:请|麻烦您?|可以|能|具体|详细|跟我|和我)(?:您|你|跟我|给我|具体|详细|先)*"
    r"(?:告诉我|描述|说说|说一下|讲讲|讲一下|介绍)|想(?:问|了解)一?下"
)
_ZH_FINAL = re.compile(r"(?:吗(?=[你您])|(?:吗|么|没有|没|否|嘛|[你您人候]呢)[~～]*$)")
_ZH_NOT_FINAL = re.compile(
    r"(?:什么|怎么|这么|那么|多么)(?:都|也)?没有?$"
    r"|(?:都|也|还|并|就|暂时|目前|一点|丝毫|完全)没有?$|没(?:什)?么$|(?:这么|那么|多么|什么|怎么)$"
)
_ZH_CHOICE = re.compile(
    r"有没有|有无|是不是|是否|能不能|会不会|要不要|吃不吃"
    r"|([疼痛痒咳烧吐晕胀麻累喘多大高硬干红肿])不\1"
    r"|多久了|多大(?:年龄|年纪|岁数|了)|多长时间了?|多高|多重"
    r"|多少(?:度|岁|斤|公斤|次|天|钱|量|毫升)"
    r"|(?:[了过有吃用痛疼发续]|怀孕)几(?:天|次|岁|度|个?月|周|年|片)"
    r"|几(?:天|周|个月|年)了|几[岁度点]"
    r"|什么(?:时候|颜色|药|症状|样|性质|部位|工作|病史|原因|情况|检查)"
    r"|哪(?:里|儿|个|些|种|一)|怎么样|怎样的|(?:如何|[了是]多少|[疼痛痒累重多害]不)$"
)
_ZH_NOT_CHOICE = re.compile(
    r"多少(?:会|都|有)|没(?:有)?(?:什么|多少|哪)|不(?:是)?(?:什么|多少)"
    r"|(?:由|因|取决|要看|得看|看您|视).{0,4}(?:决定|而异|而定|情况|恢复)"
    r"|(?:什么|哪[里儿个些种]|怎么样).{0,8}(?:都|也)"
)
_EN_OPEN = re.compile(
    r"^(?:(?:and|so|also|then|ok|okay|well|now|hi|hello|thanks|thank you|good \w+|first)[,\s]+)*"
    r"(?:do\s+(?:you|your|they|any)\b"
    r"|(?:does|did|are|were|have|has|had|is|was|can|could|would|will)\s+"
    r"(?:you|your|he|she|they|it|the|there|any|this|that|anyone)\b"
    r"|how\s+(?:long|often|many|much|bad|severe|old|tall|far|heavy|is|are|was|did|do|does|has|have)\b"
    r".*?\b(?:you|your|it|is|are|was|were|did|do|does|has|have|had|the)\b"
    r"|(?:what|which|where|when|who|why)\b(?:\s+\w+){0,3}?\s+"
    r"(?:do|does|did|are|is|was|were|have|has|had)\s+(?:you|your|it|the|he|she|they|that|this)\b"
    r"|what(?:'s|\s+is|\s+are)\s+(?:your|the|his|her)\b"
    r"|(?:please\s+|could you\s+|can you\s+)?(?:tell me|describe)\b"
    r"|(?:please\s+)?let me know\s+(?:how|what|when|where|which|whether|about)\b"
    r"|any\s+(?!\w+\s+(?:should|must|will|can|is|are|may|needs?)\b)[\w ,]{3,40}$)",
    re.IGNORECASE,
)
_EN_WHEN_STATEMENT = re.compile(
    r"^(?:when|where|what|which|who)\s+(?:you|your|it|the)\b"
    r"|^any\b.*\b(?:should|must|will|can|is|are|may|needs?)\b"
    r"|^(?:have|has|had|is|are|was)\s+(?:it|the|this|that|your|a)\s+\w*.*\b(?:checked|tested|done|repeated|examined|removed)\b",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Whether a physician's turn asks the patient for information, in Chinese or English."""
    sentences = [s.strip(" \t\r,，、:：") for s in _SENTENCE.findall(_QUOTED.sub(" ", text))]
    sentences = [s for s in sentences if s]
    last = len(sentences) - 1
    return any(_asks(sentence, number == last) for number, sentence in enumerate(sentences))


def _asks(sentence: str, last: bool) -> bool:
    if sentence[-1] in "？?":
        own_answer = not last and _RHETORICAL.search(sentence)
        if own_answer and (_GENERIC.match(sentence) or not _TO_YOU.search(sentence)):
            return False
    elif not (_asks_in_english(sentence) or _asks_in_chinese(sentence)):
        return False
    return not (_ASSENT.search(sentence) or _OFFER.search(sentence))


def _asks_in_english(sentence: str) -> bool:
    return bool(_EN_OPEN.match(sentence)) and not _EN_WHEN_STATEMENT.match(sentence)


def _asks_in_chinese(sentence: str) -> bool:
    if not _ZH_CUE.search(sentence):
        return False
    return bool(_ZH_OPEN.search(sentence)) or any(map(_asks_clause, _CLAUSE.split(sentence)))


def _asks_clause(clause: str) -> bool:
    """Whether a clause without a question mark is one: not one that a verb like 查 governs."""
    governed = _GOVERNED.search(clause)
    if _ZH_FINAL.search(clause) and not _ZH_NOT_FINAL.search(clause):
        negation = clause.rstrip("~～")[-1] in "没有否"
        if not (negation and governed):
            return True
    choice = _ZH_CHOICE.search(clause)
    if choice is None or _ZH_NOT_CHOICE.search(clause):
        return False
    return governed is None or governed.start() >= choice.start()
