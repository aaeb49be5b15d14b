"""Reading choices: agreement on the table of answers, and speed. `python -m bench.answers [--page]`

The table (`bench/answers_table/*.jsonl`) holds replies of the kinds models give, in English and
Chinese, with the option a careful reader takes them to choose, or none. Its parts say when they
were written: `seen` while the rules grew, `held_out` before them and not looked at since; each
`fresh` part after the rules as they then stood, read once (that figure is kept in `parts.json`),
and looked at only afterwards. One author wrote rules and answers, so these are upper bounds.
`--page` writes docs/answers.md, which a test compares with the table.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.table import check, report
from pulsemind.artifacts import write_text
from pulsemind.evaluation.answers import parse_choice
from pulsemind.evaluation.second import read_choice
from pulsemind.evaluation.statistics import wilson

TABLE = Path(__file__).parent / "answers_table"
PAGE = Path(__file__).parents[1] / "docs" / "answers.md"
AGREEMENT = 0.98
Read = Callable[[str, Mapping[str, str]], str | None]


@dataclass(frozen=True)
class Answer:
    """A reply, the options it is about, and the letter it chooses (None: none of them)."""

    part: str
    reply: str
    options: Mapping[str, str]
    letter: str | None


@cache
def parts() -> dict[str, dict[str, str]]:
    """What is said of each part of the table, in the order of the page."""
    known: dict[str, dict[str, str]] = json.loads((TABLE / "parts.json").read_text("utf-8"))
    return known


@cache
def answers(part: str) -> tuple[Answer, ...]:
    """The answers of one part."""
    options = json.loads((TABLE / "options.json").read_text(encoding="utf-8"))
    lines = (TABLE / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return tuple(Answer(part, r["reply"], options[r["options"]], r["letter"]) for r in rows)


def table() -> list[Answer]:
    """All answers, part by part."""
    return [answer for part in parts() for answer in answers(part)]


def rules(reply: str, options: Mapping[str, str]) -> str | None:
    """Our first extractor."""
    return parse_choice(reply, options).letter


def common(reply: str, options: Mapping[str, str]) -> str | None:
    """What scorers commonly do (after MMMU's published one): the last `(A)`, else the last ` A `,
    else the last option text found, else one at random."""
    padded = f" {reply.strip(' ,.!?;:')} "
    for form in ("({})", " {} ", "{}. "):
        places = {letter: padded.rfind(form.format(letter)) for letter in options}
        if max(places.values()) >= 0:
            return max(places, key=lambda letter: places[letter])
    if len(reply.split()) > 5:
        places = {k: padded.lower().rfind(text.lower()) for k, text in options.items()}
        if max(places.values()) >= 0:
            return max(places, key=lambda letter: places[letter])
    return random.Random(reply).choice(sorted(options))


READERS: dict[str, Read] = {"rules": rules, "second": read_choice, "common": common}


def agreement(read: Read, wanted: list[Answer]) -> tuple[int, int]:
    """How many answers a reader reads right, and in how many it names a wrong option."""
    found = [(read(a.reply, a.options), a.letter) for a in wanted]
    right = sum(letter == given for letter, given in found)
    wrong = sum(letter is not None and letter != given for letter, given in found)
    return right, wrong


def measured() -> Iterator[dict[str, str | int | float]]:
    """Agreement by part and reader, with the Wilson interval."""
    for part in ("all", *parts()):
        wanted = [a for a in table() if part in ("all", a.part)]
        for name, read in READERS.items():
            right, wrong = agreement(read, wanted)
            share = wilson(right, len(wanted), 0.95)
            yield {
                "part": part,
                "reader": name,
                "n": len(wanted),
                "agreement": share.value,
                "low": share.low,
                "high": share.high,
                "wrong option": wrong,
            }


def page() -> str:
    """docs/answers.md: figures, and every answer with the rule that read it."""
    lines = [(TABLE / "page.md").read_text(encoding="utf-8").rstrip(), "", "## Agreement", ""]
    lines += ["| part | n | rules | 95 % | wrong option | second extractor | common scorer |"]
    lines += ["|---|---|---|---|---|---|---|"]
    rows = {(str(r["part"]), str(r["reader"])): r for r in measured()}
    for part in ("all", *parts()):
        own, second, other = (rows[part, reader] for reader in READERS)
        lines.append(
            f"| {part} | {own['n']} | {own['agreement']:.3f} | {own['low']:.3f} to "
            f"{own['high']:.3f} | {own['wrong option']} | {second['agreement']:.3f} | "
            f"{other['agreement']:.3f} |"
        )
    lines += ["", *(f"- `{name}`: {about['written']}" for name, about in parts().items())]
    for part in parts():
        lines += ["", f"## {part}", "", "| reply | options | chosen | rule | read | second |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [_row(answer) for answer in answers(part)]
    return "\n".join(lines) + "\n"


def _row(answer: Answer) -> str:
    letter, rule = parse_choice(answer.reply, answer.options)
    second = read_choice(answer.reply, answer.options)
    mark = "" if letter == answer.letter else " **(differs)**"
    shown = "; ".join(f"{k} {v}" for k, v in answer.options.items())
    return (
        f"| {_cell(answer.reply)} | {_cell(shown, 60)} | {answer.letter or '-'} | {rule} "
        f"| {letter or '-'}{mark} | {second or '-'} |"
    )


def _cell(text: str, longest: int = 160) -> str:
    flat = re.sub(r"\s*\n\s*", " ⏎ ", text)
    short = flat if len(flat) <= longest else flat[: longest - 1] + "…"
    return re.sub(r"([\\|*_`<>$#\[\]])", r"\\\1", short) or "(empty)"


def main() -> int:
    """Print the figures; with `--page` also write docs/answers.md."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--page", action="store_true", help="write docs/answers.md")
    if parser.parse_args().page:
        write_text(PAGE, page())
    rows = list(measured())
    for name, read in READERS.items():
        start = time.perf_counter()
        agreement(read, table())
        speed = len(table()) / (time.perf_counter() - start)
        rows = [{**r, "answers/s": round(speed)} if r["reader"] == name else r for r in rows]
    reached = {(r["part"], r["reader"]): float(r["agreement"]) for r in rows}
    checks = [
        check("agreement of the rules, all", reached["all", "rules"], AGREEMENT, least=True),
        check("... held out", reached["held_out", "rules"], 0.95, least=True),
    ]
    return report("answers", rows, checks, "one author: upper bounds")


if __name__ == "__main__":
    sys.exit(main())
