"""Which questions, written down before the data are looked at."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.errors import OptionError, meant_beside
from katoutcomes.estimands.visit_window import VisitWindow, require_separate
from katoutcomes.plans.gates import NO_GATES, Gates
from katoutcomes.plans.planned_analysis import USUAL_ANALYSES, PlannedAnalysis
from katoutcomes.results.disclosure_policy import DisclosurePolicy

DEFAULT_PLAN, STUDY_PLAN = "default_plan.toml", "study_plan.toml"


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
    analyses : tuple of PlannedAnalysis
        What is answered, in this order, besides data quality, flow and description.
    seed : int
        Of everything that draws random numbers; 0 or more.
    gates : Gates
        Limits of quality that a run must keep; without any, nothing is held against the run.
    in_full : tuple of str
        Instruments that the report tells in full, with figures; the others stand in one table. None: the first one.

    Examples
    --------
    >>> plan = AnalysisPlan.default()
    >>> plan.primary_instrument, plan.primary_visit
    ('PHQ-9', 'week 12')
    >>> plan
    <AnalysisPlan 'Outcomes of ketamine-assisted therapy': PHQ-9, GAD-7, BDI-II, HAM-A, MADRS, PCL-5 at week 4, week 8,
    week 12; first courses by program_booked; change_from_baseline, clinical_significance, cohort_difference, safety,
    dropout, outcomes_over_time, compare_sites; seed 20260930>
    """

    DEFAULT_SEED: ClassVar[int] = 20260930

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
    analyses: tuple[PlannedAnalysis, ...] = USUAL_ANALYSES
    seed: int = DEFAULT_SEED
    gates: Gates = NO_GATES
    in_full: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.instruments:
            raise OptionError("a plan needs at least one instrument.")
        if not self.visits:
            raise OptionError("a plan needs at least one visit.")
        require_separate(self.visits)
        if self.seed < 0:
            raise OptionError("seed is a whole number of 0 or more.")
        if not 0.0 < self.conf_level < 1.0:
            raise OptionError("conf_level lies between 0 and 1, both excluded.")

    def __repr__(self) -> str:
        compared = f" by {self.treatment}" if self.treatment else ""
        visits, analyses = (", ".join(one.name for one in every) for every in (self.visits, self.analyses))
        return (
            f"<AnalysisPlan {self.title!r}: {', '.join(self.instruments)} at {visits}; {self.cohort.name}{compared}; "
            f"{analyses or 'no analyses'}; seed {self.seed}>"
        )

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
        return _plan_of_text(plan_text(DEFAULT_PLAN), "default plan")

    @classmethod
    def study(cls) -> AnalysisPlan:
        """Return the plan of a study: all visits in one model, and a comparison of cohorts with its safeguards."""
        return _plan_of_text(plan_text(STUDY_PLAN), "study plan")

    @classmethod
    def read(cls, path: str | Path) -> AnalysisPlan:
        """Read a plan from a TOML file laid out as the default plan is.

        The earlier release that it may name is looked for beside it.

        Raises
        ------
        OptionError
            If the file is not TOML, a key is unknown or missing, or a value is not one it may take.
        """
        place = Path(path)
        try:
            text = place.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            fault = f"there is no such plan: {place.name!r}.{meant_beside(place)}"
        except (OSError, UnicodeDecodeError) as problem:
            fault = f"the plan {place.name} cannot be read ({type(problem).__name__})."
        else:
            return _beside(_plan_of_text(text, place.name), place.parent)
        raise OptionError(fault)


def _beside(plan: AnalysisPlan, folder: Path) -> AnalysisPlan:
    """Return a plan whose earlier release, where it names one, lies beside its file."""
    policy = plan.disclosure
    if not policy.previous:
        return plan
    return replace(plan, disclosure=replace(policy, previous=str(folder / policy.previous)))


def plan_text(name: str) -> str:
    """Return the text of a plan that comes with the package: `DEFAULT_PLAN` or `STUDY_PLAN`."""
    return files("katoutcomes.plans").joinpath(name).read_text(encoding="utf-8")


def _plan_of_text(text: str, name: str) -> AnalysisPlan:
    # Reading needs the record that is read into, so it is imported where it is used.
    from katoutcomes.plans.plan_file import plan_from_mapping

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        fault = f"the plan {name} is not TOML: {problem}."
    else:
        return plan_from_mapping(content, name, text)
    raise OptionError(fault)
