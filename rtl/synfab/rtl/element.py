# SPDX-License-Identifier: Apache-2.0
"""Elements: small components placed many times, emitted once a kind.

Amaranth makes one Verilog module of every submodule, equal or not, in time that grows with their number. A fabric
of thousands of equal elements is therefore placed in one of two forms: as *submodules*, for Amaranth's simulator,
or as *instances* of modules that are emitted once, for everything else.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from amaranth import ClockSignal, Instance, Module, ResetSignal, Signal, Value, ValueLike
from amaranth.lib import wiring

from synfab.rtl.emission import emitted


class Element(wiring.Component):
    """A component in one clock domain, whose ports are plain vectors and whose registers need no reset.

    Two elements with the same :attr:`kind` are the same hardware; what tells them apart comes in at a port.

    Attributes
    ----------
    clocked : bool
        Whether the element has registers; one without has no clock port.
    """

    clocked = True

    @property
    @abstractmethod
    def kind(self) -> str:
        """Name of the Verilog module: a Verilog identifier, equal for equal hardware."""


class Placed:
    """One element in its place: its outputs can be used before its inputs are connected.

    Attributes
    ----------
    outputs : dict of str to Value
    """

    def __init__(self, element: Element, name: str, *, instance: bool) -> None:
        self._element, self._name, self._instance = element, name, instance
        ports = [port for port, member in element.signature.members.items() if member.flow == wiring.Out]
        self.outputs: dict[str, Value] = {
            port: Signal(len(getattr(element, port)), name=f"{name}__{port}") if instance else getattr(element, port)
            for port in ports
        }

    def __getitem__(self, port: str) -> Value:
        return self.outputs[port]

    def connect(self, m: Module, inputs: Mapping[str, ValueLike]) -> None:
        """Put the element into ``m``.

        Parameters
        ----------
        inputs : mapping of str to Value
            One value an input port; their widths must agree. Values for ports that the element lacks because
            they would be empty are left out.
        """
        values = {port: Value.cast(value) for port, value in inputs.items()}
        values = {port: value for port, value in values.items() if len(value)}
        for port, value in values.items():
            if len(value) != len(getattr(self._element, port)):
                width = len(getattr(self._element, port))
                raise ValueError(f"{self._name}.{port} must have {width} bits, not {len(value)}")
        if not self._instance:
            m.submodules[self._name] = self._element
            m.d.comb += [getattr(self._element, port).eq(value) for port, value in values.items()]
            return
        m.submodules[self._name] = Instance(
            self._element.kind,
            **{"i_clk": ClockSignal(), "i_rst": ResetSignal()} if self._element.clocked else {},
            **{f"i_{port}": value for port, value in values.items()},
            **{f"o_{port}": value for port, value in self.outputs.items()},
        )


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

    def element(self, make: type[Element], parameters: Mapping[str, Any], name: str) -> Placed:
        """Return the element ``make(**parameters)``, to be connected later.

        Parameters
        ----------
        parameters : mapping
            Hashable values: equal parameters make equal hardware.
        """
        key = (make, tuple(parameters.items()))
        element = self._kinds.get(key) if self.instances else None
        if element is None:
            element = self._kinds[key] = make(**parameters)
        return Placed(element, name, instance=self.instances)

    def place(
        self, m: Module, make: type[Element], parameters: Mapping[str, Any], name: str, inputs: Mapping[str, ValueLike]
    ) -> dict[str, Value]:
        """Put an element into ``m``, connected, and return its outputs by port name."""
        placed = self.element(make, parameters, name)
        placed.connect(m, inputs)
        return dict(placed.outputs)

    def verilog(self, top: wiring.Component, name: str, *, beside: Sequence["Placement"] = ()) -> str:
        """Return a design as Verilog: ``top``, which places these elements, and every kind once, in order of name.

        Elements of other placements ``beside`` this one are among them.

        The text is the same for equal designs. The top module's ports: ``clk``, ``rst`` (synchronous), and for each
        stream ``i__payload``, ``i__valid``, ``i__ready``; a payload's first field sits in its low bits.

        Raises
        ------
        ValueError
            If the elements are submodules.
        """
        if not self.instances:
            raise ValueError("Verilog must place instances, not instances=False: give instances=True")
        # The top is emitted first: only then it is known what it places.
        parts = [emitted(top, name)]
        placed = (element for placement in (self, *beside) for element in placement._kinds.values())
        elements = sorted({element.kind: element for element in placed}.items())
        return "\n".join([*parts, *(emitted(element, kind) for kind, element in elements)])
