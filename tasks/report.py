"""The report: pages for people, and a copy without patients' words for MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prefect import task

from pulsemind import artifacts, settings
from pulsemind.settings import Settings
from tasks.stage import Produced, produced
from tasks.tracking import tracked

if TYPE_CHECKING:
    from pulsemind.report.page import About

DATASET, EVALUATION = Path("data/dataset"), Path("data/evaluation")
METRICS, PLOTS, REPORT = Path("metrics"), Path("plots"), Path("data/report")
WORK = Path("work/report")
"""The copy for MLflow."""


def extras() -> list[str]:
    """Digests of the metrics that are shown when somebody has made them; '' for those not there."""
    from pulsemind.report.page import OPTIONAL

    return list(produced(*(METRICS / name for name in OPTIONAL)).values())


@task
def write_report(key: str) -> Produced:
    """Write data/report; MLflow gets the pages without cases and examples."""
    from pulsemind.report.page import build, gather, html, markdown

    wanted = settings.load()
    inputs = gather(_about(wanted), METRICS, PLOTS, DATASET, EVALUATION)
    with tracked("report", key, wanted) as run:
        whole, copy = build(inputs), build(inputs, private=True)
        with artifacts.writing(REPORT, "report") as folder:
            artifacts.write_text(folder / "report.html", html(whole))
            artifacts.write_text(folder / "report.md", markdown(whole))
        for name, page in (("report.html", html(copy)), ("report.md", markdown(copy))):
            artifacts.write_text(WORK / name, page)
            run.artifact(WORK / name)
    return produced(REPORT)


def _about(wanted: Settings) -> About:
    from pulsemind.judge import judge_name
    from pulsemind.report.page import About

    stages = wanted.stages
    return About(
        profile=wanted.profile,
        against=stages.registry.against,
        train_judge=judge_name(stages.crpo.judge),
        judge=judge_name(stages.evaluate.judge),
        confidence=stages.evaluate.confidence,
        cases=stages.report.cases,
        image_side=stages.report.image_side,
        seed=stages.report.seed,
    )
