"""Exports of REDCap projects against a plain loop over the CSV file, and against what their documentation says."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.errors import DataError, IdentifierError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.mapping_file import read_mapping
from katoutcomes.registry.readers.conversion import Conversion
from katoutcomes.registry.readers.redcap.convert import convert
from katoutcomes.registry.readers.redcap.draft import draft
from katoutcomes.registry.readers.redcap.settings import read_settings
from katoutcomes.registry.reading import read_registry

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "redcap"
LONGITUDINAL, CLASSIC = FIXTURES / "longitudinal", FIXTURES / "classic"
UNKNOWN = {"", "-99", "-88", "NI"}
Rows = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as made:
        yield made


def converted(folder: Path, engine: Engine, mapping: str = "mapping.toml") -> Conversion:
    return convert(folder, read_mapping(folder / mapping), engine, lambda _: None)


def table(conversion: Conversion, name: str) -> Rows:
    """Return the rows of a table by key, without cells that are not known."""
    found = next(table for table in conversion.tables if table.schema.name == name)
    rows = [
        {column: values[row] for column, values in found.columns.items() if values[row] is not None}
        for row in range(found.n_rows)
    ]
    return {row[found.schema.key]: row for row in rows}


def export(folder: Path) -> list[dict[str, str]]:
    with (folder / "export.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def known(row: dict[str, Any]) -> dict[str, str]:
    return {column: value for column, value in row.items() if value not in UNKNOWN}


def ticked(row: dict[str, str], field: str, codes: dict[str, str]) -> list[str]:
    return [meaning for code, meaning in codes.items() if row[f"{field}___{code}"] == "1"]


def oracle() -> dict[str, Rows]:
    """Read the longitudinal export with the csv module alone, as a person would read it."""
    found: dict[str, Rows] = {"patients": {}, "sessions": {}, "scores": {}, "adverse_events": {}}
    for row in export(LONGITUDINAL):
        record, event, instance = row["record_id"], row["redcap_event_name"], row["redcap_repeat_instance"]
        form, place = row["redcap_repeat_instrument"], f"{row['record_id']}/{row['redcap_event_name']}"
        if event.startswith("archive"):
            continue
        if event.startswith("baseline") and row["demographics_complete"] == "2":
            found["patients"][record] = oracle_patient(row)
        key = f"{place}/{form}/{instance}"
        if form == "ketamine_session" and row["ketamine_session_complete"] == "2":
            routes = ticked(row, "route", {"1": "intramuscular", "2": "sublingual", "3": "intravenous"})
            found["sessions"][key] = known(
                {"session_id": key, "patient_id": record, "date": row["session_date"], "time": row["session_start"]}
                | {"kind": "dosing", "route": routes[0] if routes else "", "dose_mg": row["dose_mg"]}
                | {"systolic_peak_mmhg": row["sbp_peak"]}
            )
            for code, term in {"1": "nausea", "2": "dizziness"}.items():
                if row[f"side_effects___{code}"] == "1":
                    event_row = {"event_id": f"{key}/{code}", "patient_id": record, "session_id": key, "term": term}
                    found["adverse_events"][f"{key}/{code}"] = event_row | {
                        "date": row["session_date"],
                        "severity": "mild",
                        "serious": "0",
                    }
        if form == "integration" and row["integration_complete"] == "2":
            found["sessions"][key] = known(
                {"session_id": key, "patient_id": record, "date": row["int_date"], "kind": "integration"}
                | {"format": {"1": "individual", "2": "group"}[row["int_format"]]}
            )
        if form == "adverse_event" and row["adverse_event_complete"] == "2":
            session = f"{place}/ketamine_session/{row['ae_session']}" if row["ae_session"] else ""
            found["adverse_events"][key] = known(
                {"event_id": key, "patient_id": record, "date": row["ae_date"], "session_id": session}
                | {"term": {"1": "blood_pressure_raised", "2": "fall", "3": "vomiting"}[row["ae_term"]]}
                | {"severity": {"1": "mild", "2": "moderate", "3": "severe"}[row["ae_severity"]]}
                | {"serious": row["ae_serious"]}
            )
        if form == "":
            tail = f"/{instance}" if instance else ""
            add_scores(found["scores"], row, place, tail)
    return found


def oracle_patient(row: dict[str, str]) -> dict[str, str]:
    codes = {"1": "depression", "2": "ptsd", "3": "anxiety", "4": "treatment_resistant_depression"}
    arm = row["redcap_event_name"][-1]
    return known(
        {"patient_id": row["record_id"], "site": row["redcap_data_access_group"], "age_years": row["age"]}
        | {"sex": {"1": "female", "2": "male", "3": "other"}.get(row["sex"], "")}
        | {"diagnoses": ";".join(ticked(row, "diagnosis", codes)), "eligible_stable": row["inclusion___stab"]}
        | {"program_booked": {"1": "with_integration", "2": "ketamine_only"}[arm]}
        | {"prior_antidepressant_trials": row["trials"]}
    )


def add_scores(scores: Rows, row: dict[str, str], place: str, tail: str) -> None:
    start = {"patient_id": row["record_id"]}
    if row["phq9_complete"] == "2":
        key = f"{place}/phq9{tail}"
        items = {f"item_{number}": row[f"phq9_{number}"] for number in range(1, 10)}
        rest = {"score_id": key, "instrument": "PHQ-9", "date": row["visit_date"], "total": row["phq9_total"]}
        scores[key] = known(start | rest | items)
    if row["gad7_complete"] == "2":
        key = f"{place}/gad7{tail}"
        items = {f"item_{number}": row[f"gad7_{number}"] for number in range(1, 8)}
        scores[key] = known(start | {"score_id": key, "instrument": "GAD-7", "date": row["gad7_date"]} | items)


@pytest.mark.parametrize("name", ["patients", "sessions", "scores", "adverse_events"])
def test_a_plain_loop_gives_the_same_tables(engine: Engine, name: str) -> None:
    expected = oracle()[name]
    assert len(expected) >= 14
    assert table(converted(LONGITUDINAL, engine), name) == expected


def test_every_row_is_used_or_left_out_for_one_reason(engine: Engine) -> None:
    found = converted(LONGITUDINAL, engine)
    counts = {(part.rule, part.column): part.row_numbers.tolist() for part in found.left_out}
    rows = export(LONGITUDINAL)
    archive = [number for number, row in enumerate(rows, start=1) if row["redcap_event_name"].startswith("archive")]
    unfinished = [number for number, row in enumerate(rows, start=1) if row["ketamine_session_complete"] == "0"]
    assert counts[("event_not_mapped", "redcap_event_name")] == archive
    assert counts[("form_incomplete", "ketamine_session_complete")] == unfinished
    assert set(counts) == {
        ("event_not_mapped", "redcap_event_name"),
        ("form_incomplete", "ketamine_session_complete"),
        ("nothing_mapped", ""),
    }
    used = {int(number) for made in found.tables for number in made.file_row}
    left_out = {number for numbers in counts.values() for number in numbers}
    assert not used & left_out
    assert used | left_out == set(range(1, len(rows) + 1))


def test_forms_that_were_not_read_beside_others_are_noted(engine: Engine) -> None:
    notes = " ".join(converted(LONGITUDINAL, engine).notes)
    assert "1 (phq9_complete: rule form_incomplete" in notes
    assert "1 (gad7_complete: rule form_unverified" in notes


def test_labels_give_the_same_registry_as_codes() -> None:
    raw = read_registry(LONGITUDINAL)
    labels = read_registry(LONGITUDINAL, mapping=LONGITUDINAL / "mapping_labels.toml")
    assert raw.digest == labels.digest
    assert len(raw.table("scores")) == 55
    assert raw.is_synthetic


def test_the_classic_project_has_dates_with_times_and_several_forms_a_row(engine: Engine) -> None:
    found = converted(CLASSIC, engine)
    assert table(found, "sessions")["1/first_dose"]["time"] == "14:05"
    scores = table(found, "scores")
    assert len(scores) == 15
    assert "total" not in scores["8/week_12"], "-99 is a missing code of this field"
    assert [part.rule for part in found.left_out] == []


# --- what a change of the longitudinal export does -------------------------------------------------------------------

Change = Callable[[list[dict[str, str]]], None]


@pytest.fixture
def project(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Conversion]:
    """Convert the longitudinal export after a change of its rows and of the mapping's text.

    The privacy gate, which has tests of its own, is left out: it takes most of the time.
    """
    monkeypatch.setattr("katoutcomes.registry.readers.redcap.convert.raw_findings", lambda *_, **__: ())

    def run(change: Change = lambda _: None, **replaced: str) -> Conversion:
        rows = export(LONGITUDINAL)
        change(rows)
        with (tmp_path / "export.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        (tmp_path / "dictionary.csv").write_bytes((LONGITUDINAL / "dictionary.csv").read_bytes())
        text = (LONGITUDINAL / "mapping.toml").read_text(encoding="utf-8")
        for old, new in replaced.items():
            text = text.replace(MAPPING_PLACES[old], new)
        (tmp_path / "mapping.toml").write_text(text, encoding="utf-8")
        return converted(tmp_path, engine)

    return run


MAPPING_PLACES = {"id_field": 'id_field = "record_id"', "gad_date": 'date_field = "gad7_date"'}


def row_of(rows: list[dict[str, str]], record: str, event: str, form: str = "", instance: str = "") -> dict[str, str]:
    return next(
        row
        for row in rows
        if (row["record_id"], row["redcap_event_name"]) == (record, event)
        and (row["redcap_repeat_instrument"], row["redcap_repeat_instance"]) == (form, instance)
    )


def problems(conversion: Conversion, name: str) -> dict[tuple[str, str], int]:
    found = next(table for table in conversion.tables if table.schema.name == name)
    return {(problem.rule, problem.column): len(problem.positions) for problem in found.problems}


def test_unverified_forms_are_read_if_the_mapping_says_so(project: Callable[..., Conversion]) -> None:
    found = project(id_field='id_field = "record_id"\nunverified_forms = "read"')
    assert "KAP-010/baseline_arm_1/gad7" in table(found, "scores")


def test_the_form_status_can_be_ignored(project: Callable[..., Conversion]) -> None:
    def forget_status(rows: list[dict[str, str]]) -> None:
        for row in rows:
            row["demographics_complete"] = ""

    found = project(forget_status, id_field='id_field = "record_id"\nform_status = "ignored"')
    assert "KAP-013/week_4_arm_1/phq9" in table(found, "scores")
    flags = {key: row.get("eligible_stable") for key, row in table(found, "patients").items()}
    assert flags["KAP-008"] is None, "nothing ticked is ambiguous where no status says that the form is complete"


def test_nothing_ticked_is_no_on_a_complete_form_only(project: Callable[..., Conversion]) -> None:
    complete = table(project(), "patients")["KAP-008"]
    assert complete["eligible_stable"] == "0"
    assert "diagnoses" not in table(project(), "patients")["KAP-006"]


def test_two_routes_in_one_session_are_a_problem(project: Callable[..., Conversion]) -> None:
    def tick(rows: list[dict[str, str]]) -> None:
        row = row_of(rows, "KAP-001", "treatment_arm_1", "ketamine_session", "1")
        row.update(route___1="1", route___2="1")

    found = project(tick)
    assert problems(found, "sessions") == {("several_ticked", "route"): 1}


def test_a_value_that_is_no_choice_is_a_problem(project: Callable[..., Conversion]) -> None:
    def spoil(rows: list[dict[str, str]]) -> None:
        row_of(rows, "KAP-001", "baseline_arm_1").update(sex="7", phq9_2="8")

    found = project(spoil)
    assert problems(found, "patients") == {("not_a_choice", "sex"): 1}
    assert problems(found, "scores") == {("not_a_choice", "item_2"): 1}


def test_a_repeated_form_without_its_number_is_a_problem(project: Callable[..., Conversion]) -> None:
    def spoil(rows: list[dict[str, str]]) -> None:
        row_of(rows, "KAP-001", "treatment_arm_1", "integration", "1")["redcap_repeat_instance"] = ""

    assert problems(project(spoil), "sessions") == {("instance_missing", "session_id"): 1}


def test_a_record_in_two_arms_contradicts_itself(project: Callable[..., Conversion]) -> None:
    def join(rows: list[dict[str, str]]) -> None:
        twin = dict(row_of(rows, "KAP-001", "baseline_arm_1"))
        twin.update(redcap_event_name="baseline_arm_2")
        rows.append(twin)

    found = project(join)
    patients = next(table for table in found.tables if table.schema.name == "patients")
    assert problems(found, "patients")[("same_in_all_rows", "program_booked")] >= 2
    assert patients.columns["patient_id"].tolist().count("KAP-001") >= 2


def test_an_event_date_reaches_repeating_events_but_not_others(project: Callable[..., Conversion]) -> None:
    rows = export(LONGITUDINAL)
    scores = table(project(), "scores")
    for instance in ("1", "2"):
        key = f"KAP-001/unscheduled_arm_1/phq9/{instance}"
        assert scores[key]["date"] == row_of(rows, "KAP-001", "unscheduled_arm_1", "", instance)["visit_date"]


def test_two_dates_of_one_event_are_none(project: Callable[..., Conversion]) -> None:
    def split(rows: list[dict[str, str]]) -> None:
        other = dict.fromkeys(rows[0], "")
        other |= {"record_id": "KAP-002", "redcap_event_name": "baseline_arm_1"}
        rows.append(other | {"visit_date": "2026-01-01", "visit_complete": "2"})

    assert "date" not in table(project(split), "scores")["KAP-002/baseline_arm_1/phq9"]


def test_a_date_on_a_form_that_is_not_complete_is_not_read(project: Callable[..., Conversion]) -> None:
    def open_visit(rows: list[dict[str, str]]) -> None:
        row_of(rows, "KAP-002", "baseline_arm_1")["visit_complete"] = "0"

    assert "date" not in table(project(open_visit), "scores")["KAP-002/baseline_arm_1/phq9"]


def test_the_time_stamp_of_a_survey_may_say_when(project: Callable[..., Conversion]) -> None:
    def open_survey(rows: list[dict[str, str]]) -> None:
        row_of(rows, "KAP-002", "baseline_arm_1")["phq9_timestamp"] = "[not completed]"

    stamped = 'date_field = "phq9_timestamp"'
    found = project(open_survey, gad_date=stamped)
    row = row_of(export(LONGITUDINAL), "KAP-001", "baseline_arm_1")
    score = table(found, "scores")["KAP-001/baseline_arm_1/gad7"]
    assert (score["date"], score["time"]) == (row["phq9_timestamp"][:10], row["phq9_timestamp"][11:16])
    assert "date" not in table(found, "scores")["KAP-002/baseline_arm_1/gad7"]


def test_rows_in_another_order_and_split_files_give_the_same_registry(tmp_path: Path) -> None:
    lines = (LONGITUDINAL / "export.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "a.csv").write_text("\n".join([lines[0], *lines[60:][::-1]]) + "\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("\n".join([lines[0], *lines[1:60]]) + "\n", encoding="utf-8")
    (tmp_path / "dictionary.csv").write_bytes((LONGITUDINAL / "dictionary.csv").read_bytes())
    text = (LONGITUDINAL / "mapping.toml").read_text(encoding="utf-8").replace('["export.csv"]', '["a.csv", "b.csv"]')
    (tmp_path / "mapping.toml").write_text(text, encoding="utf-8")
    assert read_registry(tmp_path).digest == read_registry(LONGITUDINAL).digest


@pytest.mark.parametrize(
    ("order", "text"), [("MDY", "03/05/2026"), ("DMY", "05/03/2026"), ("MDY", "3-5-2026"), ("YMD", "2026-03-05")]
)
def test_dates_in_the_order_that_the_mapping_names(project: Callable[..., Conversion], order: str, text: str) -> None:
    def rewrite(rows: list[dict[str, str]]) -> None:
        row_of(rows, "KAP-001", "baseline_arm_1")["gad7_date"] = text

    found = project(rewrite, id_field=f'id_field = "record_id"\ndate_order = "{order}"')
    assert table(found, "scores")["KAP-001/baseline_arm_1/gad7"]["date"] == "2026-03-05"


# --- drafts ----------------------------------------------------------------------------------------------------------


def test_the_draft_of_a_longitudinal_project_loads_once_confirmed(tmp_path: Path, engine: Engine) -> None:
    for name in ("export.csv", "dictionary.csv"):
        (tmp_path / name).write_bytes((LONGITUDINAL / name).read_bytes())
    text = draft(tmp_path, engine)
    assert text == draft(tmp_path, engine)
    assert "KAP-" not in text
    assert text.count("# CONFIRM:") > 5
    sure = [line for line in text.splitlines() if "# CONFIRM:" not in line and "  # " in line]
    assert len(sure) > 20
    (tmp_path / "mapping.toml").write_text(f'schema_version = "1.0"\nformat = "redcap"\n{text}', encoding="utf-8")
    drafted, written = read_registry(tmp_path), read_registry(LONGITUDINAL)
    assert len(drafted.table("patients")) == len(written.table("patients"))
    assert drafted.table("sessions").equals(written.table("sessions"))
    assert drafted.table("scores").equals(written.table("scores"))


def test_the_draft_of_a_classic_project_asks_about_numbered_fields(tmp_path: Path, engine: Engine) -> None:
    for name in ("export.csv", "dictionary.csv"):
        (tmp_path / name).write_bytes((CLASSIC / name).read_bytes())
    text = draft(tmp_path, engine)
    assert "is base_phq_{n} of form baseline (9 fields) a questionnaire?" in text
    (tmp_path / "mapping.toml").write_text(f'schema_version = "1.0"\nformat = "redcap"\n{text}', encoding="utf-8")
    assert len(read_registry(tmp_path).table("sessions")) == 8


DICTIONARY = (
    "Variable / Field Name,Form Name,Field Type,Field Label,"
    '"Choices, Calculations, OR Slider Labels",Text Validation Type OR Show Slider Number,Identifier?\n'
)


def small_draft(folder: Path, engine: Engine, fields: str, header: str) -> str:
    """Draft a project of a few fields; its export has no row."""
    (folder / "dictionary.csv").write_text(DICTIONARY + fields, encoding="utf-8")
    (folder / "export.csv").write_text(f"{header}\n", encoding="utf-8")
    return draft(folder, engine)


def test_only_what_was_guessed_is_to_be_confirmed(tmp_path: Path, engine: Engine) -> None:
    fields = (
        'id,intake,text,Key,,,\nsex,intake,radio,Sex,"1, Female | 2, Male",,\n'
        'consent_research,intake,radio,Consent,"1, Yes | 0, No",,\nvisit_date,visit,text,Date,,date_ymd,\n'
        'route,visit,radio,Route,"1, Intramuscular | 2, Wafer",,\n'
    )
    text = small_draft(tmp_path, engine, fields, "id,sex,consent_research,visit_date,route")
    for line in (
        'id_field = "id"  # the first field of a dictionary names the record',
        'field = "sex"  # the name says so',
        'codes = { "1" = "female", "2" = "male" }  # the labels say so',
        'field = "consent_research"  # CONFIRM: by its name; is it consent to research?',
        'codes = { "1" = "1", "0" = "0" }  # the labels say so',
        'kind = "dosing"  # CONFIRM: the form has a dose or a route',
        'date_field = "visit_date"  # the only date of the form',
        'codes = { "1" = "intramuscular", "2" = "" }  # CONFIRM: by the labels; "" is “not known”',
    ):
        assert line in text.splitlines()
    assert "no questionnaire was recognized, so no scores are made" in text


def test_a_draft_without_sessions_says_so(tmp_path: Path, engine: Engine) -> None:
    text = small_draft(tmp_path, engine, "id,intake,text,Key,,,\nage,intake,text,Age,,integer,\n", "id,age")
    assert "# CONFIRM: no form of sessions was recognized. A registry needs one" in text
    assert "[[redcap.session]]" not in text.splitlines()


def test_without_a_dictionary_there_is_no_draft(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "export.csv").write_bytes((CLASSIC / "export.csv").read_bytes())
    with pytest.raises(DataError, match="rule redcap_dictionary"):
        draft(tmp_path, engine)


def test_the_mapping_of_the_how_to_page_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "how_to" / "load_redcap.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mapping.toml").write_text("\n".join(blocks), encoding="utf-8")
    mapping = read_mapping(tmp_path / "mapping.toml")
    settings = read_settings(mapping.table)
    # The page shows one of several events; the sections name another one.
    assert mapping.table.problems == ["redcap, event: a section names an event that no [[redcap.event]] lists."]
    assert [section.schema.name for section in settings.sections] == ["sessions", "scores", "adverse_events"]


# --- what an allowed identifier does ---------------------------------------------------------------------------------


def test_a_flagged_field_is_refused_unless_it_is_allowed_by_name(tmp_path: Path) -> None:
    for path in CLASSIC.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (CLASSIC / "dictionary.csv").read_text(encoding="utf-8")
    flagged = text.replace("end_date,week_12,,text,Date,,,date_ymd,,,,", "end_date,week_12,,text,Date,,,date_ymd,,,y,")
    assert flagged != text
    (tmp_path / "dictionary.csv").write_text(flagged, encoding="utf-8")
    with pytest.raises(IdentifierError, match="redcap_identifier_field") as caught:
        read_registry(tmp_path)
    assert [finding.column for finding in caught.value.findings] == ["end_date"]
    allowed = read_registry(tmp_path, allow=["redcap_identifier_field:end_date"])
    assert allowed.digest == read_registry(CLASSIC).digest
