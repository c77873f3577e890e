# SPDX-License-Identifier: Apache-2.0
"""The states of faces: written between blocks, kept while their steps are held, and what they make of edges."""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.rtl.element import Element
from synfab.surgery.floor import Floor, FloorEdge, code_bits


class FacePort(wiring.Component):
    """Takes the states of the step to come: of what is inside it, and of the faces above it.

    What is not written stays as it was for the step before.

    Members
    -------
    f : In(stream.Signature(FacePort.layout(floor)))
        ``home``, ``code``, and ``last``, with the step's last entry, of which there must be one a step. An entry is
        ignored if the floor has no such home or that no such state; its ``last`` is not. None is taken between the
        last one and the start of the step.
    shift : In(1)
        The step starts; only while ``staged``.
    staged : Out(1)
        All entries of the step have come.
    codes : Out(StructLayout)
        Of each home.
    """

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        codes = {f"home_{number}": code_bits(len(home.parts)) for number, home in enumerate(floor.homes)}
        super().__init__(
            {
                "f": In(stream.Signature(self.layout(floor))),
                "shift": In(1),
                "staged": Out(1),
                "codes": Out(data.StructLayout(codes)),
            }
        )

    @staticmethod
    def layout(floor: Floor) -> data.StructLayout:
        """Return the layout of an entry."""
        return data.StructLayout({"home": floor.home_bits, "code": floor.code_bits, "last": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        staged, taken = Signal(), Signal()
        entry = self.f.payload
        m.d.comb += [self.staged.eq(staged), self.f.ready.eq(~staged), taken.eq(self.f.valid & self.f.ready)]
        for number, home in enumerate(self._floor.homes):
            code = Signal(code_bits(len(home.parts)), name=f"code_{number}")
            m.d.comb += self.codes[f"home_{number}"].eq(code)
            with m.If(taken & (entry.home == number) & (entry.code <= len(home.parts))):
                m.d.sync += code.eq(entry.code)
        with m.If(self.shift):
            m.d.sync += staged.eq(0)
        with m.Elif(taken & entry.last):
            m.d.sync += staged.eq(1)
        return m


class FaceTable(Element):
    """What a state makes of the edges of a home: combinational.

    Parameters
    ----------
    weights, marks : tuple of tuple of int
        Of each edge, by code.
    weight_bits, num_marks : int

    Members
    -------
    code : In
    weights : Out(num_edges * weight_bits)
    marks : Out(num_edges * num_marks)
    """

    clocked = False

    def __init__(
        self,
        *,
        weights: tuple[tuple[int, ...], ...],
        marks: tuple[tuple[int, ...], ...],
        weight_bits: int,
        num_marks: int,
    ) -> None:
        self._weights, self._marks = weights, marks
        self._weight_bits, self._num_marks = weight_bits, num_marks
        ports = {
            "code": In(code_bits(len(weights[0]) - 1)),
            "weights": Out(len(weights) * weight_bits),
            "marks": Out(len(weights) * num_marks),
        }
        super().__init__({name: member for name, member in ports.items() if member.shape})

    @property
    def kind(self) -> str:
        content = repr((self._weights, self._marks, self._weight_bits, self._num_marks))
        return f"face_{sha256(content.encode()).hexdigest()[:16]}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for port, table, width in (
            ("weights", self._weights, self._weight_bits),
            ("marks", self._marks, self._num_marks),
        ):
            for place, values in enumerate(table if width else ()):
                # Most states agree on an edge: only those that do not are written out.
                usual, _ = Counter(values).most_common(1)[0]
                output = getattr(self, port).word_select(place, width)
                with m.Switch(self.code):
                    for value in sorted(set(values) - {usual}):
                        with m.Case(*(code for code, other in enumerate(values) if other == value)):
                            m.d.comb += output.eq(value)
                    with m.Default():
                        m.d.comb += output.eq(usual)
        return m


def table_of(floor: Floor, home: int, edges: Sequence[FloorEdge]) -> dict:
    """Return the parameters of the table of some edges of a home."""
    return {
        "weights": tuple(edge.weights for edge in edges),
        "marks": tuple(edge.marks for edge in edges),
        "weight_bits": floor.weight_bits,
        "num_marks": floor.homes[home].num_marks,
    }
