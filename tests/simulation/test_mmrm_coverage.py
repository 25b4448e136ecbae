"""How often the intervals of a repeated-measures model hold the true difference when patients leave at random.

docs/images/make_mmrm_coverage.py holds the simulation, its kept numbers and the figure; `make coverage` runs both.
"""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
_SPEC = importlib.util.spec_from_file_location("make_mmrm_coverage", _FOLDER / "make_mmrm_coverage.py")
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)

LEVEL = 0.95
MOST_ERRORS = 3.5
"""Distance allowed between measured and expected coverage, in Monte-Carlo standard errors; the seeds are fixed."""
N_QUICK, N_SLOW = 100, 3_000
MOST_NOT_FITTED = 0.01
"""With 30 patients of whom half leave, one fit of some thousands is on the boundary and says so."""


def error(n_fitted):
    return math.sqrt(LEVEL * (1.0 - LEVEL) / n_fitted)


def assert_held(row):
    assert row["n_fitted"] >= (1.0 - MOST_NOT_FITTED) * row["n_sets"]
    assert abs(row["kenward-roger-linear"] - LEVEL) < MOST_ERRORS * error(row["n_fitted"]), row
    assert abs(row["left"] - row["drop_out"]) < 0.03


def test_kenward_roger_holds_its_level_quickly():
    assert_held(made.simulate(N_QUICK, 30, 0.35, seed=7))


def kept():
    return json.loads(made.NUMBERS.read_text("utf-8"))["settings"]


@pytest.mark.parametrize("row", kept(), ids=lambda row: f"{row['n_patients']} patients, {row['drop_out']:.0%}")
def test_the_kept_numbers_say_so_too(row):
    assert row["n_sets"] >= 5_000
    assert_held(row)
    if row["n_patients"] == 30:  # normal intervals are too short where patients are few
        assert row["asymptotic"] < LEVEL - 3.0 * error(row["n_fitted"])


def test_the_figure_is_drawn_from_the_kept_numbers(tmp_path, monkeypatch):
    drawn = tmp_path / "mmrm_coverage.svg"
    monkeypatch.setattr(made, "FIGURE", drawn)
    made.draw()
    assert drawn.read_bytes() == (_FOLDER / "mmrm_coverage.svg").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("drop_out", made.DROP_OUT)
@pytest.mark.parametrize("n_patients", made.SAMPLE_SIZES)
def test_coverage_measured_closely(n_patients, drop_out):
    row = made.simulate(N_SLOW, n_patients, drop_out, seed=20261101 + n_patients)
    assert_held(row)
    if n_patients == 30:
        assert row["asymptotic"] < LEVEL
