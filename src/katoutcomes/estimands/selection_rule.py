"""How patients came to be in the data by their score: what regression to the mean is worked out from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from katoutcomes.errors import OptionError

USUAL_RELIABILITIES: tuple[float, ...] = (0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRule:
    """The rule by which a score led to treatment, and the population that it was applied to.

    Attributes
    ----------
    cut_off : float or None
        Only patients at or beyond this baseline score were treated (at or above it where higher is worse, at or below
        it otherwise); None where no cut-off was in force.
    referral_mean, referral_sd : float or None
        Mean and standard deviation of the score among all who were referred, before anybody was chosen. Without a
        cut-off the mean must be known. With one, both may be left out: they are then estimated from the baseline
        scores as those of a normal population of which only the part beyond the cut-off was seen.
    mean_margin : float
        How far the referral mean may be off, in points; the bound is taken over the mean minus to the mean plus this.
    reliabilities : tuple of float
        Correlations of two scores of a patient who does not change, over the time to follow-up, for which the bound
        is worked out. Nobody knows this number exactly; internal consistency is not it.
    n_baseline_scores : int
        How many scores were averaged to apply the cut-off.
    source : str
        Where referral mean and standard deviation come from.

    Examples
    --------
    >>> SelectionRule(cut_off=10).reliabilities
    (0.6, 0.7, 0.8, 0.9)
    >>> SelectionRule()
    Traceback (most recent call last):
    ...
    katoutcomes.errors.OptionError: without a cut-off the mean of all who were referred must be given (referral_mean).
    """

    cut_off: float | None = None
    referral_mean: float | None = None
    referral_sd: float | None = None
    mean_margin: float = 2.0
    reliabilities: tuple[float, ...] = USUAL_RELIABILITIES
    n_baseline_scores: int = 1
    source: str = ""

    def __post_init__(self) -> None:
        if self.cut_off is None and self.referral_mean is None:
            raise OptionError("without a cut-off the mean of all who were referred must be given (referral_mean).")
        if self.cut_off is not None and (self.referral_mean is None) != (self.referral_sd is None):
            raise OptionError("with a cut-off give both referral_mean and referral_sd, or neither.")
        known = [number for number in (self.cut_off, self.referral_mean, self.referral_sd) if number is not None]
        if not all(math.isfinite(number) for number in (*known, self.mean_margin)) or self.mean_margin < 0.0:
            raise OptionError("the numbers of a selection rule are finite, and mean_margin is 0 or above.")
        if self.referral_sd is not None and not self.referral_sd > 0.0:
            raise OptionError("referral_sd must be above 0.")
        if not self.reliabilities or not all(0.0 < value < 1.0 for value in self.reliabilities):
            raise OptionError("reliabilities lie between 0 and 1, both excluded; give at least one.")
        if self.n_baseline_scores < 1:
            raise OptionError("n_baseline_scores is 1 or above.")
