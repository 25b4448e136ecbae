"""Simulation studies: what a line says, resuming, workers, what a planner may set, and that it runs the defaults."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.cli.main import main
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import find_mechanism
from katoutcomes.results.simulation_study import Performance, study_from_dict
from katoutcomes.workflows.simulate_study import _performance
from katoutcomes.workflows.simulation import chunks
from katoutcomes.workflows.simulation.design import Cell, SimulationDesign
from katoutcomes.workflows.simulation.studies import DEFAULTS, analysis_set, emulation_set, estimators, one_study
from katoutcomes.workflows.simulation.worlds import World, world_of

SMALL = {
    "n_replicates": 5,
    "n_patients": 90,
    "clinics": ("linear",),
    "scenarios": ("null",),
    "n_bootstrap": 100,
    "n_truth": 1000,
}
FILES = ("json", "csv", "md", "svg", "png")


def design(**choices):
    usual = {
        "n_patients": (120,),
        "n_replicates": 4,
        "exposures": ("time_zero", "later"),
        "clinics": ("linear",),
        "scenarios": ("effect",),
        "n_bootstrap": 100,
        "n_truth": 1000,
        "seed": 3,
        "effect": None,
        "missing_share": None,
        "conf_level": 0.95,
    }
    return SimulationDesign(**(usual | choices))


def written(folder):
    return {ending: (folder / f"simulation_study.{ending}").read_bytes() for ending in FILES}


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 2)


def test_a_line_is_what_its_studies_say():
    numbers = np.array(
        [
            [-1.0, 0.5, -2.0, -0.1],  # holds the truth, not 0
            [0.5, 0.4, -0.3, 1.3],  # holds 0, not the truth
            [-1.6, 0.6, -2.8, 0.4],  # both
            [-3.1, 0.5, -4.0, -2.0],  # neither
            [math.nan, math.nan, math.nan, math.nan],
        ]
    )
    cell, world = Cell("later", "linear", "effect", 300), World(0.5, 0.0, -0.8, 0.01)
    line = _performance(design(n_replicates=5), cell, world, ("x", "beside"), numbers)
    estimates = numbers[:4, 0]
    assert (line.n_replicates, line.n_estimable, line.not_estimable) == (5, 4, pytest.approx(0.2))
    assert line.bias == pytest.approx(estimates.mean() + 0.8)
    assert line.empirical_se == pytest.approx(estimates.std(ddof=1))
    assert line.bias_error == pytest.approx(estimates.std(ddof=1) / 2)
    assert line.mean_se == pytest.approx(0.5)
    assert (line.coverage, line.rejection) == (0.5, 0.5)
    assert line.coverage_error == pytest.approx(0.25)
    assert not line.is_null


def a_line(**values):
    usual = {
        "exposure": "later",
        "clinic": "linear",
        "scenario": "null",
        "n_patients": 300,
        "estimator": "x",
        "role": "default",
        "truth": 0.0,
        "truth_error": 0.0,
        "n_replicates": 2000,
        "n_estimable": 2000,
        "bias": 0.0,
        "bias_error": 0.02,
        "empirical_se": 0.8,
        "mean_se": 0.8,
        "coverage": 0.95,
        "coverage_error": 0.005,
        "rejection": 0.05,
        "rejection_error": 0.005,
    }
    return Performance(**(usual | values))


@pytest.mark.parametrize(
    ("values", "judgement"),
    [
        ({}, "within bounds"),
        ({"bias": 0.139}, "within bounds"),
        ({"bias": -0.141}, "beyond: bias"),
        # 2 sqrt(.92 * .08 / 2000) = .01213; 2 sqrt(.97 * .03 / 2000) = .00763; 2 sqrt(.07 * .93 / 2000) = .01141
        ({"coverage": 0.9080}, "within bounds"),
        ({"coverage": 0.9078}, "beyond: coverage"),
        ({"coverage": 0.9776}, "within bounds"),
        ({"coverage": 0.9777}, "beyond: coverage"),
        ({"rejection": 0.0814}, "within bounds"),
        ({"rejection": 0.0815}, "beyond: type I error"),
        ({"rejection": 0.9, "truth": -2.0}, "within bounds"),
        ({"bias": 1.0, "coverage": 0.1, "rejection": 1.0}, "beyond: bias, coverage, type I error"),
        ({"n_estimable": 1}, "beyond: not estimable"),
        ({"role": "naive", "bias": -1.5}, ""),
    ],
)
def test_judgements_allow_two_monte_carlo_errors(values, judgement):
    assert a_line(**values).judgement == judgement


def test_a_stopped_run_goes_on_and_gives_the_same_bytes(tmp_path, small_chunks):
    whole = kat.simulate_study(tmp_path / "whole", **SMALL)
    told = []
    assert kat.simulate_study(tmp_path / "parts", stop_after_seconds=1e-9, **SMALL) is None
    assert kat.simulate_study(tmp_path / "parts", **(SMALL | {"n_replicates": 2, "exposures": ("later",)})) is not None
    again = kat.simulate_study(tmp_path / "parts", progress=lambda done, n_all: told.append((done, n_all)), **SMALL)
    assert again == whole
    assert written(tmp_path / "parts") == written(tmp_path / "whole")
    assert told[0] == (2, 10)  # the chunk that was there
    assert told[-1] == (10, 10)
    text = (tmp_path / "whole" / "simulation_study.json").read_text()
    assert study_from_dict(json.loads(text)).to_json() == text == whole.to_json()


def test_any_number_of_workers_gives_the_same_bytes(tmp_path, small_chunks):
    for n_workers in (1, 2):
        kat.simulate_study(tmp_path / str(n_workers), n_workers=n_workers, **SMALL)
    assert written(tmp_path / "1") == written(tmp_path / "2")


def test_a_folder_of_other_settings_is_refused(tmp_path):
    kat.simulate_study(tmp_path, stop_after_seconds=1e-9, **SMALL)
    with pytest.raises(kat.OptionError, match="other settings"):
        kat.simulate_study(tmp_path, seed=1, **SMALL)


@pytest.mark.parametrize(
    "choices",
    [
        {"n_replicates": 1},
        {"n_bootstrap": 99},
        {"n_patients": (29,)},
        {"n_patients": (300, 300)},
        {"n_truth": 10},
        {"seed": -1},
        {"effect": 0.5},
        {"missing_share": 1.0},
        {"conf_level": 95.0},
        {"exposures": ("never",)},
        {"scenarios": ()},
        {"clinics": ("linear", "linear")},
        {"n_workers": 0},
        {"stop_after_seconds": 0.0},
    ],
)
def test_what_cannot_be_is_refused(choices):
    with pytest.raises(kat.OptionError):
        kat.simulate_study(**(SMALL | choices))


@pytest.mark.parametrize("clinic", ["linear", pytest.param("curved", marks=pytest.mark.slow)])
def test_planners_set_the_effect_and_the_missing_share(clinic):
    cell = Cell("time_zero", clinic, "effect", 300)
    world = world_of(design(effect=-1.4, missing_share=0.5, n_truth=40_000), cell)
    assert world.truth == pytest.approx(-1.4, abs=0.03)
    rng = np.random.default_rng(8)
    scenario, mechanism = world.scenario(cell), find_mechanism(cell.mechanism)
    intake = draw_intake(rng, 20_000, scenario, mechanism)
    course = follow(intake, draw_weeks(rng, 20_000), scenario, mechanism)
    # Bisection to .004 in the log odds, and the error of 20,000 patients.
    assert (~course.recorded[:, -1]).mean() == pytest.approx(0.5, abs=0.012)


def test_the_first_estimator_is_the_default_of_the_package():
    """The same patients and resamples through `compare_cohorts`, every other line by its own choices."""
    chosen, cell = design(), Cell("time_zero", "linear", "effect", 120)
    world = world_of(chosen, cell)
    found = one_study(chosen, cell, world, 2)
    patients, resamples = chosen.stream(cell.name, 2).spawn(2)
    rng = np.random.Generator(np.random.PCG64(patients))
    scenario, mechanism = world.scenario(cell), find_mechanism(cell.mechanism)
    intake = draw_intake(rng, 120, scenario, mechanism)
    course = follow(intake, draw_weeks(rng, 120), scenario, mechanism)
    entropy = int(resamples.generate_state(1, np.uint64)[0])
    ways = ({}, {"method": "aipw"}, {"missing": "complete_cases"})
    for answer, choices in zip(found, ways, strict=False):
        result = kat.compare_cohorts(
            analysis_set(intake, course),
            covariates=("site", "prognosis", "affluence", "trauma_history"),
            in_care_until="in_care_until",
            n_bootstrap=100,
            rng=entropy,
            **choices,
        )
        one = next(line for line in result.estimates if line.term == "follow-up, weighted: with - without")
        expected = (one.estimate, one.std_error, one.conf_low, one.conf_high)
        # Where the fits begin differs between them for the last two lines: Newton's method to 1e-10.
        got = (answer.estimate, answer.std_error, answer.conf_low, answer.conf_high)
        np.testing.assert_allclose(got, expected, rtol=1e-8)


def test_studies_of_the_later_exposure_have_the_weeks_of_the_mechanism():
    rng = np.random.default_rng(2)
    chosen, cell = design(), Cell("later", "curved", "effect", 120)
    scenario, mechanism = world_of(chosen, cell).scenario(cell), find_mechanism(cell.mechanism)
    intake = draw_intake(rng, 120, scenario, mechanism)
    course = follow(intake, draw_weeks(rng, 120), scenario, mechanism)
    found = emulation_set(intake, course)
    assert (found.in_care == course.in_care[:, :12]).all()
    assert (found.session == course.session).all()
    last = intake.baseline_score.astype(float)
    for week in range(12):
        assert (found.last_score[:, week] == last).all()
        seen = course.in_care[:, week] & course.recorded[:, week]
        last = np.where(seen, course.score[:, week], last)


def test_a_study_does_not_depend_on_what_else_is_simulated():
    cell, world = Cell("later", "linear", "null", 120), World(0.0, 0.0, 0.0, 0.0)
    alone = one_study(design(exposures=("later",), scenarios=("null",)), cell, world, 3)
    among = one_study(design(n_replicates=50, n_patients=(120, 60)), cell, world, 3)
    assert alone == among
    assert one_study(design(), cell, world, 4) != alone
    assert len(alone) == len(estimators("later"))


def test_where_the_gate_is_shut_nothing_is_estimated():
    """Sixty patients never give thirty scored followers of each strategy; the naive comparison does not care."""
    cell = Cell("later", "linear", "null", 60)
    found = one_study(design(), cell, World(0.0, 0.0, 0.0, 0.0), 0)
    assert all(math.isnan(answer.estimate) for answer in found[:-1])
    assert not math.isnan(found[-1].estimate)


def test_table_and_figure_show_every_cell(tmp_path):
    study = kat.simulate_study(**SMALL)
    table = study.to_table()
    assert len(table.rows) == len(study.performances) == 4 + 6
    assert table.row_groups[0] == "Program booked at time zero, linear clinic, no effect, 90 patients"
    first = study.performances[0]
    assert (first.estimator, first.role) == (DEFAULTS["time_zero"], "default")
    assert table.rows[0][0] == "overlap and observation weights (default)"
    assert table.rows[0][-1] == first.judgement
    assert [line.role for line in study.select(exposure="later", role="naive")] == ["naive"]
    figure = study.plot()
    assert [row[4] for row in figure.rows] == [line.estimator for line in study.performances if line.role != "beside"]
    assert len(study.plot(estimators="all").rows) == 10
    assert figure.rows[0][6] == first.bias
    assert "overlap and observation weights: bias" in figure.alt_text
    assert figure.svg().startswith("<svg")
    with pytest.raises(kat.OptionError):
        study.plot(estimators="some")


def test_the_figure_stands_without_an_estimate():
    study = kat.simulate_study(**(SMALL | {"n_patients": 60, "exposures": ("later",), "n_replicates": 2}))
    default = study.performances[0]
    assert (default.n_estimable, default.judgement) == (0, "beyond: not estimable")
    assert study.plot().png().startswith(b"\x89PNG")
    assert json.loads(study.to_json())["performances"][0]["bias"] is None
    assert study.to_frame().shape == (6, 20)


def test_the_command_writes_and_says_so(tmp_path, capsys):
    arguments = ["simulate-study", "--out", str(tmp_path), "--replicates", "2", "--patients-per-arm", "45"]
    arguments += ["--exposures", "time_zero", "--clinics", "linear", "--scenarios", "null", "--bootstraps", "100"]
    assert main([*arguments, "--stop-after", "1e-9"]) == 0
    assert "goes on" in capsys.readouterr().out
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "90 patients" in said
    assert "simulation_study.json" in said
    assert set(written(tmp_path)) == set(FILES)
    assert main([*arguments, "--seed", "4"]) == 1


def test_sizes_of_a_quick_study_are_said_by_options(tmp_path):
    choices = ["--exposures", "time_zero", "--clinics", "linear", "--scenarios", "null", "--replicates", "2"]
    assert main(["simulate-study", "--quick", "--quiet", "--out", str(tmp_path), "--patients", "60", *choices]) == 0
    content = json.loads((tmp_path / "simulation_study.json").read_text())
    assert content["design"]["n_bootstrap"] == 100
    assert content["design"]["n_replicates"] == 2
    assert replace(study_from_dict(content), design={}).design == {}
