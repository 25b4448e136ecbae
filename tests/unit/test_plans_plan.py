"""The plan: a document that is read strictly."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import katoutcomes as kat
from katoutcomes.plans.gates import NO_GATES
from katoutcomes.plans.plan import DEFAULT_PLAN, STUDY_PLAN, plan_text
from katoutcomes.plans.plan_file import plan_from_mapping
from katoutcomes.plans.planned_analysis import ANALYSES
from katoutcomes.results.run_comparison import TOLERANCES


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


WRONG = [
    ({"schema_version": "9.0"}, "schema_version must be '1.0'"),
    ({"wish": 1}, "unknown key 'wish'"),
    ({"visit": []}, "unknown key 'visit'. Did you mean 'visits'"),
    ({"title": 3}, "title must be a text"),
    ({"conf_level": True}, "conf_level must be a number"),
    ({"instruments": ["PHQ-99"]}, "PHQ-99"),
    ({"instruments": []}, "at least one instrument"),
    ({"conf_level": 95}, "conf_level lies between 0 and 1"),
    ({"seed": -1}, "seed is a whole number of 0 or more"),
    ({"visits": []}, "at least one visit"),
    ({"disclosure": {"minimum": 5}}, "[disclosure] minimum: unknown key 'minimum'. Did you mean 'minimum_cell'"),
    ({"disclosure": {"minimum_cell": 0}}, "[disclosure] minimum_cell: minimum_cell must be"),
    ({"disclosure": {"minimum_cell": 11, "round_to": 0}}, "[disclosure] round_to: round_to must be a whole number of"),
    ({"disclosure": {"minimum_cell": 11, "round_to": -5}}, "[disclosure] round_to: round_to must be a whole number of"),
    ({"disclosure": {"minimum_cell": 11, "round_to": "5"}}, "[disclosure] round_to: round_to must be a whole number."),
    ({"disclosure": {"minimum_cell": 11, "round_to": True}}, "[disclosure] round_to: round_to must be a whole number."),
    ({"disclosure": {"minimum_cell": 11, "round_to": 20}}, "[disclosure] round_to: round_to (20) must not be above"),
    ({"disclosure": {"minimum_cell": 11, "previous": 7}}, "[disclosure] previous: previous must be a text"),
    ({"visits": [{"name": "week 1", "target_day": 7}]}, "missing keys first_day, last_day"),
    ({"cohort": 1}, "cohort must be a table"),
    ({"analyses": {"mmmr": {}}}, "unknown key 'mmmr'. Did you mean 'mmrm'"),
    ({"analyses": {"mmrm": 1}}, "a table is needed, [analyses.mmrm]"),
    ({"analyses": {"mmrm": {"covariance": "unstructurd"}}}, "Did you mean 'unstructured'"),
    ({"analyses": {"mmrm": {"df": "satterthwaite"}}}, "[analyses.mmrm] df: unknown key 'df'"),
    ({"analyses": {"mmrm": {"instruments": ["PCL-6"]}}}, "[analyses.mmrm] instruments: "),
    ({"analyses": {"mmrm": {"instruments": ["QIDS-SR"]}}}, "is no instrument of the plan"),
    ({"analyses": {"safety": {"instruments": ["PHQ-9"]}}}, "unknown key 'instruments'"),
    ({"in_full": ["QIDS-SR"]}, "in_full: QIDS-SR16 is no instrument of the plan"),
    ({"in_full": "PHQ-9"}, "in_full must be a list of texts"),
    ({"analyses": {"safety": {"blood_pressure_limits": [180]}}}, "a list of two numbers"),
    ({"analyses": {"compare_cohorts": {"n_bootstrap": 10.5}}}, "n_bootstrap must be a whole number"),
    (
        {"analyses": {"clinical_significance": {"definition_sets": ["phq9/nhs_talking_therapies_casenes"]}}},
        "Did you mean 'phq9/nhs_talking_therapies_caseness'",
    ),
    (
        {"analyses": {"change_from_baseline": {"margins": ["phq9/nhs_talking_therapies_caseness"]}}},
        "unknown definition set 'phq9/nhs_talking_therapies_caseness'",
    ),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_a_plan_may_not_be(change: dict[str, object], message: str) -> None:
    with pytest.raises(kat.OptionError, match=r"^the plan[,:] ") as problem:
        plan_from_mapping(default_document() | change, "the plan")
    assert message in str(problem.value)


def test_a_missing_key_is_named() -> None:
    document = default_document()
    del document["treatment"]
    with pytest.raises(kat.OptionError, match=r"missing keys treatment"):
        plan_from_mapping(document, "the plan")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("gap_days = 90", "gap_day = 90", "[cohort] gap_day: unknown key 'gap_day'. Did you mean 'gap_days'"),
        ("gap_days = 90", 'gap_days = "90"', "[cohort] gap_days: gap_days must be a whole number"),
        ("gap_days = 90", "gap_days = -1", "[cohort]: "),
        ("first_day = -14", "first_day = -14.5", "[cohort.baseline_window] first_day: first_day must be a whole"),
        ('operator = ">="', 'operator = "=>"', "[cohort.criteria] operator: unknown operator '=>'"),
        ("target_day = 56", "target_day = 20", "[visits]: visit window 'week 8'"),
        ("last_day = 69", 'last_day = "69"', "[visits] last_day: last_day must be a whole number"),
        ('"GAD-7"', '"GAD-77"', "instruments: "),
        ("[analyses.cohort_difference]", "[analyses.cohort_diference]", "Did you mean 'cohort_difference'"),
    ],
)
def test_the_line_of_a_fault_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = plan_text(DEFAULT_PLAN)
    broken = text.replace(before, after, 1)
    assert broken != text
    at = next(number for number, line in enumerate(broken.splitlines(), start=1) if after in line)
    if message.startswith(("[cohort]: ", "[visits]: ")):  # what its values make together is said of the table
        header = "[cohort]" if message.startswith("[cohort]") else "[[visits]]"
        at = max(n for n, line in enumerate(broken.splitlines()[:at], start=1) if line.startswith(header))
    (tmp_path / "plan.toml").write_text(broken, encoding="utf-8")
    with pytest.raises((kat.OptionError, kat.DesignError)) as problem:
        kat.AnalysisPlan.read(tmp_path / "plan.toml")
    assert str(problem.value).startswith(f"plan.toml, line {at}, ")
    assert message in str(problem.value)


def test_a_plan_without_analyses_asks_the_usual_ones() -> None:
    document = default_document()
    del document["analyses"], document["seed"], document["gates"]
    assert plan_from_mapping(document, "the plan") == replace(kat.AnalysisPlan.default(), gates=NO_GATES)


def test_the_plan_of_a_study_asks_for_the_model_and_the_comparison() -> None:
    plan = kat.AnalysisPlan.study()
    assert [analysis.name for analysis in plan.analyses] == [
        "safety",
        "care_pathway",
        "dropout",
        "change_from_baseline",
        "clinical_significance",
        "mmrm",
        "compare_cohorts",
    ]
    assert plan.analyses[-1].instruments == ("PHQ-9",)
    assert plan.analyses[-1].options["n_bootstrap"] == 1000


def test_every_option_is_an_argument_of_its_analysis() -> None:
    for name, options in ANALYSES.items():
        arguments = set(inspect.signature(getattr(kat, name)).parameters)
        assert {"margin" if option == "margins" else option for option in options} <= arguments, name


def test_overlapping_visits_are_refused() -> None:
    document = default_document()
    visit = {"name": "week 5", "target_day": 35, "first_day": 30, "last_day": 40}
    document["visits"] = [*document["visits"], visit]  # type: ignore[misc]
    with pytest.raises(kat.DesignError, match="share day"):
        plan_from_mapping(document, "the plan")


def test_a_file_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(kat.OptionError, match=r"no such plan: 'plan\.toml'\.$"):
        kat.AnalysisPlan.read(tmp_path / "plan.toml")
    (tmp_path / "plans.toml").write_bytes(b"\xff")
    with pytest.raises(kat.OptionError, match=r"no such plan: 'plan\.toml'\. Did you mean 'plans\.toml'\?$"):
        kat.AnalysisPlan.read(tmp_path / "plan.toml")
    with pytest.raises(kat.OptionError, match="cannot be read"):
        kat.AnalysisPlan.read(tmp_path / "plans.toml")
    (tmp_path / "bad.toml").write_text("a = = 1", encoding="utf-8")
    with pytest.raises(kat.OptionError, match="is not TOML"):
        kat.AnalysisPlan.read(tmp_path / "bad.toml")


def test_the_page_lists_every_analysis_with_its_options_and_every_tolerance() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "how_to" / "run_a_plan.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\[analyses\.(\w+)\]` \|[^|]*\|(.*)\|$", page, flags=re.MULTILINE)
    assert {name: set(re.findall(r"`(\w+)`", options)) for name, options in rows} == {
        name: set(options) for name, options in ANALYSES.items()
    }
    assert set(re.findall(r"^\| `([a-z ]+)`(?: \(default\))? \|", page, flags=re.MULTILINE)) == set(TOLERANCES)
    text = plan_text(DEFAULT_PLAN).replace("gap_days", "gap_day")
    with pytest.raises(kat.OptionError) as problem:
        plan_from_mapping(tomllib.loads(text), "plan.toml", text)
    assert str(problem.value).split(" Known: ", maxsplit=1)[0] in page


def test_no_value_of_a_plan_ends_in_another_error() -> None:
    """Every key is given values of every kind: whatever is refused is refused in words."""
    refused = 0
    for content in (default_document(), tomllib.loads(plan_text(STUDY_PLAN))):
        for path in paths_of(content):
            for value in ("text", -1, 10**30, 0.5, float("nan"), True, [], ["x"], {}, {"x": 1}, [{}], [1], [[]]):
                refused += is_refused(with_value(content, path, value))
    assert refused > 800


def paths_of(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from paths_of(value, (*path, key))


def with_value(content: Any, path: tuple[Any, ...], value: object) -> Any:
    changed = deepcopy(content)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def is_refused(content: Any) -> bool:
    try:
        plan_from_mapping(content, "the plan")
    except (kat.OptionError, kat.DesignError):
        return True
    return False
