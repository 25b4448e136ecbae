"""What estimators do in studies whose truth is known: a record that is no analysis of patients."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from katoutcomes.results.rounding import significant

if TYPE_CHECKING:
    import pandas as pd

MOST_BIAS = 0.1
"""Points by which the mean estimate may be off."""
LEAST_COVERAGE, MOST_COVERAGE = 0.92, 0.97
"""Between which the coverage of a nominal 95 % interval may lie."""
MOST_REJECTIONS = 0.07
"""Share of studies that may find a difference where there is none."""
ALLOWANCE = 2.0
"""Monte-Carlo standard errors by which a number may lie beyond its bound."""

DEFAULT, BESIDE, NAIVE = "default", "beside", "naive"
_TABLE = "katoutcomes.tables.simulation_study:simulation_study_table"
_FIGURE = "katoutcomes.figures.simulation_study:simulation_study_figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """How one estimator did in the studies of one cell. Points are those of the PHQ-9, lower is better.

    Attributes
    ----------
    exposure : {"time_zero", "later"}
        The program booked at intake, or integration that begins after the first dose.
    clinic : {"linear", "curved"}
        By which formulas the synthetic clinic works.
    scenario : str
        What is true.
    n_patients : int
        Patients of each study.
    estimator : str
        In words.
    role : {"default", "beside", "naive"}
        The package's default, another estimator, or the comparison that must not be made.
    truth, truth_error : float
        True difference, and its Monte-Carlo standard error.
    n_replicates, n_estimable : int
        Studies, and those of them with an estimate and an interval; everything below is of these.
    bias, bias_error : float
        Mean estimate minus truth, and its Monte-Carlo standard error.
    empirical_se, mean_se : float
        Standard deviation of the estimates, and mean of the estimated standard errors.
    coverage, coverage_error : float
        Share of intervals that hold the truth.
    rejection, rejection_error : float
        Share of intervals that do not hold 0: the type I error where the truth is 0, else the power.
    """

    exposure: str
    clinic: str
    scenario: str
    n_patients: int
    estimator: str
    role: str
    truth: float
    truth_error: float
    n_replicates: int
    n_estimable: int
    bias: float
    bias_error: float
    empirical_se: float
    mean_se: float
    coverage: float
    coverage_error: float
    rejection: float
    rejection_error: float

    @property
    def cell(self) -> tuple[str, str, str, int]:
        """Exposure, clinic, scenario and patients."""
        return (self.exposure, self.clinic, self.scenario, self.n_patients)

    @property
    def is_null(self) -> bool:
        """Whether there is no difference to find."""
        return self.truth == 0.0

    @property
    def not_estimable(self) -> float:
        """Share of studies without an estimate or an interval."""
        return 1.0 - self.n_estimable / self.n_replicates

    @property
    def beyond_bounds(self) -> tuple[str, ...]:
        """Which of bias, coverage and (without an effect) type I error lie beyond their bounds.

        Each with two Monte-Carlo standard errors of allowance, that of a share at its bound.
        """
        if self.n_estimable < 2:
            return ("not estimable",)
        beyond = []
        if abs(self.bias) > MOST_BIAS + ALLOWANCE * math.hypot(self.bias_error, self.truth_error):
            beyond.append("bias")
        low, high = (self._allowed(bound) for bound in (LEAST_COVERAGE, MOST_COVERAGE))
        if not LEAST_COVERAGE - low <= self.coverage <= MOST_COVERAGE + high:
            beyond.append("coverage")
        if self.is_null and self.rejection > MOST_REJECTIONS + self._allowed(MOST_REJECTIONS):
            beyond.append("type I error")
        return tuple(beyond)

    def _allowed(self, share: float) -> float:
        return ALLOWANCE * math.sqrt(share * (1.0 - share) / self.n_estimable)

    @property
    def judgement(self) -> str:
        """Whether everything is "within bounds", else what is not; "" for the naive comparison, which keeps none."""
        if self.role == NAIVE:
            return ""
        return f"beyond: {', '.join(self.beyond_bounds)}" if self.beyond_bounds else "within bounds"


@dataclass(frozen=True, slots=True, repr=False)
class SimulationStudy:
    """What a simulation study found.

    Attributes
    ----------
    design : mapping of str to value
        Everything that decides the numbers.
    performances : tuple of Performance
        A line for each cell and estimator.
    """

    design: Mapping[str, Any]
    performances: tuple[Performance, ...]

    def __repr__(self) -> str:
        n_cells = len({one.cell for one in self.performances})
        return f"<SimulationStudy: {n_cells} cells, {self.design['n_replicates']} studies each>"

    def __str__(self) -> str:
        return str(self.to_table())

    def select(self, **values: Any) -> tuple[Performance, ...]:
        """Return the lines whose named fields have the given values, in order."""
        return tuple(
            one for one in self.performances if all(getattr(one, name) == value for name, value in values.items())
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a line, with the fields of `Performance`, the share not estimable and the judgement."""
        import pandas as pd

        return pd.DataFrame([_plain(one) for one in self.performances])

    def to_csv(self) -> str:
        """Return the same as comma-separated text, numbers with 12 significant digits."""
        text: str = self.to_frame().to_csv(index=False, lineterminator="\n")
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"design": dict(self.design), "performances": [_plain(one) for one in self.performances]}

    def to_json(self) -> str:
        """Return the same as JSON text: sorted keys, null for what does not apply."""
        return json.dumps(self.to_dict(), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def to_table(self) -> Any:
        """Return the `Table`."""
        return _resolved(_TABLE)(self)

    def plot(self, **choices: Any) -> Any:
        """Return the `Figure`; ``estimators="all"`` draws those beside the defaults as well."""
        return _resolved(_FIGURE)(self, **choices)


def study_from_dict(content: Mapping[str, Any]) -> SimulationStudy:
    """Return the record that `SimulationStudy.to_dict` was made from, its numbers with 12 significant digits."""
    names = [field.name for field in fields(Performance)]
    rows: list[dict[str, Any]] = [
        {name: math.nan if row[name] is None else row[name] for name in names} for row in content["performances"]
    ]
    return SimulationStudy(dict(content["design"]), tuple(Performance(**row) for row in rows))


def _plain(one: Performance) -> dict[str, Any]:
    row = {**asdict(one), "not_estimable": one.not_estimable, "judgement": one.judgement}
    return {name: _number(value) if isinstance(value, float) else value for name, value in row.items()}


def _number(value: float) -> float | None:
    return significant(value) if math.isfinite(value) else None


def _resolved(target: str) -> Any:
    """Return what a name points at; tables and figures lie above this room."""
    module, name = target.split(":")
    return getattr(import_module(module), name)
