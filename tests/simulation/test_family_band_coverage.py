"""How often one band over three correlated outcomes holds all of them, and its intervals alone do: in simulated trials.

The truth is no difference in any outcome. 300 trials of 150 patients, 300 resamples each; an error of 0.013 at 0.95.
"""

from __future__ import annotations

import numpy as np
import pytest

from katoutcomes.kernels.groups.simultaneous_intervals import simultaneous_intervals
from katoutcomes.kernels.weighting.bootstrap import bootstrap, percentile_interval
from katoutcomes.kernels.weighting.comparison import ArmData, Recipe, estimate_arms

N_TRIALS, N_PATIENTS, N_RESAMPLES = 300, 150, 300
pytestmark = pytest.mark.slow


def trial(rng, correlation):
    """Return the arms of three outcomes of the same patients, which share a part of their spread."""
    severity, arms = rng.normal(size=N_PATIENTS), np.arange(N_PATIENTS) % 2
    shared = rng.normal(size=(N_PATIENTS, 1))
    own = rng.normal(size=(N_PATIENTS, 3))
    outcomes = severity[:, None] + np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own
    none = np.empty((N_PATIENTS, 0))
    return [ArmData(outcome, arms, 2, severity[:, None], none, none) for outcome in outcomes.T]


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_the_band_holds_all_and_intervals_alone_do_not(correlation):
    all_at_once, each_alone = [], []
    recipe = Recipe("overlap", observation_weights=False)
    for seed in range(N_TRIALS):
        data = trial(np.random.default_rng([seed, int(10 * correlation)]), correlation)

        def differences(frequencies, data=data):
            means = [estimate_arms(one, recipe, frequencies).means for one in data]
            return np.column_stack([mean[:, 1] - mean[:, 0] for mean in means])

        estimates = differences(np.ones((1, N_PATIENTS)))[0]
        drawn = bootstrap(differences, N_PATIENTS, N_RESAMPLES, seed)
        band = simultaneous_intervals(estimates, drawn, 0.95)
        all_at_once.append(bool(((band.conf_low <= 0.0) & (band.conf_high >= 0.0)).all()))
        alone = [percentile_interval(column, 0.95) for column in drawn.T]
        each_alone.append(all(one.conf_low <= 0.0 <= one.conf_high for one in alone))
    # 0.94 to 0.955 in 2,000 trials with as many resamples, less and plus two errors.
    assert 0.91 < np.mean(all_at_once) <= 0.99
    assert np.mean(each_alone) < np.mean(all_at_once) - 0.03
