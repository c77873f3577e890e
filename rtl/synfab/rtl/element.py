# SPDX-License-Identifier: Apache-2.0
"""Elements: small components placed many times, emitted once a kind.

Amaranth makes one Verilog module of every submodule, equal or not, in time that grows with their number. A fabric
of thousands of equal elements is therefore placed in one of two forms: as *submodules*, for Amaranth's simulator,
or as *instances* of modules that are emitted once, for everything else.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from amaranth import ClockSignal, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring

from synfab.rtl.emission import emitted


class Element(wiring.Component):
    """A component with a clock, whose ports are plain vectors and whose registers need no reset.

    Two elements with the same :attr:`kind` are the same hardware; what tells them apart comes in at a port.
    """

    @property
    @abstractmethod
    def kind(self) -> str:
        """Name of the Verilog module: a Verilog identifier, equal for equal hardware."""


class Placement:
    """Places elements in a module in one of the two forms, and keeps one element of each kind.

    Parameters
    ----------
    instances : bool
        Place instances of named modules; :meth:`verilog` then emits the modules.
    """

    def __init__(self, *, instances: bool) -> None:
        self.instances = instances
        self._kinds: dict[tuple, Element] = {}

    def place(
        self, m: Module, make: type[Element], parameters: Mapping[str, Any], name: str, inputs: Mapping[str, Value]
    ) -> dict[str, Value]:
        """Put the element ``make(**parameters)`` into ``m`` and return its outputs by port name.

        Parameters
        ----------
        parameters : mapping
            Hashable values: equal parameters make equal hardware.
        inputs : mapping of str to Value
            One value an input port; their widths must agree. Values for ports that the element lacks because
            they would be empty are left out.
        """
        key = (make, tuple(parameters.items()))
        element = self._kinds.get(key) if self.instances else None
        if element is None:
            element = self._kinds[key] = make(**parameters)
        inputs = {port: value for port, value in inputs.items() if len(value)}
        for port, value in inputs.items():
            if len(value) != len(getattr(element, port)):
                raise ValueError(f"{name}.{port} must have {len(getattr(element, port))} bits, not {len(value)}")
        names = [port for port, member in element.signature.members.items() if member.flow == wiring.Out]
        if not self.instances:
            m.submodules[name] = element
            m.d.comb += [getattr(element, port).eq(value) for port, value in inputs.items()]
            return {port: getattr(element, port) for port in names}
        outputs = {port: Signal(len(getattr(element, port)), name=f"{name}__{port}") for port in names}
        m.submodules[name] = Instance(
            element.kind,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            **{f"i_{port}": value for port, value in inputs.items()},
            **{f"o_{port}": value for port, value in outputs.items()},
        )
        return dict(outputs)

    def verilog(self) -> str:
        """Return the Verilog of every kind that was placed as an instance, in order of name."""
        elements = sorted(self._kinds.values(), key=lambda element: element.kind)
        return "\n".join(emitted(element, element.kind) for element in elements)
