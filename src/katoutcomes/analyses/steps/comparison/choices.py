"""What may be chosen in a comparison of cohorts, and which choices go together."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.analyses.steps.resamples import Resampling
from katoutcomes.errors import OptionError, require_option
from katoutcomes.estimands.leaving_care import COMPOSITE, TREATMENT_POLICY, WHILE_IN_CARE

WEIGHTS: tuple[str, ...] = ("overlap", "iptw_ate", "iptw_att", "entropy", "none")
MISSING: tuple[str, ...] = ("observation_weights", "multiple_imputation", "complete_cases", "likelihood")
METHODS: tuple[str, ...] = ("weighted_ancova", "aipw", "g_computation", "mmrm")
INTERVALS: tuple[str, ...] = ("bootstrap", "robust", "rubin", "model")


@dataclass(frozen=True, slots=True)
class ComparisonChoices:
    """How cohorts are compared; the fields are arguments of `compare_cohorts`.

    Raises
    ------
    OptionError
        If a choice is unknown, or two of them do not go together; nothing is replaced silently.
    """

    weights: str
    missing: str
    method: str
    slopes: str
    interval: str
    n_imputations: int
    smallest_important: float
    resampling: Resampling

    def __post_init__(self) -> None:
        require_option("weights", self.weights, WEIGHTS)
        require_option("missing", self.missing, MISSING)
        require_option("method", self.method, METHODS)
        require_option("slopes", self.slopes, ("pooled", "per_arm"))
        require_option("interval", self.interval, INTERVALS)
        if self.n_imputations < 2:
            raise OptionError("n_imputations must be at least 2.")
        self._require_that_they_go_together()

    def _require_that_they_go_together(self) -> None:
        if (self.method == "mmrm") != (self.missing == "likelihood"):
            raise OptionError(
                "method='mmrm' and missing='likelihood' belong together: the repeated-measures model answers for "
                "missing scores by its likelihood."
            )
        if self.method == "mmrm" and self.weights != "none":
            raise OptionError("method='mmrm' adjusts and does not weight: say weights='none'.")
        expected = {"multiple_imputation": "rubin", "likelihood": "model"}.get(self.missing)
        if expected is not None and self.interval != expected:
            raise OptionError(f"missing={self.missing!r} has interval={expected!r}; got {self.interval!r}.")
        if expected is None and self.interval in {"rubin", "model"}:
            raise OptionError(f"interval={self.interval!r} does not belong to missing={self.missing!r}.")
        is_ancova = self.method == "weighted_ancova"
        if self.missing == "multiple_imputation" and not is_ancova:
            raise OptionError("missing='multiple_imputation' goes with method='weighted_ancova'.")
        if self.interval == "robust" and not is_ancova:
            raise OptionError(
                "interval='robust' goes with method='weighted_ancova'; for the others use interval='bootstrap'."
            )

    def require_outcome(self, left_care: str, *, is_binary: bool, is_days: bool = False) -> None:
        """Raise `OptionError` if method and interval have no place for the outcome, or for what leaving does to it.

        Parameters
        ----------
        left_care : str
            One of `LEFT_CARE`.
        is_binary, is_days : bool
            Whether the outcome is 0 or 1, or days with such a one.
        """
        if (is_binary or is_days) and self.method == "mmrm":
            raise OptionError("method='mmrm' models scores; for a binary outcome use another method.")
        if (is_binary or is_days) and self.slopes != "pooled":
            raise OptionError("models of a binary outcome have slopes='pooled'.")
        if is_days and self.interval == "robust":
            raise OptionError("days in response have interval='bootstrap', or 'rubin' with multiple imputation.")
        if is_days and left_care != TREATMENT_POLICY:
            raise OptionError("days in response count whatever happened: they have left_care='treatment_policy'.")
        if left_care == COMPOSITE and not is_binary:
            raise OptionError("left_care='composite' needs a binary outcome, such as outcome='response'.")
        if left_care == WHILE_IN_CARE and self.method == "mmrm":
            raise OptionError("left_care='while_in_care' compares one score of each patient; use another method.")
        if left_care == WHILE_IN_CARE and self.missing == "multiple_imputation":
            raise OptionError("left_care='while_in_care' gives everybody an outcome: there is nothing to impute.")

    def require_arms(self, n_arms: int) -> None:
        """Raise `OptionError` unless the weights are made for so many arms."""
        if n_arms > 2 and self.weights not in {"overlap", "iptw_ate", "none"}:
            raise OptionError(
                f"weights={self.weights!r} compare two arms; for {n_arms} arms use 'overlap', 'iptw_ate' or 'none'."
            )

    @property
    def conf_level(self) -> float:
        """Level of the intervals, whichever they are."""
        return self.resampling.conf_level

    @property
    def entropy(self) -> int:
        """What all random streams grow from."""
        return self.resampling.entropy

    @property
    def uses_observation_weights(self) -> bool:
        """Whether the scored stand for the missing by their probability of being scored."""
        return self.missing == "observation_weights"


def default_interval(missing: str) -> str:
    """Return the interval that belongs to a way of handling missing scores."""
    return {"multiple_imputation": "rubin", "likelihood": "model"}.get(missing, "bootstrap")
