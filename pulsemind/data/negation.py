"""Negated statements of a text, Chinese and English, each as the words that the negation covers.

The usual way (NegEx, Chapman et al. 2001): cues with a scope that ends with the clause. Words in
which a cue negates nothing (不过, 非常, "not only"), polite phrases and A-not-A questions (有没有)
are blanked first. The lists are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pulsemind.data.drugs import drugs
from pulsemind.data.quantities import normal

_NO_CUE = re.compile(
    r"(.)[不没]\1|有无|是否|能否|可否|会否|不过|不仅|不但|不光|不只|不同|不断|不妨|不得不|不久|不时|不管"
    r"|不论|无论|无非|不少|差不多|不良反应|不客气|不用谢|不谢|不好意思|没关系|没事|没问题|不要紧"
    r"|非常|非处方|非甾体|未来|否则|特别|别的|别人|区别|分别|级别|性别|个别|鉴别|类别|辨别|识别|告别"
    r"|要不然|要不|对不起|了不起|无线|禁忌[症证]|不知道您|无忌"
    r"|\b(?:no|not a) problem\b|\bnot only\b|\bno doubt\b|\bno worries\b|\bnot at all\b"
    r"|\b(?:do|does|did|is|are|have|has|can|could|would)n'?t (?:you|it|they|he|she)\b"
    r"|\bwhether or not\b"
    r"|\bno\.\s?(?=\d)"
)
_CUE = re.compile(
    r"[不没无未别勿非忌禁]|切莫|莫要|避免|停用|停止|排除|切忌"
    r"|\b(?:no|not|never|without|none|neither|nor|cannot|avoid\w*|den(?:y|ies|ied)|negative|absen\w+"
    r"|refrain\w*|stop\w*|discontinue\w*|rather than|free of|unlikely)\b|n't\b"
)
CLAUSE = re.compile(
    r"[,，。.!！?？;；:：\n]+(?!\d)|但是|但|而且|并且|(?:\b(?:but|and then|however|because)\b)"
)
_WORD = re.compile(r"[\u3400-\u9fff]|[a-z]{2,}\d*|\d+(?:\.\d+)?")
_LIGHT_HAN = (
    "的了着过是有在会能可以要需该应请您你我他她它这那个些些么吗呢吧啊也都还再就才又很太并且和与及或"
    "吃喝用服做进行发现出现到得为对把被给让使所其此从当时候等及看说来去上下中里您们"
    "食必须用心自己随便"
)
_LIGHT_ENGLISH = (
    "the an to of in on at for with any some this that these those it is are was were be been "
    "being have has had do does did you your he she his her they their we our my me can could may "
    "might should would will must need take use eat drink get or and as if so than then too very "
    "more also please there here from by about into up out"
)
_LIGHT = frozenset(_LIGHT_HAN) | frozenset(_LIGHT_ENGLISH.split())
SCOPE = 6
"""Content words of a scope that are compared."""
SHARE = 0.5
"""Share of them that must come back under a negation."""


@dataclass(frozen=True)
class Negation:
    """A negated statement: its content words in order, and the clause as written."""

    scope: tuple[str, ...]
    clause: str


@dataclass(frozen=True)
class Statements:
    """The negated statements of a text, and the content of its other clauses."""

    negated: tuple[Negation, ...]
    affirmed: tuple[tuple[str, ...], ...]


def statements(text: str) -> Statements:
    """Take a text apart."""
    plain = _without_drugs(normal(text).replace("’", "'"))
    plain = _NO_CUE.sub(lambda found: "\x00" * len(found.group()), plain)
    negated: list[Negation] = []
    affirmed: list[tuple[str, ...]] = []
    for clause in filter(str.strip, CLAUSE.split(plain)):
        cues = list(_CUE.finditer(clause))
        before = clause[: cues[0].start()] if cues else clause
        fronted = False
        for number, cue in enumerate(cues):
            stop = cues[number + 1].start() if number + 1 < len(cues) else len(clause)
            scope = _content(clause[cue.end() : stop])
            if not scope:  # "alcohol: better not", what is denied stands first
                scope, fronted = _content(before), True
            negated.append(Negation(scope, clause.replace("\x00", "").strip()))
        if not fronted:
            affirmed.append(_content(before))
    return Statements(tuple(negated), tuple(affirmed))


def _without_drugs(plain: str) -> str:
    """Spell drugs in a way that holds no cue, as 非 is one in 非洛地平: `drugN`."""
    for drug in sorted(drugs(plain), key=lambda drug: -drug.start):
        word = f" drug{sum(map(ord, drug.known))} "
        plain = plain[: drug.start] + word + plain[drug.start + len(drug.name) :]
    return plain


def lost(before: Statements, after: Statements) -> list[Negation]:
    """Negated statements of `before` that no negation of `after` covers."""
    return [negation for negation in before.negated if not _covered(negation, after)]


def added(before: Statements, after: Statements) -> list[Negation]:
    """Negations of `after` over what `before` states as it is."""
    found = []
    for negation in after.negated:
        head = negation.scope[:2]
        if not head or (len(head) == 1 and not head[0].isascii()):
            continue
        if len(head[0]) > 1:
            head = head[:1]  # an English word says enough
        was_denied = any(_runs(head, old.scope) for old in before.negated)
        if not was_denied and any(_runs(head, clause) for clause in before.affirmed):
            found.append(negation)
    return found


def _covered(negation: Negation, after: Statements) -> bool:
    wanted = set(negation.scope[:SCOPE])
    if not wanted:
        return bool(after.negated)
    return any(len(wanted & set(n.scope)) >= SHARE * len(wanted) for n in after.negated)


def _runs(head: tuple[str, ...], words: tuple[str, ...]) -> bool:
    size = len(head)
    return any(words[i : i + size] == head for i in range(len(words) - size + 1))


def _content(text: str) -> tuple[str, ...]:
    return tuple(_stem(word) for word in _WORD.findall(text) if word not in _LIGHT)


def _stem(word: str) -> str:
    """A crude stem of an English word, enough to match "drinking" with "drink"."""
    for ending in ("ing", "ed", "es", "s"):
        if word.isascii() and len(word) - len(ending) >= 3 and word.endswith(ending):
            return word.removesuffix(ending)
    return word
