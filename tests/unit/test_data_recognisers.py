"""A token-classification model of one's own, asked beside the tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from pulsemind.data.anonymise import anonymise_texts, detect
from pulsemind.data.detectors import Span

PLACES = 24
"""Far fewer tokens than the long text has."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of no layers that takes one word for a person."""
    folder = tmp_path_factory.mktemp("ner")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "quorl", "rests", "and", "."]
    words = WordLevel({word: number for number, word in enumerate(vocabulary)}, "[UNK]")
    plain = Tokenizer(words)
    plain.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=4, num_hidden_layers=0, num_attention_heads=1,
        intermediate_size=4, max_position_embeddings=PLACES,
        id2label={0: "O", 1: "B-PER"}, label2id={"O": 0, "B-PER": 1},
    )  # fmt: skip
    made = BertForTokenClassification(config)
    with torch.no_grad():
        for parameter in made.bert.embeddings.parameters():
            parameter.zero_()
        made.bert.embeddings.LayerNorm.weight.fill_(1)
        made.bert.embeddings.word_embeddings.weight[:, 0] = -1
        made.bert.embeddings.word_embeddings.weight[vocabulary.index("quorl"), 0] = 1
        made.classifier.bias.zero_()
        made.classifier.weight.copy_(torch.tensor([[-5.0, 0, 0, 0], [5.0, 0, 0, 0]]))
    made.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder


def test_the_model_finds_what_no_table_knows(model: Path) -> None:
    text = "quorl rests and rests ."
    assert detect(text) == []
    assert detect(text, str(model)) == [Span(0, 5, "name")]
    assert anonymise_texts([text], None, str(model))[0] == ["[NAME-1] rests and rests ."]


@pytest.mark.parametrize("words", [10, PLACES, 5 * PLACES, 5 * PLACES + 7])
def test_long_texts_are_read_to_their_end(model: Path, words: int) -> None:
    text = "quorl " + "rests and " * (words // 2) + "quorl ."
    last = text.rindex("quorl")
    assert detect(text, str(model)) == [Span(0, 5, "name"), Span(last, last + 5, "name")]


def test_only_safetensors_are_loaded(model: Path, tmp_path: Path) -> None:
    for file in model.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        detect("quorl rests", str(tmp_path))


def test_code_that_comes_with_a_model_does_not_run(model: Path, tmp_path: Path) -> None:
    for file in model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config |= {
        "model_type": "foreign",
        "auto_map": {
            "AutoConfig": "foreign.Foreign",
            "AutoModelForTokenClassification": "foreign.Foreign",
        },
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "foreign.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Foreign: pass\n", encoding="utf-8"
    )
    with pytest.raises((OSError, ValueError)):
        detect("quorl rests", str(tmp_path))
    assert not (tmp_path / "ran").exists()
