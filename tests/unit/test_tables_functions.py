"""What each table says, cell by cell, on data small enough to count by hand; and the same released."""

import statistics

import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.instruments.definition_words import definition_set, definition_words
from katoutcomes.results.formatting import format_number
from katoutcomes.tables.footnotes import footnotes, group_label
from katoutcomes.tables.table import Table

BEFORE = [16, 14, 17, 19, 12, 20, 15, 18]
WEEK_4 = [4, 12, 15, 20, None, None, None, None]
WEEK_12 = [6, 10, None, 19, 11, 9, 14, 25]
ARM = ["usual"] * 4 + ["usual_and_more"] * 4

MARKED = kat.DisclosurePolicy(marks_small=True)


def data(times=1, treatment=None):
    """Eight patients, each `times` times."""
    people = pd.DataFrame(
        {
            "id": range(8 * times),
            "before": BEFORE * times,
            "arm": ARM * times,
            "age": [31, 40, 52, 25, 44, 44, 38, None] * times,
            "sex": ["f", "f", "m", "f", "m", "f", "f", "f"] * times,
            "smoker": [True, False, False, False, True, False, False, False] * times,
        }
    )
    frame = pd.concat(
        [people.assign(visit=name, score=scores * times) for name, scores in (("week 4", WEEK_4), ("week 12", WEEK_12))]
    )
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        instrument="PHQ-9",
        visits={"week 4": 28, "week 12": 84},
        treatment=treatment,
        comparator="usual" if treatment else None,
        treatment_known_by_day=0 if treatment else None,
        covariates=["age", "sex", "smoker"],
    )


def row_of(table: Table, *start: str):
    found = [row for row in table.rows if row[: len(start)] == start]
    assert len(found) == 1, (start, table.rows)
    return found[0][len(start) :]


def row_under(table: Table, heading: str, *start: str):
    """The row that begins so under the heading that begins so."""
    pairs = zip(table.row_groups, table.rows, strict=True)
    found = [row for group, row in pairs if group.startswith(heading) and row[: len(start)] == start]
    assert len(found) == 1, (heading, start)
    return found[0][len(start) :]


# --- flow ------------------------------------------------------------------------------------------------------------


def test_flow():
    table = kat.participant_flow(data()).to_table()
    assert table.name == "participant_flow_phq_9"
    assert table.columns == ("Step", "Patients", "Share", "95% CI")
    assert row_of(table, "in the data") == ("8", "", "")
    assert row_of(table, "week 4")[:2] == ("4 of 8", "50%")
    assert row_of(table, "week 12")[:2] == ("7 of 8", "88%")


def test_flow_of_groups_and_released():
    table = kat.release(kat.participant_flow(data(20, "arm")), MARKED).to_table()
    assert row_of(table, "week 4")[:2] == ("80 of 160", "50.0%")
    assert row_of(table, "week 4, usual")[:2] == ("80 of 80", "100%")
    assert row_of(table, "week 4, usual and more")[:2] == ("0 of 80", "0%")
    few = kat.release(kat.participant_flow(data(2)), MARKED).to_table()
    assert row_of(few, "in the data") == ("16", "", "")
    assert row_of(few, "week 4") == ("<11 of 16", "hidden", "hidden")


# --- description -----------------------------------------------------------------------------------------------------


def test_description():
    table = kat.describe(data()).to_table()
    assert table.columns == ("", "all patients: known", "all patients")
    assert row_of(table, "Patients") == ("", "8")
    ages = [31, 40, 52, 25, 44, 44, 38]
    mean, sd = statistics.mean(ages), statistics.stdev(ages)
    assert row_of(table, "age: mean (SD)") == ("7", f"{format_number(mean, 2)} ({format_number(sd, 2)})")
    assert row_of(table, "age: median (quartiles)") == ("7", "40 (34.5 to 44)")
    assert row_of(table, "PHQ-9 at baseline (points): mean (SD)") == ("8", "16.4 (2.7)")
    assert row_of(table, "sex: f") == ("8", "6 (75%)")
    assert row_of(table, "smoker") == ("8", "2 (25%)")


def test_description_of_two_groups():
    table = kat.describe(data(treatment="arm")).to_table()
    assert table.columns[1::2] == ("all patients: known", "usual: known", "usual and more: known", table.columns[-1])
    assert table.columns[-1] == "Standardized mean difference"
    assert row_of(table, "age: mean (SD)")[2] == "4"
    assert row_of(table, "age: mean (SD)")[4] == "3"
    assert row_of(table, "age: mean (SD)")[-1] != ""
    assert row_of(table, "age: median (quartiles)")[-1] == ""
    assert row_of(table, "sex: f")[-1] == "0.00"
    assert any("usual and more minus usual" in note for note in table.footnotes)
    assert not any("p-value" in column for column in table.columns)


def test_description_released():
    table = kat.release(kat.describe(data(5)), MARKED).to_table()
    assert row_of(table, "Patients") == ("", "40")
    assert row_of(table, "sex: f") == ("40", "hidden")  # ten are male
    assert row_of(table, "sex: m") == ("40", "<11")
    assert row_of(table, "smoker") == ("40", "<11")


# --- change ----------------------------------------------------------------------------------------------------------


def test_change():
    table = kat.change_from_baseline(data()).to_table()
    assert table.name == "change_from_baseline_phq_9"
    assert table.columns[0] == "Visit"
    assert "Group" not in table.columns
    cells = dict(zip(table.columns[1:], row_of(table, "week 4"), strict=True))
    assert cells["With both scores, of those with a baseline"] == "4 of 8"
    assert cells["Baseline of all, mean (SD)"] == "16.4 (2.7)"
    assert cells["Baseline of those seen, mean (SD)"] == "16.5 (2.1)"
    assert cells["Follow-up, mean (SD)"] == "12.8 (6.7)"
    assert cells["Mean change (95% CI)"].startswith("−3.8 (−12.8 to 5.3)")
    assert cells["d_av (95% CI)"].startswith("−0.76 (")
    assert "d_z (95% CI)" not in cells
    assert cells["p"] == "0.28"


@pytest.mark.parametrize(("effect", "number"), [("d_z", "−0.66"), ("hedges_d_z", "−0.48"), ("delta_pre", "−1.80")])
def test_change_with_another_effect_size(effect, number):
    table = kat.change_from_baseline(data()).to_table(effect=effect)
    cells = dict(zip(table.columns[1:], row_of(table, "week 4"), strict=True))
    assert cells[f"{effect} (95% CI)"].startswith(number)
    assert any(note.startswith(f"{effect} is the mean change over the SD of the") for note in table.footnotes)
    assert ("corrected for small samples" in " ".join(table.footnotes)) == effect.startswith("hedges")


def test_change_with_an_unknown_effect_size():
    with pytest.raises(OptionError, match="effect"):
        kat.change_from_baseline(data()).to_table(effect="cohens_d")


def test_change_with_subgroups_and_selection():
    result = kat.change_from_baseline(
        data(8), by="sex", selection=kat.SelectionRule(referral_mean=14.0, reliabilities=(0.6, 0.8))
    )
    table = result.to_table()
    assert table.columns[8:] == (
        "Regression to the mean (least to most)",
        "Change minus it (least to most)",
        "Difference from the first subgroup",
        "p of the difference (adjusted)",
    )
    assert row_under(table, "all patients", "week 4")[9:] == ("–", "–")
    assert " to " in row_under(table, "all patients", "week 4")[7]
    assert "Welch" in " ".join(table.footnotes)


def test_change_in_detail():
    result = kat.change_from_baseline(data(), margin=3.0)
    table = result.to_table("details", visit="week 4")
    assert table.name == "change_from_baseline_phq_9_details"
    assert set(table.row_groups) == {"week 4, all patients"}
    number, df, p_value, patients = row_of(table, "mean change, points")
    assert (number[:4], df, p_value, patients) == ("−3.8", "3", "0.28", "4")
    assert row_of(table, "score change: improved")[3] == "3 of 4"
    assert row_of(table, "non-inferiority, points")[1] == "3"
    assert result.method.description in table.footnotes
    with pytest.raises(OptionError, match="visit"):
        result.to_table("details", visit="week 40")
    with pytest.raises(OptionError, match="no further table"):
        result.to_table("more")


def test_change_names_its_effect_sizes_and_the_level():
    table = kat.change_from_baseline(data(), conf_level=0.9).to_table()
    assert "Mean change (90% CI)" in table.columns
    notes = " ".join(table.footnotes)
    assert "d_av is the mean change over the root mean square" in notes
    assert "one degree of freedom less" in notes


def test_change_of_groups_released():
    released = kat.release(kat.change_from_baseline(data(4, "arm")), MARKED)
    table = released.to_table()
    assert row_under(table, "all patients", "week 12")[0] == "28"  # of 32: the 4 without are few, so the 32 are hidden
    assert row_under(table, "all patients", "week 12")[1] == "hidden"
    # All 16 of this group have a score at week 12, so nobody follows from the 16.
    assert row_under(table, "usual and more", "week 4") == ("0 of 16", "16.5 (3.0)", *["–"] * 5)
    notes = " ".join(table.footnotes)
    assert "hidden: not shown" in notes
    assert "–: does not apply" in notes
    one = kat.release(kat.change_from_baseline(data()), MARKED).to_table()
    assert set(row_of(one, "week 12")) == {"<11", "hidden"}


# --- clinical significance -------------------------------------------------------------------------------------------


def test_clinical_significance():
    table = kat.clinical_significance(data()).to_table()
    service = "NHS Talking Therapies reliable change (reliable change threshold 6 points)"
    assert service in table.row_groups
    assert any(
        group.startswith("Jacobson and Truax (reliable change threshold 5.61 points") for group in table.row_groups
    )
    # From 16 to 6, 14 to 10, 19 to 19, 12 to 11, 20 to 9, 15 to 14, 18 to 25.
    assert row_under(table, "NHS", "reliable improvement")[:2] == ("2 of 7", "29%")
    assert row_under(table, "NHS", "no reliable change")[:2] == ("4 of 7", "57%")
    assert row_under(table, "NHS", "reliable deterioration")[:2] == ("1 of 7", "14%")
    assert row_under(table, "NHS", "recovery (of those at caseness at baseline)")[:2] == ("2 of 7", "29%")
    assert row_under(table, "Patients with both", "paired completeness")[:2] == ("7 of 8", "88%")
    notes = " ".join(table.footnotes)
    assert "NHS Talking Therapies reliable change: NHS Talking Therapies (IAPT) rule" in notes
    assert "phq9/" not in notes
    assert "r = 0.89 (internal consistency" in notes
    assert "compare only shares of one definition" in notes


def test_clinical_significance_of_groups_released():
    table = kat.release(kat.clinical_significance(data(9, "arm")), MARKED).to_table()
    assert table.columns[1] == "Group"
    assert row_under(table, "NHS", "reliable improvement", "all patients") == ("18 of 63", "29%", "18% to 41%")
    assert row_under(table, "NHS", "reliable deterioration", "all patients")[0] == "<11 of 63"
    assert row_under(table, "NHS", "no reliable change", "all patients")[0] == "hidden of 63"
    assert any(note.startswith("<11: fewer than 11") for note in table.footnotes)


# --- cohort difference -----------------------------------------------------------------------------------------------


def test_cohort_difference():
    result = kat.cohort_difference(data(3, "arm"))
    table = result.to_table()
    contrast = "usual and more minus usual"
    adjusted = row_under(table, "Score at the visit, adjusted", contrast)
    assert adjusted[0] == "21"
    assert adjusted[4] == "18"  # 21 patients less three coefficients
    assert row_under(table, "Change from baseline, not adjusted", contrast)[0] == "21"
    assert row_under(table, "Patients with both", "usual")[:2] == ("9 of 12", "75%")
    assert row_under(table, "Baseline score", contrast)[0] == "24"
    assert table.row_groups[0].startswith("Score at the visit, adjusted")
    assert any("not an effect" in note for note in table.footnotes)
    assert any(
        note.startswith("Verdict: withhold. The smaller cohort has too few patients") for note in table.footnotes
    )


def test_cohort_difference_released_hides_every_number_of_a_hidden_row():
    table = kat.release(kat.cohort_difference(data(3, "arm")), MARKED).to_table()
    assert set(row_under(table, "Score at the visit, adjusted", "usual")) == {"<11", "hidden"}
    assert set(row_under(table, "Score at the visit, adjusted", "usual and more minus usual")) == {"hidden"}


# --- data quality ----------------------------------------------------------------------------------------------------


def registry(n_broken):
    n_patients = 60
    patients = pd.DataFrame({"patient_id": [f"P{number:03d}" for number in range(n_patients)], "age_years": 40})
    patients.loc[: n_broken - 1, "age_years"] = 7
    sessions = pd.DataFrame(
        {"session_id": ["S1"], "patient_id": [f"P{n_patients - 1:03d}"], "day": [0], "kind": ["dosing"]}
    )
    return kat.read_registry({"patients": patients, "sessions": sessions}, is_synthetic=True)


def test_data_quality():
    table = kat.data_quality(registry(20)).to_table()
    assert row_under(table, "Rows of each table", "patients") == ("60", "40", "20")
    broken = [row for group, row in zip(table.row_groups, table.rows, strict=True) if group.startswith("Why")]
    assert len(broken) == 1
    assert broken[0][0].startswith("patients, column age_years: ")
    assert broken[0][1:] == ("", "", "20")
    assert "Synthetic data: made by a program, not by patients." in table.footnotes


def test_data_quality_released():
    table = kat.release(kat.data_quality(registry(3)), MARKED).to_table()
    assert row_under(table, "Rows of each table", "patients") == ("hidden", "57", "<11")
    assert next(row for row in table.rows if "age_years" in row[0])[3] == "<11"


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("phq9/nhs_talking_therapies_caseness", "NHS Talking Therapies caseness"),
        ("phq9/kroenke_2001_caseness", "Kroenke 2001, caseness"),
        ("jacobson_truax", "Jacobson and Truax"),
        ("my scale/half", "half"),
    ],
)
def test_names_of_definitions(identifier, words):
    assert definition_words(identifier) == words


def test_definition_sets_outside_the_catalog_are_not_made_up():
    assert definition_set("my_scale/half") is None
    assert definition_set("phq9/unheard_of") is None
    assert definition_set("phq9/nhs_talking_therapies_caseness").value == 10


def test_group_labels_and_marks():
    assert group_label("site: St. John: west") == "St. John: west"
    result = kat.describe(data())
    assert not any(note.startswith(("<", "hidden")) for note in footnotes(result, [("a", "1")]))
    assert footnotes(result, [("a", "1")], "", "Own note.")[0] == "Own note."
