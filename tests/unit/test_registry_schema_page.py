"""The schema as data and the schema page say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from katoutcomes.registry.checking.cells import PATTERNS, cell_checks
from katoutcomes.registry.tables import COLUMN_KINDS, TABLES, TableSchema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "schema.md"


def page_rows(table: str) -> dict[str, tuple[str, str, str]]:
    """Return type, rule and required of each column that the page lists for a table."""
    section = re.split(r"\n## ", PAGE.read_text(encoding="utf-8"))
    text = next(part for part in section if part.splitlines()[0].strip() == table)
    rows = {}
    for line in text.splitlines():
        if not line.startswith("| `"):
            continue
        names, kind, rule, required = (cell.strip() for cell in line.strip("|").split("|"))
        for name in re.findall(r"`([^`]+)`", names):
            rows[name] = (kind, rule, required)
    return rows


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.name)
def test_the_page_lists_every_column(schema: TableSchema) -> None:
    families = {"eligible_*": "eligible_x", "covariate_*": "covariate_x", "item_1": "item_1", "item_2": "item_2"}
    listed = page_rows(schema.name)
    fixed = {name for name in listed if name not in families}
    assert {column.name for column in schema.columns} == fixed
    for name in set(listed) - fixed:
        assert schema.column(families[name]) is not None


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.name)
def test_the_page_lists_codes_ranges_and_what_is_required(schema: TableSchema) -> None:
    for name, (_, rule, required) in page_rows(schema.name).items():
        column = next((column for column in schema.columns if column.name == name), None)
        if column is None or column.kind in ("day", "date", "time"):
            continue
        assert column.is_required == (required == "yes"), name
        assert all(f"`{code}`" in rule for code in column.codes), name
        if column.low is not None and column.high is not None:
            numbers = [float(number) for number in re.findall(r"\d+", rule)]
            assert numbers[:2] == [column.low, column.high], name
            assert column.low_is_open == ("above 0" in rule), name
        assert column.is_dosing_only == ("dosing only" in rule), name


def test_every_kind_of_column_is_checked() -> None:
    kinds = {column.kind for schema in TABLES for column in schema.columns}
    kinds |= {family.kind for schema in TABLES for family in schema.families}
    assert kinds == set(COLUMN_KINDS)
    assert set(PATTERNS) <= kinds
    for schema in TABLES:
        for column in schema.columns:
            assert cell_checks(column)


@pytest.mark.parametrize(
    ("name", "is_known"),
    [("item_1", True), ("item_99", True), ("item_0", False), ("item_01", False), ("item_100", False), ("Item_1", False),
     ("item_", False), ("total", True), ("x", False)],
)  # fmt: skip
def test_families(name: str, is_known: bool) -> None:
    scores = next(schema for schema in TABLES if schema.name == "scores")
    assert (scores.column(name) is not None) == is_known


def test_family_columns_come_in_their_own_order() -> None:
    patients, _, scores, _ = TABLES
    names = ("item_10", "item_2", "covariate_b", "item_1", "eligible_z", "covariate_a", "eligible_a")
    assert [column.name for column in scores.family_columns(names)] == ["item_1", "item_2", "item_10"]
    assert [column.name for column in patients.family_columns(names)] == [
        "eligible_a",
        "eligible_z",
        "covariate_a",
        "covariate_b",
    ]
