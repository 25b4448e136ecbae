"""The plan of a study on a synthetic clinic: everything it names is answered, released and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import katoutcomes as kat
from katoutcomes.cli.main import main
from katoutcomes.plans.plan import DEFAULT_PLAN, STUDY_PLAN, plan_text
from katoutcomes.report.content import ReportContent, report_content


@pytest.fixture(scope="module")
def content() -> ReportContent:
    plan = kat.AnalysisPlan.study()
    fast = tuple(
        replace(one, options={**one.options, "n_bootstrap": 100}) if one.name == "compare_cohorts" else one
        for one in plan.analyses
    )
    registry = kat.simulate_registry(seed=20260930, n_patients=300)
    results = kat.run(replace(plan, instruments=("PHQ-9",), analyses=fast), registry)
    assert results.notes == ()
    return report_content(results.release())


def test_everything_the_plan_names_has_its_section(content: ReportContent) -> None:
    ids = [section.id for section in content.sections]
    of_analyses = [one for one in ids if one.startswith("limits-")]
    place = ids.index("limits") + 1
    assert ids[place : place + len(of_analyses)] == of_analyses == [f"limits-{n}" for n in range(1, 11)]
    assert [one for one in ids if one not in of_analyses] == [
        "flow",
        "description",
        "phq9-change",
        "phq9-clinical-significance",
        "phq9-mmrm",
        "cohorts",
        "phq9-comparison",
        "safety",
        "care-pathway",
        "losses",
        "phq9-dropout",
        "data-quality",
        "methods",
        "provenance",
        "limits",
        "cannot-say",
    ]
    for section in content.sections[2:4] + content.sections[6:9]:
        assert section.question
        assert section.tables
        assert section.figures


def test_no_two_tables_or_figures_share_a_file(content: ReportContent) -> None:
    for things in (content.tables(), content.figures()):
        names = [thing.name for thing in things]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(("option", "name"), [([], DEFAULT_PLAN), (["--study"], STUDY_PLAN)])
def test_the_command_gives_a_plan_that_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str], name: str
) -> None:
    assert main(["plan", *option]) == 0
    assert capsys.readouterr().out == plan_text(name)
    path = tmp_path / "plan.toml"
    assert main(["plan", *option, "--out", str(path)]) == 0
    assert main(["plan", "--check", str(path)]) == 0
    assert "change_from_baseline" in capsys.readouterr().out
    assert main(["plan", "--out", str(path)]) == 1
    path.write_text(plan_text(name).replace("gap_days", "gap_day"), encoding="utf-8")
    assert main(["plan", "--check", str(path)]) == 1
    assert "Did you mean 'gap_days'?" in capsys.readouterr().err
