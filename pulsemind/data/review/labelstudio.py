"""The review queue in Label Studio: its interface, tasks for its import, decisions from its export.

Formats: https://labelstud.io/guide/tasks and /guide/export ("JSON"). A dialogue is one task: the
conversation, a pair of texts for each physician turn, choices, checks, a reason, and one editable
text per turn that holds the reply as shown. Images are referred to by Label Studio's local-files
address, relative to its document root, which must be the queue's folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pulsemind.artifacts import write_text
from pulsemind.data.review.queue import Task, read_tasks
from pulsemind.records import Quarantined, Review

MOST_TURNS = 12
"""Physician turns that can be edited in the interface; longer dialogues go to our own page."""
_PAIRS = "\n".join(
    f"""    <View visibleWhen="choice-selected" whenTagName="decision" whenChoiceValue="edit">
      <Text name="original_{n}" value="$original_{n}"/>
      <TextArea name="edit_{n}" toName="dialogue" value="$shown_{n}" rows="3" maxSubmissions="1"
                editable="true"/>
    </View>"""
    for n in range(MOST_TURNS)
)
INTERFACE = f"""<View>
  <Style>.pair {{ display: flex; gap: 1em }} .pair > * {{ flex: 1 }}</Style>
  <Paragraphs name="dialogue" value="$dialogue" layout="dialogue" nameKey="role" textKey="text"/>
  <Image name="images" valueList="$images"/>
  <Header value="Original and expanded replies"/>
  <Paragraphs name="replies" value="$replies" layout="dialogue" nameKey="which" textKey="text"/>
  <Choices name="decision" toName="dialogue" choice="single-radio"
           required="true" showInLine="true">
    <Choice value="accept"/><Choice value="edit"/><Choice value="reject"/>
  </Choices>
  <Choices name="checks" toName="dialogue" choice="multiple" showInLine="true">
    <Choice value="empathy"/><Choice value="ethics"/>
  </Choices>
  <TextArea name="reason" toName="dialogue" rows="2" maxSubmissions="1"
            placeholder="Reason (needed to reject)"/>
{_PAIRS}
</View>
"""


def write_tasks(folder: Path, file: Path) -> int:
    """Write a queue as a file for Label Studio's import; returns the number of tasks.

    Raises FileNotFoundError when there is no queue.
    """
    tasks = [_task(task) for task in read_tasks(folder) if _fits(task)]
    write_text(file, json.dumps(tasks, ensure_ascii=False))
    return len(tasks)


def from_annotations(exported: Any, file: str) -> Iterator[Review | Quarantined]:
    """Decisions from a JSON export; what is none says why, and never what it holds.

    The reviewer is `ls-` and the number of the account; cancelled annotations are left out.
    """
    if not isinstance(exported, list):
        yield Quarantined(file=file, index=0, reason="not a list of tasks")
        return
    for index, task in enumerate(exported):
        try:
            done = [a for a in task["annotations"] if not a.get("was_cancelled")]
            for annotation in done:
                yield _review(task["data"], annotation)
        except ValidationError as error:
            yield Quarantined(file=file, index=index, reason=str(error.errors()[0]["msg"]))
        except (KeyError, TypeError, AttributeError, IndexError, ValueError):
            yield Quarantined(file=file, index=index, reason="not an annotated task of ours")


def _fits(task: Task) -> bool:
    return sum(turn.role == "physician" for turn in task.turns) <= MOST_TURNS


def _task(task: Task) -> dict[str, Any]:
    data: dict[str, Any] = {
        "task": task.id,
        "digest": task.digest,
        "dialogue": [{"role": turn.role, "text": turn.text} for turn in task.turns],
        "images": [
            f"/data/local-files/?d={image.path}" for turn in task.turns for image in turn.images
        ],
    }
    physician = [(n, turn) for n, turn in enumerate(task.turns) if turn.role == "physician"]
    replies = []
    for place in range(MOST_TURNS):
        number, turn = physician[place] if place < len(physician) else (-1, None)
        original = "" if turn is None else turn.original or turn.text
        shown = "" if turn is None else turn.text
        data |= {f"original_{place}": original, f"shown_{place}": shown, f"turn_{place}": number}
        if turn is not None:
            replies += [
                {"which": f"{place + 1} original", "text": original},
                {"which": f"{place + 1} expanded", "text": shown},
            ]
    return {"data": {**data, "replies": replies}}


def _review(data: dict[str, Any], annotation: dict[str, Any]) -> Review:
    values = {entry["from_name"]: entry["value"] for entry in annotation["result"]}
    decision = values["decision"]["choices"][0]
    checks = values.get("checks", {}).get("choices", [])
    edited = {}
    for place in range(MOST_TURNS if decision == "edit" else 0):
        text = "\n".join(values.get(f"edit_{place}", {}).get("text", []))
        if text and text != data[f"shown_{place}"]:
            edited[int(data[f"turn_{place}"])] = text
    return Review(
        task=data["task"],
        reviewed=data["digest"],
        reviewer=f"ls-{annotation['completed_by']}",
        time=annotation["created_at"],
        decision=decision,
        reason="\n".join(values.get("reason", {}).get("text", [])),
        edited=edited,
        empathy="empathy" in checks,
        ethics="ethics" in checks,
    )
