"""Mirah's outcomes export against a plain loop over the CSV file, and what happens to every row of it."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from katoutcomes.errors import DataError, IdentifierError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.mapping_file import read_mapping
from katoutcomes.registry.readers.conversion import Conversion, ConvertedTable
from katoutcomes.registry.readers.mirah.convert import convert
from katoutcomes.registry.readers.mirah.draft import draft
from katoutcomes.registry.readers.mirah.rows import date_after
from katoutcomes.registry.readers.mirah.settings import read_settings
from katoutcomes.registry.reading import read_registry

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "mirah"
NAMES = {"phq9": "PHQ-9", "gad7": "GAD-7"}
Row = dict[str, str]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as made:
        yield made


def rows_of(name: str) -> list[Row]:
    with (FIXTURE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def converted(folder: Path, engine: Engine) -> Conversion:
    return convert(folder, read_mapping(folder / "mapping.toml"), engine, lambda _: None)


def made(conversion: Conversion, name: str) -> ConvertedTable:
    return next(table for table in conversion.tables if table.schema.name == name)


def oracle() -> dict[str, Row]:
    """Read the export with the csv module alone."""
    scores: dict[str, Row] = {}
    for row in rows_of("outcomes.csv"):
        if row["score_domain"] != "raw" or row["questionnaire_mnemonic"] not in NAMES:
            continue
        start = dt.date.fromisoformat(row["treatment_start_date"][:10])
        days = {"intake": "days_between_treatment_start_and_baseline"}
        days["current"] = "days_between_treatment_start_and_current"
        if (row["intake_value"], row[days["intake"]]) == (row["current_value"], row[days["current"]]):
            del days["current"]
        for name, column in days.items():
            if row[f"{name}_value"]:
                scores[f"{row['id']}/{name}"] = {
                    "patient_id": row["patient_id"],
                    "date": (start + dt.timedelta(days=int(row[column]))).isoformat(),
                    "instrument": NAMES[row["questionnaire_mnemonic"]],
                    "total": row[f"{name}_value"],
                }
    return scores


def test_a_plain_loop_gives_the_same_scores(engine: Engine) -> None:
    table = made(converted(FIXTURE, engine), "scores")
    found = {
        table.columns["score_id"][row]: {
            name: table.columns[name][row] for name in ("patient_id", "date", "instrument", "total")
        }
        for row in range(table.n_rows)
    }
    assert len(found) > 40
    assert found == oracle()


def test_every_row_is_used_or_left_out_for_one_reason(engine: Engine) -> None:
    found = converted(FIXTURE, engine)
    rows = rows_of("outcomes.csv")
    left_out = {part.rule: part.row_numbers.tolist() for part in found.left_out}
    domains = [number for number, row in enumerate(rows, start=1) if row["score_domain"] != "raw"]
    in_house = [
        number
        for number, row in enumerate(rows, start=1)
        if row["score_domain"] == "raw" and row["questionnaire_mnemonic"] == "wellness_check"
    ]
    assert left_out["score_domain"] == domains
    assert left_out["questionnaire_not_mapped"] == in_house
    assert len(left_out["no_value"]) == 1
    used = set(made(found, "scores").file_row.tolist())
    assert sorted([*used, *(number for numbers in left_out.values() for number in numbers)]) == list(
        range(1, len(rows) + 1)
    )
    assert "that count once: 1." in " ".join(found.notes)


def test_the_registry_joins_scores_with_sessions_and_patients_of_the_clinic() -> None:
    registry = read_registry(FIXTURE)
    assert len(registry.table("patients")) == 12
    assert len(registry.table("sessions")) == 48
    assert len(registry.table("scores")) == len(oracle())
    assert registry.load_report.has_rejections is False
    assert not registry.table("patients")["patient_id"].str.startswith("mp-").any()


Change = Callable[[list[Row]], None]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """Write the fixture after a change of its rows, its header, and the mapping's text."""

    def write(change: Change = lambda _: None, old: str = "", new: str = "") -> Path:
        for path in FIXTURE.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        rows = rows_of("outcomes.csv")
        change(rows)
        with (tmp_path / "outcomes.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        text = (FIXTURE / "mapping.toml").read_text(encoding="utf-8")
        assert old in text
        (tmp_path / "mapping.toml").write_text(text.replace(old, new), encoding="utf-8")
        return tmp_path

    return write


def test_the_order_of_columns_does_not_matter(changed: Callable[..., Path]) -> None:
    def turn(rows: list[Row]) -> None:
        rows[:] = [dict(reversed(row.items())) for row in rows]

    assert read_registry(changed(turn)).digest == read_registry(FIXTURE).digest


def test_names_are_refused_unless_allowed_and_then_left_out(changed: Callable[..., Path]) -> None:
    def name(rows: list[Row]) -> None:
        rows[:] = [row | {"patient_first_name": "Xq", "patient_last_name": "Zv"} for row in rows]

    folder = changed(name)
    with pytest.raises(IdentifierError) as caught:
        read_registry(folder)
    assert [finding.column for finding in caught.value.findings] == ["patient_first_name", "patient_last_name"]
    allowed = read_registry(
        folder, allow=[f"column_name_person:{column}" for column in ("patient_first_name", "patient_last_name")]
    )
    assert allowed.digest == read_registry(FIXTURE).digest
    assert ("outcomes.csv", "patient_last_name") in allowed.load_report.left_out_columns


def test_a_row_that_stands_twice_is_rejected_both_times(changed: Callable[..., Path]) -> None:
    report = read_registry(changed(lambda rows: rows.append(dict(rows[0])))).load_report
    assert [(problem.rule, problem.n_rows) for problem in report.problems] == [("unique", 2)]


def test_a_missing_column_is_named(changed: Callable[..., Path]) -> None:
    def drop(rows: list[Row]) -> None:
        for row in rows:
            del row["treatment_start_date"]

    with pytest.raises(DataError, match="column 'treatment_start_date' is needed"):
        read_registry(changed(drop))


def test_without_a_table_of_sessions_nobody_has_a_first_dose(changed: Callable[..., Path]) -> None:
    registry = read_registry(changed(old='sessions = "sessions.csv"\n', new=""))
    assert len(registry.table("sessions")) == 0
    assert any("names no table of them" in note for note in registry.load_report.notes)


def test_the_site_may_come_from_the_export(changed: Callable[..., Path], engine: Engine) -> None:
    def move(rows: list[Row]) -> None:
        rows[0]["organization_id"] = "99"

    folder = changed(move, 'patients = "patients.csv"', 'site_column = "organization_id"')
    found = converted(folder, engine)
    patients = made(found, "patients")
    sites = dict(zip(patients.columns["patient_id"], patients.columns["site"], strict=True))
    assert sites["mp-0001"] is None
    assert (sites["mp-0002"], sites["mp-0003"]) == ("21", "22")
    assert "whose site is not known therefore: 1." in " ".join(found.notes)


@pytest.mark.parametrize(
    ("start", "days", "date"),
    [
        ("2026-12-30T23:59:59", "3", "2027-01-02"),
        ("2026-03-01", "-1", "2026-02-28"),
        ("2026-02-30", "1", None),
        ("9999-12-31", "5", None),
        ("2026-03-01", "1.5", None),
        (None, "1", None),
    ],
)
def test_dates_after_the_start_of_treatment(start: str | None, days: str, date: str | None) -> None:
    assert date_after(start, days) == date


def test_the_draft_loads_once_confirmed(tmp_path: Path, engine: Engine) -> None:
    for name in ("outcomes.csv", "sessions.csv", "patients.csv"):
        (tmp_path / name).write_bytes((FIXTURE / name).read_bytes())
    text = draft(tmp_path, engine)
    assert text == draft(tmp_path, engine)
    assert "mp-" not in text
    assert 'questionnaire "wellness_check" is not read' in text
    (tmp_path / "mapping.toml").write_text(f'schema_version = "1.0"\nformat = "mirah"\n{text}', encoding="utf-8")
    assert read_registry(tmp_path).digest == read_registry(FIXTURE).digest


def test_the_mapping_of_the_how_to_page_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "how_to" / "load_mirah.md").read_text(encoding="utf-8")
    (tmp_path / "mapping.toml").write_text(
        "\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)), encoding="utf-8"
    )
    mapping = read_mapping(tmp_path / "mapping.toml")
    settings = read_settings(mapping.table)
    mapping.finish()
    assert [part.name for part in settings.measurements] == ["intake", "current"]


def test_without_the_documented_header_there_is_no_draft(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "sessions.csv").write_bytes((FIXTURE / "sessions.csv").read_bytes())
    with pytest.raises(DataError, match="rule missing_column"):
        draft(tmp_path, engine)
