"""The collator's labels and cuts; a training stage that resumes to the same weights."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pulsemind import artifacts
from pulsemind.model.chat import IGNORED, encode
from pulsemind.model.load import load_processor
from pulsemind.settings import SftSettings
from pulsemind.sft.collate import Collator, DialogueTooLong, cut
from pulsemind.sft.train import train
from tests.conftest import LORA, consultation

ROOT = Path(__file__).parents[2]
SETTINGS = SftSettings(
    lora=LORA.model_copy(update={"dropout": 0.1}),
    steps=12,
    batch=2,
    accumulation=1,
    learning_rate=0.01,
    warmup_steps=2,
    max_length=200,
    bf16=False,
    gradient_checkpointing=False,
    save_every=4,
    snapshots=[6, 12],
    seed=5,
)


@pytest.fixture
def dataset(data: Path, tmp_path: Path) -> Path:
    """A dataset folder of twelve dialogues with the images beside it."""
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "images").symlink_to(data / "images")
    for part, numbers in (("train", range(10)), ("validation", range(10, 12))):
        records = (consultation(i) for i in numbers)
        artifacts.write_shards(folder / "stage2" / part, records)
    return folder


def test_loss_is_on_every_physician_turn_and_nothing_else(base: Path, data: Path) -> None:
    processor = load_processor(base)
    rows = [{"text": consultation(i).model_dump_json()} for i in range(2)]
    batch = Collator(processor, data, 300)(rows)
    for row in range(2):
        labels = batch["labels"][row]
        kept = batch["input_ids"][row][labels != IGNORED]
        assert processor.tokenizer.decode(kept) == (
            "请做心电图。会放射到左肩吗？<|im_end|>请立即就诊。<|im_end|>"
        )
        assert (labels[labels != IGNORED] == kept).all()


def test_a_long_dialogue_is_cut_after_a_physician_turn(base: Path, data: Path) -> None:
    processor, turns = load_processor(base), consultation(1).turns
    whole = encode(processor, [turns], data, reply=False)["input_ids"].shape[1]
    assert cut(processor, turns, data, whole) == turns
    assert cut(processor, turns, data, whole - 1) == turns[:2]
    with pytest.raises(DialogueTooLong):
        cut(processor, turns, data, 20)


def test_records_that_never_fit_are_left_out_and_counted(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    processor = load_processor(base)
    lengths = [
        encode(processor, [consultation(i).turns[:2]], dataset, False)["input_ids"].shape[1]
        for i in range(12)
    ]
    limit = sorted(lengths)[5]  # about half of the first exchanges fit
    short = SETTINGS.model_copy(update={"max_length": limit, "steps": 1, "snapshots": []})
    out = tmp_path / "out"
    out.mkdir()
    result = train(
        short, base, None, dataset, "stage2", tmp_path / "work", out, lambda step, values: None
    )
    assert result.too_long + result.train_records + result.validation_records == 12
    assert result.too_long == sum(length > limit for length in lengths) > 0


def run(base: Path, dataset: Path, work: Path, out: Path) -> subprocess.Popen[bytes]:
    """Train in a process of its own, so that it can be killed."""
    code = (
        "import sys; from pathlib import Path; from pulsemind.sft.train import train\n"
        "from pulsemind.settings import SftSettings\n"
        "s, b, d, w, o = sys.argv[1:]\n"
        "Path(o).mkdir(parents=True, exist_ok=True)\n"
        "train(SftSettings.model_validate_json(s), Path(b), None, Path(d), 'stage2', Path(w),"
        " Path(o), lambda step, values: None)"
    )
    arguments = [SETTINGS.model_dump_json(), *map(str, (base, dataset, work, out))]
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=ROOT)


def test_a_killed_stage_goes_on_to_the_same_adapter(
    base: Path, dataset: Path, tmp_path: Path
) -> None:
    assert run(base, dataset, tmp_path / "w1", tmp_path / "whole").wait() == 0
    killed = run(base, dataset, tmp_path / "w2", tmp_path / "resumed")
    deadline = time.monotonic() + 120
    while not (tmp_path / "w2" / "checkpoint-4" / "trainer_state.json").is_file():
        assert killed.poll() is None, "finished before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "resumed" / "adapter_model.safetensors").exists()
    assert run(base, dataset, tmp_path / "w2", tmp_path / "resumed").wait() == 0
    names = ["adapter_model.safetensors", "snapshots/step-000006/adapter_model.safetensors"]
    for name in names:
        whole, resumed = (tmp_path / side / name for side in ("whole", "resumed"))
        assert whole.read_bytes() == resumed.read_bytes(), name
    config = json.loads((tmp_path / "whole" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "models/base"  # no path of this machine
