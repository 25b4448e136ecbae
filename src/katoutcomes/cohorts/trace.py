"""Why a score of one patient was the baseline, or a visit, or neither: the rules once more, in words.

Nothing here makes a result. The rules are applied again, score by score in Python, so that the trace also shows where
they would differ from the stages in SQL; tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from katoutcomes.cohorts.outcome_scores import scores_table
from katoutcomes.errors import OptionError
from katoutcomes.estimands.visit_window import FIRST_DOSE, FIRST_MAINTENANCE_DOSE, VisitWindow

if TYPE_CHECKING:
    import pandas as pd

    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.instruments.instrument import Instrument

COLUMNS: tuple[str, ...] = (
    "record",
    "day",
    "minute",
    "course",
    "course_day",
    "dose",
    "phase",
    "score",
    "windows",
    "chosen_for",
    "why",
)
"""Columns of a trace; those of doses are empty for scores and the other way round."""

_WHOLE = ("day", "minute", "course", "course_day", "dose")


@dataclass(frozen=True, slots=True)
class TracedDose:
    """A dosing session: `number` and `is_induction` only in the analyzed course."""

    day: int
    minute: int | None
    course: int
    number: int | None
    is_induction: bool


@dataclass(frozen=True, slots=True)
class TracedScore:
    """A score of the instrument."""

    day: int
    minute: int | None
    total: float

    def is_after(self, dose: TracedDose) -> bool:
        """Whether it comes after a dose: on the same day only if both minutes are known and its own is later."""
        if self.day != dose.day:
            return self.day > dose.day
        return self.minute is not None and dose.minute is not None and self.minute > dose.minute


def trace_patient(cohort: Cohort, patient_id: str, scale: Instrument, windows: Sequence[VisitWindow]) -> pd.DataFrame:
    """Return the trace of one patient; see `Cohort.trace`."""
    patient = _patient_number(cohort, patient_id)
    tables = cohort.tables
    failed = int(tables.count("26_first_failed", eligibility=cohort.eligibility_table, patient=patient))
    doses = _doses(cohort, patient)
    scores = _scores(cohort, patient, scale)
    rows = [_patient_row(cohort, failed), *_dose_rows(doses, cohort.definition.gap_days)]
    analyzed = [dose for dose in doses if dose.number is not None]
    if failed or not analyzed:
        rows += [{"record": "score", **_moment(score), "why": "the patient is not in the cohort"} for score in scores]
    else:
        rows += _score_rows(scores, analyzed, (cohort.definition.effective_baseline_window, *windows))
    return _frame(rows)


def _patient_number(cohort: Cohort, patient_id: str) -> int:
    import numpy as np

    columns = cohort.tables.fetch("27_patient_keys")
    found = np.flatnonzero(np.asarray(columns["patient_id"]) == patient_id)
    if not found.size:
        raise OptionError("the registry has no patient of that patient_id.")
    return int(columns["patient"][found[0]])


def _known(value: Any) -> int | None:
    """Return a cell of a fetched column, None where it is masked or missing."""
    return None if value is None else int(value)


def _doses(cohort: Cohort, patient: int) -> list[TracedDose]:
    import numpy as np

    name = cohort.tables.name
    columns = cohort.tables.fetch(
        "17_patient_doses",
        dosing_sessions=name("dosing_sessions"),
        courses=name("courses"),
        phases=name("phases"),
        patient=patient,
    )
    cells = (np.ma.asarray(columns[key]).tolist() for key in ("day", "minute", "course", "dose", "is_induction"))
    return [
        TracedDose(int(day), _known(minute), int(course), _known(dose), bool(is_induction))
        for day, minute, course, dose, is_induction in zip(*cells, strict=True)
    ]


def _scores(cohort: Cohort, patient: int, scale: Instrument) -> list[TracedScore]:
    import numpy as np

    tables = cohort.tables
    with scores_table(tables, scale) as table:
        columns = tables.fetch("25_patient_scores", scores=table, instrument=scale.id, patient=patient)
    cells = (np.ma.asarray(columns[key]).tolist() for key in ("day", "minute", "total"))
    return [TracedScore(int(day), _known(minute), float(total)) for day, minute, total in zip(*cells, strict=True)]


# --- the rows --------------------------------------------------------------------------------------------------------


def _patient_row(cohort: Cohort, failed: int) -> dict[str, Any]:
    why = "in the cohort: every criterion is met"
    if failed:
        why = f"not in the cohort: {cohort.attrition[failed].reason}"
    return {"record": "patient", "why": why}


def _moment(record: TracedDose | TracedScore) -> dict[str, Any]:
    moment: dict[str, Any] = {"day": record.day, "minute": record.minute}
    return moment | ({"score": record.total} if isinstance(record, TracedScore) else {})


def _dose_rows(doses: Sequence[TracedDose], gap_days: int) -> list[dict[str, Any]]:
    start = next((dose.day for dose in doses if dose.number == 1), None)
    rows = []
    for place, dose in enumerate(doses):
        row: dict[str, Any] = {"record": "dosing session", **_moment(dose), "course": dose.course, "dose": dose.number}
        row["course_day"] = None if start is None else dose.day - start
        row["phase"] = "" if dose.number is None else ("induction" if dose.is_induction else "maintenance")
        row["why"] = _why_course(doses, place, gap_days)
        rows.append(row)
    return rows


def _why_course(doses: Sequence[TracedDose], place: int, gap_days: int) -> str:
    dose = doses[place]
    zero = "; time zero: the first dose of the analyzed course" if dose.number == 1 else ""
    if place == 0:
        return f"the first dosing session{zero}"
    gap = dose.day - doses[place - 1].day
    if dose.course != doses[place - 1].course:
        return f"begins course {dose.course}: {gap} days after the dose before, more than {gap_days}{zero}"
    return f"continues course {dose.course}: {gap} days after the dose before, not more than {gap_days}{zero}"


def _score_rows(
    scores: Sequence[TracedScore], doses: Sequence[TracedDose], windows: Sequence[VisitWindow]
) -> list[dict[str, Any]]:
    """Return a row a score; `doses` are those of the analyzed course, the first of `windows` is the baseline's."""
    zero = doses[0]
    lying = {
        window.name: _lying_in(window, scores, doses, is_baseline=place == 0) for place, window in enumerate(windows)
    }
    rows = []
    for place, score in enumerate(scores):
        its = [window for window in windows if place in lying[window.name]]
        chosen = [window.name for window in its if _is_chosen(window, place, lying[window.name])]
        row: dict[str, Any] = {"record": "score", **_moment(score), "course_day": score.day - zero.day}
        row["windows"] = "; ".join(window.name for window in its)
        row["chosen_for"] = "; ".join(chosen)
        row["why"] = "; ".join(_why_window(window, place, lying[window.name]) for window in its) or _why_none(
            score, zero
        )
        rows.append(row)
    return rows


def _lying_in(
    window: VisitWindow, scores: Sequence[TracedScore], doses: Sequence[TracedDose], *, is_baseline: bool
) -> dict[int, int]:
    """Return which scores lie in a window, each with its day counted from the window's anchor."""
    anchor = _anchor(window, doses)
    if anchor is None:
        return {}
    found = {}
    for place, score in enumerate(scores):
        day = score.day - anchor.day
        if is_baseline:
            lies = window.first_day <= day <= window.last_day and not score.is_after(doses[0])
        else:
            lies = score.is_after(doses[0]) and window.holds(day, is_after=score.is_after(anchor))
        if lies:
            found[place] = day
    return found


def _anchor(window: VisitWindow, doses: Sequence[TracedDose]) -> TracedDose | None:
    """Return the dose that a window counts from, None if the patient never had it."""
    number = window.dose_number
    if window.anchor != FIRST_DOSE and number is None:
        n_induction = sum(dose.is_induction for dose in doses)
        number = n_induction + (window.anchor == FIRST_MAINTENANCE_DOSE)
    return next((dose for dose in doses if dose.number == number), None)


def _is_chosen(window: VisitWindow, place: int, lying: dict[int, int]) -> bool:
    return window.choice == "mean" or place == min(lying, key=lambda other: window.rank(lying[other]))


def _why_window(window: VisitWindow, place: int, lying: dict[int, int]) -> str:
    """Return why a score that lies in a window was taken or not."""
    if len(lying) == 1:
        return f"{window.name}: chosen, the only score in the window"
    if window.choice == "mean":
        return f"{window.name}: one of {len(lying)} scores in the window, whose mean is taken"
    taken = min(lying, key=lambda other: window.rank(lying[other]))
    rule = {"nearest": f"the nearest to day {window.target_day}", "last": "the last", "first": "the first"}[
        window.choice
    ]
    if place == taken:
        return f"{window.name}: chosen, {rule} of {len(lying)} scores in the window"
    distances = {abs(lying[place] - window.target_day), abs(lying[taken] - window.target_day)}
    if window.choice == "nearest" and len(distances) == 1:
        return f"{window.name}: not chosen, an earlier score is equally near to day {window.target_day}"
    better = {
        "nearest": f"another is nearer to day {window.target_day}",
        "last": "a later one is",
        "first": "an earlier one is",
    }
    inside = "" if window.choice == "nearest" else " in the window"
    return f"{window.name}: not chosen, {better[window.choice]}{inside}"


def _why_none(score: TracedScore, zero: TracedDose) -> str:
    when = "after" if score.is_after(zero) else "before"
    same_day = f" (on its day it counts as {when} it)" if score.day == zero.day else ""
    return f"{when} the first dose{same_day}, in no window"


def _frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows in order of time, the patient first and doses before scores of their day."""
    import pandas as pd

    kinds = ("patient", "dosing session", "score")
    ordered = sorted(rows, key=lambda row: (row.get("day", -(10**6)), kinds.index(row["record"])))
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        cells = [row.get(name) for row in ordered]
        if name in _WHOLE:
            columns[name] = pd.array(cells, dtype="Int64")
        elif name == "score":
            columns[name] = pd.array([float("nan") if cell is None else cell for cell in cells], dtype="float64")
        else:
            columns[name] = [cell or "" for cell in cells]
    frame: pd.DataFrame = _trace_frame()(columns)
    return frame


@cache
def _trace_frame() -> Any:
    """Return the class of frames that print every reason in full; pandas cuts a cell after 50 characters."""
    import pandas as pd

    class Trace(pd.DataFrame):
        """A trace: a data frame, and so is whatever is made of it."""

        @property
        def _constructor(self) -> type[pd.DataFrame]:
            return Trace

        def __repr__(self) -> str:
            """Return the rows as text, without columns in which nothing stands."""
            is_filled = (self.notna() & (self != "")).any(axis=0)
            cells = pd.DataFrame(self).astype(object).loc[:, is_filled]
            widest = max((len(str(why)) for why in cells.get("why", ())), default=0)
            left = {"why": lambda why: str(why).ljust(widest)} if "why" in cells else {}
            return str(cells.where(cells.notna(), "").to_string(index=False, justify="left", formatters=left))

        def _repr_html_(self) -> str:
            with pd.option_context("display.max_colwidth", None):
                return str(self.to_html(na_rep=""))

    return Trace
