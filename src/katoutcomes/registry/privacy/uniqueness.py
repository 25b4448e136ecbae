"""How many patients are alone, or nearly alone, with what others may know about them.

A key says nothing, but age, sex, clinic and diagnosis together may: whoever knows a patient knows these as well.
Patients who share all of them with nobody can be recognized in the data, whatever their key is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.registry.registry_needed import require_registry
from katoutcomes.results.formatting import format_count, format_percent

if TYPE_CHECKING:
    import pandas as pd

    from katoutcomes.registry.engines.table_engine import TableEngine
    from katoutcomes.registry.registry import Registry

DEFAULT_VARIABLES: tuple[str, ...] = ("age_band", "sex", "site", "diagnoses")
"""What somebody who knows a patient is likely to know."""
KNOWABLE = (*DEFAULT_VARIABLES, "age_years", "prior_antidepressant_trials", "program_booked", "index_quarter")
UNIQUENESS_MARKS: tuple[float, float] = (0.05, 0.20)
"""Shares of unique patients between which, and above which, data are often called risky.

El Emam K, et al. (2010), PMC2858714."""
CLASS_SIZES: tuple[tuple[str, int, int], ...] = (
    ("1", 1, 1),
    ("2 to 4", 2, 4),
    ("5 to 10", 5, 10),
    ("11 or more", 11, 2**31 - 1),
)


@dataclass(frozen=True, slots=True)
class UniquenessReport:
    """Classes of patients who cannot be told apart by some variables, by their size.

    The counts are for the people who keep the data: they are below the smallest count that may leave a clinic, and no
    report shows them.

    Attributes
    ----------
    variables : tuple of str
        Columns of `patients` that make the classes. An unknown value is a value of its own.
    n_patients : int
        All patients.
    n_classes : tuple of int
        Classes of 1, of 2 to 4, of 5 to 10, and of 11 or more patients.
    n_patients_by_size : tuple of int
        Patients in them.
    smallest_class : int
        The k of k-anonymity; 0 without patients.

    Examples
    --------
    >>> report = UniquenessReport(("sex", "site"), 100, (3, 2, 1, 4), (3, 6, 8, 83), 1)
    >>> report.n_unique, report.n_below_5, report.n_below_11, report.share_unique
    (3, 9, 17, 0.03)
    """

    variables: tuple[str, ...]
    n_patients: int
    n_classes: tuple[int, ...]
    n_patients_by_size: tuple[int, ...]
    smallest_class: int

    @property
    def n_unique(self) -> int:
        """Patients who are alone in their class."""
        return self.n_patients_by_size[0]

    @property
    def n_below_5(self) -> int:
        """Patients in classes of fewer than five."""
        return sum(self.n_patients_by_size[:2])

    @property
    def n_below_11(self) -> int:
        """Patients in classes of fewer than eleven."""
        return sum(self.n_patients_by_size[:3])

    @property
    def share_unique(self) -> float:
        """`n_unique` as a share of all patients; 0 without patients."""
        return self.n_unique / self.n_patients if self.n_patients else 0.0

    @property
    def verdict(self) -> str:
        """The share of unique patients against the two marks, in words."""
        low, high = UNIQUENESS_MARKS
        if self.share_unique > high:
            return f"above {format_percent(high)}: easily recognized"
        if self.share_unique > low:
            return f"above {format_percent(low)}: some are recognized"
        return f"at most {format_percent(low)}"

    def to_text(self) -> str:
        """Return one sentence for a load report."""
        shared = ", ".join(self.variables)
        return (
            f"{format_count(self.n_below_5)} of {format_count(self.n_patients)} patients share {shared} with fewer "
            f"than four others, {format_count(self.n_below_11)} with fewer than ten; {format_count(self.n_unique)} are "
            f"unique ({format_percent(self.share_unique)}; {self.verdict}). For use inside the clinic only: make bands "
            "wider, or leave out what is not needed."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a size of class, with the number of classes and of patients."""
        import pandas as pd

        return pd.DataFrame(
            {
                "class_size": [label for label, _, _ in CLASS_SIZES],
                "n_classes": list(self.n_classes),
                "n_patients": list(self.n_patients_by_size),
            }
        )

    def _repr_html_(self) -> str:
        caption = escape(f"Patients who share {', '.join(self.variables)} (for use inside the clinic only)")
        rows = "".join(
            f"<tr><th scope='row'>{label}</th><td>{format_count(classes)}</td><td>{format_count(patients)}</td></tr>"
            for (label, _, _), classes, patients in zip(
                CLASS_SIZES, self.n_classes, self.n_patients_by_size, strict=True
            )
        )
        header = "".join(f"<th scope='col'>{name}</th>" for name in ("patients in a class", "classes", "patients"))
        foot = escape(f"unique: {format_percent(self.share_unique)} of {format_count(self.n_patients)}; {self.verdict}")
        return (
            f"<table><caption>{caption}</caption><thead><tr>{header}</tr></thead><tbody>{rows}</tbody>"
            f"<tfoot><tr><td colspan='3'>{foot}</td></tr></tfoot></table>"
        )


def uniqueness(registry: Registry, variables: Sequence[str] = DEFAULT_VARIABLES) -> UniquenessReport:
    """Count the patients who can be told apart by what others may know about them.

    Parameters
    ----------
    registry : Registry
        The data.
    variables : sequence of str, default ("age_band", "sex", "site", "diagnoses")
        Columns of `patients`.

    Returns
    -------
    UniquenessReport
        Counts of classes and patients, never the classes themselves.

    Raises
    ------
    OptionError
        If a variable is none of these columns, stands twice, or there is none; if `registry` is no `Registry`.

    Notes
    -----
    Patients are compared among themselves, as if everybody knew that they are in the data; in the population they may
    be less alone. It is a lower bound for nothing and an upper bound for the share that can be recognized by these
    variables alone; dates, doses and rare events may tell more.

    References
    ----------
    El Emam K, et al. (2010), PMC2858714: marks of 5 % and 20 % of unique patients.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> report = uniqueness(registry, ("age_band", "sex"))
    >>> report.n_patients == sum(report.n_patients_by_size)
    True
    """
    require_registry(registry)
    known = [*KNOWABLE, *registry.patient_columns]
    chosen = tuple(variables)
    if not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= set(known):
        raise OptionError(f"variables must be different columns among {', '.join(known)}.")
    return count_classes(registry.engine, chosen)


def count_classes(engine: TableEngine, variables: tuple[str, ...] = DEFAULT_VARIABLES) -> UniquenessReport:
    """Count the classes of the accepted patients in an engine; see `uniqueness`."""
    listed = ", ".join(variables)
    sizes = f"select count(*) as k from patients group by {listed}"
    counts = ", ".join(
        f"count(case when k between {low} and {high} then 1 end) as c{place}, "
        f"coalesce(sum(case when k between {low} and {high} then k end), 0) as p{place}"
        for place, (_, low, high) in enumerate(CLASS_SIZES)
    )
    row = engine.fetch(f"select {counts}, coalesce(min(k), 0) as smallest from ({sizes}) as sizes")
    n_patients = tuple(int(row[f"p{place}"][0]) for place in range(len(CLASS_SIZES)))
    n_classes = tuple(int(row[f"c{place}"][0]) for place in range(len(CLASS_SIZES)))
    return UniquenessReport(variables, sum(n_patients), n_classes, n_patients, int(row["smallest"][0]))
