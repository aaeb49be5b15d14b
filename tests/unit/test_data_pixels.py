"""Real OCR on real pixels: drawn reports, and presidio's images where they are present."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from pulsemind.data import pixels
from pulsemind.data.lines import detect_line, open_label
from pulsemind.data.ocr import Line, read_lines
from pulsemind.data.pixels import clean_image

ROOT = Path(__file__).parents[2]
FONTS = sorted((ROOT / "examples" / "fonts").glob("*.otf"))
SAMPLES = ROOT.parent / "shared" / "data" / "ocr_phi_images"
EN = ["Laboratory Report", "Name: John Carter", "MRN: 20412345", "Phone: (212) 555-0123",
      "WBC 12.3 10^9/L", "Hb 115 g/L"]  # fmt: skip
ZH = ["检验报告单", "姓名：张伟", "住院号：20412345", "检查日期：2025-03-14", "医生：李娜",
      "白细胞 12.3"]  # fmt: skip


def draw(lines: list[str], background: str = "white", ink: str = "black") -> Image.Image:
    image = Image.new("RGB", (480, 270), background)
    font = ImageFont.truetype(FONTS[0], 26) if FONTS else ImageFont.load_default(26)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((16, 10 + 42 * number), line, fill=ink, font=font)
    return image


def text_of(path: Path) -> str:
    with Image.open(path) as image:
        return "\n".join(line.text for line in read_lines(image.convert("RGB")))


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("姓名：张伟性别：男年龄：45岁", ["张伟"]),
        ("Name: John Carter  Age: 45", ["John Carter  "]),
        ("MRN:20412345", ["20412345"]),
        ("DOB 1950-03-02", ["1950-03-02"]),
        ("白细胞 12.3", []),
        ("WBC 12.3 10^9/L", []),
        ("Name:", []),
    ],
)
def test_labelled_values_of_a_line(line: str, values: list[str]) -> None:
    assert [line[value.start : value.stop] for value in detect_line(line)] == values


def test_an_unlabelled_name_on_an_overlay() -> None:
    assert detect_line("JOHN CARTER", overlay=True)
    assert not detect_line("VEXQ TRULLO")
    assert detect_line("VEXQ TRULLO", overlay=True)
    assert not detect_line("LEFT KIDNEY LONG", overlay=True)
    assert not detect_line("Depth 12 cm", overlay=True)


def test_labels_whose_value_stands_in_another_box() -> None:
    assert open_label("姓名：") == "name"
    assert open_label("Name") == "name"
    assert open_label("Laboratory name") is None
    assert open_label("性别：") is None


def test_a_report_loses_its_people_and_keeps_its_values(tmp_path: Path) -> None:
    lines, gone, kept = (ZH, ("张伟", "20412345", "2025-03-14", "李娜"), ("检验报告单", "12.3"))
    if not FONTS:
        lines, gone, kept = (EN, ("Carter", "20412345", "555"), ("Laboratory", "12.3"))
    draw(lines).save(tmp_path / "raw.png")
    result = clean_image(tmp_path / "raw.png", tmp_path, 64, overlay=False)
    assert result.status == "kept"
    assert result.pixels["name"] == 1
    read = text_of(tmp_path / result.path)
    assert not [value for value in gone if value in read]
    assert all(value in read for value in kept)


def test_a_page_on_its_side_keeps_its_values(tmp_path: Path) -> None:
    draw(EN).rotate(90, expand=True).save(tmp_path / "side.png")
    result = clean_image(tmp_path / "side.png", tmp_path, 64, overlay=False)
    assert result.status == "kept"
    with Image.open(tmp_path / result.path) as clean, Image.open(tmp_path / "side.png") as raw:
        assert clean.size == raw.size
        clean.rotate(-90, expand=True).save(tmp_path / "upright.png")
    read = text_of(tmp_path / "upright.png")
    assert "Carter" not in read
    assert "12.3" in read


def test_what_later_looks_find_is_counted_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def sees_late(image: Image.Image) -> list[Line]:
        looks.append(1)
        corners = np.array([(20, 20), (300, 20), (300, 50), (20, 50)], np.float32)
        return [Line("Name: John Carter", corners)] if len(looks) == 2 else []

    monkeypatch.setattr(pixels, "read_lines", sees_late)
    draw(EN).save(tmp_path / "raw.png")
    result = clean_image(tmp_path / "raw.png", tmp_path, 64, overlay=False)
    assert result.status == "kept"
    assert not result.pixels
    assert result.later == {"name": 1}
    assert not result.remaining


def test_an_image_on_which_something_stays_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corners = np.array([(20, 20), (300, 20), (300, 50), (20, 50)], np.float32)
    line = Line("Name: John Carter", corners)
    monkeypatch.setattr(pixels, "read_lines", lambda image: [line])
    draw(EN).save(tmp_path / "raw.png")
    result = clean_image(tmp_path / "raw.png", tmp_path, 64, overlay=False)
    assert result.status == "image_personal_data_remains"
    assert result.remaining == {"name": 1}
    assert not result.path


def test_a_burned_in_name_goes(tmp_path: Path) -> None:
    draw(["JOHN CARTER", "Depth 12 cm"], "black", "white").save(tmp_path / "us.png")
    result = clean_image(tmp_path / "us.png", tmp_path, 64, overlay=True)
    read = text_of(tmp_path / result.path)
    assert "CARTER" not in read
    assert "12" in read


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_metadata_goes_and_is_counted(tmp_path: Path, suffix: str) -> None:
    image = Image.radial_gradient("L").convert("RGB")
    exif = Image.Exif()
    exif[0x013B] = "John Carter"
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "phone 13800138000")
    extra = {"pnginfo": info} if suffix == "png" else {"comment": b"phone 13800138000"}
    image.save(tmp_path / f"raw.{suffix}", exif=exif, **extra)
    result = clean_image(tmp_path / f"raw.{suffix}", tmp_path, 64, overlay=False)
    assert result.status == "kept"
    assert set(result.metadata) >= {"name", "phone"}
    data = (tmp_path / result.path).read_bytes()
    assert b"Carter" not in data
    assert b"13800138000" not in data
    with Image.open(tmp_path / result.path) as clean:
        assert not clean.getexif()
        assert "Comment" not in clean.info
        assert "comment" not in clean.info


def test_what_cannot_be_used(tmp_path: Path) -> None:
    draw(EN).save(tmp_path / "good.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "good.png").read_bytes()[:900])
    (tmp_path / "text.png").write_text("no image")
    Image.new("RGB", (200, 40)).save(tmp_path / "low.png")
    for name, status in (
        ("torn.png", "unreadable"),
        ("text.png", "unreadable"),
        ("low.png", "image_too_small"),
    ):
        assert clean_image(tmp_path / name, tmp_path, 64, False).status == status


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no shared/data beside the repo")
def test_a_real_printed_page_of_presidio(tmp_path: Path) -> None:
    result = clean_image(SAMPLES / "ocr_test.png", tmp_path, 64, overlay=False)
    assert result.status in {"kept", "image_personal_data_remains"}
    if result.status == "kept":
        lines = text_of(tmp_path / result.path).splitlines()
        assert not [value for line in lines for value in detect_line(line)]
