"""Rules whose breach is counted and shown, while the row is kept: out of order, unusual, or too close together.

A rule is a warning where the row may be right (a course that began elsewhere), or where rejecting it would hide harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from katoutcomes.registry.checking.close_records import materialize_close_scores, materialize_crowded_days
from katoutcomes.registry.engines.stage_texts import stage_text
from katoutcomes.registry.load_reports.load_report import MOST_ROWS_LISTED, QualityWarning

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.checking.close_records import SortedScores
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.readers.conversion import SourceFile

_ROOM = "katoutcomes.registry"
SHORTEST_RECALL_DAYS = 7
"""A scale that looks back a week or more cannot be answered for the hours since a dose."""
USUAL_DOSE_MG: Mapping[str, tuple[float, float]] = {
    "intramuscular": (5, 300),
    "intravenous": (5, 300),
    "intranasal": (5, 400),
    "sublingual": (10, 600),
}
"""Limits that find typing errors and wrong units. They say nothing about treatment and come from no guideline."""
USUAL_DOSE_MG_PER_KG: tuple[float, float] = (0.05, 5.0)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A rule whose breach is a warning.

    Attributes
    ----------
    rule, table, column : str
        As in `Rule`.
    text : str
        What it means and what to look at; never a value.
    query : str
        SQL of the accepted rows that break it, as ``record``, the number of the input row, and ``about``, the id of the
        instrument or ``''``.
    texts : mapping of str to str
        For each instrument what it means; empty where `text` says it for all.
    predicate : str
        SQL, true for the rows that break it, where a row of `table` alone tells; "" where it does not.
    """

    rule: str
    table: str
    column: str
    text: str
    query: str
    texts: Mapping[str, str] = field(default_factory=dict)
    predicate: str = ""


def quality_warnings(
    engine: Engine,
    files: Mapping[str, str],
    source_files: Sequence[SourceFile] = (),
    *,
    further: Sequence[Doubt] = (),
    sorted_scores: SortedScores | None = None,
) -> tuple[QualityWarning, ...]:
    """Return the warnings about accepted rows.

    Parameters
    ----------
    engine : Engine
        Holds the accepted tables, whose integer keys are the numbers of the input rows, and ``origin_<table>`` for
        converted data.
    files : mapping of str to str
        How the input calls each table that it has.
    source_files : sequence of SourceFile, optional
        The files that converted data come from.
    further : sequence of Doubt, optional
        Rules that depend on the choices of the load.
    sorted_scores : SortedScores, optional
        The scores in order, where that is known already.
    """
    found: list[QualityWarning] = []
    materialize_crowded_days(engine)
    sessions = (*_order_doubts(), *_evident(engine, (*_dose_doubts(), *_pressure_doubts())))
    linked = [doubt for doubt in _linked_doubts() if engine.scalar(f"select count(session) from {doubt.table}")]
    for doubt in (*sessions, *linked, *_score_doubts(engine, sorted_scores), *further):
        if doubt.table in files:
            found += _warnings(engine, doubt, files[doubt.table], tuple(file.name for file in source_files))
    engine.drop("doubts", "recall_days", "crowded_days", "close_scores")
    return tuple(found)


def _evident(engine: Engine, doubts: tuple[Doubt, ...]) -> list[Doubt]:
    """Return those of some doubts about sessions that any row gives reason for; all of them are asked in one pass."""
    counts = ", ".join(f"count(case when {doubt.predicate} then 1 end) as d{n}" for n, doubt in enumerate(doubts))
    found = engine.fetch(f"select {counts} from sessions")
    return [doubt for n, doubt in enumerate(doubts) if found[f"d{n}"][0]]


def _warnings(engine: Engine, doubt: Doubt, file: str, sources: tuple[str, ...]) -> list[QualityWarning]:
    """Return a warning for each file, and each instrument, of which rows break a rule."""
    engine.materialize("doubts", doubt.query)
    placed = (
        "(select distinct d.about, o.file, o.file_row from doubts as d "
        f"inner join origin_{doubt.table} as o on d.record = o.input_row)"
        if sources
        else "(select about, 0 as file, record as file_row from doubts)"
    )
    grouped = f"select about, file, count(*) as n_rows from {placed} as placed group by about, file"
    counts = engine.fetch(
        f"select cast(about as varchar) as about, file, n_rows from ({grouped}) as grouped order by 1, file"
    )
    warnings = []
    for about, number, n_rows in zip(counts["about"], counts["file"], counts["n_rows"], strict=True):
        first = engine.fetch(
            f"select file_row from {placed} as placed where about = '{about}' and file = {number} "
            f"order by file_row limit {MOST_ROWS_LISTED}"
        )
        rows = tuple(int(row) for row in first["file_row"])
        name, text = sources[int(number)] if sources else file, doubt.texts.get(str(about), doubt.text)
        warnings.append(QualityWarning(doubt.rule, name, doubt.column, int(n_rows), text, doubt.table, rows))
    return warnings


def _of_sessions(doubt: Doubt) -> Doubt:
    """Return a doubt that a session alone gives reason for, with the query of these sessions."""
    return replace(doubt, query=f"select session as record, '' as about from sessions where {doubt.predicate}")


def _order_doubts() -> tuple[Doubt, ...]:
    """Return the rules about the order of sessions."""
    return (
        Doubt(
            "before_dose",
            "sessions",
            "kind",
            "integration or follow-up before any dose: did the course begin elsewhere, or is a date wrong?",
            stage_text(_ROOM, "16_sessions_before_dose"),
        ),
        Doubt(
            "late_screening",
            "sessions",
            "kind",
            "screening after the first dose: is a date or a kind wrong, or does a second course begin?",
            stage_text(_ROOM, "17_late_screening"),
        ),
        Doubt(
            "doses_on_one_day",
            "sessions",
            "kind",
            "two dosing sessions of a patient on one day: is one of them entered twice?",
            stage_text(_ROOM, "18_repeated_doses"),
        ),
    )


def _dose_doubts() -> tuple[Doubt, ...]:
    """Return the rules about doses."""
    unusual = " or ".join(
        f"(route = '{route}' and not dose_mg between {low:g} and {high:g})"
        for route, (low, high) in USUAL_DOSE_MG.items()
    )
    low, high = USUAL_DOSE_MG_PER_KG
    text = "outside the limits that find typing errors and wrong units (no statement about treatment)"
    of_weight = f"not dose_mg_per_kg between {low:g} and {high:g}"
    return (
        _of_sessions(Doubt("unusual_dose", "sessions", "dose_mg", text, "", predicate=unusual)),
        _of_sessions(Doubt("unusual_dose", "sessions", "dose_mg_per_kg", text, "", predicate=of_weight)),
    )


def _pressure_doubts() -> tuple[Doubt, ...]:
    """Return the rules about blood pressures."""
    pressure = "systolic_{when}_mmhg <= diastolic_{when}_mmhg"
    order = " or ".join(pressure.format(when=when) for when in ("before", "peak"))
    peaks = "systolic_peak_mmhg < systolic_before_mmhg or diastolic_peak_mmhg < diastolic_before_mmhg"
    swapped = "systolic pressure at or below diastolic pressure: are the columns swapped?"
    lower = "a peak below the pressure before the dose: is it the last value instead of the highest?"
    return (
        _of_sessions(Doubt("pressure_order", "sessions", "systolic_*", swapped, "", predicate=order)),
        _of_sessions(Doubt("peak_below_before", "sessions", "*_peak_mmhg", lower, "", predicate=peaks)),
    )


def _linked_doubts() -> tuple[Doubt, ...]:
    """Return the rules about rows that name a session."""
    return (
        Doubt(
            "event_before_session",
            "adverse_events",
            "session_id",
            "began before the session it is linked to: is a date or the link wrong?",
            stage_text(_ROOM, "19_events_before_session"),
        ),
        Doubt(
            "score_off_session",
            "scores",
            "session_id",
            "of another day than the session it names: is a date or the link wrong?",
            stage_text(_ROOM, "20_scores_off_session"),
        ),
    )


def _score_doubts(engine: Engine, sorted_scores: SortedScores | None) -> tuple[Doubt, ...]:
    """Return the rules about scores, one an instrument that looks back on days, and make the table they need."""
    import numpy as np

    from katoutcomes.instruments.catalog import instrument

    cells = "cast(instrument as varchar) as name, cast(enum_code(instrument) as int) as code"
    named = engine.fetch(f"select {cells} from (select distinct instrument from scores) as named order by name")
    every = [instrument(str(name)) for name in named["name"]]
    codes = dict(zip((scale.id for scale in every), named["code"].tolist(), strict=True))
    scales = [scale for scale in every if scale.recall_days]
    materialize_close_scores(engine, {codes[scale.id]: scale.recall_days or 0 for scale in scales}, sorted_scores)
    engine.materialize_arrays(
        "recall_days",
        {
            "instrument": np.array([scale.id for scale in scales], dtype=object),
            "code": np.array([codes[scale.id] for scale in scales], dtype=np.int32),
            "recall_days": np.array([scale.recall_days for scale in scales], dtype=np.int32),
        },
    )
    back = {scale.id: f"{scale.name} looks back {scale.recall_days} days" for scale in scales}
    return (
        Doubt(
            "recall_overlap",
            "scores",
            "instrument",
            "",
            stage_text(_ROOM, "21_close_scores"),
            {name: f"{text}, and the one before is closer: both tell of the same days" for name, text in back.items()},
        ),
        Doubt(
            "soon_after_dose",
            "scores",
            "instrument",
            "",
            stage_text(_ROOM, "22_scores_after_dose", shortest_recall_days=SHORTEST_RECALL_DAYS),
            {name: f"{text}, and was filled in hours after a dose" for name, text in back.items()},
        ),
        *_shorter_version_doubts(every),
    )


def _shorter_version_doubts(scales: Sequence[Instrument]) -> tuple[Doubt, ...]:
    """Return a warning for each version that does not ask some of the items, so that its totals reach less far."""
    found = []
    for scale in scales:
        for omission in scale.scoring.omissions:
            items = ", ".join(str(number) for number in omission.items)
            text = (
                f"{scale.name}: the version {omission.version} does not ask item {items}, so its totals end at "
                f"{scale.largest_total(omission.version):g} instead of {scale.maximum:g}; compare them with care"
            )
            query = (
                f"select score as record, '' as about from scores where instrument = '{scale.id}' "
                f"and version = '{omission.version}'"
            )
            found.append(Doubt("shorter_version", "scores", "version", text, query))
    return tuple(found)
