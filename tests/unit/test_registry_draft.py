"""`katoutcomes map`: which format, which columns, what is written and what never is. All data are synthetic."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from katoutcomes.cli.main import main
from katoutcomes.errors import DataError, OptionError
from katoutcomes.registry.mapping.dialects import guess_dialect
from katoutcomes.registry.mapping.draft import NEEDS_NO_MAPPING, draft_mapping, recognized_format
from katoutcomes.registry.mapping.score_guesses import guess_scores
from katoutcomes.registry.reading import read_registry

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "mapped"


def copied(folder: str, to: Path) -> Path:
    """Copy a fixture without its mapping."""
    shutil.copytree(FIXTURES / folder, to, ignore=shutil.ignore_patterns("mapping.toml"))
    return to


@pytest.mark.parametrize("fixture", ["german_practice", "wide_study"])
def test_the_draft_of_a_fixture_loads(tmp_path: Path, fixture: str) -> None:
    folder = copied(fixture, tmp_path / "data")
    text = draft_mapping(folder)
    assert text == draft_mapping(folder)
    (folder / "mapping.toml").write_text(text, encoding="utf-8")
    drafted, written = read_registry(folder), read_registry(FIXTURES / fixture)
    assert drafted.table("sessions")["day"].tolist() == written.table("sessions")["day"].tolist()
    ours = drafted.table("scores")
    theirs = written.table("scores")
    kept = theirs[theirs["instrument"].isin(ours["instrument"])]
    assert ours["total"].tolist() == kept["total"].tolist()


@pytest.mark.parametrize(
    ("fixture", "format_name"),
    [
        ("fhir", "fhir"),
        ("mirah", "mirah"),
        ("omop", "omop"),
        ("redcap/longitudinal", "redcap"),
        ("mapped/german_practice", "tables"),
    ],
)
def test_the_draft_of_every_format_loads(tmp_path: Path, fixture: str, format_name: str) -> None:
    folder = tmp_path / "data"
    shutil.copytree(FIXTURES.parent / fixture, folder, ignore=shutil.ignore_patterns("mapping.toml"))
    text = draft_mapping(folder)
    assert f'format = "{format_name}"' in text
    (folder / "mapping.toml").write_text(text, encoding="utf-8")
    assert read_registry(folder).load_report.files[0].rows_accepted > 0


def test_the_draft_explains_itself(tmp_path: Path) -> None:
    text = draft_mapping(copied("german_practice", tmp_path / "data"))
    assert 'Geschlecht = "sex"  # the name says so' in text
    assert 'date_format = "%d.%m.%Y"  # 100% of the dates are written like this' in text
    assert '"mit Begleitung" = "with_integration"' in text
    assert 'decimal = ","' in text
    assert '"BDI Summe",  # please check: it may be of' in text
    assert 'kind = "dosing"  # please check: no column says it' in text


def test_no_cell_is_written(tmp_path: Path) -> None:
    folder = copied("german_practice", tmp_path / "data")
    text = draft_mapping(folder)
    cells = {
        cell
        for path in folder.glob("*.csv")
        for line in path.read_text(encoding="latin-1").splitlines()[1:]
        for cell in line.split(";")
    }
    secret = {cell for cell in cells if cell.startswith("ZK-") or ".2026" in cell or cell in ("Zürich", "Köln")}
    assert len(secret) > 20
    assert not [cell for cell in secret if cell in text]


CLINIC = {
    "Clients.csv": (
        "Client ID,First Name,Email Address,Age,Gender,Remarks",
        "C1,Ada,a@example.org,41,F,x",
        "C2,Bea,b@example.org,52,M,y",
    ),
    "Visits.csv": (
        "Visit ID,Client ID,Session Date,Start Time,Session Type,Route of Administration,Dose (mg)",
        "V1,C1,3/14/2031,9:30 AM,Dosing,IM,75",
        "V2,C1,3/21/2031,1:15 PM,Integration,,",
        "V3,C2,4/2/2031,10:00 AM,Dosing,SL,120",
    ),
    "Scores.csv": (
        "Client ID,Questionnaire,Completed At,Score",
        "C1,PHQ-9,3/10/2031,17",
        "C2,PHQ-9,3/30/2031,12",
        "C2,QQQ,3/30/2031,3",
    ),
}


def clinic(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, lines in CLINIC.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_identifiers_are_listed_with_their_rule_and_still_refused(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    text = draft_mapping(folder)
    assert '"First Name",  # rule column_name_person: delete this column' in text
    assert '"Email Address",  # rule column_name_email: delete this column' in text
    assert "example.org" not in text
    assert "Ada" not in text
    (folder / "mapping.toml").write_text(text, encoding="utf-8")
    assert main(["check", str(folder)]) == 3


def test_an_american_export(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    (folder / "Clients.csv").write_text("Client ID,Age,Gender\nC1,41,F\nC2,52,M\n", encoding="utf-8")
    text = draft_mapping(folder)
    assert 'date_format = "%-m/%-d/%Y"' in text
    assert 'time_format = "%I:%M %p"' in text
    assert "names that the catalog does not know: 1, in 1 cells" in text
    assert "QQQ" not in text
    (folder / "mapping.toml").write_text(text, encoding="utf-8")
    registry = read_registry(folder)
    assert registry.table("sessions")["kind"].tolist() == ["dosing", "integration", "dosing"]
    assert registry.table("sessions")["minute"].tolist() == [570, 7 * 1440 + 795, 600]
    assert [(problem.rule, problem.n_rows) for problem in registry.load_report.problems] == [("instrument_known", 1)]


def test_day_and_month_that_cannot_be_told_apart(tmp_path: Path) -> None:
    folder = clinic(tmp_path)
    (folder / "Scores.csv").write_text("Client ID,Date,PHQ-9 total\nC1,03/04/2031,17\n", encoding="utf-8")
    assert "please check: day and month cannot be told apart" in draft_mapping(folder)


def test_patients_are_taken_from_another_file_where_none_is_about_them(tmp_path: Path) -> None:
    (tmp_path / "doses.csv").write_text(
        "pid,date,route\nA,2031-03-04,IM\nA,2031-03-11,IM\nB,2031-03-04,SL\n", encoding="utf-8"
    )
    text = draft_mapping(tmp_path)
    assert "merge_equal_rows = true" in text
    (tmp_path / "mapping.toml").write_text(text, encoding="utf-8")
    assert len(read_registry(tmp_path).table("patients")) == 2


def test_a_first_line_of_data_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("CANARY1,2031-03-04,41\nCANARY2,2031-03-05,42\n", encoding="utf-8")
    text = draft_mapping(tmp_path)
    assert "does not look like column names" in text
    assert "CANARY" not in text


def test_sheets_with_a_title_above(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "Patients"
    for row in (["Export of March"], [], ["patient_id", "age", "sex"], ["A", 41, "f"], ["B", 52, "m"]):
        book.active.append(row)
    visits = book.create_sheet("Dosing visits")
    for row in (
        ["patient_id", "date", "route", "dose_mg"],
        ["A", "2031-03-04", "IM", 75],
        ["B", "2031-03-05", "SL", 120.5],
    ):
        visits.append(row)
    book.save(tmp_path / "clinic.xlsx")
    text = draft_mapping(tmp_path)
    assert "skip_rows = 2" in text
    assert 'sheet = "Dosing visits"' in text
    (tmp_path / "mapping.toml").write_text(text, encoding="utf-8")
    registry = read_registry(tmp_path)
    assert registry.table("sessions")["dose_mg"].tolist() == [75.0, 120.5]
    assert [file.file for file in registry.load_report.source_files] == [
        "clinic.xlsx [Patients]",
        "clinic.xlsx [Dosing visits]",
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.csv": "x,y\n"}, "tables"),
        ({"dictionary.csv": "Variable / Field Name,Form Name\n"}, "redcap"),
        ({"a.ndjson": '{"resourceType": "Observation"}\n'}, "fhir"),
        ({"person.csv": "x\n", "measurement.csv": "x\n", "concept.csv": "x\n"}, "omop"),
        ({"a.csv": "id,questionnaire_mnemonic,score_domain\n"}, "mirah"),
        ({"a.ndjson": "[1,\n"}, "tables"),
    ],
)
def test_formats_are_recognized(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert recognized_format(tmp_path)[0] == expected


def test_scores_by_their_names() -> None:
    found = {
        guess.instrument.id: guess for guess in guess_scores([f"gad7_{n}" for n in range(1, 8)] + ["gad7_sum", "madrs"])
    }
    assert (found["gad7"].items, found["gad7"].total, found["gad7"].is_sure) == ("gad7_{item}", "gad7_sum", True)
    assert (found["madrs"].total, found["madrs"].items) == ("madrs", ())
    (padded,) = guess_scores([f"PCL5_{n:02d}" for n in range(1, 21)])
    assert padded.items == tuple(f"PCL5_{n:02d}" for n in range(1, 21))
    assert not guess_scores(["phq_total", "weight", "score"])


def test_the_command_writes_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = clinic(tmp_path / "data"), tmp_path / "mapping.toml"
    assert main(["map", str(folder), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == draft_mapping(folder)
    assert main(["map", str(folder), "--out", str(out)]) == 1
    assert main(["map", str(folder)]) == 0
    assert "[[file]]" in capsys.readouterr().out
    assert main(["map", str(tmp_path / "nowhere")]) == 2
    assert main(["map", str(folder), "--format", "spss"]) == 1


SCHEMA = {
    "patients.csv": "patient_id,site\nP1,North\n",
    "sessions.csv": "session_id,patient_id,day,kind\nS1,P1,0,dosing\n",
}


def test_files_in_the_schema_are_said_to_need_no_mapping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tables_in(tmp_path / "data", **{name.removesuffix(".csv"): text for name, text in SCHEMA.items()})
    assert recognized_format(folder) == ("tables", NEEDS_NO_MAPPING)
    assert "is_synthetic = false\n" in draft_mapping(folder)
    (folder / "registry.json").write_text('{"schema_version": "1.0", "is_synthetic": true}', encoding="utf-8")
    assert "is_synthetic = true\n" in draft_mapping(folder)
    assert main(["map", str(folder), "--out", str(tmp_path / "mapping.toml")]) == 0
    assert f"No mapping may be needed: katoutcomes check {folder} reads" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "column"), [("patients.csv", "patient_id"), ("sessions.csv", "day")])
def test_files_that_lack_a_needed_column_of_the_schema_need_a_mapping(tmp_path: Path, name: str, column: str) -> None:
    changed = SCHEMA | {name: SCHEMA[name].replace(column, "other")}
    folder = tables_in(tmp_path / "data", **{name.removesuffix(".csv"): text for name, text in changed.items()})
    assert recognized_format(folder) == ("tables", "the files are tables of no format that is known")


def test_what_cannot_be_drafted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        draft_mapping(tmp_path / "nowhere")
    with pytest.raises(OptionError, match="format must be one of"):
        draft_mapping(tmp_path, format_name="spss")


def tables_in(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


PEOPLE = "pid,age,Consent form,Research consent (Y/N),Cleared medically\nA1,41,x,Y,yes\nA2,52,x,N,yes\n"
VISITS = "pid,date,type,dose\nA1,2026-03-02,ketamine,50 mg\nA1,03/14/2026,ketamine,60\nA2,2026-03-05,ketamine,75mg\n"
WIDE = "pid,PHQ9 baseline,PHQ9 wk4\nA1,20,11\nA2,18,9\n"


def test_an_untouched_draft_of_a_messy_folder_loads(tmp_path: Path) -> None:
    folder = tables_in(tmp_path / "data", people=PEOPLE, visits=VISITS, answers=WIDE)
    text = draft_mapping(folder)
    for line in (
        '"Research consent (Y/N)" = "eligible_consent"  # please check: the name says so; is it consent to research?',
        (
            '"Cleared medically" = "eligible_medical"  # please check: the name says so; '
            "is it known before the first dose?"
        ),
        'date_format = ["%Y-%m-%d", "%m/%d/%Y"]  # the dates of this column are written in 2 ways',
        'dose_mg = "mg"  # stands behind numbers; another unit is refused',
    ):
        assert line in text.splitlines()
    assert "visit_days = { baseline = -1, wk4 = 28 }  # please check: nominal days" in text
    (folder / "mapping.toml").write_text(text, encoding="utf-8")
    registry = read_registry(folder)
    assert not registry.load_report.has_rejections
    assert registry.table("patients")["eligible_consent"].tolist() == [1, 0]
    assert registry.table("sessions")["dose_mg"].tolist() == [50, 60, 75]
    assert registry.table("scores")["day"].tolist() == [-1, 28, -1, 28]


def test_scores_of_no_day_are_a_comment_and_the_rest_loads(tmp_path: Path) -> None:
    folder = tables_in(tmp_path / "data", people=PEOPLE, visits=VISITS, answers=WIDE.replace("wk4", "post"))
    text = draft_mapping(folder)
    assert "# please check: nothing of this file is used until a [[file.score]] below says when" in text
    assert "visit_days = { baseline = …, post = … }, and remove the #" in text
    (folder / "mapping.toml").write_text(text, encoding="utf-8")
    report = read_registry(folder).load_report
    assert not report.has_rejections
    assert any("no scores were made" in note for note in report.notes)


def test_the_format_of_a_few_mistaken_dates_is_not_taken_up(tmp_path: Path) -> None:
    rows = [f"A1,{month:02d}/{day:02d}/2026,ketamine,50" for month in range(1, 13) for day in (1, 5, 9, 20)]
    visits = "\n".join(["pid,date,type,dose", *rows, "A1,31/01/2026,ketamine,50", ""])
    text = draft_mapping(tables_in(tmp_path / "data", people=PEOPLE, visits=visits))
    assert 'date_format = "%m/%d/%Y"  # 98% of the dates are written like this' in text


def test_separators_inside_quotes_separate_nothing(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    rows = [f'A{n};2026-03-02;"mild, short, passing, ""x"", {n}, and so on"' for n in range(5)]
    path.write_text("\n".join(["pid;date;how", *rows, ""]), encoding="utf-8")
    assert guess_dialect(path).dialect.separator == ";"
