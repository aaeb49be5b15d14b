"""Personal data in images: read the text, find it as in texts, paint it over, look again.

Runs in worker processes with one thread each (`images.py`). The first reading is of the picture as
it is, all later ones of the same with faint and blurred print made plain; it is kept when a later
one finds nothing, so each costs two readings at least. From the third on the whole line is painted
over: what was left shows that the part was too narrow.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import imagehash
import numpy as np
from PIL import Image, ImageDraw

from pulsemind.artifacts import add_image
from pulsemind.data.image_files import MAX_PIXELS, Opened, open_image
from pulsemind.data.image_problem import ImageProblem
from pulsemind.data.kinds import Kind
from pulsemind.data.lines import Known, Value, detect_line, is_label, open_label
from pulsemind.data.ocr import BACK, Line, is_column, quarter_turn, read_lines, sharpened

ROUNDS = 6


@dataclass(frozen=True)
class ImageResult:
    """What became of an image; `path` and `sha256` name the clean copy when status is `kept`."""

    status: Literal["kept", "unreadable", "image_too_small", "image_personal_data_remains"]
    path: str = ""
    sha256: str = ""
    phash: int = 0
    pixels: Counter[Kind] = field(default_factory=Counter)
    """Found by the first look."""
    metadata: Counter[Kind] = field(default_factory=Counter)
    later: Counter[Kind] = field(default_factory=Counter)
    """Found by later looks, and painted over."""
    remaining: Counter[Kind] = field(default_factory=Counter)
    """Found by the last look; not empty only when the image is refused for it."""
    reason: str = ""
    """Why an unreadable image is unreadable."""


def clean_image(
    path: Path,
    out: Path,
    min_side: int,
    overlay: bool,
    max_pixels: int = MAX_PIXELS,
    ner_model: str | None = None,
) -> ImageResult:
    """Make an anonymous copy of an image in the artifact `out`.

    Args:
        min_side: images with a shorter side (pixels) are refused.
        overlay: the image is no document; unknown words on it count as names.
        max_pixels: images of more pixels (width x height) are unreadable.
        ner_model: as for `anonymise.detect`.
    """
    try:
        opened = open_image(path, max_pixels)
    except ImageProblem as problem:
        return ImageResult("unreadable", reason=str(problem))
    metadata = Counter(value.kind for text in opened.texts for value in detect_line(text))
    metadata.update(kind for kind, _ in opened.personal)
    if min(opened.image.size) < min_side:
        return ImageResult("image_too_small", metadata=metadata)
    image = opened.image
    lines = read_lines(image)
    if turn := quarter_turn(image, lines):
        image = image.transpose(turn)
        lines = read_lines(image)
    first, later, remaining = _redact(image, lines, Search(overlay, opened.look_for, ner_model))
    opened = replace(opened, image=image.transpose(BACK[turn]) if turn else image)
    if remaining:
        return ImageResult(
            "image_personal_data_remains",
            pixels=first, metadata=metadata, later=later, remaining=remaining,
        )  # fmt: skip
    name, sha = add_image(out, _encoded(opened), opened.suffix)
    return ImageResult("kept", name, sha, perceptual_hash(opened.image), first, metadata, later)


def _encoded(opened: Opened) -> bytes:
    """The file's bytes without anything but pixels."""
    opened.image.info = {}  # or a JPEG's comment would be written again
    data = io.BytesIO()
    if opened.suffix == ".jpg":
        opened.image.save(data, "JPEG", quality=95)
    else:
        opened.image.save(data, "PNG")
    return data.getvalue()


def perceptual_hash(image: Image.Image) -> int:
    """64-bit pHash."""
    return int(str(imagehash.phash(image)), 16)


@dataclass(frozen=True)
class Search:
    """What is looked for in the lines of a picture."""

    overlay: bool
    known: Known = ()
    ner_model: str | None = None

    def lines(self, lines: list[Line], painted: list[Line]) -> list[tuple[Line, Value]]:
        """Personal data in the lines; a name found in one line is found in all.

        `painted` are places painted over already: a label beside one has had its value.
        """
        found = self._once(lines, self.known, painted)
        names = [
            (value.kind, line.text[value.start : value.stop].strip(" :：,，"))
            for line, value in found
            if value.kind in ("name", "physician")
        ]
        new = [(kind, name) for kind, name in names if len(name) > (3 if name.isascii() else 1)]
        return self._once(lines, [*self.known, *new], painted) if new else found

    def _once(
        self, lines: list[Line], known: Known, painted: list[Line]
    ) -> list[tuple[Line, Value]]:
        found = [
            (line, value)
            for line in lines
            for value in detect_line(line.text, self.overlay, known, self.ner_model)
        ]
        beside = [
            (line, Value(0, len(line.text), kind)) for line, kind in _neighbours(lines, painted)
        ]
        return found + [pair for pair in beside if all(pair[0] is not line for line, _ in found)]


def _redact(
    image: Image.Image, lines: list[Line], search: Search
) -> tuple[Counter[Kind], Counter[Kind], Counter[Kind]]:
    """Paint over, in place, until a look at the sharpened picture finds nothing.

    `lines` are what the first look read. Returns what that look found, what later ones did, and
    what the last one still did.
    """
    first: Counter[Kind] = Counter()
    later: Counter[Kind] = Counter()
    found: list[tuple[Line, Value]] = []
    painted: list[Line] = []
    for turn in range(ROUNDS):
        found = search.lines(read_lines(sharpened(image)) if turn else lines, painted)
        (later if turn else first).update(value.kind for _, value in found)
        if turn and not found:
            return first, later, Counter()
        draw = ImageDraw.Draw(image)
        for line, value in found:
            whole = turn > 1 or is_column(line)
            start, stop = (0, len(line.text)) if whole else (value.start, value.stop)
            painted.append(_paint(draw, line, start, stop))
    return first, later, Counter(value.kind for _, value in found)


def _neighbours(lines: list[Line], painted: list[Line]) -> Iterator[tuple[Line, Kind]]:
    """Values in boxes of their own: right of their label or, where none is there, below it."""
    for label in lines:
        kind = open_label(label.text)
        height = label.bottom - label.top
        middle = (label.top + label.bottom) / 2
        answered = any(
            box.top <= middle <= box.bottom and -2 * height <= box.left - label.right <= 12 * height
            for box in painted
        )
        if kind is None or answered:
            continue
        others = [line for line in lines if line is not label and not is_label(line.text)]
        right = [
            line
            for line in others
            if _may_be(line, kind)
            and line.top <= middle <= line.bottom
            and -height / 2 <= line.left - label.right <= 12 * height
        ]
        labels_right = [
            line for line in lines
            if line is not label and is_label(line.text) and line.top <= middle <= line.bottom
            and line.left >= label.right
        ]  # fmt: skip
        nearest = min(right, key=lambda line: line.left, default=None)
        if nearest and all(nearest.left < other.left for other in labels_right):
            yield nearest, kind
            continue
        below = [
            line
            for line in others
            if 0 <= line.top - label.bottom + height / 2 <= 2 * height
            and line.left < label.right
            and label.left < line.right
        ]
        if below:
            yield min(below, key=lambda line: line.top), kind


def _may_be(line: Line, kind: Kind) -> bool:
    """Whether a box can hold a value of a kind: numbers and dates have digits."""
    numbers = ("record_number", "id_number", "phone", "date", "bed_number")
    return kind not in numbers or any(character.isdigit() for character in line.text)


def _paint(draw: ImageDraw.ImageDraw, line: Line, start: int, stop: int) -> Line:
    """Cover `line.text[start:stop]` along the line's slope; returns the place.

    OCR gives no place for a character: the line is shared out, a Chinese one as two Latin ones.
    """
    widths = [2.0 if ord(c) > 0x2E7F else 0.6 if c in "il.,:;'|1 " else 1.3 if c.isupper() else 1.0
              for c in line.text]  # fmt: skip
    total = max(1e-6, sum(widths))
    begin, end = sum(widths[:start]) / total, sum(widths[:stop]) / total
    top_left, top_right, low_right, low_left = (np.asarray(c, float) for c in line.corners)
    along, down = top_right - top_left, low_left - top_left
    length, height = max(1.0, float(np.hypot(*along))), max(1.0, float(np.hypot(*down)))
    margin = (0.45 + 0.25 * (start > 0 or stop < len(line.text))) * height / length
    begin, end = max(begin - margin, -margin), min(end + margin, 1 + margin)
    rise = 0.15 * down
    corners = [
        top_left + along * begin - rise,
        top_left + along * end - rise,
        low_left + (low_right - low_left) * end + rise,
        low_left + (low_right - low_left) * begin + rise,
    ]
    draw.polygon([(float(x), float(y)) for x, y in corners], fill="black")
    return Line("", np.array(corners, np.float32))
