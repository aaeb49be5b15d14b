# ruff: noqa: E501 - patterns and tables stand on one line
"""Image files of any origin, opened without trust: a picture and the texts beside its pixels.

What a file claims is checked before anything is decoded, so a small file cannot fill the memory.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from pulsemind.data.dicom import burned_in, is_dicom, read_dicom
from pulsemind.data.image_problem import ImageProblem
from pulsemind.data.kinds import Kind
from pulsemind.data.sources.parquet import open_image as open_file

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""What is opened, by content and not by name; formats that start other programs are not."""
MAX_PIXELS = 64_000_000
"""Used where no setting is at hand: a phone's largest photographs."""
_PEOPLE = (ExifTags.Base.Artist, ExifTags.Base.XPAuthor, ExifTags.Base.CameraOwnerName)


@dataclass(frozen=True)
class Opened:
    """A picture in RGB, upright; the texts and personal values its file carried beside it."""

    image: Image.Image
    suffix: str
    """`.jpg` for what was a photograph, else `.png`."""
    texts: tuple[str, ...]
    personal: tuple[tuple[Kind, str], ...] = ()
    """Values that the file's header gives a kind to."""
    look_for: tuple[tuple[Kind, str], ...] = ()
    """Forms of these values that may stand in the pixels."""


def open_image(path: Path, max_pixels: int = MAX_PIXELS) -> Opened:
    """Open an image; of several frames the first.

    Args:
        max_pixels: larger images (width x height) are refused before they are decoded.

    Raises ImageProblem with the reason.
    """
    try:
        with open_file(path) as stream:
            return _opened(path, stream, max_pixels)
    except FileNotFoundError as error:
        raise ImageProblem("missing") from error
    except Image.DecompressionBombError as error:
        raise ImageProblem("too many pixels") from error
    except UnidentifiedImageError as error:
        raise ImageProblem("not an image") from error
    except ImageProblem:
        raise
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, EOFError, MemoryError,
            OverflowError, struct.error, zlib.error) as error:  # fmt: skip
        raise ImageProblem("truncated or corrupt") from error


def _opened(path: Path, stream: BinaryIO, max_pixels: int) -> Opened:
    if not stream.read(1):
        raise ImageProblem("empty file")
    stream.seek(0)
    if path.is_file() and is_dicom(path):
        dicom = read_dicom(path, max_pixels)
        return Opened(dicom.image, ".png", dicom.texts, dicom.personal, burned_in(dicom.personal))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large images; the limit is ours
        Image.init()  # or formats that were not met before are unknown
        with Image.open(stream, formats=FORMATS) as opened:
            if opened.width * opened.height > max_pixels:
                raise ImageProblem("too many pixels")
            suffix = ".jpg" if opened.format in ("JPEG", "MPO") else ".png"
            texts, position = _texts(opened), opened.getexif().get_ifd(ExifTags.IFD.GPSInfo)
            opened.load()
            place: tuple[tuple[Kind, str], ...] = (("address", "position"),) if position else ()
            return Opened(_upright_rgb(opened), suffix, texts, place)


def _upright_rgb(image: Image.Image) -> Image.Image:
    """Eight bits a channel, the camera's turn undone, transparent parts white as viewers show them."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        low, high = float(values.min()), float(values.max())
        image = Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).astype(np.uint8))
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        image = Image.new("RGBA", clear.size, "white")
        image.alpha_composite(clear)
    return ImageOps.exif_transpose(image).convert("RGB")


def _texts(image: Image.Image) -> tuple[str, ...]:
    """Texts beside the pixels; fields meant for a person say so."""
    exif = image.getexif()
    beside = [value for key, value in image.info.items() if key != "exif"]
    values = [*beside, *exif.values(), *exif.get_ifd(ExifTags.IFD.Exif).values()]
    texts = [v.decode("utf-8", "ignore") if isinstance(v, bytes) else v for v in values]
    people = {exif.get(tag) for tag in _PEOPLE}
    return tuple(
        ("Name: " if text in people else "") + text.replace("\x00", "")[:2000]
        for text in texts
        if isinstance(text, str)
    )
