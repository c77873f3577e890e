# SPDX-License-Identifier: Apache-2.0
"""What two decoders, or one without the pre-decoder and with it, made of the same shots: counts."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Counts over shots that both decoded.

    Attributes
    ----------
    shots : int
    alone, together : int
        Logical errors of the global decoder alone, and behind the pre-decoder.
    both : int
        Shots in which both failed.
    events_before, events_after : int
        Detection events of all shots, of both species.
    seconds_alone, seconds_together : float
        CPU time in the global decoder.
    """

    shots: int = 0
    alone: int = 0
    together: int = 0
    both: int = 0
    events_before: int = 0
    events_after: int = 0
    seconds_alone: float = field(default=0.0, compare=False)
    seconds_together: float = field(default=0.0, compare=False)

    def __add__(self, other: "Paired") -> "Paired":
        return Paired(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})

    @property
    def ratio(self) -> float:
        """Logical errors with the pre-decoder over those without; below 1 is better."""
        return self.together / self.alone if self.alone else float("nan")

    @property
    def ratio_error(self) -> float:
        """Standard error of the ratio, from the shots in which only one of the two failed."""
        if not self.alone:
            return float("nan")
        only_alone, only_together = self.alone - self.both, self.together - self.both
        ratio = self.ratio
        # Of (together - ratio * alone) / alone, shots being independent.
        variance = only_together + ratio**2 * only_alone + (1 - ratio) ** 2 * self.both
        return variance**0.5 / self.alone

    @property
    def density_reduction(self) -> float:
        """Detection events before over after (SDR)."""
        return self.events_before / self.events_after if self.events_after else float("inf")

    @property
    def speed_up(self) -> float:
        """CPU time of the global decoder alone over that of the one behind the pre-decoder; noisy."""
        return self.seconds_alone / self.seconds_together if self.seconds_together else float("nan")
