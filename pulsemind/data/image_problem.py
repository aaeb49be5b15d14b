"""Why an image file cannot be used."""

from __future__ import annotations


class ImageProblem(ValueError):
    """The text is the reason, for the quarantine; it names no value and no path."""
