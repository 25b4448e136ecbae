"""Workbooks: cells of every kind, what is refused, and folders whose tables are sheets. All data are synthetic."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from katoutcomes.errors import OptionError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.readers.raw_tables import FileDialect, RawTable, read_raw
from katoutcomes.registry.reading import read_registry

PATIENTS = [["patient_id", "age_years", "eligible_consent"], ["P1", 41, True], ["P2", 52, False]]
SESSIONS = [
    ["session_id", "patient_id", "date", "time", "kind", "dose_mg"],
    ["S1", "P1", dt.date(2031, 3, 4), dt.time(9, 30), "dosing", 75.5],
    ["S2", "P2", dt.datetime.fromisoformat("2031-04-01"), None, "dosing", 60],
]


def book(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    workbook = Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def read(path: Path, **dialect: Any) -> tuple[RawTable, list[list[str | None]]]:
    with Engine() as engine:
        raw = read_raw(engine, path, "sheet", dialect=FileDialect(**dialect))
        if raw.faults:
            return raw, []
        columns = engine.fetch("select * from sheet order by input_row")
        cells = [columns[f"c{position}"].tolist() for position in range(1, len(raw.columns) + 1)]
    return raw, [list(row) for row in zip(*cells, strict=True)]


def test_cells_of_every_kind(tmp_path: Path) -> None:
    moment = dt.datetime.fromisoformat("2031-03-04T09:30")
    rows = [
        ["whole", "number", "flag", "day", "time", "moment", "text", "span"],
        [45, 0.5, True, dt.date(2031, 3, 4), dt.time(9, 5), moment, "  a b ", dt.timedelta(minutes=65)],
        [45.0, -1.25, False, dt.date(1999, 12, 31), dt.time(9, 5, 7), None, "007", None],
    ]
    raw, cells = read(book(tmp_path / "a.xlsx", {"one": rows}))
    assert raw.columns == tuple(rows[0])
    assert cells == [
        ["45", "0.5", "1", "2031-03-04", "09:05", "2031-03-04T09:30:00", "a b", "01:05"],
        ["45", "-1.25", "0", "1999-12-31", "09:05:07", None, "007", None],
    ]


def test_empty_rows_keep_their_number_and_empty_ends_are_dropped(tmp_path: Path) -> None:
    rows = [["a", None, "b"], ["1", None, "2"], [], ["3", None, "4"], [], [None, " ", None]]
    raw, cells = read(book(tmp_path / "a.xlsx", {"one": rows}))
    assert raw.columns == ("a", "b")
    assert raw.n_rows == 3
    assert cells == [["1", "2"], [None, None], ["3", "4"]]


def test_lines_before_the_header_and_sheets_are_chosen(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", {"x": [["Report"], [], ["a", "b"], ["1", "2"]], "y & <z>": [["c"], ["5"]]})
    assert read(path, sheet="x", skip_rows=2)[1] == [["1", "2"]]
    assert read(path, sheet="y & <z>")[1] == [["5"]]
    assert "2 sheets" in read(path)[0].faults[0]
    assert read(path, sheet="z")[0].faults == ("rule sheet: there is no sheet 'z'.",)


def test_merged_cells_above_the_header_do_not_matter(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", {"x": [["Report", None], ["a", "b"], ["1", "2"]]})
    from openpyxl import load_workbook

    workbook = load_workbook(path)
    workbook.active.merge_cells("A1:B1")
    workbook.save(path)
    assert read(path, skip_rows=1)[1] == [["1", "2"]]
    assert "rule merged_cells" in read(path)[0].faults[0]


def test_errors_in_a_sheet_whose_name_needs_escaping(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook = Workbook()
    workbook.active.title = "R & D"
    workbook.active.append(["a", "b"])
    workbook.active.append(["1", "=A2*2"])
    workbook.save(path)
    assert read(path)[0].faults[0].startswith("rule formula: 1 cells hold a formula that was never worked out (row 1)")


@pytest.mark.parametrize("layout", ["one file a table", "one workbook"])
def test_a_folder_of_workbooks_is_a_registry(tmp_path: Path, layout: str) -> None:
    import pandas as pd

    frames = {
        "patients": pd.DataFrame(PATIENTS[1:], columns=PATIENTS[0]),
        "sessions": pd.DataFrame(SESSIONS[1:], columns=SESSIONS[0]),
    }
    expected = read_registry(frames).digest
    sheets = {"patients": PATIENTS, "sessions": [*SESSIONS, [], []], "notes": [["x"]]}
    if layout == "one workbook":
        book(tmp_path / "registry.xlsx", sheets)
    else:
        for name in ("patients", "sessions"):
            book(tmp_path / f"{name}.xlsx", {"any name": sheets[name]})
    registry = read_registry(tmp_path)
    assert registry.digest == expected
    assert registry.load_report.files[1].rows_in == 2


def test_a_table_in_two_places_is_refused(tmp_path: Path) -> None:
    from katoutcomes.errors import DataError

    book(tmp_path / "registry.xlsx", {"patients": PATIENTS, "sessions": SESSIONS})
    book(tmp_path / "patients.xlsx", {"patients": PATIENTS})
    with pytest.raises(DataError, match="only one of them may hold patients"):
        read_registry(tmp_path)


def test_without_calamine_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "patients.xlsx", {"patients": PATIENTS})
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(OptionError, match=r"katoutcomes\[excel\]"):
        read(path)
