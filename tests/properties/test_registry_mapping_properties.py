"""A mapped registry does not depend on how its rows lie in files, and no bytes make the reader crash."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from katoutcomes.errors import KatOutcomesError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.draft import draft_mapping
from katoutcomes.registry.mapping.mapping_file import parse_mapping
from katoutcomes.registry.readers.mapped_tables.date_formats import DIRECTIVES, MomentForm, moment_form
from katoutcomes.registry.readers.mapped_tables.section_reader import read_sections
from katoutcomes.registry.readers.raw_tables import FileDialect, read_raw
from katoutcomes.registry.reading import read_registry

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "mapped"
FEW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(FEW, max_examples=12)
"""For the slow tests."""
FILES = ("Patienten.csv", "Sitzungen.csv", "Fragebogen.csv")


def written(folder: Path, *, seed: int, n_parts: int) -> Path:
    """Write the German export with its rows and columns shuffled, each file split into parts."""
    chance = random.Random(seed)  # noqa: S311 - to shuffle rows
    mapping = (FIXTURES / "german_practice" / "mapping.toml").read_text(encoding="utf-8")
    for name in FILES:
        frame = pd.read_csv(
            FIXTURES / "german_practice" / name, sep=";", dtype=str, encoding="latin-1", keep_default_na=False
        )
        columns = list(frame.columns)
        chance.shuffle(columns)
        order = list(range(len(frame)))
        chance.shuffle(order)
        shuffled = frame[columns].iloc[order]
        parts = [shuffled.iloc[part::n_parts] for part in range(n_parts)]
        names = [f"{part}_{name}" for part in range(n_parts)]
        for part, part_name in zip(parts, names, strict=True):
            part.to_csv(folder / part_name, sep=";", index=False, encoding="latin-1")
        listed = ", ".join(f'"{part_name}"' for part_name in names)
        mapping = mapping.replace(f'name = "{name}"', f"names = [{listed}]")
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def digest() -> str:
    registry = read_registry(FIXTURES / "german_practice")
    registry.close()
    return registry.digest


@FEW
@given(seed=st.integers(0, 10_000), n_parts=st.integers(1, 3))
def test_order_and_splitting_change_nothing(digest: str, seed: int, n_parts: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        registry = read_registry(written(Path(folder), seed=seed, n_parts=n_parts))
        assert registry.digest == digest
        assert sum(file.rows_in for file in registry.load_report.source_files) == 8 + 24 + 40
        assert sum(file.rows_rejected for file in registry.load_report.source_files) == 1
        registry.close()


test_many_orders_and_splittings_change_nothing = pytest.mark.slow(
    MANY(
        given(seed=st.integers(0, 10_000), n_parts=st.integers(1, 3))(
            test_order_and_splitting_change_nothing.hypothesis.inner_test
        )
    )
)


SCRAPS = st.lists(
    st.sampled_from(
        [b"a", b"b;c", b'"', b"\n", b"\r\n", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe4", b",", b"\t", b"1", b" "]
    )
    | st.binary(max_size=6),
    max_size=40,
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(content=SCRAPS, encoding=st.sampled_from(["utf-8", "latin-1", "cp1252", "utf-16"]), skip=st.integers(0, 2))
def test_any_bytes_are_a_table_or_have_faults(content: bytes, encoding: str, skip: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Engine() as engine:
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        raw = read_raw(engine, path, "raw", dialect=FileDialect(encoding=encoding, separator=";", skip_rows=skip))
        if not raw.faults:
            assert engine.scalar("select count(*) from raw") == raw.n_rows
            assert len(engine.columns("raw")) == 1 + len(raw.columns)


@settings(max_examples=60, deadline=None)
@given(content=SCRAPS, name=st.sampled_from(["a.csv", "a.xlsx", "a.parquet", "a.ods", "a.xls"]))
def test_drafting_never_crashes_and_its_draft_is_a_mapping(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        text = draft_mapping(folder, format_name="tables")
        problem = ""
        try:
            read_sections(parse_mapping(text, "draft.toml"))
        except KatOutcomesError as error:
            problem = str(error)
        # A folder without a table, or without a column that names the patient, is drafted with a comment that says so.
        assert not problem or "[[file]] section" in problem or "patient_id" in problem


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 5000), change=st.integers(0, 255), place=st.integers(0, 5000))
def test_damaged_workbooks_never_crash(workbook: bytes, cut: int, change: int, place: int) -> None:
    content = bytearray(workbook)
    content[place % len(content)] = change
    with tempfile.TemporaryDirectory() as folder, Engine() as engine:
        path = Path(folder) / "a.xlsx"
        path.write_bytes(bytes(content[: max(len(content) - cut, 0)]) if cut % 2 else bytes(content))
        raw = read_raw(engine, path, "raw")
        assert raw.faults or engine.scalar("select count(*) from raw") == raw.n_rows


@pytest.fixture(scope="module")
def workbook() -> bytes:
    import io

    from openpyxl import Workbook

    book = Workbook()
    for row in range(20):
        book.active.append([f"name {row}", row, row / 7])
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.sampled_from([*DIRECTIVES, "-", ".", " ", "/", "T", "(", "["]), max_size=8),
    cell=st.text(max_size=12),
)
def test_any_date_format_is_a_form_or_a_problem(parts: list[str], cell: str) -> None:
    form = moment_form("".join(parts))
    if isinstance(form, MomentForm):
        assert form.has_date or form.has_time
        form.read(cell)
    else:
        assert form.endswith(".")


@given(moment=st.datetimes(min_value=pd.Timestamp("1900-01-01"), max_value=pd.Timestamp("2099-12-31")))
@pytest.mark.parametrize(
    "text", ["%Y-%m-%d %H:%M", "%d.%m.%Y, %H:%M", "%m/%d/%Y %I:%M %p", "%d %b %Y %H:%M:%S", "%B %d, %Y %H:%M"]
)
def test_dates_that_python_writes_are_read_back(text: str, moment: pd.Timestamp) -> None:
    form = moment_form(text)
    assert isinstance(form, MomentForm)
    read = form.read(moment.strftime(text))
    assert read is not None
    assert (read.date, read.time) == (moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M"))
