"""Which instruments a report tells in full, and the table of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.errors import OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.report.other_instruments import brief_reasons, brief_sentences, told_in_full
from katoutcomes.results.check import Check
from katoutcomes.results.collection import Results
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, ReleasedResult
from katoutcomes.tables.instruments_in_brief import instruments_in_brief

LOST = Check("completeness", False, "caution", 0.5, 0.7, "Many were not scored again.")
NEVER = Check("patients", False, "withhold", 3.0, 11.0, "Too few patients.")


def released(analysis: str, instrument: str, estimates: tuple[Estimate, ...], *checks: Check) -> ReleasedResult:
    return ReleasedResult(
        analysis=analysis,
        title=analysis,
        estimand=Estimand("name", "patients", "", "", Endpoint(instrument, "week 12", "score"), "as observed", "mean"),
        method=Method("method", "How it was done."),
        estimates=estimates,
        provenance=Provenance("frame", ""),
        minimum_cell=11,
        checks=checks,
    )


def change(instrument: str, *checks: Check) -> ReleasedResult:
    of: dict[str, Any] = {"visit": "week 12", "instrument": instrument, "n_patients": 80}
    points: dict[str, Any] = {"unit": "points", **of}
    limits: dict[str, Any] = {"conf_low": -4.5, "conf_high": -2.5, "conf_level": 0.95}
    estimates = (
        Estimate(term="paired completeness", measure="proportion", estimate=0.8, **(of | {"n_patients": 100})),
        Estimate(term="baseline, completers", measure="mean", estimate=12.0, **points),
        Estimate(term="baseline, completers", measure="standard deviation", estimate=4.0, **points),
        Estimate(term="follow-up", measure="mean", estimate=8.5, **points),
        Estimate(term="follow-up", measure="standard deviation", estimate=5.0, **points),
        Estimate(term="change", measure="mean change", estimate=-3.5, **points, **limits),
    )
    return released("change_from_baseline", instrument, estimates, *checks)


def meaning(instrument: str, *checks: Check) -> ReleasedResult:
    classes = {"reliable improvement": 0.5, "no reliable change": 0.5, "reliable deterioration": 0.0}
    estimates = tuple(
        Estimate(term=term, measure="proportion", definition_set="rule", visit="week 12", estimate=value, n_patients=80)
        for term, value in classes.items()
    )
    return released("clinical_significance", instrument, estimates, *checks)


def results(*in_full: str) -> Results:
    entries = tuple(make(name) for name in ("PHQ-9", "GAD-7", "BDI-II") for make in (change, meaning))
    return Results("A title", entries, in_full=in_full)


def test_a_line_a_visit_holds_the_numbers_of_the_results() -> None:
    hidden = Estimate(term="change", measure="mean change", visit="week 4", n_patients=None, suppressed=True)
    early = replace(change("GAD-7"), estimates=(hidden, *change("GAD-7").estimates))
    table = instruments_in_brief([early, change("BDI-II")], [meaning("GAD-7")])
    assert table.row_groups == ("GAD-7", "GAD-7", "BDI-II")
    numbers = ("80 of 100", "12.0 (4.0)", "8.5 (5.0)", "−3.5 (−4.5 to −2.5)")
    assert table.rows[0] == ("week 4", "hidden", "–", "–", "hidden", "–", "–", "–")
    assert table.rows[1] == ("week 12", *numbers, "50%", "50%", "0%")
    assert table.rows[2] == ("week 12", *numbers, "–", "–", "–")
    assert any(note.startswith("hidden: not shown") for note in table.footnotes)


def test_what_is_withheld_is_not_told_in_brief_either() -> None:
    table = instruments_in_brief([change("GAD-7", NEVER)], [meaning("GAD-7", NEVER)])
    assert table.rows == (("week 12", "80 of 100", *("not reported",) * 6),)


@pytest.mark.parametrize(
    ("in_full", "told"),
    [((), ("PHQ-9",)), (("BDI-II", "PHQ-9"), ("PHQ-9", "BDI-II")), (("PCL-5",), ("PHQ-9",))],
)
def test_the_plan_says_which_are_told_in_full(in_full: tuple[str, ...], told: tuple[str, ...]) -> None:
    assert told_in_full(results(*in_full)) == told


def test_what_has_no_change_is_told_in_full() -> None:
    assert told_in_full(Results("A title", (change("PHQ-9"), meaning("GAD-7")))) == ("PHQ-9", "GAD-7")


def test_the_choice_goes_through_a_file_and_reasons_name_their_instrument(tmp_path: Path) -> None:
    some = Results("A title", (change("PHQ-9"), change("GAD-7", LOST), meaning("GAD-7")), in_full=("PHQ-9",))
    read = Results.read(some.write(tmp_path / "released.json"))
    assert read.in_full == ("PHQ-9",)
    assert brief_reasons(read, ("GAD-7",)) == ("GAD-7: Many were not scored again.",)
    (paragraph,) = brief_sentences(read, ("GAD-7",))
    assert paragraph.startswith("GAD-7: From baseline to week 12 the mean GAD-7")
    assert "improved reliably" in paragraph


def test_a_choice_that_is_no_list_is_refused(tmp_path: Path) -> None:
    path = results("PHQ-9").write(tmp_path / "released.json")
    path.write_text(
        path.read_text(encoding="utf-8").replace('"in_full": [\n  "PHQ-9"\n ]', '"in_full": "PHQ-9"'), "utf-8"
    )
    with pytest.raises(OptionError, match=r"released\.json, in_full: a list of instruments"):
        Results.read(path)
