"""The trial that would answer the question, and how the clinic's records stand in for each of its parts."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.errors import DesignError, require_option
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.estimands.leaving_care import COMPOSITE, LEFT_CARE, NAME_OF, TREATMENT_POLICY, WHILE_IN_CARE
from katoutcomes.estimands.named_estimands import NAMED_ESTIMANDS, NamedEstimand
from katoutcomes.estimands.session_counts import SessionCount
from katoutcomes.estimands.strategies import AfterEachDose, NoneUntil, StartIntegration, TreatedStrategy
from katoutcomes.estimands.visit_window import BASELINE_WINDOW, DEFAULT_VISITS, VisitWindow, require_separate

COURSES: tuple[str, ...] = ("first", "every")
SCORE, DAYS = "score", "days_in_response"
"""Outcomes that are not binary."""
ADULTS = Criterion("age_years", ">=", 18, "under 18 or age unknown")
_START, _NONE = StartIntegration(), NoneUntil()


@dataclass(frozen=True, slots=True)
class FeasibilityGate:
    """What must be there before any outcome is looked at; otherwise the answer is "not estimable from these data".

    The defaults are for strategies that prescribe something after every dose. Where integration is only to begin within
    a grace period, `START_GATE` is used.

    Attributes
    ----------
    fewest_followers : int
        Patients of each arm who followed its strategy and have a score at the visit.
    fewest_effective : float
        Effective sample size of the followers of each arm under the artificial-censoring weights.
    largest_weight_share : float
        Share of the weight of an arm that one patient may have.
    """

    fewest_followers: int = 30
    fewest_effective: float = 30.0
    largest_weight_share: float = 0.05


START_GATE = FeasibilityGate(30, 11.0, 0.25)
"""For a start within a grace period; between this and the other gate the verdict is "with caution"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrial:
    """A trial of integration that could have been run, written down before the data are looked at.

    Attributes
    ----------
    strategy : StartIntegration, AfterEachDose or SessionCount
        What the treated would do.
    comparator : NoneUntil or SessionCount
        What the others would do, until the same day. Two numbers of weeks with a session are two arms of
        `session_dose_response`.
    eligibility : tuple of Criterion
        Who may enter, as known at time zero. A baseline score is always needed.
    confounders : tuple of str
        Variables known at time zero that drive sessions, leaving and the outcome; those that drive sessions after the
        grace period as well. The baseline score and the last recorded score are always among them.
    instrument : str
        Name in the catalog.
    visit : VisitWindow
        When the outcome is measured, counted from time zero.
    baseline_window : VisitWindow
        Where the baseline score is looked for.
    gap_days : int
        A new course begins with a dose more than this many days after the one before.
    outcome : str
        What is compared at the visit: the score, or who has had a ``"response"``, is in ``"remission"`` or has a
        ``"reliable_improvement"`` by the default definition set of the instrument (or by the one whose id is given).
        ``"days_in_response"`` compares the mean number of days in response up to the visit, each day having the status
        of the nearest of the visits, nobody being in response on day 0.
    left_care : {"treatment_policy", "composite", "while_in_care"}
        What becomes of leaving care before the visit: the outcome counts whatever happened; who has left does not have
        the binary outcome (non-responder); or the last score in care is the outcome, which describes and is no effect.
    courses : {"first", "every"}
        Whether each patient is in one trial, from the first course, or in one for every eligible course. Then patients
        are resampled with all of their courses, and the number of the course and how the baseline score has changed
        since that of the course before are confounders.
    earlier_visits : tuple of VisitWindow, optional
        Further visits at which days in response are looked for, all before `visit`. By default those of
        `DEFAULT_VISITS` whose windows end before that of `visit` begins. For other outcomes there are none.

    Raises
    ------
    DesignError
        If the strategies end on different days, the outcome is measured before their end or from another dose, leaving
        care is to be part of a score or of days in response, numbers of weeks are to be compared by anything but
        scores, or earlier visits share a day, count from another dose, come late, or belong to no such outcome.

    References
    ----------
    Hernan MA, Robins JM. Am J Epidemiol 2016;183:758-764. doi:10.1093/aje/kwv254.

    Examples
    --------
    >>> trial = TargetTrial(confounders=("site", "program_booked"))
    >>> trial.estimand.name
    'start_integration'
    >>> print(trial.to_text().splitlines()[0])
    Question: How would scores differ on average if everybody who is still in care began integration within the ...
    """

    strategy: TreatedStrategy | SessionCount = _START
    comparator: NoneUntil | SessionCount = _NONE
    eligibility: tuple[Criterion, ...] = (ADULTS,)
    confounders: tuple[str, ...] = ()
    instrument: str = "PHQ-9"
    visit: VisitWindow = DEFAULT_VISITS[-1]
    baseline_window: VisitWindow = BASELINE_WINDOW
    gap_days: int = 90
    courses: str = "first"
    outcome: str = SCORE
    left_care: str = TREATMENT_POLICY
    earlier_visits: tuple[VisitWindow, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "eligibility", tuple(self.eligibility))
        object.__setattr__(self, "confounders", tuple(self.confounders))
        require_option("courses", self.courses, COURSES)
        if self.strategy.by_day != self.comparator.by_day:
            raise DesignError("the two strategies must be decided by the same day (by_day).")
        if isinstance(self.comparator, SessionCount) and not isinstance(self.strategy, SessionCount):
            raise DesignError("a number of weeks with a session is compared with another number, or with none.")
        if self.visit.is_anchored_later or self.visit.first_day <= self.by_day:
            raise DesignError("the visit must count from the first dose and begin after the strategies are decided.")
        self._require_outcome()
        self._require_earlier_visits()

    def _require_earlier_visits(self) -> None:
        if self.earlier_visits is None:
            return
        object.__setattr__(self, "earlier_visits", tuple(self.earlier_visits))
        if self.outcome != DAYS:
            raise DesignError("earlier_visits belong to outcome='days_in_response'; other outcomes have one visit.")
        require_separate(self.visits)
        for one in self.visits[:-1]:
            if one.is_anchored_later or one.first_day < 0 or one.target_day < 1:
                raise DesignError("earlier visits count from the first dose and come after it.")
            if one.last_day >= self.visit.first_day:
                raise DesignError("earlier visits end before the window of the visit begins.")

    def _require_outcome(self) -> None:
        require_option("left_care", self.left_care, LEFT_CARE)
        is_usual = self.outcome == SCORE and self.left_care == TREATMENT_POLICY
        if isinstance(self.strategy, SessionCount) and not is_usual:
            raise DesignError(
                "numbers of weeks with a session are compared by scores, whatever becomes of leaving care."
            )
        if self.outcome == DAYS and self.left_care != TREATMENT_POLICY:
            raise DesignError(
                "days in response count every day until the end of follow-up, in care or not: they have "
                "left_care='treatment_policy'. Leaving care is part of outcome='response' with left_care='composite'."
            )
        if self.left_care == COMPOSITE and self.outcome == SCORE:
            raise DesignError("left_care='composite' needs a binary outcome, such as outcome='response'.")

    @property
    def _courses_in_words(self) -> str:
        if self.courses == "every":
            return "every course of each patient, which starts a trial of its own (sequential trials)"
        return "the first course of each patient"

    @property
    def by_day(self) -> int:
        """The day by which it is known which strategies a patient has followed."""
        return self.comparator.by_day

    @property
    def visits(self) -> tuple[VisitWindow, ...]:
        """The visits that the outcome is made of, in order of time: one, but for days in response."""
        if self.outcome != DAYS:
            return (self.visit,)
        earlier = self.earlier_visits
        if earlier is None:
            earlier = tuple(one for one in DEFAULT_VISITS if one.last_day < self.visit.first_day)
        return (*sorted(earlier, key=lambda one: one.target_day), self.visit)

    @property
    def estimand(self) -> NamedEstimand:
        """The question by name, with its sentence."""
        if self.outcome == DAYS:
            return NAMED_ESTIMANDS[DAYS]
        if self.left_care != TREATMENT_POLICY:
            return NAMED_ESTIMANDS[NAME_OF[self.left_care]]
        is_sustained = isinstance(self.strategy, AfterEachDose)
        return NAMED_ESTIMANDS["sustained_integration" if is_sustained else "start_integration"]

    @property
    def gate(self) -> FeasibilityGate:
        """What must be there for an answer, unless somebody says otherwise."""
        return FeasibilityGate() if isinstance(self.strategy, AfterEachDose) else START_GATE

    def protocol(self) -> tuple[tuple[str, str, str], ...]:
        """Return the items of the protocol: item, in the target trial, as emulated from the records."""
        left_out = "; ".join(one.reason for one in self.eligibility) or "nobody"
        when = f"day {self.visit.target_day} (days {self.visit.first_day} to {self.visit.last_day})"
        adjusted = ", ".join(("the baseline score", *self.confounders, "the last recorded score"))
        return (
            (
                "eligibility criteria",
                f"a first dose and a {self.instrument} score before it; left out: {left_out}",
                f"the same, for {self._courses_in_words}; every confounder known",
            ),
            (
                "treatment strategies",
                f"{self.strategy.sentence()}; or {self.comparator.sentence()}",
                "the same, read from the dates of sessions in weeks after the first dose",
            ),
            (
                "assignment",
                "at random at time zero, not blinded",
                f"a copy of every patient in each arm; assignment at random is assumed given {adjusted}",
            ),
            ("time zero", "the first dose", "the same"),
            (
                "follow-up",
                self._follow_up(when),
                "the same; a copy is censored when the patient's record departs from its strategy",
            ),
            (
                "outcome",
                self._outcome_in_words(when),
                self._outcome_emulated(),
            ),
            (
                "intercurrent events",
                f"leaving care before the strategy is decided is compatible with it; then {self._after_the_decision}",
                "the same; leaving care is read from the last session, or from the days that are given",
            ),
            ("causal contrast", f"per protocol, {self._contrast()}", "the observational analog of the same"),
            (
                "identifying assumptions",
                "who keeps to a strategy and who is scored is explained by what is recorded",
                f"the same; and that given {adjusted} sessions are as if at random, possible and impossible for nobody",
            ),
            (
                "statistical analysis",
                "analysis of covariance on the baseline score",
                "the same with weights for the artificial censoring; bootstrap of patients through all of it",
            ),
        )

    @property
    def _after_the_decision(self) -> str:
        is_policy = self.left_care == TREATMENT_POLICY
        return "treatment policy" if is_policy else NAMED_ESTIMANDS[NAME_OF[self.left_care]].leaving_care

    def _follow_up(self, when: str) -> str:
        if self.outcome == DAYS:
            return f"until day {self.visit.target_day}, whether or not the patient is still in care"
        if self.left_care == WHILE_IN_CARE:
            return f"until the patient leaves care, at most until {when}"
        return f"until the score at {when}, whether or not the patient is still in care"

    def _outcome_in_words(self, when: str) -> str:
        what = self.outcome.replace("_", " ")
        if self.outcome == DAYS:
            return f"{self.instrument} {what} up to day {self.visit.target_day}, 0 for who never responds"
        if self.left_care == WHILE_IN_CARE:
            last = f"the last {self.instrument} score in care up to {when}, the baseline score where none followed"
            return last if self.outcome == SCORE else f"{what} by {last}"
        left = "; who has left care does not have it" if self.left_care == COMPOSITE else ""
        return f"{self.instrument} {what} at {when}{left}"

    def _outcome_emulated(self) -> str:
        if self.outcome == DAYS:
            listed = ", ".join(f"{one.name} (days {one.first_day} to {one.last_day})" for one in self.visits)
            return (
                f"response at {listed}; each day has the status of the nearest of them, nobody responds on day 0; a "
                "missing status is predicted from the patient's history up to that visit"
            )
        if self.left_care == WHILE_IN_CARE:
            return f"the {self.visit.choice} score of the window where the patient was in care, else the last before it"
        of_whom = " of a patient in care" if self.left_care == COMPOSITE else ""
        choice = f"the {self.visit.choice} score of the window"
        return f"{choice}; a missing one{of_whom} is predicted from the patient's history"

    def _contrast(self) -> str:
        if self.left_care == WHILE_IN_CARE:
            return "difference of last scores in care, which describes and is no effect"
        return {SCORE: "difference in mean scores", DAYS: "difference in mean days"}.get(
            self.outcome, "difference in percentages"
        )

    def to_text(self) -> str:
        """Return the question and the protocol as lines of text."""
        lines = [f"Question: {self.estimand.sentence}"]
        for item, target, emulated in self.protocol():
            lines += [f"{item[0].upper()}{item[1:]}", f"  target trial: {target}", f"  emulation: {emulated}"]
        return "\n".join(lines)
