"""Every SQL stage means the same on DuckDB and on Spark. Stages named ``load_*`` are exempt: they read text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import katoutcomes

SOURCE = Path(katoutcomes.__file__).parent
STAGES = sorted(path for path in SOURCE.glob("**/sql/*.sql") if not path.name.startswith("load_"))

FUNCTIONS = {
    "and", "or", "case", "if", "coalesce", "cast", "floor", "abs", "min", "max", "min_by", "max_by", "sum", "count",
    "row_number", "lag", "lead", "exists", "arg_min", "arg_max", "substring",
}  # fmt: skip
"""Functions that both engines give one meaning; sqlglot reads min_by as arg_min, and a branch of case as if."""
TYPES = {"INT", "BIGINT", "DOUBLE"}


def filled(text: str) -> str:
    """Put an identifier in the place of every placeholder; it can stand wherever a number can."""
    return re.sub(r"\{\{([a-z_]+)\}\}", r"\1", text)


def complaints(text: str) -> list[str]:
    """Say where a query might mean something else on Spark."""
    query = filled(text)
    tree = sqlglot.parse_one(query, read="duckdb")
    found = []
    if tree.sql("spark") != sqlglot.parse_one(query, read="spark").sql("spark"):
        found.append("the two dialects read it differently")
    found += [f"function {name}" for name in sorted(function_names(tree) - FUNCTIONS)]
    found += [f"type {cast.to.sql()}" for cast in tree.find_all(exp.Cast) if cast.to.sql() not in TYPES]
    found += ["try_cast"] * bool(list(tree.find_all(exp.TryCast)))
    # DuckDB's own defaults are nulls last, Spark's nulls first, and a parse tree no longer tells what was written.
    ordered = len(list(tree.find_all(exp.Ordered)))
    written = len(re.findall(r"nulls\s+last", query, flags=re.IGNORECASE))
    found += ["order by without nulls last"] * (ordered != written)
    found += ["sum that is not cast to bigint"] * any(not _is_cast_sum(node) for node in tree.find_all(exp.Sum))
    found += ["date"] * bool(list(tree.find_all(exp.CurrentDate, exp.DateSub, exp.DateAdd, exp.Interval)))
    found += ["division"] * any(not isinstance(node.parent, exp.Floor) for node in tree.find_all(exp.Div))
    return found


def _is_cast_sum(node: exp.Expression) -> bool:
    """Return whether a sum, or the window it is taken over, stands in a cast: DuckDB would make it a wider integer."""
    above = node.parent.parent if isinstance(node.parent, exp.Window) else node.parent
    return isinstance(above, exp.Cast) and above.to.sql() == "BIGINT"


def function_names(tree: exp.Expression) -> set[str]:
    names = set()
    for node in tree.find_all(exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        names.add(name.casefold())
    return names


def test_there_are_stages() -> None:
    rooms = {path.parents[1].name for path in STAGES}
    assert {"registry", "cohorts"} <= rooms


@pytest.mark.parametrize("path", STAGES, ids=lambda path: f"{path.parents[1].name}/{path.name}")
def test_a_stage_is_portable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert complaints(text) == []
    assert text.startswith("-- "), "a stage begins by saying what it makes"


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("select row_number() over (order by a) as n from t", "order by without nulls last"),
        ("select a from t order by a, b nulls last", "order by without nulls last"),
        ("select try_cast(a as int) as a from t", "try_cast"),
        ("select cast(a as date) as a from t", "type DATE"),
        ("select cast(a as varchar) as a from t", "type TEXT"),
        ("select round(a) as a from t", "function round"),
        ("select concat(a, b) as a from t", "function concat"),
        ("select a / b as a from t", "division"),
        ("select sum(a) as a from t", "sum that is not cast to bigint"),
        ("select cast(sum(a) as int) as a from t", "sum that is not cast to bigint"),
        ("select sum(a) over (partition by b) as a from t", "sum that is not cast to bigint"),
        ("select a + interval 1 day as a from t", "date"),
        ("select try_cast(a as bigint) as a from t", "try_cast"),
        ("select quantile_cont(a, 0.5) as a from t", "function percentile_cont"),
        ("select a // b as a from t", "the two dialects read it differently"),
        ("select list(a) as a from t", "function array_agg"),
        ("select current_date as a from t", "function current_date"),
        ("select hash(a) as a from t", "function hash"),
    ],
)
def test_the_lint_finds_what_it_should(query: str, complaint: str) -> None:
    try:
        found = complaints(query)
    except sqlglot.errors.ParseError:
        found = ["the two dialects read it differently"]
    assert complaint in found


@pytest.mark.parametrize(
    "query",
    [
        "select a from t order by a nulls last",
        "select cast(floor(a / 4) as int) as a from t",
        "select cast(sum(a) as bigint) as a from t",
        "select cast(sum(a) over (partition by b order by c nulls last) as bigint) as a from t",
    ],
)
def test_the_lint_lets_pass_what_is_portable(query: str) -> None:
    assert complaints(query) == []
