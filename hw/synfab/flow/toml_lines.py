# SPDX-License-Identifier: Apache-2.0
"""Where each key of a TOML document stands, so that a refusal can name the line."""

import re
import tomllib
from collections.abc import Callable

Place = tuple[str | int, ...]
"""Keys and array indices from the top of a document."""

_GAP = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY_PART = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
# Multi-line strings may end in up to two quotes of their own before the closing three.
_SCALAR = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^,\]}#\n]+",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Place, int]:
    """Return the line, from 1, at which each key, table and array element of a TOML document first appears.

    Parameters
    ----------
    text : str
        A document that :mod:`tomllib` accepts; anything else has an undefined result.

    Returns
    -------
    dict[Place, int]
        A line for every place that ``tomllib.loads(text)`` has, dotted and quoted keys resolved as TOML has it.
    """
    return _Scanner(text.replace("\r\n", "\n")).document()


class _Scanner:
    """A cursor over a valid document."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[Place, int] = {}
        self.table_counts: dict[Place, int] = {}

    def document(self) -> dict[Place, int]:
        table: Place = ()
        self._skip(_GAP)
        while self.position < len(self.text):
            table = self._header() if self._at("[") else self._pair(table)
            self._skip(_GAP)
        return self.lines

    def _at(self, string: str) -> bool:
        return self.text.startswith(string, self.position)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        assert match, f"no TOML that tomllib accepts: {self.text[self.position : self.position + 20]!r}"
        self.position = match.end()
        return match.group()

    def _note(self, place: Place) -> None:
        self.lines.setdefault(place, self.text.count("\n", 0, self.position) + 1)

    def _key(self) -> list[str]:
        """Read a key; each of its parts is as tomllib reads it alone."""
        parts = []
        while True:
            self._skip(_SPACE)
            parts += tomllib.loads(f"{self._skip(_KEY_PART)} = 0")
            self._skip(_SPACE)
            if not self._at("."):
                return parts
            self.position += 1

    def _header(self) -> Place:
        brackets = 2 if self._at("[[") else 1
        self.position += brackets
        place: Place = ()
        key = self._key()
        for depth, part in enumerate(key, 1):
            place = (*place, part)
            self._note(place)
            if depth == len(key) and brackets == 2:
                self.table_counts[place] = self.table_counts.get(place, 0) + 1
            # A table inside an array of tables belongs to the array's last element.
            if place in self.table_counts:
                place = (*place, self.table_counts[place] - 1)
                self._note(place)
        self.position += brackets
        return place

    def _pair(self, table: Place) -> Place:
        """Read one key and its value in ``table``, and return ``table``."""
        self._skip(_SPACE)
        place = table
        for part in self._key():
            place = (*place, part)
            self._note(place)
        self.position += 1  # the equals sign
        self._skip(_SPACE)
        self._value(place)
        return table

    def _value(self, place: Place) -> None:
        if self._at("{"):
            self._sequence("}", lambda _: self._pair(place))
        elif self._at("["):
            self._sequence("]", lambda index: self._element((*place, index)))
        else:
            self._skip(_SCALAR)

    def _element(self, place: Place) -> None:
        self._note(place)
        self._value(place)

    def _sequence(self, end: str, item: Callable[[int], object]) -> None:
        """Call ``item`` with 0, 1, ... at each item between commas up to ``end``."""
        self.position += 1
        index = 0
        self._skip(_GAP)
        while not self._at(end):
            item(index)
            index += 1
            self._skip(_GAP)
            if self._at(","):
                self.position += 1
                self._skip(_GAP)
        self.position += 1
