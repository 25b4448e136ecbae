"""Every course of a patient as a trial of its own, pooled: the courses one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.analysis_set import AttritionStep, Variable
from katoutcomes.cohorts.emulation.compile_trial import emulation_set
from katoutcomes.cohorts.emulation.emulation_set import EarlierVisit, EmulationSet
from katoutcomes.errors import DesignError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.estimands.target_trial import TargetTrial
    from katoutcomes.registry.registry import Registry

COURSE_NUMBER, SINCE_LAST = "course_number", "baseline_change_since_last_course"
_BY_PATIENT = (
    *("baseline", "outcome", "last_care_day", "session", "last_score", "scored", "other_care_day", "has_left"),
    "patient",
)
_PADDED = ("session_days", "dose_days")


def trial_patients(
    trial: TargetTrial, registry: Registry, *, in_care_until: Mapping[str, int] | None = None
) -> EmulationSet:
    """Return who is eligible for a trial: the first course of each patient, or every course.

    Parameters
    ----------
    trial : TargetTrial
        The question.
    registry : Registry
        The records.
    in_care_until : mapping of str to int, optional
        See `emulation_set`; of no use with several courses, since it is one day a patient.

    Raises
    ------
    DesignError
        If `in_care_until` is given for every course.

    References
    ----------
    Danaei G, Garcia Rodriguez LA, Cantero OF, Logan R, Hernan MA. Observational data for comparative effectiveness
    research: an emulation of randomised trials of statins and primary prevention of coronary heart disease. Stat
    Methods Med Res 2013;22:70-96. doi:10.1177/0962280211403603.
    """
    if trial.courses == "first":
        return _with_codes(emulation_set(trial, registry, in_care_until=in_care_until))
    if in_care_until is not None:
        raise DesignError("in_care_until is one day a patient; with courses='every' each course would need its own.")
    first = emulation_set(trial, registry)
    sets = [first]
    while (found := _course(trial, registry, len(sets) + 1)) is not None:
        sets.append(found)
    return _with_codes(pooled(sets))


def _course(trial: TargetTrial, registry: Registry, number: int) -> EmulationSet | None:
    """Return the eligible nth courses, None where there is none; whoever has more courses has had this one."""
    try:
        return emulation_set(trial, registry, course=number)
    except DesignError:
        return None


def _with_codes(found: EmulationSet) -> EmulationSet:
    """Return the same with patients numbered as they appear, which depends on values and not on keys."""
    _, first, codes = np.unique(found.patient, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    return replace(found, patient=rank[codes].astype(np.int64))


def pooled(sets: Sequence[EmulationSet]) -> EmulationSet:
    """Return the rows of the first, second, ... courses one below the other, with two variables about courses."""
    first = sets[0]
    arrays: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in sets]) for name in _BY_PATIENT}
    arrays |= {name: _padded([getattr(one, name) for one in sets]) for name in _PADDED}
    numbers = np.repeat(np.arange(1.0, len(sets) + 1.0), [one.n_patients for one in sets])
    changes = _changes(arrays["patient"], arrays["baseline"])
    parts = [[one.variable(variable.name) for one in sets] for variable in first.variables]
    # A number of few values is told by its levels; where that is so of one course and not of another, it is left out.
    variables = [_joined(same) for same in parts if len({one.kind for one in same}) == 1]
    variables += [
        Variable(COURSE_NUMBER, "Number of the course", "number", numbers),
        Variable(SINCE_LAST, "Baseline score since the course before", "number", changes, unit="points"),
    ]
    step = AttritionStep("patients with an eligible course", "", len(np.unique(arrays["patient"])), 0)
    settings = (*first.provenance.settings, ("courses", "every eligible course of a patient"))
    return replace(
        first,
        **arrays,
        variables=tuple(variables),
        attrition=(step,),
        provenance=replace(first.provenance, settings=settings),
        earlier=tuple(_same_visit(same) for same in zip(*(one.earlier for one in sets), strict=True)),
    )


def _same_visit(parts: Sequence[EarlierVisit]) -> EarlierVisit:
    """Return one earlier visit of all courses."""
    arrays = (np.concatenate([getattr(one, name) for one in parts]) for name in ("score", "last_score", "has_left"))
    return EarlierVisit(parts[0].window, *arrays)


def _padded(days: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    width = max(one.shape[1] for one in days)
    return np.concatenate([np.pad(one, ((0, 0), (0, width - one.shape[1])), constant_values=np.nan) for one in days])


def _changes(patient: NDArray[np.int64], baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the baseline score minus that of the patient's course before; 0 where there is none before."""
    latest: dict[int, float] = {}
    changes = np.zeros(len(patient))
    for row, (one, score) in enumerate(zip(patient.tolist(), baseline.tolist(), strict=True)):
        changes[row] = score - latest[one] if one in latest else 0.0
        latest[one] = score
    return changes


def _joined(parts: Sequence[Variable]) -> Variable:
    """Return one variable of all courses; the levels of a category are those of any of them."""
    first = parts[0]
    if first.kind != "category":
        return replace(first, values=np.concatenate([one.values for one in parts]))
    levels = tuple(dict.fromkeys(level for one in parts for level in one.levels))
    values = [
        np.array([np.nan if np.isnan(code) else float(levels.index(one.levels[int(code)])) for code in one.values])
        for one in parts
    ]
    return replace(first, values=np.concatenate(values), levels=levels)
