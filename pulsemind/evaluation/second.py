"""A second extractor, of another kind than the rules of `answers`: evidence added up over clauses.

Nothing is shared with the first but the text made plain: no rule order, no patterns. Each clause
speaks for the options it mentions, by letter or by text, the more the more it sounds like a
decision and the later it stands, and against them when it denies. The option with clearly the most
evidence is read. Where the two extractors differ, a person should look; how often they do is
reported beside the accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pulsemind.evaluation.plain import plain

_STOPS = frozenset(".。,，;；!！?？\n")
_OPENERS, _CLOSERS = "([{<\"'「【“:=>", ")]}>\"'」】”.:,、。;"
_FOR = (
    "answer", "correct", "best", "right", "choose", "select", "pick", "go with", "go for", "option",
    "choice", "therefore", "thus", "hence", "boxed", "final", "likely", "should", "conclu",
    "preferred", "appropriate", "diagnosis", "so ", "it is", "must be", "stands out", "would",
    "答", "选", "正确",
    "故", "因此", "所以", "综上", "应", "首选", "诊断", "最", "对",
    "为", "是", "考虑", "提示", "符合",
)  # fmt: skip
_STRONG = ("answer", "boxed", "final", "correct", "答案", "正确", "故选", "应选", "本题")
_AGAINST = (
    "not ", "n't", "wrong", "incorrect", "neither", "nor ", "exclud", "rule out", "ruled out",
    "rather than", "instead of", "insufficient", "contraindicated", "allergic", "except",
    "no longer",
    "不", "错", "排除", "非", "禁", "未必", "没有",
)  # fmt: skip
_BOTH = (" or ", "both", "either", "或", "还是", "could be", "都", " and ", "和")
_TURNS = ("wait", "actually", "on reflection", "but ", "however", "然而", "但", "不对", "仔细")
MARGIN = 1.0


def read_choice(text: str, options: Mapping[str, str]) -> str | None:
    """The option that a reply's clauses speak for; None when none is clearly ahead."""
    whole = plain(text)
    only = whole.strip(_OPENERS + _CLOSERS + " \n").upper()
    if only in options:
        return only
    evidence = dict.fromkeys(options, 0.0)
    listed = _lists(whole, options)
    for number, clause in enumerate(_clauses(whole)):
        lower = f" {clause.lower()} "
        if clause.endswith("?"):
            continue
        if any(turn in lower for turn in _TURNS):
            evidence = {letter: min(points, 0.5) for letter, points in evidence.items()}
        by_letter = _letters(clause, options)
        named = _texts(clause, options)
        if listed and len(by_letter) == 1 and _heads(clause, by_letter):
            continue
        found = by_letter or named
        if not found:
            continue
        points = _points(lower, number == 0 and bool(by_letter) and _heads(clause, by_letter))
        for letter in found:
            evidence[letter] += points
        for letter in named - found:  # a letter with another option's text
            evidence[letter] += points if points > 0 else 0.0
    ranked = sorted(evidence.values(), reverse=True)
    if ranked[0] <= 0.5 or ranked[0] - ranked[1] < MARGIN:
        return None
    return max(evidence, key=lambda letter: evidence[letter])


def _points(clause: str, opens: bool) -> float:
    """What a clause says for the options it mentions: more than 0 for, less against them."""
    if any(cue in clause for cue in _AGAINST):
        return -2.0
    points = (
        1.0 + 2.0 * any(cue in clause for cue in _FOR) + 2.0 * any(c in clause for c in _STRONG)
    )
    return points + (3.0 if opens else 0.0)


def _clauses(text: str) -> Iterator[str]:
    """Parts between stops; a stop right after a letter ("B. Text", "A, B") ends none."""
    start = 0
    for index, character in enumerate(text):
        if character not in _STOPS:
            continue
        part = text[start:index].strip()
        lone = len(part) < 2 or (part[-1].isupper() and not part[-2].isalnum())
        decimal = character == "." and text[index + 1 : index + 2].isdigit()
        if decimal or (lone and character in ".,，、"):
            continue
        if part:
            yield part + ("?" if character in "?？" else "")
        start = index + 1
    if text[start:].strip():
        yield text[start:].strip()


def _letters(clause: str, options: Mapping[str, str]) -> set[str]:
    """Option letters standing alone; an article or a pronoun is none."""
    found = set()
    for index, character in enumerate(clause):
        letter = character.upper()
        if letter not in options or not character.isascii():
            continue
        before, after = clause[:index], clause[index + 1 :]
        if before and before[-1].isascii() and (before[-1].isalnum() or before[-1] == "'"):
            continue
        if after and after[0].isascii() and (after[0].isalnum() or after[0] in "'%"):
            continue
        fenced = before.rstrip()[-1:] in _OPENERS and before.rstrip() != ""
        closed = after[:1] != "" and after[0] in _CLOSERS
        if character.islower() and not (
            (fenced or "answer" in before.lower()) and (closed or not after.strip())
        ):
            continue
        word = letter in "AI" and after[:1] == " " and after[1:2].islower() and not fenced
        verb = after.lstrip().split(" ")[0] in {
            "is",
            "was",
            "because",
            "stands",
            "or",
            "and",
            "would",
        }
        if word and not (letter == "A" and verb):
            continue
        if _within_text(clause, index, options):
            continue
        found.add(letter)
    return found


def _within_text(clause: str, index: int, options: Mapping[str, str]) -> bool:
    """Whether the letter at `index` belongs to an option's text that is named ("hepatitis B")."""
    lower = clause.lower()
    for option in options.values():
        text = option.lower()
        at = lower.find(text) if len(text) > 1 else -1
        if at >= 0 and at <= index < at + len(text):
            return True
    return False


def _texts(clause: str, options: Mapping[str, str]) -> set[str]:
    """Options named by their text; the longest where one holds another."""
    lower = " ".join(clause.lower().split())
    named = {k: o.lower().strip(" .。") for k, o in options.items()}
    inside = {k for k, o in named.items() if o and o in lower}
    return {
        k for k in inside if not any(named[k] in named[j] and named[k] != named[j] for j in inside)
    }


def _heads(clause: str, letters: set[str]) -> bool:
    """Whether a clause begins with its letter, as a list item or an answer does."""
    return clause.lstrip(_OPENERS + "- ")[:1].upper() in letters


def _lists(text: str, options: Mapping[str, str]) -> bool:
    """Whether the reply goes through the options: three clauses begin with different ones."""
    heads = {c.lstrip(_OPENERS + "- ")[:1] for c in _clauses(text)}
    return len(heads & set(options)) >= min(3, len(options))
