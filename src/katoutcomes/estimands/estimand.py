"""The question, in the attributes that ICH E9(R1) names, so that it can travel inside the answer."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The variable: a score of an instrument at a visit.

    Attributes
    ----------
    instrument : str
        Name of the instrument, for example ``"PHQ-9"``.
    visit : str
        Name of the visit, or ``"every visit"``.
    variable : str
        What is made of the score, for example ``"score"``, ``"change from baseline"``, ``"reliable improvement"``.
    """

    instrument: str
    visit: str
    variable: str


@dataclass(frozen=True, slots=True)
class Estimand:
    """What is estimated: population, treatments, variable, intercurrent events, summary.

    Attributes
    ----------
    name : str
        A short name, for example ``"change_under_ketamine"``.
    population : str
        Who, in words.
    treatment, comparator : str
        What is compared; ``""`` where nothing is (a single group is described).
    endpoint : Endpoint
        The variable.
    intercurrent_events : str
        What is done about leaving care, further courses, other treatment.
    summary_measure : str
        For example ``"mean change"`` or ``"difference in means"``.
    is_causal : bool
        Whether the question is about an effect. A change over time in one group is not.

    References
    ----------
    ICH E9(R1), addendum on estimands and sensitivity analysis in clinical trials, 2019.
    """

    name: str
    population: str
    treatment: str
    comparator: str
    endpoint: Endpoint
    intercurrent_events: str
    summary_measure: str
    is_causal: bool = False

    def sentence(self) -> str:
        """Return the question as one plain sentence.

        Examples
        --------
        >>> Estimand(
        ...     name="change_under_ketamine",
        ...     population="patients with a first dose",
        ...     treatment="",
        ...     comparator="",
        ...     endpoint=Endpoint("PHQ-9", "week 12", "change from baseline"),
        ...     intercurrent_events="scores are used as observed",
        ...     summary_measure="mean change",
        ... ).sentence()
        'Mean change: change from baseline on the PHQ-9 at week 12, in patients with a first dose; scores are used as
        observed.'
        """
        measure = self.summary_measure[:1].upper() + self.summary_measure[1:]
        contrast = f", {self.treatment} minus {self.comparator}".replace("_", " ") if self.comparator else ""
        where = f" on the {self.endpoint.instrument}" if self.endpoint.instrument else ""
        when = f" at {self.endpoint.visit}" if self.endpoint.visit else ""
        return (
            f"{measure}: {self.endpoint.variable}{where}{when}{contrast}, in {self.population}; "
            f"{self.intercurrent_events}."
        )

    def to_dict(self) -> dict[str, object]:
        """Return the attributes as plain values, the endpoint as a dictionary."""
        values: dict[str, object] = {field.name: getattr(self, field.name) for field in fields(self)}
        values["endpoint"] = {
            "instrument": self.endpoint.instrument,
            "visit": self.endpoint.visit,
            "variable": self.endpoint.variable,
        }
        return values
