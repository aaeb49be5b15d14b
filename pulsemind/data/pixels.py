"""Personal data in images: read the text, find it as in texts, paint it over, look again.

Runs in worker processes with one thread each (`images.py`). Besides the detectors, the value after
a label (姓名：, MRN:, ...) goes up to the next label or the line's end, and on images that are no
documents (ultrasound, X-ray, ...) a line of two or three words none of which belongs to scanners
counts as a name. An image in which no text was found costs one pass.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import imagehash
import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageOps
from rapidocr import RapidOCR

from pulsemind.artifacts import add_image
from pulsemind.data.anonymise import detect
from pulsemind.data.labels import LABELS
from pulsemind.data.patterns import Kind
from pulsemind.data.wordlists import words

ROUNDS = 3
SMALLEST_SIDE_READ = 384
"""Smaller images are enlarged to this side before text is looked for; larger ones are not."""

_LABEL = re.compile(
    "|".join(f"(?P<k{i}>(?<![A-Za-z])(?:{p}))" for i, (_, p) in enumerate(LABELS)), re.IGNORECASE
)
_COLON = re.compile(r"\s*[.]?\s*[:：]\s*")


@dataclass(frozen=True)
class ImageResult:
    """What became of an image; `path` and `sha256` name the clean copy when status is `kept`."""

    status: Literal["kept", "unreadable", "image_too_small", "image_personal_data_remains"]
    path: str = ""
    sha256: str = ""
    phash: int = 0
    pixels: Counter[Kind] = field(default_factory=Counter)
    metadata: Counter[Kind] = field(default_factory=Counter)


@dataclass(frozen=True)
class Line:
    """A recognised line: its text and upright box in pixels."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


def clean_image(path: Path, out: Path, min_side: int, overlay: bool) -> ImageResult:
    """Make an anonymous copy of an image in the artifact `out`.

    Args:
        min_side: images with a shorter side (pixels) are refused.
        overlay: the image is no document; unknown words on it count as names.
    """
    try:
        with Image.open(path) as opened:
            suffix = ".jpg" if opened.format == "JPEG" else ".png"
            metadata = _metadata(opened)
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ImageResult("unreadable")
    found_in_metadata = Counter(span.kind for text in metadata for span in detect_line(text))
    if min(image.size) < min_side:
        return ImageResult("image_too_small", metadata=found_in_metadata)
    pixels, clean = _redact(image, overlay)
    if not clean:
        return ImageResult("image_personal_data_remains", pixels=pixels, metadata=found_in_metadata)
    image.info = {}  # or a JPEG's comment would be written again
    data = io.BytesIO()
    image.save(data, "JPEG" if suffix == ".jpg" else "PNG", **_QUALITY[suffix])
    name, sha = add_image(out, data.getvalue(), suffix)
    return ImageResult("kept", name, sha, perceptual_hash(image), pixels, found_in_metadata)


_QUALITY: dict[str, dict[str, int]] = {".jpg": {"quality": 95}, ".png": {}}


def perceptual_hash(image: Image.Image) -> int:
    """64-bit pHash."""
    return int(str(imagehash.phash(image)), 16)


@dataclass(frozen=True, order=True)
class Value:
    """Personal data at `text[start:stop]` of a line."""

    start: int
    stop: int
    kind: Kind


def detect_line(text: str, overlay: bool = False) -> list[Value]:
    """Personal data in one line: labelled values, the text detectors, and overlay names."""
    found: list[Value] = []
    labels = [m for m in _LABEL.finditer(text) if _COLON.match(text, m.end())]
    for number, label in enumerate(labels):
        colon = _COLON.match(text, label.end())
        start = colon.end() if colon else label.end()
        stop = labels[number + 1].start() if number + 1 < len(labels) else len(text)
        kind = LABELS[int((label.lastgroup or "k0")[1:])][0]
        if kind and re.search(r"\w", text[start:stop]):
            found.append(Value(start, stop, kind))
    labelled = tuple(found)
    for span in detect(text):
        if all(span.stop <= value.start or value.stop <= span.start for value in labelled):
            found.append(Value(span.start, span.stop, span.kind))
    if overlay and not found and _unknown_words(text):
        found.append(Value(0, len(text), "name"))
    return sorted(found)


def open_label(text: str) -> Kind | None:
    """The kind of a label that ends the line, its value standing in another box."""
    labels = list(_LABEL.finditer(text))
    if not labels or not re.fullmatch(r"[\s.:：]*", text[labels[-1].end() :]):
        return None
    if not re.search("[:：]", text) and labels[-1].start() > 0:
        return None
    return LABELS[int((labels[-1].lastgroup or "k0")[1:])][0]


def read_lines(image: Image.Image) -> list[Line]:
    """All text lines of an image, in reading order."""
    result = _reader()(np.asarray(image)[:, :, ::-1])
    boxes, texts = getattr(result, "boxes", None), getattr(result, "txts", None)
    if boxes is None or texts is None:
        return []
    lines = [
        Line(text, *box.min(axis=0).tolist(), *box.max(axis=0).tolist())
        for box, text in zip(boxes, texts, strict=True)
    ]
    return sorted(lines, key=lambda line: (line.top, line.left))


@cache
def _reader() -> RapidOCR:
    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Det.limit_side_len": SMALLEST_SIDE_READ,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _redact(image: Image.Image, overlay: bool) -> tuple[Counter[Kind], bool]:
    """Paint over, in place, until nothing is found. Returns the first look's counts, and success.

    From the second round on the whole line goes: what was left shows that the box was too narrow.
    """
    counts: Counter[Kind] = Counter()
    for turn in range(ROUNDS):
        lines = read_lines(image)
        found = [(line, value) for line in lines for value in detect_line(line.text, overlay)]
        beside = [(line, kind) for line in lines for line, kind in _beside(line, lines)]
        if not found and not beside:
            return counts, True
        if turn == 0:
            counts = Counter(v.kind for _, v in found) + Counter(kind for _, kind in beside)
        draw = ImageDraw.Draw(image)
        for line, value in found:
            _paint(draw, line, *((value.start, value.stop) if turn == 0 else (0, len(line.text))))
        for line, _ in beside:
            _paint(draw, line, 0, len(line.text))
    remaining = any(detect_line(line.text, overlay) for line in read_lines(image))
    return counts, not remaining


def _beside(label: Line, lines: list[Line]) -> list[tuple[Line, Kind]]:
    """The box right of a label that has no value of its own."""
    kind = open_label(label.text)
    if kind is None:
        return []
    middle, height = (label.top + label.bottom) / 2, label.bottom - label.top
    right = [
        line
        for line in lines
        if line.top <= middle <= line.bottom
        and 0 <= line.left - label.right + height / 2 <= 8 * height
        and not _LABEL.match(line.text)
    ]
    return [(min(right, key=lambda line: line.left), kind)] if right else []


def _paint(draw: ImageDraw.ImageDraw, line: Line, start: int, stop: int) -> None:
    """Cover `line.text[start:stop]`; a Chinese character is taken as two Latin ones wide."""
    widths = [2 if ord(character) > 0x2E7F else 1 for character in line.text]
    unit = (line.right - line.left) / max(1, sum(widths))
    margin = 0.35 * (line.bottom - line.top)
    left = line.left + unit * sum(widths[:start]) - margin
    right = line.left + unit * sum(widths[:stop]) + margin
    draw.rectangle((left, line.top - margin / 2, right, line.bottom + margin / 2), fill="black")


def _unknown_words(text: str) -> bool:
    """Two or three words of letters, none of them known from scanners and report forms."""
    found = re.findall(r"[A-Za-z&']+", text)
    plain = re.fullmatch(r"[A-Za-z&'\s,.^-]+", text.strip())
    long = [word for word in words if len(word) > 2]
    known = any(word.lower() in words("overlay.txt") for word in words)
    return bool(plain) and 2 <= len(words) <= 3 and len(long) >= 2 and not known


_PEOPLE = (ExifTags.Base.Artist, ExifTags.Base.XPAuthor, ExifTags.Base.CameraOwnerName)


def _metadata(image: Image.Image) -> list[str]:
    """Texts an image file carries beside its pixels; fields meant for a person say so."""
    exif = image.getexif()
    beside = [value for key, value in image.info.items() if key != "exif"]
    values = [*beside, *exif.values(), *exif.get_ifd(ExifTags.IFD.Exif).values()]
    texts = [v.decode("utf-8", "ignore") if isinstance(v, bytes) else v for v in values]
    people = {exif.get(tag) for tag in _PEOPLE}
    return [
        ("Name: " if text in people else "") + text.replace("\x00", "")[:2000]
        for text in texts
        if isinstance(text, str)
    ]
