"""Where a result comes from: which data, which code. No clock, no path, no user."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from katoutcomes._version import __version__

_NUMERICAL_LIBRARIES = ("duckdb", "matplotlib", "numpy", "pandas", "scipy", "statsmodels")


@cache  # what is installed does not change while a program runs, and reading it takes as long as a fit
def _installed_versions() -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = [("katoutcomes", __version__)]
    for name in _NUMERICAL_LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:  # pragma: no cover - a broken installation; the result still stands
            continue
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which data and which code a result rests on.

    Attributes
    ----------
    source : str
        ``"registry"``, ``"frame"`` or ``"published"``.
    digest : str
        SHA-256 of the checked data, as hexadecimal digits; ``""`` in a released result, unless it is of published data.
    settings : tuple of (str, str)
        Name and value of every choice that shaped the analysis set: gap rule, windows, criteria, tie rules.
    software : tuple of (str, str)
        Package and version.
    is_synthetic : bool
        Whether the data were made by `simulate_registry`.
    """

    source: str
    digest: str
    settings: tuple[tuple[str, str], ...] = ()
    is_synthetic: bool = False
    software: tuple[tuple[str, str], ...] = field(default_factory=_installed_versions)
