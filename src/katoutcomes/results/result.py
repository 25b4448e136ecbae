"""The answer, with the question inside it; and the answer that may leave a clinic."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError, require_option
from katoutcomes.estimands.estimand import Estimand
from katoutcomes.results.check import Check, verdict
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import IndividualValues, Part
from katoutcomes.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd

    from katoutcomes.results.repeated_measures import RepeatedMeasuresModel
    from katoutcomes.results.resamples import Resamples

_FIELDS = frozenset(one.name for one in dataclass_fields(Estimate))


@dataclass(frozen=True, slots=True)
class Method:
    """How the numbers were made.

    Attributes
    ----------
    name : str
        For example ``"paired t"``.
    description : str
        One or two sentences for the methods section: formula in words, denominators, interval.
    sources : tuple of str
        Citations, each with a DOI where there is one.
    """

    name: str
    description: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ResultRecord:
    """What a result in the clinic and a released result have in common.

    Attributes
    ----------
    analysis : str
        Name of the function that made it.
    title : str
        What a reader sees above its table.
    estimand : Estimand
        The question.
    method : Method
        How it was answered.
    estimates : tuple of Estimate
        The numbers; `to_frame` gives one row each.
    parts : tuple of Part
        Tables of counts that figures are drawn from.
    assumptions : tuple of str
        What must hold for the numbers to mean what they seem to mean.
    checks : tuple of Check
        Diagnostics; the failed ones decide `verdict`.
    warnings : tuple of str
        Everything that was also warned about.
    provenance : Provenance
        Which data, which code.
    """

    analysis: str
    title: str
    estimand: Estimand
    method: Method
    estimates: tuple[Estimate, ...]
    provenance: Provenance
    parts: tuple[Part, ...] = ()
    assumptions: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        what = f"{type(self).__name__} of {self.analysis}: {self.title}"
        return f"<{what}; {len(self.estimates)} estimates, verdict: {self.verdict}>"

    def __str__(self) -> str:
        return str(self.to_table())

    @property
    def verdict(self) -> str:
        """What the failed checks demand: "report", "with caution" or "withhold"."""
        return verdict(self.checks)

    def part(self, name: str) -> Part:
        """Return the part called `name`."""
        for part in self.parts:
            if part.name == name:
                return part
        raise OptionError(f"{self.analysis} has no part {name!r}; it has {[part.name for part in self.parts]}.")

    def select(self, **fields: str) -> tuple[Estimate, ...]:
        """Return the estimates whose named fields have the given values, in order; none if there is no such one.

        Raises
        ------
        OptionError
            If an estimate has no field of that name, or if the result is of visits and not of the one asked for.

        Examples
        --------
        ``result.select(term="change", measure="d_av")``
        """
        for name in sorted(fields.keys() - _FIELDS):
            require_option("the field of an estimate", name, sorted(_FIELDS))
        if fields.get("visit") and (visits := self._visits()):
            require_option("visit", fields["visit"], visits)
        return tuple(
            estimate
            for estimate in self.estimates
            if all(getattr(estimate, name) == value for name, value in fields.items())
        )

    def _visits(self) -> tuple[str, ...]:
        """Return the visits that the result is of, those without an estimate included."""
        of_parts = (cell for part in self.parts if "visit" in part.columns for cell in part.column("visit"))
        named = (*(estimate.visit for estimate in self.estimates), *of_parts)
        return tuple(dict.fromkeys(str(visit) for visit in named if visit))

    def to_frame(self) -> pd.DataFrame:
        """Return one row an estimate, with the columns of `vocabulary.ESTIMATE_COLUMNS`."""
        from katoutcomes.results.serialization import estimates_frame

        return estimates_frame(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries and lists, ready for JSON; individual values are never among them."""
        from katoutcomes.results.serialization import result_dict

        return result_dict(self)

    def to_json(self) -> str:
        """Return the same as JSON text: sorted keys, 12 significant digits, null for what does not apply."""
        from katoutcomes.results.serialization import result_json

        return result_json(self)

    def to_table(self, kind: str | None = None, **choices: Any) -> Any:
        """Return the analysis's `Table`; `kind` names another one where there are several."""
        from katoutcomes.results.presenters import table_function

        return table_function(self.analysis, kind)(self, **choices)

    def plot(self, kind: str | None = None, **choices: Any) -> Any:
        """Return the analysis's `Figure`; `kind` names one where there are several."""
        from katoutcomes.results.presenters import figure_function

        figure, note = figure_function(self.analysis, kind)(self, **choices), self.rounding_note
        return replace(figure, alt_text=f"{figure.alt_text} {note}") if note else figure

    @property
    def rounding_note(self) -> str:
        """How the counts of a released result are rounded, in words; ``""`` where they are exact."""
        return ""

    def _repr_html_(self) -> str:
        from katoutcomes.results.serialization import notebook_html

        return notebook_html(self)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Result(ResultRecord):
    """An answer that stays in the clinic; `release` makes of it what may leave.

    Attributes
    ----------
    individual_values : IndividualValues or None
        Scores without keys, for the points of a notebook's figures.
    model : RepeatedMeasuresModel or None
        What `contrast` asks further questions of; for results of `mmrm`.
    resamples : Resamples or None
        What `outcome_family` makes a band over several results of; for results of `compare_cohorts`.
    """

    individual_values: IndividualValues | None = None
    model: RepeatedMeasuresModel | None = None
    resamples: Resamples | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReleasedResult(ResultRecord):
    """An answer without individual values and without small cells: the only kind that a report accepts.

    Attributes
    ----------
    minimum_cell : int
        The smallest count that is shown.
    round_to : int
        Counts are rounded to the nearest multiple of this; 1 where they are exact.
    """

    minimum_cell: int
    round_to: int = 1

    @property
    def rounding_note(self) -> str:
        """How the counts are rounded, in words; ``""`` where they are exact."""
        if self.round_to == 1:
            return ""
        return (
            f"Counts are rounded to the nearest {self.round_to}, so sums may not add up; percentages are those of the "
            "rounded counts."
        )
