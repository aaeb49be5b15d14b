"""How fast is SFT? `python -m bench.sft [--quick] [--data FILE] [--gpu 7b 32b]`

- Tokens a second of `pulsemind.sft`, of TRL's SFTTrainer and of a plain loop: the same model and
  adapter, the same questions and answers in the same batches; a tiny shape and one of about 100
  million parameters.
- Packing on the lengths of real questions and answers: how full rows are, and tokens a second
  packed against one dialogue a row.
- `--gpu`: on this GPU instead, packing at the first size and a stage-2 step with images at each
  (`bench/sft_gpu.py`).

Padding is never counted as tokens. `--data` is a file in Huatuo-26M's format; lengths are those of
a tokenizer trained on it, with one token a Chinese character: somewhat longer than Qwen's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from peft.helpers import disable_input_dtype_casting
from torch.utils.data import DataLoader
from transformers import TrainerCallback, TrainingArguments, set_seed
from trl import SFTConfig, SFTTrainer

from bench.sft_gpu import at_size, on_gpu
from bench.table import check, report
from pulsemind.model.attention import set_attention
from pulsemind.model.build import build_model, build_processor, train_tokenizer
from pulsemind.model.chat import render
from pulsemind.model.load import new_adapter
from pulsemind.records import Consultation, Provenance, Turn
from pulsemind.settings import Lora, Pretraining, TinyModel
from pulsemind.sft import rows
from pulsemind.sft.collate import Collator
from pulsemind.sft.layers import checkpoint_layers
from pulsemind.sft.trainer import SftTrainer, token_loss

PLACES = (Path("data/real/huatuo26m/huatuo26M_test.json"), Path("data/raw/stage1/huatuo26m.json"))
LORA = Lora(
    rank=16,
    alpha=32,
    dropout=0.0,
    targets=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    vision=False,
    projector=False,
)
NONE = Pretraining(steps=10, batch=1, length=16, learning_rate=0.1, seed=1)
TINY = TinyModel(
    vocabulary=4000, hidden=128, layers=2, heads=4, key_value_heads=1, intermediate=256,
    vision_hidden=64, vision_layers=2, seed=7, pretraining=NONE,
)  # fmt: skip
MILLIONS = TINY.model_copy(
    update={"hidden": 768, "layers": 14, "heads": 12, "key_value_heads": 4, "intermediate": 2304}
)
SHAPES = {"tiny": (TINY, 16, 12), "100m": (MILLIONS, 4, 3)}
"""Shape, dialogues a batch, steps of a round."""
CAPACITY = 8192
Step = Callable[[], None]


def read_pairs(path: Path) -> list[Consultation]:
    """The dialogues of a file in Zhongjing's export of Huatuo-26M."""
    source = Provenance(source="bench", licence="see the file", file=path.name, index=0)
    pairs = json.loads(path.read_text(encoding="utf-8"))
    return [
        Consultation(
            id=f"{number}",
            language="zh",
            department="unknown",
            turns=(
                Turn(role="patient", text="".join(pair["instruction"])),
                Turn(role="physician", text="".join(pair["output"])),
            ),
            provenance=source,
        )
        for number, pair in enumerate(pairs)
    ]


class Clock(TrainerCallback):
    """Notes when each step ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.ends.append(time.perf_counter())

    def per_second(self, tokens: Sequence[int]) -> float:
        """Tokens a second, the first step left out."""
        return sum(tokens[1:]) / (self.ends[-1] - self.ends[0])


def arguments(
    kind: type[TrainingArguments], folder: str, batch: int, steps: int, **more: Any
) -> Any:
    """The same for both trainers; batches in the data's order."""
    return kind(
        output_dir=folder, per_device_train_batch_size=batch, max_steps=steps, learning_rate=1e-4,
        train_sampling_strategy="sequential", remove_unused_columns=False, save_strategy="no",
        logging_steps=10**6, disable_tqdm=True, report_to=[], bf16=torch.cuda.is_available(),
        gradient_checkpointing=False, use_cpu=not torch.cuda.is_available(), **more,
    )  # fmt: skip


def ours(model: Any, collator: Collator, data: rows.Rows, batch: int, steps: int) -> float:
    """`pulsemind.sft`'s trainer and collator."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        SftTrainer(
            model=model,
            args=arguments(TrainingArguments, folder, batch, steps),
            data_collator=collator,
            train_dataset=data,
            compute_loss_func=token_loss,
            callbacks=[clock],
        ).train()
    lengths = [sum(r["length"] for r in data[i]) for i in range(batch * steps)]
    return clock.per_second([sum(lengths[at : at + batch]) for at in range(0, len(lengths), batch)])


def trl(
    model: Any, processor: Any, texts: Sequence[tuple[str, str]], batch: int, steps: int
) -> float:
    """TRL's SFTTrainer on prompts and completions, tokenised beforehand as it does."""
    clock = Clock()
    pairs = Dataset.from_list([{"prompt": p, "completion": c} for p, c in texts])
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=model,
            args=arguments(SFTConfig, folder, batch, steps, max_length=None),
            train_dataset=pairs,
            processing_class=processor.tokenizer,
            callbacks=[clock],
        )
        trainer.train()
        lengths = [len(ids) for ids in trainer.train_dataset["input_ids"]][: batch * steps]
    return clock.per_second([sum(lengths[at : at + batch]) for at in range(0, len(lengths), batch)])


def plain(
    model: Any, processor: Any, texts: Sequence[tuple[str, str]], batch: int, steps: int
) -> float:
    """A loop as one would write it: tokenise, pad, forward with labels, backward, AdamW."""
    tokenizer = processor.tokenizer

    def collate(pairs: Sequence[tuple[str, str]]) -> dict[str, torch.Tensor]:
        whole = tokenizer([p + c for p, c in pairs], return_tensors="pt", padding=True)
        prompts = [len(tokenizer(p)["input_ids"]) for p, _ in pairs]
        labels = whole["input_ids"].clone()
        for row, mask in enumerate(whole["attention_mask"]):
            start = len(mask) - int(mask.sum()) + prompts[row]  # padding is on the left
            labels[row, :start] = -100
        return {**whole, "labels": labels}

    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4)
    clock, tokens = Clock(), []
    model.train()
    for inputs in DataLoader(texts[: batch * steps], batch_size=batch, collate_fn=collate):
        model(**inputs).loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        clock.ends.append(time.perf_counter())
        tokens.append(int(inputs["attention_mask"].sum()))
    return clock.per_second(tokens)


def speeds(
    name: str, processor: Any, records: Sequence[Consultation], rounds: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Ours, TRL and the plain loop by turns; medians over the rounds.

    Ratios are of one round each, then the median: a machine that others load slows a whole round.
    """
    shape, batch, steps = SHAPES[name]
    used = records[: batch * steps]
    texts = [
        (render(processor, r.turns[:1], reply=True), f"{r.turns[1].text}<|im_end|>") for r in used
    ]
    seen: dict[str, list[float]] = {"ours": [], "trl": [], "plain loop": []}
    with tempfile.TemporaryDirectory() as folder:
        data = rows.single(measured(processor, used, 10**6, Path(folder)))
        for _ in range(rounds):
            for kind, found in seen.items():
                set_seed(1)
                model = new_adapter(build_model(shape, processor.tokenizer), LORA)
                if kind == "ours":
                    index = model.get_base_model().model.get_rope_index
                    collator = Collator(processor, Path(folder), index)
                    found.append(ours(model, collator, data, batch, steps))
                else:
                    measure = trl if kind == "trl" else plain
                    found.append(measure(model, processor, texts, batch, steps))

    def ratio(found: Sequence[float]) -> float:
        return median(one / other for one, other in zip(found, seen["trl"], strict=True))

    parameters = sum(p.numel() for p in model.get_base_model().parameters()) / 1e6
    table = [
        {"what": f"{name}, {parameters:.0f} M parameters, batch {batch}", "how": kind,
         "tokens/s": median(found), "against trl": ratio(found)}
        for kind, found in seen.items()
    ]  # fmt: skip
    against = ratio(seen["ours"])
    return table, [check(f"{name}: tokens/s, ours over TRL", against, 1.0, least=True)]


def measured(processor: Any, records: Sequence[Consultation], most: int, folder: Path) -> Dataset:
    """Records with their lengths."""
    texts = Dataset.from_dict({"text": [r.model_dump_json() for r in records]})
    return rows.measured(texts, processor, folder, most, folder / f"{most}.arrow", 1)


def packing(
    processor: Any, records: Sequence[Consultation]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Padding by row length on 100,000 lengths drawn from the real ones; seconds to pack them."""
    with tempfile.TemporaryDirectory() as folder:
        lengths = np.asarray(measured(processor, records, 10**6, Path(folder))["length"])
    drawn = np.random.default_rng(7).choice(lengths, 100_000)
    groups = drawn[: len(drawn) // 16 * 16].reshape(-1, 16)
    padded = 1 - groups.sum() / (16 * groups.max(axis=1)).sum()
    table = [{"what": f"padding, {len(lengths)} real lengths, median {np.median(lengths):.0f}",
              "how": "16 dialogues a batch", "padding": float(padded), "seconds": 0.0}]  # fmt: skip
    for capacity in (2048, 4096, CAPACITY):
        start = time.perf_counter()
        made = rows.packed(Dataset.from_dict({"length": np.minimum(drawn, capacity)}), capacity, 7)
        share = 1 - made.tokens / (len(made) * capacity)
        table.append({"what": "padding", "how": f"packed, rows of {capacity}", "padding": share,
                      "seconds": time.perf_counter() - start})  # fmt: skip
    return table, [check(f"padding, rows of {CAPACITY}", share, 0.03, least=False)]


def packed_speed(
    processor: Any, records: Sequence[Consultation], size: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Tokens a second, packed rows against one dialogue a row, about the same tokens a batch.

    Args:
        size: published size to try on the GPU; None: the tiny shape on the CPU.
    """
    capacity, batch, steps = (4096, 16, 8) if size else (1024, 8, 10)
    attention = "varlen" if size else "sdpa"
    table = []
    with tempfile.TemporaryDirectory() as folder:
        found = measured(processor, records, capacity, Path(folder))
        for how, data in (
            ("one a row", rows.single(found)),
            ("packed", rows.packed(found, capacity, 7)),
        ):
            set_seed(1)
            base = on_gpu(size, processor) if size else build_model(TINY, processor.tokenizer)
            set_attention(base, attention)
            model = new_adapter(base, LORA)
            if size:
                checkpoint_layers(model, 1)
            index = model.get_base_model().model.get_rope_index
            collator = Collator(processor, Path(folder), index, borders=bool(size))
            rows_each = batch if how == "one a row" else 1
            count = min(steps, len(data) // rows_each)
            name = f"packing, {size or 'tiny'} shape, {attention}, rows of {capacity}"
            with disable_input_dtype_casting(model, active=bool(size)):
                speed = ours(model, collator, data, rows_each, count)
            table.append({"what": name, "how": how, "tokens/s": speed})
    ratio = table[1]["tokens/s"] / table[0]["tokens/s"]
    table[1]["against unpacked"] = ratio
    checks = [check("tokens/s, packed over unpacked", ratio, 1.5, least=True)] if size else []
    return table, checks


def main() -> int:
    """Measure, print, write; 1 when a check does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the tiny shape only, one round")
    parser.add_argument("--data", type=Path, help="questions and answers, Huatuo-26M's format")
    parser.add_argument("--out", type=Path, help="where to write the result")
    parser.add_argument("--gpu", nargs="*", default=[], help="sizes to try on this GPU: 7b, 32b")
    options = parser.parse_args()
    path = options.data or next((place for place in PLACES if place.is_file()), None)
    if path is None:
        parser.error("give --data, or run `make demo` first: there are no questions and answers")
    records = read_pairs(path)
    texts = ("\n".join(turn.text for turn in r.turns) for r in records)
    processor = build_processor(train_tokenizer(texts, TINY.vocabulary))
    if options.gpu:
        parts = [at_size(size, processor) for size in options.gpu]
        parts.append(packed_speed(processor, records, options.gpu[0]))
    else:
        parts = [speeds("tiny", processor, records, 1 if options.quick else 3)]
        if not options.quick:
            parts.append(speeds("100m", processor, records, 3))
        parts += [packing(processor, records), packed_speed(processor, records, None)]
    table = [row for part, _ in parts for row in part]
    columns = dict.fromkeys(key for row in table for key in row)
    filled = [{column: row.get(column, "") for column in columns} for row in table]
    note = f"{path.name}, {len(records)} records; {torch.get_num_threads()} thread(s)"
    return report(
        "sft", filled, [entry for _, found in parts for entry in found], note, options.out
    )


if __name__ == "__main__":
    sys.exit(main())
