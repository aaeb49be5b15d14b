"""How the model was trained: losses, held-out losses, reward and verdicts by iteration."""

from __future__ import annotations

from pulsemind.judge import note
from pulsemind.report.page import figures
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.parts import (
    Cell,
    Part,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
    cells,
    decimal,
    percent,
)
from pulsemind.report.page.words import order_changes

_TITLES = {"sft1": "stage 1", "sft2": "stage 2"}


def training(inputs: Inputs) -> Section:
    """Both SFT stages and CRPO; what has not run says so."""
    return Section("training", "Training", [*_losses(inputs), *_crpo(inputs)])


def _losses(inputs: Inputs) -> list[Part]:
    pictures = []
    for name, curve in inputs.curves.items():
        if curve:
            title = f"SFT {_TITLES[name]}, training loss"
            (begin, first), (end, last) = curve[0], curve[-1]
            says = f"{decimal(first)} at step {begin:g}, {decimal(last)} at step {end:g}"
            pictures.append(
                Picture(figures.losses({_TITLES[name]: curve}, title), f"{title}: {says}")
            )
    rows = []
    for name, loss in inputs.sft.items():
        if loss is None or loss.after is None:
            continue
        title = f"held-out loss, dialogues of {_TITLES[name]}"
        models = {"base": loss.base, "stage 1": loss.before, "stage 2": loss.after}
        if name == "sft1":
            models = {"base": loss.base, "stage 1": loss.after}
        for model, at in models.items():
            if at:
                rows.append(
                    [*cells(_TITLES[name], model, decimal(at.loss)),
                     *cells(f"{decimal(at.low)} to {decimal(at.high)}", str(at.dialogues))]
                )  # fmt: skip
        says = ", ".join(f"{m} {decimal(at.loss)}" for m, at in models.items() if at)
        pictures.append(Picture(figures.held_out(name, inputs.sft, title), f"{title}: {says}"))
    parts: list[Part] = []
    if pictures:
        parts.append(Pictures("Supervised fine-tuning", pictures, "Nats a token, on physicians' "
                              "turns; intervals 95 %, over held-out dialogues."))  # fmt: skip
    missing = [_TITLES[name] for name, loss in inputs.sft.items() if loss is None]
    if missing:
        parts.append(Text(f"Supervised fine-tuning, {' and '.join(missing)}: not run.", "missing"))
    if rows:
        header = ["dialogues of", "model", "loss", "interval", "dialogues"]
        parts.append(Table("Held-out loss", header, rows, folded=True))
    return parts


def _crpo(inputs: Inputs) -> list[Part]:
    crpo = inputs.crpo
    if crpo is None or not crpo.iterations:
        return [Text("Reinforcement learning (CRPO): not run.", "missing")]
    first, last = crpo.iterations[0], crpo.iterations[-1]
    says = f"reward {decimal(first.reward)} at first, {decimal(last.reward)} at last"
    pictures = [Picture(figures.reward(crpo), says)]
    for dimension, drawing in figures.outcomes(crpo):
        ends = [
            step.outcomes[d].win for step in (first, last) for d in step.outcomes if d == dimension
        ]
        shares = " to ".join(percent(share) for share in ends)
        pictures.append(Picture(drawing, f"{dimension.replace('_', ' ')}: wins {shares}"))
    rows = [
        [
            Cell(str(number)), *cells(decimal(step.reward), decimal(step.reward_std)),
            Cell(percent(step.zero_variance)), order_changes(crpo.judge, step.swap_disagreement),
            *cells(str(step.unjudged), str(step.guarded), decimal(step.length, 1)),
            Cell(", ".join(step.alarms) or "–", "worse" if step.alarms else ""),
        ]
        for number, step in enumerate(crpo.iterations)
    ]  # fmt: skip
    header = ["iteration", "reward", "std", "groups without variance", "order changes it",
              "unjudged", "guarded", "tokens", "alarm"]  # fmt: skip
    judge = f"Judge of the training: {crpo.judge}" + (
        f" ({note(crpo.judge)})." if note(crpo.judge) else "."
    )
    return [
        Pictures("Reinforcement learning (CRPO) by iteration", pictures,
                 f"{judge} Shares of the comparisons with the counterparts, by dimension."),
        Table("Figures by iteration", header, rows, folded=True),
    ]  # fmt: skip
