"""Exact rules that read a letter from a reply, most explicit first (ours; SPEC 6).

A rule finds letters, alone or in a run ("A and B", "BD"). A letter that the text denies ("not A",
"A is wrong", "A选项错误") is not chosen. Different letters under one rule are a conflict, unless
the reply corrects itself between them; a list of the options chooses none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from pulsemind.evaluation.named import read_named

LetterRule = Literal[
    "boxed", "statement", "leading", "verdict", "choice_word", "conclusion", "pointed", "mention"
]

WORD = r"A-Za-z0-9\u4e00-\u9fff"
JOIN = r"(?:\s*(?:[,、/&+]|\b(?:and|or|nor)\b|和|或者?|及|与))+\s*"
_BEFORE = re.compile(
    r"(?:不选|不能选|不应选|不宜选|不是|并非|而非|排除|除了|非"
    r"|\b(?:not|never|neither|nor|without|except|exclud\w+|eliminat\w+|rul\w+ out|reject\w*)\b"
    r"|n't\b|\bcannot\b|rather than|instead of)"
    r"\s*(?:\b(?:be|choose|pick|select|option|choice|the|answer)\b|选项|选|[:(\[\"'])*\s*$",
    re.IGNORECASE,
)
_DENIAL = (
    r"(?:选项|项)?\s*(?:(?:都|均|也|则|明显|肯定)?\s*(?:是)?\s*(?:错误|错|不对|不正确|不符|不合适"
    r"|不适用|不适合|不选|不可|不能|可排除|被排除|排除)"
    r"|\s*,?\s*(?:(?:is|are|was|were)\s+(?:all\s+|both\s+|clearly\s+|definitely\s+|therefore\s+)?"
    r"(?:not|n't|wrong|incorrect|excluded|eliminated|false|inappropriate|contraindicated|ruled)"
    r"|isn't|aren't|can(?:not|'t)|(?:can|could|may|must) be (?:excluded|eliminated|ruled)))"
)
_HEDGE = re.compile(r"(?:或许|也许|可能可以|might|may also)", re.IGNORECASE)
CORRECTION = re.compile(
    r"\b(?:wait|actually|on (?:second thought|reflection)|scratch that|correction|let me correct"
    r"|i was wrong|i made a mistake|re-?consider(?:ing)?|changed? my mind)\b"
    r"|更正|改选|改为|修正|重新考虑|仔细考虑|仔细想|再想|再看|(?:^|[。.;!\n])\s*不对\s*[,。!]",
    re.IGNORECASE,
)


_ABBREVIATION = re.compile(r"(?<![A-Za-z0-9])([A-Z])\.\s*([A-Za-z]{2,})")
_EPITHET = re.compile(r"(?:[a-z]{2,}(?:i|is|us|um|ae|ans|ens|ile|osa|cens)|fib|flutter|stenosis)")
"""Second words of abbreviated names: "E. coli", "C. difficile", "B. cereus", "A. fib"."""
_CONTRAST = re.compile(r"\b(?:but|however|whereas)\b|但|然而|不过|而应", re.IGNORECASE)
_DISMISSED = re.compile(
    r"不(?:选|考虑|宜|适|对|正确|符)|排除|错|\b(?:wrong|incorrect|not|unlikely|inferior)\b",
    re.IGNORECASE,
)
WEAK: frozenset[str] = frozenset({"pointed", "mention"})
"""Rules that read a letter which may stand there for another reason."""


class Found(NamedTuple):
    """Letters one rule found, none when they contradict each other."""

    letter: str | None
    rule: LetterRule


@lru_cache(maxsize=64)
def _patterns(letters: str) -> tuple[tuple[LetterRule, re.Pattern[str]], ...]:
    """The rules for these option letters; group `run` holds the letters."""
    upper = rf"[(\[\"'「“【]*\s*(?:[{letters}])(?![A-Za-z0-9]|'[a-z])\s*[)\]\"'」”】]*"
    # A small letter counts only where it cannot be a word: "answer: b.", but not "is a virus".
    small = rf"[(\[\"']*\s*[{letters.lower()}](?:\s*[)\]\"'.,;:]|\s*$)"
    # "I" and "A" are words before a small word: "I think", "A patient".
    word = r"(?!(?<=[AI])\s+[a-z])"
    one = rf"(?:{upper}{word}|(?m:{small}))"
    run = rf"(?P<run>[{letters}]{{2,{len(letters)}}}(?![A-Za-z0-9])|{one}(?:{JOIN}{one})*+)"
    noun = r"(?:(?:the\s+)?(?:option|choice|answer|letter)|选项|答案)?\s*"
    verb = (
        r"(?:(?:is|are|was|would|will|should|must|could|can|may|has\s+to|might)"
        r"(?:\s+(?:be|likely|most\s+likely|probably|clearly|therefore|thus|then|still))*"
        r"|可能是|应该是|应当是|应该为|就是|则是|应是|应为|应选|是|为|选择|选)?"
    )
    link = rf"[\"'】\])]*\s*(?i:{verb})\s*[\"'】]*\s*(?:[:=>.-]+)?\s*[\"'「“]*\s*(?i:{noun})"
    praised = (
        r"(?:(?:is|was|would be|must be)\s+(?:also\s+|indeed\s+|therefore\s+|clearly\s+)?"
        r"(?:the\s+)?"
        r"(?:most\s+)?(?:correct|right|best|answer|true|preferred|appropriate|likely|suitable)"
        r"|it\s+is(?=\W|$)|is\s+(?:what|the\s+one)\s+I\b|stands out|fits best"
        r"|(?:选项|项)?\s*(?:是|为|最|比较|更|较)?\s*"
        r"(?:正确|最佳|对的?(?=\W|$)|合适|符合|恰当|首选|好|有价值|有意义|可能))"
    )
    sources: dict[LetterRule, str] = {
        "boxed": rf"\\boxed\s*{{\s*{run}",
        "statement": rf"(?:(?i:\b(?:answers?|ans)\b|答案?)"
        rf"(?:\s+(?i:to\s+(?:this|the)\s+question|here))?"
        rf"{link}|(?i:correct|best|right|final|selected|chosen|preferred|appropriate|likely)\s+"
        rf"(?i:option|choice|answer)(?i:\s+here)?{link}|(?:正确|最佳)(?:选项|的)?\s*[:是为]+\s*"
        rf"|(?i:\bcorrect)\s*[:=]\s*|(?i:option|choice)\s+that\s+(?:[a-z]+\s+){{1,4}}is\s+){run}",
        "leading": rf"\A\s*{run}(?=\s*(?:$|[.):,、。:;\n]|-\s)|\s+[\u4e00-\u9fff])",
        "verdict": rf"(?<![A-Za-z0-9]){run}\s*{praised}",
        "choice_word": rf"(?:(?i:\b(?:choose|chose|select|pick|"
        rf"(?:go|going|went)\s+(?:with|for)|opt\s+for|"
        rf"favou?rs?|points\s+to|lean(?:s|ing)?\s+(?:to|towards?)|leav(?:es|ing)(?:\s+(?:us|only))?(?:\s+with)?|"
        rf"settle\s+on))\s+"
        rf"(?i:the\s+)?(?i:{noun})|(?:选择?(?!项)|倾向于?|只剩|剩下)\s*[:]?\s*(?:选项)?){run}",
        "conclusion": r"(?i:\b(?:therefore|thus|hence|so|consequently)\b"
        rf"|综上(?:所述)?|因此|所以|故)\s*[,:]?\s*(?i:it\s+(?:is|has\s+to\s+be|must\s+be|should\s+be))?\s*{run}"
        rf"\s*(?:[.。!]|$)|(?<![{letters}])[.,。:;!]\s*(?P<run2>[{letters}])\s*[.。!]?\s*\Z",
        "pointed": rf"(?:\b(?i:is|be)\s+(?:likely\s+)?|'s\s|[:>=「【]\s*|是|为){run}"
        rf"(?=\s*(?:$|[^\s{WORD}]))",
        "mention": rf"(?:(?i:\b(?:option|choice)[\s_]+)|选项\s*[:]?\s*){run}"
        rf"|(?<![A-Za-z0-9、,])(?P<run2>[{letters}])\s*(?:选项|项)\s*(?:$|[。.])",
    }
    return tuple((rule, re.compile(source, re.MULTILINE)) for rule, source in sources.items())


def read_letter(text: str, options: Mapping[str, str]) -> Found | None:
    """The letter that the first rule to find any reads in a plain text.

    Returns None when no rule finds one, and a `Found` without letter when the rule's findings
    contradict each other or the options' own texts ("B. Warfarin" where C is warfarin).
    """
    text = _ABBREVIATION.sub(lambda m: _masked(m, options), text)
    turns = list(CORRECTION.finditer(text))
    if turns:  # what follows the last change of mind counts, if it decides
        tail = _read(text[turns[-1].end() :].strip(" ,.。:!"), options)
        if tail and tail.letter:
            return tail
    return _read(text, options)


def _read(text: str, options: Mapping[str, str]) -> Found | None:
    text = _without_list(text, options)
    for rule, pattern in _patterns("".join(sorted(options))):
        found: set[str] = set()
        end = 0
        for match in pattern.finditer(text):
            if rule == "mention" and _DISMISSED.search(text, match.end()):
                continue
            chosen = _asserted(match, text, options)
            if len(chosen) == 1 and _other_text(text, match.end(), chosen, options):
                return Found(None, rule)
            found |= chosen
            end = match.end()
        if len(found) == 1 and rule != "boxed" and _doubted(rule, text, end, found, options):
            return Found(None, rule)
        if found:
            return Found(found.pop() if len(found) == 1 else None, rule)
    return None


def _asserted(match: re.Match[str], text: str, options: Mapping[str, str]) -> set[str]:
    """The letters of a match that the text does not deny."""
    group = next(name for name in ("run", "run2") if match.groupdict().get(name))
    run = match.group(group)
    words = re.sub(r"(?i:and|nor|or)", " ", run)
    letters = {c.upper() for c in words if c.upper() in options}
    after = text[match.end(group) : match.end(group) + 120]
    if _BEFORE.search(text[max(0, match.start(group) - 40) : match.start(group)]):
        return set()
    if _BEFORE.search(text[max(0, match.start() - 40) : match.start()]):  # "not choose A"
        return set()
    if re.match(rf"(?:{JOIN}[A-Z])*\s*{_DENIAL}", after, re.IGNORECASE):
        return set()
    if len(letters) == 1 and _denied_with_text(after, options[next(iter(letters))]):
        return set()
    return set() if _HEDGE.match(after.lstrip()) else letters


def _denied_with_text(after: str, option: str) -> bool:
    """Whether a letter's own text follows it and is denied: "B. Clopidogrel is wrong"."""
    rest = after.lstrip(" .):、-")
    if option and rest.lower().startswith(option.lower()):
        rest = rest[len(option) :]
    rest = rest.lstrip(" ,:–—-(")
    return bool(re.match(rf"(?:{_DENIAL}|(?:in|not )correct|wrong\b|false\b)", rest, re.IGNORECASE))


def _masked(match: re.Match[str], options: Mapping[str, str]) -> str:
    """An abbreviated name without its letter ("E. coli", "A. fib"); else the text as it is.

    A letter before a word that begins its own option's text stays one. "I. Analysis" is a Roman
    number.
    """
    letter, word = match[1], match[2]
    own = options.get(letter, "").strip()
    if own.lower().startswith(word.lower()):
        return match[0]
    if _EPITHET.fullmatch(word) or letter == "I":
        return f"_{match[0]}"
    return match[0]


def _doubted(rule: str, text: str, end: int, found: set[str], options: Mapping[str, str]) -> bool:
    """Whether the rest of the text speaks for another option.

    After any rule a "but" with another letter does; for a weak rule any other free letter, or the
    text of another option, is doubt enough.
    """
    others = set(options) - found
    turns = [match.start() for match in _CONTRAST.finditer(text)]
    after = next((text[at:] for at in turns if at >= end), "")
    if _free_letter(after, others):
        return True
    if rule not in WEAK:
        return False
    start = max((at for at in turns if at < end), default=0)
    if _free_letter(text[start:], others):
        return True
    named = read_named(text, options).letter
    return named is not None and named not in found


def _free_letter(text: str, letters: set[str]) -> bool:
    """Whether one of these letters stands in a text, not as a word ("A patient"), not denied."""
    words = "".join(sorted(letters & {"A", "I"}))
    plain = "".join(sorted(letters - {"A", "I"}))
    forms = [rf"[{plain}]"] * bool(plain) + [rf"[{words}](?!\s+[a-z])"] * bool(words)
    pattern = rf"(?<![A-Za-z0-9_])(?:{'|'.join(forms) or '(?!)'})(?![A-Za-z0-9'])"
    return any(not _denied_letter(match, text) for match in re.finditer(pattern, text))


def _denied_letter(match: re.Match[str], text: str) -> bool:
    after = text[match.end() : match.end() + 60]
    before = text[max(0, match.start() - 40) : match.start()]
    return bool(re.match(_DENIAL, after, re.IGNORECASE) or _BEFORE.search(before))


def _other_text(text: str, end: int, chosen: set[str], options: Mapping[str, str]) -> bool:
    """Whether the text goes on with exactly another option's text: letter and text disagree."""
    rest = re.split(r"[\n.。;；,，(]", text[end:].lstrip(" .:)、-,"), maxsplit=1)[0].strip().lower()
    others = {o.strip().lower() for letter, o in options.items() if letter not in chosen}
    own = {options[letter].strip().lower() for letter in chosen}
    return rest != "" and rest in others - own


def _without_list(text: str, options: Mapping[str, str]) -> str:
    """The text without a list of the options; what such a list says of each chooses none."""
    heads = list(_heads(text, options))
    if len({letter for letter, _, _ in heads}) < min(3, len(options)):
        return text
    if heads[0][0] > min(letter for letter, _, _ in heads[1:]):
        heads = heads[1:]  # "B. ...", then why A, C and D are not: the first is the answer
    lines = text.split("\n")
    listed = {text.count("\n", 0, start) for _, start, _ in heads}
    kept = [line for number, line in enumerate(lines) if number not in listed]
    if len(listed) == 1:  # all in one line: keep what follows the last option's sentence
        last = max(start for _, start, _ in heads)
        kept.append(
            re.split(r"[.。]\s+", text[last + 2 :], maxsplit=1)[-1]
            if ". " in text[last + 2 :]
            else ""
        )
    return "\n".join(kept).strip()


def _heads(text: str, options: Mapping[str, str]) -> Iterator[tuple[str, int, int]]:
    letters = "".join(sorted(options))
    for match in re.finditer(rf"(?<![A-Za-z0-9])[-(\s]*([{letters}])\s*[).:、]\s*(?=\S)", text):
        before = text[: match.start(1)].rstrip(" (-")
        if not before or before[-1] in "\n.。;；%" or before.endswith(tuple(options.values())):
            yield match[1], match.start(1), match.end()
