"""What a caller may choose, read the same way by every analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group


def require_conf_level(conf_level: float) -> None:
    """Raise `OptionError` unless the level of an interval lies between 0 and 1.

    Examples
    --------
    >>> require_conf_level(95)
    Traceback (most recent call last):
    ...
    katoutcomes.errors.OptionError: conf_level lies between 0 and 1, both excluded; 0.95 is usual.
    """
    if not 0.0 < conf_level < 1.0:
        raise OptionError("conf_level lies between 0 and 1, both excluded; 0.95 is usual.")


def grouping(data: AnalysisSet, by: str | None) -> str | None:
    """Return the variable that makes the groups: the one that was asked for, else the cohorts, else None."""
    return data.treatment if by is None else by


def reported_groups(data: AnalysisSet, by: str | None) -> tuple[Group, ...]:
    """Return everybody, then one group for each level of `by` (of the cohorts, where `by` is None) that somebody has.

    Raises
    ------
    ImmortalTimeError
        If `by` is known only after time zero.
    DesignError
        If `by` is a number.
    OptionError
        If there is no such variable.
    """
    everybody = data.groups(None)
    name = grouping(data, by)
    if name is None:
        return everybody
    return everybody + tuple(group for group in data.groups(name) if group.mask.any())


def grouping_note(data: AnalysisSet, by: str | None) -> tuple[str, ...]:
    """Return a sentence about those who are in no group, or nothing where everybody is in one."""
    import numpy as np

    name = grouping(data, by)
    if name is None or not np.isnan(data.variable(name).values).any():
        return ()
    return (f"Patients whose {name} is not known are among all patients, but in none of its groups.",)
