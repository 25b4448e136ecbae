"""A binary outcome of a comparison: what is made of the score at the visit, by a definition set of the instrument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.estimands.target_trial import DAYS, SCORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.instruments.instrument import DefinitionSet, Instrument

    Floats = NDArray[np.float64]

OUTCOMES: tuple[str, ...] = (SCORE, "response", "remission", "reliable_improvement", DAYS)
_KINDS = {
    "response": "response",
    "remission": "remission",
    "reliable_improvement": "reliable_change",
    DAYS: "response",
}
_WORDS = {"response": "response", "remission": "remission", "reliable_change": "reliable improvement"}


@dataclass(frozen=True, slots=True)
class Event:
    """What counts as having the outcome.

    Attributes
    ----------
    definition : DefinitionSet
        Of the kind response, remission or reliable_change.
    instrument : Instrument
        Whose scores.
    """

    definition: DefinitionSet
    instrument: Instrument

    @property
    def words(self) -> str:
        """What it is called."""
        return _WORDS[self.definition.kind]

    def is_defined(self, baseline: Floats) -> NDArray[np.bool_]:
        """Return where the outcome means anything: a share of the baseline score needs one above 0."""
        import numpy as np

        if self.definition.kind == "response" and self.definition.is_share:
            return np.asarray(baseline > 0.0)
        return np.ones(np.shape(baseline), dtype=np.bool_)

    def of(self, baseline: Floats, scores: Floats) -> Floats:
        """Return 1 for the patients who have the outcome, 0 for the others, NaN where the score is missing.

        Parameters
        ----------
        baseline : ndarray of float64, shape (n_patients,)
            Above 0 where the outcome is a share of it.
        scores : ndarray of float64, shape (..., n_patients)
            At the visit; imputed ones are first rounded to whole points within the range of the instrument.
        """
        import numpy as np

        from katoutcomes.kernels.individual.reliable_change import (
            IMPROVED,
            at_or_better,
            responded,
            threshold_classes,
        )

        whole = np.clip(np.round(scores), self.instrument.minimum, self.instrument.maximum)
        known = np.where(np.isnan(scores), baseline, whole)
        before = np.broadcast_to(baseline, known.shape)
        value, sign = self.definition.value, self.instrument.sign
        if self.definition.kind == "remission":
            has_it = at_or_better(known, value, sign)
        elif self.definition.kind == "response" and self.definition.is_share:
            has_it = responded(before, known, value, sign)
        else:
            has_it = threshold_classes(before, known, value, sign) == IMPROVED
        return np.where(np.isnan(scores), np.nan, has_it)


def event_of(instrument: Instrument, outcome: str) -> Event | None:
    """Return the binary outcome that is asked for, or whose days are; None for the score itself.

    Raises
    ------
    OptionError
        If the outcome is neither a word of `OUTCOMES` nor the id of a definition set of such a kind, or the instrument
        has no default of that kind.
    """
    if outcome == SCORE:
        return None
    if outcome in _KINDS:
        return Event(instrument.definition(_KINDS[outcome]), instrument)
    known = {one.id: one for kind in _WORDS for one in instrument.definitions(kind)}
    if outcome not in known:
        listed = ", ".join((*OUTCOMES, *known))
        raise OptionError(f"outcome must be one of {listed}; got {outcome!r}.")
    return Event(known[outcome], instrument)
