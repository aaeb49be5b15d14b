"""The collator: labels written out by hand, packed and unpacked losses, TRL on the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from pulsemind.model import chat
from pulsemind.model.build import build_model, build_processor, train_tokenizer
from pulsemind.model.load import load_adapter, load_base, load_processor
from pulsemind.records import Consultation, ImageRef, Turn
from pulsemind.sft.collate import Collator
from pulsemind.sft.held_out import token_sums
from pulsemind.sft.trainer import token_loss
from tests.conftest import SHAPE, consultation

Row = list[dict[str, Any]]


def dialogue(*turns: Turn) -> Consultation:
    return consultation(0).model_copy(update={"turns": turns})


def said(role: str, text: str, *images: str) -> Turn:
    references = tuple(ImageRef(path=f"images/{name}", kind="xray") for name in images)
    return Turn.model_validate({"role": role, "text": text, "images": references})


def row(*records: Consultation) -> Row:
    return [{"text": r.model_dump_json(), "turns": len(r.turns)} for r in records]


def learned(batch: dict[str, Any], number: int = 0) -> dict[int, int]:
    """Place and token of every label of a row."""
    labels = batch["labels"][number, 1:]
    places = (batch["logits_to_keep"] + 1).tolist()
    return {p: int(t) for p, t in zip(places, labels, strict=True) if t != chat.IGNORED}


@pytest.fixture(scope="module")
def by_bytes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A processor whose tokens are bytes, so that a reader can count them; and its images."""
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "images").mkdir()
    Image.new("RGB", (56, 56)).save(folder / "images" / "four.png")  # 2 x 2 tokens
    Image.new("RGB", (84, 56)).save(folder / "images" / "six.png")  # 2 x 3 tokens
    processor = build_processor(train_tokenizer([], 263))
    model = build_model(SHAPE, processor.tokenizer)
    return Collator(processor, folder, model.model.get_rope_index)


# Every dialogue starts with `<|im_start|>system\nS<|im_end|>\n`, places 0 to 10. A patient turn is
# <|im_start|>, 4 letters of "user", newline, text, <|im_end|>, newline; a physician's has the 9
# letters of "assistant". A Chinese character is 3 bytes.
GOLDEN = {
    # Hi 17-18 | Yes? 32-35, end 36 | No 44-45 | OK 59-60, end 61
    "English": (
        (said("patient", "Hi"), said("physician", "Yes?"), said("patient", "No"),
         said("physician", "OK")),
        63,
        [32, 33, 34, 35, 36, 59, 60, 61],
    ),
    # 痛 17-19 | 多久？ 33-41, end 42 | 三天 50-55 | 查血。 69-77, end 78
    "Chinese": (
        (said("patient", "痛"), said("physician", "多久？"), said("patient", "三天"),
         said("physician", "查血。")),
        80,
        [33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78],
    ),
    # start 17, image 18-21, end 22, start 23, image 24-29, end 30, a 31 | b 45, end 46 |
    # start 54, image 55-58, end 59, c 60 | d 74, end 75
    "three images in two turns": (
        (said("patient", "a", "four.png", "six.png"), said("physician", "b"),
         said("patient", "c", "four.png"), said("physician", "d")),
        77,
        [45, 46, 74, 75],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_labels_lie_where_a_reader_counts_them(
    name: str, by_bytes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "system_prompt", lambda: "S")
    turns, length, places = GOLDEN[name]
    batch = by_bytes([row(dialogue(*turns))])
    assert batch["input_ids"].shape == (1, length)
    assert list(learned(batch)) == places
    assert all(batch["input_ids"][0, p] == token for p, token in learned(batch).items())


def test_a_dialogue_cut_after_a_turn_has_the_labels_of_its_beginning(
    by_bytes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "system_prompt", lambda: "S")
    turns, _, places = GOLDEN["three images in two turns"]
    (cut,) = row(dialogue(*turns))
    batch = by_bytes([[{**cut, "turns": 2}]])
    assert batch["input_ids"].shape == (1, 48)
    assert list(learned(batch)) == places[:2]
    assert len(batch["image_grid_thw"]) == 2


@pytest.fixture(scope="module")
def model(base: Path, adapter: Path) -> Any:
    return load_adapter(load_base(base), adapter).eval()


def losses(model: Any, collator: Collator, rows: Sequence[Row]) -> torch.Tensor:
    """Loss of every label, row after row, in the model in evaluation mode."""
    batch = collator(rows)
    with torch.no_grad():
        logits = model(
            **{k: v for k, v in batch.items() if k not in ("records", "work", "labels")}
        ).logits
    wanted = batch["labels"][:, 1:]
    every = cross_entropy(logits.transpose(1, 2), wanted, reduction="none")
    return every[wanted != chat.IGNORED]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("numbers", [range(0, 8, 2), range(4)], ids=["text", "images"])
def test_packed_and_unpacked_losses_agree(
    base: Path, data: Path, model: Any, attention: str, numbers: range
) -> None:
    """Per token, so per sample too; padding and a second row change nothing either."""
    model.set_attn_implementation(attention)
    collator = Collator(load_processor(base), data, model.get_base_model().model.get_rope_index)
    records = [consultation(number) for number in numbers]
    alone = torch.cat([losses(model, collator, [row(record)]) for record in records])
    packed = losses(model, collator, [row(*records[:3]), row(*records[3:])])
    torch.testing.assert_close(packed, alone, atol=1e-5, rtol=0)


def test_no_token_sees_a_neighbour_dialogue(base: Path, data: Path, model: Any) -> None:
    collator = Collator(load_processor(base), data, model.get_base_model().model.get_rope_index)
    second = consultation(2)
    others = [losses(model, collator, [row(consultation(n), second)]) for n in (4, 6)]
    own = len(losses(model, collator, [row(second)]))
    assert torch.equal(others[0][-own:], others[1][-own:])


def test_a_blank_image_changes_nothing(base: Path, data: Path, model: Any) -> None:
    """It goes through the vision tower, and no loss changes."""
    index = model.get_base_model().model.get_rope_index
    plain, blank = (Collator(load_processor(base), data, index, b) for b in (False, True))
    text = [row(consultation(0)), row(consultation(2), consultation(4))]
    assert len(blank(text)["image_grid_thw"]) == 1
    assert blank(text)["work"] == plain(text)["work"]
    torch.testing.assert_close(losses(model, blank, text), losses(model, plain, text))
    images = [row(consultation(1))]
    assert torch.equal(blank(images)["input_ids"], plain(images)["input_ids"])


def test_positions_are_those_the_model_would_choose(base: Path, data: Path, model: Any) -> None:
    """Without packing, the loss is that of the processor's plain batch."""
    processor = load_processor(base)
    collator = Collator(processor, data, model.get_base_model().model.get_rope_index)
    record = consultation(1)
    plain = chat.encode(processor, [record.turns], data, reply=False)
    with torch.no_grad():
        logits = model(**plain).logits[0]
    places = learned(collator([row(record)]))
    wanted = torch.tensor(list(places.values()))
    expected = cross_entropy(logits[[p - 1 for p in places]], wanted, reduction="none")
    torch.testing.assert_close(losses(model, collator, [row(record)]), expected)


def test_every_token_of_a_step_counts_the_same() -> None:
    """The loss of two micro-batches of unequal length adds up to the mean over all tokens."""
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 5)
    labels = torch.tensor([[-100, 1, 2, 3], [-100, 4, -100, -100]])
    whole = cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
    parts = [
        token_loss({"logits": logits[i : i + 1]}, labels[i : i + 1], torch.tensor(4))
        for i in (0, 1)
    ]
    torch.testing.assert_close(sum(parts), whole)
    torch.testing.assert_close(token_loss({"logits": logits}, labels), whole)
    sums = token_sums(logits, labels)
    assert sums[:, 1].tolist() == [3, 1]
    torch.testing.assert_close(sums[:, 0].sum() / 4, whole)


def test_trl_makes_the_same_tokens_and_labels_of_text(
    base: Path, data: Path, tmp_path: Path
) -> None:
    """TRL masks by `{% generation %}` marks in the template; it does so for text models only."""
    from datasets import Dataset
    from transformers import Qwen2Config, Qwen2ForCausalLM
    from trl import SFTConfig, SFTTrainer

    processor = load_processor(base)
    tokenizer = processor.tokenizer
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
        "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}<|im_end|>"
        "{% endgeneration %}{% else %}{{ m['content'] }}<|im_end|>{% endif %}"
        "{{ '\\n' }}{% endfor %}"
    )
    records = [consultation(n) for n in (0, 2, 4)]
    messages = [
        [{"role": m["role"], "content": m["content"][-1]["text"]} for m in chat.messages(r.turns)]
        for r in records
    ]
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, num_key_value_heads=1,
    )  # fmt: skip
    trainer = SFTTrainer(
        model=Qwen2ForCausalLM(config),
        args=SFTConfig(str(tmp_path), assistant_only_loss=True, report_to=[], use_cpu=True),
        train_dataset=Dataset.from_list([{"messages": m} for m in messages]),
        processing_class=tokenizer,
    )
    collator = Collator(
        load_processor(base), data, build_model(SHAPE, tokenizer).model.get_rope_index
    )
    theirs = [trainer.data_collator([example]) for example in trainer.train_dataset]
    for record, their in zip(records, theirs, strict=True):
        ours = collator([row(record)])
        assert ours["input_ids"].tolist() == their["input_ids"].tolist()
        kept = {p: int(t) for p, t in enumerate(their["labels"][0]) if t != chat.IGNORED}
        assert learned(ours) == kept
