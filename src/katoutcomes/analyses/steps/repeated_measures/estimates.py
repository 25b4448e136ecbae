"""The estimates of a model for repeated measures: means, differences, tests, terms and fit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations as pairs_of
from typing import TYPE_CHECKING, Any

from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.repeated_measures.data import RepeatedMeasuresData
    from katoutcomes.kernels.mmrm.fit import RepeatedMeasuresFit
    from katoutcomes.kernels.mmrm.inference import LinearTests
    from katoutcomes.results.repeated_measures import RepeatedMeasuresModel

ADJUSTED = "follow-up, adjusted"
CHANGE = "change, adjusted"
BASELINE_ANALYZED = "baseline, in the model"
BASELINE_VISIT = "baseline"
RESIDUAL = "residual"


def adjusted_means(model: RepeatedMeasuresModel, treatment: str, average: str, conf_level: float) -> Iterator[Estimate]:
    """Yield the adjusted mean and the adjusted change of every cohort at every visit."""
    import math

    rows = model.mean_rows[average]
    tests = combination_tests(model, rows.reshape(-1, rows.shape[-1]))
    limits = interval(tests, conf_level)
    baseline = model.baseline_means[average]
    position = 0
    for arm in range(rows.shape[0]):
        subgroup = f"{treatment}: {model.arms[arm]}" if model.arms else ""
        for visit, name in enumerate(model.visits):
            n_patients = int(model.n_patients_at_visit[arm, visit])
            numbers = numbers_of(tests, limits, position, conf_level)
            shared: dict[str, Any] = {
                "unit": "points",
                "visit": name,
                "subgroup": subgroup,
                "n_patients": n_patients,
                "n_observations": n_patients,
            }
            yield Estimate(term=ADJUSTED, measure="adjusted mean", **shared, **_without_test(numbers))
            if not math.isnan(baseline):
                yield Estimate(term=CHANGE, measure="mean change", **shared, **_shifted(numbers, -baseline))
            position += 1


def treatment_differences(model: RepeatedMeasuresModel, average: str, conf_level: float) -> Iterator[Estimate]:
    """Yield, for every visit, each cohort minus the comparator, in points and in the model's standard deviations."""
    rows = model.mean_rows[average]
    for arm in range(1, rows.shape[0]):
        tests = combination_tests(model, rows[arm] - rows[0])
        limits = interval(tests, conf_level)
        for visit, name in enumerate(model.visits):
            n_patients = int(model.n_patients_at_visit[[0, arm], visit].sum())
            shared: dict[str, Any] = {
                "term": f"{ADJUSTED}: {model.arms[arm]} - {model.arms[0]}",
                "visit": name,
                "treatment": model.arms[arm],
                "comparator": model.arms[0],
                "n_patients": n_patients,
                "n_observations": n_patients,
            }
            numbers = numbers_of(tests, limits, visit, conf_level)
            yield Estimate(measure="difference in means", unit="points", **shared, **numbers)
            scale = pooled_sd(model)[visit]
            yield Estimate(
                measure="standardized difference in means", unit="SD", **shared, **scaled(numbers, 1.0 / scale)
            )


def pooled_sd(model: RepeatedMeasuresModel) -> NDArray[np.float64]:
    """Return the model's standard deviation at each visit; with several groups, the root of the mean variance."""
    import numpy as np

    return np.asarray(np.sqrt(np.diagonal(model.visit_covariances, axis1=1, axis2=2).mean(axis=0)))


def joint_tests(model: RepeatedMeasuresModel, average: str) -> Iterator[Estimate]:
    """Yield the tests that the cohorts differ at no visit, and that their differences are the same at all visits."""
    import numpy as np

    from katoutcomes.kernels.mmrm.inference import joint_test

    rows = model.mean_rows[average]
    if rows.shape[0] < 2:
        return
    differences = rows[1:] - rows[:1]
    hypotheses = [("no difference at any visit", differences.reshape(-1, rows.shape[-1]))]
    if rows.shape[1] > 1:
        changing = differences[:, 1:] - differences[:, :1]
        hypotheses.append(("the same difference at every visit", changing.reshape(-1, rows.shape[-1])))
    for term, combinations in hypotheses:
        if np.isnan(combinations).any():
            continue
        found = joint_test(model.linear, combinations)
        yield Estimate(
            term=f"{term} (F with {found.numerator_df} numerator df)",
            measure="joint test",
            df=found.df,
            statistic=found.statistic,
            p_value=found.p_value,
            n_patients=model.n_patients,
            n_observations=model.n_observations,
        )


def baseline_mean(model: RepeatedMeasuresModel, average: str) -> Iterator[Estimate]:
    """Yield the mean baseline score that adjusted changes are counted from, where the model uses it."""
    import math

    mean = model.baseline_means[average]
    if not math.isnan(mean):
        yield Estimate(
            term=BASELINE_ANALYZED,
            measure="mean",
            unit="points",
            visit=BASELINE_VISIT,
            estimate=mean,
            n_patients=model.n_patients,
        )


def coefficients(model: RepeatedMeasuresModel, conf_level: float) -> Iterator[Estimate]:
    """Yield the coefficients of the formula, NaN for those that follow from others."""
    import numpy as np

    combinations = np.eye(len(model.names))
    combinations[np.isnan(model.coefficients)] = np.nan
    tests = combination_tests(model, combinations)
    limits = interval(tests, conf_level)
    for position, name in enumerate(model.names):
        yield Estimate(
            term=name,
            measure="coefficient",
            unit="points",
            n_patients=model.n_patients,
            n_observations=model.n_observations,
            **numbers_of(tests, limits, position, conf_level),
        )


def residuals(model: RepeatedMeasuresModel, chosen: RepeatedMeasuresData) -> Iterator[Estimate]:
    """Yield the residual standard deviations of the visits and their correlations, for each covariance group."""
    import numpy as np

    correlations = model.visit_correlations()
    n_seen = chosen.n_of_groups_at_visits()
    n_of_group = [len(chosen.scores)] if chosen.group is None else np.bincount(chosen.group).tolist()
    for group, label in enumerate(model.groups):
        subgroup = f"{chosen.group_variable}: {label}" if label else ""
        for visit, name in enumerate(model.visits):
            yield Estimate(
                term=RESIDUAL,
                measure="standard deviation",
                unit="points",
                subgroup=subgroup,
                visit=name,
                estimate=float(np.sqrt(model.visit_covariances[group, visit, visit])),
                n_patients=int(n_seen[group, visit]),
                n_observations=int(n_seen[group, visit]),
            )
        for first, second in pairs_of(range(len(model.visits)), 2):
            yield Estimate(
                term=f"{RESIDUAL}, with {model.visits[second]}",
                measure="correlation",
                subgroup=subgroup,
                visit=model.visits[first],
                estimate=float(correlations[group, first, second]),
                n_patients=int(n_of_group[group]),
                n_observations=int(n_seen[group].sum()),
            )


def fit_statistics(model: RepeatedMeasuresModel, fit: RepeatedMeasuresFit) -> Iterator[Estimate]:
    """Yield -2 log likelihood and the information criteria."""
    from katoutcomes.kernels.mmrm.fit import information_criteria

    criteria = information_criteria(fit)
    name = "-2 log restricted likelihood" if fit.reml else "-2 log likelihood"
    values = {name: fit.deviance, "AIC": criteria["aic"], "AICc": criteria["aicc"], "BIC": criteria["bic"]}
    for term, value in values.items():
        yield Estimate(
            term=term,
            measure="fit statistic",
            estimate=value,
            n_patients=model.n_patients,
            n_observations=model.n_observations,
        )


def combination_tests(model: RepeatedMeasuresModel, combinations: NDArray[np.float64]) -> LinearTests:
    """Return the tests of combinations, NaN throughout where one is not estimable (it holds NaN)."""
    import numpy as np

    from katoutcomes.kernels.mmrm.inference import LinearTests, linear_tests

    usable = ~np.isnan(combinations).any(axis=1)
    found = linear_tests(model.linear, combinations[usable])

    def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
        every = np.full(combinations.shape[0], np.nan)
        every[usable] = values
        return every

    return LinearTests(
        spread(found.estimate),
        spread(found.std_error),
        spread(found.df),
        spread(found.statistic),
        spread(found.p_value),
    )


def interval(tests: LinearTests, conf_level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the limits of t intervals, normal ones where the degrees of freedom are infinite."""
    import numpy as np
    from scipy.special import ndtri, stdtrit

    upper = 0.5 + conf_level / 2.0
    is_finite = np.isfinite(tests.df)
    quantile = np.where(is_finite, stdtrit(np.where(is_finite, tests.df, 1.0), upper), ndtri(upper))
    width = quantile * tests.std_error
    return tests.estimate - width, tests.estimate + width


def numbers_of(
    tests: LinearTests,
    limits: tuple[NDArray[np.float64], NDArray[np.float64]],
    position: int,
    conf_level: float,
) -> dict[str, Any]:
    """Return the fields of the estimate that rests on one of the tests."""
    import math

    estimate = float(tests.estimate[position])
    return {
        "estimate": estimate,
        "std_error": float(tests.std_error[position]),
        "df": float(tests.df[position]),
        "conf_low": float(limits[0][position]),
        "conf_high": float(limits[1][position]),
        "conf_level": NOT_A_NUMBER if math.isnan(estimate) else conf_level,
        "statistic": float(tests.statistic[position]),
        "p_value": float(tests.p_value[position]),
    }


def _without_test(numbers: dict[str, Any]) -> dict[str, Any]:
    """Leave out the test: that a mean differs from 0 is no question."""
    return numbers | {"statistic": NOT_A_NUMBER, "p_value": NOT_A_NUMBER}


def _shifted(numbers: dict[str, Any], shift: float) -> dict[str, Any]:
    """Return a mean minus a constant, tested against 0."""
    import numpy as np
    from scipy.special import ndtr, stdtr

    moved = {name: numbers[name] + shift for name in ("estimate", "conf_low", "conf_high")}
    statistic = moved["estimate"] / numbers["std_error"]
    df = numbers["df"]
    p_value = float(2.0 * (ndtr(-abs(statistic)) if np.isinf(df) else stdtr(df, -abs(statistic))))
    return numbers | moved | {"statistic": statistic, "p_value": p_value}


def scaled(numbers: dict[str, Any], factor: float) -> dict[str, Any]:
    """Return the fields of an estimate on another scale."""
    names = ("estimate", "std_error", "conf_low", "conf_high")
    return numbers | {name: numbers[name] * factor for name in names}
