"""The simulation behind docs/images/outcome_coverage.svg: the kernels' formulas, and a smaller run of it."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from katoutcomes.kernels.change.paired_change import paired_change
from katoutcomes.kernels.change.rank_change import rank_change
from katoutcomes.kernels.change.superiority import superiority
from katoutcomes.kernels.groups.baseline_adjustment import relative_change

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SPLINE = 1e-6
"""Between 200 exact limits of the noncentral t the script interpolates."""
N_SETS = 4_000
MOST_ERRORS = 3.5
LOWEST_OF_A_DEFAULT = 0.92


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_outcome_coverage", IMAGES / "make_outcome_coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def kernel_limits(before: np.ndarray, after: np.ndarray) -> dict[str, tuple[float, float]]:
    change = paired_change(before, after, 0.95)
    moved = after - before
    counts = (int((moved < 0).sum()), int((moved == 0).sum()), int((moved > 0).sum()))
    found = {
        "mean change": change.change,
        "Hodges-Lehmann": rank_change(moved, 0.95),
        "superiority": superiority(*counts, 0.95),
        "percent change": relative_change(change.moments, 0.95),
    } | {name: getattr(change, name) for name in ("d_z", "d_av", "d_rm", "delta_pre")}
    return {name: (interval.conf_low, interval.conf_high) for name, interval in found.items()}


@pytest.mark.parametrize("distribution", ["normal", "skewed"])
@pytest.mark.parametrize("n_pairs", [20, 50])
def test_the_simulation_uses_the_intervals_that_are_offered(
    script: ModuleType, distribution: str, n_pairs: int
) -> None:
    setting = script.Setting(distribution, 0.5, n_pairs)
    baseline, follow_up = script.samples(setting, 40, np.random.default_rng(1))
    together = script.closed_limits(baseline, follow_up)
    for one in range(40):
        for name, limits in kernel_limits(baseline[one], follow_up[one]).items():
            found = (together[name][0][one], together[name][1][one])
            assert found == pytest.approx(limits, rel=SPLINE, abs=SPLINE), name


@pytest.mark.parametrize("distribution", ["normal", "skewed"])
def test_the_truth_is_that_of_very_many_patients(script: ModuleType, distribution: str) -> None:
    setting = script.Setting(distribution, 0.5, 60_000)
    ((before,), (after,)) = script.samples(setting, 1, np.random.default_rng(2))
    known, change = script.truth(setting), paired_change(before, after, 0.95)
    for name in ("d_z", "d_av", "d_rm", "delta_pre"):
        assert abs(known[name] - getattr(change, name).estimate) < 5 * getattr(change, name).std_error
    assert abs(known["mean change"] - change.change.estimate) < 5 * change.change.std_error
    better = float((after < before).mean() + 0.5 * (after == before).mean())
    assert known["superiority"] == pytest.approx(better, abs=0.008)
    assert known["Hodges-Lehmann"] == pytest.approx(rank_change(after - before, 0.95).estimate, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("n_pairs", [20, 50])
@pytest.mark.parametrize("correlation", [0.2, 0.5, 0.8])
def test_default_intervals_keep_their_level_under_normality(
    script: ModuleType, n_pairs: int, correlation: float
) -> None:
    found = script.coverage(script.Setting("normal", correlation, n_pairs), N_SETS, 0)
    error = MOST_ERRORS * math.sqrt(0.95 * 0.05 / N_SETS)
    for name in ("mean change", "d_z", "d_av", "d_rm", "delta_pre"):
        assert script.WITHIN[0] - error < found[name] < script.WITHIN[1] + error, (name, found[name])


def test_the_numbers_that_are_kept_meet_what_is_promised(script: ModuleType) -> None:
    """Defaults within 93.5 to 96.5 % under normality, and no default under 92 % anywhere."""
    rows = json.loads(script.NUMBERS.read_text("utf-8"))["settings"]
    assert len(rows) == 18
    for row in rows:
        assert row["n_sets"] == 20_000
        for name in script.CLOSED:
            if row["distribution"] == "normal" and name != "superiority":
                assert script.WITHIN[0] <= row[name] <= script.WITHIN[1], (name, row)
            assert row[name] >= LOWEST_OF_A_DEFAULT, (name, row)
        assert row["superiority"] >= script.LEVEL, row
        assert set(script.OFFERED) <= set(row)
