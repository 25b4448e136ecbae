"""Broken mapped files, workbooks and mapping files, a fault a case; all synthetic, KEY… and CANARY… are planted."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MAPPING = """\
schema_version = "1.0"
format = "tables"
missing = ["n/a"]

[[file]]
name = "people.csv"
table = "patients"
separator = ";"

[file.columns]
Kennung = "patient_id"
Praxis = "site"
Alter = "age_years"
Geschlecht = "sex"

[file.values.sex]
w = "female"
m = "male"

[[file]]
name = "visits.csv"
table = "sessions"
separator = ";"
decimal = ","
date_format = "%d.%m.%Y"

[file.columns]
Kennung = "patient_id"
Datum = "date"
Weg = "route"
Dosis = "dose_mg"

[file.constants]
kind = "dosing"

[file.values.route]
"i.m." = "intramuscular"
"s.l." = "sublingual"

[[file]]
name = "answers.csv"
separator = ";"
date_format = "%d.%m.%Y"

[file.columns]
Kennung = "patient_id"
Datum = "date"

[[file.score]]
instrument = "PHQ-9"
total = "Summe"
items = "F{item}"
"""
PEOPLE = ["Kennung;Praxis;Alter;Geschlecht", "KEYPAT01;CANARYSITE;41;w", "KEYPAT02;CANARYSITE;52;m"]
VISITS = [
    "Kennung;Datum;Weg;Dosis",
    "KEYPAT01;04.03.2031;i.m.;75,5",
    "KEYPAT01;11.03.2031;i.m.;75",
    "KEYPAT02;01.04.2031;s.l.;120",
]
ANSWERS = [
    "Kennung;Datum;F1;F2;F3;F4;F5;F6;F7;F8;F9;Summe",
    "KEYPAT01;01.03.2031;2;2;2;2;2;2;2;1;1;16",
    "KEYPAT01;20.03.2031;1;1;1;1;1;1;1;1;1;9",
    "KEYPAT02;30.03.2031;;;;;;;;;;12",
]
KEYS = ["KEYPAT", "CANARY", ".2031", "2031-0"]
Lines = dict[str, list[str]]
Build = Callable[[Path], None]


def base() -> Lines:
    return {"people": list(PEOPLE), "visits": list(VISITS), "answers": list(ANSWERS)}


def write(folder: Path, lines: Lines, mapping: str = MAPPING) -> None:
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")


def files(change: Callable[[Lines], Any]) -> Build:
    def build(folder: Path) -> None:
        lines = base()
        change(lines)
        write(folder, lines)

    return build


def line(file: str, row: int, text: str) -> Build:
    return files(lambda lines: lines[file].__setitem__(row, text))


def more(file: str, *texts: str) -> Build:
    return files(lambda lines: lines[file].extend(texts))


def raw(name: str, content: bytes, mapping: str = MAPPING) -> Build:
    def build(folder: Path) -> None:
        write(folder, base(), mapping)
        (folder / name).write_bytes(content)

    return build


def mapped(old: str, new: str) -> Build:
    """Write the sound files with a mapping in which a text is replaced."""
    assert old in MAPPING

    def build(folder: Path) -> None:
        write(folder, base(), MAPPING.replace(old, new, 1))

    return build


def encoded(encoding: str, stated: str = "") -> Build:
    text = "\n".join(PEOPLE).replace("CANARYSITE", "CANARYSITE Zürich") + "\n"
    mapping = MAPPING.replace('table = "patients"', f'table = "patients"\nencoding = "{stated}"') if stated else MAPPING
    return raw("people.csv", text.encode(encoding), mapping)


def workbook(change: Callable[[Any], Any] | None = None, cut: Callable[[bytes], bytes] | None = None) -> Build:
    """Write the visits as a workbook."""

    def build(folder: Path) -> None:
        from openpyxl import Workbook

        write(folder, base(), MAPPING.replace('name = "visits.csv"', 'name = "visits.xlsx"'))
        book = Workbook()
        for row in VISITS:
            book.active.append(row.split(";"))
        if change is not None:
            change(book)
        stored = io.BytesIO()
        book.save(stored)
        content = stored.getvalue()
        (folder / "visits.xlsx").write_bytes(cut(content) if cut is not None else content)

    return build


def error_cell(book: Any) -> None:
    cell = book.active["D3"]
    cell.value, cell.data_type = "#DIV/0!", "e"


def without_part(content: bytes, part: str) -> bytes:
    """Return a workbook without one of the files inside it."""
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(stored, "w") as after:
        for name in before.namelist():
            if name != part:
                after.writestr(name, before.read(name))
    return stored.getvalue()


def case(name: str, build: Build, code: int = 2, **expected: Any) -> dict[str, Any]:
    secrets = [*KEYS, *expected.pop("secrets", [])]
    return {"id": name, "build": build, "secrets": secrets, "code": code, **expected}


def stops(name: str, build: Build, *fragments: str, **expected: Any) -> dict[str, Any]:
    return case(name, build, fragments=list(fragments), **expected)


FILES = (
    stops("mapped file is empty", raw("people.csv", b""), "people.csv", "rule header"),
    stops("mapped file is missing", files(lambda lines: lines.pop("visits")), "visits.csv", "rule missing_file"),
    stops(
        "mapped file holds a header only",
        files(lambda lines: lines.update(people=PEOPLE[:1])),
        "no patient is accepted",
    ),
    stops(
        "mapped file of another separator",
        files(lambda lines: lines.update(people=[r.replace(";", "\t") for r in PEOPLE])),
        "rule separator",
    ),
    stops("mapped latin-1 not stated", encoded("latin-1"), "rule encoding", "line 2"),
    stops("mapped UTF-16 not stated", encoded("utf-16"), "rule encoding", "utf-16"),
    stops("mapped UTF-8 stated as UTF-16", encoded("utf-8", "utf-16"), "rule encoding"),
    stops("mapped UTF-8 with a mark stated as cp1252", encoded("utf-8-sig", "cp1252"), "rule encoding"),
    stops(
        "mapped bytes that cp1252 lacks",
        raw(
            "people.csv",
            b"Kennung;Praxis;Alter;Geschlecht\nKEYPAT01;\x81;41;w\n",
            MAPPING.replace('table = "patients"', 'table = "patients"\nencoding = "cp1252"'),
        ),
        "rule encoding",
        "line 2",
    ),
    stops("mapped ragged row", line("visits", 2, "KEYPAT01;11.03.2031;i.m."), "rule row_length", "row 2"),
    stops("mapped trailing separator", line("visits", 2, "KEYPAT01;11.03.2031;i.m.;75;"), "rule row_length", "row 2"),
    stops(
        "mapped column without a name that holds something",
        files(lambda lines: lines.update(people=[PEOPLE[0] + ";", PEOPLE[1] + ";KEYPAT77", PEOPLE[2] + ";"])),
        "rule column_name",
    ),
    stops("mapped unclosed quote", line("visits", 2, 'KEYPAT01;"11.03.2031;i.m.;75'), "rule stray_quote"),
    stops(
        "mapped repeated header line",
        files(lambda lines: lines["visits"].insert(3, VISITS[0])),
        "rule repeated_header",
        "row 3",
    ),
    stops(
        "mapped repeated column name",
        line("people", 0, "Kennung;Praxis;Kennung;Alter;Geschlecht"),
        "rule repeated_column",
    ),
    stops(
        "mapped NUL characters",
        raw("people.csv", b"Kennung;Praxis;Alter;Geschlecht\nKEYPAT01;CANARY\x00;41;w\n"),
        "rule nul",
        "line 2",
    ),
    stops(
        "mapped cell of 200000 characters", line("people", 1, f"KEYPAT01;{'CANARY' * 33_000};41;w"), "rule stray_quote"
    ),
    stops("mapped file is a Parquet file called CSV", raw("people.csv", b"PAR1CANARYBYTESPAR1"), "rule csv"),
    stops(
        "mapped file has no header line",
        files(lambda lines: lines["people"].pop(0)),
        "rule missing_column",
        "'Kennung'",
    ),
    stops(
        "mapped lines before the header",
        files(lambda lines: lines["people"].insert(0, "CANARYREPORT")),
        "rule row_length",
        "skip_rows",
    ),
)

CELLS = (
    case(
        "mapped value that is not decoded",
        line("people", 2, "KEYPAT02;CANARYSITE;52;weiblich"),
        rules={"not_decoded": 1},
        secrets=["weiblich"],
    ),
    case(
        "mapped label export",
        files(
            lambda lines: lines.update(
                people=[
                    PEOPLE[0],
                    *(r.replace(";w", ";Frau").replace(";m", ";Mann") for r in PEOPLE[1:]),
                    "KEYPAT03;CANARYSITE;33;w",
                ]
            )
        ),
        rules={"not_decoded": 2},
        secrets=["Frau", "Mann"],
    ),
    case(
        "mapped swapped columns",
        files(
            lambda lines: lines.update(
                people=["Kennung;Praxis;Geschlecht;Alter", *PEOPLE[1:], "KEYPAT03;CANARYSITE;w;33"]
            )
        ),
        rules={"not_decoded": 2, "integer": 2},
    ),
    case("mapped missing word in dates", line("visits", 2, "KEYPAT01;n/a;i.m.;75"), rules={"required": 1}),
    case(
        "mapped word in dates", line("visits", 2, "KEYPAT01;heute;i.m.;75"), rules={"date_format": 1}, secrets=["heute"]
    ),
    case(
        "mapped ISO date where the mapping says otherwise",
        line("visits", 2, "KEYPAT01;2031-03-11;i.m.;75"),
        rules={"date_format": 1},
    ),
    case("mapped 30 February", line("visits", 2, "KEYPAT01;30.02.2031;i.m.;75"), rules={"impossible_date": 1}),
    case("mapped month and day swapped", line("visits", 2, "KEYPAT01;03.17.2031;i.m.;75"), rules={"date": 1}),
    case(
        "mapped decimal point where the mapping says comma",
        line("visits", 2, "KEYPAT01;11.03.2031;i.m.;7.5377"),
        rules={"decimal": 1},
        secrets=["7.5377", "7,5377"],
    ),
    case(
        "mapped thousands separator",
        line("visits", 2, "KEYPAT01;11.03.2031;i.m.;1.077,5"),
        rules={"decimal": 1},
        secrets=["1.077", "1077"],
    ),
    case(
        "mapped unit in a number",
        line("visits", 2, "KEYPAT01;11.03.2031;i.m.;6077 mg"),
        rules={"decimal": 1},
        secrets=["6077"],
    ),
    case(
        "mapped dose too large",
        line("visits", 2, "KEYPAT01;11.03.2031;i.m.;60779"),
        rules={"range": 1},
        secrets=["60779"],
    ),
    case("mapped duplicate visit", more("visits", VISITS[2]), rules={"repeated_row": 1}),
    case("mapped duplicate patient", more("people", PEOPLE[2]), rules={"unique": 2}),
    case("mapped unknown patient", more("visits", "KEYPAT09;11.03.2031;i.m.;75"), rules={"link": 1}),
    case(
        "mapped incomplete items",
        line("answers", 1, "KEYPAT01;01.03.2031;2;2;2;2;;2;2;1;1;"),
        rules={"items_complete": 1},
    ),
    case(
        "mapped total differs from items",
        line("answers", 1, "KEYPAT01;01.03.2031;2;2;2;2;2;2;2;1;1;19"),
        rules={"total_equals_items": 1},
    ),
    case(
        "mapped items coded from 1",
        line("answers", 1, "KEYPAT01;01.03.2031;4;4;4;4;4;4;4;4;4;"),
        rules={"item_range": 9},
    ),
    case(
        "mapped answers as labels",
        line("answers", 1, "KEYPAT01;01.03.2031;nie;nie;nie;nie;nie;nie;nie;nie;nie;"),
        rules={"integer": 9},
        secrets=["nie;"],
    ),
    case("mapped row without a score", more("answers", "KEYPAT02;07.04.2031;;;;;;;;;;"), code=0, rules={"no_score": 1}),
    case("mapped row without anything", more("answers", ";;;;;;;;;;;"), code=0, rules={"empty_row": 1}),
    case(
        "mapped two scores of a day", more("answers", "KEYPAT01;01.03.2031;;;;;;;;;;11"), rules={"one_score_a_day": 1}
    ),
    case(
        "mapped e-mail address in a column that is left out",
        files(
            lambda lines: lines.update(
                people=[PEOPLE[0] + ";Kontakt", PEOPLE[1] + ";canary@example.org", PEOPLE[2] + ";"]
            )
        ),
        3,
        rules={"value_email": 1},
    ),
    case(
        "mapped column of names that is left out",
        files(
            lambda lines: lines.update(people=[PEOPLE[0] + ";last_name", PEOPLE[1] + ";CANARYNAME", PEOPLE[2] + ";"])
        ),
        3,
        rules={"column_name_person": None},
    ),
    case(
        "mapped age above 89 under another name",
        line("people", 2, "KEYPAT02;CANARYSITE;93;m"),
        3,
        rules={"value_age_above_89": 1},
    ),
)

MAPPINGS = (
    stops("mapping is no TOML", mapped("[file.columns]", "[file.columns"), "not readable as TOML"),
    stops("mapping of an unknown format", mapped('"tables"', '"spss"'), "format: must be one of"),
    stops("mapping without a version", mapped('schema_version = "1.0"\n', ""), "schema_version: is missing"),
    stops(
        "mapping in latin-1",
        raw("mapping.toml", MAPPING.replace("Praxis", "Präxis").encode("latin-1")),
        "must be UTF-8",
    ),
    stops("mapping of an unknown table", mapped('table = "patients"', 'table = "clients"'), "table: must be one of"),
    stops(
        "mapping with an unknown key",
        mapped('separator = ";"', 'separator = ";"\ncolour = "red"'),
        "colour: is not a key",
    ),
    stops("mapping to a column that does not exist", mapped('"age_years"', '"age"'), "'age' is no column"),
    stops(
        "mapping of two columns to one",
        mapped('Alter = "age_years"', 'Alter = "site"'),
        "'site' is filled by two columns",
    ),
    stops(
        "mapping of a column that the file lacks",
        mapped("Alter =", "Lebensalter ="),
        "rule missing_column",
        "'Lebensalter'",
    ),
    stops("mapping without a patient", mapped('Kennung = "patient_id"', ""), "'patient_id'"),
    stops(
        "mapping of a separator that is none",
        mapped('separator = ";"', 'separator = "::"'),
        "separator: must be one of",
    ),
    stops(
        "mapping of an encoding that is none",
        mapped('separator = ";"', 'encoding = "ebcdic"'),
        "encoding: must be one of",
    ),
    stops("mapping of a date format without a year", mapped('"%d.%m.%Y"', '"%d.%m."'), "date_format: must name"),
    stops(
        "mapping of a date format with an unknown directive",
        mapped('"%d.%m.%Y"', '"%d.%m.%Q"'),
        "date_format: holds a directive",
    ),
    stops("mapping of an unknown instrument", mapped('"PHQ-9"', '"PHQ-77"'), "instrument: no instrument"),
    stops("mapping of an ambiguous instrument", mapped('"PHQ-9"', '"PCL"'), "instrument: which scale"),
    stops(
        "mapping of the wrong number of items",
        mapped('items = "F{item}"', 'items = ["F1", "F2"]'),
        "has 9 items; here are 2",
    ),
    stops(
        "mapping of values to a column that is not filled",
        mapped("[file.values.route]", "[file.values.format]"),
        "is filled by no column",
    ),
    stops(
        "mapping that uses and leaves out a column",
        mapped('separator = ";"', 'separator = ";"\nleave_out = ["Alter"]'),
        "is used and left out",
    ),
    stops("mapping of a path", mapped('"people.csv"', '"../people.csv"'), "without a path"),
    stops(
        "mapping without sessions",
        mapped(
            MAPPING[MAPPING.index('[[file]]\nname = "visits.csv"') : MAPPING.index('[[file]]\nname = "answers.csv"')],
            "",
        ),
        "rule missing_table",
    ),
    stops(
        "mapping of a score without a day",
        mapped('Datum = "date"\n\n[[file.score]]', "\n[[file.score]]"),
        "nothing says on which day",
    ),
)

WORKBOOKS = (
    stops("workbook error cell", workbook(error_cell), "rule error_cell", "row 2"),
    stops(
        "workbook formula without a result",
        workbook(lambda book: book.active.__setitem__("D3", "=70+5")),
        "rule formula",
        "row 2",
    ),
    stops("workbook merged cells", workbook(lambda book: book.active.merge_cells("A2:A3")), "rule merged_cells"),
    stops("workbook cut off", workbook(cut=lambda content: content[: len(content) // 2]), "rule workbook"),
    stops("workbook of nothing", workbook(cut=lambda _: b""), "rule workbook"),
    stops(
        "workbook protected by a password",
        workbook(cut=lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + b"CANARY" * 700),
        "rule workbook",
    ),
    stops(
        "workbook without its sheet",
        workbook(cut=lambda content: without_part(content, "xl/worksheets/sheet1.xml")),
        "rule workbook",
    ),
    stops(
        "workbook with two sheets", workbook(lambda book: book.create_sheet("CANARYSHEET")), "rule sheet", "2 sheets"
    ),
    stops("workbook with a title row", workbook(lambda book: book.active.insert_rows(1)), "rule header"),
    stops("workbook empty", workbook(lambda book: book.active.delete_rows(1, 9)), "rule header"),
    stops(
        "workbook repeated header row",
        workbook(lambda book: book.active.append(VISITS[0].split(";"))),
        "rule repeated_header",
        "row 4",
    ),
    stops("text file called xlsx", workbook(cut=lambda _: "\n".join(VISITS).encode()), "rule workbook"),
)

CASES: tuple[dict[str, Any], ...] = (*FILES, *CELLS, *MAPPINGS, *WORKBOOKS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"\W+", "_", case["id"]))
def test_broken_mapped_files(case: dict[str, Any], broken: Callable[[dict[str, Any]], Any]) -> None:
    broken(case)


def test_the_sound_files_are_sound(tmp_path: Path) -> None:
    from katoutcomes.registry.reading import read_registry

    write(tmp_path, base())
    registry = read_registry(tmp_path)
    assert [(file.rows_in, file.rows_rejected) for file in registry.load_report.source_files] == [
        (2, 0),
        (3, 0),
        (3, 0),
    ]
    registry.close()
