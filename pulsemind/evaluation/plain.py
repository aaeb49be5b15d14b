"""A reply as the extractors see it: typography made plain, thinking and questions taken out."""

from __future__ import annotations

import re
import unicodedata

HEAD, TAIL = 1500, 3000
"""Characters that are read of a longer reply, at its beginning and its end: answers stand there."""
_THINKING = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_LATEX = re.compile(r"\\(?:text|textbf|mathrm|mathbf|textrm)\s*\{([^{}]*)\}")
_MARKS = re.compile(r"\*\*|__|[*`$#]|\\[()\[\]]")
_ARROWS = re.compile(r"[→⇒➜➔►]|->|=>")
_TAG = re.compile(
    r",\s*(?:(?:is|are|was|would|should|does|do|can)n't (?:it|they|he|she)|right)\?", re.I
)
_QUESTION = re.compile(r"[^.。!！?\n;；]*\?")


def plain(text: str) -> str:
    """Full-width and circled forms made plain, Markdown and LaTeX marks and `<think>` removed.

    The middle of a very long reply is left out, so that an endless one costs little.
    An unclosed `<think>` (a reply cut while thinking) takes the rest with it: nothing was answered.
    """
    text = _THINKING.sub(" ", text)
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    text = _LATEX.sub(r"\1", unicodedata.normalize("NFKC", text))
    return _ARROWS.sub(": ", _MARKS.sub("", text)).strip()


def without_questions(text: str) -> str:
    """A plain text without the sentences that ask.

    "Which of A, B or C is best?" chooses none; "It is A, isn't it?" does.
    """
    return _QUESTION.sub(" ", _TAG.sub(".", text)).strip()
