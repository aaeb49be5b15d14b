"""One SFT stage in processes of its own: what the tests kill, and launch by torchrun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pulsemind import artifacts
from pulsemind.settings import SftSettings
from tests.conftest import LORA, consultation
from tests.processes import outputs

ROOT = Path(__file__).parents[2]
SETTINGS = SftSettings(
    lora=LORA.model_copy(update={"dropout": 0.1}),
    steps=12,
    batch=2,
    global_batch=2,
    learning_rate=0.01,
    warmup_steps=2,
    max_length=200,
    packing=False,
    attention="sdpa",
    bf16=False,
    gradient_checkpointing=False,
    checkpoint_every=1,
    compile=False,
    zero=0,
    loaders=0,
    save_every=4,
    save_minutes=None,
    keep=2,
    validation=100,
    evaluate_every=None,
    patience=None,
    snapshots=[6, 12],
    seed=5,
)


def write_dataset(folder: Path, images: Path, train: int = 10) -> Path:
    """A dataset artifact of `train` dialogues and three held-out ones."""
    with artifacts.writing(folder, "dataset") as data:
        (data / "images").symlink_to(images)
        artifacts.write_shards(data / "stage2" / "train", map(consultation, range(train)), 6)
        held_out = map(consultation, range(train, train + 3))
        artifacts.write_shards(data / "stage2" / "validation", held_out)
    return folder


def start(
    settings: SftSettings,
    base: Path,
    dataset: Path,
    work: Path,
    out: Path,
    adapter: Path | None = None,
    processes: int | None = None,
) -> subprocess.Popen[str]:
    """Train in the background; by torchrun in so many processes, or without it."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [sys.executable, *(launcher if processes else []), "-m", "tests.unit.sft_job"]
    places = [str(place or "") for place in (base, dataset, work, out, adapter)]
    return subprocess.Popen(
        [*command, settings.model_dump_json(), *places],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a run that must succeed; returns what it printed."""
    output, _ = outputs(process)
    assert process.returncode == 0, output
    return output


def main(settings: str, base: str, dataset: str, work: str, out: str, adapter: str) -> None:
    """What a process does."""
    from pulsemind.sft.train import train

    Path(out).mkdir(parents=True, exist_ok=True)
    result = train(
        SftSettings.model_validate_json(settings),
        *(Path(base), Path(adapter) if adapter else None, Path(dataset), "stage2"),
        *(Path(work), Path(out), lambda step, values: None),
    )
    if os.environ.get("RANK", "0") == "0":
        (Path(work) / "result.json").write_text(result.model_dump_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
