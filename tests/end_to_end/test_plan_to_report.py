"""Plan, results, release, report: each step by itself gives what one step gives, and only what is released leaves."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

import katoutcomes as kat
from katoutcomes.cli.main import main
from katoutcomes.workflows.synthetic_clinic import write_synthetic_clinic

OUTSIDE = "not for release"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic clinic, a plan with one instrument, and the results of the run."""
    place = tmp_path_factory.mktemp("clinic")
    write_synthetic_clinic(place / "data", seed=11, n_patients=400)
    text = files("katoutcomes.plans").joinpath("default_plan.toml").read_text(encoding="utf-8")
    names = '["PHQ-9", "GAD-7", "BDI-II", "HAM-A", "MADRS", "PCL-5"]'
    assert names in text
    (place / "plan.toml").write_text(text.replace(names, '["PHQ-9"]'), encoding="utf-8")
    run = ["run", str(place / "plan.toml"), "--data", str(place / "data"), "--out", str(place / "results.json")]
    assert main([*run, "--quiet"]) == 0
    return place


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_three_steps_give_the_bytes_of_one(clinic: Path, tmp_path: Path) -> None:
    released = str(tmp_path / "released.json")
    assert main(["release", str(clinic / "results.json"), "--out", released]) == 0
    assert main(["report", "--from", released, "--out", str(tmp_path / "three")]) == 0
    kat.outcome_report(clinic / "data", tmp_path / "one", plan=clinic / "plan.toml")
    three, one = contents(tmp_path / "three"), contents(tmp_path / "one")
    assert three.keys() == one.keys()
    assert [name for name in one if one[name] != three[name]] == []


def test_the_file_that_leaves_holds_no_digest_and_no_small_count(clinic: Path, tmp_path: Path) -> None:
    released = kat.Results.read(clinic / "results.json").release().write(tmp_path / "released.json")
    content = json.loads(released.read_text(encoding="utf-8"))
    assert OUTSIDE not in content["schema"]
    assert {result["provenance"]["digest"] for result in content["results"]} == {""}
    assert {result["minimum_cell"] for result in content["results"]} == {11}
    counts = [one["n_patients"] for result in content["results"] for one in result["estimates"]]
    assert not [count for count in counts if count is not None and 0 < count < 11]


def test_results_that_were_not_released_make_no_report(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--from", str(clinic / "results.json"), "--out", str(tmp_path / "out")]) == 4
    assert not (tmp_path / "out").exists()
    assert "release" in capsys.readouterr().err


def test_a_minimum_once_given_cannot_be_lowered(clinic: Path, tmp_path: Path) -> None:
    released = str(tmp_path / "released.json")
    assert main(["release", str(clinic / "results.json"), "--out", released, "--minimum-cell", "20", "--quiet"]) == 0
    assert kat.Results.read(released).disclosure.minimum_cell == 20
    assert main(["release", released, "--out", released, "--minimum-cell", "5"]) == 4
    assert kat.Results.read(released).disclosure.minimum_cell == 20


def test_a_second_run_writes_the_same_bytes(clinic: Path) -> None:
    found = kat.run_plan(clinic / "plan.toml", clinic / "data", clinic / "again.json")
    assert not found.has_rejections
    assert (clinic / "again.json").read_bytes() == (clinic / "results.json").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "--from", "released.json", "--plan", "plan.toml", "--out", "out"],
        ["report", "--from", "plan.toml", "--out", "out"],
        ["release", "plan.toml", "--out", "released.json"],
        ["release", "nowhere.json", "--out", "released.json"],
        ["run", "results.json", "--data", "data", "--out", "x.json"],
    ],
)
def test_the_wrong_file_is_an_error_in_one_line(
    clinic: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    monkeypatch.chdir(clinic)
    out = arguments.index("--out") + 1
    arguments = [*arguments[:out], str(tmp_path / arguments[out]), *arguments[out + 1 :]]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("katoutcomes: ")
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
