"""Comparing two runs: what is planted is found, nothing else is, and each tolerance lets pass what it names."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.cli.main import main
from katoutcomes.errors import OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.collection import Results
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result
from katoutcomes.results.run_comparison import TOLERANCES, compare_runs


def estimate(term: str, value: float, **words: Any) -> Estimate:
    return Estimate(term=term, measure="mean", unit="points", estimate=value, n_patients=40, **words)


def entry(**fields: Any) -> Result:
    given: dict[str, Any] = {
        "analysis": "describe",
        "title": "Made up",
        "estimand": Estimand("e", "patients", "", "", Endpoint("PHQ-9", "week 12", "score"), "as observed", "mean"),
        "method": Method("counting", "Somebody counted.", ("A source.",)),
        "estimates": (estimate("change", -6.25), estimate("change", -3.0, visit="week 4"), estimate("none", math.nan)),
        "parts": (Part("stages", ("step", "n_patients"), (("all", 60), ("scored", 40))),),
        "checks": (Check("patients", True, "caution", 40.0, 30.0, "Enough patients."),),
        "warnings": ("A warning.",),
        "provenance": Provenance("frame", "ab" * 32, (("gap_days", "90"),), software=(("katoutcomes", "0"),)),
    }
    return Result(**(given | fields))


def run(*entries: Result, **fields: Any) -> Results:
    return Results(**({"title": "A run", "entries": entries or (entry(),), "notes": ("A note.",)} | fields))


def told(first: Results, second: Results, tolerance: str = "last digits") -> list[str]:
    return [str(difference) for difference in compare_runs(first, second, tolerance=tolerance).differences]


def test_a_run_is_the_same_as_itself() -> None:
    found = compare_runs(run(), run(), tolerance="none")
    assert found.is_same
    # title and note; head, assumption-free texts (warning, source), check, three estimates, two rows
    assert found.n_compared == 11
    assert found.to_text() == "The runs are the same; 11 items compared (tolerance: none)."


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"estimates": (estimate("change", -6.0), *entry().estimates[1:])}, "estimate -6.25 -> -6.0"),
        ({"estimates": (*entry().estimates[:2], estimate("none", 0.0))}, "none, mean, points: estimate nothing -> 0.0"),
        ({"estimates": entry().estimates[1:]}, "change, mean, points: vanished"),
        ({"estimates": (*entry().estimates, estimate("change", 1.0, visit="week 8"))}, "week 8: appeared"),
        ({"estimates": (*entry().estimates, entry().estimates[0])}, "(number 2): appeared"),
        ({"parts": (Part("stages", ("step", "n_patients"), (("all", 60), ("scored", 41))),)}, "n_patients 40 -> 41"),
        ({"checks": (replace(entry().checks[0], message="Few."),)}, "message 'Enough patients.' -> 'Few.'"),
        ({"warnings": ()}, "warning, A warning.: vanished"),
        ({"title": "Other"}, "title 'Made up' -> 'Other'"),
        ({"method": Method("weighing", "Somebody counted.", ("A source.",))}, "method 'counting' -> 'weighing'"),
    ],
)
def test_what_is_planted_is_found_and_nothing_else(changed: dict[str, Any], expected: str) -> None:
    found = told(run(), run(entry(**changed)))
    assert len(found) == 1
    assert found[0].startswith("PHQ-9, describe: ")
    assert found[0].endswith(expected)


def test_a_verdict_that_turns_is_a_difference_of_its_own() -> None:
    found = told(run(), run(entry(checks=(replace(entry().checks[0], passed=False),))))
    assert found == [
        "PHQ-9, describe: result: verdict 'report' -> 'with caution'",
        "PHQ-9, describe: check patients: passed True -> False",
    ]


def test_a_result_more_and_another_note() -> None:
    second = run(entry(), entry(analysis="further", estimates=(), parts=(), checks=(), warnings=()), notes=())
    assert told(run(), second) == [
        "the run: text note, A note.: vanished",
        "PHQ-9, further: result: appeared",
        "PHQ-9, further: text source, A source.: appeared",
    ]


def test_estimates_in_another_order_are_the_same() -> None:
    assert told(run(), run(entry(estimates=entry().estimates[::-1]))) == []


@pytest.mark.parametrize(
    ("moved", "passes"),
    [
        (-6.25 * (1 + 1e-15), {"last digits", "iterative fit", "as printed"}),
        (-6.25 * (1 + 1e-7), {"iterative fit", "as printed"}),
        (-6.2531, {"as printed"}),
        (-6.35, set()),
    ],
)
def test_each_tolerance_lets_pass_what_it_names(moved: float, passes: set[str]) -> None:
    second = run(entry(estimates=(estimate("change", moved), *entry().estimates[1:])))
    assert {name for name in TOLERANCES if compare_runs(run(), second, tolerance=name).is_same} == passes


def test_other_data_and_software_are_behind_the_numbers() -> None:
    other = Provenance("frame", "cd" * 32, (("gap_days", "60"),), software=(("katoutcomes", "1"),))
    found = compare_runs(run(), run(entry(provenance=other)))
    assert found.is_same
    assert [(one.key.kind, one.key.words, one.what) for one in found.background] == [
        ("data", ("digest",), "changed"),
        ("setting", ("gap_days",), "changed"),
        ("software", ("katoutcomes",), "changed"),
    ]
    assert "gap_days: value '90' -> '60'" in found.to_text()


def test_only_what_is_released_may_leave() -> None:
    other = run(entry(title="Other"))
    assert compare_runs(run(), other).to_text().endswith("Not for release: small cells are not suppressed.")
    released = compare_runs(run().release(), other.release())
    assert "Not for release" not in released.to_text()
    with pytest.raises(OptionError, match="one of the runs is released"):
        compare_runs(run(), run().release())


def test_the_command_ends_with_0_for_the_same_and_2_for_a_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = str(run().write(tmp_path / "a.json")), str(run(entry(title="Other")).write(tmp_path / "b.json"))
    assert main(["compare", one, one]) == 0
    assert main(["compare", one, other]) == 2
    assert "1 changed, 0 appeared, 0 vanished" in capsys.readouterr().out
    assert main(["compare", one, other, "--quiet"]) == 2
    assert capsys.readouterr().out == ""
    assert main(["compare", one, other, "--tolerance", "some"]) == 1
    assert main(["compare", one, str(tmp_path / "c.json")]) == 1
    assert "there is no such file: 'c.json'" in capsys.readouterr().err
