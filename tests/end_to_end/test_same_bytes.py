"""The same input gives the same bytes, whatever the surroundings: JSON, SVG, PNG, HTML, PDF, CSV."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from katoutcomes.plans.plan import DEFAULT_PLAN, plan_text

ALL_INSTRUMENTS = '["PHQ-9", "GAD-7", "BDI-II", "HAM-A", "MADRS", "PCL-5"]'
ROOT = Path(__file__).resolve().parents[2]

SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    {
        "PYTHONHASHSEED": "4242",
        "TZ": "Asia/Kolkata",
        "LC_ALL": "de_DE.UTF-8",
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
    },
)
KINDS = {".json", ".svg", ".png", ".html", ".pdf", ".csv", ".md", ".txt", ".sha256"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def report(command: list[str], data: Path, room: Path, surroundings: dict[str, str]) -> dict[str, bytes]:
    """Make a report in a folder of its own and return its files."""
    room.mkdir(parents=True)
    plan = str(data.parent / "plan.toml")
    arguments = [*command, "report", "--data", str(data), "--plan", plan, "--out", "out", "--quiet"]
    subprocess.run(arguments, cwd=room, env={**os.environ, **surroundings}, check=True, capture_output=True)
    return contents(room / "out")


def place_of_package(python: Path, surroundings: dict[str, str]) -> Path:
    code = "import katoutcomes; print(katoutcomes.__file__)"
    shown = subprocess.run(
        [python, "-P", "-c", code], env={**os.environ, **surroundings}, check=True, capture_output=True, text=True
    )
    return Path(shown.stdout.strip())


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clinic") / "data"
    command = [sys.executable, "-m", "katoutcomes.cli.main", "simulate", "--out", str(place), "--seed", "7"]
    subprocess.run([*command, "--patients", "400"], check=True, capture_output=True)
    text = plan_text(DEFAULT_PLAN)
    assert ALL_INSTRUMENTS in text
    (place.parent / "plan.toml").write_text(text.replace(ALL_INSTRUMENTS, '["PHQ-9"]'), encoding="utf-8")
    return place


def test_two_runs_in_different_surroundings(clinic: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "katoutcomes.cli.main"]
    one = report(command, clinic, tmp_path / "one", SURROUNDINGS[0])
    other = report(command, clinic, tmp_path / "another place" / "deeper", SURROUNDINGS[1])
    assert differing(one, other) == []
    missing = KINDS - {Path(name).suffix for name in one}
    assert missing <= {".pdf"}  # which needs an extra


@pytest.mark.slow
def test_two_fresh_environments_with_the_same_versions(clinic: Path, tmp_path: Path) -> None:
    """Two environments are made from nothing, with the versions that are installed here; needs a package index."""
    listed = subprocess.run([sys.executable, "-m", "pip", "list", "--format=freeze"], capture_output=True, check=True)
    versions = [line for line in listed.stdout.decode().split() if not line.lower().startswith("katoutcomes")]
    (tmp_path / "versions.txt").write_text("\n".join(versions), encoding="utf-8")
    found = []
    for number in (1, 2):
        place = tmp_path / f"environment {number}"
        venv.create(place, with_pip=True)
        python = place / "bin" / "python"
        install = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--constraint",
            tmp_path / "versions.txt",
            f"{ROOT}[report]",
        ]
        subprocess.run(install, check=True, capture_output=True)
        surroundings = SURROUNDINGS[number - 1] | {"PYTHONPATH": ""}  # nothing but what was installed
        assert place_of_package(python, surroundings).is_relative_to(place)
        command = [str(python), "-m", "katoutcomes.cli.main"]
        found.append(report(command, clinic, tmp_path / f"run {number}", surroundings))
    assert differing(*found) == []
    assert "report.pdf" in found[0]
