# SPDX-License-Identifier: Apache-2.0
"""One self-contained HTML page from a report: inline style, inline SVG, nothing fetched."""

import json
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from synfab.report import headline, notation, plots, rates
from synfab.report.models import Report

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")


def page(report: Report) -> str:
    """Return the HTML page of a report; equal reports give equal pages."""
    environment = Environment(
        loader=PackageLoader("synfab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        amount=notation.amount,
        cycles=notation.cycles,
        ns=notation.nanoseconds,
        slack=notation.slack,
        rate=notation.rate,
        mhz=notation.frequency,
        share=headline.share_of,
        plain=_plain,
    )
    template = environment.get_template("page.html.j2")
    return template.render(
        report=report,
        cards=list(headline.cards(report)),
        clock_basis=headline.clock_basis(report),
        resource_names=headline.RESOURCE_NAMES,
        interval=headline.accuracy_interval,
        level=headline.accuracy_level,
        citation=citation,
        absent=[name for key, name in _SECTIONS.items() if not getattr(report, key)],
        plots=_plots(report),
    )


def citation(source: str) -> str | None:
    """Return the web address that a citation names, outright or by its arXiv number, or None."""
    if match := _ADDRESS.search(source):
        return match.group().rstrip(".,;)")
    if match := _ARXIV.search(source):
        return f"https://arxiv.org/abs/{match.group(1)}"
    return None


_SECTIONS = {
    "verification": "verification",
    "latency_cycles": "latency",
    "worst_case": "worst case",
    "resources": "resources",
    "timing": "timing",
    "accuracy": "accuracy",
}


def _plots(report: Report) -> dict[str, Any]:
    """Return the plots as SVG text, whose names were escaped when it was serialised."""
    return {
        "latency": [
            plots.latency_plot(record, name=f"latency-{number}", board=report.board)
            for number, record in enumerate(report.latency_cycles)
        ],
        "resources": plots.resources_plot(report.resources, name="shares", board=report.board),
        "accuracy": rates.accuracy_plot(report.accuracy, name="rates") if report.accuracy else None,
    }


def _plain(value: Any) -> str:
    """Return a free value as text: strings as they are, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
