"""A small review queue for tests: three dialogues, one of them hostile."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from pulsemind.data.expand import Expanded, Pair
from pulsemind.records import Consultation, Expansion, ImageRef, Provenance, Turn
from pulsemind.settings import ProofreadSettings

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


def settings(
    policy: str = "accepted", sample: float = 1.0, double: float = 0.0
) -> ProofreadSettings:
    return ProofreadSettings.model_validate({"policy": policy, "sample": sample, "double": double})


def picture(folder: Path) -> ImageRef:
    """An image stored by its content in a folder."""
    path = folder / "picture.png"
    Image.new("RGB", (80, 60), "gray").save(path)
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    stored = folder / "images" / sha[:2] / f"{sha}.png"
    stored.parent.mkdir(parents=True, exist_ok=True)
    path.rename(stored)
    return ImageRef(path=stored.relative_to(folder).as_posix(), kind="xray", sha256=sha)


def expanded(
    name: str, asked: str, before: str, after: str, images: tuple[ImageRef, ...] = ()
) -> Expanded:
    """A dialogue of two turns whose reply was refined."""
    kind: Expansion = "expanded"
    record = Consultation(
        id=name,
        language="en",
        turns=(
            Turn(role="patient", text=asked, images=images),
            Turn(role="physician", text=after, expansion=kind),
        ),
        provenance=Provenance(source="own", licence="x", file="f", index=0),
    )
    pair = Pair(consultation=name, turn=1, before=before, after=after, expansion=kind)
    return Expanded(record, (pair,))


def three(folder: Path) -> list[Expanded]:
    """Three dialogues; the first shows an image, the second is hostile."""
    return [
        expanded("a", "I cough.", "Rest.", "Please rest and drink.", (picture(folder),)),
        expanded("b", HOSTILE, "Wait.", "Please wait. " + HOSTILE),
        expanded("c", "My knee hurts.", "Walk.", "Please walk a little."),
    ]
