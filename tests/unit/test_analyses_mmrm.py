"""`kat.mmrm` on data that cannot carry the model, or hardly: the right message; and the same data, the same numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import DataError, DesignError, KatOutcomesError, NumericalError, OptionError

N, WEEKS = 80, (2, 6, 12)


def wide(seed=1, n=N, n_visits=3):
    """Return baseline and scores of synthetic patients in two arms, with drop-out; PHQ-9 points."""
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 2, "B", "A")
    baseline = np.clip(np.round(rng.normal(16.0, 4.0, n)), 0, 27)
    factor = np.linalg.cholesky(0.6 ** np.abs(np.subtract.outer(np.arange(n_visits), np.arange(n_visits))))
    y = 0.5 * baseline[:, None] + 3.0 + 3.5 * rng.standard_normal((n, n_visits)) @ factor.T
    y = np.clip(np.round(y - 2.0 * (arm == "B")[:, None]), 0, 27)
    last = np.where(rng.random(n) < 0.25, rng.integers(1, n_visits + 1, n), n_visits)
    y[np.arange(n_visits) >= last[:, None]] = np.nan
    return arm, baseline, y


def tidy(arm, baseline, y, weeks=WEEKS, **columns):
    n, n_visits = y.shape
    frame = pd.DataFrame(
        {
            "patient": np.repeat(np.arange(n), n_visits),
            "week": np.tile(weeks, n),
            "score": y.reshape(-1),
            "baseline": np.repeat(baseline, n_visits),
            "arm": np.repeat(arm, n_visits),
        }
    )
    for name, values in columns.items():
        frame[name] = np.repeat(values, n_visits)
    return frame


def analysis_set(frame, **options):
    return kat.AnalysisSet.from_frame(
        frame,
        patient="patient",
        visit="week",
        score="score",
        baseline="baseline",
        instrument="PHQ-9",
        treatment="arm",
        comparator="A",
        treatment_known_by_day=0,
        **options,
    )


def numbers(result):
    return [
        (one.term, one.measure, one.visit, one.subgroup, one.estimate, one.std_error, one.df, one.p_value)
        for one in result.estimates
    ]


def test_missing_visits_given_or_absent_are_the_same_to_the_last_bit():
    frame = tidy(*wide())
    explicit, implicit = kat.mmrm(analysis_set(frame)), kat.mmrm(analysis_set(frame.dropna(subset=["score"])))
    assert frame["score"].isna().any()
    assert repr(numbers(explicit)) == repr(numbers(implicit))
    shuffled = kat.mmrm(analysis_set(frame.sample(frac=1.0, random_state=3)))
    assert repr(numbers(explicit)) == repr(numbers(shuffled))


def test_scores_left_empty_or_absent_in_a_registry_are_the_same_to_the_last_bit():
    """A row without a score is rejected by the registry and counted there; the model sees what it always saw."""
    full = kat.simulate_registry(seed=20260930, n_patients=50)
    columns = {
        "patients": ["patient_id", "age_years", "sex", "program_booked"],
        "sessions": ["session_id", "patient_id", "day", "kind"],
        "scores": ["score_id", "patient_id", "day", "instrument", "total"],
    }
    tables = {name: full.table(name)[kept] for name, kept in columns.items()}
    scores = tables["scores"][tables["scores"]["instrument"] == "phq9"].astype({"total": float})
    missing = scores.sample(frac=0.15, random_state=1).index
    found = []
    for given in (scores.drop(missing), scores.assign(total=scores["total"].mask(scores.index.isin(missing)))):
        registry = kat.read_registry(tables | {"scores": given}, is_synthetic=True)
        data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
        found.append((repr(numbers(kat.mmrm(data))), sum(file.rows_rejected for file in registry.load_report.files)))
    (absent, none_rejected), (empty, rejected) = found
    assert (none_rejected, rejected) == (0, len(missing))
    assert absent == empty


def test_a_visit_that_nobody_has_is_left_out_with_a_warning():
    arm, baseline, y = wide()
    y[:, 1] = np.nan
    result = kat.mmrm(analysis_set(tidy(arm, baseline, y), visits={2: 14, 6: 42, 12: 84}))
    assert any("Nobody has a score" in warning for warning in result.warnings)
    assert {one.visit for one in result.select(measure="adjusted mean")} == {"visit 2", "visit 12"}


def test_a_visit_with_one_score():
    arm, baseline, y = wide()
    y[1:, 2] = np.nan
    y[0, 2] = 9.0
    with pytest.raises(NumericalError, match="only one patient has a score at 'visit 12'"):
        kat.mmrm(analysis_set(tidy(arm, baseline, y)))


def test_equal_scores_at_a_visit():
    arm, baseline, y = wide()
    y[~np.isnan(y[:, 1]), 1] = 8.0
    with pytest.raises(NumericalError, match="all scores at 'visit 6' are equal"):
        kat.mmrm(analysis_set(tidy(arm, baseline, y)))


@pytest.mark.parametrize("covariance", ["unstructured", "compound symmetry"])
def test_scores_that_the_formula_fits_exactly(covariance):
    arm, baseline, y = wide()
    exact = np.where(np.isnan(y), np.nan, baseline[:, None] * 0.5 + (arm == "B")[:, None] * 2.0)
    with pytest.raises(NumericalError, match="fits the scores of a visit exactly"):
        kat.mmrm(analysis_set(tidy(arm, baseline, exact)), covariance=covariance)


def test_too_few_scores_at_a_visit():
    arm, baseline, y = wide()
    y[4:, 2] = np.nan
    y[:4, 2] = [8.0, 5.0, 12.0, 7.0]
    with pytest.raises(NumericalError, match=r"exactly|singular"):
        kat.mmrm(analysis_set(tidy(arm, baseline, y)))


def test_few_scores_at_a_visit_are_said():
    arm, baseline, y = wide()
    known = np.flatnonzero(~np.isnan(y[:, 2]))
    y[known[12:], 2] = np.nan
    result = kat.mmrm(analysis_set(tidy(arm, baseline, y)), covariance="cs")
    assert not next(check for check in result.checks if check.name == "patients per cohort and visit").passed


def test_two_visits_never_seen_together():
    arm, baseline, y = wide()
    y[: N // 2, 0] = np.nan
    y[N // 2 :, 2] = np.nan
    data = analysis_set(tidy(arm, baseline, y))
    with pytest.raises(NumericalError, match="two visits were never seen in the same patient"):
        kat.mmrm(data)
    result = kat.mmrm(data, fallback=("heterogeneous compound symmetry",))
    assert any("fallback" in warning for warning in result.warnings)
    assert not next(check for check in result.checks if check.name == "covariance as asked for").passed


def test_equal_scores_at_two_visits_are_singular():
    arm, baseline, y = wide()
    y[:, 2] = y[:, 1]
    with pytest.raises(NumericalError, match="singular"):
        kat.mmrm(analysis_set(tidy(arm, baseline, y)))


def test_nobody_of_a_cohort_at_a_visit():
    arm, baseline, y = wide()
    y[arm == "B", 2] = np.nan
    result = kat.mmrm(analysis_set(tidy(arm, baseline, y)))
    assert any("left empty" in warning for warning in result.warnings)
    difference = {one.visit: one.estimate for one in result.select(measure="difference in means")}
    assert np.isnan(difference["visit 12"])
    assert np.isfinite([difference["visit 2"], difference["visit 6"]]).all()


def test_a_covariate_twice_is_dropped_with_a_warning_and_changes_nothing():
    arm, baseline, y = wide()
    age = np.round(np.random.default_rng(2).normal(40.0, 10.0, N))
    frame = tidy(arm, baseline, y, age=age, age_in_months=12.0 * age)
    data = analysis_set(frame, covariates=["age", "age_in_months"])
    plain = kat.mmrm(data, mean="treatment*visit + baseline*visit + age")
    doubled = kat.mmrm(data, mean="treatment*visit + baseline*visit + age + age_in_months")
    assert any("left out" in warning for warning in doubled.warnings)
    for measure in ("adjusted mean", "difference in means"):
        found, expected = ([one.estimate for one in result.select(measure=measure)] for result in (doubled, plain))
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_unknown_covariates_leave_patients_out():
    arm, baseline, y = wide()
    age = np.round(np.random.default_rng(2).normal(40.0, 10.0, N))
    age[:7] = np.nan
    mean = "treatment*visit + baseline*visit + age"
    result = kat.mmrm(analysis_set(tidy(arm, baseline, y, age=age), covariates=["age"]), mean=mean)
    kept = kat.mmrm(analysis_set(tidy(arm[7:], baseline[7:], y[7:], age=age[7:]), covariates=["age"]), mean=mean)
    assert any("are left out" in warning for warning in result.warnings)
    assert result.model.n_patients == kept.model.n_patients
    np.testing.assert_allclose(result.model.coefficients, kept.model.coefficients, rtol=1e-10)


def test_a_row_twice_is_refused():
    frame = tidy(*wide())
    with pytest.raises(DataError):
        analysis_set(pd.concat([frame, frame.iloc[:2]]))


def test_a_patient_who_alone_decides_has_no_jackknife():
    arm, baseline, y = wide()
    alone = np.zeros(N)
    alone[np.flatnonzero(~np.isnan(y).any(axis=1))[0]] = 1.0
    data = analysis_set(tidy(arm, baseline, y, alone=alone), covariates=["alone"])
    mean = "treatment*visit + baseline*visit + alone*visit"
    with pytest.raises(NumericalError, match="jackknife"):
        kat.mmrm(data, mean=mean, variance="CR3")
    assert kat.mmrm(data, mean=mean, variance="CR2").select(measure="difference in means")[0].std_error > 0.0


@pytest.mark.parametrize(
    "mean", ["treatment*visit + baseline*visit", "treatment*visit + center(baseline)*visit + site"]
)
@pytest.mark.parametrize("average", ["observed", "equal", "proportional"])
def test_many_rows_are_taken_visit_by_visit_to_the_same_numbers(monkeypatch, mean, average):
    site = np.random.default_rng(6).choice(["east", "west", "north"], N)
    data = analysis_set(tidy(*wide(), site=site), covariates=["site"])
    at_once = kat.mmrm(data, mean=mean, average=average)
    monkeypatch.setattr("katoutcomes.analyses.steps.repeated_measures.matrices._MOST_ROWS_AT_ONCE", 10)
    in_parts = kat.mmrm(data, mean=mean, average=average)
    for one, other in zip(at_once.estimates, in_parts.estimates, strict=True):
        assert one.term == other.term
        np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-10)
        np.testing.assert_allclose(one.std_error, other.std_error, rtol=1e-10)


def test_a_column_that_is_first_met_at_a_later_visit():
    """A slope at the last visit alone: the adjusted mean there averages over the patients' own values."""
    data = analysis_set(tidy(*wide()))
    result = kat.mmrm(data, mean="treatment*visit + I((visit == 'visit 12') * baseline)")
    slope = next(position for position, name in enumerate(result.model.names) if "baseline" in name)
    rows = result.model.mean_rows["observed"][:, :, slope]
    np.testing.assert_array_equal(rows[:, :2], 0.0)
    known = ~np.isnan(wide()[2]).all(axis=1)
    np.testing.assert_allclose(rows[:, 2], wide()[1][known].mean(), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"covariance": "banded"}, OptionError),
        ({"df_method": "between-within"}, OptionError),
        ({"variance": "CR1"}, OptionError),
        ({"mean": "treatment + baseline"}, OptionError),
        ({"mean": "score ~ visit"}, OptionError),
        ({"mean": "visit*unknown"}, OptionError),
        ({"mean": "visit +"}, OptionError),
        ({"average": "median"}, OptionError),
        ({"weights": "arm"}, OptionError),
        ({"conf_level": 1.5}, OptionError),
    ],
)
def test_options_that_there_are_not(options, error):
    with pytest.raises(error):
        kat.mmrm(analysis_set(tidy(*wide())), **options)


@pytest.mark.parametrize("seed", range(25))
def test_small_data_end_in_a_result_or_a_named_error(seed):
    rng = np.random.default_rng(seed)
    n, n_visits = int(rng.integers(3, 25)), int(rng.integers(1, 4))
    arm, baseline, y = wide(seed, n, n_visits)
    y[rng.random(y.shape) < rng.choice([0.0, 0.2, 0.5])] = np.nan
    covariance = str(rng.choice(["us", "csh", "ar1", "toeph", "ad"]))
    result, error = None, None
    try:
        result = kat.mmrm(
            analysis_set(tidy(arm, baseline, y, WEEKS[:n_visits])),
            covariance=covariance,
            by="treatment" if rng.random() < 0.3 else None,
            reml=bool(rng.random() < 0.7),
        )
    except (NumericalError, DesignError) as named:
        error = named
    if result is None:
        assert isinstance(error, KatOutcomesError)
        assert error.__context__ is None
        return
    for one in result.select(measure="difference in means"):
        assert np.isnan(one.estimate) or one.conf_low < one.estimate < one.conf_high
