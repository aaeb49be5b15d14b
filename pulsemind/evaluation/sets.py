"""The eleven QA sets of the paper (P Table 1): what is official about each, as a table.

`python -m pulsemind.evaluation.sets` prints them as sources for `dataset.sources` of `params.yaml`.
A set is read by its adapter (`pulsemind.data.sources`); any other set is one reader there, and
needs no line here unless it has a published test split to be compared with (docs/qa.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["choice", "closed", "open"]


@dataclass(frozen=True)
class QASet:
    """One set: `file` is where its test split lies below `data/raw`, as its owner names it.

    `sizes` are the published numbers of test questions by kind (L Table 25; else counted on the
    full files, FINDINGS), empty where they are not known by kind; `size` is all of them.
    """

    name: str
    title: str
    adapter: str
    file: str
    split: Literal["test", "validation"] | None
    size: int
    licence: str
    sizes: dict[Kind, int] = field(default_factory=dict)
    remark: str = ""


SETS: tuple[QASet, ...] = (
    QASet("mmmu", "MMMU Health & Medicine", "mmmu", "mmmu/*/test-*.parquet", "test", 1752,
          "Apache-2.0",
          remark="its test answers are public; L counts 1,927 with dev and validation"),
    QASet("vqa-rad", "VQA-RAD", "vqa_rad", "vqa_rad/VQA_RAD Dataset Public.json", "test", 451,
          "CC0-1.0", {"closed": 272, "open": 179},
          "the official split (phrase_type) shares images: 202 of 203 test images carry training "
          "questions; closed by answer_type, of which L counts the 251 yes / no ones"),
    QASet("pmc-vqa", "PMC-VQA", "pmc_vqa", "pmc_vqa/test_2.csv", "test", 33430, "CC-BY-SA-4.0",
          {"choice": 33430}, "version 2"),
    QASet("slake", "SLAKE", "slake", "slake/test.json", "test", 2094, "CC-BY-4.0",
          {"closed": 836, "open": 1258}, "English and Chinese together"),
    QASet("pathvqa", "PathVQA", "pathvqa", "pathvqa/test-*.parquet", "test", 6761, "MIT",
          remark="as the hub's file has it; L counts 6,719 (3,362 closed, 3,357 open)"),
    QASet("dermavqa-zh", "DermaVQA", "dermavqa_zh", "dermavqa/test_ht.json", "test", 100,
          "CC-BY-4.0", {"open": 100}, "the same 100 encounters in Chinese and in English"),
    QASet("dermavqa-en", "DermaVQA", "dermavqa_en", "dermavqa/test_ht.json", "test", 100,
          "CC-BY-4.0", {"open": 100}, "the same 100 encounters in Chinese and in English"),
    QASet("medxpertqa-mm", "MedXpertQA-MM", "medxpertqa", "medxpertqa/MM/test.jsonl", "test", 2000,
          "MIT", {"choice": 2000}, "5 options, 1 to 6 images"),
    QASet("mmlu", "MMLU clinical topics", "mmlu", "mmlu/*/test-*.parquet", "test", 1089, "MIT",
          {"choice": 1089}, "six subjects; 78 questions stand in two of them"),
    QASet("medmcqa", "MedMCQA", "medmcqa", "medmcqa/dev.json", None, 4183, "Apache-2.0",
          {"choice": 4183}, "the validation split: the test answers are withheld"),
    QASet("medqa", "MedQA (USMLE)", "medqa", "medqa/test.jsonl", "test", 1273, "MIT",
          {"choice": 1273}, "about 27 refer to a figure that does not exist"),
    QASet("medxpertqa-text", "MedXpertQA-text", "medxpertqa", "medxpertqa/Text/test.jsonl", "test",
          2450, "MIT", {"choice": 2450}, "10 options"),
)  # fmt: skip
_BY_NAME = {entry.name: entry for entry in SETS}


def official_size(benchmark: str, kind: str) -> int | None:
    """Questions of this kind in a set's published test split; None where that is not known."""
    known = _BY_NAME.get(benchmark)
    sizes = known.sizes.items() if known else ()
    return next((size for name, size in sizes if name == kind), None)


def as_sources() -> str:
    """The sets as entries of `dataset.sources`, one YAML line each."""
    lines = []
    for entry in SETS:
        split = f", split: {entry.split}" if entry.split else ""
        lines.append(
            f"- {{<<: *source, name: {entry.name}, adapter: {entry.adapter}, "
            f'path: "{entry.file}", use: benchmark, licence: {entry.licence}{split}, '
            "overlap: [text, ngram, image]}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_sources())
