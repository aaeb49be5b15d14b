"""The report as pages: one HTML file that needs no other, and Markdown without any dialogue."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pulsemind.data.card.parts import markdown_cell
from pulsemind.report.page import cases as case_viewer
from pulsemind.report.page import failures
from pulsemind.report.page.answer import answer
from pulsemind.report.page.evidence import ablations, audit, decision
from pulsemind.report.page.inputs import Inputs
from pulsemind.report.page.paper import paper
from pulsemind.report.page.parts import Cases, Cell, Part, Report, Section
from pulsemind.report.page.tables import accuracy, win_rates
from pulsemind.report.page.training import training
from pulsemind.report.page.validity import validity
from pulsemind.report.page.words import legend, warnings

OMITTED = (
    "The cases and the examples are left out of this copy, because it leaves the place of the "
    "data; they stand in data/report/report.html where the report was made."
)


def build(inputs: Inputs, private: bool = False) -> Report:
    """The whole report.

    Args:
        private: without cases and examples, for a copy that goes where patients' words must not.

    Raises ArtifactError naming a line of the evaluation's records that is no record.
    """
    found = failures.search(inputs)
    shown: dict[tuple[str, ...], str] = {}
    viewer = Cases([], 0, inputs.against, inputs.model, (), OMITTED if private else "")
    if not private:
        chosen, total = case_viewer.choose(inputs, found.cases())
        viewer = case_viewer.viewer(inputs, chosen, total)
        shown = {(case.benchmark, case.title): case.key for case in viewer.cases}
    return Report(
        title="Evaluation report",
        lead=f"Profile {inputs.about.profile}, judge {inputs.about.judge}. In grey: "
        f"{paper().paper}, whose figures are of other models, other data and the judge "
        f"{paper().judge}.",
        legend=legend(inputs),
        answer=answer(inputs),
        warnings=warnings(inputs),
        sections=(
            win_rates(inputs),
            accuracy(inputs),
            failures.failures(inputs, found, shown, private),
            Section("cases", "Cases, side by side", [viewer]),
            audit(inputs),
            validity(inputs),
            training(inputs),
            ablations(inputs),
            decision(inputs),
        ),
    )


def html(report: Report) -> str:
    """One HTML page: styles, script and images inside, the script allowed by its hash alone."""
    script = (files("pulsemind.report.page") / "templates" / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _render("page.html.jinja", report, script=Markup(script), script_hash=digest)


def markdown(report: Report) -> str:
    """The report in Markdown: all figures and tables, no words of a consultation."""
    return _render("page.md.jinja", report)


def _render(template: str, report: Report, **more: str) -> str:
    environment = Environment(
        loader=PackageLoader("pulsemind.report.page"),
        autoescape=template.endswith(".html.jinja"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"what": _what, "cell": _cell, "svg": Markup}
    return environment.get_template(template).render(report=report, **more)


def _what(part: Part) -> str:
    return type(part).__name__


def _cell(value: Cell | str) -> str:
    if isinstance(value, Cell):
        return markdown_cell(f"{value.text} ({value.small})" if value.small else value.text)
    return markdown_cell(value)
