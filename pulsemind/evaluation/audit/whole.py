"""The whole audit from judged pairs, scores and experts' agreements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pulsemind.evaluation.audit.biases import biases, swap_disagreement
from pulsemind.evaluation.audit.consistency import advantage, consistency, kappas
from pulsemind.evaluation.audit.experts import Agreement, verdicts
from pulsemind.evaluation.audit.pairs import JudgedPair, votes
from pulsemind.evaluation.audit.results import AuditResult
from pulsemind.evaluation.audit.sample import ExpertTask
from pulsemind.evaluation.audit.scores import Grades, discrimination, model_scores
from pulsemind.judge import judge_name, note
from pulsemind.settings import EvaluateSettings


def audited(
    pairs: Sequence[JudgedPair],
    grades: Grades,
    own: Collection[str],
    tasks: Mapping[str, ExpertTask],
    agreements: Sequence[Agreement],
    settings: EvaluateSettings,
    profile: str,
    remark: str = "",
) -> AuditResult:
    """Audit one judge.

    Args:
        own: names of the models that are the judge itself.
        tasks: what experts were shown, by id; agreements on anything else are passed over.
        remark: what the figures must carry besides the judge's own note.
    """
    judge = judge_name(settings.judge)
    seen = votes(pairs, own, verdicts(tasks, agreements))
    scores = model_scores(grades, settings)
    return AuditResult(
        judge=judge,
        note=" · ".join(filter(None, (note(judge), remark))),
        profile=profile,
        confidence=settings.confidence,
        pairs=len(pairs),
        own=tuple(sorted(own)),
        swap_disagreement=swap_disagreement(seen, settings),
        biases=biases(seen, settings),
        consistency=consistency(tasks, agreements, settings),
        advantage=advantage(tasks, agreements, settings),
        kappas=kappas(tasks, agreements, settings.confidence),
        scores=scores,
        discrimination=discrimination(pairs, grades, scores, settings),
    )
