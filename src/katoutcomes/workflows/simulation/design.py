"""What is simulated: cells (exposure, clinic, scenario, patients), how often, with which options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError, require_option

if TYPE_CHECKING:
    import numpy as np

EXPOSURES: tuple[str, ...] = ("time_zero", "later")
CLINICS: tuple[str, ...] = ("linear", "curved")
SCENARIOS: tuple[str, ...] = ("null", "effect", "mnar", "unmeasured_confounding", "effect_mnar")
FEWEST_BOOTSTRAPS = 100
_SESSIONS = {"time_zero": "booked", "later": "start"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table: a question, a clinic, what is true, and how many patients.

    Attributes
    ----------
    exposure : {"time_zero", "later"}
        Whether the exposure is the program booked at intake, or integration that begins after the first dose.
    clinic : {"linear", "curved"}
        By which formulas the synthetic clinic works.
    scenario : str
        What is true; one of `SCENARIOS`.
    n_patients : int
        Patients of each study.
    """

    exposure: str
    clinic: str
    scenario: str
    n_patients: int

    @property
    def world(self) -> str:
        """Name of what does not depend on the number of patients."""
        return f"{self.exposure}-{self.clinic}-{self.scenario}"

    @property
    def name(self) -> str:
        """Name of the cell, fit for a file."""
        return f"{self.world}-{self.n_patients}"

    @property
    def mechanism(self) -> str:
        """Name of the session mechanism of the synthetic clinic."""
        sessions = _SESSIONS[self.exposure]
        return sessions if self.clinic == "linear" else f"{self.clinic}_{sessions}"


@dataclass(frozen=True, slots=True)
class SimulationDesign:
    """Everything that decides the numbers of a simulation study; the same design gives the same bytes.

    Attributes
    ----------
    n_patients : tuple of int
        Sizes of the studies, each at least 30.
    n_replicates : int
        Studies a cell, at least 2.
    exposures, clinics, scenarios : tuple of str
        Of `EXPOSURES`, `CLINICS`, `SCENARIOS`.
    n_bootstrap : int
        Resamples a study, at least 100.
    n_truth : int
        Patients from whom the truth of a cell is computed, at least 1,000.
    seed : int
        0 or more.
    effect : float or None
        True difference in points in the scenarios with an effect, below 0; None: what the scenario gives.
    missing_share : float or None
        Share of patients without a score at the visit, between 0 and 1; None: what the scenario gives.
    conf_level : float
        Level of the intervals.

    Raises
    ------
    OptionError
        If a choice is not one of those it may be.
    """

    n_patients: tuple[int, ...]
    n_replicates: int
    exposures: tuple[str, ...]
    clinics: tuple[str, ...]
    scenarios: tuple[str, ...]
    n_bootstrap: int
    n_truth: int
    seed: int
    effect: float | None
    missing_share: float | None
    conf_level: float

    def __post_init__(self) -> None:
        _require_all("exposure", self.exposures, EXPOSURES)
        _require_all("clinic", self.clinics, CLINICS)
        _require_all("scenario", self.scenarios, SCENARIOS)
        if not self.n_patients or min(self.n_patients) < 30 or len(set(self.n_patients)) < len(self.n_patients):
            raise OptionError("n_patients must be one or several different numbers, 30 or more.")
        if self.n_replicates < 2 or self.n_bootstrap < FEWEST_BOOTSTRAPS or self.n_truth < 1000 or self.seed < 0:
            raise OptionError(
                f"n_replicates must be at least 2, n_bootstrap at least {FEWEST_BOOTSTRAPS}, n_truth at least 1,000 "
                "and seed 0 or more."
            )
        if self.effect is not None and not -math.inf < self.effect < 0.0:
            raise OptionError("effect must be below 0: the points by which scores are lower with integration.")
        if self.missing_share is not None and not 0.05 <= self.missing_share <= 0.9:
            raise OptionError("missing_share must lie between 0.05 and 0.9.")
        if not 0.5 <= self.conf_level < 1.0:
            raise OptionError("conf_level must lie between 0.5 and 1.")

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The lines of the table, in its order."""
        return tuple(
            Cell(exposure, clinic, scenario, n_patients)
            for exposure in self.exposures
            for clinic in self.clinics
            for scenario in self.scenarios
            for n_patients in self.n_patients
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def stream(self, name: str, number: int) -> np.random.SeedSequence:
        """Return the seed of one study (or of a truth) by its name: the same whatever else is simulated beside it."""
        from hashlib import sha256

        import numpy as np

        key = int.from_bytes(sha256(name.encode()).digest()[:8], "little")
        return np.random.SeedSequence([self.seed, key], spawn_key=(number,))


def _require_all(what: str, given: Sequence[str], known: tuple[str, ...]) -> None:
    if not given or len(set(given)) < len(given):
        raise OptionError(f"at least one {what} is needed, and none twice.")
    for one in given:
        require_option(what, one, known)
