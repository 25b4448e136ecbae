"""The cost of bootstrapping a whole comparison of cohorts, against the same pipeline looped over statsmodels fits.

    python benchmarks/comparison.py [--patients 300] [--resamples 1000] [--looped 200] [--bound 20]

One resample is: the propensity (logistic), the probability of being observed (logistic), overlap weights times inverse
probabilities, and a weighted analysis of covariance. Both sides get the same resamples as frequencies of patients. The
loop is as lean as statsmodels allows: arrays, no formulas, no data frames, starting values of the whole sample. It runs
on fewer resamples and is scaled up. CPU time of one process and one thread, the best of several runs on either side.
The differences of both are compared first: a ratio between programs that do not agree would mean nothing. Ends with
status 1 if the ratio is below the bound.
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


class Loop:
    """The pipeline with statsmodels, one resample at a time."""

    def __init__(self, data: ArmData) -> None:
        self.data, self.treated, self.seen = data, (data.arms == 1).astype(float), data.is_observed
        self.propensity_design = sm.add_constant(data.covariates)
        self.observed_design = sm.add_constant(observation_design(data))
        self.ancova_design = sm.add_constant(np.column_stack([self.treated, data.covariates]))
        ones = np.ones(len(self.treated))
        self.starts = [self.logit(*model, ones).params for model in self.models()]

    def models(self):
        return ((self.treated, self.propensity_design), (self.seen.astype(float), self.observed_design))

    @staticmethod
    def logit(outcome, design, counts, start=None):
        return sm.GLM(outcome, design, sm.families.Binomial(), freq_weights=counts).fit(start_params=start)

    def difference(self, counts: np.ndarray) -> float:
        fits = [self.logit(*model, counts, start) for model, start in zip(self.models(), self.starts, strict=True)]
        e = np.clip(fits[0].predict(self.propensity_design), 0.01, 0.99)
        pi = np.clip(fits[1].predict(self.observed_design), 0.01, 0.99)
        weights = np.where(self.treated == 1, 1 - e, e) / pi * counts
        kept = self.seen & (weights > 0)
        return float(sm.WLS(self.data.outcome[kept], self.ancova_design[kept], weights[kept]).fit().params[1])


def cpu_seconds(job) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


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

    loop = Loop(data)
    counts = frequencies_of_block(chosen.seed, 0, BLOCK, chosen.patients)
    both = difference(counts[:20])[:, 0], np.array([loop.difference(row) for row in counts[:20]])
    apart = float(np.abs(both[0] - both[1]).max())
    print(f"largest difference of the two answers over 20 resamples: {apart:.1e} points")
    bootstrap(difference, chosen.patients, BLOCK, chosen.seed)
    batched = min(
        cpu_seconds(lambda: bootstrap(difference, chosen.patients, chosen.resamples, chosen.seed)) for _ in range(5)
    )
    looped = min(cpu_seconds(lambda: [loop.difference(row) for row in counts]) for _ in range(chosen.looped // BLOCK))
    looped *= chosen.resamples / BLOCK
    tracemalloc.start()
    bootstrap(difference, chosen.patients, chosen.resamples, chosen.seed)
    peak = tracemalloc.get_traced_memory()[1]
    print(f"batched: {batched:.3f} CPU-s for {chosen.resamples} resamples of {chosen.patients} patients")
    print(f"looped over statsmodels: {looped:.3f} CPU-s (from {BLOCK} resamples)")
    print(f"ratio: {looped / batched:.1f} (bound {chosen.bound:g})")
    print(f"most memory at once: {peak / 2**20:.1f} MiB")
    return 0 if looped / batched >= chosen.bound and apart < AGREEMENT else 1


if __name__ == "__main__":
    sys.exit(main())
