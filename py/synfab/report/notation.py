# SPDX-License-Identifier: Apache-2.0
"""How numbers are written on the page and on the terminal."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(exponent: int) -> str:
    """Return 10 to an exponent, in plain characters."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def amount(value: float) -> str:
    """Return a count with its thousands apart, with one decimal only where it has a fraction."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def cycles(value: float) -> str:
    """Return cycles: whole numbers as they are, a mean with two decimals."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def nanoseconds(value: float) -> str:
    """Return nanoseconds with three significant digits below 1000, whole above."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def slack(value: float) -> str:
    """Return slack in nanoseconds with its sign, if it has one."""
    return f"{value:+.3f}" if value else "0.000"


def share(value: float) -> str:
    """Return a fraction in percent; what is there but would round to nothing says so."""
    percent = 100 * value
    if percent == 0:
        return "0 %"
    if percent < 0.01:
        return "< 0.01 %"
    return f"{percent:.2f} %" if percent < 10 else f"{percent:,.1f} %"


def rate(value: float) -> str:
    """Return a probability with three significant digits, as a multiple of a power of ten when small."""
    if value == 0:
        return "0"
    if value >= 0.01:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa} × {power_of_ten(int(exponent))}"


def frequency(value: float) -> str:
    """Return a frequency in MHz with up to four significant digits."""
    return f"{value:.4g}"
