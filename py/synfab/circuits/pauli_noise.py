# SPDX-License-Identifier: Apache-2.0
"""Circuit-level noise in its 25 probabilities: which Pauli, where, how often."""

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from synfab.circuits.layout import Basis
from synfab.errors import InputError

if TYPE_CHECKING:
    import numpy as np

SMALLEST_MULTIPLIER, LARGEST_MULTIPLIER = 1 / 3, 3.0
"""How far :meth:`PauliNoise.random` takes a place from its base rate."""


@dataclass(frozen=True, kw_only=True)
class PauliNoise:
    """The 25 probabilities of circuit-level noise on a circuit of preparations, CX gates and measurements alone.

    Attributes
    ----------
    preparation_x, preparation_z : float
        That a qubit prepared in the X (Z) basis starts flipped: a Z (X) error after it. Ancillas and data.
    measurement_x, measurement_z : float
        That a measurement in the X (Z) basis errs: a Z (X) error before it. Ancillas, and the data's read-out.
    idle_gate_x, idle_gate_y, idle_gate_z : float
        Paulis on every qubit, data or ancilla, without a gate in a layer of CX gates, after the layer.
    idle_spam_x, idle_spam_y, idle_spam_z : float
        Paulis on every data qubit once a round, while the ancillas are measured and prepared again: before the
        first layer of CX gates of each round, the first round included.
    cx_ix, cx_iy, ..., cx_zz : float
        Paulis after a CX gate, that of the control first.

    Raises
    ------
    InputError
        If a probability is below 0 or above 1, if those of a place add up to more than 1, or if all are 0.

    Notes
    -----
    Appendix A.1 of the pre-decoder paper (``P_SX``, ``P_SZ``, ``P_mX``, ``P_mZ``, ``P_idle,CNOT``, ``P_idle,SPAM``,
    ``P_CX``). Pauli channels are disjoint: at most one of the Paulis of a place happens. Where they are all equally
    likely the circuit has Stim's DEPOLARIZE1 or DEPOLARIZE2, the same channel, whose detector error model is exact;
    other channels Stim's models take for independent errors, which is right to first order in the probabilities.
    """

    preparation_x: float = 0.0
    preparation_z: float = 0.0
    measurement_x: float = 0.0
    measurement_z: float = 0.0
    idle_gate_x: float = 0.0
    idle_gate_y: float = 0.0
    idle_gate_z: float = 0.0
    idle_spam_x: float = 0.0
    idle_spam_y: float = 0.0
    idle_spam_z: float = 0.0
    cx_ix: float = 0.0
    cx_iy: float = 0.0
    cx_iz: float = 0.0
    cx_xi: float = 0.0
    cx_xx: float = 0.0
    cx_xy: float = 0.0
    cx_xz: float = 0.0
    cx_yi: float = 0.0
    cx_yx: float = 0.0
    cx_yy: float = 0.0
    cx_yz: float = 0.0
    cx_zi: float = 0.0
    cx_zx: float = 0.0
    cx_zy: float = 0.0
    cx_zz: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
                raise InputError(f"{name} must be a probability, from 0 to 1, not {value!r}")
        for place, channel in (("idle_gate", self.idle_gate), ("idle_spam", self.idle_spam), ("cx", self.cx)):
            if sum(channel) > 1 + 1e-9:
                raise InputError(
                    f"the {place}_* probabilities must add up to at most 1, since one Pauli at a time happens, "
                    f"not to {sum(channel)!r}"
                )
        if not any(asdict(self).values()):
            raise InputError("at least one probability of a PauliNoise must be above 0, not none of them")

    @property
    def preparation(self) -> dict[Basis, float]:
        """That a preparation errs, by its basis."""
        return {"X": self.preparation_x, "Z": self.preparation_z}

    @property
    def measurement(self) -> dict[Basis, float]:
        """That a measurement errs, by its basis."""
        return {"X": self.measurement_x, "Z": self.measurement_z}

    @property
    def idle_gate(self) -> tuple[float, ...]:
        """Probabilities of X, Y and Z on a qubit without a gate."""
        return self.idle_gate_x, self.idle_gate_y, self.idle_gate_z

    @property
    def idle_spam(self) -> tuple[float, ...]:
        """Probabilities of X, Y and Z on a data qubit between two rounds."""
        return self.idle_spam_x, self.idle_spam_y, self.idle_spam_z

    @property
    def cx(self) -> tuple[float, ...]:
        """Probabilities of IX, IY, IZ, XI, ..., ZZ after a gate: the order of Stim's PAULI_CHANNEL_2."""
        return tuple(getattr(self, name) for name in CX_PARAMETERS)

    @classmethod
    def depolarizing(cls, p: float) -> "PauliNoise":
        """Return the model with one strength of section VI of the pre-decoder paper.

        Preparations and measurements err with 2p/3; a qubit without a gate depolarizes with p; a CX gate is followed
        by one of its 15 Paulis with p. Data wait two steps between rounds, while the ancillas are measured and while
        they are prepared: ``idle_spam`` is two depolarizations with p one after the other.
        """
        idle, spam, gate = p / 3, 2 * p / 3 - 4 * p**2 / 9, p / 15
        return cls(
            **dict.fromkeys(("preparation_x", "preparation_z", "measurement_x", "measurement_z"), 2 * p / 3),
            **dict.fromkeys(("idle_gate_x", "idle_gate_y", "idle_gate_z"), idle),
            **dict.fromkeys(("idle_spam_x", "idle_spam_y", "idle_spam_z"), spam),
            **dict.fromkeys(CX_PARAMETERS, gate),
        )

    @property
    def depolarizing_strength(self) -> float | None:
        """The p of which this is :meth:`depolarizing`, or None if it is of none."""
        p = round(15 * self.cx_ix, 12)
        return p if 0 < p <= 0.5 and PauliNoise.depolarizing(p) == self else None

    @classmethod
    def phenomenological(cls, p: float) -> "PauliNoise":
        """Return the data depolarizing with p before each round and measurements erring with p, all else perfect."""
        return cls(
            **dict.fromkeys(("idle_spam_x", "idle_spam_y", "idle_spam_z"), p / 3),
            measurement_x=p,
            measurement_z=p,
        )

    @classmethod
    def random(cls, p: float, *, generator: "np.random.Generator") -> "PauliNoise":
        """Return a model drawn around :meth:`depolarizing`, for training that is to meet every device.

        The total of each of the seven places (two preparations, two measurements, two kinds of idling, the gate) is
        multiplied by a factor of its own, log-uniform between 1/3 and 3, and distributed over the place's Paulis
        uniformly over all distributions. Sampling by place and Pauli is that of section V.4 of the pre-decoder paper,
        which leaves the distributions open.
        """
        import numpy as np

        base = cls.depolarizing(p)
        values: dict[str, float] = {}
        for names in PLACES:
            low, high = np.log(SMALLEST_MULTIPLIER), np.log(LARGEST_MULTIPLIER)
            total = sum(getattr(base, name) for name in names) * np.exp(generator.uniform(low, high))
            shares = generator.dirichlet(np.ones(len(names)))
            values |= {name: float(total * share) for name, share in zip(names, shares, strict=True)}
        return cls(**values)


CX_PARAMETERS = tuple(field.name for field in fields(PauliNoise) if field.name.startswith("cx_"))
"""The 15 names of a gate's Paulis, in the order of Stim's PAULI_CHANNEL_2."""

PLACES = (
    ("preparation_x",),
    ("preparation_z",),
    ("measurement_x",),
    ("measurement_z",),
    ("idle_gate_x", "idle_gate_y", "idle_gate_z"),
    ("idle_spam_x", "idle_spam_y", "idle_spam_z"),
    CX_PARAMETERS,
)
"""Parameters by the place in the circuit: what excludes each other."""
