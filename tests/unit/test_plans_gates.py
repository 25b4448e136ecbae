"""Limits of quality: what a plan may ask, what is held against them, and that no count is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.cli.main import main
from katoutcomes.plans.gates import NO_GATES, Gates, failed_gates, gate_result
from katoutcomes.plans.plan import DEFAULT_PLAN, plan_text

GATES = "[gates]\nleast_paired_completeness = 0.5    # of the primary instrument at the primary visit\n"


def registry(n_wrong: int = 0) -> kat.Registry:
    """Forty patients with a baseline, thirty of them scored again; the first ones have totals out of range."""
    people = [f"P{number:02d}" for number in range(40)]
    sessions = {"session_id": [f"S{one}" for one in people], "patient_id": people, "day": 0, "kind": "dosing"}
    first = pd.DataFrame({"patient_id": people, "day": -1, "instrument": "PHQ-9", "total": 15.0})
    later = pd.DataFrame({"patient_id": people[10:], "day": 84, "instrument": "PHQ-9", "total": 9.0})
    wrong = pd.DataFrame({"patient_id": people[:n_wrong], "day": 30, "instrument": "PHQ-9", "total": 99.0})
    scores = pd.concat([first, later, wrong], ignore_index=True)
    scores["score_id"] = [f"C{row}" for row in range(len(scores))]
    patients = pd.DataFrame({"patient_id": people, "age_years": 40})
    frames = {"patients": patients, "sessions": pd.DataFrame(sessions), "scores": scores}
    return kat.read_registry(frames, is_synthetic=True)


def checks(gates: Gates, found: kat.Registry) -> dict[str, bool]:
    cohort = kat.select_cohort(found)
    change = kat.change_from_baseline(cohort.analysis_set("PHQ-9"))
    result = gate_result(gates, found, [change], "week 12")
    return {check.name: check.passed for check in result.checks}


def test_each_limit_is_held_against_the_run() -> None:
    found = registry(n_wrong=3)
    assert checks(Gates(least_paired_completeness=0.75), found) == {"paired completeness": True}
    assert checks(Gates(least_paired_completeness=0.76), found) == {"paired completeness": False}
    assert checks(Gates(most_rows={"total_range": 3, "item_range": 0}), found) == {
        "item_range": True,
        "total_range": True,
    }
    assert checks(Gates(most_rows={"total_range": 2}), found) == {"total_range": False}
    assert checks(Gates(most_rejected_share=3 / 73), found) == {"rejected rows": True}
    assert checks(Gates(most_rejected_share=0.04), found) == {"rejected rows": False}


def test_a_completeness_that_is_not_there_has_failed() -> None:
    result = gate_result(Gates(least_paired_completeness=0.0), registry(), [], "week 12")
    assert [check.passed for check in result.checks] == [False]


def test_released_limits_tell_no_count_and_no_share() -> None:
    result = gate_result(Gates(0.7, 0.01, {"total_range": 0}), registry(n_wrong=3), [], "week 12")
    released = kat.release(result)
    assert all(check.value != check.value for check in released.checks)
    assert released.estimates == ()
    assert failed_gates([released]) == tuple(check.message for check in released.checks if not check.passed)
    table = released.to_table()
    assert [row[2] for row in table.rows] == ["no", "no", "no"]
    assert ("total range", "at most 0 rows that break the rule total_range", "no") in table.rows


def test_without_limits_there_is_no_such_result() -> None:
    assert NO_GATES.is_empty
    from dataclasses import replace

    plan = replace(kat.AnalysisPlan.default(), instruments=("PHQ-9",), gates=NO_GATES, treatment="")
    assert not kat.run(plan, registry()).has("quality_gates")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("least_paired_completeness = 85", "least_paired_completeness is a share between 0 and 1"),
        ("most_lost = 1", "unknown key 'most_lost'"),
        ('most_rejected_share = "few"', "most_rejected_share must be a number"),
        ("[gates.most_rows]\ntotal_rang = 0", "Did you mean 'total_range'"),
        ("most_rows = {total_range = -1}", "total_range is a whole number of rows, 0 or more"),
        ("most_rows = {total_range = true}", "total_range is a whole number of rows, 0 or more"),
    ],
)
def test_a_wrong_limit_is_named_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    whole = plan_text(DEFAULT_PLAN)
    start, end = whole.index("[gates]"), whole.index("# What is answered")
    path = tmp_path / "plan.toml"
    path.write_text(f"{whole[:start]}[gates]\n{text}\n\n{whole[end:]}", encoding="utf-8")
    with pytest.raises(kat.OptionError, match=r"plan\.toml, line \d+, \[gates") as found:
        kat.AnalysisPlan.read(path)
    assert said in str(found.value)


def small_clinic(folder: Path, limit: str) -> list[str]:
    """Write a clinic and a plan of one instrument with one limit; return the arguments that name them."""
    found = registry(n_wrong=2)
    folder.mkdir()
    for name in ("patients", "sessions", "scores"):
        found.table(name).drop(columns=["patient", "session"], errors="ignore")
    people = [f"P{number:02d}" for number in range(40)]
    pd.DataFrame({"patient_id": people, "age_years": 40}).to_csv(folder / "patients.csv", index=False)
    sessions = pd.DataFrame({"session_id": [f"S{one}" for one in people], "patient_id": people})
    sessions.assign(day=0, kind="dosing").to_csv(folder / "sessions.csv", index=False)
    rows: list[dict[str, Any]] = [
        {"score_id": f"C{day}{one}", "patient_id": one, "day": day, "instrument": "PHQ-9", "total": total}
        for day, total in ((-1, 15), (84, 9))
        for one in people
    ]
    rows[-1]["total"] = 99
    pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
    text = plan_text(DEFAULT_PLAN).replace("[gates.most_rows]\n", f"[gates.most_rows]\n{limit}\n")
    plan = folder.parent / "plan.toml"
    plan.write_text(text.replace('["PHQ-9", "GAD-7", "BDI-II", "HAM-A", "MADRS", "PCL-5"]', '["PHQ-9"]'), "utf-8")
    return ["--data", str(folder), "--plan", str(plan)]


@pytest.mark.parametrize(("limit", "code"), [("total_range = 1", 0), ("total_range = 0", 2)])
def test_the_command_ends_with_2_and_has_written_its_report(
    limit: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = small_clinic(tmp_path / "data", limit)
    assert main(["report", *arguments, "--out", str(tmp_path / "out"), "--quiet"]) == code
    said = capsys.readouterr().err
    assert ("Limit not kept: at most 0 rows that break the rule total_range." in said) == (code == 2)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    told = {gate["name"]: gate["passed"] for gate in summary["gates"]}
    assert told == {"paired completeness": True, "rejected rows": True, "total_range": code == 0}
    assert "Limits of quality" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
