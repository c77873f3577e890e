# SPDX-License-Identifier: Apache-2.0
"""The line scanner against tomllib: the same keys, and each on the line where it was written."""

import tomllib
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from synfab.flow.toml_lines import Place, key_lines


def ref_places(value: Any, place: Place = ()) -> set[Place]:
    """Every key, table and array element of a parsed document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {inner for key, item in items for inner in {(*place, key), *ref_places(item, (*place, key))}}


DOCUMENT = r'''# comment = 1
top = "a # b = c"   # trailing = 2
"quoted.key" = 1
'lit eral' = { x = 1, "y z" = [1, 2], deep.er = { w = '#' } }
a.b . c = """
not = "a key"
[nor.a.table] \""" x
""""
date = 1979-05-27 07:32:00

[ table . "sub table" ] # [not.this]
list = [  # = x
  1, { k = "}" },
  [ "]", '[' ], # ]
]
empty = {}

[[many]]
n = 1
[many.inner]
m = 2
[[many]]
n = 3
[[many.rows]]
r = '''

DOCUMENT += "'''\n'''''\n[many.inner]\nm = 4\n"

LINES = {
    ("top",): 2,
    ("quoted.key",): 3,
    ("lit eral",): 4,
    ("lit eral", "x"): 4,
    ("lit eral", "y z"): 4,
    ("lit eral", "y z", 0): 4,
    ("lit eral", "y z", 1): 4,
    ("lit eral", "deep"): 4,
    ("lit eral", "deep", "er"): 4,
    ("lit eral", "deep", "er", "w"): 4,
    ("a",): 5,
    ("a", "b"): 5,
    ("a", "b", "c"): 5,
    ("date",): 9,
    ("table",): 11,
    ("table", "sub table"): 11,
    ("table", "sub table", "list"): 12,
    ("table", "sub table", "list", 0): 13,
    ("table", "sub table", "list", 1): 13,
    ("table", "sub table", "list", 1, "k"): 13,
    ("table", "sub table", "list", 2): 14,
    ("table", "sub table", "list", 2, 0): 14,
    ("table", "sub table", "list", 2, 1): 14,
    ("table", "sub table", "empty"): 16,
    ("many",): 18,
    ("many", 0): 18,
    ("many", 0, "n"): 19,
    ("many", 0, "inner"): 20,
    ("many", 0, "inner", "m"): 21,
    ("many", 1): 22,
    ("many", 1, "n"): 23,
    ("many", 1, "rows"): 24,
    ("many", 1, "rows", 0): 24,
    ("many", 1, "rows", 0, "r"): 25,
    ("many", 1, "inner"): 27,
    ("many", 1, "inner", "m"): 28,
}


def test_every_kind_of_key():
    assert ref_places(tomllib.loads(DOCUMENT)) == set(LINES)
    assert key_lines(DOCUMENT) == LINES


def test_windows_line_ends():
    assert key_lines(DOCUMENT.replace("\n", "\r\n")) == LINES


def test_empty():
    assert key_lines("") == key_lines("# nothing = 1") == {}


NAMES = st.sampled_from(["a", "b-1", '"c"', '"d.e"', r'"\u0066\""', "'g \"'"])
KEYS = st.lists(NAMES, min_size=1, max_size=3).map(" . ".join)
SCALARS = st.sampled_from(
    ["1", "-2.5e3", "true", "nan", '"x # ]}"', "'y\\'", '"\\""', '"""m\n[a]\nb = 1 \\""""', "'''\n# n'''''", "07:32:00"]
)
GAPS = st.sampled_from(["", " ", "\n", " # ] } = , [a]\n  "])


def sequences(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arrays = st.builds(
        lambda items, before, after: "[" + ",".join(f"{before}{item}{after}" for item in items) + before + "]",
        st.lists(values, max_size=3),
        GAPS,
        GAPS,
    )
    tables = st.lists(st.tuples(KEYS, values), max_size=3).map(
        lambda pairs: "{ " + ", ".join(f"{key} = {value}" for key, value in pairs) + " }"
    )
    return arrays | tables


VALUES = st.recursive(SCALARS, sequences, max_leaves=6)
STATEMENTS = (
    st.builds("{} = {}".format, KEYS, VALUES) | st.builds("[ {} ]".format, KEYS) | st.builds("[[{}]]".format, KEYS)
)
STATEMENTS |= st.just("# comment = [[x]]") | st.just("")


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[int]]:
    """Draw a valid document and the line each of its statements starts on, leaving out what tomllib refuses."""
    text, starts = "", []
    for statement in draw(st.lists(STATEMENTS, max_size=12)):
        try:
            tomllib.loads(longer := text + statement + "  # end\n")
        except tomllib.TOMLDecodeError:
            continue
        starts.append(text.count("\n") + 1)
        text = longer
    return text, starts


@settings(max_examples=300, deadline=None)
@given(documents())
def test_every_place_of_any_document(document):
    text, starts = document
    assume(text)
    lines = key_lines(text)
    assert set(lines) == ref_places(tomllib.loads(text))
    # Cut off where a statement starts, the document has exactly the places that stand on earlier lines.
    for start in starts:
        before = "".join(text.splitlines(keepends=True)[: start - 1])
        assert ref_places(tomllib.loads(before)) == {place for place, line in lines.items() if line < start}
