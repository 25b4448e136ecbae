"""A synthetic clinic on disk in one call."""

from __future__ import annotations

from pathlib import Path


def write_synthetic_clinic(
    out: str | Path,
    *,
    seed: int,
    n_patients: int = 600,
    scenario: str = "effect",
    mechanism: str = "booked",
) -> tuple[Path, ...]:
    """Write the tables of a synthetic clinic whose truth is known; the same arguments give the same bytes.

    Parameters
    ----------
    out : str or Path
        Folder; made if it is not there.
    seed : int
        Seed of the random numbers, 0 or more.
    n_patients : int
        Patients who enroll; a few more are screened and never treated.
    scenario, mechanism : str
        See `simulate_registry`.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    OptionError
        If an argument is not one of the values it may take.
    """
    import numpy as np

    from katoutcomes.registry.synthetic.clinic import simulate_tables, write_tables

    tables = simulate_tables(np.random.default_rng(seed), n_patients=n_patients, scenario=scenario, mechanism=mechanism)
    return write_tables(tables, Path(out))
