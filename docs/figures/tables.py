# SPDX-License-Identifier: Apache-2.0
"""Writes measured figures into the pages, between their markers: ``python docs/figures/tables.py [REPORT.json]``.

``docs/accuracy.md`` takes its tables from ``benchmarks/reference.json``, ``README.md`` the figures of the report that
is named. No number in these tables is typed by hand.
"""

import sys
from collections.abc import Sequence
from math import floor, log10
from pathlib import Path

from synfab.artefact import write_text
from synfab.benchmarks.models import BASELINE, Accuracy, DecoderErrors, ReferenceBenchmark
from synfab.report import load_report, summary_table
from synfab.report.markdown import between, marked_page, table

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "benchmarks" / "reference.json"
ACCURACY_PAGE = ROOT / "docs" / "accuracy.md"
README = ROOT / "README.md"


def accuracy_page(page: str, benchmark: ReferenceBenchmark) -> str:
    """Return ``docs/accuracy.md`` with the tables of a benchmark."""
    source = f"Stage {benchmark.stage}; {benchmark.problem}; {benchmark.versions}."
    strengths = sorted({point.p for point in benchmark.accuracy})
    tables = [_errors(p, [point for point in benchmark.accuracy if point.p == p]) for p in strengths]
    page = between(page, "accuracy", "\n\n".join([source, *tables]))
    return between(page, "speed", "\n\n".join([source, _speed(benchmark)]))


def readme(page: str, report: Path) -> str:
    """Return ``README.md`` with the main figures of a report."""
    found = load_report(report)
    columns = [column.cells for column in summary_table(found).columns]
    rows = zip(*([str(cell) for cell in cells] for cells in columns), strict=True)
    caption = (
        f"`{found.name}` on `{found.board.part}`: {found.problem.num_detectors} detectors, {found.problem.num_edges} "
        f"edges. From `synfab run examples/{found.name}.toml -o out/{found.name}`; nanoseconds assume "
        f"{found.board.clock_mhz:g} MHz."
    )
    return between(page, "figures", "\n\n".join([caption, table(["figure", "value", "stage · tool version"], rows)]))


def _errors(p: float, points: Sequence[Accuracy]) -> str:
    points = sorted(points, key=lambda point: point.distance)
    # PyMatching comes first: its rate sets the unit.
    exponents = [floor(log10(point.decoders[0].logical_error_rate or 1)) for point in points]
    columns = (f"d = {point.distance}, 1e{exponent}" for point, exponent in zip(points, exponents, strict=True))
    heads = [f"p = {p:g}", *columns]
    rows = [["shots", *(f"{point.shots:,}" for point in points)]]
    for name in [record.decoder for record in points[0].decoders]:
        records = [next(record for record in point.decoders if record.decoder == name) for point in points]
        rows.append([f"`{name}`", *map(_rate, records, exponents)])
    text = "Logical error rate a shot with its 95 % Wilson interval, in units of the column's power of ten:"
    return f"{text}\n\n{table(heads, rows)}"


def _rate(record: DecoderErrors, exponent: int) -> str:
    low, rate, high = (
        f"{value / 10**exponent:.2f}"
        for value in (record.interval_low, record.logical_error_rate, record.interval_high)
    )
    return f"{rate} [{low}, {high}]"


def _speed(benchmark: ReferenceBenchmark) -> str:
    decoders = [name for name in benchmark.speed[0].ratio_to_pymatching if name != BASELINE]
    rows = (
        [f"{point.distance}", f"{point.p:g}", *(f"{point.ratio_to_pymatching[name]:.2f}" for name in decoders)]
        for point in benchmark.speed
    )
    return table(["d", "p", *(f"`{name}`" for name in decoders)], rows)


def main(arguments: Sequence[str]) -> None:
    """Bring the pages up to date."""
    benchmark = ReferenceBenchmark.model_validate_json(REFERENCE.read_text())
    write_text(ACCURACY_PAGE, accuracy_page(marked_page(ACCURACY_PAGE), benchmark))
    if arguments:
        write_text(README, readme(marked_page(README), Path(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
