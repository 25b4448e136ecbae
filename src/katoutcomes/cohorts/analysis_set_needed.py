"""The first question of every analysis of scores: whether it was given an AnalysisSet, and how to get one if not."""

from __future__ import annotations

from katoutcomes.cohorts.analysis_set import AnalysisSet
from katoutcomes.cohorts.cohort import Cohort
from katoutcomes.errors import OptionError
from katoutcomes.registry.registry import Registry

_OF_FRAME = (
    'kat.AnalysisSet.from_frame(frame, patient="id", visit="visit", score="score", baseline="before", '
    'instrument="PHQ-9") of a frame with one row a patient and visit, or '
    'kat.select_cohort(kat.read_registry(FOLDER)).analysis_set("PHQ-9") of the files of a clinic'
)


def require_analysis_set(data: object) -> None:
    """Raise `OptionError` unless `data` is an `AnalysisSet`; the message says how to make one of what was given.

    Examples
    --------
    >>> require_analysis_set({})
    Traceback (most recent call last):
    ...
    katoutcomes.errors.OptionError: an analysis of scores takes an AnalysisSet, not a dict: kat.AnalysisSet...
    """
    if isinstance(data, AnalysisSet):
        return
    way = _OF_FRAME
    if isinstance(data, Cohort):
        way = 'cohort.analysis_set("PHQ-9")'
    elif isinstance(data, Registry):
        way = 'kat.select_cohort(registry).analysis_set("PHQ-9")'
    raise OptionError(f"an analysis of scores takes an AnalysisSet, not a {type(data).__name__}: {way}.")
