"""The truth functions: small cases that can be checked by another route."""

from __future__ import annotations

import numpy as np
import pytest

from katoutcomes.errors import OptionError
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS
from katoutcomes.registry.synthetic.truth import true_change, true_program_effect


@pytest.mark.parametrize("mechanism", ["booked", "start"])
@pytest.mark.parametrize("scenario", ["null", "mnar", "unmeasured_confounding"])
def test_no_effect_is_exactly_zero_with_common_random_numbers(scenario: str, mechanism: str) -> None:
    truth = true_program_effect(np.random.default_rng(1), 5_000, scenario, mechanism)
    assert (truth.effect, truth.effect_error) == (0.0, 0.0)
    assert (truth.overlap_effect, truth.overlap_effect_error) == (0.0, 0.0)


def test_effect_and_its_error_from_first_principles() -> None:
    n_patients = 500
    truth = true_program_effect(np.random.default_rng(2), n_patients, "effect", "booked", week=7)

    rng = np.random.default_rng(2)
    intake, draws = draw_intake(rng, n_patients, SCENARIOS["effect"]), draw_weeks(rng, n_patients)
    both = [
        follow(intake, draws, SCENARIOS["effect"], MECHANISMS["booked"], program=program).score[:, 6]
        for program in (0, 1)
    ]
    differences = [int(treated) - int(untreated) for untreated, treated in zip(*both, strict=True)]
    mean = sum(differences) / n_patients
    variance = sum((difference - mean) ** 2 for difference in differences) / n_patients
    weights = [float(e * (1 - e)) for e in intake.booking_probability]
    overlap = sum(w * d for w, d in zip(weights, differences, strict=True)) / sum(weights)
    overlap_error = sum((w * (d - overlap)) ** 2 for w, d in zip(weights, differences, strict=True)) ** 0.5 / sum(
        weights
    )
    assert truth.effect == pytest.approx(mean, rel=1e-12)
    assert truth.effect_error == pytest.approx((variance / n_patients) ** 0.5, rel=1e-12)
    assert truth.overlap_effect == pytest.approx(overlap, rel=1e-12)
    assert truth.overlap_effect_error == pytest.approx(overlap_error, rel=1e-12)
    assert truth.n_patients == n_patients


def test_change_from_first_principles() -> None:
    n_patients = 400
    truth = true_change(np.random.default_rng(6), n_patients, "mnar", "start", week=4)

    rng = np.random.default_rng(6)
    intake, draws = draw_intake(rng, n_patients, SCENARIOS["mnar"]), draw_weeks(rng, n_patients)
    course = follow(intake, draws, SCENARIOS["mnar"], MECHANISMS["start"])
    change = [int(course.score[i, 3]) - int(intake.baseline_score[i]) for i in range(n_patients)]
    seen = [i for i in range(n_patients) if course.recorded[i, 3]]
    response = [course.score[i, 3] <= 0.5 * intake.baseline_score[i] for i in range(n_patients)]
    mean, seen_mean = sum(change) / n_patients, sum(change[i] for i in seen) / len(seen)
    assert truth.mean_change == pytest.approx(mean, rel=1e-12)
    assert truth.mean_change_error == pytest.approx(np.std(change) / n_patients**0.5, rel=1e-12)
    assert truth.recorded_mean_change == pytest.approx(seen_mean, rel=1e-12)
    assert truth.recorded_mean_change_error == pytest.approx(
        np.std([change[i] for i in seen]) / len(seen) ** 0.5, rel=1e-12
    )
    assert truth.response == pytest.approx(sum(response) / n_patients)
    assert truth.recorded_response == pytest.approx(sum(response[i] for i in seen) / len(seen))
    assert truth.recorded_share == pytest.approx(len(seen) / n_patients)
    assert truth.in_care_share == pytest.approx(course.in_care[:, 4].mean())


def test_a_larger_effect_of_a_session_is_a_larger_effect_of_the_program() -> None:
    truths = [
        true_program_effect(np.random.default_rng(8), 4_000, "effect", session_effect_points=points).effect
        for points in (0.0, 0.5, 1.0)
    ]
    assert truths[0] > truths[1] > truths[2]


def test_arguments_are_checked() -> None:
    rng = np.random.default_rng(1)
    for week in (0, 13):
        with pytest.raises(OptionError, match="week must lie between 1 and 12"):
            true_program_effect(rng, 10, week=week)
        with pytest.raises(OptionError, match="week must lie between 1 and 12"):
            true_change(rng, 10, week=week)
    with pytest.raises(OptionError, match="n_patients"):
        true_program_effect(rng, 1)
    with pytest.raises(OptionError, match="n_patients"):
        true_change(rng, 1)
    with pytest.raises(OptionError, match="mechanism must be one of"):
        true_change(rng, 10, mechanism="chance")
