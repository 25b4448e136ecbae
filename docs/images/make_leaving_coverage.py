"""Measure bias and coverage of the estimands in which leaving care counts, or days do, and draw them.

    python docs/images/make_leaving_coverage.py                          draws leaving_coverage.svg from the numbers
    python docs/images/make_leaving_coverage.py --measure effect 150     computes those of a scenario anew first
    python docs/images/make_leaving_coverage.py --measure-trials effect 150      the same for emulated trials

Studies of 300 patients of the synthetic clinic with visits at weeks 2, 4, 8 and 12, overlap weights, observation
weights and the bootstrap. The truth is that of the mechanism: everybody followed under both programs with the same
random numbers, weighted by e(1 - e), e the true booking probability; in emulated trials, where booking decides less,
everybody who begins integration within four weeks against nobody. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import katoutcomes as kat
from katoutcomes.analyses.steps.comparison.arms import comparison
from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
from katoutcomes.analyses.steps.comparison.estimation import fit_comparison
from katoutcomes.analyses.steps.emulation.answers import MAIN, Beside, answers
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.analyses.steps.resamples import Resampling
from katoutcomes.kernels.groups.days_in_state import days_spoken_for
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS
from katoutcomes.registry.synthetic.trajectories import SITES
from katoutcomes.results.provenance import Provenance
from katoutcomes.workflows.simulation.studies import emulation_set

if TYPE_CHECKING:
    from katoutcomes.registry.synthetic.trajectories import Intake, Trajectory

HERE = Path(__file__).resolve().parent
NUMBERS, FIGURE = HERE / "leaving_coverage.json", HERE / "leaving_coverage.svg"
N_PATIENTS, N_RESAMPLES, LEVEL = 300, 200, 0.95
N_OF_TRUTH, STEPS_OF_TRUTH = 100_000, 4
WEEKS = np.array([2, 4, 8, 12])
VISITS = tuple(kat.VisitWindow(f"week {week}", 7 * week, 7 * week - 2, 7 * week + 2) for week in WEEKS.tolist())
COVARIATES = ("site", "prognosis", "affluence", "trauma_history")
QUESTIONS: dict[str, dict[str, str]] = {
    "composite response": {"outcome": "response", "left_care": "composite"},
    "days in response": {"outcome": "days_in_response"},
    "last score in care": {"left_care": "while_in_care"},
}
"""What is asked, as arguments of `compare_cohorts`."""
TRIALS: dict[str, dict[str, Any]] = {
    "composite response, emulated": {"outcome": "response", "left_care": "composite"},
    "days in response, emulated": {"outcome": "days_in_response"},
    "last score in care, emulated": {"left_care": "while_in_care"},
}
"""The same of `emulate_trial`, as fields of its `TargetTrial`."""
UNITS = {"composite response": "percentage points", "days in response": "days", "last score in care": "points"}
UNITS |= {f"{question}, emulated": unit for question, unit in UNITS.items()}
SCENARIOS_SHOWN = ("null", "effect")


# --- the truth -------------------------------------------------------------------------------------------------------


def outcomes(intake: Intake, course: Trajectory) -> np.ndarray:
    """Return what each question asks of everybody, shape (3, n_patients), had every score been recorded.

    The last score in care is the last that was recorded: when scores are recorded is part of that question.
    """
    baseline = intake.baseline_score.astype(np.float64)
    scores = course.score[:, WEEKS - 1].astype(np.float64)
    responded = scores <= 0.5 * baseline[:, None]
    stays = course.in_care[:, WEEKS - 1]
    last = baseline.copy()
    for place, week in enumerate(WEEKS):
        counts = stays[:, place] & course.recorded[:, week - 1]
        last = np.where(counts, scores[:, place], last)
    return np.stack([100.0 * (responded[:, -1] & stays[:, -1]), responded @ days_spoken_for(7.0 * WEEKS), last])


def truths(scenario: str, n_patients: int = N_OF_TRUTH, n_steps: int = STEPS_OF_TRUTH, seed: int = 20261122) -> Any:
    """Return the true difference of each question among those for whom each program was likely, and its error."""
    differences, weights = [], []
    for step in range(n_steps):
        rng = np.random.default_rng([seed, step])
        intake, draws = draw_intake(rng, n_patients, SCENARIOS[scenario]), draw_weeks(rng, n_patients)
        sides = (
            outcomes(intake, follow(intake, draws, SCENARIOS[scenario], MECHANISMS["booked"], program=program))
            for program in (1, 0)
        )
        differences.append(next(sides) - next(sides))
        weights.append(intake.booking_probability * (1.0 - intake.booking_probability))
    difference, weight = np.concatenate(differences, axis=1), np.concatenate(weights)
    mean = difference @ weight / weight.sum()
    error = np.sqrt((difference - mean[:, None]) ** 2 @ weight**2) / weight.sum()
    return dict(zip(QUESTIONS, zip(mean.tolist(), error.tolist(), strict=True), strict=True))


# --- the studies -----------------------------------------------------------------------------------------------------


def clinic(seed: int, scenario: str) -> kat.AnalysisSet:
    """Return synthetic patients as an analysis set, with the last day in care."""
    rng = np.random.default_rng([seed, 20261122])
    intake = draw_intake(rng, N_PATIENTS, SCENARIOS[scenario])
    course = follow(intake, draw_weeks(rng, N_PATIENTS), SCENARIOS[scenario], MECHANISMS["booked"])
    seen = np.where(course.recorded, course.score.astype(np.float64), np.nan)
    until = 7.0 * course.in_care[:, :12].sum(axis=1)
    return kat.AnalysisSet(
        instrument=kat.instrument("PHQ-9"),
        visits=VISITS,
        baseline=intake.baseline_score.astype(np.float64),
        scores=seen[:, WEEKS - 1],
        variables=(
            kat.Variable("program", "Program", "category", intake.program.astype(np.float64), ("without", "with")),
            kat.Variable("site", "Site", "category", intake.site.astype(np.float64), SITES),
            *(kat.Variable(name, name, "number", getattr(intake, name)) for name in ("prognosis", "affluence")),
            kat.Variable("trauma_history", "Trauma history", "flag", intake.trauma_history),
            kat.Variable("until", "Until", "number", until, unit="days", known_by_day=84),
        ),
        treatment="program",
        attrition=(),
        cohort="simulated",
        population="simulated patients",
        provenance=Provenance("simulation", "0" * 64, (), is_synthetic=True),
    )


def one_study(seed: int, scenario: str) -> np.ndarray:
    """Return estimate, standard error and limits of each question, shape (3, 4)."""
    data = clinic(seed, scenario)
    choices = ComparisonChoices(
        weights="overlap",
        missing="observation_weights",
        method="weighted_ancova",
        slopes="pooled",
        interval="bootstrap",
        n_imputations=20,
        smallest_important=math.nan,
        resampling=Resampling(N_RESAMPLES, entropy=seed, conf_level=LEVEL),
    )
    shared = {"visit": None, "treatment": None, "covariates": COVARIATES, "in_care_until": "until"}
    rows = []
    for question, asked in QUESTIONS.items():
        found = fit_comparison(comparison(data, **shared, **asked), choices).differences[0]
        scale = 100.0 if UNITS[question] == "percentage points" else 1.0
        rows.append([scale * one for one in (found.estimate, found.std_error, found.conf_low, found.conf_high)])
    return np.array(rows)


def measured(scenario: str, n_studies: int, first: int = 0) -> dict[str, dict[str, float]]:
    """Return, for each question, bias with its error, spread, mean standard error, coverage and rejections."""
    studies = np.stack([one_study(seed, scenario) for seed in range(first, first + n_studies)])
    return summarized(studies, truths(scenario))


def measured_trials(scenario: str, n_studies: int, first: int = 0) -> dict[str, dict[str, float]]:
    """Return the same of emulated trials."""
    studies = np.stack([one_trial(seed, scenario) for seed in range(first, first + n_studies)])
    return summarized(studies, trial_truths(scenario))


def summarized(studies: np.ndarray, true: dict[str, tuple[float, float]]) -> dict[str, dict[str, float]]:
    """Return bias, spread, coverage and rejections of studies, shape (n_studies, n_questions, 4)."""
    numbers, n_studies = {}, len(studies)
    for place, question in enumerate(true):
        estimate, std_error, low, high = studies[:, place].T
        truth, error = true[question]
        numbers[question] = {
            "truth": truth,
            "truth_error": error,
            "bias": float(estimate.mean() - truth),
            "bias_error": float(math.hypot(estimate.std(ddof=1) / n_studies**0.5, error)),
            "sd": float(estimate.std(ddof=1)),
            "mean_std_error": float(std_error.mean()),
            "coverage": float(((low <= truth) & (truth <= high)).mean()),
            "rejections": float(((low > 0.0) | (high < 0.0)).mean()),
            "n_studies": n_studies,
        }
    return numbers


# --- emulated trials -------------------------------------------------------------------------------------------------


def trial_truths(
    scenario: str, n_patients: int = N_OF_TRUTH, n_steps: int = STEPS_OF_TRUTH, seed: int = 20261123
) -> Any:
    """Return the true difference of each question of a trial, and its error: everybody under both strategies."""
    differences = []
    for step in range(n_steps):
        rng = np.random.default_rng([seed, step])
        intake, draws = draw_intake(rng, n_patients, SCENARIOS[scenario]), draw_weeks(rng, n_patients)
        sides = []
        for strategy in ("start", "none"):
            course = follow(intake, draws, SCENARIOS[scenario], MECHANISMS["start"], strategy=strategy)
            composite, days, _ = outcomes(intake, course)
            in_care = emulation(
                kat.TargetTrial(**TRIALS["last score in care, emulated"]), emulation_set(intake, course), ()
            )
            sides.append(np.stack([composite, days, in_care.data.outcome]))
        differences.append(sides[0] - sides[1])
    difference = np.concatenate(differences, axis=1)
    error = difference.std(axis=1) / difference.shape[1] ** 0.5
    return dict(zip(TRIALS, zip(difference.mean(axis=1).tolist(), error.tolist(), strict=True), strict=True))


def one_trial(seed: int, scenario: str) -> np.ndarray:
    """Return estimate, standard error and limits of each question of a trial, shape (3, 4)."""
    rng = np.random.default_rng([seed, 20261123])
    intake = draw_intake(rng, N_PATIENTS, SCENARIOS[scenario])
    course = follow(intake, draw_weeks(rng, N_PATIENTS), SCENARIOS[scenario], MECHANISMS["start"])
    rows = []
    for question, asked in TRIALS.items():
        earlier = {"earlier_visits": VISITS[:-1]} if UNITS[question] == "days" else {}
        confounders = ("site", "prognosis", "affluence", "trauma_history", "program")
        trial = kat.TargetTrial(confounders=confounders, visit=VISITS[-1], **earlier, **asked)
        found = emulation(trial, emulation_set(intake, course, trial.visits[:-1]), ())
        numbers = answers(found, Beside(), Resampling(N_RESAMPLES, entropy=seed, conf_level=LEVEL)).numbers(MAIN)
        scale = 100.0 if UNITS[question] == "percentage points" else 1.0
        rows.append([scale * one for one in (numbers.estimate, numbers.std_error, numbers.conf_low, numbers.conf_high)])
    return np.array(rows)


# --- the figure ------------------------------------------------------------------------------------------------------


def draw(numbers: dict[str, dict[str, dict[str, float]]]) -> None:
    """Draw bias in standard deviations of the estimates, and coverage, each with two Monte-Carlo standard errors."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = [
        (scenario, question)
        for question in (*QUESTIONS, *TRIALS)
        for scenario in SCENARIOS_SHOWN
        if question in numbers.get(scenario, {})
    ]
    figure = Figure(figsize=(9.0, 1.0 + 0.34 * len(rows)), layout="constrained")
    bias, coverage = figure.subplots(1, 2, sharey=True)
    for place, (scenario, question) in enumerate(rows):
        found = numbers[scenario][question]
        color = {"null": "#4d4d4d", "effect": "#0b6e99"}[scenario]
        style = {"fmt": "o", "color": color, "capsize": 3}
        bias.errorbar(found["bias"] / found["sd"], place, xerr=2.0 * found["bias_error"] / found["sd"], **style)
        error = math.sqrt(found["coverage"] * (1.0 - found["coverage"]) / found["n_studies"])
        coverage.errorbar(100.0 * found["coverage"], place, xerr=200.0 * error, **style)
    bias.axvline(0.0, color="0.6", linewidth=0.8)
    bias.set_xlim(-0.6, 0.6)
    bias.set_xlabel("bias over the SD of estimates")
    bias.set_yticks(range(len(rows)), [f"{question}, {scenario}" for scenario, question in rows])
    bias.invert_yaxis()
    coverage.axvspan(92.0, 97.0, color="0.9")
    coverage.axvline(95.0, color="0.6", linewidth=0.8)
    coverage.set_xlim(86.0, 101.0)
    coverage.set_xlabel("intervals with the truth (percent)")
    with mpl.rc_context({"svg.hashsalt": "leaving_coverage", "svg.fonttype": "path"}):
        figure.savefig(FIGURE, metadata={"Date": None})


def main() -> None:
    """Measure if asked, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", nargs=2, metavar=("SCENARIO", "STUDIES"))
    parser.add_argument("--measure-trials", nargs=2, metavar=("SCENARIO", "STUDIES"))
    asked = parser.parse_args()
    for what, measure in ((asked.measure, measured), (asked.measure_trials, measured_trials)):
        if what:
            found = measure(what[0], int(what[1]))
            known = json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}
            known[what[0]] = known.get(what[0], {}) | found
            NUMBERS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    draw(json.loads(NUMBERS.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
