"""What images cost: `python -m bench.images [--quick]`.

Opens, hashes and cleans drawn images of every kind (examples/), on one core as a worker does it:
opening with the size filter and the pHash, and reading, painting over and reading again. Prints
core-hours for MediScope's 601,500 images, taking its images to be like these.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.table import report
from examples.generate import generate
from pulsemind import settings
from pulsemind.data.image_files import open_image
from pulsemind.data.image_problem import ImageProblem
from pulsemind.data.pixels import clean_image, perceptual_hash

MEDISCOPE = 601_500
DOCUMENTS = 60


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 images instead of 60")
    number = 10 if parser.parse_args().quick else DOCUMENTS
    section = settings.load(profile="tiny").stages.dataset
    limit = section.anonymise.image_max_pixels
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "raw", 200, 7)
        found = sorted((Path(folder) / "raw" / "images").glob("*.*"))
        images = [path for path in found if _is_readable(path, limit)][:number]
        start = time.process_time()
        for path in images:
            perceptual_hash(open_image(path, limit).image)
        opened = time.process_time() - start
        clean_image(images[0], Path(folder), section.image_min_side, False, limit)  # loads models
        start = time.process_time()
        for path in images:
            clean_image(path, Path(folder), section.image_min_side, False, limit)
        cleaned = time.process_time() - start
    rows = [
        {
            "step": step,
            "images": len(images),
            "images/s/core": len(images) / seconds,
            "core-hours for 601,500": MEDISCOPE * seconds / len(images) / 3600,
        }
        for step, seconds in (("open, filter, pHash", opened), ("OCR and redaction", cleaned))
    ]
    return report("images", rows, [], "CPU seconds of one process; drawn images of the sample")


def _is_readable(path: Path, limit: int) -> bool:
    """False for the sample's planted files that are cut short or no images."""
    try:
        open_image(path, limit)
    except ImageProblem:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
