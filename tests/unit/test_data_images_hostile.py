# ruff: noqa: E501 - patterns and tables stand on one line
"""Files that are no good images, or that want to do harm: refused with a reason, or made harmless."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pulsemind.data.image_files import open_image
from pulsemind.data.image_problem import ImageProblem
from pulsemind.data.pixels import clean_image


def picture() -> Image.Image:
    return Image.radial_gradient("L").convert("RGB")


def png_claiming(width: int, height: int) -> bytes:
    """A tiny PNG whose header promises so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def good(kind: str, folder: Path) -> bytes:
    path = folder / f"good.{kind}"
    picture().save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda f: b"", "empty file"),
        (lambda f: b"MZ\x90\x00" + bytes(4000), "not an image"),
        (lambda f: b"\x7fELF" + bytes(4000), "not an image"),
        (lambda f: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (lambda f: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (lambda f: good("png", f)[:600], "truncated or corrupt"),
        (lambda f: good("jpg", f)[:400], "truncated or corrupt"),
        (lambda f: png_claiming(12_000, 9_000), "too many pixels"),
        (lambda f: png_claiming(60_000, 60_000), "too many pixels"),
        (lambda f: bytes(128) + b"DICM" + bytes(300), "DICOM"),
    ],
)
def test_a_bad_file_has_a_reason(tmp_path: Path, content: object, reason: str) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(content(tmp_path))  # type: ignore[operator]
    result = clean_image(path, tmp_path, 32, overlay=False)
    assert result.status == "unreadable"
    assert reason in result.reason
    assert str(tmp_path) not in result.reason


def test_the_limit_of_pixels_is_the_callers(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    with pytest.raises(ImageProblem, match="too many pixels"):
        open_image(tmp_path / "a.png", max_pixels=1000)


def test_the_name_does_not_say_what_a_file_is(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.png").read_bytes())
    assert open_image(tmp_path / "a.jpg").suffix == ".png"


def test_all_kinds_of_pixels_become_rgb(tmp_path: Path) -> None:
    wide = np.linspace(0, 60_000, 64 * 64).reshape(64, 64)
    made = {
        "cmyk.jpg": picture().convert("CMYK"),
        "palette.png": picture().convert("P"),
        "grey.png": picture().convert("L"),
        "two.png": picture().convert("1"),
        "sixteen.png": Image.fromarray(wide.astype(np.uint16)),
        "float.tiff": Image.fromarray(wide.astype(np.float32)),
    }
    for name, image in made.items():
        image.save(tmp_path / name)
        opened = open_image(tmp_path / name).image
        assert opened.mode == "RGB"
        assert np.asarray(opened).std() > 20, name


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    hidden = Image.new("RGBA", (64, 64), (200, 0, 0, 0))
    hidden.save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png").image.getpixel((5, 5)) == (255, 255, 255)


def test_of_several_frames_the_first_is_kept(tmp_path: Path) -> None:
    frames = [Image.new("L", (64, 64), shade) for shade in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "a.tiff", save_all=True, append_images=frames[1:])
    for name in ("a.gif", "a.tiff"):
        assert open_image(tmp_path / name).image.getpixel((5, 5)) == (10, 10, 10)


def test_a_camera_position_is_counted_and_gone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    picture().save(tmp_path / "a.jpg", exif=exif)
    result = clean_image(tmp_path / "a.jpg", tmp_path, 32, overlay=False)
    assert result.metadata["address"] == 1
    with Image.open(tmp_path / result.path) as clean:
        assert not clean.getexif()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_file_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(
        good(data.draw(st.sampled_from(("png", "jpg", "gif", "bmp", "tiff", "webp"))), folder)
    )
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "a.png"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    result = clean_image(path, folder, 10_000, overlay=False)
    assert result.status in {"image_too_small", "unreadable"}
    assert bool(result.reason) is (result.status == "unreadable")
