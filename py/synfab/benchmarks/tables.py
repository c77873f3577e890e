# SPDX-License-Identifier: Apache-2.0
"""A benchmark as tables on the terminal."""

from rich.table import Table

from synfab.benchmarks.models import BASELINE, ReferenceBenchmark


def speed_table(benchmark: ReferenceBenchmark) -> Table:
    """Return the speed of each decoder over that of PyMatching, a row a problem."""
    decoders = [name for name in benchmark.speed[0].ratio_to_pymatching if name != BASELINE] if benchmark.speed else []
    table = Table(title="speed over PyMatching, one core", caption=_source(benchmark))
    for heading in ("d", "p", *decoders):
        table.add_column(heading, justify="right")
    for point in benchmark.speed:
        ratios = (f"{point.ratio_to_pymatching[name]:.2f}" for name in decoders)
        table.add_row(str(point.distance), f"{point.p:g}", *ratios)
    return table


def accuracy_table(benchmark: ReferenceBenchmark) -> Table:
    """Return logical error rates a shot, a row a problem and decoder.

    With the 95 % Wilson interval, the rate over that of PyMatching, and the shots on which only one of them failed.
    """
    table = Table(title="logical error rate a shot, 95 % Wilson", caption=_source(benchmark))
    for heading in ("d", "p", "shots", "decoder", "rate", "from", "to", "ratio", "only it", "only PM"):
        table.add_column(heading, justify="right")
    for point in benchmark.accuracy:
        baseline = max(1, point.decoders[0].errors)
        for record in point.decoders:
            rates = (record.logical_error_rate, record.interval_low, record.interval_high)
            table.add_row(
                *(str(point.distance), f"{point.p:g}", f"{point.shots:,}", record.decoder),
                *(f"{rate:.2e}" for rate in rates),
                *(f"{record.errors / baseline:.2f}", str(record.only_this), str(record.only_pymatching)),
            )
        table.add_section()
    return table


def _source(benchmark: ReferenceBenchmark) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in benchmark.tools.items())
    return f"{benchmark.stage}; {benchmark.problem}; {tools}"
