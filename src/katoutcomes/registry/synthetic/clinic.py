"""A synthetic clinic whose truth is known: full tables for `read_registry`, labeled as synthetic."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from katoutcomes.errors import DataError, OptionError, require_option
from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from katoutcomes.registry.registry import Registry
    from katoutcomes.registry.synthetic.population import Population

MADE_BY = "katoutcomes simulate"
TIME_FORMS: tuple[str, ...] = ("date", "day")
MOST_PATIENTS = 9_000
"""More would need longer keys, and no clinic in this picture is larger."""


def simulate_registry(
    *,
    seed: int | np.random.Generator,
    n_patients: int = 600,
    scenario: str = "effect",
    mechanism: str = "booked",
    n_quarters: int = 8,
    first_quarter: str = "2024Q4",
    session_effect_points: float | None = None,
) -> Registry:
    """Make a registry of a synthetic clinic in which the effect of the program with integration is known.

    The tables of `simulate_tables`, read by `read_registry` like any others and marked as synthetic; the parameters,
    errors and notes are those of `simulate_tables`.

    Parameters
    ----------
    seed : int or numpy.random.Generator
        A seed, or the source of the random numbers. The same seed gives the same registry.
    n_patients, scenario, mechanism, n_quarters, first_quarter, session_effect_points
        See `simulate_tables`.

    Returns
    -------
    Registry
        With `is_synthetic` set, so that every output made from it says so.

    Examples
    --------
    >>> registry = simulate_registry(seed=1, n_patients=20, scenario="null")
    >>> registry.is_synthetic, len(registry.table("patients"))
    (True, 22)
    """
    from katoutcomes.registry.reading import read_registry

    tables = simulate_tables(
        seed,
        n_patients=n_patients,
        scenario=scenario,
        mechanism=mechanism,
        n_quarters=n_quarters,
        first_quarter=first_quarter,
        session_effect_points=session_effect_points,
    )
    return read_registry(tables, is_synthetic=True)


def simulate_tables(
    rng: int | np.random.Generator,
    *,
    n_patients: int = 600,
    scenario: str = "effect",
    mechanism: str = "booked",
    n_quarters: int = 8,
    first_quarter: str = "2024Q4",
    session_effect_points: float | None = None,
    time_form: str = "date",
) -> dict[str, pd.DataFrame]:
    """Make the tables of a synthetic clinic in which the effect of the program with integration is known.

    Parameters
    ----------
    rng : int or numpy.random.Generator
        A seed, or the source of the random numbers. The same seed gives the same tables.
    n_patients : int, default 600
        Patients in the study, 1 to 9,000. Some 7.5 % more are in the tables who are not: never dosed, no consent,
        medically excluded, minors.
    scenario : {"null", "effect", "mnar", "unmeasured_confounding", "effect_mnar"}, default "effect"
        What is true.
    mechanism : {"booked", "start", "curved_booked", "curved_start"}, default "booked"
        How strongly the booked program decides whether integration takes place; the curved ones are a second, different
        clinic: falls in proportion to the level, thresholds, skewed errors, people who leave because they are well.
    n_quarters : int, default 8
        Quarters in which first doses are given.
    first_quarter : str, default "2024Q4"
        The first of them.
    session_effect_points : float, optional
        Replaces the scenario's effect of a week with integration.
    time_form : {"date", "day"}, default "date"
        Whether the event tables say when by calendar date or by day.

    Returns
    -------
    dict of str to DataFrame
        ``patients``, ``sessions``, ``scores`` and ``adverse_events``, as the schema describes them.

    Raises
    ------
    OptionError
        If an argument is not one of the values it may take.

    Notes
    -----
    Each table has its own stream of random numbers, so that a change in one leaves the others as they are. The
    mechanism and its limits are described in ``docs/methods/synthetic_clinic.md``; `true_program_effect` gives its
    truth.

    Examples
    --------
    >>> tables = simulate_tables(1, n_patients=20)
    >>> sorted(tables)
    ['adverse_events', 'patients', 'scores', 'sessions']
    >>> len(tables["patients"])
    22
    """
    from katoutcomes.registry.synthetic.population import draw_population, patients_table, quarter_days
    from katoutcomes.registry.synthetic.scenarios import find_mechanism, find_scenario
    from katoutcomes.registry.synthetic.scores import scores_table
    from katoutcomes.registry.synthetic.sessions import adverse_events_table, draw_sessions, sessions_table

    require_option("time_form", time_form, TIME_FORMS)
    if not 1 <= n_patients <= MOST_PATIENTS:
        raise OptionError(f"n_patients must lie between 1 and {MOST_PATIENTS}.")
    # The order of the children is part of the stream: new tables go to the end.
    population_rng, patients_rng, placing_rng, sessions_rng, scores_rng, events_rng = _generator(rng).spawn(6)
    population = draw_population(
        population_rng,
        n_patients,
        find_scenario(scenario, session_effect_points),
        find_mechanism(mechanism),
        quarter_days(first_quarter, n_quarters),
    )
    placed = draw_sessions(placing_rng, population)
    tables = {
        "patients": patients_table(patients_rng, population),
        "sessions": sessions_table(sessions_rng, population, placed),
        "scores": scores_table(scores_rng, population),
        "adverse_events": adverse_events_table(events_rng, population, placed),
    }
    tables["patients"] = tables["patients"].sort_values("patient_id", ignore_index=True)
    return _with_dates(tables, population) if time_form == "date" else _with_quarter(tables, population)


def _generator(rng: int | np.random.Generator) -> np.random.Generator:
    """Return a generator whose bit stream is named, so that a later default of NumPy cannot change the tables."""
    import numpy as np

    if isinstance(rng, np.random.Generator):
        return rng
    if rng < 0:
        raise OptionError("a seed is 0 or more.")
    return np.random.Generator(np.random.PCG64(rng))


def _origins(frame: pd.DataFrame, population: Population) -> pd.Series:
    """Return for each row of an event table the date of the patient's day 0."""
    import pandas as pd

    from katoutcomes.registry.synthetic.population import patient_ids

    dates = pd.Series(population.index_date, index=patient_ids(population))
    return frame["patient_id"].map(dates)


def _with_dates(tables: dict[str, pd.DataFrame], population: Population) -> dict[str, pd.DataFrame]:
    """Say when by calendar date in every event table."""
    import pandas as pd

    for name in ("sessions", "scores", "adverse_events"):
        frame = tables[name]
        dates = _origins(frame, population) + pd.to_timedelta(frame["day"], unit="D")
        frame.insert(list(frame.columns).index("day"), "date", dates.dt.strftime("%Y-%m-%d"))
        tables[name] = frame.drop(columns="day")
    return tables


def _with_quarter(tables: dict[str, pd.DataFrame], population: Population) -> dict[str, pd.DataFrame]:
    """Keep days, and add the quarter of the index day: the first dose or, without one, the first record."""
    import pandas as pd

    events = pd.concat([tables[name][["patient_id", "day"]] for name in ("sessions", "scores", "adverse_events")])
    doses = tables["sessions"].loc[tables["sessions"]["kind"] == "dosing", ["patient_id", "day"]]
    first_record = events.groupby("patient_id")["day"].min()
    index_day = doses.groupby("patient_id")["day"].min().combine_first(first_record).astype("int64")
    patients = tables["patients"]
    dates = _origins(patients, population) + pd.to_timedelta(patients["patient_id"].map(index_day), unit="D")
    quarter = dates.dt.year.astype(str) + "Q" + dates.dt.quarter.astype(str)
    patients.insert(list(patients.columns).index("program_booked") + 1, "index_quarter", quarter)
    return tables


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path | str, *, made_by: str = MADE_BY) -> tuple[Path, ...]:
    """Write synthetic tables as CSV files, with the marker that says they are synthetic.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As `simulate_tables` returns them.
    folder : path
        Made where it is missing. Files of the same names are replaced, but only in a folder that is marked as
        synthetic or holds no tables yet.
    made_by : str
        Written into the marker; no clock and no version, so that the same tables give the same bytes.

    Returns
    -------
    tuple of Path
        The files written: one CSV file a table, and ``registry.json``.

    Raises
    ------
    DataError
        If the folder holds tables that are not marked as synthetic.
    """
    from pathlib import Path

    from katoutcomes.registry.readers.sources import MARKER_FILE

    target = Path(folder)
    _refuse_to_replace_records(target)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in tables.items():
        written.append(target / f"{name}.csv")
        written[-1].write_bytes(frame.to_csv(index=False, lineterminator="\n").encode())
    marker = {"schema_version": SCHEMA_VERSION, "is_synthetic": True, "made_by": made_by}
    written.append(target / MARKER_FILE)
    written[-1].write_bytes((json.dumps(marker, indent=2) + "\n").encode())
    return tuple(written)


def _refuse_to_replace_records(folder: Path) -> None:
    """Raise `DataError` if the folder holds tables that nobody marked as synthetic: they may be a clinic's own."""
    from katoutcomes.registry.readers.sources import read_marker
    from katoutcomes.registry.tables import TABLES

    if read_marker(folder):
        return
    if any((folder / f"{table.name}.{ending}").exists() for table in TABLES for ending in ("csv", "parquet")):
        raise DataError("the folder holds tables that are not marked as synthetic; choose an empty folder.")
