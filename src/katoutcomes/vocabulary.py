"""The closed list of words: the columns of an estimate, measures, units, coded values, and which fields are counts.

Nothing here computes. Disclosure control (`results/disclosure.py`) reads from here which fields and measures are
counts, so that a field declared once is protected in every table, figure and file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SCHEMA_VERSION = "1.0"
"""Version of every JSON and TOML layout that the package writes."""

ESTIMATE_COLUMNS: tuple[str, ...] = (
    "analysis",
    "term",
    "measure",
    "unit",
    "instrument",
    "definition_set",
    "cohort",
    "subgroup",
    "visit",
    "treatment",
    "comparator",
    "estimate",
    "std_error",
    "df",
    "conf_low",
    "conf_high",
    "conf_level",
    "statistic",
    "p_value",
    "n_patients",
    "n_observations",
)
"""Columns of `Result.to_frame()`, one row an estimate, the same everywhere."""

NUMERIC_ESTIMATE_COLUMNS: tuple[str, ...] = ESTIMATE_COLUMNS[11:19]
"""The columns that hold floats; they are hidden together when an estimate is suppressed."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A kind of number that an estimate may be.

    Attributes
    ----------
    name : str
        The word in the `measure` column.
    kind : str
        ``"count"`` (a number of patients or events), ``"proportion"`` (a share of `n_patients`, from which a count
        can be worked out), ``"statistic"`` (a summary of `n_patients` people) or ``"constant"`` (a threshold that is
        about the instrument, not about people; never suppressed).
    description : str
        What it is, in a sentence for the reference page.
    """

    name: str
    kind: str
    description: str


def _measures(*measures: Measure) -> Mapping[str, Measure]:
    return MappingProxyType({measure.name: measure for measure in measures})


MEASURES: Mapping[str, Measure] = _measures(
    Measure("count", "count", "Number of patients, sessions or events named by the term."),
    Measure("proportion", "proportion", "Share of the patients counted in n_patients."),
    Measure("proportion of sessions", "proportion", "Share of the sessions counted in n_observations."),
    Measure("event rate", "statistic", "Events over the observed time; n_observations is the number of events."),
    Measure("odds ratio", "statistic", "Odds of an outcome, a unit more of something or one level against another."),
    Measure("shift of the mean", "statistic", "Mean of some patients minus the mean of all, over the SD of all."),
    Measure("exposure time", "statistic", "Time during which the patients were observed, all together."),
    Measure("mean", "statistic", "Arithmetic mean."),
    Measure("standard deviation", "statistic", "Sample standard deviation (n - 1)."),
    Measure("median", "statistic", "Median (type 7 quantile)."),
    Measure("lower quartile", "statistic", "25th percentile (type 7 quantile)."),
    Measure("upper quartile", "statistic", "75th percentile (type 7 quantile)."),
    Measure("correlation", "statistic", "Pearson correlation of two scores, or changes, of the same patients."),
    Measure("mean change", "statistic", "Mean of follow-up minus baseline, within patients."),
    Measure("d_av", "statistic", "Mean change over the root mean square of the baseline and follow-up SD."),
    Measure("d_z", "statistic", "Mean change over the SD of the changes."),
    Measure("d_rm", "statistic", "Mean change over the SD of the changes times the root of 2(1 - r)."),
    Measure("delta_pre", "statistic", "Mean change over the SD of the baseline."),
    Measure("hedges_d_av", "statistic", "d_av corrected for small samples."),
    Measure("hedges_d_z", "statistic", "d_z corrected for small samples."),
    Measure("hedges_d_rm", "statistic", "d_rm corrected for small samples."),
    Measure("hedges_delta_pre", "statistic", "delta_pre corrected for small samples."),
    Measure("Hodges-Lehmann estimate", "statistic", "Median of the means of all pairs of changes."),
    Measure("percent change of the mean", "statistic", "100 times the mean change over the mean baseline."),
    Measure(
        "probability of superiority",
        "statistic",
        "Share of patients whose score improved, plus half of those whose score is the same.",
    ),
    Measure(
        "U3", "statistic", "Share of a normal baseline distribution that is worse than the follow-up mean (Cohen)."
    ),
    Measure(
        "adjusted mean change", "statistic", "Mean change at a stated baseline, or beyond what was to be expected."
    ),
    Measure(
        "test against a margin", "statistic", "Mean change with the interval and one-sided p of a test of margins."
    ),
    Measure("expected change", "statistic", "Mean change to be expected without any true change."),
    Measure("adjusted p-value", "statistic", "The p-value of the same test, adjusted for the others of its family."),
    Measure("critical value", "statistic", "Standard errors to either side of each estimate that a band reaches."),
    Measure(
        "adjusted mean",
        "statistic",
        "Mean predicted for one group at the covariates of all patients analyzed.",
    ),
    Measure("adjusted share", "statistic", "Share with an outcome if all patients compared had been in one group."),
    Measure("risk ratio", "statistic", "Share of the treatment over share of the comparator."),
    Measure("difference in means", "statistic", "Treatment minus comparator."),
    Measure(
        "standardized mean difference",
        "statistic",
        "Treatment minus comparator over the root mean square of the two groups' unweighted SD; before any adjustment "
        "unless the term says that patients are weighted.",
    ),
    Measure("absolute standardized mean difference", "statistic", "The largest, or the mean, of several without sign."),
    Measure("effective share", "statistic", "Effective sample size over the number of those who are weighted."),
    Measure("variance ratio", "statistic", "Variance in the treatment group over that in the comparator."),
    Measure("distance of distributions", "statistic", "Largest difference of two distribution functions (KS)."),
    Measure("weighted mean", "statistic", "Mean in the population that a weighted comparison is about."),
    Measure("propensity quantile", "statistic", "Quantile of the probability of an arm, given the covariates."),
    Measure("overlap coefficient", "statistic", "Area under the lower of two densities of the propensity, 0 to 1."),
    Measure("effective sample size", "statistic", "Squared sum of weights over the sum of squared weights."),
    Measure("weight", "statistic", "Summary of weights that are scaled to a mean of 1."),
    Measure(
        "E-value", "statistic", "Risk ratio that a confounder needs with exposure and outcome to explain a result."
    ),
    Measure("robustness value", "statistic", "Share of residual variance that a confounder must explain, 0 to 1."),
    Measure("tipping point", "statistic", "What must be added to missing scores for a conclusion to change."),
    Measure("tipping point of a share", "statistic", "The same of a share, added to that of the missing."),
    Measure("minimal detectable difference", "statistic", "2.8 standard errors: found with a power of 80 percent."),
    Measure("minimal detectable difference in proportions", "statistic", "The same of a difference of shares."),
    Measure("own weight", "statistic", "How much of a partially pooled estimate is the level's own, 0 to 1."),
    Measure("missing information", "statistic", "Fraction of missing information of a multiply imputed estimate."),
    Measure(
        "standardized difference in means",
        "statistic",
        "Treatment minus comparator over the standard deviation that the model gives the visit.",
    ),
    Measure("coefficient", "statistic", "Coefficient of a model."),
    Measure(
        "linear combination", "statistic", "Combination of coefficients or adjusted means that the user has named."
    ),
    Measure("joint test", "statistic", "F test that several differences are all 0; df is that of the denominator."),
    Measure("fit statistic", "statistic", "How a model fits: -2 log likelihood, AIC, AICc, BIC."),
    Measure("coefficient alpha", "statistic", "Cronbach's alpha of the items of a scale, or of all but the one named."),
    Measure("standardized alpha", "statistic", "Alpha of the items, each over its standard deviation."),
    Measure("coefficient omega", "statistic", "McDonald's omega (total) of a one-factor model of the items."),
    Measure("item-rest correlation", "statistic", "Correlation of an item with the sum of the others."),
    Measure("standardized loading", "statistic", "Correlation of an item with the factor of a one-factor model."),
    Measure("published reliability", "constant", "Coefficient that the source in definition_set reports."),
    Measure("answer of a specification", "statistic", "Summary of the answers of several specifications."),
    Measure(
        "share of specifications",
        "statistic",
        "Share of the ways of answering a question that agree; n_patients is that of the main one.",
    ),
    Measure("difference in proportions", "statistic", "Share of the treatment minus share of the comparator."),
    Measure(
        "standardized difference in proportions",
        "statistic",
        "Treatment minus comparator as a logistic model predicts it if all patients compared were in either cohort.",
    ),
    Measure("model-based share", "statistic", "Share that a model estimates from means and spreads; it counts nobody."),
    Measure("center line", "statistic", "Mean or median of the periods of a chart over time."),
    Measure("center line of a share", "statistic", "Median of the shares of the periods of a run chart."),
    Measure("control limit", "statistic", "Three-sigma limit of a chart over time; the term says lower or upper."),
    Measure("control limit of a share", "statistic", "Three-sigma limit of a share over time."),
    Measure("over-dispersion factor", "statistic", "By how much chance alone is exceeded; about 1 where it is not."),
    Measure(
        "standard deviation between groups", "statistic", "Spread of the true means of groups, without their errors."
    ),
    Measure("standardized share", "statistic", "Share a group would have if its patients were like all patients."),
    Measure(
        "Kaplan-Meier share",
        "statistic",
        "Share without an event so far, where those who are seen for less time count as long as they are seen.",
    ),
    Measure("threshold", "constant", "A score or a change that a definition set uses."),
)
"""Every measure an estimate may carry."""

UNITS: tuple[str, ...] = (
    "points",
    "years",
    "trials",
    "sessions",
    "days",
    "mg",
    "mg/kg",
    "SD",
    "%",
    "patients",
    "courses",
    "mmHg",
    "per 1,000 patient-days",
    "per 100 sessions",
    "",
)
"""Units of estimates; points are points of the instrument named beside them, "" is a pure number."""

COUNT_FIELDS: frozenset[str] = frozenset(
    {"n_patients", "n_courses", "n_sessions", "n_scores", "n_events", "n_observations"}
)
"""Fields that count people or what happened to them: small values never leave a clinic."""

ROW_COUNT_FIELDS: frozenset[str] = frozenset({"rows_in", "rows_accepted", "rows_rejected", "n_rows"})
"""Fields that count rows of an input file. They describe the file, yet a row can be a patient: suppressed as well."""

PART_FIELDS: frozenset[str] = (
    COUNT_FIELDS
    | ROW_COUNT_FIELDS
    | frozenset(
        {
            "order",
            "step",
            "reason",
            "kind",
            "visit",
            "target_day",
            "anchor",
            "baseline_first_day",
            "baseline_last_day",
            "baseline_choice",
            "first_day",
            "last_day",
            "visit_choice",
            "gap_days",
            "definition_set",
            "group",
            "instrument",
            "term",
            "baseline_low",
            "baseline_high",
            "follow_up_low",
            "follow_up_high",
            "baseline_band",
            "follow_up_band",
            "file",
            "rule",
            "column",
            "description",
            "study",
            "doi",
            "value",
            "name",
            "printed",
            "lowest",
            "highest",
            "verdict",
            "period",
            "closed",
            "limit",
            "decided",
            "size",
        }
    )
)
"""Every column that a `Part` of a result may have."""

SESSION_KINDS: tuple[str, ...] = (
    "screening",
    "preparation",
    "dosing",
    "integration",
    "follow_up",
    "support",
)
ROUTES: tuple[str, ...] = ("intramuscular", "intravenous", "intranasal", "sublingual")
APPROACHES: tuple[str, ...] = ("psychedelic", "psycholytic")
SESSION_FORMATS: tuple[str, ...] = ("individual", "group")
SEXES: tuple[str, ...] = ("female", "male", "other", "unknown")
AGE_BANDS: tuple[str, ...] = ("12-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75-89")
PROGRAMS: tuple[str, ...] = ("ketamine_only", "with_integration")
"""What was booked at intake; the first is the comparator."""
DIAGNOSES: tuple[str, ...] = (
    "treatment_resistant_depression",
    "depression",
    "bipolar_depression",
    "anxiety",
    "ptsd",
    "obsessive_compulsive",
    "substance_use",
    "eating_disorder",
    "chronic_pain",
    "adjustment",
    "other",
)
EVENT_SEVERITIES: tuple[str, ...] = ("mild", "moderate", "severe")
DIRECTIONS: tuple[str, ...] = ("higher_is_worse", "higher_is_better", "higher_is_more")
