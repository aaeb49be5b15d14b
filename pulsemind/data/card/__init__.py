"""The dataset card, HTML and Markdown: what a data set holds and how it came about.

Statistics are counted while records are written (`Statistics`, one a worker, merged); the pages
(`html`, `markdown`) show them with the build's books. Both pages come from one `Card`.
"""

from pulsemind.data.card.pages import html, markdown
from pulsemind.data.card.removal import quarantine_reasons
from pulsemind.data.card.statistics import Statistics

__all__ = ["Statistics", "html", "markdown", "quarantine_reasons"]
