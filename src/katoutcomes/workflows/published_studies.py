"""The tables and figures that published studies print, made of any registry by the analyses of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import KatOutcomesError, require_option

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.registry.registry import Registry
    from katoutcomes.results.collection import Results
    from katoutcomes.results.disclosure import DisclosurePolicy
    from katoutcomes.results.result import ReleasedResult, Result

_END_NOT_KNOWN = (
    "When the data end is not known for these patients (no quarter of the first dose, or another course than the "
    "first), so visits that were still to come count as not scored."
)
_LOSS = "Loss per visit. A clinic that asks nobody at a visit has no scores there, and they count as lost all the same."
SEVERITY = "baseline_severity"
"""The variable that holds the band of the baseline score."""


@dataclass(frozen=True, slots=True)
class LayoutPiece:
    """One table or figure of a paper, done with a registry.

    Attributes
    ----------
    printed : str
        What the paper prints, and what is done otherwise here.
    result : Result or ReleasedResult
        The numbers.
    kind : str
        Kind of figure; ``""`` where the paper prints a table.
    choices : mapping
        What the figure is drawn with.
    """

    printed: str
    result: Result | ReleasedResult
    kind: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)

    def table(self) -> Any:
        """Return the piece as a table."""
        return self.result.to_table()

    def figure(self) -> Any:
        """Return the piece as a figure; a piece without one is a table only.

        Raises
        ------
        OptionError
            If the analysis has no figure.
        """
        return self.result.plot(self.kind or None, **self.choices)


@dataclass(frozen=True, slots=True)
class PublishedLayout:
    """A published study's tables and figures with the numbers of a registry.

    Attributes
    ----------
    study : str
        For example ``"dore_2019"``.
    citation : str
        The paper whose layout it is; none of its numbers are in here.
    pieces : tuple of LayoutPiece
        In the order of the paper.
    notes : tuple of str
        What could not be made, and why.
    """

    study: str
    citation: str
    pieces: tuple[LayoutPiece, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<PublishedLayout {self.study!r}: {len(self.pieces)} pieces, {len(self.notes)} notes>"

    def results(self) -> Results:
        """Return the results alone, for a report."""
        from katoutcomes.results.collection import Results

        return Results(self.citation, tuple(piece.result for piece in self.pieces), self.notes)

    def release(self, policy: DisclosurePolicy | None = None) -> PublishedLayout:
        """Return the same with every result released."""
        from katoutcomes.results.disclosure import DEFAULT_POLICY, release

        chosen = DEFAULT_POLICY if policy is None else policy
        pieces = tuple(replace(piece, result=release(piece.result, chosen)) for piece in self.pieces)
        return replace(self, pieces=pieces)


@dataclass(frozen=True, slots=True)
class _Question:
    """A piece that has not been asked yet."""

    printed: str
    ask: Callable[[], Result]
    kind: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Study:
    citation: str
    instruments: tuple[str, ...]
    questions: Callable[[_Source], Iterator[_Question]]


@dataclass(frozen=True, slots=True)
class _Source:
    """The registry with the cohort rules and instruments that a layout is made with."""

    registry: Registry
    definition: CohortDefinition | None
    instruments: tuple[str, ...]
    made: dict[tuple[int, tuple[VisitWindow, ...], str], AnalysisSet] = field(default_factory=dict, repr=False)
    """Analysis sets that several pieces of one layout share."""
    notes: list[str] = field(default_factory=list, repr=False)
    """What the layout says of its patients."""

    def with_visits_due(self, visits: tuple[VisitWindow, ...]) -> tuple[_Source, tuple[VisitWindow, ...]]:
        """Return the patients whose last visit was over when the data end, so that nobody counts as lost too early.

        A visit that was due for nobody is left out; where no quarter of a first dose is known, everybody stays.
        """
        from katoutcomes.cohorts.data_end import data_end
        from katoutcomes.cohorts.definition import CohortDefinition
        from katoutcomes.estimands.eligibility import Criterion
        from katoutcomes.estimands.quarters import QUARTER_FIELD

        definition = self.definition or CohortDefinition(instrument=self.instruments[0])
        end = data_end(self.registry) if definition.course_number == 1 else None
        due = visits if end is None else tuple(one for one in visits if end.last_due_quarter(one.last_day) is not None)
        if end is None or not due:
            self.notes.append(_END_NOT_KNOWN)
            return self, visits
        for visit in visits[len(due) :]:
            self.notes.append(f"Not made: {visit.name}, which was not yet due for anybody when the data end.")
        asked = Criterion(
            QUARTER_FIELD,
            "<=",
            float(end.last_due_quarter(due[-1].last_day) or 0),
            f"{due[-1].name} not yet due when the data end, or unknown whether",
        )
        return replace(self, definition=replace(definition, criteria=(*definition.criteria, asked))), due

    def data(self, number: int = 0, visits: tuple[VisitWindow, ...] = (), second: str = "") -> AnalysisSet:
        """Return the analysis set of an instrument, with the band of the baseline score as a variable."""
        from katoutcomes.cohorts.definition import CohortDefinition
        from katoutcomes.cohorts.selection import select_cohort
        from katoutcomes.estimands.visit_window import DEFAULT_VISITS

        if (number, visits, second) in self.made:
            return self.made[number, visits, second]
        name = self.instruments[number]
        definition = self.definition or CohortDefinition(instrument=name)
        cohort = select_cohort(self.registry, definition)
        windows = visits or DEFAULT_VISITS
        data = cohort.analysis_set(name, visits=windows, with_scores_of=[second] if second else [])
        self.made[number, visits, second] = with_baseline_severity(data)
        return self.made[number, visits, second]


def with_baseline_severity(data: AnalysisSet) -> AnalysisSet:
    """Return the analysis set with the band of the baseline score as one more variable, known at time zero.

    An instrument without cited bands is returned as it is.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> data = kat.select_cohort(kat.simulate_registry(seed=1, n_patients=60)).analysis_set("PHQ-9")
    >>> with_baseline_severity(data).variable("baseline_severity").kind
    'category'
    """
    import numpy as np

    from katoutcomes.cohorts.analysis_set import Variable
    from katoutcomes.instruments.severity import severity_band

    try:
        banded = severity_band(data.instrument, data.baseline)
    except KatOutcomesError:
        return data
    codes = [code for code in range(len(banded.labels)) if (banded.codes == code).any()]
    values = np.full(data.n_patients, np.nan)
    for place, code in enumerate(codes):
        values[banded.codes == code] = place
    levels = tuple(banded.labels[code] for code in codes)
    variable = Variable(SEVERITY, "Severity at baseline", "category", values, levels)
    return replace(data, variables=(*data.variables, variable))


def published_layout(
    study: str,
    registry: Registry,
    *,
    definition: CohortDefinition | None = None,
    instruments: tuple[str, ...] | None = None,
) -> PublishedLayout:
    """Return the tables and figures of a published study, made of a registry.

    Parameters
    ----------
    study : {"dore_2019", "field_trip_2024", "mcinnes_2022", "nhs", "whinkin_2023"}
        Whose layout; ``"nhs"`` is what NHS Talking Therapies publishes of its courses.
    registry : Registry
        Whose patients.
    definition : CohortDefinition, optional
        The cohort; by default adults with the study's instrument.
    instruments : tuple of str, optional
        In place of the study's own, in the same order (Dore's second one is the clinician-rated one).

    Returns
    -------
    PublishedLayout
        What the registry can give; what it cannot give stands in `notes`. The layout is the paper's, the numbers are
        the registry's alone, and what the paper draws in a way that misleads is drawn otherwise: bars of two means
        become counts of patients in each severity band, and every number has its denominator.

    Raises
    ------
    OptionError
        If there is no such study, or not as many instruments as it has.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> layout = kat.published_layout("field_trip_2024", kat.simulate_registry(seed=1, n_patients=80))
    >>> [piece.result.analysis for piece in layout.pieces][:2]
    ['participant_flow', 'dropout']
    """
    require_option("study", study, sorted(_STUDIES))
    chosen = _STUDIES[study]
    names = chosen.instruments if instruments is None else tuple(instruments)
    require_option("number of instruments", str(len(names)), [str(len(chosen.instruments))])
    pieces, notes = [], []
    source = _Source(registry, definition, names)
    for question in chosen.questions(source):
        try:
            result = question.ask()
        except KatOutcomesError as error:
            notes.append(f"Not made: {question.printed} {error}")
            continue
        pieces.append(LayoutPiece(question.printed, result, question.kind, question.choices))
    return PublishedLayout(study, chosen.citation, tuple(pieces), (*source.notes, *notes))


def _dore(source: _Source) -> Iterator[_Question]:
    from katoutcomes.analyses.change_correlation import change_correlation
    from katoutcomes.analyses.change_from_baseline import change_from_baseline
    from katoutcomes.analyses.describe import describe
    from katoutcomes.analyses.severity_transitions import severity_transitions

    yield _Question("Demographics.", lambda: describe(source.data()))
    for number in (0, 1):
        yield _Question(
            "Two bars of means with the severity bands: here the patients who moved from each band to each.",
            lambda number=number: severity_transitions(source.data(number)),  # type: ignore[misc]
            "severity_transitions",
        )
        yield _Question(
            "The two means with p: here every visit, with those who were scored, the interval and two effect sizes.",
            lambda number=number: change_from_baseline(source.data(number)),  # type: ignore[misc]
            "trajectory",
        )
    for by in (SEVERITY, "age_band", "covariate_trauma_history"):
        yield _Question(
            f"Change by {by.removeprefix('covariate_').replace('_', ' ')}, with the differences between subgroups.",
            lambda by=by: change_from_baseline(source.data(), by=by),  # type: ignore[misc]
        )
    yield _Question(
        "Correlation of patient-rated with clinician-rated change.",
        lambda: change_correlation(source.data(second=source.instruments[1]), other=source.instruments[1]),
    )


def _field_trip(everybody: _Source) -> Iterator[_Question]:
    from katoutcomes.analyses.change_from_baseline import change_from_baseline
    from katoutcomes.analyses.clinical_significance import clinical_significance
    from katoutcomes.analyses.dropout import dropout
    from katoutcomes.analyses.participant_flow import participant_flow
    from katoutcomes.estimands.visit_window import VisitWindow

    planned = (
        VisitWindow("month 1", target_day=30, first_day=16, last_day=45),
        VisitWindow("month 3", target_day=91, first_day=61, last_day=121),
        VisitWindow("month 6", target_day=182, first_day=137, last_day=227),
    )
    source, months = everybody.with_visits_due(planned)
    yield _Question(
        "Participant flow; who began too late for the last visit to be due stands apart and is not lost.",
        lambda: participant_flow(source.data(visits=months)),
        "flow",
    )
    yield _Question(_LOSS, lambda: dropout(source.data(visits=months)), "dropout_curve")
    yield _Question(
        "Mean change by visit; the paper's d does not say which, here d_av and d_z stand beside each other.",
        lambda: change_from_baseline(source.data(visits=months)),
        "trajectory",
    )
    yield _Question(
        "Case reduction at 3 months: of those at caseness at baseline, who no longer are.",
        lambda: clinical_significance(source.data(visits=months), visit="month 3"),
    )


def _mcinnes(source: _Source) -> Iterator[_Question]:
    from katoutcomes.analyses.change_from_baseline import change_from_baseline
    from katoutcomes.analyses.clinical_significance import clinical_significance
    from katoutcomes.estimands.visit_window import VisitWindow

    window = VisitWindow(
        "14 to 31 days after induction", target_day=21, first_day=14, last_day=31, anchor="end of induction"
    )
    yield _Question(
        "Response and remission by severity at baseline, with worsening beside them.",
        lambda: clinical_significance(source.data(visits=(window,)), by=SEVERITY),
    )
    yield _Question(
        "Change against baseline: every patient beside the lines of no change and of reliable change.",
        lambda: clinical_significance(source.data(visits=(window,))),
        "jacobson",
    )
    yield _Question(
        "Mean change, with those without a score.", lambda: change_from_baseline(source.data(visits=(window,)))
    )


def _whinkin(source: _Source) -> Iterator[_Question]:
    from katoutcomes.analyses.change_from_baseline import change_from_baseline

    for number in range(len(source.instruments)):
        yield _Question(
            "Mean change with SD and n by subgroup, and the difference with its interval: here the two groups share "
            "nobody, and the interval does not assume that they vary alike.",
            lambda number=number: change_from_baseline(source.data(number), by="diagnosis_substance_use"),  # type: ignore[misc]
        )


def _nhs(source: _Source) -> Iterator[_Question]:
    from katoutcomes.analyses.dropout import dropout
    from katoutcomes.analyses.nhs_outcomes import nhs_outcomes

    def data() -> AnalysisSet:
        return source.data(second=source.instruments[1])

    def counted(by: str | None = None) -> Result:
        return nhs_outcomes(data(), anxiety=source.instruments[1], by=by, carry_forward=True)

    yield _Question(
        "Recovery, reliable improvement, reliable recovery and reliable deterioration, each with its denominator; the "
        "last score counts where one at the end is missing, as in the service.",
        counted,
        "responders",
    )
    yield _Question("The same by what was booked at intake.", lambda: counted("program_booked"), "responders")
    yield _Question("Who has no score at the end, whom the service's shares do not show.", lambda: dropout(data()))


_STUDIES: Mapping[str, _Study] = {
    "dore_2019": _Study(
        "Dore et al. 2019, J Psychoactive Drugs 51:189-198. doi:10.1080/02791072.2019.1587556",
        ("BDI-II", "HAM-A"),
        _dore,
    ),
    "field_trip_2024": _Study(
        "Yermus et al. 2024, Psychedelic Medicine. doi:10.1089/psymed.2023.0021", ("PHQ-9",), _field_trip
    ),
    "mcinnes_2022": _Study("McInnes et al. 2022, J Affect Disord. doi:10.1016/j.jad.2021.12.097", ("PHQ-9",), _mcinnes),
    "nhs": _Study(
        "NHS Talking Therapies for anxiety and depression, as in Gyani et al. 2013, Behav Res Ther 51:597-606. "
        "doi:10.1016/j.brat.2013.06.004",
        ("PHQ-9", "GAD-7"),
        _nhs,
    ),
    "whinkin_2023": _Study(
        "Whinkin et al. 2023, Front Psychiatry. doi:10.3389/fpsyt.2023.1160442", ("PHQ-9", "GAD-7"), _whinkin
    ),
}
