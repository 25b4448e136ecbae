"""Which scales may be a baseline and an outcome: the gate in front of everything that subtracts scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.errors import DesignError

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument

_REFUSED: dict[str, str] = {
    "session_state": (
        "describes what was felt in a session. It has no value before the first dose that a later one could be "
        "compared with"
    ),
    "global_change": "is already a judgment of change since the start; its difference from a baseline means nothing",
    "categories": "sorts into categories and has no total",
}


def require_outcome(instrument: Instrument) -> None:
    """Raise `DesignError` unless scores of the instrument may be a baseline and an outcome.

    Raises
    ------
    DesignError
        If the scale describes a session, is already a change, or has no total; the message says which.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> require_outcome(instrument("PHQ-9"))
    """
    if instrument.use in _REFUSED:
        raise DesignError(
            f"the {instrument.name} {_REFUSED[instrument.use]}, so it can be neither a baseline nor the outcome at a "
            "visit. Choose a scale of symptoms or functioning."
        )
    if instrument.use != "outcome" or not instrument.has_total:
        raise DesignError(f"the {instrument.name} has no total that could be an outcome.")
