"""Which questions, written down before the data are looked at."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.errors import OptionError
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.estimands.visit_window import VisitWindow, require_separate
from katoutcomes.instruments.catalog import instrument
from katoutcomes.results.disclosure import DisclosurePolicy
from katoutcomes.vocabulary import SCHEMA_VERSION

_PLAN_KEYS = {
    "schema_version",
    "title",
    "instruments",
    "describe",
    "treatment",
    "covariates",
    "use_registry_covariates",
    "conf_level",
    "cohort",
    "visits",
    "disclosure",
}
_COHORT_KEYS = {"name", "gap_days", "require_eligibility_flags", "baseline_window", "criteria"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisPlan:
    """Everything that shapes the numbers of a report.

    Attributes
    ----------
    title : str
        Title of the report.
    instruments : tuple of str
        Names of the catalog; the first is the primary one.
    visits : tuple of VisitWindow
        Visits after baseline, in order of time; the last is the primary one.
    cohort : CohortDefinition
        Gap rule, baseline window and criteria.
    require_eligibility_flags : bool
        Whether every ``eligible_*`` column of the data must be 1.
    describe : tuple of str
        The variables of the description, in order; ``"diagnosis_*"`` names several.
    treatment : str
        The patient column that defines the compared cohorts; ``""`` compares nothing.
    covariates : tuple of str
        What the comparison is adjusted for besides the baseline score.
    use_registry_covariates : bool
        Whether every ``covariate_*`` column is added to them.
    conf_level : float
        Level of every interval, between 0 and 1.
    disclosure : DisclosurePolicy
        What may leave the clinic.

    Examples
    --------
    >>> plan = AnalysisPlan.default()
    >>> plan.primary_instrument, plan.primary_visit
    ('PHQ-9', 'week 12')
    """

    title: str
    instruments: tuple[str, ...]
    visits: tuple[VisitWindow, ...]
    cohort: CohortDefinition
    require_eligibility_flags: bool
    describe: tuple[str, ...]
    treatment: str
    covariates: tuple[str, ...]
    use_registry_covariates: bool
    conf_level: float
    disclosure: DisclosurePolicy

    def __post_init__(self) -> None:
        require_separate(self.visits)
        if not self.instruments:
            raise OptionError("a plan needs at least one instrument.")
        if not 0.0 < self.conf_level < 1.0:
            raise OptionError("conf_level lies between 0 and 1, both excluded.")

    @property
    def primary_instrument(self) -> str:
        """The first instrument."""
        return self.instruments[0]

    @property
    def primary_visit(self) -> str:
        """The last visit."""
        return self.visits[-1].name

    @classmethod
    def default(cls) -> AnalysisPlan:
        """Return the plan that `katoutcomes report` uses when no other is named."""
        text = files("katoutcomes.plans").joinpath("default_plan.toml").read_text(encoding="utf-8")
        return plan_from_mapping(tomllib.loads(text), "default plan")

    @classmethod
    def read(cls, path: str | Path) -> AnalysisPlan:
        """Read a plan from a TOML file laid out as the default plan is.

        Raises
        ------
        OptionError
            If the file is not TOML, a key is unknown or missing, or a value is not one it may take.
        """
        place = Path(path)
        try:
            content = tomllib.loads(place.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as problem:
            raise OptionError(f"the plan {place.name} cannot be read ({type(problem).__name__}).") from problem
        except tomllib.TOMLDecodeError as problem:
            raise OptionError(f"the plan {place.name} is not TOML: {problem}.") from problem
        return plan_from_mapping(content, place.name)


def plan_from_mapping(content: Mapping[str, Any], name: str) -> AnalysisPlan:
    """Return the plan that a TOML document describes; `name` is how messages call the document."""
    _require_keys(content, _PLAN_KEYS, name)
    cohort = content["cohort"]
    _require_keys(cohort, _COHORT_KEYS, f"{name}, [cohort]")
    if content["schema_version"] != SCHEMA_VERSION:
        raise OptionError(f"{name}: schema_version must be {SCHEMA_VERSION!r}.")
    instruments = tuple(instrument(entry).name for entry in content["instruments"])
    try:
        return AnalysisPlan(
            title=content["title"],
            instruments=instruments,
            visits=tuple(VisitWindow(**visit) for visit in content["visits"]),
            cohort=_cohort_definition(cohort, instruments[0] if instruments else ""),
            require_eligibility_flags=cohort["require_eligibility_flags"],
            describe=tuple(content["describe"]),
            treatment=content["treatment"],
            covariates=tuple(content["covariates"]),
            use_registry_covariates=content["use_registry_covariates"],
            conf_level=float(content["conf_level"]),
            disclosure=DisclosurePolicy(**content["disclosure"]),
        )
    except TypeError as problem:
        raise OptionError(f"{name}: a table has a key too many or too few, or a value of the wrong type.") from problem


def _cohort_definition(cohort: Mapping[str, Any], primary_instrument: str) -> CohortDefinition:
    window = cohort["baseline_window"]
    return CohortDefinition(
        name=cohort["name"],
        instrument=primary_instrument,
        gap_days=cohort["gap_days"],
        baseline_window=VisitWindow("baseline", target_day=window["last_day"], **window),
        criteria=tuple(Criterion(**criterion) for criterion in cohort["criteria"]),
    )


def _require_keys(content: Mapping[str, Any], needed: set[str], where: str) -> None:
    unknown = sorted(set(content) - needed)
    missing = sorted(needed - set(content))
    if unknown or missing:
        raise OptionError(
            f"{where}: unknown keys {unknown or 'none'}, missing keys {missing or 'none'}; "
            "compare it with the default plan."
        )
