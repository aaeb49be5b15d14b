"""Asking a model many queries: one broken item stops nothing, and nothing is asked twice.

`answer_each` finds the item that breaks a batch by halving it. `remembering` stores the replies of
a local model batch by batch, so that a killed run goes on where it was; what an endpoint answers is
stored by `pulsemind.llm`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import diskcache
from PIL import UnidentifiedImageError

from pulsemind.artifacts import json_digest
from pulsemind.llm import LlmError, open_cache
from pulsemind.model.served import NoAnswer
from pulsemind.records import Query

Generate = Callable[[Sequence[Query]], list[str]]


class StoreError(RuntimeError):
    """The replies cannot be kept on the disk; no item is to blame."""


class Answered(NamedTuple):
    """A reply's text, or the reason why there is none."""

    text: str
    broken: str = ""


def answer_each(queries: Sequence[Query], generate: Generate) -> list[Answered]:
    """One answer to each query, in order; a query that the model fails on gives a broken one.

    The reason is the error's kind, never its text, which may quote a patient. An endpoint that
    cannot be reached or has no budget left (LlmError) stops the run: everything answered is kept.
    So does a store that fails (StoreError), and so does the machine: its disk (OSError, but not
    Pillow's on a picture that cannot be read), its databases, its accelerator or memory.
    Raises ValueError when `generate` gives another number of texts than it was asked for.
    """
    if not queries:
        return []
    try:
        texts = generate(queries)
    except NoAnswer as error:
        if len(queries) == 1:
            return [Answered("", error.finish)]
    except (LlmError, StoreError):
        raise
    except Exception as error:  # whatever a hostile item brings about in a model's libraries
        if _of_the_machine(error):
            raise
        if len(queries) == 1:
            return [Answered("", type(error).__name__)]
    else:
        if len(texts) != len(queries):
            raise ValueError(f"{len(queries)} queries were asked, {len(texts)} replies came back")
        return [Answered(text) for text in texts]
    middle = len(queries) // 2
    return answer_each(queries[:middle], generate) + answer_each(queries[middle:], generate)


def _of_the_machine(error: Exception) -> bool:
    """Whether an error would meet every other item too."""
    import torch  # here, because what only reads replies needs none

    if isinstance(error, OSError):  # Pillow's have no number: a picture is cut off or is none
        unread = type(error) is OSError and error.errno is None
        return not (unread or isinstance(error, UnidentifiedImageError))
    kinds = (sqlite3.Error, diskcache.Timeout, MemoryError)
    return isinstance(error, (*kinds, torch.OutOfMemoryError, torch.AcceleratorError))


def remembering(generate: Generate, store: Path, key: str, batch: int) -> Generate:
    """The same model, its replies kept on the disk.

    Args:
        store: folder for the replies; removed by who knows that they stand in an artifact.
        key: digest of all that the replies depend on besides the query: weights and decoding.
        batch: queries asked together; those of similar length, so that little is padded. A batch
            that was interrupted is asked again whole, so its replies are what they would have been.

    What is returned raises StoreError when the folder cannot be read or written.
    """

    def answer(queries: Sequence[Query]) -> list[str]:
        keys = [json_digest([key, query.model_dump(mode="json")]) for query in queries]
        length = [sum(len(turn.text) for turn in query.turns) for query in queries]
        order = sorted(range(len(queries)), key=lambda index: (length[index], index))
        texts: dict[int, str] = {}
        with _storing(store):
            cache = open_cache(store)
        with cache as kept:
            for start in range(0, len(order), batch):
                run = order[start : start + batch]
                with _storing(store):
                    known = [kept.get(keys[index]) for index in run]
                if None in known:
                    known = generate([queries[index] for index in run])
                    with _storing(store), kept.transact():
                        for index, text in zip(run, known, strict=True):
                            kept[keys[index]] = text
                texts.update(zip(run, known, strict=True))
        return [texts[index] for index in range(len(queries))]

    return answer


@contextmanager
def _storing(store: Path) -> Iterator[None]:
    """What fails in here is the store's fault, never an item's."""
    try:
        yield
    except Exception as error:
        raise StoreError(
            f"{store}: the replies cannot be kept there ({type(error).__name__}); see to the disk "
            f"and run again, everything written is used"
        ) from error
