# SPDX-License-Identifier: Apache-2.0
"""What a kernel sees: delays of rounds and rows, and 0 beyond the borders of plane and block."""

from collections.abc import Iterator
from itertools import pairwise, product

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from synfab.predecoder.integers import Convolution
from synfab.rtl.predecoder.beats import SWEEP, beat_signature


class Window(wiring.Component):
    """The inputs under a kernel at every position, from beats of positions.

    Values pass through delay lines. A *round line* holds the values of exactly one sweep; behind each of them, and
    before the first, a *row line* holds as many beats as the kernel reaches. A position is the centre of the kernel
    once the row lines hold all that it sees of its plane. When no sweep follows at once, the row lines alone move on
    until the last position of the sweep has been the centre. What a line holds from beyond the border is another
    position's, or another block's: the register that takes it to the kernel is cleared instead.

    The centre's round comes half a kernel of sweeps later than it came in; a sweep that comes in for every
    sweep that goes out.

    Parameters
    ----------
    convolution : Convolution
        Of the inputs.
    rows, columns : int
        Of a plane.
    positions : int
        Of a beat. In the last one of a sweep some may lie beyond the plane; what comes for them is anything.

    Attributes
    ----------
    beats : int
        Of a sweep.
    latency_cycles : int
        From a beat to the one that leaves, of an earlier sweep.

    Members
    -------
    i : In(beat_signature)
        ``values``: position by position, channel 0 of the first in the low bits.
    o : Out(beat_signature)
        ``values``: position by position, the taps in C order of (channel, round, row, column).
    age, rest : Out
        Rounds of the block before and after the centre's, counted up to half a kernel and one.
    """

    def __init__(self, convolution: Convolution, *, rows: int, columns: int, positions: int) -> None:
        kernel, channels, bits = convolution.kernel, convolution.num_inputs, convolution.input_bits
        self._kernel, self._channels, self._bits = kernel, channels, bits
        self._rows, self._columns, self._positions = rows, columns, positions
        self.beats = -(-rows * columns // positions)
        self._half = kernel[0] // 2
        ahead = [ahead for lane in range(positions) for *_, ahead, _ in self._taps(lane)]
        # By so many beats the centre comes after what it sees last; and so many a row line holds.
        self._reach = max(ahead)
        self._row_beats = self._reach - min(ahead)
        self.latency_cycles = self._reach + 1
        rounds_bits = (self._half + 1).bit_length()
        taps = positions * channels * kernel[0] * kernel[1] * kernel[2]
        super().__init__(
            {
                "i": In(beat_signature(beats=self.beats, bits=positions * channels * bits)),
                "o": Out(beat_signature(beats=self.beats, bits=taps * bits)),
                "age": Out(rounds_bits),
                "rest": Out(rounds_bits),
            }
        )

    def layer_members(self, *, output_bits: int) -> dict[str, wiring.Member]:
        """Return the members of the window's layer: beats as they come in, and others with so many bits a position."""
        return {
            "i": In(beat_signature(beats=self.beats, bits=len(self.i.values))),
            "o": Out(beat_signature(beats=self.beats, bits=self._positions * output_bits)),
        }

    def seen(self, lane: int) -> tuple[bool, ...]:
        """Return for each (row, column) of the kernel, in C order, whether it ever meets the plane."""
        taps = {(y, x) for y, x, *_ in self._taps(lane)}
        return tuple(place in taps for place in product(*map(range, self._kernel[1:])))

    @property
    def lines(self) -> list[tuple[int, int]]:
        """Bits a beat of each delay line, and its length in beats: round lines, then row lines."""
        beat = self._positions * self._channels * self._bits
        rounds = self._kernel[0]
        return [(beat, self.beats)] * (rounds - 1) + [(beat, self._row_beats)] * rounds

    @property
    def tap_bits(self) -> int:
        """Bits of the registers before the kernel."""
        found = {
            (ahead, source, self._inside(lane, y, x))
            for lane in range(self._positions)
            for y, x, ahead, source in self._taps(lane)
        }
        return len(found) * self._kernel[0] * self._channels * self._bits

    def elaborate(self, platform: object) -> Module:
        m = Module()
        moves = self._moves(m)
        sweeps = self._sweeps(m)
        centre = self._centre(m, sweeps, moves)
        lines = [self._row_line(m, plane, moves, f"row_line_{t}") for t, plane in enumerate(self._planes(m))]
        taps = _Taps(m, lines, positions=self._positions)
        values = []
        for lane in range(self._positions):
            found = {(y, x): (ahead, source) for y, x, ahead, source in self._taps(lane)}
            for channel, t, y, x in product(range(self._channels), *map(range, self._kernel)):
                if (y, x) not in found:
                    values.append(Const(0, self._bits))
                    continue
                ahead, source = found[y, x]
                inside = self._inside(lane, y, x)
                register = taps.register(t, self._reach - ahead, source, inside, self._clear(t, inside, centre))
                values.append(register.word_select(channel, self._bits))
        m.d.comb += self.o.values.eq(Cat(values))
        return m

    def _taps(self, lane: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield row and column in the kernel, beats after the centre's, and position in that beat, of each tap."""
        for y, x in product(*map(range, self._kernel[1:])):
            if any(self._inside(lane, y, x)):
                offset = (y - self._kernel[1] // 2) * self._columns + x - self._kernel[2] // 2
                yield y, x, *divmod(lane + offset, self._positions)

    def _inside(self, lane: int, y: int, x: int) -> tuple[bool, ...]:
        """Return for each beat whether a tap of the position lies in the plane."""
        inside = []
        for beat in range(self.beats):
            row, column = divmod(beat * self._positions + lane, self._columns)
            row, column = row + y - self._kernel[1] // 2, column + x - self._kernel[2] // 2
            inside.append(0 <= row < self._rows and 0 <= column < self._columns)
        return tuple(inside)

    def _moves(self, m: Module) -> Value:
        """Return whether the row lines move: with every beat, and after a sweep until its last centre has passed."""
        if not self._reach:
            return self.i.valid
        left = Signal(range(self._reach + 1))
        with m.If(self.i.valid):
            m.d.sync += left.eq(Mux(self.i.index == self.beats - 1, self._reach, 0))
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        return self.i.valid | (left != 0)

    def _sweeps(self, m: Module) -> list[Signal]:
        """Return what the sweeps in the round lines are, the one that comes in first."""
        sweeps: list = [self.i.sweep]
        for number in range(1, 2 * self._half + 1):
            sweeps.append(Signal(SWEEP, name=f"sweep_{number}"))
        with m.If(self.i.valid & (self.i.index == self.beats - 1)):
            m.d.sync += [later.eq(sweep) for sweep, later in pairwise(sweeps)]
        return sweeps

    def _centre(self, m: Module, sweeps: list[Signal], moves: Value) -> dict[str, Value]:
        """Send what is known of a beat with it to the centre, and from there to the outputs; return it at the centre.

        A beat comes in together with those of the sweeps before that have its index, the centre's among them.
        """
        half, length = self._half, len(self.age)
        before = [sweep.first for sweep in sweeps[half:]]
        after = [sweep.last for sweep in sweeps[half::-1]]
        known = [self.i.index, sweeps[half], _first_set(before, length), _first_set(after, length)]
        word, valid = Cat(known), self.i.valid
        if self._reach:
            line = Signal(self._reach * len(word), name="known_line", reset_less=True)
            valid_line = Signal(self._reach)
            with m.If(moves):
                m.d.sync += [line.eq(Cat(word, line)), valid_line.eq(Cat(valid, valid_line))]
            word, valid = line[-len(word) :], valid_line[-1] & moves
        names, at = ("index", "sweep", "age", "rest"), 0
        centre: dict[str, Value] = {}
        for name, value in zip(names, known, strict=True):
            centre[name] = word[at : (at := at + len(Value.cast(value)))]
        outputs = {"index": self.o.index, "sweep": self.o.sweep.as_value(), "age": self.age, "rest": self.rest}
        for name, output in outputs.items():
            register = Signal(len(output), name=f"{name}_register", reset_less=True)
            m.d.sync += register.eq(centre[name])
            m.d.comb += output.eq(register)
        register = Signal(name="valid_register")
        m.d.sync += register.eq(valid)
        m.d.comb += self.o.valid.eq(register)
        return centre

    def _planes(self, m: Module) -> list[Value]:
        """Return the values that come in and those of the sweeps before, the oldest first."""
        planes: list[Value] = [self.i.values]
        for number in range(1, self._kernel[0]):
            line = Signal(self.beats * len(self.i.values), name=f"round_line_{number}", reset_less=True)
            with m.If(self.i.valid):
                m.d.sync += line.eq(Cat(planes[0], line))
            planes.insert(0, line[-len(self.i.values) :])
        return planes

    def _row_line(self, m: Module, plane: Value, moves: Value, name: str) -> list[Value]:
        """Return the values of a round line and those of the beats before, the newest first."""
        length = self._row_beats
        if not length:
            return [plane]
        line = Signal(length * len(plane), name=name, reset_less=True)
        with m.If(moves):
            m.d.sync += line.eq(Cat(plane, line))
        return [plane, *(line.word_select(lag, len(plane)) for lag in range(length))]

    def _clear(self, t: int, inside: tuple[bool, ...], centre: dict[str, Value]) -> Value:
        """Return whether a tap lies beyond the border of plane or block."""
        missing = Const(sum((not one) << beat for beat, one in enumerate(inside)), len(inside))
        outside = Const(0, 1) if all(inside) else missing.bit_select(centre["index"], 1)
        if t < self._half:
            outside = outside | (centre["age"] < self._half - t)
        elif t > self._half:
            outside = outside | (centre["rest"] < t - self._half)
        return outside


class _Taps:
    """The registers before the kernel, each once."""

    def __init__(self, m: Module, lines: list[list[Value]], *, positions: int) -> None:
        self._m, self._lines, self._positions = m, lines, positions
        self._registers: dict[tuple, Signal] = {}

    def register(self, t: int, lag: int, source: int, inside: tuple[bool, ...], clear: Value) -> Signal:
        """Return what a position of a beat in a line was a cycle ago, or 0 where it is to be cleared."""
        key = (t, lag, source, inside)
        if key not in self._registers:
            beat = self._lines[t][lag]
            value = beat.word_select(source, len(beat) // self._positions)
            register = Signal(len(value), name=f"tap_{len(self._registers)}", reset_less=True)
            self._m.d.sync += register.eq(Mux(clear, 0, value))
            self._registers[key] = register
        return self._registers[key]


def _first_set(flags: list[Value], width: int) -> Value:
    """Return the number of the first flag that is set, or how many there are."""
    number: Value = Const(len(flags), width)
    for index in reversed(range(len(flags))):
        number = Mux(flags[index], Const(index, width), number)
    return number
