"""Make the shipped font: Noto Sans CJK SC cut down to the characters these examples can draw.

Run from the top of the repository where the full font is installed (Debian: `apt-get install
fonts-noto-cjk`), after a change of any text that is drawn: `python -m examples.make_font`.
"""

from __future__ import annotations

import argparse
import string
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font
from fontTools.ttLib import TTCollection

FOLDER = Path(__file__).parent
FULL = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
TARGET = FOLDER / "fonts" / "NotoSansCJKsc-subset.otf"
NAME = "Noto Sans CJK SC"
SOURCES = ("drawing.py", "people.py", "conditions.yaml")
"""Files whose texts can end up in an image."""


def characters() -> set[str]:
    """All printable ASCII and every character of the files whose texts are drawn."""
    texts = "".join((FOLDER / name).read_text(encoding="utf-8") for name in SOURCES)
    return set(string.printable[:95]) | {char for char in texts if char > "\x7f"}


def make(full: Path) -> int:
    """Write the subset of the collection `full`; returns the number of characters kept."""
    options = Options(layout_features=[], name_IDs=["*"], notdef_outline=True, hinting=False)
    with TTCollection(str(full)) as faces:
        options.font_number = [f["name"].getDebugName(4) for f in faces.fonts].index(NAME)
    face = load_font(str(full), options)
    kept = characters()
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[ord(char) for char in kept])
    subsetter.subset(face)
    save_font(face, str(TARGET), options)
    return len(kept)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("full", nargs="?", type=Path, default=FULL, help="the collection to cut")
    print(f"{make(parser.parse_args().full)} characters in {TARGET.name}")
