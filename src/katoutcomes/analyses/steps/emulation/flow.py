"""Who is in an emulated trial and until when each copy follows: from the registry to the last week."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.flow_rows import excluded, flow_of, selection_rows, stage
from katoutcomes.cohorts.emulation.sequential import COURSE_NUMBER, SINCE_LAST
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.data import Emulation

ELIGIBLE, IN_TRIAL = "eligible patients", "patients in the trial"
COURSES, SEVERAL_COURSES = "courses in the trial", "patients with several courses"
DEPARTED_IN, IN_CARE = "departed in the week", "in care when the week began"
BY_WEEK, FEWEST = "trial_by_week", "fewest_patients"
OF_COURSES = frozenset({COURSE_NUMBER, SINCE_LAST})
_LEFT_OUT = "no baseline score, or a covariate not known"


def departure_weeks(found: Emulation) -> NDArray[np.int64]:
    """Return in which week, from 1, each copy departs from its strategy, 0 for never; comparator first."""
    import numpy as np

    from katoutcomes.cohorts.emulation.decisions import deviation_day

    days = deviation_day(found.trial, found.found)
    return np.where(np.isinf(days), 0.0, np.ceil(days / 7.0)).astype(np.int64)


def flow_part(found: Emulation) -> Part:
    """Return everybody in the registry, whom each question leaves out, and who is in the trial."""
    rows = selection_rows(found.found.attrition, last_step=ELIGIBLE)
    rows += [excluded(IN_TRIAL, _LEFT_OUT, found.n_eligible - found.n_patients), stage(IN_TRIAL, found.n_patients)]
    return flow_of(rows)


def by_week_part(found: Emulation) -> Part:
    """Return how many departed from each arm in each week, and how many patients were in care when it began."""
    departed = departure_weeks(found)
    n_weeks = max(found.trial.by_day // 7, int(departed.max(initial=0)))
    rows: list[tuple[Cell, ...]] = []
    for arm, strategy in enumerate((found.trial.comparator, found.trial.strategy)):
        rows += [
            (week, strategy.label, DEPARTED_IN, found.people(departed[:, arm] == week))
            for week in range(1, n_weeks + 1)
        ]
    in_care = found.found.in_care
    rows += [(week, "", IN_CARE, found.people(in_care[:, week - 1])) for week in range(1, n_weeks + 1)]
    return Part(BY_WEEK, ("order", "group", "step", "n_patients"), tuple(rows))


def fewest_part(found: Emulation) -> tuple[Part, ...]:
    """Return, for each category and flag, the smallest number of followers of an arm who share a level."""
    rows = tuple(fewest_followers(found, or_none=False))
    return (Part(FEWEST, ("term", "n_patients"), rows),) if rows else ()


def fewest_followers(found: Emulation, *, or_none: bool) -> Iterator[tuple[str, int]]:
    """Yield the name of each category and flag with the smallest number of followers of an arm who share a level.

    Parameters
    ----------
    found : Emulation
        The patients.
    or_none : bool
        Whether a level that no follower of an arm has counts as 0; otherwise it is left out.
    """
    import numpy as np

    for variable in found.variables:
        values = variable.values
        if variable.name in OF_COURSES:
            # Hardly anything but who has a later course: two levels, though one is a number.
            values = (values != (1.0 if variable.name == COURSE_NUMBER else 0.0)).astype(np.float64)
        elif variable.kind == "number":
            continue
        counts = [
            found.people(arm.followed & (values == code)) for code in np.unique(values) for arm in found.data.arms
        ]
        kept = [count for count in counts if count or or_none]
        if kept:
            yield variable.name, min(kept)
