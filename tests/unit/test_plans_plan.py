"""The plan: a document that is read strictly."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import katoutcomes as kat
from katoutcomes.plans.plan import plan_from_mapping


def default_document() -> dict[str, object]:
    text = files("katoutcomes.plans").joinpath("default_plan.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def test_the_default_plan_holds_what_its_file_says() -> None:
    plan = kat.AnalysisPlan.default()
    assert plan.primary_instrument == "PHQ-9"
    assert plan.primary_visit == "week 12"
    assert plan.visits == kat.DEFAULT_VISITS
    assert plan.cohort.baseline_window == kat.BASELINE_WINDOW
    assert plan.cohort.gap_days == 90
    assert plan.disclosure.minimum_cell == 11
    assert plan.treatment == "program_booked"


def test_a_plan_file_is_read(tmp_path: Path) -> None:
    text = files("katoutcomes.plans").joinpath("default_plan.toml").read_text(encoding="utf-8")
    path = tmp_path / "plan.toml"
    path.write_text(text.replace("gap_days = 90", "gap_days = 120"), encoding="utf-8")
    assert kat.AnalysisPlan.read(path).cohort.gap_days == 120


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": "9.0"}, "schema_version must be '1.0'"),
        ({"wish": 1}, "unknown keys .*wish"),
        ({"instruments": ["PHQ-99"]}, "PHQ-99"),
        ({"instruments": []}, "at least one instrument"),
        ({"conf_level": 95}, "conf_level lies between 0 and 1"),
        ({"disclosure": {"minimum": 5}}, "too many or too few"),
        ({"visits": [{"name": "week 1", "target_day": 7}]}, "too many or too few"),
    ],
)
def test_what_a_plan_may_not_be(change: dict[str, object], message: str) -> None:
    with pytest.raises(kat.OptionError, match=message):
        plan_from_mapping(default_document() | change, "the plan")


def test_a_missing_key_is_named() -> None:
    document = default_document()
    del document["treatment"]
    with pytest.raises(kat.OptionError, match=r"missing keys .*treatment"):
        plan_from_mapping(document, "the plan")


def test_overlapping_visits_are_refused() -> None:
    document = default_document()
    visit = {"name": "week 5", "target_day": 35, "first_day": 30, "last_day": 40}
    document["visits"] = [*document["visits"], visit]  # type: ignore[misc]
    with pytest.raises(kat.DesignError, match="share day"):
        plan_from_mapping(document, "the plan")


def test_a_file_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(kat.OptionError, match="cannot be read"):
        kat.AnalysisPlan.read(tmp_path / "plan.toml")
    (tmp_path / "bad.toml").write_text("a = = 1", encoding="utf-8")
    with pytest.raises(kat.OptionError, match="is not TOML"):
        kat.AnalysisPlan.read(tmp_path / "bad.toml")
