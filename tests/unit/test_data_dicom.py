"""DICOM files become pictures without a header; the header's values go from the pixels too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from pulsemind.data.dicom import burned_in, is_dicom, read_dicom
from pulsemind.data.image_problem import ImageProblem
from pulsemind.data.ocr import read_lines
from pulsemind.data.pixels import clean_image

SAMPLES = Path(__file__).parents[2].parent / "shared" / "data" / "ocr_phi_images"


def write(path: Path, pixels: np.ndarray, **header: object) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    bits = pixels.dtype.itemsize * 8
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = (
        bits,
        bits,
        bits - 1,
        0,
    )
    made.PixelData = pixels.tobytes()
    for key, value in header.items():
        setattr(made, key, value)
    made.save_as(path, enforce_file_format=True)


def scan(text: str = "", scale: int = 1) -> np.ndarray:
    image = Image.new("L", (420, 260), 0)
    ImageDraw.Draw(image).text((14, 14), text, fill=230, font=ImageFont.load_default(26))
    ImageDraw.Draw(image).ellipse((150, 90, 300, 220), fill=120)
    return np.asarray(image).astype(np.uint16 if scale > 1 else np.uint8) * scale


def test_the_header_goes_and_is_counted_by_kind(tmp_path: Path) -> None:
    write(
        tmp_path / "a.dcm", scan("TRULLO VEXQ"),
        PatientName="TRULLO^VEXQ", PatientID="PX-77120", StudyDate="20240305", PatientAge="093Y",
        ReferringPhysicianName="Orrin^Halda", InstitutionName="Somewhere",
    )  # fmt: skip
    result = clean_image(tmp_path / "a.dcm", tmp_path, 64, overlay=False)
    assert result.status == "kept"
    wanted = {"name", "record_number", "date", "age_over_89", "physician", "hospital"}
    assert wanted <= set(result.metadata)
    data = (tmp_path / result.path).read_bytes()
    assert b"TRULLO" not in data
    assert b"PX-77120" not in data
    with Image.open(tmp_path / result.path) as clean:
        assert not [line for line in read_lines(clean.convert("RGB")) if "TRULLO" in line.text]


def test_sixteen_bits_are_shown_as_eight(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", scan(scale=16), WindowCenter="2000", WindowWidth="4000")
    shown = np.asarray(read_dicom(tmp_path / "a.dcm", 1_000_000).image)
    assert shown.dtype == np.uint8
    assert shown.max() > 200


def test_where_zero_is_white_the_picture_is_turned(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", scan(), PhotometricInterpretation="MONOCHROME1")
    assert np.asarray(read_dicom(tmp_path / "a.dcm", 1_000_000).image)[0, 0, 0] == 255


def test_too_large_or_without_a_picture(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", scan())
    with pytest.raises(ImageProblem, match="too many pixels"):
        read_dicom(tmp_path / "a.dcm", 1000)
    header = pydicom.dcmread(tmp_path / "a.dcm")
    del header.PixelData
    del header.Rows
    header.save_as(tmp_path / "b.dcm")
    with pytest.raises(ImageProblem, match="without a picture"):
        read_dicom(tmp_path / "b.dcm", 1_000_000)


def test_cut_off_pixels_have_a_reason(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", scan())
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data[: len(data) // 2])
    result = clean_image(tmp_path / "a.dcm", tmp_path, 64, overlay=True)
    assert result.status == "unreadable"
    assert result.reason


def test_forms_to_look_for_are_not_too_short() -> None:
    forms = burned_in((("name", "Li^Jo^Trullo"), ("date", "20240305"), ("record_number", "12")))
    assert ("name", "Trullo") in forms
    assert ("name", "Li") not in forms
    assert ("date", "03/05/2024") in forms
    assert not [form for kind, form in forms if kind == "record_number"]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no shared/data beside the repo")
@pytest.mark.parametrize("name", ["2_ORIGINAL.dcm", "RGB_ORIGINAL.dcm"])
def test_real_files_lose_the_names_that_are_burned_in(tmp_path: Path, name: str) -> None:
    path = SAMPLES / name
    assert is_dicom(path)
    family = str(pydicom.dcmread(path, stop_before_pixels=True).PatientName.family_name)
    result = clean_image(path, tmp_path, 64, overlay=True)
    assert result.status == "kept"
    assert result.metadata["name"] >= 1
    with Image.open(tmp_path / result.path) as clean:
        read = " ".join(line.text for line in read_lines(clean.convert("RGB"))).upper()
    assert family.upper() not in read
