"""What a judge behind an endpoint is told.

What all requests of a query share comes first, byte for byte: the system prompt, then dialogue,
reference and images; the replies come last, so that a server's prefix cache pays. All texts are
data: they stand between marks, a digest of the query for the shared part and one of query and
replies for the replies, which a reply cannot know; the prompt says that nothing inside is an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache as cached
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from string import Template

from pulsemind.artifacts import text_digest
from pulsemind.llm import Message
from pulsemind.records import Dimension, Query
from pulsemind.settings import Judge


@cached
def prompt_text(name: str) -> str:
    """A text of `pulsemind/prompts`."""
    return files("pulsemind").joinpath("prompts", name).read_text(encoding="utf-8").strip()


@cached
def _instructions(prompt: str, dimensions: tuple[Dimension, ...]) -> str:
    """The system prompt: it depends on the judge's settings alone."""
    lines = prompt_text("dimensions.md").splitlines()
    known = {line.removeprefix("- ").partition(":")[0]: line for line in lines}
    wanted = "\n".join(known[dimension] for dimension in dimensions)
    return Template(prompt_text(prompt)).substitute(dimensions=wanted)


def messages(
    prompt: str, settings: Judge, query: Query, replies: Sequence[str], images: Path | None
) -> tuple[Message, ...]:
    """What is asked: system prompt; query, images, then replies (A, B), each text in its fence."""
    mark, shared = _shared(query)
    own = {f"REPLY {letter}": text for letter, text in zip("AB", replies, strict=False)}
    shown = () if images is None else (images / i.path for t in query.turns for i in t.images)
    return (
        Message(role="system", text=_instructions(prompt, tuple(settings.dimensions))),
        Message(
            role="user",
            text=shared,
            images=tuple(shown),
            after="\n\n" + _fenced(own, _mark([mark, *replies])),
        ),
    )


@lru_cache(maxsize=64)
def _shared(query: Query) -> tuple[str, str]:
    """Of a query what all requests about it begin with, and the mark of its fences."""
    dialogue = "\n".join(
        f"{turn.role}: {turn.text}" + " [image]" * len(turn.images) for turn in query.turns
    )
    texts = {"DIALOGUE": dialogue, "REFERENCE": query.reference}
    mark = _mark(texts.values())
    return mark, _fenced(texts, mark)


def _mark(texts: Iterable[str]) -> str:
    return text_digest("\x00".join(texts))[:16]


def _fenced(texts: Mapping[str, str], mark: str) -> str:
    return "\n\n".join(
        f"<<<{name} {mark}\n{text}\n{mark} {name}>>>" for name, text in texts.items()
    )
