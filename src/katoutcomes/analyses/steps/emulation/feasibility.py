"""Whether the records can answer at all: counted and weighted before any outcome is looked at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.emulation.flow import COURSES, ELIGIBLE, IN_TRIAL, SEVERAL_COURSES
from katoutcomes.analyses.steps.precision import detectable_difference
from katoutcomes.estimands.leaving_care import TREATMENT_POLICY
from katoutcomes.estimands.target_trial import FeasibilityGate
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.kernels.weighting.weight_distribution import WeightDistribution

GROUPS: tuple[str, ...] = ("followed both", "followed only the treated strategy", "followed only the comparator")
"""Every patient of the trial is in one of these, or in `NEITHER`."""
NEITHER = "followed neither"
SCORED, SEEN = "scored, ", "seen with the outcome, "
FOLLOWING: tuple[str, ...] = ("following the comparator", "following the treated strategy")
"""The followers of each strategy, whatever else they followed."""
LIMITED_LIMIT = 0.05
UNSEEN_LIMIT = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Feasibility:
    """What is known before outcomes.

    Attributes
    ----------
    weights : tuple of ndarray of float64, shape (n_patients,)
        Of the copies in each arm, comparator first.
    probabilities : tuple of ndarray of float64, shape (m,)
        Of the event in each person-period of each model.
    distributions : tuple of WeightDistribution or None
        Of these weights; None for an arm that nobody follows.
    n_scored : tuple of int
        Followers of each arm who have a score at the visit, that with the fewest of several; whether, not which.
    share_limited : float
        Share of the person-periods whose probability was moved to a limit.
    expected_difference : float
        The smallest difference that would be found in four of five studies, from the effective sample sizes and the
        standard deviation of the last scores before the strategies are decided.
    """

    weights: tuple[NDArray[np.float64], ...]
    probabilities: tuple[NDArray[np.float64], ...]
    distributions: tuple[WeightDistribution | None, ...]
    n_scored: tuple[int, ...]
    share_limited: float
    expected_difference: float

    @property
    def fewest_effective(self) -> float:
        """Smallest effective sample size of an arm."""
        return min(0.0 if one is None else one.effective_sample_size for one in self.distributions)

    @property
    def largest_share(self) -> float:
        """Largest share of an arm's weight that one patient has."""
        return max(1.0 if one is None else one.largest_share for one in self.distributions)


def feasibility(found: Emulation) -> Feasibility:
    """Return weights and counts; of the outcome nothing is used but whether there is one."""
    import numpy as np

    from katoutcomes.kernels.emulation.censoring_weights import censoring_weights
    from katoutcomes.kernels.groups.sensitivity import minimal_detectable_difference
    from katoutcomes.kernels.weighting.weight_distribution import weight_distribution

    data = found.data
    fitted = censoring_weights(data, np.ones((1, data.n_patients)))
    weights = tuple(one[0] for one in fitted.arms)
    distributions = tuple(weight_distribution(one) if (one > 0.0).any() else None for one in weights)
    sizes = [0.0 if one is None else one.effective_sample_size for one in distributions]
    spread = _expected_spread(found)
    error = spread * math.sqrt(sum(1.0 / size for size in sizes)) if min(sizes) > 0.0 else math.nan
    return Feasibility(
        weights,
        tuple(one[0] for one in fitted.probabilities),
        distributions,
        tuple(found.fewest_scored(arm.followed) for arm in data.arms),
        float(fitted.n_limited[0]) / sum(len(model.patient) for model in data.models),
        minimal_detectable_difference(error),
    )


def _expected_spread(found: Emulation) -> float:
    """Return the standard deviation of the last scores before the decision; of an event or its days, the largest."""
    if found.n_courses < 2:
        return math.nan
    if found.event is not None:
        return 0.5 * float(found.spoken_for.sum())
    return float(found.found.last_score[:, found.trial.by_day // 7].std(ddof=1))


def feasibility_checks(found: Emulation, feasible: Feasibility, gate: FeasibilityGate) -> tuple[Check, ...]:
    """Return the three checks of the gate, then those that only make cautious.

    A value between the gate and the default gate is a reason for caution.
    """
    usual = FeasibilityGate()
    return (
        _gate_check(
            "followers with a score",
            min(feasible.n_scored),
            gate.fewest_followers,
            usual.fewest_followers,
            (f"Patients who followed each strategy and have {_what_counts(found)}: enough.", "few", "too few"),
        ),
        _gate_check(
            "effective sample size",
            feasible.fewest_effective,
            gate.fewest_effective,
            usual.fewest_effective,
            ("Patients who count in each arm after weighting: enough.", "few", "too few"),
        ),
        _gate_check(
            "largest weight",
            -feasible.largest_share,
            -gate.largest_weight_share,
            -usual.largest_weight_share,
            ("Share of an arm's weight that one patient has: small.", "much", "too much"),
        ),
        *_cautions(found, feasible),
    )


def _what_counts(found: Emulation) -> str:
    if found.days:
        return "a score, at the visit with the fewest"
    return "a score" if found.trial.left_care == TREATMENT_POLICY else "an outcome"


def _gate_check(name: str, value: float, gate: float, usual: float, words: tuple[str, str, str]) -> Check:
    """Return a check that withholds below the gate and cautions below the usual; of a share, both are negative."""
    is_open, passed = value >= gate, value >= max(gate, usual)
    fine, doubtful, bad = words
    what = fine.rpartition(": ")[0]
    message = (
        fine
        if passed
        else f"{what}: {doubtful}, so one of them more or less would change the answer."
        if is_open
        else f"{what}: {bad}; not estimable from these data."
    )
    severity = "caution" if is_open else "withhold"
    return Check(name, passed, severity, abs(float(value)), abs(float(max(gate, usual) if is_open else gate)), message)


def is_feasible(checks: tuple[Check, ...]) -> bool:
    """Return whether the gate is open."""
    return all(check.passed or check.severity != "withhold" for check in checks)


def _cautions(found: Emulation, feasible: Feasibility) -> Iterator[Check]:
    few = feasible.share_limited <= LIMITED_LIMIT
    yield Check(
        "limited probabilities",
        few,
        "caution",
        feasible.share_limited,
        LIMITED_LIMIT,
        "Hardly any fitted probability had to be limited to the range from 0.01 to 0.99."
        if few
        else "Many fitted probabilities had to be limited to the range from 0.01 to 0.99.",
    )
    if found.found.care_is_given:
        return
    share = _unseen_share(found)
    known = share <= UNSEEN_LIMIT
    yield Check(
        "in care without integration",
        known,
        "caution",
        share,
        UNSEEN_LIMIT,
        "Hardly anybody is known to have been in care by an integration session alone."
        if known
        else "Many are known to have been in care by an integration session alone, so being in care depends on having "
        "integration; give the last day in care (in_care_until).",
    )


def _unseen_share(found: Emulation) -> float:
    """Return the share of those who began by the day of whom no other session shows that they were still in care."""
    weeks = found.trial.by_day // 7
    session = found.found.session[:, :weeks]
    began = session.any(axis=1)
    if not began.any():
        return 0.0
    first = 7.0 * session[began].argmax(axis=1)
    return float((found.found.other_care_day[began] < first).mean())


def power_estimates(found: Emulation, feasible: Feasibility) -> tuple[Estimate, ...]:
    """Return how small a difference is to be found, nothing where an arm has no followers."""
    if math.isnan(feasible.expected_difference):
        return ()
    words = "smallest difference to be expected, before outcomes are seen"
    fields = {"unit": found.unit, "n_patients": found.n_patients}
    return (detectable_difference(feasible.expected_difference, words, fields),)


def count_estimates(found: Emulation) -> Iterator[Estimate]:
    """Yield who is eligible, who is in the trial, who followed what, and which share of these is scored."""
    yield _count(ELIGIBLE, found.n_eligible)
    yield _count(IN_TRIAL, found.n_patients)
    yield from course_estimates(found)
    for name, members in followed_groups(found).items():
        yield _count(name, found.people(members))
        if found.days:
            for visit, one in zip(found.trial.visits, found.days, strict=True):
                yield from _share(found, f"{SCORED}{name}", members, one.is_observed, visit.name)
        else:
            yield from _share(found, f"{SCORED}{name}", members, found.is_scored)


def event_estimates(found: Emulation) -> Iterator[Estimate]:
    """Yield which share of each kind of followers was seen to have the binary outcome, and which of each arm's.

    Of days at each visit. Few of those who followed both have it, so what leaves the clinic is told by arm; not where
    patients have several courses, which would tell of how many these follow different strategies.
    """
    if found.event is None:
        return
    visits = [visit.name for visit in found.trial.visits] if found.days else [""]
    for name, members in followed_groups(found).items():
        for visit, one in zip(visits, found.outcomes, strict=True):
            yield from _share(found, f"{SEEN}{name}", members, one.outcome > 0.0, visit)
    for name, arm in zip(FOLLOWING, found.data.arms, strict=True) if found.units is None else ():
        for visit, one in zip(visits, found.outcomes, strict=True):
            yield from _share(found, f"{SEEN}{name}", arm.followed, one.outcome > 0.0, visit)


def _share(
    found: Emulation, term: str, members: NDArray[np.bool_], some: NDArray[np.bool_], visit: str = ""
) -> Iterator[Estimate]:
    """Yield which share of some patients has something; nothing where there are none."""
    n_members = found.people(members)
    if n_members:
        share = found.people(members & some) / n_members
        yield Estimate(term=term, measure="proportion", visit=visit, estimate=share, n_patients=n_members)


def course_estimates(found: Emulation) -> Iterator[Estimate]:
    """Yield how many courses there are, and how many patients have several; nothing where each has one trial."""
    import numpy as np

    if found.units is None:
        return
    yield Estimate(term=COURSES, measure="count", unit="courses", estimate=float(found.n_courses))
    yield _count(SEVERAL_COURSES, int((np.bincount(found.units) > 1).sum()))


def followed_groups(found: Emulation) -> dict[str, NDArray[np.bool_]]:
    """Return who followed both strategies, one alone, or neither."""
    comparator, treated = (arm.followed for arm in found.data.arms)
    masks = (treated & comparator, treated & ~comparator, ~treated & comparator, ~treated & ~comparator)
    return dict(zip((*GROUPS, NEITHER), masks, strict=True))


def _count(term: str, n_patients: int) -> Estimate:
    return Estimate(term=term, measure="count", unit="patients", estimate=float(n_patients), n_patients=n_patients)
