"""The stages stay in the SQL subset that means the same on DuckDB and on Spark, checked without a Spark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import katoutcomes.cohorts
from katoutcomes.registry.engines.stage_texts import stage_text

FOLDER = Path(katoutcomes.cohorts.__file__).parent / "sql"
STAGES = sorted(path.stem for path in FOLDER.glob("*.sql"))
NUMBERS = {
    "gap_days": 90,
    "first_day": -14,
    "last_day": 98,
    "target_day": 84,
    "value": 0.5,
    "met_if_below": 0,
    "met_if_equal": 1,
    "met_if_above": 1,
    "question": 2,
    "course": 1,
    "largest_gap_days": 14,
    "most_doses": 8,
    "reinduction_doses": 3,
    "reinduction_days": 21,
    "number": 6,
    "patient": 1,
    "times_induction_doses": 0,
}
ALLOWED_FUNCTIONS = (
    exp.And,
    exp.Or,
    exp.Case,
    exp.If,  # a branch of case, as the parser calls it
    exp.Coalesce,
    exp.Cast,
    exp.Abs,
    exp.Min,
    exp.Max,
    exp.ArgMin,
    exp.ArgMax,
    exp.Sum,
    exp.Count,
    exp.RowNumber,
    exp.Lag,
    exp.Lead,
    exp.Floor,
    exp.Substring,  # the first letter is 1 in both engines
)


def filled(stage):
    text = (FOLDER / f"{stage}.sql").read_text(encoding="utf-8")
    names = set(re.findall(r"\{\{([a-z_]+)\}\}", text))
    return stage_text("katoutcomes.cohorts", stage, **{name: NUMBERS.get(name, "a_table") for name in names})


def test_there_are_stages():
    assert len(STAGES) >= 30


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_begins_with_a_sentence_on_what_it_makes(stage):
    first = (FOLDER / f"{stage}.sql").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("-- ")
    assert len(first) > 20


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_reads_the_same_for_duckdb_and_spark(stage):
    (for_duckdb,) = sqlglot.parse(filled(stage), read="duckdb")
    (for_spark,) = sqlglot.parse(filled(stage), read="spark")
    assert for_duckdb.sql("spark") == for_spark.sql("spark")


@pytest.mark.parametrize("stage", STAGES)
def test_only_functions_that_mean_the_same_are_used(stage):
    tree = sqlglot.parse_one(filled(stage), read="duckdb")
    used = {type(function) for function in tree.find_all(exp.Func)}
    assert not used - set(ALLOWED_FUNCTIONS)
    assert not list(tree.find_all(exp.Qualify, exp.Div, exp.TryCast))
    assert all(cast.to.this == exp.DataType.Type.BIGINT for cast in tree.find_all(exp.Cast))


@pytest.mark.parametrize("stage", STAGES)
def test_every_order_puts_unknown_values_last_and_every_sum_is_a_bigint(stage):
    tree = sqlglot.parse_one(filled(stage), read="duckdb")
    n_ordered = len(list(tree.find_all(exp.Ordered)))
    assert len(re.findall(r"nulls last", filled(stage))) == n_ordered
    for total in tree.find_all(exp.Sum):
        outer = total.parent.parent if isinstance(total.parent, exp.Window) else total.parent
        assert isinstance(outer, exp.Cast)
