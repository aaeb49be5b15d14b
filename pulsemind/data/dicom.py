"""DICOM files: the first frame as an 8-bit picture, the header as personal data by kind.

Nothing of the header is carried over. Its names, numbers and dates are handed on as values to look
for in the pixels, where scanners burn them in (DICOM PS3.15, annex E lists the attributes).
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pulsemind.data.image_problem import ImageProblem
from pulsemind.data.kinds import Kind

_KINDS: dict[str, Kind] = {
    "PatientID": "record_number",
    "OtherPatientIDs": "record_number",
    "AccessionNumber": "record_number",
    "StudyID": "record_number",
    "MedicalRecordLocator": "record_number",
    "IssuerOfPatientID": "record_number",
    "InstitutionName": "hospital",
    "InstitutionAddress": "address",
    "PatientAddress": "address",
    "PatientTelephoneNumbers": "phone",
    "CurrentPatientLocation": "bed_number",
}
_BY_TYPE: dict[str, Kind] = {"PN": "name", "DA": "date", "DT": "date"}
_TEXTS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT", "CS"})


@dataclass(frozen=True)
class Dicom:
    """A DICOM file's picture, what its header says of a person, and its other texts."""

    image: Image.Image
    personal: tuple[tuple[Kind, str], ...]
    texts: tuple[str, ...]


def is_dicom(path: Path) -> bool:
    """Whether a file has DICOM's preamble."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_dicom(path: Path, max_pixels: int) -> Dicom:
    """Read a DICOM file; of several frames the first.

    Raises ImageProblem when it is damaged, too large, has no picture or an unknown compression.
    """
    import pydicom
    from pydicom.pixels.utils import pixel_array

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
            size = int(header.get("Rows") or 0) * int(header.get("Columns") or 0)
        except Exception as error:  # pydicom raises whatever a broken value leads to
            raise ImageProblem("damaged DICOM header") from error
        if size == 0:
            raise ImageProblem("DICOM without a picture")
        if size > max_pixels:
            raise ImageProblem("too many pixels")
        try:
            image = _picture(header, pixel_array(path, index=0))
            personal, texts = _header(header)
        except Exception as error:
            raise ImageProblem("damaged or unknown DICOM pixels") from error
    return Dicom(image, personal, texts)


def _picture(header: Any, pixels: Any) -> Image.Image:
    """Pixels as a viewer shows them: rescaled, windowed, inverted where 0 means white."""
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut

    if header.PhotometricInterpretation == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, header)
    if pixels.ndim == 3:
        return Image.fromarray(_to_bytes(pixels)).convert("RGB")
    shown = apply_voi_lut(apply_modality_lut(pixels, header), header)
    eight = _to_bytes(shown)
    if header.PhotometricInterpretation == "MONOCHROME1":
        eight = 255 - eight
    return Image.fromarray(eight).convert("RGB")


def _to_bytes(pixels: Any) -> Any:
    if pixels.dtype == np.uint8:
        return pixels
    low, high = float(pixels.min()), float(pixels.max())
    return ((pixels - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)


def _header(header: Any) -> tuple[tuple[tuple[Kind, str], ...], tuple[str, ...]]:
    personal: list[tuple[Kind, str]] = []
    texts: list[str] = []
    for element in header.iterall():
        value = str(element.value or "").strip()
        if not value or element.VR == "SQ":
            continue
        kind = _KINDS.get(element.keyword) or _BY_TYPE.get(element.VR)
        if kind == "name" and re.search("Physician|Operator|Reader|Author", element.keyword):
            kind = "physician"
        if element.VR == "AS" and re.match(r"(?:09\d|1\d\d)Y", value):
            kind = "age_over_89"
        if kind:
            personal.append((kind, value))
        elif element.VR in _TEXTS:
            texts.append(value[:2000])
    return tuple(personal), tuple(texts)


def burned_in(personal: tuple[tuple[Kind, str], ...]) -> tuple[tuple[Kind, str], ...]:
    """The forms in which a header's values stand on the picture: parts of names, dates as people
    write them. Short ones are left out, they would hit by chance."""
    forms: list[tuple[Kind, str]] = []
    for kind, value in personal:
        if kind in ("name", "physician"):
            parts = re.split(r"[\^=,\s]+", value)
            forms += [(kind, p) for p in parts if len(p) > (2 if p.isascii() else 1)]
        elif kind == "date":
            forms += [(kind, form) for form in _dates(value)]
        elif kind != "age_over_89" and len(value) > 3:
            forms.append((kind, value))
    return tuple(dict.fromkeys(forms))


def _dates(value: str) -> list[str]:
    try:
        day = datetime.strptime(value[:8], "%Y%m%d")
    except ValueError:
        return []
    return [
        f"{day:{form}}"
        for form in ("%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y",
                     "%m.%d.%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y")
    ]  # fmt: skip
