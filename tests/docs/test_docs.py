# SPDX-License-Identifier: Apache-2.0
"""The pages say what is so: snippets run, commands parse, links lead somewhere, keys and codes are the code's."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from pydantic.fields import FieldInfo

from synfab import errors
from synfab.flow.cli import app
from synfab.flow.config import CodeSection, Config, PredecoderSection, ProgramSection

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BENCH = ROOT / "sim" / "synfab" / "sim" / "bench"
SCRIPTS = Path(sys.executable).parent

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


class Fence(NamedTuple):
    """A fenced block of a page: its language, the line of its first line, its text."""

    language: str
    line: int
    text: str


def fences(page: Path) -> Iterator[Fence]:
    text = page.read_text()
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield Fence(match[1], text.count("\n", 0, match.start(2)) + 1, match[2])


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    blocks = [fence.text for fence in fences(page) if fence.language in ("console", "bash")]
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line.strip()]


def every_command(program: str) -> list[list[str]]:
    return [command for page in PAGES for command in commands(page) if command[0] == program]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own that has the examples."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestSnippets:
    @pages
    def test_python_runs(self, page: Path, desk: Path) -> None:
        """In the order of the page, in one namespace."""
        namespace: dict[str, Any] = {"__name__": "snippet"}
        for fence in fences(page):
            if fence.language == "python":
                exec(compile("\n" * (fence.line - 1) + fence.text, page, "exec"), namespace)

    @pages
    def test_toml_is_toml(self, page: Path) -> None:
        for fence in fences(page):
            if fence.language == "toml":
                assert tomllib.loads(fence.text)

    def test_every_fence_is_found(self) -> None:
        """A fence without a language, or one that is not closed, would escape the tests above."""
        for page in PAGES:
            found = list(fences(page))
            assert page.read_text().count("```") == 2 * len(found)
        assert sum(fence.language == "python" for page in PAGES for fence in fences(page)) >= 10


def parsed(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """Parse as the command line does, without running; unknown commands and options raise."""
    command: Any = typer.main.get_command(app)
    name = "synfab"
    while hasattr(command, "commands"):
        name, *arguments = arguments
        command = command.commands[name]
    return name, command.make_context(name, arguments).params


class TestCommands:
    @pytest.mark.parametrize("command", every_command("synfab"), ids=" ".join)
    def test_synfab_parses(self, command: list[str]) -> None:
        """The command and its options exist, values have their types, and the files that it reads are there."""
        _, parameters = parsed(command[1:])
        for key in ("config", "dem"):
            if key in parameters:
                assert (ROOT / parameters[key]).is_file()

    def test_a_wrong_option_does_not_parse(self) -> None:
        with pytest.raises(Exception, match="--nonsense"):
            parsed(["boards", "--nonsense"])

    @pytest.mark.parametrize(
        "command", [c for c in every_command("synfab") if c[1] in ("boards", "graph")], ids=" ".join
    )
    def test_what_is_cheap_runs(self, command: list[str], desk: Path) -> None:
        finished = subprocess.run([SCRIPTS / "synfab", *command[1:]], capture_output=True, text=True, check=True)
        assert finished.stdout

    def test_inline_commands_exist(self) -> None:
        program: Any = typer.main.get_command(app)
        inline = [name for page in PAGES for name in re.findall(r"`synfab ([a-z]\w*)", prose(page))]
        assert inline
        assert set(inline) <= set(program.commands)

    def test_sinter_has_the_options(self) -> None:
        found = every_command("sinter")
        assert found
        for _, part, *arguments in found:
            help_command = [SCRIPTS / "sinter", part, "--help"]
            text = subprocess.run(help_command, capture_output=True, text=True, check=True).stdout
            for option in [argument for argument in arguments if argument.startswith("--")]:
                assert re.search(rf"{option}\b", text), option

    def test_make_has_the_targets_and_variables(self) -> None:
        ours, bench = (ROOT / "Makefile").read_text(), (BENCH / "Makefile").read_text()
        found = every_command("make")
        assert found[0] == ["make", "demo"]
        assert found[1] == ["make", "test"]
        for command in found:
            folder = command[command.index("-C") + 1] if "-C" in command else None
            makefile = ours if folder is None else bench
            for word in command[1:]:
                if "=" in word:
                    assert f"$({word.split('=')[0]})" in makefile, word
                elif word not in ("-C", folder):
                    assert re.search(rf"^{word}:", makefile, re.MULTILINE), word

    def test_the_two_commands_are_at_the_very_top(self) -> None:
        lines = PAGES[0].read_text().splitlines()
        assert lines[2] == "```console"
        assert [line.split("#")[0].strip() for line in lines[3:5]] == ["make demo", "make test"]


def anchors(page: Path) -> set[str]:
    """The fragments by which GitHub names the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


class TestLinks:
    @pages
    def test_relative_links_resolve(self, page: Path) -> None:
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if target.startswith(("https://", "http://")):
                continue
            path, _, fragment = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            assert there.exists(), target
            assert not fragment or fragment in anchors(there), target

    @pages
    def test_paths_of_the_repository_exist(self, page: Path) -> None:
        roots = "py|rtl|hw|sim|boards|constraints|docs|examples|benchmarks|tests"
        for path in re.findall(rf"`(?:python )?((?:{roots})/[\w./-]*)[^`]*`", prose(page)):
            assert (ROOT / path).exists(), path

    def test_the_layout_is_the_folders(self) -> None:
        (layout,) = [fence.text for fence in fences(PAGES[0]) if fence.language == "text"]
        for line in layout.splitlines():
            assert (ROOT / line.split()[0]).is_dir(), line

    def test_every_page_is_reached_from_the_readme(self) -> None:
        for page in PAGES[1:]:
            assert f"](docs/{page.name})" in PAGES[0].read_text()


def documented_keys() -> dict[str, dict[str, str]]:
    """The default of each key by table, as docs/config.md writes it."""
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^## ", (ROOT / "docs" / "config.md").read_text(), flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        if "| key | default | meaning |" in body:
            rows = body.split("| key |")[1].split("\n\n")[0]
            keys = re.findall(r"^\| `(\w+)` \| (.*?) \| .* \|$", rows, re.MULTILINE)
            found["" if title == "Top level" else title.strip("`[]")] = dict(keys)
    return found


OPTIONAL = {"code": CodeSection, "program": ProgramSection, "predecoder": PredecoderSection}


def real_keys() -> dict[str, dict[str, FieldInfo]]:
    """The keys of the config by table, as TOML has them."""
    found: dict[str, dict[str, FieldInfo]] = {"": {}}
    for name, field in Config.model_fields.items():
        section: Any = OPTIONAL.get(name, field.annotation)
        if hasattr(section, "model_fields"):
            found[name] = section.model_fields
        else:
            found[""][field.alias or name] = field
    return found


class TestConfigPage:
    def test_every_key_is_there(self) -> None:
        documented = {table: set(keys) for table, keys in documented_keys().items()}
        assert documented == {table: set(keys) for table, keys in real_keys().items()}

    def test_every_default_is_the_one(self) -> None:
        """Those written as code are compared, a dash is none, and the others are the words for what is worked out."""
        words = set()
        for table, keys in documented_keys().items():
            for key, written in keys.items():
                field = real_keys()[table][key]
                if written == "–":
                    assert field.is_required() or field.default is None, key
                elif written.startswith("`"):
                    value = tomllib.loads(f"x = {written.strip('`')}")["x"]
                    assert field.default == (tuple(value) if isinstance(value, list) else value), key
                else:
                    words.add((table, key))
        assert words == {("", "name"), ("code", "rounds"), ("program", "distance"), ("target", "clock_mhz")}

    def test_exit_codes(self) -> None:
        section = (ROOT / "docs" / "config.md").read_text().split("## Exit codes")[1]
        kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
        codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.SynfabError)}
        assert {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)} == {0} | codes


def test_the_verification_page_names_every_test_of_the_bench() -> None:
    tests = re.findall(r"^async def (\w+)\(dut", (BENCH / "union_find_tests.py").read_text(), re.MULTILINE)
    page = (ROOT / "docs" / "verification.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| (?:all|up to)", page, re.MULTILINE) == tests


def test_the_targets_page_names_every_board() -> None:
    page = (ROOT / "docs" / "targets.md").read_text()
    from synfab.boards import boards

    rows = re.findall(r"^\| `(\w+)` \| `(xc[^`]+)` \|", page, re.MULTILINE)
    assert dict(rows) == {name: board.part for name, board in boards().items()}


def test_every_folder_of_tests_is_run() -> None:
    run = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    tests = (path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py"))
    assert sorted(run) == sorted({f"tests/{path.parts[1]}" for path in tests})
