"""What the synthetic clinic makes true, against an independent simulation of the same mechanism.

The reference values come from another implementation: forced regimes with common random numbers, 10^6 patients a
scenario, Monte-Carlo standard error at most .003.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.registry.synthetic.mechanism import N_WEEKS, Intake, Trajectory, draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS
from katoutcomes.registry.synthetic.truth import true_change, true_program_effect, true_start_effect

REFERENCE_ERROR = 0.003
"""Upper bound of the Monte-Carlo standard error of the reference values."""
MOST_ERRORS = 3.5
"""Distance allowed, in standard errors of the difference; 1 in 2,000 for a correct program, and the seeds are fixed."""
N_QUICK, N_SLOW = 40_000, 1_000_000

PROGRAM_EFFECT = [
    ("effect", "booked", -2.075504, -2.081385),
    ("effect_mnar", "booked", -2.071964, -2.077890),
    ("effect", "start", -0.870499, -0.872612),
    ("effect_mnar", "start", -0.868809, -0.870864),
    ("effect", "curved_booked", -1.190619, -1.188521),
]
"""Of the curved clinic: tests/oracles/curved_clinic.py, 10^6 patients."""
START_EFFECT = [("effect", "start", -0.838228), ("effect", "curved_start", -0.609948)]

CHANGE = [
    # scenario, mean change of all, of completers, response of all, of completers: printed to the digits given
    ("null", -3.3, -4.25, 0.17, 0.235),
    ("mnar", -3.3, -4.7, 0.17, 0.274),
]
CHANGE_PRINTED, RESPONSE_PRINTED = 0.05, 0.005
"""The reference values are rounded: half a unit of their last digit, and a little for their own error."""


def assert_program_effect(n_patients: int, scenario: str, mechanism: str, everybody: float, overlap: float) -> None:
    truth = true_program_effect(np.random.default_rng(20260930), n_patients, scenario, mechanism)
    for found, error, expected in (
        (truth.effect, truth.effect_error, everybody),
        (truth.overlap_effect, truth.overlap_effect_error, overlap),
    ):
        assert 0.0 < error < 3.0 / n_patients**0.5
        assert abs(found - expected) < MOST_ERRORS * np.hypot(error, REFERENCE_ERROR)


@pytest.mark.parametrize(("scenario", "mechanism", "everybody", "overlap"), PROGRAM_EFFECT)
def test_program_effect(scenario: str, mechanism: str, everybody: float, overlap: float) -> None:
    assert_program_effect(N_QUICK, scenario, mechanism, everybody, overlap)


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "mechanism", "everybody", "overlap"), PROGRAM_EFFECT)
def test_program_effect_in_a_million(scenario: str, mechanism: str, everybody: float, overlap: float) -> None:
    assert_program_effect(N_SLOW, scenario, mechanism, everybody, overlap)


def assert_start_effect(n_patients: int, scenario: str, mechanism: str, expected: float) -> None:
    truth = true_start_effect(np.random.default_rng(20260930), n_patients, scenario, mechanism)
    assert 0.0 < truth.effect_error < 3.0 / n_patients**0.5
    assert abs(truth.effect - expected) < MOST_ERRORS * np.hypot(truth.effect_error, REFERENCE_ERROR)


@pytest.mark.parametrize(("scenario", "mechanism", "expected"), START_EFFECT)
def test_effect_of_beginning_integration(scenario: str, mechanism: str, expected: float) -> None:
    assert_start_effect(N_QUICK, scenario, mechanism, expected)


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "mechanism", "expected"), START_EFFECT)
def test_effect_of_beginning_integration_in_a_million(scenario: str, mechanism: str, expected: float) -> None:
    assert_start_effect(N_SLOW, scenario, mechanism, expected)


def test_the_oracle_of_the_second_clinic_gives_its_own_numbers() -> None:
    """Its numbers of 10^6 patients stand above; a twentieth of them agree within their error."""
    path = Path(__file__).resolve().parents[1] / "oracles" / "curved_clinic.py"
    spec = importlib.util.spec_from_file_location("curved_clinic", path)
    assert spec is not None
    assert spec.loader is not None
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    expected = (*PROGRAM_EFFECT[-1][2:], START_EFFECT[-1][2])
    for (found, error), value in zip(oracle.truths(50_000, seed=4), expected, strict=True):
        assert abs(found - value) < MOST_ERRORS * np.hypot(error, REFERENCE_ERROR)


def assert_change(n_patients: int, scenario: str, everybody: float, completers: float, *responses: float) -> None:
    truth = true_change(np.random.default_rng(7), n_patients, scenario, "booked")
    for found, error, expected in (
        (truth.mean_change, truth.mean_change_error, everybody),
        (truth.recorded_mean_change, truth.recorded_mean_change_error, completers),
    ):
        assert abs(found - expected) < CHANGE_PRINTED + MOST_ERRORS * error
    for found, expected in zip((truth.response, truth.recorded_response), responses, strict=True):
        assert abs(found - expected) < RESPONSE_PRINTED + MOST_ERRORS * (0.25 / n_patients) ** 0.5
    assert truth.recorded_mean_change < truth.mean_change - 0.5


@pytest.mark.parametrize(("scenario", "everybody", "completers", "response", "completers_response"), CHANGE)
def test_completers_change_more_than_everybody(
    scenario: str, everybody: float, completers: float, response: float, completers_response: float
) -> None:
    assert_change(N_QUICK, scenario, everybody, completers, response, completers_response)


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "everybody", "completers", "response", "completers_response"), CHANGE)
def test_completers_change_more_than_everybody_in_a_million(
    scenario: str, everybody: float, completers: float, response: float, completers_response: float
) -> None:
    assert_change(N_SLOW, scenario, everybody, completers, response, completers_response)


def test_about_six_in_ten_have_a_last_score() -> None:
    shares = {
        scenario: true_change(np.random.default_rng(7), N_QUICK, scenario, "booked").recorded_share
        for scenario in SCENARIOS
    }
    assert shares["null"] == pytest.approx(0.60, abs=0.02)
    assert 0.50 < min(shares.values()) < max(shares.values()) < 0.70


def observed(n_patients: int, scenario: str, mechanism: str, seed: int) -> tuple[Intake, Trajectory]:
    rng = np.random.default_rng(seed)
    intake = draw_intake(rng, n_patients, SCENARIOS[scenario])
    return intake, follow(intake, draw_weeks(rng, n_patients), SCENARIOS[scenario], MECHANISMS[mechanism])


def difference(value: np.ndarray, group: np.ndarray) -> float:
    return float(value[group].mean() - value[~group].mean())


@pytest.mark.parametrize(("n_patients", "spread"), [(N_QUICK, 0.4), pytest.param(N_SLOW, 0.1, marks=pytest.mark.slow)])
def test_ever_against_never_is_badly_wrong_where_nothing_works(n_patients: int, spread: float) -> None:
    """Ever against never shows -1.4 (completers) and -2.0 (last score carried forward) where nothing works."""
    intake, course = observed(n_patients, "null", "start", seed=12)
    ever, seen = course.session.any(axis=1), course.recorded[:, N_WEEKS - 1]
    completers = difference(course.score[seen, N_WEEKS - 1], ever[seen])
    last = intake.baseline_score.copy()
    for week in range(N_WEEKS):
        known = course.in_care[:, week] & course.recorded[:, week]
        last[known] = course.score[known, week]
    carried_forward = difference(last, ever)
    assert completers == pytest.approx(-1.4, abs=spread)
    assert carried_forward == pytest.approx(-2.0, abs=spread)
    assert max(completers, carried_forward) <= -1.0


@pytest.mark.parametrize(("n_patients", "spread"), [(N_QUICK, 0.25), pytest.param(N_SLOW, 0.1, marks=pytest.mark.slow)])
def test_booked_against_not_is_confounded_where_nothing_works(n_patients: int, spread: float) -> None:
    """The bias of two unadjusted comparisons of completers, -0.22 and -0.70, with a standard error near .02."""
    intake, course = observed(n_patients, "null", "booked", seed=13)
    seen, booked = course.recorded[:, N_WEEKS - 1], intake.program == 1
    score = course.score[seen, N_WEEKS - 1]
    assert difference(score, booked[seen]) == pytest.approx(-0.22, abs=spread)
    assert difference(score - intake.baseline_score[seen], booked[seen]) == pytest.approx(-0.70, abs=spread)


def readme_row(label: str) -> list[float]:
    """Return the numbers of a row of a table in the sample's README, without the errors in brackets."""
    readme = (Path(__file__).resolve().parents[2] / "data" / "sample" / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if line.replace("*", "").startswith(f"| {label} |"))
    cells = row.replace("*", "").split("|")[2:-1]
    return [float(cell.split("(")[0].replace("−", "-")) for cell in cells]


@pytest.mark.slow
def test_the_samples_readme_states_the_truth() -> None:
    weeks = (4, 8, 10, 11, 12)
    truths = [true_program_effect(np.random.default_rng(20260930), N_SLOW, week=week) for week in weeks]
    assert readme_row("effect of the program with integration") == [round(truth.effect, 3) for truth in truths]
    assert readme_row("the same with overlap weights") == [round(truth.overlap_effect, 3) for truth in truths]
    change = true_change(np.random.default_rng(20260930), N_SLOW)
    assert readme_row("mean change from baseline") == [
        round(change.mean_change, 3),
        round(change.recorded_mean_change, 3),
    ]
    assert readme_row("share with half the baseline score or less") == [
        round(change.response, 3),
        round(change.recorded_response, 3),
    ]
    assert (round(change.recorded_share, 2), round(change.in_care_share, 2)) == (0.67, 0.67)


@pytest.mark.slow
def test_the_samples_readme_says_how_far_comparisons_of_completers_are_off() -> None:
    intake, course = observed(N_SLOW, "effect", "booked", seed=20260930)
    seen, booked, ever = course.recorded[:, N_WEEKS - 1], intake.program == 1, course.session.any(axis=1)
    score, baseline = course.score[seen, N_WEEKS - 1].astype(float), intake.baseline_score[seen].astype(float)

    def adjusted(*columns: np.ndarray) -> float:
        design = np.column_stack([np.ones(seen.sum()), booked[seen], baseline, *columns])
        return float(np.linalg.lstsq(design, score, rcond=None)[0][1])

    sites = [(intake.site[seen] == site).astype(float) for site in range(1, 5)]
    covariates = [intake.prognosis[seen], intake.affluence[seen], intake.trauma_history[seen]]
    shown = {
        "program against program, scores at day 84": difference(score, booked[seen]),
        "the same, changes from baseline": difference(score - baseline, booked[seen]),
        "the same, adjusted for the baseline score only": adjusted(),
        "the same, adjusted for all columns above": adjusted(*covariates, *sites),
        "anybody who ever had integration against those who never had (refused by this package)": difference(
            score, ever[seen]
        ),
    }
    for label, value in shown.items():
        assert readme_row(label) == [round(value, 2)]
    # Adjustment removes the confounding; the missing scores are what is left.
    assert abs(shown["the same, adjusted for all columns above"] + 2.0755) < 0.2
