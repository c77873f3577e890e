# SPDX-License-Identifier: Apache-2.0
"""The report as a document: JSON and its schema, the page, the plots, the table."""

import io
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import matplotlib
import pytest
from rich.console import Console

from synfab.errors import InputError
from synfab.report import (
    Accuracy,
    Anchor,
    Board,
    EventReduction,
    LatencyCycles,
    Problem,
    Report,
    Resources,
    Spec,
    StageLatency,
    Timing,
    Verification,
    WorstCase,
    load_report,
    page,
    summary_table,
    write_report,
)
from synfab.report.schema import main as schema_main
from synfab.report.schema import schema, schema_json

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "report.schema.json"
RTL_SIM: dict[str, Any] = {"stage": "rtl-sim", "tool": "verilator", "version": "5.048"}
YOSYS: dict[str, Any] = {"stage": "yosys-xcup", "tool": "yosys", "version": "0.70"}
VIVADO: dict[str, Any] = {"stage": "vivado-routed", "tool": "vivado", "version": "2024.2"}
SINTER: dict[str, Any] = {"stage": "reference", "tool": "sinter", "version": "1.16.0"}

# Made for the tests: the numbers are no measurement of anything.
BARE = Report(
    name="memory",
    problem=Problem(source="memory.stim", num_detectors=24, num_observables=1, num_edges=80, rounds=3),
    spec=Spec(kind="UnionFindSpec", sha256="5e" * 32, parameters={"weight_bits": 4}),
    tools={"stim": "1.16.0"},
    board=Board(name="B1", part="p1", lut=1000, ff=2000, bram36=10, uram=0, dsp=4, clock_mhz=200),
)
FULL = BARE.model_copy(
    update={
        "problem": BARE.problem.model_copy(update={"code": {"distance": 3, "noise": {"p": 0.001}}}),
        "spec": BARE.spec.model_copy(update={"max_cycles": 40}),
        "verification": (
            Verification(**RTL_SIM, label="observable flips", vectors=500, mismatches=0, vectors_sha256="ab" * 32),
        ),
        "latency_cycles": (LatencyCycles.from_histogram({3: 900, 5: 99, 12: 1}, **RTL_SIM, label="p=0.001"),),
        "stages": (
            StageLatency(stage="rtl", tool="synfab", version="0.1", name="net", rounds=2, mean=3, p99=3, max=3),
            StageLatency(**RTL_SIM, name="end to end", mean=4.5, p99=8, max=15, note="measured"),
        ),
        "events": (EventReduction(**SINTER, name="net", shots=200, before=1200, after=300),),
        "worst_case": (
            WorstCase(**RTL_SIM, max_cycles=40, slowest_cycles=21, detection_events=(2, 5, 11), shots=4096, seed=7),
        ),
        "resources": (
            Resources(**YOSYS, target="xcup", scope="decoder", lut=321, ff=100, carry=7, is_estimate=True),
            Resources(**VIVADO, target="p1", scope="decoder", lut=250, ff=99, bram36=0.5, is_estimate=False),
        ),
        "timing": (Timing(**VIVADO, scope="decoder", period_ns=5, wns_ns=0.25, whs_ns=0.01),),
        "accuracy": (
            Accuracy.from_counts(**SINTER, decoder="union-find", shots=10**5, errors=123, p=0.001, distance=3),
            Accuracy.from_counts(**SINTER, decoder="pymatching", shots=10**5, errors=0, p=0.001, distance=3),
        ),
        "anchors": (
            Anchor(
                label="Other",
                quantity="mean latency",
                value=12.2,
                unit="cycles",
                origin="published",
                source="arXiv:2406.08491, table 1",
            ),
        ),
    }
)


class Page(HTMLParser):
    """Elements, text and nesting of a page; SVG texts apart."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def with_figures(*names: str) -> Report:
    return BARE.model_copy(update={name: getattr(FULL, name) for name in names})


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    for report in (BARE, FULL):
        files = write_report(report, tmp_path)
        assert load_report(files.json) == report
        assert files.html.read_text(encoding="utf-8") == page(report)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_equal_reports_give_equal_bytes_whatever_the_matplotlib_settings(tmp_path: Path) -> None:
    first = write_report(FULL, tmp_path / "a")
    with matplotlib.rc_context({"xtick.direction": "in", "axes.xmargin": 0.4, "svg.fonttype": "path"}):
        second = write_report(load_report(first.json), tmp_path / "b")
    assert first.json.read_bytes() == second.json.read_bytes()
    assert first.html.read_bytes() == second.html.read_bytes()


def test_the_committed_schema_is_that_of_the_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_json(), (
        "run `python -m synfab.report.schema docs/report.schema.json`"
    )
    schema_main([str(tmp_path / "schema.json")])
    assert (tmp_path / "schema.json").read_text(encoding="utf-8") == schema_json()
    schema_main([])
    assert capsys.readouterr().out == schema_json()


def test_reports_are_valid_by_an_independent_validator() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    for report in (BARE, FULL):
        validator.validate(json.loads(report.model_dump_json()))


def edited(path: str, value: Any) -> dict[str, Any]:
    """Return the full report as JSON with the value at a dotted path replaced, or removed if it is None."""
    content = json.loads(FULL.model_dump_json())
    *folders, last = path.split(".")
    place: Any = content
    for part in folders:
        place = place[int(part) if part.isdigit() else part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("name", None, "name: Field required"),
        ("author", "x", "author: Extra inputs are not permitted, not 'x'"),
        ("verification.0.tool", None, r"verification\[0\]\.tool: Field required"),
        ("resources.1.lut", "250", r"resources\[1\]\.lut: Input should be a valid integer, not '250'"),
        ("resources.1.bram36", 0.3, r"resources\[1\]\.bram36: Input should be a multiple of 0\.5, not 0\.3"),
        ("latency_cycles.0.histogram", [], r"latency_cycles\[0\]\.histogram: .*, not \[\]"),
        ("accuracy.0.interval_method", "guess", r"accuracy\[0\]\.interval_method: .*'wilson', not 'guess'"),
        ("spec.sha256", "xyz", r"spec\.sha256: .*, not 'xyz'"),
    ],
)
def test_what_does_not_fit_is_refused_here_and_by_the_schema(tmp_path: Path, path: str, value: Any, fault: str) -> None:
    content = edited(path, value)
    assert not jsonschema.Draft202012Validator(schema()).is_valid(content)
    file = tmp_path / "report.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=f"does not fit the schema at {fault}.*; write it again with"):
        load_report(file)


def test_a_statistic_that_its_histogram_denies_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(edited("latency_cycles.0.p999", 4)), encoding="utf-8")
    with pytest.raises(InputError, match=r"at latency_cycles\[0\]: p999 must be 5, as its histogram says, not 4"):
        load_report(file)


def test_a_syndrome_slower_than_what_is_proved_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(edited("worst_case.0.slowest_cycles", 41)), encoding="utf-8")
    with pytest.raises(InputError, match=r"worst_case\[0\]: slowest_cycles must not exceed the 40 proved, not 41"):
        load_report(file)


@pytest.mark.parametrize("version", ["0.9.0", "1.1.0", "1.3.0", "2.0.0", "1.2", "", None, 1])
def test_another_schema_version_is_refused(tmp_path: Path, version: Any) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(edited("schema_version", version)), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"must have schema_version 1\.2\.x, not .*; read it with the synfab that wrote it"
    ) as caught:
        load_report(file)
    assert repr(version) in str(caught.value)


def test_a_patch_version_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(edited("schema_version", "1.2.7")), encoding="utf-8")
    assert load_report(file).schema_version == "1.2.7"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b'{"name": ', r"must hold JSON \(Expecting value: line 1 column 10.*\); write it again"),
        (b"", r"must hold JSON \(Expecting value.*\); write it again"),
        (b"\xff\xfe", r"must hold JSON \(.*codec can't decode.*\); write it again"),
        (b"[" * 100_000, r"must hold JSON \(maximum recursion.*\); write it again"),
        (b"[1]", r"must hold a JSON object, not \[1\]; write it again"),
        (json.dumps(edited("timing.0.wns_ns", float("nan"))).encode(), "does not fit the schema"),
    ],
)
def test_what_is_not_json_is_refused(tmp_path: Path, data: bytes, fault: str) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(data)
    with pytest.raises(InputError, match=fault):
        load_report(file)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be a file that can be read, not .*No such file.*; write it"):
        load_report(tmp_path / "report.json")
    with pytest.raises(InputError, match=r"must be a file that can be read, not .*directory"):
        load_report(tmp_path)


def test_the_page_fetches_nothing() -> None:
    parsed = Page(page(FULL))
    assert parsed.open == []
    assert not {"link", "script", "img", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in parsed.elements
    }
    for tag, attributes in parsed.elements:
        assert not {"src", "srcset", "data", "action", "background"} & attributes.keys()
        for key in ("href", "xlink:href"):
            value = attributes.get(key) or "#"
            assert value.startswith("#") or tag == "a"
        assert not any(key.startswith("on") for key in attributes)
    assert [link["href"] for link in parsed.all("a")] == ["https://arxiv.org/abs/2406.08491"]
    assert "@import" not in page(FULL)
    assert "url(http" not in page(FULL)


def test_the_page_is_accessible() -> None:
    parsed = Page(page(FULL))
    identifiers = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert all(attributes.get("scope") in ("col", "row") for attributes in parsed.all("th"))
    assert len(parsed.all("caption")) == len(parsed.all("table")) == 9
    for plot in parsed.all("svg"):
        assert plot["role"] == "img"
        assert set((plot["aria-labelledby"] or "").split()) <= set(identifiers)
    for reference in (attributes.get("xlink:href") for _, attributes in parsed.elements):
        assert reference is None or reference.removeprefix("#") in identifiers
    assert parsed.all("html") == [{"lang": "en"}]


def test_every_figure_shows_stage_tool_and_version() -> None:
    text = Page(page(FULL)).text
    for source in (RTL_SIM, YOSYS, VIVADO, SINTER):
        assert f"{source['stage']} · {source['tool']} {source['version']}" in text
    assert text.count("estimate") > page(BARE).count("estimate")


def test_the_cards_hold_the_main_figures() -> None:
    text = Page(page(FULL)).text
    cards = text[: text.index("Each realisation")]
    for words in (
        "Verification Equal",
        "Latency, mean 3.21 cycles · 16.0 ns",
        "p99.9 5 cycles · 25.0 ns",
        "max 12 cycles · 60.0 ns",
        "proved at most 40 cycles · 200 ns",
        "ns at 200 MHz, which vivado-routed meets",
        "LUT share of B1 25.0 % 250 LUT",
        "Timing Met at 200 MHz",
        "Logical error rate a shot 1.23 × 10⁻³",
        "95 % Wilson 1.03 × 10⁻³ – 1.47 × 10⁻³",
    ):
        assert words in cards


def test_the_worst_case_names_its_syndrome() -> None:
    text = Page(page(FULL)).text
    worst = text[text.index("Worst case") : text.index("Resources")]
    for words in ("40 200 ns", "21 105 ns", "2, 5, 11", "4,096", "verilator 5.048"):
        assert words in worst


def test_estimates_say_so_until_the_vendor_counts() -> None:
    estimated = FULL.model_copy(update={"resources": FULL.resources[:1], "timing": ()})
    cards = Page(page(estimated)).text.split("Each realisation")[0]
    assert "LUT share of B1 estimate 32.1 % 321 LUT" in cards
    assert "a clock assumed: no timing report of a routed design yet" in cards


def test_failures_are_the_headline() -> None:
    failed = FULL.model_copy(
        update={
            "verification": (FULL.verification[0].model_copy(update={"mismatches": 3}),),
            "resources": (FULL.resources[0].model_copy(update={"lut": 1500}),),
            "timing": (FULL.timing[0].model_copy(update={"wns_ns": -1.0}),),
        }
    )
    parsed = Page(page(failed))
    cards = parsed.text[: parsed.text.index("Each realisation")]
    for words in ("Verification 3 mismatches", "150.0 %", "Larger than the board", "Timing Missed"):
        assert words in cards
    assert "which vivado-routed does not meet" in cards
    assert sum(attributes.get("class") == "card bad" for attributes in parsed.all("article")) == 3


SECTIONS = {
    "verification": ("verification", 0),
    "latency_cycles": ("latency", 1),
    "worst_case": ("worst-case", 0),
    "resources": ("resources", 1),
    "timing": ("timing", 0),
    "accuracy": ("accuracy", 1),
}


@pytest.mark.parametrize("field", SECTIONS)
def test_a_section_and_its_plot_are_there_exactly_when_its_figures_are(field: str) -> None:
    identifier, plots = SECTIONS[field]
    parsed = Page(page(with_figures(field)))
    assert [section["id"] for section in parsed.all("section") if "id" in section] == [identifier, "origin"]
    assert len(parsed.all("svg")) == plots
    others = [name.replace("-", " ") for name, _ in SECTIONS.values() if name != identifier]
    assert f"Not in this report: {', '.join(others)}." in parsed.text


def test_a_bare_report_says_that_nothing_was_verified() -> None:
    parsed = Page(page(BARE))
    assert "Verification Not verified" in parsed.text
    assert parsed.all("svg") == []


def test_every_latency_record_has_its_plot() -> None:
    wide = {cycles: 10**6 - cycles for cycles in range(1, 10**6, 999)}
    others = [LatencyCycles.from_histogram(h, **RTL_SIM, label="other") for h in ({0: 1}, wide)]
    parsed = Page(page(BARE.model_copy(update={"latency_cycles": (*FULL.latency_cycles, *others)})))
    assert len(parsed.all("svg")) == 3


def test_resources_without_a_share_have_no_plot() -> None:
    empty = FULL.resources[0].model_copy(update={"lut": 0, "ff": 0, "uram": 3})
    parsed = Page(page(BARE.model_copy(update={"resources": (empty,)})))
    assert parsed.all("svg") == []
    assert "none on the board" in parsed.text


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(3, 0.001), (3, 0.002), (5, 0.001), (5, 0.002)], "physical error rate p"),
        ([(3, 0.001), (5, 0.001)], "distance"),
        ([(3, 0.001), (None, 0.001)], "union-find, p=0.001"),
    ],
)
def test_accuracy_is_drawn_against_what_varies(points: list[tuple[int | None, float]], words: str) -> None:
    records = tuple(
        Accuracy.from_counts(**SINTER, decoder="union-find", shots=1000, errors=errors, p=p, distance=distance)
        for distance, p in points
        for errors in (0, 7, 1000)
    )
    source = page(BARE.model_copy(update={"accuracy": records}))
    plot = source[source.index("<svg") : source.index("</svg>")]
    assert words in Page(plot[plot.index("</desc>") + len("</desc>") :].join(("<svg>", "</svg>"))).text


def test_a_decoder_with_a_leading_underscore_is_in_the_legend() -> None:
    records = tuple(
        Accuracy.from_counts(**SINTER, decoder="_mine", shots=100, errors=9, distance=distance) for distance in (3, 5)
    )
    parsed = Page(page(BARE.model_copy(update={"accuracy": records})))
    assert "_mine (reference)" in parsed.text


HOSTILE = "</title></style></svg><script>alert(1)</script>\"'&{{ 7 * 7 }}$\\frac$_[bold]x[/bold]"


def hostile_report(name: str) -> Report:
    label = {"label": name, "tool": name, "version": name}
    sources = [
        FULL.anchors[0].model_copy(update={"source": source})
        for source in ("javascript:alert(1)", f"see https://example.org/a?b=1{name}", name)
    ]
    return FULL.model_copy(
        update={
            "name": name,
            "problem": FULL.problem.model_copy(update={"source": name, "code": {name: [name]}}),
            "tools": {name: name},
            "board": FULL.board.model_copy(update={"name": name, "part": name}),
            "verification": tuple(record.model_copy(update=label) for record in FULL.verification),
            "latency_cycles": tuple(record.model_copy(update=label) for record in FULL.latency_cycles),
            "worst_case": tuple(record.model_copy(update={"tool": name}) for record in FULL.worst_case),
            "resources": tuple(record.model_copy(update={"scope": name, "note": name}) for record in FULL.resources),
            "accuracy": tuple(record.model_copy(update={"decoder": name, "tool": name}) for record in FULL.accuracy),
            "anchors": tuple(sources),
        }
    )


@pytest.mark.parametrize("name", [HOSTILE, f"_{HOSTILE}", r"$\frac$", "漢字 🦊 é", "x" * 960])
def test_names_are_only_names(tmp_path: Path, name: str) -> None:
    report = Report.model_validate(hostile_report(name).model_dump())
    parsed = Page(write_report(report, tmp_path).html.read_text(encoding="utf-8"))
    assert parsed.open == []
    assert parsed.all("script") == []
    assert len(parsed.all("svg")) == 3
    assert name in "".join(parsed.words)
    assert len(parsed.all("a")) == 1
    assert (parsed.all("a")[0]["href"] or "").startswith("https://example.org/a?b=1")
    assert load_report(tmp_path / "report.json") == report


def printed(report: Report) -> str:
    console = Console(width=250, file=io.StringIO(), color_system=None)
    console.print(summary_table(report))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_has_a_row_for_each_figure() -> None:
    text = printed(FULL)
    for words in (
        "equal on 500 vectors",
        "mean 3.21 (16.0 ns), p50 3 (15.0 ns), p99 5 (25.0 ns), p99.9 5 (25.0 ns), max 12 (60.0 ns)",
        "at most 40 (200 ns), as proved; 21 (105 ns) for the slowest of 4,096 syndromes of a search",
        "321 LUT (32.1 %), 100 FF (5.00 %)",
        "yosys-xcup · yosys 0.70 (estimate)",
        "250 LUT (25.0 %), 99 FF (4.95 %), 0.5 BRAM36 (5.00 %)",
        "met at 200 MHz, worst slack +0.250 ns",
        "1.23 × 10⁻³ (123 in 100,000; 95 % Wilson 1.03 × 10⁻³ – 1.47 × 10⁻³)",
        "0 (0 in 100,000",
    ):
        assert words in text
    assert "not verified" in printed(BARE)


def test_the_table_takes_names_as_names() -> None:
    assert "[bold]x[/bold]" in printed(hostile_report(HOSTILE))


def test_heavy_packages_wait_until_they_are_needed() -> None:
    program = (
        "import sys, synfab.report; print(sorted({'matplotlib', 'scipy', 'rich', 'numpy', 'torch'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
