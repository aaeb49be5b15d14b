"""Text lines of a picture, by RapidOCR (models in the package, Chinese and English, offline)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

SMALLEST_SIDE_READ = 736
"""Smaller pictures are enlarged to this side before text is looked for; larger ones are not."""
MOST_LINES_TALL = 0.6
"""From this share of upright boxes on a picture may lie on its side."""
LEAST_LINES_TALL = 3
LEGIBLE = 0.8
"""Mean score of upright print; lower where Chinese characters lie on their side."""
Transpose = Image.Transpose
BACK = {Transpose.ROTATE_90: Transpose.ROTATE_270, Transpose.ROTATE_270: Transpose.ROTATE_90}
"""Quarter turns and what undoes them; no pixel changes its value."""
Corners = NDArray[np.float32]


@dataclass(frozen=True)
class Line:
    """A recognised line: its text, and the corners of its box in pixels, 4 x (x, y), clockwise
    from where the text begins."""

    text: str
    corners: Corners

    @property
    def left(self) -> float:
        """Smallest x."""
        return float(self.corners[:, 0].min())

    @property
    def right(self) -> float:
        """Largest x."""
        return float(self.corners[:, 0].max())

    @property
    def top(self) -> float:
        """Smallest y."""
        return float(self.corners[:, 1].min())

    @property
    def bottom(self) -> float:
        """Largest y."""
        return float(self.corners[:, 1].max())


def read_lines(image: Image.Image) -> list[Line]:
    """All text lines of a picture, from top to bottom; upright columns are read downwards."""
    lines = _read(image)
    return sorted(
        [_column(image, line) if is_column(line) else line for line in lines],
        key=lambda line: (line.top, line.left),
    )


def sharpened(image: Image.Image) -> Image.Image:
    """The same picture with faint and blurred print made plain, for a second reading."""
    grey = ImageOps.autocontrast(image.convert("L"), cutoff=1)
    local = grey.filter(ImageFilter.UnsharpMask(radius=3, percent=180, threshold=2))
    return ImageOps.equalize(local).convert("RGB") if _is_faint(image) else local.convert("RGB")


def _is_faint(image: Image.Image) -> bool:
    """Whether nearly all of the picture has one shade."""
    values = np.asarray(image.convert("L").resize((256, 256)))
    return float(values.std()) < 20


def _read(image: Image.Image) -> list[Line]:
    result = _reader()(np.asarray(image)[:, :, ::-1])
    boxes, texts = getattr(result, "boxes", None), getattr(result, "txts", None)
    if boxes is None or texts is None:
        return []
    return [Line(text, np.asarray(box)) for box, text in zip(boxes, texts, strict=True)]


def quarter_turn(image: Image.Image, lines: list[Line]) -> Transpose | None:
    """How to turn a picture whose print lies on its side, or None where it stands upright.

    The reader takes tall boxes either way round and does not say which, so both turns of the
    picture are read with its turning of lines off: print that is upside down has low scores.
    """
    tall = sum(is_column(line) for line in lines)
    if tall < MOST_LINES_TALL * len(lines) or tall < LEAST_LINES_TALL:
        return None
    scores = {turn: _legible(image.transpose(turn)) for turn in BACK}
    best = max(scores, key=lambda turn: scores[turn])
    return best if scores[best] >= LEGIBLE else None


def _legible(image: Image.Image) -> float:
    """Mean score of the lines of a picture read as they lie, by characters; 0 to 1."""
    result = _reader()(np.asarray(image)[:, :, ::-1], use_cls=False)
    pairs = [
        (float(score), len(text))
        for score, text, box in zip(
            result.scores or (), result.txts or (), _boxes(result), strict=True
        )
        if not is_column(Line(text, np.asarray(box)))
    ]
    return sum(score * count for score, count in pairs) / max(1, sum(count for _, count in pairs))


def _boxes(result: Any) -> Any:
    return () if result.boxes is None else result.boxes


def is_column(line: Line) -> bool:
    """Taller than wide: turned print, or characters below one another."""
    return line.bottom - line.top > 2 * (line.right - line.left)


def _column(image: Image.Image, line: Line) -> Line:
    """Read characters that stand below one another by laying them side by side."""
    left, top, right, bottom = (
        max(0, int(v)) for v in (line.left, line.top, line.right + 1, line.bottom + 1)
    )
    width = right - left
    count = max(1, round((bottom - top) / max(1, width * 1.05)))
    step = (bottom - top) / count
    strip = Image.new(
        "RGB", (int(count * width * 1.2) + 40, width + 40), image.getpixel((left, top))
    )
    for number in range(count):
        part = image.crop((left, int(top + number * step), right, int(top + (number + 1) * step)))
        strip.paste(part, (20 + int(number * width * 1.2), 20))
    texts = "".join(found.text for found in sorted(_read(strip), key=lambda found: found.left))
    better = len(texts.strip()) > len(line.text.strip()) or not line.text.isascii()
    if not texts or not better:
        return line
    down = np.array([(right, top), (right, bottom), (left, bottom), (left, top)], np.float32)
    return Line(texts, down)


@cache
def _reader() -> Any:
    from rapidocr import RapidOCR  # loads its models

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": True,
            "Global.text_score": 0.3,
            "Det.limit_side_len": SMALLEST_SIDE_READ,
            "Det.box_thresh": 0.4,
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,  # an eighth faster, same result
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
