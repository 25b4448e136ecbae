"""The command line: what it prints and the exit codes it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from katoutcomes.cli.main import main
from katoutcomes.cli.progress import terminal_progress
from katoutcomes.plans.plan import DEFAULT_PLAN, plan_text

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
PATIENTS = "patient_id,age_years\nP1,40\nP2,50\n"
SESSIONS = "session_id,patient_id,day,kind\nS1,P1,0,dosing\nS2,P2,0,dosing\n"
SCORES = "score_id,patient_id,day,instrument,total\nQ1,P1,-1,PHQ-9,15\nQ2,P2,-2,PHQ-9,18\n"


def folder_of(tmp_path: Path, *, patients: str = PATIENTS, sessions: str = SESSIONS, scores: str = SCORES) -> str:
    for name, text in (("patients", patients), ("sessions", sessions), ("scores", scores)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return str(tmp_path)


def test_check_of_clean_data_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", folder_of(tmp_path)]) == 0
    assert "scores" in capsys.readouterr().out


def test_check_with_a_rejected_row_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", folder_of(tmp_path, scores=SCORES + "Q3,P1,20,PHQ-9,28\n")]) == 2
    printed = capsys.readouterr().out
    assert "total" in printed
    assert "28" not in printed


def test_an_identifier_ends_with_3_and_is_not_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = "patient_id,first_name\nP1,Zebulon\nP2,Zebulon\n"
    assert main(["check", folder_of(tmp_path, patients=named)]) == 3
    captured = capsys.readouterr()
    assert "first_name" in captured.err
    assert "Zebulon" not in captured.err + captured.out


def test_a_folder_that_is_not_there_ends_with_an_error(tmp_path: Path) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) in {1, 2}


@pytest.mark.parametrize("arguments", [[], ["wish"], ["report"], ["simulate", "--out", "x", "--seed", "one"]])
def test_wrong_usage_ends_with_1(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 1
    assert "usage:" in capsys.readouterr().err


def test_version_and_help_end_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--version"], ["--help"], ["report", "--help"]):
        with pytest.raises(SystemExit) as ending:
            main(arguments)
        assert ending.value.code == 0
    assert "not a monitoring or medical device" in " ".join(capsys.readouterr().out.split())


def test_instruments_lists_the_catalog_and_shows_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instruments"]) == 0
    listing = capsys.readouterr().out
    assert all(name in listing for name in ("PHQ-9", "GAD-7", "BDI-II", "HAM-A", "MADRS", "PCL-5"))
    assert main(["instruments", "phq9"]) == 0
    assert "phq9/nhs_talking_therapies_reliable_change" in capsys.readouterr().out
    assert main(["instruments", "unheard"]) == 1


def test_simulate_writes_tables_that_check_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--out", str(tmp_path), "--seed", "3", "--patients", "40"]) == 0
    assert main(["check", str(tmp_path)]) == 0
    assert "patients.csv" in capsys.readouterr().out


def test_report_tells_its_progress_and_what_to_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = '["PHQ-9", "GAD-7", "BDI-II", "HAM-A", "MADRS", "PCL-5"]'
    plan = tmp_path / "plan.toml"
    assert every in plan_text(DEFAULT_PLAN)
    plan.write_text(plan_text(DEFAULT_PLAN).replace(every, '["PHQ-9"]'), encoding="utf-8")
    out = tmp_path / "out"
    assert main(["report", "--data", str(SAMPLE), "--plan", str(plan), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == f"Done. Open {out / 'report.html'}"
    assert "[ 1/" in captured.err


def test_report_of_data_with_rejections_is_strict_on_request(tmp_path: Path) -> None:
    from katoutcomes.workflows.synthetic_clinic import write_synthetic_clinic

    data = tmp_path / "data"
    write_synthetic_clinic(data, seed=5, n_patients=150)
    with (data / "scores.csv").open("a", encoding="utf-8") as scores:
        scores.write("wrong\n")
    arguments = ["report", "--data", str(data), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(arguments) in {0, 2}
    assert main([*arguments, "--strict"]) == 2


class TestProgress:
    """A terminal is told what is being done, after a second; a file or a pipe never is."""

    @pytest.fixture
    def seconds(self, monkeypatch):
        passed = [0.0]
        monkeypatch.setattr("katoutcomes.cli.progress.time.monotonic", lambda: passed[0])
        return passed

    def test_nothing_is_said_into_a_file(self, monkeypatch):
        monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
        assert terminal_progress() is None

    def test_a_terminal_is_told_after_a_second(self, monkeypatch, seconds, capsys):
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        say = terminal_progress()
        say("reading patients.csv")
        seconds[0] = 1.5
        say("reading scores.csv")
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "reading scores.csv …\n")

    def test_check_and_map_hand_it_on(self, monkeypatch, tmp_path, capsys):
        told = []
        monkeypatch.setattr("katoutcomes.cli.progress.terminal_progress", lambda: told.append)
        (tmp_path / "patients.csv").write_text("patient_id\nP1\n", encoding="utf-8")
        (tmp_path / "sessions.csv").write_text("session_id,patient_id,day,kind\nS1,P1,0,dosing\n", encoding="utf-8")
        assert main(["check", str(tmp_path)]) == 0
        assert "reading sessions.csv" in told
        assert main(["map", str(tmp_path)]) == 0
        assert "looking at sessions.csv" in told
