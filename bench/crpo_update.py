"""How fast is a policy update? `python -m bench.crpo_update [--quick] [--gpu 7b] [--out FILE]`

One optimiser step on recorded rollouts with images: `pulsemind.crpo.update` against stock TRL
(`bench/stock_trl.py`), the same model, adapter, rollouts, rewards, micro-batch size and attention.
Tokens are prompt and reply of each candidate, as TRL computes them, for both: their ratio is that
of the times. Preparing images counts; loading and set-up do not; the first step warms up.

`--gpu 7b`: the shape of Qwen2.5-VL-7B with random weights in bf16, LoRA of rank 64, gradient
checkpointing, 2 queries x 8 candidates a step, an image of 1,296 tokens, replies of 256 tokens.
Without it a small model on the CPU; `--quick` the tiniest.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import Qwen2_5_VLForConditionalGeneration, set_seed

from bench.sft import MILLIONS, TINY, Clock
from bench.sft_gpu import LORA, configuration
from bench.stock_trl import stock
from bench.table import check, report
from pulsemind.crpo.batch import Candidate, Collator, encode_prompt
from pulsemind.crpo.scores import scoring
from pulsemind.crpo.trainer import REFERENCE
from pulsemind.crpo.update import arguments, build_trainer
from pulsemind.model.build import build_model, build_processor, train_tokenizer
from pulsemind.model.load import new_adapter, no_gradients_into_images
from pulsemind.records import ImageRef, Query, Rollout, Turn
from pulsemind.settings import CrpoSettings, load
from pulsemind.sft.speed import peak_memory

QUERIES, CANDIDATES = 2, 8
TEXT = "患者胸痛三天，伴气短。请问需要做哪些检查？会放射到左肩吗？建议先做心电图。" * 8


@dataclass(frozen=True)
class Size:
    """What is measured."""

    name: str
    steps: int
    """Timed steps; one more warms up."""
    side: int
    """Pixels a side of an image."""
    reply: int
    """Tokens of a reply."""
    gpu: bool


SMALL = {
    "tiny": Size("tiny", steps=1, side=112, reply=64, gpu=False),
    "100m": Size("100m", steps=3, side=224, reply=64, gpu=False),
}


@dataclass(frozen=True)
class Batch:
    """The recorded batch of every step."""

    processor: Any
    folder: Path
    queries: list[Query]
    rollouts: list[Rollout]
    rewards: dict[str, list[float | None]]

    def tokens(self) -> int:
        """Tokens of a step's candidates, each with its prompt."""
        lengths = [len(r.prompt_ids) + len(r.token_ids) for r in self.rollouts]
        return sum(lengths[: QUERIES * CANDIDATES])


def settings_for(size: Size) -> CrpoSettings:
    """The paper's loss at this size."""
    paper = load(profile="7b").stages.crpo
    return paper.model_copy(
        update={
            "candidates": CANDIDATES, "max_new_tokens": size.reply, "batch": CANDIDATES,
            "global_batch": QUERIES * CANDIDATES, "bf16": size.gpu, "zero": 0, "save_every": None,
            "gradient_checkpointing": size.gpu, "max_prompt_length": 4096,
            "correction": paper.correction.model_copy(update={"kind": "none"}),
        }
    )  # fmt: skip


def policy(size: Size, processor: Any) -> Any:
    """The model with an adapter that changes it, the same at every call."""
    set_seed(1)
    if size.gpu:
        with torch.device("cuda"):
            torch.set_default_dtype(torch.bfloat16)
            model = Qwen2_5_VLForConditionalGeneration._from_config(
                configuration(size.name, processor), attn_implementation="sdpa"
            )
            torch.set_default_dtype(torch.float32)
    else:
        model = build_model(TINY if size.name == "tiny" else MILLIONS, processor.tokenizer)
    no_gradients_into_images(model)
    model = new_adapter(model, LORA.model_copy(update={"dropout": 0.0}))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.01)
    return model


def recorded(size: Size, folder: Path) -> Batch:
    """The same queries and random replies for every step, under ids of the step's own."""
    processor = build_processor(train_tokenizer([TEXT], TINY.vocabulary))
    (folder / "images").mkdir()
    model = policy(size, processor)
    rope_index = model.get_base_model().model.get_rope_index
    random = np.random.default_rng(7)
    usable = [
        i for i in range(len(processor.tokenizer)) if i not in processor.tokenizer.all_special_ids
    ]
    queries, rollouts = [], []
    for number in range(QUERIES):
        path = f"images/{number}.png"
        Image.effect_noise((size.side, size.side), 50).convert("RGB").save(folder / path)
        text = TEXT[: 60 if size.name == "tiny" else 180 + 20 * number]
        turn = Turn(role="patient", text=text, images=(ImageRef(path=path, kind="xray"),))
        query = Query(id=f"{number}", language="zh", turns=(turn,), reference="")
        prompt = encode_prompt(processor, query.turns, folder, rope_index)
        queries.append(query)
        rollouts += [
            Rollout(
                query_id=query.id, candidate=g, prompt_ids=tuple(prompt.ids.tolist()),
                token_ids=tuple(int(t) for t in random.choice(usable, size.reply)),
                logprobs=(0.0,) * size.reply, text="", finish_reason="length", policy="bench",
            )
            for g in range(CANDIDATES)
        ]  # fmt: skip
    collate = Collator(processor, folder, rope_index, {q.id: q.turns for q in queries})
    rollouts = scored(size, model, collate, rollouts)
    steps = range(size.steps + 1)
    return Batch(
        processor,
        folder,
        [q.model_copy(update={"id": f"{s}-{q.id}"}) for s in steps for q in queries],
        [r.model_copy(update={"query_id": f"{s}-{r.query_id}"}) for s in steps for r in rollouts],
        {f"{s}-{q.id}": random.random(CANDIDATES).tolist() for s in steps for q in queries},
    )


def scored(size: Size, model: Any, collate: Any, rollouts: Sequence[Rollout]) -> list[Rollout]:
    """The rollouts with the policy's own log-probabilities, as an engine records them."""
    scoring(model, 1.0)
    result = []
    for start in range(0, len(rollouts), CANDIDATES):
        group = rollouts[start : start + CANDIDATES]
        inputs = collate([Candidate(r, 0.0, 0) for r in group])["inputs"]
        device = model.device.type
        inputs = {k: v.to(device) for k, v in inputs.items()}
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=size.gpu):
            found = model(**inputs).cpu().split(size.reply)
        result += [
            r.model_copy(update={"logprobs": tuple(f.tolist())})
            for r, f in zip(group, found, strict=True)
        ]
    return result


def timed(how: str, size: Size, batch: Batch) -> dict[str, Any]:
    """Seconds a step, peak memory, and the first step's figures for comparison."""
    gc.collect()
    if size.gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    settings, model, clock = settings_for(size), policy(size, batch.processor), Clock()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=settings.learning_rate, weight_decay=0.0)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if how == "ours":
            model.add_adapter(REFERENCE, model.peft_config["default"])
            weights = dict(model.named_parameters())
            for name, parameter in weights.items():
                if f".{REFERENCE}." in name:
                    same = name.replace(f".{REFERENCE}.", ".default.")
                    parameter.data.copy_(weights[same].data)
                    parameter.requires_grad_(False)
            made: Any = build_trainer(
                settings, arguments(settings, len(batch.queries), work), model, batch.processor,
                batch.folder, batch.queries, batch.rollouts, batch.rewards,
                lambda step, figures: None, optimiser,
            )  # fmt: skip
            made.add_callback(clock)
        else:
            made = stock(
                settings, model, batch.processor, batch.folder, batch.queries, batch.rollouts,
                batch.rewards, QUERIES * CANDIDATES, work, callbacks=[clock],
                optimizers=(optimiser, None),
            )  # fmt: skip
        made.train()
    first = next(entry for entry in made.state.log_history if "loss" in entry)
    seconds = (clock.ends[-1] - clock.ends[0]) / size.steps
    return {
        "what": f"{size.name}, {QUERIES} queries x {CANDIDATES}, {batch.tokens()} tokens a step",
        "how": how, "tokens/s": batch.tokens() / seconds, "s/step": seconds,
        "peak GiB": peak_memory(), "grad norm, step 1": first["grad_norm"],
        "loss, step 1": first["loss"],
    }  # fmt: skip


def main() -> int:
    """Measure, print, write; 1 when a check does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the tiniest model on the CPU")
    parser.add_argument("--gpu", help="size to measure on this GPU: 7b")
    parser.add_argument("--out", type=Path, help="where to write the result")
    options = parser.parse_args()
    if options.gpu and not torch.cuda.is_available():
        parser.error("--gpu needs a GPU")
    if options.gpu:
        size = Size(options.gpu, steps=3, side=1008, reply=256, gpu=True)
    else:
        name = "tiny" if options.quick else "100m"
        size = Size(
            name,
            steps=1 if options.quick else 3,
            side=112 if options.quick else 224,
            reply=64,
            gpu=False,
        )
    with tempfile.TemporaryDirectory() as folder:
        batch = recorded(size, Path(folder))
        rows = [timed(how, size, batch) for how in ("ours", "trl")]
    ours, trl = rows
    checks = [
        check("tokens/s, ours over TRL", ours["tokens/s"] / trl["tokens/s"], 1.0, least=True),
        check(
            "gradient norm of step 1, apart",
            abs(ours["grad norm, step 1"] / trl["grad norm, step 1"] - 1),
            0.02 if size.gpu else 1e-4,
            least=False,
        ),
    ]
    device = torch.cuda.get_device_name() if size.gpu else f"{torch.get_num_threads()} thread(s)"
    note = f"{device}; micro-batches of {CANDIDATES}, KL on, one epoch"
    return report("crpo_update", rows, checks, note, options.out)


if __name__ == "__main__":
    sys.exit(main())
