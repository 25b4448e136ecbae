"""The cost of bootstrapping whole comparisons of cohorts, against the same pipelines looped over statsmodels fits.

    python benchmarks/comparison.py [--patients 300] [--resamples 1000] [--looped 200] [--bound 20]

Two comparisons. Known at time zero: the propensity (logistic), the probability of being observed (logistic), overlap
weights times inverse probabilities, and a weighted analysis of covariance. Begun later (clone, censor, weight): the
pooled logistic model of a session in each week, weights of both arms, missing outcomes predicted, and a weighted
analysis of covariance of the copies; beside it all nine numbers that the package makes of a resample. Both sides
get the same resamples as frequencies of patients. The loop is as lean as statsmodels allows: arrays, no formulas, no
data frames, starting values of the whole sample. It runs on fewer resamples and is scaled up. CPU time of one process
and one thread, the best of several runs on either side. The differences of both are compared first: a ratio between
programs that do not agree would mean nothing. Ends with status 1 if a ratio is below the bound.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse  # noqa: E402 - threads are set before numpy is imported
import sys  # noqa: E402
import time  # noqa: E402
import tracemalloc  # noqa: E402

import numpy as np  # noqa: E402
import statsmodels.api as sm  # noqa: E402

from katoutcomes.kernels.emulation.censoring_weights import censoring_weights, model_design  # noqa: E402
from katoutcomes.kernels.emulation.data import Arm, Decisions, EmulationData  # noqa: E402
from katoutcomes.kernels.emulation.estimators import (  # noqa: E402
    clone_means,
    emulated_estimates,
    emulation_starts,
    expected_outcome,
)
from katoutcomes.kernels.weighting.bootstrap import BLOCK, bootstrap, frequencies_of_block  # noqa: E402
from katoutcomes.kernels.weighting.comparison import (  # noqa: E402
    ArmData,
    Recipe,
    contrasts,
    estimate_arms,
    observation_design,
    starting_values,
)
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow  # noqa: E402
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS  # noqa: E402

AGREEMENT = 1e-6


def synthetic_arms(n_patients: int, seed: int) -> ArmData:
    """Return synthetic patients with nine covariates and a history, as in the simulation of the methods page."""
    rng = np.random.default_rng(seed)
    intake = draw_intake(rng, n_patients, SCENARIOS["effect"])
    course = follow(intake, draw_weeks(rng, n_patients), SCENARIOS["effect"], MECHANISMS["booked"])
    sites = (intake.site[:, None] == np.arange(1, 5)).astype(float)
    numbers = [intake.baseline_score, intake.prognosis, intake.affluence, intake.trauma_history]
    left = (~course.in_care[:, 11]).astype(float)
    last = np.where(course.recorded[:, 7], course.score[:, 7], intake.baseline_score).astype(float)
    return ArmData(
        outcome=np.where(course.recorded[:, 11], course.score[:, 11].astype(float), np.nan),
        arms=intake.program.astype(np.int64),
        n_arms=2,
        covariates=np.column_stack([*numbers, sites]).astype(float),
        history=np.column_stack([last, left, left * last]),
        history_by_arm=(left * intake.program)[:, None],
    )


def synthetic_trial(n_patients: int, seed: int) -> EmulationData:
    """Return synthetic patients of whom some began integration within four weeks, with the same covariates."""
    rng = np.random.default_rng(seed)
    intake = draw_intake(rng, n_patients, SCENARIOS["effect"])
    course = follow(intake, draw_weeks(rng, n_patients), SCENARIOS["effect"], MECHANISMS["start"])
    last = np.repeat(intake.baseline_score[:, None].astype(float), 13, axis=1)
    for week in range(12):
        seen = course.recorded[:, week] & course.in_care[:, week]
        last[:, week + 1] = np.where(seen, course.score[:, week], last[:, week])
    session = course.session
    before = np.cumsum(session, axis=1) - session
    patient, week = np.nonzero(course.in_care[:, :4] & (before[:, :4] == 0))
    happened = session[patient, week].astype(float)
    decisions = Decisions(patient, week, happened, last[patient, week][:, None])
    must_start = week == 3
    started = np.ones(n_patients, dtype=bool)
    started[patient[must_start & (happened == 0.0)]] = False
    none = Arm(0, np.ones(patient.size, dtype=bool), 0.0, ~session[:, :4].any(axis=1))
    sites = (intake.site[:, None] == np.arange(1, 5)).astype(float)
    numbers = [intake.baseline_score, intake.prognosis, intake.affluence, intake.trauma_history, intake.program]
    left, sessions = (~course.in_care[:, 11]).astype(float), session.sum(axis=1).astype(float)
    return EmulationData(
        outcome=np.where(course.recorded[:, 11], course.score[:, 11].astype(float), np.nan),
        covariates=np.column_stack([*numbers, sites]).astype(float),
        history=np.column_stack([last[:, 11], left, left * last[:, 11], session[:, :4].any(axis=1), sessions]),
        models=(decisions,),
        arms=(none, Arm(0, must_start, 1.0, started)),
        in_care=course.in_care[:, 4],
        exposed_early=session[:, :4].any(axis=1),
        exposed_ever=session.any(axis=1),
    )


def logit(outcome, design, counts, start=None):
    return sm.GLM(outcome, design, sm.families.Binomial(), freq_weights=counts).fit(start_params=start)


class Loop:
    """The comparison known at time zero with statsmodels, one resample at a time."""

    def __init__(self, data: ArmData) -> None:
        self.data, self.treated, self.seen = data, (data.arms == 1).astype(float), data.is_observed
        self.propensity_design = sm.add_constant(data.covariates)
        self.observed_design = sm.add_constant(observation_design(data))
        self.ancova_design = sm.add_constant(np.column_stack([self.treated, data.covariates]))
        ones = np.ones(len(self.treated))
        self.starts = [logit(*model, ones).params for model in self.models()]

    def models(self):
        return ((self.treated, self.propensity_design), (self.seen.astype(float), self.observed_design))

    def difference(self, counts: np.ndarray) -> float:
        fits = [logit(*model, counts, start) for model, start in zip(self.models(), self.starts, strict=True)]
        e = np.clip(fits[0].predict(self.propensity_design), 0.01, 0.99)
        pi = np.clip(fits[1].predict(self.observed_design), 0.01, 0.99)
        weights = np.where(self.treated == 1, 1 - e, e) / pi * counts
        kept = self.seen & (weights > 0)
        return float(sm.WLS(self.data.outcome[kept], self.ancova_design[kept], weights[kept]).fit().params[1])


class EmulationLoop:
    """Clone, censor, weight with statsmodels, one resample at a time."""

    def __init__(self, data: EmulationData) -> None:
        self.data, (self.model,) = data, data.models
        self.decision_design = sm.add_constant(model_design(data, self.model))
        self.outcome_design = sm.add_constant(np.column_stack([data.covariates, data.history]))
        treated = np.repeat([0.0, 1.0], data.n_patients)
        self.clone_design = sm.add_constant(np.column_stack([treated, np.tile(data.covariates, (2, 1))]))
        self.start = logit(self.model.happened, self.decision_design, np.ones(self.model.patient.size)).params

    def difference(self, counts: np.ndarray) -> float:
        data, model, seen = self.data, self.model, self.data.is_observed
        fit = logit(model.happened, self.decision_design, counts[model.patient], self.start)
        hazard = np.clip(fit.predict(self.decision_design), 0.01, 0.99)
        weights = []
        for arm in data.arms:
            kept = np.where(arm.is_decision, hazard if arm.required else 1.0 - hazard, 1.0)
            weight = arm.followed.astype(float)
            np.divide.at(weight, model.patient, kept)
            weights.append(weight * counts)
        outcome_fit = sm.WLS(data.outcome[seen], self.outcome_design[seen], counts[seen]).fit()
        completed = np.where(seen, data.outcome, outcome_fit.predict(self.outcome_design))
        weight = np.concatenate(weights)
        kept = weight > 0
        return float(sm.WLS(np.tile(completed, 2)[kept], self.clone_design[kept], weight[kept]).fit().params[1])


def cpu_seconds(job) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def compared(name: str, statistic, loop, chosen: argparse.Namespace, beside=None) -> bool:
    """Print agreement, times and ratio of one comparison; return whether it reaches the bound."""
    counts = frequencies_of_block(chosen.seed, 0, BLOCK, chosen.patients)
    apart = float(np.abs(statistic(counts[:20])[:, 0] - [loop.difference(row) for row in counts[:20]]).max())
    print(f"{name}: largest difference of the two answers over 20 resamples {apart:.1e} points")

    def batched(job) -> float:
        bootstrap(job, chosen.patients, BLOCK, chosen.seed)
        jobs = (lambda: bootstrap(job, chosen.patients, chosen.resamples, chosen.seed) for _ in range(5))
        return min(cpu_seconds(one) for one in jobs)

    seconds = batched(statistic)
    looped = min(cpu_seconds(lambda: [loop.difference(row) for row in counts]) for _ in range(chosen.looped // BLOCK))
    looped *= chosen.resamples / BLOCK
    tracemalloc.start()
    bootstrap(statistic, chosen.patients, chosen.resamples, chosen.seed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"  batched: {seconds:.3f} CPU-s for {chosen.resamples} resamples of {chosen.patients} patients")
    print(f"  looped over statsmodels: {looped:.3f} CPU-s (from {BLOCK} resamples)")
    print(f"  ratio: {looped / seconds:.1f} (bound {chosen.bound:g})")
    print(f"  most memory at once: {peak / 2**20:.1f} MiB")
    if beside is not None:
        all_numbers = batched(beside)
        print(f"  batched, all nine numbers: {all_numbers:.3f} CPU-s ({looped / all_numbers:.1f} times)")
    return looped / seconds >= chosen.bound and apart < AGREEMENT


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--patients", type=int, default=300)
    options.add_argument("--resamples", type=int, default=1000)
    options.add_argument("--looped", type=int, default=200)
    options.add_argument("--bound", type=float, default=20.0)
    options.add_argument("--seed", type=int, default=20261122)
    chosen = options.parse_args()
    data, recipe = synthetic_arms(chosen.patients, chosen.seed), Recipe(ridge=0.0)
    starts = starting_values(data, recipe)

    def difference(frequencies: np.ndarray) -> np.ndarray:
        return contrasts(estimate_arms(data, recipe, frequencies, starts).means)

    trial = synthetic_trial(chosen.patients, chosen.seed)
    trial_starts = emulation_starts(trial)

    def emulated(frequencies: np.ndarray) -> np.ndarray:
        weights = censoring_weights(trial, frequencies, trial_starts.decisions, ridge=0.0)
        completed = np.where(trial.is_observed, trial.outcome, expected_outcome(trial, frequencies))
        return np.diff(clone_means(trial, completed, weights.arms, frequencies))

    reached = [
        compared("known at time zero", difference, Loop(data), chosen),
        compared(
            "begun later",
            emulated,
            EmulationLoop(trial),
            chosen,
            beside=lambda frequencies: emulated_estimates(trial, frequencies, trial_starts),
        ),
    ]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
