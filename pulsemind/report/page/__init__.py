"""The report that people read: one HTML page and Markdown (docs/report.md).

`gather` reads what the stages left, `build` makes the report's content of it, `html` and
`markdown` set it. What a section needs and does not find is shown as "not run".
"""

from pulsemind.report.page.inputs import OPTIONAL, About, gather
from pulsemind.report.page.pages import build, html, markdown

__all__ = ["OPTIONAL", "About", "build", "gather", "html", "markdown"]
